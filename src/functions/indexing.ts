/**
 * Reading by position. `at(x, i, slice(1, 5), "::2", "...", null)` is Python's `x[i, 1:5, ::2, ..., None]`.
 *
 * Starts that are given and not 0 are recorded as operands, so that a slice whose offset moves from step to step is one plan.
 */
import { at as item, IndexError, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { normalizeAxis, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { add, less, where } from "../../compiler/ops/arithmetic.ts";
import { gather, gatherAlong } from "../../compiler/ops/gather.ts";
import { sort as sortValue } from "../../compiler/ops/sort.ts";
import { constantValue } from "../../compiler/ops/source.ts";
import * as views from "../../compiler/ops/views.ts";
import { Lazy } from "../handle.ts";
import { commonShape, faceOf, integral, valueOf } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { axisOption, requiredAxis } from "../options.ts";

/** Positions from `start` to before `stop`, `step` apart, as Python counts them; null leaves one out. */
export class Slice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number;
  constructor(start: number | null, stop: number | null, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/**
 * Python's `slice`: `slice(stop)`, `slice(start, stop)`, `slice(start, stop, step)`.
 *
 * @example
 * at(tensor([1, 2, 3, 4]), slice(1, null, 2)); // → tensor([2, 4])
 */
export function slice(startOrStop: number | null, stop?: number | null, step: number | null = null): Slice {
  const [from, to] = stop === undefined ? [null, startOrStop] : [startOrStop, stop];
  for (const n of [from, to, step]) if (n !== null && !Number.isInteger(n)) throw new IndexError(`slice: ${n} is no whole number.`);
  if (step === 0) throw new IndexError("slice: a step of 0 goes nowhere. Give another.");
  return new Slice(from, to, step ?? 1);
}

/** A position, a slice (also as text, `"1:9:2"`), `"..."` for all axes between, null for a new axis, an integer array. */
export type Index<T extends Lazy = Lazy> = number | Slice | string | null | T;

function parseSlice(text: string): Slice {
  const parts = text.split(":").map((s) => s.trim());
  const whole = parts.length >= 2 && parts.length <= 3 && parts.every((s) => s === "" || /^[+-]?\d+$/.test(s));
  if (!whole) throw new IndexError(`at: ${JSON.stringify(text)} is no index. Write "start:stop:step" or "...".`);
  const [start, stop, step] = [...parts, "", ""].map((s) => (s === "" ? null : Number(s)));
  return slice(start ?? null, stop ?? null, step ?? null);
}

/** What happens to one axis of the operand. */
type AxisIndex =
  | { readonly kind: "span"; readonly start: number; readonly size: number; readonly step: number; readonly given: boolean }
  | { readonly kind: "array"; readonly indices: Value };

interface Reading {
  /** One entry an axis of the operand. */
  readonly axes: readonly AxisIndex[];
  /** For each axis of the result: the operand's axis, or null for a new one. */
  readonly result: readonly (number | null)[];
}

/**
 * The elements at an index: basic indexing, and one integer array along an axis. Positions known now are checked now.
 *
 * @example
 * at(tensor([[1, 2], [3, 4]]), 1); // → tensor([3, 4])
 */
export function at<T extends Lazy>(x: T, ...index: readonly Index<T>[]): T {
  const v = valueOf("at", x);
  const { axes, result } = read(x, v, index);
  let out = cut(v, axes);
  const arrays = axes.flatMap((a, axis) => (a.kind === "array" ? [{ axis, indices: a.indices }] : []));
  if (arrays.length > 1) throw new IndexError("at: more than one integer array is not there yet. Take along one axis after the other.");
  const shape = result.flatMap((axis) => {
    if (axis === null) return [1];
    const a = item(axes, axis);
    return a.kind === "array" ? a.indices.shape : [a.size];
  });
  for (const { axis, indices } of arrays) out = gather(out, fromEnd(indices, item(v.shape, axis)), axis);
  return x.wrap(views.reshape(out, shape));
}

function read<T extends Lazy>(x: T, v: Value, index: readonly Index<T>[]): Reading {
  const consumed = index.filter((i) => i !== null && i !== "...").length;
  const gaps = index.filter((i) => i === "...").length;
  if (gaps > 1) throw new IndexError('at: "..." stands twice. Write it once.');
  if (consumed > v.shape.length) throw new IndexError(`at: ${consumed} indices for ${typeText(v.type)}, which has ${v.shape.length} axes.`);
  const axes: AxisIndex[] = [];
  const result: (number | null)[] = [];
  const wholeAxes = (count: number): void => {
    for (let i = 0; i < count; i++) {
      result.push(axes.length);
      axes.push({ kind: "span", start: 0, size: item(v.shape, axes.length), step: 1, given: false });
    }
  };
  for (const entry of gaps === 0 ? [...index, "..."] : index) {
    if (entry === null) result.push(null);
    else if (entry === "...") wholeAxes(v.shape.length - consumed);
    else {
      const axis = axes.length;
      if (typeof entry !== "number") result.push(axis);
      axes.push(axisIndex(x, entry, axis, item(v.shape, axis)));
    }
  }
  return { axes, result };
}

function axisIndex<T extends Lazy>(x: T, entry: number | Slice | string | T, axis: number, length: number): AxisIndex {
  if (typeof entry === "number") return { kind: "span", start: position(entry, axis, length), size: 1, step: 1, given: true };
  if (typeof entry === "string") return span(parseSlice(entry), length);
  if (entry instanceof Slice) return span(entry, length);
  if (!(entry instanceof Lazy)) throw new IndexError(`at: ${String(entry)} is no index. Use numbers, slices, "...", null or integer arrays.`);
  faceOf("at", [x, entry]);
  return { kind: "array", indices: integral("at", entry) };
}

function position(i: number, axis: number, length: number): number {
  const p = i < 0 ? i + length : i;
  if (Number.isInteger(i) && p >= 0 && p < length) return p;
  throw new IndexError(`at: index ${i} is out of range for axis ${axis} with ${length} elements.`);
}

/** Python's rule: bounds are clamped; a negative step runs from the end. */
function span(s: Slice, length: number): AxisIndex {
  const clamp = (n: number, lo: number, hi: number): number => Math.min(Math.max(n < 0 ? n + length : n, lo), hi);
  const forward = s.step > 0;
  const [lo, hi] = forward ? [0, length] : [-1, length - 1];
  const [first, end] = forward ? [lo, hi] : [hi, lo];
  const start = s.start === null ? first : clamp(s.start, lo, hi);
  const stop = s.stop === null ? end : clamp(s.stop, lo, hi);
  const size = Math.max(0, Math.ceil((stop - start) / s.step));
  return { kind: "span", start: size === 0 ? 0 : start, size, step: s.step, given: s.start !== null && size > 0 };
}

/** Slices with fixed starts as one view, those with given starts as one dynamic slice; falling steps are flipped at the end. */
function cut(v: Value, axes: readonly AxisIndex[]): Value {
  const spans = axes.map((a, axis) => rising(a, item(v.shape, axis)));
  const dynamic = spans.flatMap((s, axis) => (s.given && s.size < item(v.shape, axis) ? [axis] : []));
  const fixed = spans.map((s, axis) => (dynamic.includes(axis) ? { start: 0, size: item(v.shape, axis), step: 1 } : s));
  const placed = views.slice(
    v,
    fixed.map((s) => s.start),
    fixed.map((s) => s.size),
    fixed.map((s) => s.step),
  );
  const moving = dynamic.map((axis) => item(spans, axis));
  const starts = moving.map((s) => constantValue(s.start, "int32", "user"));
  const moved = views.dynamicSlice(
    placed,
    dynamic,
    starts,
    moving.map((s) => s.size),
    moving.map((s) => s.step),
  );
  return views.flip(
    moved,
    axes.flatMap((a, axis) => (a.kind === "span" && a.step < 0 ? [axis] : [])),
  );
}

interface Rising {
  readonly start: number;
  readonly size: number;
  readonly step: number;
  readonly given: boolean;
}

/** A falling span read from its low end. An integer array keeps its whole axis for the gather. */
function rising(a: AxisIndex, length: number): Rising {
  if (a.kind === "array") return { start: 0, size: length, step: 1, given: false };
  if (a.step > 0) return a;
  return { start: a.size === 0 ? 0 : a.start + (a.size - 1) * a.step, size: a.size, step: -a.step, given: a.given };
}

/** Negative indices count from the end. */
const fromEnd = (indices: Value, length: number): Value => where(less(indices, 0), add(indices, length), indices);

/**
 * The slices of x at the indices along an axis, in their shape; of the flattened array where no axis is given.
 *
 * @example
 * take(tensor([10, 20, 30]), tensor([2, 0], { dtype: "int32" })); // → tensor([30, 10])
 */
export function take<T extends Lazy>(x: T, indices: T | number | readonly number[], options: AxisOption = {}): T {
  const given = axisOption("take", x, options);
  const v = given === null ? views.reshape(valueOf("take", x), [sizeOf(x.shape)]) : valueOf("take", x);
  const axis = given === null ? 0 : normalizeAxis("take", given, x.ndim);
  const length = item(v.shape, axis);
  return x.wrap(gather(v, indexValue("take", x, indices, axis, length), axis));
}

function indexValue<T extends Lazy>(op: string, x: T, indices: T | number | readonly number[], axis: number, length: number): Value {
  if (typeof indices === "number") return constantValue(position(indices, axis, length), "int32", "user");
  if (indices instanceof Lazy) {
    faceOf(op, [x, indices]);
    return fromEnd(integral(op, indices), length);
  }
  if (!isNumbers(indices)) throw new IndexError(`${op}: indices are numbers or an integer array.`);
  return views.concat(
    indices.map((i) => views.reshape(constantValue(position(i, axis, length), "int32"), [1])),
    0,
  );
}

const isNumbers = (x: unknown): x is readonly number[] => Array.isArray(x) && x.length > 0 && x.every((i) => typeof i === "number");

/**
 * One element of x for each index along an axis; the other axes broadcast.
 *
 * @example
 * takeAlongAxis(tensor([[10, 20], [30, 40]]), tensor([[1], [0]], { dtype: "int32" }), { axis: 1 }); // → tensor([[20], [30]])
 */
export function takeAlongAxis<T extends Lazy>(x: T, indices: T, axis: number | AxisOption): T {
  faceOf("takeAlongAxis", [x, indices]);
  const [v, i] = [valueOf("takeAlongAxis", x), integral("takeAlongAxis", indices)];
  const a = requiredAxis("takeAlongAxis", x, axis);
  if (i.shape.length !== v.shape.length)
    throw new ShapeError(`takeAlongAxis: ${typeText(i.type)} and ${typeText(v.type)} differ in rank. Give one index axis for each axis.`);
  const others = commonShape("takeAlongAxis", [
    { ...v.type, shape: v.shape.with(a, 1) },
    { ...i.type, shape: i.shape.with(a, 1) },
  ]);
  const wide = views.broadcastTo(v, others.with(a, item(v.shape, a)));
  const index = views.broadcastTo(fromEnd(i, item(v.shape, a)), others.with(a, item(i.shape, a)));
  return x.wrap(gatherAlong(wide, index, a));
}

export interface SortOptions extends AxisOption {
  readonly descending?: boolean;
}

/**
 * The elements in order along an axis (the last one); stable, NaN last, first where descending.
 *
 * @example
 * sort(tensor([3, 1, 2])); // → tensor([1, 2, 3])
 */
export function sort<T extends Lazy>(x: T, options: SortOptions = {}): T {
  return x.wrap(sorted("sort", x, options)[0]);
}

/**
 * The int32 positions that the sorted elements have in x.
 *
 * @example
 * argsort(tensor([3, 1, 2])); // → tensor([1, 2, 0], dtype=int32)
 */
export function argsort<T extends Lazy>(x: T, options: SortOptions = {}): T {
  return x.wrap(sorted("argsort", x, options)[1]);
}

function sorted(op: string, x: Lazy, options: SortOptions): readonly [Value, Value] {
  return sortValue(valueOf(op, x), requiredAxis(op, x, options, -1), options.descending === true ? "descending" : "ascending");
}
