/** What the example knows of handwritten digits: their size, and which of them are for testing. Where they come from is another matter. */

export const pixels: number = 28 * 28;
export const classes = 10;

/** Images row after row, their pixels from 0 to 1, and the digit that each shows. */
export interface DigitSet {
  readonly images: Float32Array;
  readonly labels: Int32Array;
  readonly count: number;
}

export interface Digits {
  readonly train: DigitSet;
  readonly test: DigitSet;
}

/** Every fifth image of a digit is for testing. */
const forTest = (image: number): boolean => image % 5 === 4;

function collect(digits: readonly ArrayLike<number>[], wanted: (image: number) => boolean): DigitSet {
  const picked = digits.flatMap((data, label) =>
    Array.from({ length: data.length / pixels }, (_, image) => ({ data, label, image })).filter(({ image }) => wanted(image)),
  );
  const images = new Float32Array(picked.length * pixels);
  picked.forEach(({ data, image }, row) => {
    for (let p = 0; p < pixels; p++) images[row * pixels + p] = data[image * pixels + p] ?? Number.NaN;
  });
  return { images, labels: Int32Array.from(picked, ({ label }) => label), count: picked.length };
}

/** Both sets, from the images of each digit as one flat list of pixels. */
export function splitDigits(digits: readonly ArrayLike<number>[]): Digits {
  return { train: collect(digits, (image) => !forTest(image)), test: collect(digits, forTest) };
}
