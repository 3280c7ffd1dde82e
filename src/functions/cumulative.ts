/** Functions that run along one axis: cumulative ones, differences, order statistics. */
import { isBool } from "../../compiler/ir/dtype.ts";
import { at, IndexError, ShapeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { add, isNaN, multiply, notEqual, subtract, where } from "../../compiler/ops/arithmetic.ts";
import * as prefixes from "../../compiler/ops/prefix.ts";
import { reduceAny } from "../../compiler/ops/reductions.ts";
import { sort } from "../../compiler/ops/sort.ts";
import { concat, permute, reshape } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import type { Prepare } from "../operands.ts";
import { floatElements, floating, numberElements, summedElements, valueOf } from "../operands.ts";
import type { AxisOption, ReduceOptions } from "../options.ts";
import { reduceOption, requiredAxis } from "../options.ts";
import { alongPadded } from "../ragged/padded.ts";
import { kept } from "./reduce.ts";
import { part } from "./shape.ts";

/** A function along one axis, given as a number or as an option. */
export type Cumulative = <T extends Lazy>(x: T, axis?: number | AxisOption) => T;

function cumulative(op: string, prepare: Prepare, build: (x: Value, axis: number) => Value): Cumulative {
  return (x, axis = {}) => x.alike(running(op, x, prepare(op, x), requiredAxis(op, x, axis), build));
}

/** Along an axis of the elements `v` of x; within ragged rows as they are filled up, since only what stands before matters. */
function running(op: string, x: Lazy, v: Value, axis: number, build: (x: Value, axis: number) => Value): Value {
  if (x.rows === null) return build(v, axis);
  const { levels } = x.rows;
  if (axis > levels) return build(v, axis - levels);
  if (axis === levels) return alongPadded(v, x.rows, build);
  throw new UnsupportedError(`${op}: axis ${axis} of ${x.typeName} runs across rows of different lengths. Pad them first: toPadded(x, fill).`);
}

/**
 * The running sum.
 *
 * @example
 * cumsum(tensor([1, 2, 3]), { axis: 0 }); // → tensor([1, 3, 6])
 */
export const cumsum: Cumulative = cumulative("cumsum", summedElements, (x, axis) => prefixes.prefixSum(x, axis));
/**
 * The running product; its derivative is right beside zeros.
 *
 * @example
 * cumprod(tensor([1, 2, 3]), { axis: 0 }); // → tensor([1, 2, 6])
 */
export const cumprod: Cumulative = cumulative("cumprod", summedElements, (x, axis) => prefixes.prefixProd(x, axis));
/**
 * The running logsumexp, of floats, without overflow.
 *
 * @example
 * logcumsumexp(tensor([0, 0]), { axis: 0 }); // → tensor([0.0000, 0.6931])
 */
export const logcumsumexp: Cumulative = cumulative("logcumsumexp", floatElements, (x, axis) => prefixes.prefixLogSumExp(x, axis));

/**
 * The running maximum, and the int32 position of the last element that reaches it.
 *
 * @example
 * cummax(tensor([1, 3, 2]), { axis: 0 })[0]; // → tensor([1, 3, 3])
 */
export function cummax<T extends Lazy>(x: T, axis: number | AxisOption = {}): [T, T] {
  return extremes("cummax", x, axis, prefixes.prefixMax);
}

/**
 * The running minimum, and the int32 position of the last element that reaches it.
 *
 * @example
 * cummin(tensor([3, 1, 2]), { axis: 0 })[0]; // → tensor([3, 1, 1])
 */
export function cummin<T extends Lazy>(x: T, axis: number | AxisOption = {}): [T, T] {
  return extremes("cummin", x, axis, prefixes.prefixMin);
}

/** A running extreme and its positions, each a value of the same graph node where rows have one length. */
function extremes<T extends Lazy>(op: string, x: T, given: number | AxisOption, build: (x: Value, axis: number) => readonly [Value, Value]): [T, T] {
  const [v, axis] = [numberElements(op, x), requiredAxis(op, x, given)];
  if (x.rows === null) {
    const [values, indices] = build(v, axis);
    return [x.wrap(values), x.wrap(indices)];
  }
  return [x.alike(running(op, x, v, axis, (y, a) => build(y, a)[0])), x.alike(running(op, x, v, axis, (y, a) => build(y, a)[1]))];
}

export interface DiffOptions extends AxisOption {
  /** How often differences are taken. */
  readonly n?: number;
}

/**
 * The differences of neighbours along an axis (the last one), n times.
 *
 * @example
 * diff(tensor([1, 4, 9])); // → tensor([3, 5])
 */
export function diff<T extends Lazy>(x: T, options: DiffOptions = {}): T {
  let v = valueOf("diff", x);
  const axis = requiredAxis("diff", x, options, -1);
  for (let i = 0; i < (options.n ?? 1); i++) {
    const left = Math.max(0, at(v.shape, axis) - 1);
    const [later, earlier] = [part(v, axis, left === 0 ? 0 : 1, left), part(v, axis, 0, left)];
    v = isBool(v.dtype) ? notEqual(later, earlier) : subtract(later, earlier);
  }
  return x.wrap(v);
}

/** The axes joined into one, last; sorted along it; and where a NaN makes the result NaN. */
function ordered(op: string, x: Lazy, axes: readonly number[]): { readonly sorted: Value; readonly spoilt: Value } {
  const v = floating(op, x);
  const others = v.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const length = sizeOf(axes.map((a) => at(v.shape, a)));
  if (length === 0) throw new ShapeError(`${op}: ${typeText(v.type)} has no elements along axes ${axes.join(", ")}.`);
  const joined = reshape(permute(v, [...others, ...axes]), [...others.map((i) => at(v.shape, i)), length]);
  const last = joined.shape.length - 1;
  return { sorted: sort(joined, last)[0], spoilt: reduceAny(isNaN(joined), [last]) };
}

/** The element at place `q · (length - 1)` of each sorted row, interpolated between its neighbours; NaN where one was. */
function quantileOf({ sorted, spoilt }: { readonly sorted: Value; readonly spoilt: Value }, q: number): Value {
  const axis = sorted.shape.length - 1;
  const place = q * (at(sorted.shape, axis) - 1);
  const low = Math.floor(place);
  const element = (i: number): Value => reshape(part(sorted, axis, i, 1), spoilt.shape);
  const fraction = place - low;
  const value = fraction === 0 ? element(low) : add(element(low), multiply(subtract(element(low + 1), element(low)), fraction));
  return where(spoilt, Number.NaN, value);
}

/**
 * The middle element, or the mean of the two middle ones, of floats; NaN where one is NaN.
 *
 * @example
 * median(array([3, 1, 2])); // → array(2)
 */
export function median<T extends Lazy>(x: T, options: ReduceOptions = {}): T {
  const reduction = reduceOption("median", x, options);
  const rows = ordered("median", x, reduction.axes);
  return x.wrap(kept(quantileOf(rows, 0.5), floating("median", x), reduction));
}

/**
 * The q-quantiles by linear interpolation, of floats; a list of them along a new first axis.
 *
 * @example
 * quantile(array([0, 10]), 0.25); // → array(2.5)
 */
export function quantile<T extends Lazy>(x: T, q: number | readonly number[], options: ReduceOptions = {}): T {
  const list = typeof q === "number" ? [q] : q;
  const wrong = list.find((p) => !(p >= 0 && p <= 1));
  if (wrong !== undefined) throw new IndexError(`quantile: ${wrong} is no quantile. Give numbers from 0 to 1.`);
  const reduction = reduceOption("quantile", x, options);
  const rows = ordered("quantile", x, reduction.axes);
  const values = list.map((p) => kept(quantileOf(rows, p), floating("quantile", x), reduction));
  if (typeof q === "number") return x.wrap(at(values, 0));
  return x.wrap(
    concat(
      values.map((v) => reshape(v, [1, ...v.shape])),
      0,
    ),
  );
}
