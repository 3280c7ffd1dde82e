/** Adaptive pooling: as many windows as are asked for, as even as whole elements allow. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { typeText } from "../../compiler/ir/shape.ts";
import { add, cast, divide, less, multiply, quotient, subtract, where } from "../../compiler/ops/arithmetic.ts";
import { neutral } from "../../compiler/ops/extremes.ts";
import { gather } from "../../compiler/ops/gather.ts";
import { reduceFirstMax } from "../../compiler/ops/reductions.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { broadcast, reduceSum } from "../../compiler/ops/views.ts";
import { window } from "../../compiler/ops/windows.ts";
import type { Lazy } from "../handle.ts";
import { floating, handleOf, numberElements } from "../operands.ts";
import { lastAxes, seq } from "./axes.ts";
import { batched } from "./windows.ts";

/** How many windows: for all axes, or for each (null: as many as it has elements). */
export type OutputSize = number | readonly (number | null)[];

function countsFor(op: string, x: TensorType, rank: number, given: OutputSize): readonly number[] {
  const lengths = x.shape.slice(-rank);
  const list = typeof given === "number" ? lengths.map(() => given) : given;
  const counts = list.map((n, i) => n ?? lengths[i] ?? 0);
  if (counts.length !== rank || !counts.every((n) => Number.isSafeInteger(n) && n >= 1))
    throw new ShapeError(`${op}: outputSize ${JSON.stringify(given)}: give a whole number from 1 on, or a list of ${rank} (null keeps an axis).`);
  if (lengths.includes(0)) throw new ShapeError(`${op}: ${typeText(x)} has no elements along an axis that is pooled.`);
  return counts;
}

/** Windows along some axes, in `places` of the value; what no window holds counts as the fill. */
interface Bins {
  readonly values: Value;
  readonly places: readonly number[];
  /** Elements of each window, of the shape of the result: one number where all have as many. */
  readonly counts: Value | number;
}

function binsOf(x: Value, counts: readonly number[], fill: number): Bins {
  const rank = counts.length;
  const lengths = x.shape.slice(-rank);
  const sizes = lengths.map((n, i) => n / at(counts, i));
  if (sizes.every((k) => Number.isInteger(k))) {
    const values = window(x, lastAxes(x.shape.length, rank), sizes, sizes);
    return { values, places: lastAxes(values.shape.length, rank), counts: sizes.reduce((a, b) => a * b, 1) };
  }
  return unevenBins(x, counts, fill);
}

/** Window o of an axis of n elements holds those from floor(o·n / count) up to ceil((o + 1)·n / count). */
function unevenBins(x: Value, counts: readonly number[], fill: number): Bins {
  const rank = counts.length;
  const first = x.shape.length - rank;
  const shape = [...x.shape.slice(0, first), ...counts];
  let values = x;
  let sizes: Value | null = null;
  for (const i of seq(rank).toReversed()) {
    const [axis, count, n] = [first + i, at(counts, i), at(x.shape, first + i)];
    const [begin, end] = edgesOf(count, n);
    const longest = Math.max(...seq(count).map((o) => Math.ceil(((o + 1) * n) / count) - Math.floor((o * n) / count)));
    const grid = [count, longest];
    const place = add(broadcast(begin, grid, [0]), iotaValue(grid, 1, "int32"));
    const isIn = less(place, broadcast(end, grid, [0]));
    const picked = gather(values, place, axis);
    values = where(broadcast(isIn, picked.shape, [axis, axis + 1]), picked, fill);
    const spread = broadcast(cast(subtract(end, begin), x.dtype), shape, [axis]);
    sizes = sizes === null ? spread : multiply(sizes, spread);
  }
  return { values, places: seq(rank).map((i) => first + 2 * i + 1), counts: sizes ?? 1 };
}

function edgesOf(count: number, n: number): readonly [Value, Value] {
  const o = multiply(iotaValue([count], 0, "int32"), n);
  return [quotient(o, count), quotient(add(o, n + count - 1), count)];
}

/** The mean of each of so many windows of the last axes. */
export function averageInto(x: Value, counts: readonly number[]): Value {
  const bins = binsOf(x, counts, 0);
  return divide(reduceSum(bins.values, bins.places), bins.counts);
}

function adaptiveAvgPool<T extends Lazy>(op: string, rank: number, x: T, outputSize: OutputSize): T {
  const { batch, unbatch } = batched(op, floating(op, handleOf(op, x)), rank);
  return x.wrap(unbatch(averageInto(batch, countsFor(op, x.type, rank, outputSize))));
}

