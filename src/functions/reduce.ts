/**
 * Functions that reduce axes. `axis: null` or none: all axes. Positions are int32, sums of narrow integers int32 or uint32, and float16 is
 * reduced in float32, so that neither a sum nor a count on the way is too large for it.
 */
import type { DType } from "../../compiler/ir/dtype.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import { ShapeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { normalizeAxis, typeText } from "../../compiler/ir/shape.ts";
import { absolute, add, cast, divide, equal, isNaN, less, square, subtract, truth, where } from "../../compiler/ops/arithmetic.ts";
import { detach } from "../../compiler/ops/barrier.ts";
import { exp, log, pow, sqrt } from "../../compiler/ops/exponential.ts";
import { reduceMax, reduceMin } from "../../compiler/ops/reductions.ts";
import { reduceSum, reshape } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { requireDType } from "../literal.ts";
import type { Prepare } from "../operands.ts";
import { elementsOf, floatElements, floating, numberElements, summedElements } from "../operands.ts";
import type { AxisOption, ReduceOptions, Reduction } from "../options.ts";
import { axisOption, reduceOption } from "../options.ts";
import { reduceRows } from "../ragged/reduce.ts";
import type { Over } from "./over.ts";
import { overAxes } from "./over.ts";

/** A function that reduces the axes named, or all. */
export type Reducer = <T extends Lazy>(x: T, options?: ReduceOptions) => T;

type Build = (x: Value, over: Over) => Value;

const seq = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A reduced value with its axes back as length 1, where they are kept. */
export function kept(reduced: Value, from: Value, { axes, keepdims }: Reduction): Value {
  return keepdims
    ? reshape(
        reduced,
        from.shape.map((n, i) => (axes.includes(i) ? 1 : n)),
      )
    : reduced;
}

/** The elements `v` of x reduced: over axes of one length, or within ragged rows. */
function reduce<T extends Lazy>(x: T, v: Value, reduction: Reduction, build: Build): T {
  const built = v.dtype === "float16" ? inFloat32(build) : build;
  if (x.rows !== null) return reduceRows(x, x.rows, v, reduction, built);
  return x.wrap(kept(built(v, overAxes(reduction.axes)), v, reduction));
}

const inFloat32 =
  (build: Build): Build =>
  (v, over) => {
    const reduced = build(cast(v, "float32"), over);
    return isFloat(reduced.dtype) ? cast(reduced, v.dtype) : reduced;
  };

function reducer(op: string, prepare: Prepare, build: Build): Reducer {
  return (x, options = {}) => reduce(x, prepare(op, x), reduceOption(op, x, options), build);
}

export interface SumOptions extends ReduceOptions {
  /** What is summed in, and the result's dtype; the array's own, int32 for bool, where none is given. */
  readonly dtype?: DType;
}

function accumulated<T extends Lazy>(op: string, x: T, options: SumOptions, build: Build): T {
  const reduction = reduceOption(op, x, options);
  const v = options.dtype === undefined ? summedElements(op, x) : cast(elementsOf(op, x), requireDType(op, options.dtype));
  return reduce(x, v, reduction, build);
}

/**
 * The sum; bool counts as 0 and 1. Sums of int8 and int16 are int32, those of uint8 and uint16 are uint32.
 *
 * @example
 * sum(tensor([[1, 2], [3, 4]]), { axis: 0 }); // → tensor([4, 6])
 */
export function sum<T extends Lazy>(x: T, options: SumOptions = {}): T {
  return accumulated("sum", x, options, (v, over) => over.sum(v));
}
/**
 * The product; bool counts as 0 and 1. Products of int8 and int16 are int32, those of uint8 and uint16 are uint32.
 *
 * @example
 * prod(tensor([2, 3, 4])); // → tensor(24)
 */
export function prod<T extends Lazy>(x: T, options: SumOptions = {}): T {
  return accumulated("prod", x, options, (v, over) => over.prod(v));
}
/**
 * The mean, of floats; NaN where there are no elements.
 *
 * @example
 * mean(tensor([1, 2, 3])); // → tensor(2)
 */
