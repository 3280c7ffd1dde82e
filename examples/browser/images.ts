/** Images of digits: on canvases, and from what somebody drew. */
import { classes, pixels } from "../digits/digits.ts";
import type { DigitSet } from "../digits/digits.ts";
import { context, make } from "./elements.ts";

const side: number = Math.sqrt(pixels);

/** Black ink on nothing; dark pages turn it round. */
export function show(canvas: HTMLCanvasElement, image: Float32Array): void {
  const data = new ImageData(side, side);
  image.forEach((ink, i) => (data.data[i * 4 + 3] = Math.round(ink * 255)));
  const small = make("canvas", { width: side, height: side });
  context(small).putImageData(data, 0, 0);
  const onto = context(canvas);
  onto.clearRect(0, 0, canvas.width, canvas.height);
  onto.drawImage(small, 0, 0, canvas.width, canvas.height);
}

export const imageAt = (set: DigitSet, row: number): Float32Array => set.images.slice(row * pixels, (row + 1) * pixels);

/** Rows of a set that show every digit alike often, in turns. */
export function someOfEach(set: DigitSet, count: number): number[] {
  const rows = Array.from({ length: classes }, (_, digit) => [...set.labels.keys()].filter((row) => set.labels[row] === digit));
  return Array.from({ length: count }, (_, i) => {
    const own = rows[i % classes] ?? [];
    const turn = Math.floor(i / classes);
    return own[Math.floor(((turn + 0.5) * own.length * classes) / count)] ?? 0;
  });
}

/** How dark each pixel of a canvas is, from 0 to 1. */
function inkOf(canvas: HTMLCanvasElement): Float32Array {
  const { data } = context(canvas).getImageData(0, 0, canvas.width, canvas.height);
  return Float32Array.from({ length: data.length / 4 }, (_, i) => (data[i * 4 + 3] ?? 0) / 255);
}

interface Extent {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest rectangle around the ink, or null where there is none. */
function extentOf(ink: Float32Array, width: number): Extent | null {
  const dark = [...ink.keys()].filter((i) => (ink[i] ?? 0) > 0.1);
  if (dark.length === 0) return null;
  const bounds = (of: (i: number) => number): [number, number] =>
    dark.reduce<[number, number]>(([low, high], i) => [Math.min(low, of(i)), Math.max(high, of(i))], [Infinity, -Infinity]);
  const [left, right] = bounds((i) => i % width);
  const [top, bottom] = bounds((i) => Math.floor(i / width));
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** The middle of the ink, as a share of pixels from the left and from the top. */
function middleOf(ink: Float32Array): readonly [number, number] {
  const total = ink.reduce((sum, x) => sum + x, 0);
  const along = (of: (i: number) => number): number => ink.reduce((sum, x, i) => sum + x * (of(i) + 0.5), 0) / total;
  return [along((i) => i % side), along((i) => Math.floor(i / side))];
}

/** A drawing as the digits of the set are made: 20 pixels at its longest, its mass in the middle of 28. Null where nothing is drawn. */
export function drawnDigit(canvas: HTMLCanvasElement): Float32Array | null {
  const from = extentOf(inkOf(canvas), canvas.width);
  if (from === null) return null;
  const scale = 20 / Math.max(from.width, from.height);
  const [width, height] = [from.width * scale, from.height * scale];
  const place = (x: number, y: number): Float32Array => {
    const small = make("canvas", { width: side, height: side });
    const onto = context(small);
    onto.imageSmoothingQuality = "high";
    onto.drawImage(canvas, from.left, from.top, from.width, from.height, x, y, width, height);
    return inkOf(small);
  };
  const [x, y] = [(side - width) / 2, (side - height) / 2];
  const [middleX, middleY] = middleOf(place(x, y));
  return place(x + side / 2 - middleX, y + side / 2 - middleY);
}