function adaptiveMaxPool<T extends Lazy>(op: string, rank: number, x: T, outputSize: OutputSize): T {
  const { batch, unbatch } = batched(op, numberElements(op, handleOf(op, x)), rank);
  const { values, places } = binsOf(batch, countsFor(op, x.type, rank, outputSize), neutral("max"));
  return x.wrap(unbatch(reduceFirstMax(values, places)));
}

/**
 * The mean of each of `outputSize` windows, as even as whole elements allow (they may overlap by one): (batch, channels, length) →
 * the same with axes of these lengths, without the batch where x has none. 1 pools whole axes. Floats; integers become floats. Throws a ShapeError where
 * sizes do not fit.
 *
 * @example
 * adaptiveAvgPool1d(tensor([[1, 3, 2, 6]]), 2); // → tensor([[2, 4]])
 */
export function adaptiveAvgPool1d<T extends Lazy>(x: T, outputSize: OutputSize): T {
  return adaptiveAvgPool("adaptiveAvgPool1d", 1, x, outputSize);
}

/**
 * The mean of each of `outputSize` windows, as even as whole elements allow (they may overlap by one): (batch, channels, height, width) →
 * the same with axes of these lengths, without the batch where x has none. 1 pools whole axes. Floats; integers become floats. Throws a ShapeError where
 * sizes do not fit.
 *
 * @example
 * adaptiveAvgPool2d(tensor([[[1, 2], [3, 6]]]), 1); // → tensor([[[3]]])
 */
export function adaptiveAvgPool2d<T extends Lazy>(x: T, outputSize: OutputSize): T {
  return adaptiveAvgPool("adaptiveAvgPool2d", 2, x, outputSize);
}

/**
 * The mean of each of `outputSize` windows, as even as whole elements allow (they may overlap by one): (batch, channels, depth, height, width) →
 * the same with axes of these lengths, without the batch where x has none. 1 pools whole axes. Floats; integers become floats. Throws a ShapeError where
 * sizes do not fit.
 *
 * @example
 * adaptiveAvgPool3d(ones([1, 2, 5, 4, 3]), [2, 2, null]).shape; // → [ 1, 2, 2, 2, 3 ]
 */
export function adaptiveAvgPool3d<T extends Lazy>(x: T, outputSize: OutputSize): T {
  return adaptiveAvgPool("adaptiveAvgPool3d", 3, x, outputSize);
}

/**
 * The greatest element of each of `outputSize` windows, as even as whole elements allow (they may overlap by one): (batch, channels, length) →
 * the same with axes of these lengths, without the batch where x has none. 1 pools whole axes. The derivative goes to the first greatest element. Throws a ShapeError where
 * sizes do not fit.
 *
 * @example
 * adaptiveMaxPool1d(tensor([[1, 3, 2, 6, 5]]), 2); // → tensor([[3, 6]])
 */
export function adaptiveMaxPool1d<T extends Lazy>(x: T, outputSize: OutputSize): T {
  return adaptiveMaxPool("adaptiveMaxPool1d", 1, x, outputSize);
}

/**
 * The greatest element of each of `outputSize` windows, as even as whole elements allow (they may overlap by one): (batch, channels, height, width) →
 * the same with axes of these lengths, without the batch where x has none. 1 pools whole axes. The derivative goes to the first greatest element. Throws a ShapeError where
 * sizes do not fit.
 *
 * @example
 * adaptiveMaxPool2d(tensor([[[1, 2], [3, 6]]]), 1); // → tensor([[[6]]])
 */
export function adaptiveMaxPool2d<T extends Lazy>(x: T, outputSize: OutputSize): T {
  return adaptiveMaxPool("adaptiveMaxPool2d", 2, x, outputSize);
}

/**
 * The greatest element of each of `outputSize` windows, as even as whole elements allow (they may overlap by one): (batch, channels, depth, height, width) →
 * the same with axes of these lengths, without the batch where x has none. 1 pools whole axes. The derivative goes to the first greatest element. Throws a ShapeError where
 * sizes do not fit.
 *
 * @example
 * adaptiveMaxPool3d(ones([1, 2, 5, 4, 3]), [2, 2, null]).shape; // → [ 1, 2, 2, 2, 3 ]
 */
export function adaptiveMaxPool3d<T extends Lazy>(x: T, outputSize: OutputSize): T {
  return adaptiveMaxPool("adaptiveMaxPool3d", 3, x, outputSize);
}