export const mean: Reducer = reducer("mean", floatElements, meanValue);
/**
 * The greatest element; NaN where one is NaN. Equal extremes share the derivative. A ShapeError where there are no elements.
 *
 * @example
 * max(tensor([[1, 5], [3, 2]]), { axis: 1 }); // → tensor([5, 3])
 */
export const max: Reducer = reducer("max", elementsOf, (x, over) => over.max(x));
/**
 * The least element; NaN where one is NaN. Equal extremes share the derivative. A ShapeError where there are no elements.
 *
 * @example
 * min(tensor([[1, 5], [3, 2]]), { axis: 1 }); // → tensor([1, 2])
 */
export const min: Reducer = reducer("min", elementsOf, (x, over) => over.min(x));
/**
 * Whether one element is true, that is not 0.
 *
 * @example
 * any(tensor([true, false])); // → tensor(True)
 */
export const any: Reducer = reducer("any", elementsOf, (x, over) => over.any(truth(x)));
/**
 * Whether all elements are true, that is not 0.
 *
 * @example
 * all(tensor([true, false])); // → tensor(False)
 */
export const all: Reducer = reducer("all", elementsOf, (x, over) => over.all(truth(x)));
/**
 * The number of elements that are not 0.
 *
 * @example
 * countNonzero(tensor([0, 1, 2])); // → tensor(2, dtype=int32)
 */
export const countNonzero: Reducer = reducer("countNonzero", elementsOf, (x, over) => over.sum(cast(truth(x), "int32")));
/**
 * log(sum(e^x)) without overflow, of floats.
 *
 * @example
 * logsumexp(tensor([0, 0])); // → tensor(0.6931)
 */
export const logsumexp: Reducer = reducer("logsumexp", floatElements, logsumexpValue);
/**
 * The sum of the elements that are not NaN.
 *
 * @example
 * nansum(tensor([1, NaN, 3])); // → tensor(4)
 */
export const nansum: Reducer = reducer("nansum", summedElements, (x, over) => over.sum(isFloat(x.dtype) ? where(isNaN(x), 0, x) : x));
/**
 * The mean of the elements that are not NaN.
 *
 * @example
 * nanmean(tensor([1, NaN, 3])); // → tensor(2)
 */
export const nanmean: Reducer = reducer("nanmean", floatElements, (x, over) => {
  const there = cast(equal(x, x), x.dtype);
  return divide(over.sum(where(isNaN(x), 0, x)), over.sum(there));
});

function meanValue(x: Value, over: Over): Value {
  return over.average(over.sum(x), x);
}

/** Shifted by the maximum, which cancels out: it is no part of the derivative. An infinite maximum is not subtracted. */
function logsumexpValue(x: Value, over: Over): Value {
  if (over.isEmpty(x)) return log(over.sum(exp(x)));
  const most = detach(over.max(x));
  const shift = where(less(absolute(most), Infinity), most, 0);
  return add(log(over.sum(exp(subtract(x, over.spread(shift, x))))), shift);
}

export interface VarianceOptions extends ReduceOptions {
  /** What is taken from the number of elements in the divisor: 1 for the estimate from a sample. */
  readonly correction?: number;
}

/** Of the deviations from the mean, so that a large mean costs no digits. */
function varianceValue(x: Value, over: Over, correction: number): Value {
  const deviation = subtract(x, over.spread(meanValue(x, over), x));
  return over.average(over.sum(square(deviation)), x, correction);
}

function variance<T extends Lazy>(op: string, x: T, options: VarianceOptions, finish: (v: Value) => Value): T {
  const build: Build = (v, over) => finish(varianceValue(v, over, options.correction ?? 0));
  return reduce(x, floatElements(op, x), reduceOption(op, x, options), build);
}

/**
 * The mean squared deviation from the mean, of floats; the divisor is the number of elements less `correction` (0).
 *
 * @example
 * array([1, 3]).var(); // → array(1)
 */
function varFunction<T extends Lazy>(x: T, options: VarianceOptions = {}): T {
  return variance("var", x, options, (v) => v);
}
export { varFunction as var };

/**
 * The square root of the variance.
 *
 * @example
 * std(array([1, 3])); // → array(1)
 */
export function std<T extends Lazy>(x: T, options: VarianceOptions = {}): T {
  return variance("std", x, options, sqrt);
}

