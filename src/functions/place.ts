/** Padding, diagonals, windows: functions that place elements by position. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { at, DeviceError, ShapeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { normalizeAxis, shapeText, typeText } from "../../compiler/ir/shape.ts";
import { cast, equal, greaterEqual, lessEqual, subtract, where } from "../../compiler/ops/arithmetic.ts";
import { constantValue, iotaValue } from "../../compiler/ops/source.ts";
import * as views from "../../compiler/ops/views.ts";
import { diagonal as diagonalValue, window } from "../../compiler/ops/windows.ts";
import type { DeviceName } from "../devices.ts";
import { requireDevice } from "../devices.ts";
import type { Lazy } from "../handle.ts";
import { requireDType } from "../literal.ts";
import { moveTo } from "../moves.ts";
import { diagonalLayout, windowLayout } from "../mutation/layout.ts";
import { elementsOf, handleOf, userNumber, valueOf } from "../operands.ts";
import { requireOn } from "../slots.ts";
import { part } from "./shape.ts";

const seq = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/**
 * The elements in another dtype: floats are truncated to integers, saturating, NaN to 0; to bool is "not 0".
 *
 * @example
 * astype(tensor([1.7, -1.7]), "int32"); // → tensor([ 1, -1], dtype=int32)
 */
export function astype<T extends Lazy>(x: T, dtype: DType): T {
  return x.alike(cast(elementsOf("astype", x), requireDType("astype", dtype)));
}

/**
 * The same elements on another device; x itself where it is there. Recorded like any op: the elements move when something there is
 * evaluated, and gradients flow back. A DeviceError for an array, which lives on the CPU, a DTypeError where the device lacks the dtype.
 *
 * @example
 * toDevice(tensor([1, 2]), "cpu").device; // → cpu
 */
export function toDevice<T extends Lazy>(x: T, device: DeviceName): T {
  const v = elementsOf("toDevice", x);
  const to = requireDevice("toDevice", device);
  if (x.face === "array" && to !== "cpu") throw new DeviceError(`toDevice: arrays live on the cpu, not on ${to}. Make a tensor of it first: tensor(x).`);
  requireOn(to, "toDevice", v.type);
  return x.alike(moveTo(v, to));
}

// ---- padding

/** `constant` puts a number, `edge` the outermost element, `reflect` and `symmetric` mirror (without and with it), `wrap` repeats. */
export type PadMode = "constant" | "edge" | "reflect" | "symmetric" | "wrap";

export interface PadOptions {
  readonly mode?: PadMode;
  readonly constantValues?: number;
}

/**
 * `padWidth` is [before, after] for each axis from the first on, one pair for all axes, or one number.
 *
 * @example
 * pad(tensor([1, 2]), [[1, 1]]); // → tensor([0, 1, 2, 0])
 */
export function pad<T extends Lazy>(x: T, padWidth: number | readonly number[] | readonly (readonly number[])[], options: PadOptions = {}): T {
  const v = valueOf("pad", x);
  const widths = padWidths(v, padWidth);
  const mode = options.mode ?? "constant";
  if (mode !== "constant") return x.wrap(widths.reduce((out, [low, high], axis) => padAxis(out, axis, low, high, mode), v));
  const fill = options.constantValues === undefined ? constantValue(0, v.dtype) : userNumber("pad", options.constantValues, v.dtype);
  return x.wrap(
    views.pad(
      v,
      fill,
      widths.map(([low]) => low),
      widths.map(([, high]) => high),
    ),
  );
}

function padWidths(v: Value, given: number | readonly number[] | readonly (readonly number[])[]): (readonly [number, number])[] {
  const lists = typeof given === "number" ? [[given]] : pairs(given);
  if (lists.length !== 1 && lists.length !== v.shape.length)
    throw new ShapeError(`pad: ${lists.length} pairs for ${typeText(v.type)}. Give one pair an axis, or one for all.`);
  return v.shape.map((_, axis) => {
    const pair = lists[axis] ?? at(lists, 0);
    const [low, high] = [at(pair, 0), at(pair, pair.length - 1)];
    const whole = Number.isInteger(low) && Number.isInteger(high) && low >= 0 && high >= 0;
    if (!whole) throw new ShapeError(`pad: [${low}, ${high}] for axis ${axis}: widths are whole numbers from 0 on. Cut with at().`);
    return [low, high];
  });
}

