/** Functions that reduce axes. `axis: null` or none: all axes. Integer sums and indices are int32 until int64 is there. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import { at, ShapeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { normalizeAxis, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { absolute, add, cast, divide, equal, isNaN, less, square, subtract, truth, where } from "../../compiler/ops/arithmetic.ts";
import { detach } from "../../compiler/ops/barrier.ts";
import { exp, log, pow, sqrt } from "../../compiler/ops/exponential.ts";
import * as reductions from "../../compiler/ops/reductions.ts";
import { broadcast, reduceSum, reshape } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { requireDType } from "../literal.ts";
import { floating, numeric, valueOf } from "../operands.ts";
import type { AxisOption, ReduceOptions, Reduction } from "../options.ts";
import { axisOption, reduceOption } from "../options.ts";

/** A function that reduces the axes named, or all. */
export type Reducer = <T extends Lazy>(x: T, options?: ReduceOptions) => T;

type Build = (x: Value, reduction: Reduction) => Value;

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

/** A reduced value (its axes gone) repeated along them again. */
export function spread(reduced: Value, like: Value, axes: readonly number[]): Value {
  return broadcast(
    reduced,
    like.shape,
    seq(like.shape.length).filter((i) => !axes.includes(i)),
  );
}

const countOf = (x: Value, axes: readonly number[]): number => sizeOf(axes.map((a) => at(x.shape, a)));

function reducer(op: string, prepare: (op: string, x: Lazy) => Value, build: Build): Reducer {
  return (x, options = {}) => {
    const v = prepare(op, x);
    const reduction = reduceOption(op, x, options);
    return x.wrap(kept(build(v, reduction), v, reduction));
  };
}

export interface SumOptions extends ReduceOptions {
  /** What is summed in, and the result's dtype; the array's own, int32 for bool, where none is given. */
  readonly dtype?: DType;
}

function accumulated<T extends Lazy>(op: string, x: T, options: SumOptions, build: (v: Value, axes: readonly number[]) => Value): T {
  const reduction = reduceOption(op, x, options);
  const v = options.dtype === undefined ? numeric(op, x) : cast(valueOf(op, x), requireDType(op, options.dtype));
  return x.wrap(kept(build(v, reduction.axes), v, reduction));
}

/**
 * The sum; bool counts as 0 and 1.
 *
 * @example
 * sum(tensor([[1, 2], [3, 4]]), { axis: 0 }); // → tensor([4, 6])
 */
export function sum<T extends Lazy>(x: T, options: SumOptions = {}): T {
  return accumulated("sum", x, options, reduceSum);
}
/**
 * The product; bool counts as 0 and 1.
 *
 * @example
 * prod(tensor([2, 3, 4])); // → tensor(24)
 */
export function prod<T extends Lazy>(x: T, options: SumOptions = {}): T {
  return accumulated("prod", x, options, reductions.reduceProd);
}
/**
 * The mean, of floats; NaN where there are no elements.
 *
 * @example
 * mean(tensor([1, 2, 3])); // → tensor(2)
 */
export const mean: Reducer = reducer("mean", floating, (x, { axes }) => meanValue(x, axes));
/**
 * The greatest element; NaN where one is NaN. Equal extremes share the derivative. A ShapeError where there are no elements.
 *
 * @example
 * max(tensor([[1, 5], [3, 2]]), { axis: 1 }); // → tensor([5, 3])
 */
export const max: Reducer = reducer("max", valueOf, (x, { axes }) => reductions.reduceMax(x, axes));
/**
 * The least element; NaN where one is NaN. Equal extremes share the derivative. A ShapeError where there are no elements.
 *
 * @example
 * min(tensor([[1, 5], [3, 2]]), { axis: 1 }); // → tensor([1, 2])
 */
export const min: Reducer = reducer("min", valueOf, (x, { axes }) => reductions.reduceMin(x, axes));
/**
 * Whether one element is true, that is not 0.
 *
 * @example
 * any(tensor([true, false])); // → tensor(True)
 */
export const any: Reducer = reducer("any", valueOf, (x, { axes }) => reductions.reduceAny(truth(x), axes));
/**
 * Whether all elements are true, that is not 0.
 *
 * @example
 * all(tensor([true, false])); // → tensor(False)
 */
export const all: Reducer = reducer("all", valueOf, (x, { axes }) => reductions.reduceAll(truth(x), axes));
/**
 * The number of elements that are not 0.
 *
 * @example
 * countNonzero(tensor([0, 1, 2])); // → tensor(2, dtype=int32)
 */
export const countNonzero: Reducer = reducer("countNonzero", valueOf, (x, { axes }) => reduceSum(cast(truth(x), "int32"), axes));
/**
 * log(sum(e^x)) without overflow, of floats.
 *
 * @example
 * logsumexp(tensor([0, 0])); // → tensor(0.6931)
 */