export interface NormOptions extends ReduceOptions {
  /** 2 is the Euclidean length, Infinity the largest, -Infinity the smallest magnitude, 0 the count of what is not 0. */
  readonly ord?: number;
}

/**
 * The vector norm over the axes (null: all elements), of floats.
 *
 * @example
 * norm(tensor([3, 4])); // → tensor(5)
 */
export function norm<T extends Lazy>(x: T, options: NormOptions = {}): T {
  return reduce(x, floatElements("norm", x), reduceOption("norm", x, options), (v, over) => normValue(v, options.ord ?? 2, over));
}

/** The p-norm; the derivative of the 2-norm at 0 is 0. */
function normValue(x: Value, ord: number, over: Over): Value {
  switch (ord) {
    case Infinity:
      return over.max(absolute(x));
    case -Infinity:
      return over.min(absolute(x));
    case 0:
      return over.sum(cast(truth(x), x.dtype));
    case 1:
      return over.sum(absolute(x));
    case 2:
      return rootOr0(over.sum(square(x)));
    default:
      return pow(over.sum(pow(absolute(x), ord)), 1 / ord);
  }
}

/** The root sees no 0, where its derivative is infinite. */
function rootOr0(x: Value): Value {
  const zero = equal(x, 0);
  return where(zero, 0, sqrt(where(zero, 1, x)));
}

export interface MatrixNormOptions {
  readonly ord?: "fro" | number;
  readonly keepdims?: boolean;
}

/**
 * The norm of the matrices in the last two axes: "fro", 1 (largest column sum), Infinity (largest row sum), -1, -Infinity.
 *
 * @example
 * matrixNorm(array([[3, 0], [0, 4]])); // → array(5)
 */
export function matrixNorm<T extends Lazy>(x: T, options: MatrixNormOptions = {}): T {
  const v = floating("matrixNorm", x);
  if (x.ndim < 2) throw new ShapeError(`matrixNorm: ${typeText(v.type)} has fewer than two axes. Reshape it to a matrix first.`);
  const axes = [x.ndim - 2, x.ndim - 1];
  return x.wrap(kept(matrixNormValue(v, options.ord ?? "fro"), v, { axes, keepdims: options.keepdims ?? false }));
}

function matrixNormValue(v: Value, ord: "fro" | number): Value {
  const [rows, columns] = [v.shape.length - 2, v.shape.length - 1];
  if (ord === "fro") return rootOr0(reduceSum(square(v), [rows, columns]));
  const sums = (axis: number): Value => reduceSum(absolute(v), [axis]);
  if (ord === 1 || ord === -1) return ord === 1 ? reduceMax(sums(rows), [rows]) : reduceMin(sums(rows), [rows]);
  if (ord === Infinity) return reduceMax(sums(columns), [rows]);
  if (ord === -Infinity) return reduceMin(sums(columns), [rows]);
  throw new UnsupportedError(`matrixNorm: ord ${ord} needs singular values, which are not there yet. Use "fro", 1, -1, Infinity or -Infinity.`);
}

export interface PositionOptions extends AxisOption {
  readonly keepdims?: boolean;
  readonly keepdim?: boolean;
}

function position(op: string, build: Build): <T extends Lazy>(x: T, options?: PositionOptions) => T {
  return (x, options = {}) => {
    const v = numberElements(op, x);
    const given = axisOption(op, x, options);
    const axes = given === null ? seq(x.ndim) : [normalizeAxis(op, given, x.ndim)];
    return reduce(x, v, { axes, keepdims: options.keepdims ?? options.keepdim ?? false }, build);
  };
}

/**
 * The position of the first greatest element (the first NaN) along an axis, or in the flattened array; int32.
 *
 * @example
 * argmax(tensor([1, 3, 2])); // → tensor(1, dtype=int32)
 */
export const argmax: <T extends Lazy>(x: T, options?: PositionOptions) => T = position("argmax", (v, over) => over.argmax(v));
/**
 * The position of the first least element (the first NaN) along an axis, or in the flattened array; int32.
 *
 * @example
 * argmin(tensor([2, 3, 1])); // → tensor(2, dtype=int32)
 */
export const argmin: <T extends Lazy>(x: T, options?: PositionOptions) => T = position("argmin", (v, over) => over.argmin(v));