function pairs(given: readonly number[] | readonly (readonly number[])[]): (readonly number[])[] {
  const numbers = given.filter((w) => typeof w === "number");
  return numbers.length > 0 ? [numbers] : given.filter((w) => typeof w !== "number");
}

/** What stands before and behind, in runs of positions that rise, fall or stay. */
function padAxis(v: Value, axis: number, low: number, high: number, mode: Exclude<PadMode, "constant">): Value {
  if (low === 0 && high === 0) return v;
  const length = at(v.shape, axis);
  if (length === 0) throw new ShapeError(`pad: axis ${axis} of ${typeText(v.type)} has no elements to ${mode}. Use mode "constant".`);
  const sources = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => sourceOf(from + i, length, mode));
  const around = (from: number, to: number): Value[] => runsOf(sources(from, to)).flatMap((run) => runViews(v, axis, run));
  return views.concat([...around(-low, 0), v, ...around(length, length + high)], axis);
}

function sourceOf(i: number, length: number, mode: Exclude<PadMode, "constant">): number {
  switch (mode) {
    case "edge":
      return Math.min(Math.max(i, 0), length - 1);
    case "wrap":
      return ((i % length) + length) % length;
    case "symmetric": {
      const period = 2 * length;
      const at = ((i % period) + period) % period;
      return at < length ? at : period - 1 - at;
    }
    case "reflect": {
      const period = Math.max(1, 2 * (length - 1));
      const at = ((i % period) + period) % period;
      return at < length ? at : period - at;
    }
    default:
      throw new UnsupportedError(`pad: mode ${JSON.stringify(mode satisfies never)} is not there. Use constant, edge, reflect, symmetric or wrap.`);
  }
}