export const logsumexp: Reducer = reducer("logsumexp", floating, (x, { axes }) => logsumexpValue(x, axes));
/**
 * The sum of the elements that are not NaN.
 *
 * @example
 * nansum(tensor([1, NaN, 3])); // → tensor(4)
 */
export const nansum: Reducer = reducer("nansum", numeric, (x, { axes }) => (isFloat(x.dtype) ? reduceSum(where(isNaN(x), 0, x), axes) : reduceSum(x, axes)));
/**
 * The mean of the elements that are not NaN.
 *
 * @example
 * nanmean(tensor([1, NaN, 3])); // → tensor(2)
 */
export const nanmean: Reducer = reducer("nanmean", floating, (x, { axes }) => {
  const there = cast(equal(x, x), x.dtype);
  return divide(reduceSum(where(isNaN(x), 0, x), axes), reduceSum(there, axes));
});

/** The mean over axes, which go. */
export const meanValue = (x: Value, axes: readonly number[]): Value => divide(reduceSum(x, axes), countOf(x, axes));

/** Shifted by the maximum, which cancels out: it is no part of the derivative. An infinite maximum is not subtracted. */
export function logsumexpValue(x: Value, axes: readonly number[]): Value {
  if (countOf(x, axes) === 0) return log(reduceSum(exp(x), axes));
  const most = detach(reductions.reduceMax(x, axes));
  const shift = where(less(absolute(most), Infinity), most, 0);
  return add(log(reduceSum(exp(subtract(x, spread(shift, x, axes))), axes)), shift);
}

export interface VarianceOptions extends ReduceOptions {
  /** What is taken from the number of elements in the divisor: 1 for the estimate from a sample. */
  readonly correction?: number;
}

/** The variance over axes, which go: of the deviations from the mean, so that a large mean costs no digits. */
export function varianceValue(x: Value, axes: readonly number[], correction: number = 0): Value {
  const deviation = subtract(x, spread(meanValue(x, axes), x, axes));
  return divide(reduceSum(square(deviation), axes), Math.max(0, countOf(x, axes) - correction));
}

function variance<T extends Lazy>(op: string, x: T, options: VarianceOptions, finish: (v: Value) => Value): T {
  const v = floating(op, x);
  const reduction = reduceOption(op, x, options);
  return x.wrap(kept(finish(varianceValue(v, reduction.axes, options.correction ?? 0)), v, reduction));
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
  const v = floating("norm", x);
  const reduction = reduceOption("norm", x, options);
  return x.wrap(kept(normValue(v, options.ord ?? 2, reduction.axes), v, reduction));
}

/** The p-norm over axes, which go; the derivative of the 2-norm at 0 is 0. */
export function normValue(x: Value, ord: number, axes: readonly number[]): Value {
  switch (ord) {
    case Infinity:
      return reductions.reduceMax(absolute(x), axes);
    case -Infinity:
      return reductions.reduceMin(absolute(x), axes);
    case 0:
      return reduceSum(cast(truth(x), x.dtype), axes);
    case 1:
      return reduceSum(absolute(x), axes);
    case 2:
      return rootOr0(reduceSum(square(x), axes));
    default:
      return pow(reduceSum(pow(absolute(x), ord), axes), 1 / ord);
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
  if (ord === 1 || ord === -1) return ord === 1 ? reductions.reduceMax(sums(rows), [rows]) : reductions.reduceMin(sums(rows), [rows]);
  if (ord === Infinity) return reductions.reduceMax(sums(columns), [rows]);
  if (ord === -Infinity) return reductions.reduceMin(sums(columns), [rows]);
  throw new UnsupportedError(`matrixNorm: ord ${ord} needs singular values, which are not there yet. Use "fro", 1, -1, Infinity or -Infinity.`);
}

export interface PositionOptions extends AxisOption {
  readonly keepdims?: boolean;
  readonly keepdim?: boolean;
}

function position(op: string, build: (x: Value, axes: readonly number[]) => Value): <T extends Lazy>(x: T, options?: PositionOptions) => T {
  return (x, options = {}) => {
    const v = numeric(op, x);
    const given = axisOption(op, x, options);
    const axes = given === null ? seq(x.ndim) : [normalizeAxis(op, given, x.ndim)];
    const keepdims = options.keepdims ?? options.keepdim ?? false;
    return x.wrap(kept(build(v, axes), v, { axes, keepdims }));
  };
}

/**
 * The position of the first greatest element (the first NaN) along an axis, or in the flattened array; int32.
 *
 * @example
 * argmax(tensor([1, 3, 2])); // → tensor(1, dtype=int32)
 */
export const argmax: <T extends Lazy>(x: T, options?: PositionOptions) => T = position("argmax", reductions.argmax);
/**
 * The position of the first least element (the first NaN) along an axis, or in the flattened array; int32.
 *
 * @example
 * argmin(tensor([2, 3, 1])); // → tensor(2, dtype=int32)
 */
export const argmin: <T extends Lazy>(x: T, options?: PositionOptions) => T = position("argmin", reductions.argmin);
