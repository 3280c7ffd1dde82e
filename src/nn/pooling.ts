/** Pooling: the greatest or the mean element of windows that move along the last axes. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape, TensorType } from "../../compiler/ir/shape.ts";

import { cast, divide, maximum, minimum, multiply, subtract } from "../../compiler/ops/arithmetic.ts";
import { neutral } from "../../compiler/ops/extremes.ts";
import { reduceFirstMax } from "../../compiler/ops/reductions.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { broadcast, pad, reduceSum, slice } from "../../compiler/ops/views.ts";
import { window } from "../../compiler/ops/windows.ts";
import type { Lazy } from "../handle.ts";
import { floating, handleOf, numberElements } from "../operands.ts";
import { lastAxes, seq } from "./axes.ts";
import type { PerAxis } from "./windows.ts";
import { batched, perAxis, reachOf, requireRoom } from "./windows.ts";

interface PoolOptions {
  /** Elements from one window to the next; the window's own size by default, so that windows lie side by side. */
  readonly stride?: PerAxis | null;
  /** Elements added on both sides, at most half a window; 0 by default. */
  readonly padding?: PerAxis;
  /** Whether a last window may reach beyond the end, as long as it starts before it. */
  readonly ceilMode?: boolean;
}

export interface MaxPoolOptions extends PoolOptions {
  /** Elements from one element of a window to the next; 1 by default. */
  readonly dilation?: PerAxis;
}

export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts as elements (zeros) of the mean; true by default. */
  readonly countIncludePad?: boolean;
  /** Divides the sum of a window in place of the number of its elements. */
  readonly divisorOverride?: number | null;
}

interface Pool {
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  /** Windows along each axis. */
  readonly counts: readonly number[];
  /** Elements that have to stand behind the last one. */
  readonly high: readonly number[];
}

function poolOf(op: string, x: TensorType, rank: number, kernelSize: PerAxis, options: MaxPoolOptions): Pool {
  const sizes = perAxis(op, "kernelSize", kernelSize, rank, 1);
  const strides = perAxis(op, "stride", options.stride ?? sizes, rank, 1);
  const padding = perAxis(op, "padding", options.padding ?? 0, rank, 0);
  const dilation = perAxis(op, "dilation", options.dilation ?? 1, rank, 1);
  const reach = reachOf(sizes, dilation);
  const wide = padding.findIndex((p, i) => 2 * p > at(reach, i));
  if (wide >= 0) throw new ShapeError(`${op}: padding ${at(padding, wide)} is more than half of the window, which covers ${at(reach, wide)}. Pad less.`);
  const lengths = x.shape.slice(-rank);
  requireRoom(op, x, lengths, reach, { low: padding, high: padding });
  const counts = lengths.map((n, i) => {
    const [stride, room] = [at(strides, i), n + 2 * at(padding, i) - at(reach, i)];
    if (options.ceilMode !== true) return Math.floor(room / stride) + 1;
    const most = Math.ceil(room / stride) + 1;
    return (most - 1) * stride >= n + at(padding, i) ? most - 1 : most;
  });
  const high = counts.map((c, i) => Math.max(0, (c - 1) * at(strides, i) + at(reach, i) - at(lengths, i) - at(padding, i)));
  return { sizes, strides, padding, dilation, counts, high };
}

/** The windows of `x`, one axis a size appended. */
function windowsOf(x: Value, { sizes, strides, padding, dilation, counts, high }: Pool, fill: number): Value {
  const rank = sizes.length;
  const zeros = x.shape.slice(0, -rank).map(() => 0);
  const padded = pad(x, fill, [...zeros, ...padding], [...zeros, ...high]);
  const all = window(padded, lastAxes(x.shape.length, rank), reachOf(sizes, dilation), strides);
  const shape = [...x.shape.slice(0, -rank), ...counts, ...sizes];
  const steps = [...shape.slice(0, -rank).map(() => 1), ...dilation];
  const start = shape.map(() => 0);
  return steps.every((s) => s === 1) ? all : slice(all, start, shape, steps);
}

/** The last axes of a value of this rank, to be reduced. */
const appended = (x: Value, count: number): number[] => lastAxes(x.shape.length, count);

function maxPool<T extends Lazy>(op: string, rank: number, x: T, kernelSize: PerAxis, options: MaxPoolOptions): T {
  const { batch, unbatch } = batched(op, numberElements(op, handleOf(op, x)), rank);
  const windows = windowsOf(batch, poolOf(op, x.type, rank, kernelSize, options), neutral("max"));
  return x.wrap(unbatch(reduceFirstMax(windows, appended(windows, rank))));
}

function avgPool<T extends Lazy>(op: string, rank: number, x: T, kernelSize: PerAxis, options: AvgPoolOptions): T {
  const { batch, unbatch } = batched(op, floating(op, handleOf(op, x)), rank);
  const pool = poolOf(op, x.type, rank, kernelSize, { ...options, dilation: 1 });
  const windows = windowsOf(batch, pool, 0);
  const sums = reduceSum(windows, appended(windows, rank));
  const { divisorOverride: given } = options;
  if (given === 0) throw new ShapeError(`${op}: divisorOverride 0 divides nothing. Leave it out, or give another number.`);
  return x.wrap(unbatch(divide(sums, given ?? countsOf(sums, batch.shape.slice(-rank), pool, options.countIncludePad !== false))));
}