interface Run {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

function runsOf(sources: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (let i = 0; i < sources.length;) {
    const first = at(sources, i);
    const next = sources[i + 1];
    const step = next !== undefined && Math.abs(next - first) <= 1 ? next - first : 1;
    let count = 1;
    while (sources[i + count] === first + count * step) count++;
    runs.push({ first, step, count });
    i += count;
  }
  return runs;
}

/** So many equal elements are as many views: the gradient then adds up as many elements, and no loop does. */
const fewEqual = 4;

function runViews(v: Value, axis: number, { first, step, count }: Run): Value[] {
  if (step === 0 && count <= fewEqual) return Array.from({ length: count }, () => part(v, axis, first, 1));
  if (step === 0) return [views.broadcastTo(part(v, axis, first, 1), v.shape.with(axis, count))];
  return [step > 0 ? part(v, axis, first, count) : views.flip(part(v, axis, first - count + 1, count), [axis])];
}

// ---- diagonals

/** Where column - row compares with k, in the last two axes. */
function band(v: Value, op: string, compare: (gap: Value, k: number) => Value, k: number): Value {
  if (v.shape.length < 2) throw new ShapeError(`${op}: ${typeText(v.type)} has fewer than two axes. Reshape it to a matrix first.`);
  return views.broadcastTo(compare(columnLessRow(v.shape.slice(-2)), k), v.shape);
}

/** column - row of each place of a matrix, int32. */
export const columnLessRow = (shape: Shape): Value => subtract(iotaValue(shape, 1, "int32"), iotaValue(shape, 0, "int32"));

/**
 * The lower triangle of the matrices in the last two axes, up to the k-th diagonal; the rest is 0.
 *
 * @example
 * tril(ones([2, 2])); // → array([[1, 0], [1, 1]])
 */
export function tril<T extends Lazy>(x: T, options: { readonly k?: number } = {}): T {
  const v = valueOf("tril", x);
  return x.wrap(where(band(v, "tril", lessEqual, options.k ?? 0), v, 0));
}

/**
 * The upper triangle of the matrices in the last two axes, from the k-th diagonal on; the rest is 0.
 *
 * @example
 * triu(ones([2, 2])); // → array([[1, 1], [0, 1]])
 */
export function triu<T extends Lazy>(x: T, options: { readonly k?: number } = {}): T {
  const v = valueOf("triu", x);
  return x.wrap(where(band(v, "triu", greaterEqual, options.k ?? 0), v, 0));
}

export interface DiagonalOptions {
  readonly offset?: number;
  readonly axis1?: number;
  readonly axis2?: number;
}

/**
 * The diagonal of two axes (0 and 1), as a new last axis in place of both.
 *
 * @example
 * diagonal(tensor([[1, 2], [3, 4]])); // → tensor([1, 4])
 */
export function diagonal<T extends Lazy>(x: T, options: DiagonalOptions = {}): T {
  const [a, b] = [normalizeAxis("diagonal", options.axis1 ?? 0, handleOf("diagonal", x).ndim), normalizeAxis("diagonal", options.axis2 ?? 1, x.ndim)];
  if (a === b) throw new ShapeError(`diagonal: axis1 and axis2 are both ${a}. Name two axes.`);
  const offset = options.offset ?? 0;
  return x.alias(
    (v) => diagonalValue(v, a, b, offset),
    (layout) => diagonalLayout(layout, a, b, offset),
  );
}

/**
 * The k-th diagonal of a matrix, or a matrix with a rank-1 array on its k-th diagonal.
 *
 * @example
 * diag(tensor([1, 2])); // → tensor([[1, 0], [0, 2]])
 */
export function diag<T extends Lazy>(x: T, options: { readonly k?: number } = {}): T {
  const k = options.k ?? 0;
  if (x.ndim === 2) return diagonal(x, { offset: k });
  const v = valueOf("diag", x);
  if (x.ndim !== 1) throw new ShapeError(`diag: ${typeText(v.type)} has ${x.ndim} axes. It takes one or two; diagonal takes more.`);
  const length = at(v.shape, 0) + Math.abs(k);
  const rows = views.pad(v, 0, [Math.max(0, -k)], [Math.max(0, k)]);
  return x.wrap(where(equal(columnLessRow([length, length]), k), views.broadcast(rows, [length, length], [0]), 0));
}

// ---- windows

export interface WindowOptions {
  /** The axes that the window's lengths are along; all where none is given. */
  readonly axis?: number | readonly number[] | null;
  /** Whether writing to the windows writes to x; where one write gives an element several values, the last window's counts. */
  readonly writeable?: boolean;
}

/**
 * All windows of this shape: the axes count windows, the window's own axes are appended. `axis: null` means all axes.
 *
 * @example
 * slidingWindowView(tensor([1, 2, 3]), 2); // → tensor([[1, 2], [2, 3]])
 */
export function slidingWindowView<T extends Lazy>(x: T, windowShape: number | readonly number[], options: WindowOptions = {}): T {
  const v = handleOf("slidingWindowView", x);
  const sizes = typeof windowShape === "number" ? [windowShape] : windowShape;
  const { axis } = options;
  const given = axis === undefined || axis === null ? seq(x.ndim) : axis;
  const axes = (typeof given === "number" ? [given] : given).map((a) => normalizeAxis("slidingWindowView", a, x.ndim));
  if (axes.length !== sizes.length)
    throw new ShapeError(
      `slidingWindowView: ${shapeText(sizes)} has ${sizes.length} lengths for ${axes.length} axes of ${typeText(v.type)}. Give one an axis.`,
    );
  const readOnly = options.writeable === true ? null : "windows overlap, so several of its elements may be one; { writeable: true } allows it";
  const steps = axes.map(() => 1);
  return x.alias(
    (y) => window(y, axes, sizes),
    (layout) => windowLayout(layout, axes, sizes, steps, readOnly),
  );
}

/**
 * Windows of `size` along an axis, `step` apart: the axis counts windows, the window is a new last axis (torch's Tensor.unfold).
 *
 * @example
 * unfold(tensor([1, 2, 3, 4]), 0, 2, 2); // → tensor([[1, 2], [3, 4]])
 */
export function unfold<T extends Lazy>(x: T, axis: number, size: number, step: number): T {
  const a = normalizeAxis("unfold", axis, handleOf("unfold", x).ndim);
  return x.alias(
    (v) => window(v, [a], [size], [step]),
    (layout) => windowLayout(layout, [a], [size], [step], step < size ? "windows overlap, so several of its elements may be one" : null),
  );
}
