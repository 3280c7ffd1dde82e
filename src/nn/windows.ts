/** Options of windows that move along axes: one number for all axes or one each, and what padding may be. */
import { at, ShapeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape, TensorType } from "../../compiler/ir/shape.ts";
import { typeText } from "../../compiler/ir/shape.ts";
import { reshape } from "../../compiler/ops/views.ts";

/** One number for every axis, or one for each. */
export type PerAxis = number | readonly number[];

/** Zeros around each axis: a number, one an axis, or [before, after] for each axis. */
export type Padding = PerAxis | readonly (readonly [number, number])[];

const shown = (given: unknown): string => JSON.stringify(given) ?? String(given);

/** `given` as a number for each of `rank` axes; a ShapeError that names the option unless all are whole and at least `least`. */
export function perAxis(op: string, what: string, given: PerAxis, rank: number, least: number): readonly number[] {
  const list = typeof given === "number" ? Array.from({ length: rank }, () => given) : given;
  if (list.length === rank && list.every((n) => Number.isSafeInteger(n) && n >= least)) return list;
  throw new ShapeError(`${op}: ${what} ${shown(given)}: give one whole number from ${least} on, or a list of ${rank} (one for each axis).`);
}

export interface Edges {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

const isPairs = (given: Padding): given is readonly (readonly [number, number])[] => typeof given !== "number" && given.some((p) => typeof p !== "number");

/** Padding in front of and behind each axis. */
export function edgesOf(op: string, given: Padding, rank: number): Edges {
  if (!isPairs(given)) {
    const both = perAxis(op, "padding", given, rank, 0);
    return { low: both, high: both };
  }
  const whole = given.length === rank && given.every((p) => Array.isArray(p) && p.length === 2 && p.every((n) => Number.isSafeInteger(n) && n >= 0));
  if (!whole) throw new ShapeError(`${op}: padding ${shown(given)}: give [before, after] for each of the ${rank} axes, whole numbers from 0 on.`);
  return { low: given.map((p) => p[0]), high: given.map((p) => p[1]) };
}

/** `"same"`: as many windows as elements; what is odd stands behind, as in PyTorch. */
export function sameEdges(op: string, sizes: readonly number[], strides: readonly number[], dilations: readonly number[]): Edges {
  if (strides.some((s) => s !== 1))
    throw new UnsupportedError(`${op}: padding "same" with stride ${shown(strides)}: only windows one apart can be as many as elements. Give numbers.`);
  const total = sizes.map((k, i) => (k - 1) * at(dilations, i));
  const low = total.map((n) => Math.floor(n / 2));
  return { low, high: total.map((n, i) => n - at(low, i)) };
}

/** Positions that a window covers. */
export const reachOf = (sizes: readonly number[], dilations: readonly number[]): number[] => sizes.map((k, i) => (k - 1) * at(dilations, i) + 1);

const axisNames = ["", "length", "height, width", "depth, height, width"];

/** What operands with `rank` axes look like, for messages. */
export const formOf = (rank: number): string => axisNames[rank] ?? "…";

/** `x` with a batch axis, and what takes it away again from a result: (channels, …) counts as a batch of one. */
export function batched(op: string, x: Value, rank: number): { readonly batch: Value; readonly unbatch: (y: Value) => Value } {
  const n = x.shape.length;
  if (n === rank + 2) return { batch: x, unbatch: (y) => y };
  if (n === rank + 1) return { batch: reshape(x, [1, ...x.shape]), unbatch: (y) => reshape(y, y.shape.slice(1)) };
  throw new ShapeError(`${op}: ${typeText(x.type)} has ${n} axes. It takes (batch, channels, ${formOf(rank)}) or (channels, ${formOf(rank)}).`);
}

/** Throws a ShapeError unless a window fits along every axis at least once. */
export function requireRoom(op: string, x: TensorType, lengths: Shape, reach: readonly number[], { low, high }: Edges): void {
  const padded = lengths.map((n, i) => n + at(low, i) + at(high, i));
  const tight = padded.findIndex((n, i) => n < at(reach, i));
  if (tight < 0) return;
  throw new ShapeError(
    `${op}: the window covers ${at(reach, tight)} positions, axis ${x.shape.length - lengths.length + tight} of ${typeText(x)} has ${at(padded, tight)} with its padding. ` +
      `Choose a smaller window or pad more.`,
  );
}