/** How many elements each window has: one number where all have as many. */
function countsOf(sums: Value, lengths: Shape, pool: Pool, withPadding: boolean): Value | number {
  let constant = 1;
  let varying: Value | null = null;
  for (const [i, length] of lengths.entries()) {
    const [size, stride, padding] = [at(pool.sizes, i), at(pool.strides, i), at(pool.padding, i)];
    const [from, to] = withPadding ? [-padding, length + padding] : [0, length];
    const count = (start: number): number => Math.min(start + size, to) - Math.max(start, from);
    const all = seq(at(pool.counts, i)).map((k) => count(k * stride - padding));
    if (all.every((n) => n === all[0])) {
      constant *= all[0] ?? 1;
      continue;
    }
    const starts = subtract(multiply(iotaValue([all.length], 0, "int32"), stride), padding);
    const counts = cast(subtract(minimum(subtract(starts, -size), to), maximum(starts, from)), sums.dtype);
    const spread = broadcast(counts, sums.shape, [sums.shape.length - lengths.length + i]);
    varying = varying === null ? spread : multiply(varying, spread);
  }
  if (varying === null) return constant;
  return constant === 1 ? varying : multiply(varying, constant);
}

/**
 * The greatest element of each window: (batch, channels, length) → (batch, channels, length'), without the batch where x has none.
 * Padding counts as -Infinity. The derivative goes to the first greatest element. Throws a ShapeError where sizes do not fit.
 *
 * @example
 * maxPool1d(tensor([[1, 3, 2, 5]]), 2); // → tensor([[3, 5]])
 */
export function maxPool1d<T extends Lazy>(x: T, kernelSize: PerAxis, options: MaxPoolOptions = {}): T {
  return maxPool("maxPool1d", 1, x, kernelSize, options);
}

/**
 * The greatest element of each window: (batch, channels, height, width) → (batch, channels, height', width'), without the batch where
 * x has none. Padding counts as -Infinity. The derivative goes to the first greatest element. Throws a ShapeError where sizes do not fit.
 *
 * @example
 * maxPool2d(tensor([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]), 2, { stride: 1 }); // → tensor([[[5, 6], [8, 9]]])
 */
export function maxPool2d<T extends Lazy>(x: T, kernelSize: PerAxis, options: MaxPoolOptions = {}): T {
  return maxPool("maxPool2d", 2, x, kernelSize, options);
}

/**
 * The greatest element of each window: (batch, channels, depth, height, width) → the same with shorter axes, without the batch where x
 * has none. Padding counts as -Infinity. The derivative goes to the first greatest element. Throws a ShapeError where sizes do not fit.
 *
 * @example
 * maxPool3d(ones([1, 1, 4, 4, 4]), 2).shape; // → [ 1, 1, 2, 2, 2 ]
 */
export function maxPool3d<T extends Lazy>(x: T, kernelSize: PerAxis, options: MaxPoolOptions = {}): T {
  return maxPool("maxPool3d", 3, x, kernelSize, options);
}

/**
 * The mean of each window: (batch, channels, length) → (batch, channels, length'), without the batch where x has none. Floats; integers
 * become floats. Throws a ShapeError where sizes do not fit.
 *
 * @example
 * avgPool1d(tensor([[1, 3, 2, 6]]), 2); // → tensor([[2, 4]])
 */
export function avgPool1d<T extends Lazy>(x: T, kernelSize: PerAxis, options: AvgPoolOptions = {}): T {
  return avgPool("avgPool1d", 1, x, kernelSize, options);
}

/**
 * The mean of each window: (batch, channels, height, width) → (batch, channels, height', width'), without the batch where x has none.
 * Floats; integers become floats. Throws a ShapeError where sizes do not fit.
 *
 * @example
 * avgPool2d(ones([1, 3, 3], { face: "tensor" }), 2, { padding: 1 }); // → tensor([[[0.2500, 0.5000], [0.5000, 1.0000]]])
 * avgPool2d(ones([1, 3, 3], { face: "tensor" }), 2, { padding: 1, countIncludePad: false }); // → tensor([[[1, 1], [1, 1]]])
 */
export function avgPool2d<T extends Lazy>(x: T, kernelSize: PerAxis, options: AvgPoolOptions = {}): T {
  return avgPool("avgPool2d", 2, x, kernelSize, options);
}

/**
 * The mean of each window: (batch, channels, depth, height, width) → the same with shorter axes, without the batch where x has none.
 * Floats; integers become floats. Throws a ShapeError where sizes do not fit.
 *
 * @example
 * avgPool3d(ones([1, 1, 4, 4, 4]), 2).shape; // → [ 1, 1, 2, 2, 2 ]
 */
export function avgPool3d<T extends Lazy>(x: T, kernelSize: PerAxis, options: AvgPoolOptions = {}): T {
  return avgPool("avgPool3d", 3, x, kernelSize, options);
}
