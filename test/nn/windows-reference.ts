/** Convolution and pooling by loops over single elements, of any rank, with their derivatives: what the library is compared to. */
import { at } from "../../compiler/ir/errors.ts";
import { sizeOf, stridesOf } from "../../compiler/ir/shape.ts";
import { sequence } from "../ops/samples.ts";

export interface Dense {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const zeros = (shape: readonly number[]): Dense => ({ shape, data: new Float64Array(sizeOf(shape)) });
export function random(shape: readonly number[], seed: number): Dense {
  const next = sequence(seed);
  return { shape, data: zeros(shape).data.map(() => Math.round((next() * 2 - 1) * 64) / 16) };
}

const flat = (shape: readonly number[], index: readonly number[]): number => stridesOf(shape).reduce((sum, s, i) => sum + s * at(index, i), 0);

/** Every index of a shape, in row-major order. */
export function* indices(shape: readonly number[]): Generator<readonly number[]> {
  const strides = stridesOf(shape);
  for (let i = 0; i < sizeOf(shape); i++) yield shape.map((n, axis) => Math.floor(i / at(strides, axis)) % n);
}

export interface Axes {
  readonly stride: readonly number[];
  readonly low: readonly number[];
  readonly dilation: readonly number[];
}

/** One product of a convolution: which element of the result, of x and of the weight take part. */
type Product = (y: number, x: number, w: number) => void;

interface Convolution extends Axes {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly y: readonly number[];
  readonly groups: number;
}

/** Calls `visit` for every product of y = conv(x, w): shapes (n, c, …), (out, c / groups, …), (n, out, …). */
export function eachProduct({ x, w, y, stride, low, dilation, groups }: Convolution, visit: Product): void {
  const [channels, results] = [at(w, 1), at(y, 1) / groups];
  for (const out of indices(y)) {
    const group = Math.floor(at(out, 1) / results);
    for (const [c = 0, ...tap] of indices(w.slice(1))) {
      const place = tap.map((k, i) => at(out, i + 2) * at(stride, i) + k * at(dilation, i) - at(low, i));
      if (place.some((p, i) => p < 0 || p >= at(x, i + 2))) continue;
      visit(flat(y, out), flat(x, [at(out, 0), group * channels + c, ...place]), flat(w, [at(out, 1), c, ...tap]));
    }
  }
}

/** Elements of x in each window of a pooling, by the element of the result; -1 for padding inside of `limit`. */
export function windowsOf(x: readonly number[], y: readonly number[], sizes: readonly number[], { stride, low, dilation }: Axes): number[][] {
  return Array.from(indices(y), (out) =>
    Array.from(indices(sizes), (tap) => {
      const place = tap.map((k, i) => at(out, i + 2) * at(stride, i) + k * at(dilation, i) - at(low, i));
      if (place.some((p, i) => p >= at(x, i + 2) + at(low, i))) return -2;
      return place.some((p, i) => p < 0 || p >= at(x, i + 2)) ? -1 : flat(x, [...out.slice(0, 2), ...place]);
    }),
  );
}
