/** Elementwise functions of one array. Floats unless said otherwise: integers and bool become the face's own float first. */
import type { DType } from "../../compiler/ir/dtype.ts";
import type { Value } from "../../compiler/ir/node.ts";
import * as arithmetic from "../../compiler/ops/arithmetic.ts";
import * as exponential from "../../compiler/ops/exponential.ts";
import * as rounding from "../../compiler/ops/rounding.ts";
import * as special from "../../compiler/ops/special.ts";
import * as trigonometric from "../../compiler/ops/trigonometric.ts";
import type { Lazy } from "../handle.ts";
import { floatElements, parameter } from "../operands.ts";
import type { Unary } from "./lift.ts";
import { liftAny, liftFloat, liftNumeric } from "./lift.ts";

const { divide, equal, isNaN, less, multiply, subtract, where } = arithmetic;

/**
 * |x|; integers stay integers.
 *
 * @example
 * abs(tensor([-1, 2])); // → tensor([1, 2])
 */
export const abs: Unary = liftNumeric("abs", arithmetic.absolute);
/**
 * -x; integers stay integers.
 *
 * @example
 * negative(tensor([1, -2])); // → tensor([-1,  2])
 */
export const negative: Unary = liftNumeric("negative", arithmetic.negative);
/**
 * x.
 *
 * @example
 * positive(tensor([1, -2])); // → tensor([ 1, -2])
 */
export const positive: Unary = liftNumeric("positive", (x) => x);
/**
 * -1, 0 or 1; NaN for NaN; integers stay integers.
 *
 * @example
 * sign(tensor([-3, 0, 3])); // → tensor([-1,  0,  1])
 */
export const sign: Unary = liftNumeric("sign", arithmetic.sign);
/**
 * x²; integers stay integers.
 *
 * @example
 * square(tensor([1, 2, 3])); // → tensor([1, 4, 9])
 */
export const square: Unary = liftNumeric("square", arithmetic.square);
/**
 * 1 / x.
 *
 * @example
 * reciprocal(tensor([2, 4])); // → tensor([0.5000, 0.2500])
 */
export const reciprocal: Unary = liftFloat("reciprocal", arithmetic.reciprocal);

/**
 * e^x.
 *
 * @example
 * exp(tensor([0, 1])); // → tensor([1.0000, 2.7183])
 */
export const exp: Unary = liftFloat("exp", exponential.exp);
/**
 * 2^x.
 *
 * @example
 * exp2(tensor([0, 3])); // → tensor([1, 8])
 */
export const exp2: Unary = liftFloat("exp2", exponential.exp2);
/**
 * e^x - 1, exact for small x.
 *
 * @example
 * expm1(tensor([0, 1])); // → tensor([0.0000, 1.7183])
 */
export const expm1: Unary = liftFloat("expm1", exponential.expm1);
/**
 * The natural logarithm; NaN for negative x.
 *
 * @example
 * log(tensor([1, 2])); // → tensor([0.0000, 0.6931])
 */
export const log: Unary = liftFloat("log", exponential.log);
/**
 * log(1 + x), exact for small x.
 *
 * @example
 * log1p(tensor([0, 1])); // → tensor([0.0000, 0.6931])
 */
export const log1p: Unary = liftFloat("log1p", exponential.log1p);
/**
 * The logarithm to base 2.
 *
 * @example
 * log2(tensor([1, 8])); // → tensor([0, 3])
 */
export const log2: Unary = liftFloat("log2", exponential.log2);
/**
 * The logarithm to base 10.
 *
 * @example
 * log10(tensor([1, 100])); // → tensor([0, 2])
 */
export const log10: Unary = liftFloat("log10", exponential.log10);
/**
 * The square root; NaN for negative x.
 *
 * @example
 * sqrt(tensor([4, 9])); // → tensor([2, 3])
 */
export const sqrt: Unary = liftFloat("sqrt", exponential.sqrt);
/**
 * 1 / sqrt(x).
 *
 * @example
 * rsqrt(tensor([4])); // → tensor([0.5000])
 */
export const rsqrt: Unary = liftFloat("rsqrt", exponential.rsqrt);
/**
 * The cube root.
 *
 * @example
 * cbrt(tensor([8])); // → tensor([2])
 */
export const cbrt: Unary = liftFloat("cbrt", exponential.cbrt);
/**
 * 1 / (1 + e^-x).
 *
 * @example
 * sigmoid(tensor([0, 1])); // → tensor([0.5000, 0.7311])
 */
export const sigmoid: Unary = liftFloat("sigmoid", exponential.sigmoid);

/**
 * The sine of x in radians.
 *
 * @example
 * sin(tensor([0, 1])); // → tensor([0.0000, 0.8415])
 */
export const sin: Unary = liftFloat("sin", trigonometric.sin);
/**
 * The cosine of x in radians.
 *
 * @example
 * cos(tensor([0])); // → tensor([1])
 */
export const cos: Unary = liftFloat("cos", trigonometric.cos);
/**
 * The tangent of x in radians.
 *
 * @example
 * tan(tensor([0, 1])); // → tensor([0.0000, 1.5574])
 */
export const tan: Unary = liftFloat("tan", trigonometric.tan);
/**
 * The inverse sine; NaN outside -1 … 1.
 *
 * @example
 * asin(tensor([0, 1])); // → tensor([0.0000, 1.5708])
 */
export const asin: Unary = liftFloat("asin", trigonometric.asin);
/**
 * The inverse cosine; NaN outside -1 … 1.
 *
 * @example
 * acos(tensor([1])); // → tensor([0])
 */
export const acos: Unary = liftFloat("acos", trigonometric.acos);
/**
 * The inverse tangent.
 *
 * @example
 * atan(tensor([0, 1])); // → tensor([0.0000, 0.7854])
 */
export const atan: Unary = liftFloat("atan", trigonometric.atan);
/**
 * The hyperbolic sine.
 *
 * @example
 * sinh(tensor([0, 1])); // → tensor([0.0000, 1.1752])
 */
export const sinh: Unary = liftFloat("sinh", trigonometric.sinh);
/**
 * The hyperbolic cosine.
 *
 * @example
 * cosh(tensor([0, 1])); // → tensor([1.0000, 1.5431])
 */
export const cosh: Unary = liftFloat("cosh", trigonometric.cosh);
/**
 * The hyperbolic tangent.
 *
 * @example
 * tanh(tensor([0, 1])); // → tensor([0.0000, 0.7616])
 */
export const tanh: Unary = liftFloat("tanh", trigonometric.tanh);
/**
 * The inverse hyperbolic sine.
 *
 * @example
 * asinh(tensor([0, 1])); // → tensor([0.0000, 0.8814])
 */
export const asinh: Unary = liftFloat("asinh", trigonometric.asinh);
/**
 * The inverse hyperbolic cosine; NaN below 1.
 *
 * @example
 * acosh(tensor([1])); // → tensor([0])
 */
export const acosh: Unary = liftFloat("acosh", trigonometric.acosh);
/**
 * The inverse hyperbolic tangent; NaN outside -1 … 1.
 *
 * @example
 * atanh(tensor([0, 0.5])); // → tensor([0.0000, 0.5493])
 */
export const atanh: Unary = liftFloat("atanh", trigonometric.atanh);

/**
 * The largest whole number not above x; integers stay as they are.
 *
 * @example
 * floor(tensor([1.7, -1.2])); // → tensor([ 1, -2])
 */
export const floor: Unary = liftNumeric("floor", rounding.floor);
/**
 * The smallest whole number not below x; integers stay as they are.
 *
 * @example
 * ceil(tensor([1.2, -1.2])); // → tensor([ 2, -1])
 */
export const ceil: Unary = liftNumeric("ceil", rounding.ceil);
/**
 * x without its fraction; integers stay as they are.
 *
 * @example
 * trunc(tensor([1.7, -1.7])); // → tensor([ 1, -1])
 */
export const trunc: Unary = liftNumeric("trunc", rounding.trunc);
/**
 * The nearest whole number, half to even; integers stay as they are.
 *
 * @example
 * round(tensor([0.5, 1.5, 2.4])); // → tensor([0, 2, 2])
 */
export const round: Unary = liftNumeric("round", rounding.round);
/**
 * The fraction: x - trunc(x).
 *
 * @example
 * frac(tensor([1.5, -1.5])); // → tensor([ 0.5000, -0.5000])
 */
export const frac: Unary = liftFloat("frac", (x) => subtract(x, rounding.trunc(x)));

/**
 * The error function.
 *
 * @example
 * erf(tensor([0, 1])); // → tensor([0.0000, 0.8427])
 */
export const erf: Unary = liftFloat("erf", special.erf);
/**
 * 1 - erf(x), exact for large x.
 *
 * @example
 * erfc(tensor([0, 1])); // → tensor([1.0000, 0.1573])
 */
export const erfc: Unary = liftFloat("erfc", special.erfc);
/**
 * The inverse of erf.
 *
 * @example
 * erfinv(tensor([0, 0.5])); // → tensor([0.0000, 0.4769])
 */
export const erfinv: Unary = liftFloat("erfinv", special.erfinv);
/**
 * The logarithm of |Γ(x)|.
 *
 * @example
 * lgamma(tensor([1, 4])); // → tensor([0.0000, 1.7918])
 */
export const lgamma: Unary = liftFloat("lgamma", special.lgamma);
/**
 * The derivative of lgamma.
 *
 * @example
 * digamma(tensor([1])); // → tensor([-0.5772])
 */
export const digamma: Unary = liftFloat("digamma", special.digamma);
/**
 * The distribution function of the standard normal distribution.
 *
 * @example
 * ndtr(tensor([0, 1])); // → tensor([0.5000, 0.8413])
 */
export const ndtr: Unary = liftFloat("ndtr", (x) => multiply(special.erfc(multiply(x, -Math.SQRT1_2)), 0.5));
/**
 * log(x / (1 - x)).
 *
 * @example
 * logit(tensor([0.5])); // → tensor([0])
 */
export const logit: Unary = liftFloat("logit", (x) => exponential.log(divide(x, subtract(1, x))));
/**
 * The modified Bessel function of order 0.
 *
 * @example
 * i0(tensor([0, 1])); // → tensor([1.0000, 1.2661])
 */
export const i0: Unary = liftFloat("i0", special.i0);
/**
 * sin(πx) / (πx), and 1 at 0.
 *
 * @example
 * sinc(tensor([0, 0.5])); // → tensor([1.0000, 0.6366])
 */
export const sinc: Unary = liftFloat("sinc", sincValue);
/**
 * Degrees to radians.
 *
 * @example
 * deg2rad(tensor([180])); // → tensor([3.1416])
 */
export const deg2rad: Unary = liftFloat("deg2rad", (x) => multiply(x, Math.PI / 180));
/**
 * Radians to degrees.
 *
 * @example
 * rad2deg(tensor([0, 1])); // → tensor([ 0.0000, 57.2958])
 */
export const rad2deg: Unary = liftFloat("rad2deg", (x) => multiply(x, 180 / Math.PI));

/** The division sees no 0, so that its derivative stays finite there. */
function sincValue(x: Value): Value {
  const zero = equal(x, 0);
  const angle = multiply(where(zero, 1, x), Math.PI);
  return where(zero, 1, divide(trigonometric.sin(angle), angle));
}

/**
 * The n-th derivative of digamma.
 *
 * @example
 * polygamma(1, tensor([1])); // → tensor([1.6449])
 */
export function polygamma<T extends Lazy>(n: number, x: T): T {
  return x.alike(special.polygamma(n, floatElements("polygamma", x)));
}

/**
 * Whether x is neither infinite nor NaN.
 *
 * @example
 * isfinite(tensor([1, Infinity, NaN])); // → tensor([ True, False, False])
 */
export const isfinite: Unary = liftFloat("isfinite", (x) => less(arithmetic.absolute(x), Infinity));
/**
 * Whether x is Infinity or -Infinity.
 *
 * @example
 * isinf(tensor([1, Infinity, NaN])); // → tensor([False,  True, False])
 */
export const isinf: Unary = liftFloat("isinf", (x) => equal(arithmetic.absolute(x), Infinity));
/**
 * Whether x is NaN.
 *
 * @example
 * isnan(tensor([1, Infinity, NaN])); // → tensor([False, False,  True])
 */
export const isnan: Unary = liftFloat("isnan", isNaN);
/**
 * Whether the sign of x is negative, also that of -0.
 *
 * @example
 * signbit(tensor([-1, 0, 1])); // → tensor([ True, False, False])
 */
export const signbit: Unary = liftFloat("signbit", (x) => less(rounding.copysign(1, x), 0));
/**
 * Whether x is false: 0. NaN is true.
 *
 * @example
 * logicalNot(tensor([true, false])); // → tensor([False,  True])
 */
export const logicalNot: Unary = liftAny("logicalNot", arithmetic.logicalNot);

export interface NanToNumOptions {
  readonly nan?: number;
  readonly posinf?: number | null;
  readonly neginf?: number | null;
}

const largestFinite: ReadonlyMap<DType, number> = new Map<DType, number>([
  ["float16", 65504],
  ["float32", 3.4028234663852886e38],
]);

/**
 * NaN and infinities replaced: by 0 and the largest finite numbers where nothing else is given.
 *
 * @example
 * nanToNum(tensor([NaN, 1])); // → tensor([0, 1])
 */
export function nanToNum<T extends Lazy>(x: T, options: NanToNumOptions = {}): T {
  const v = floatElements("nanToNum", x);
  const largest = largestFinite.get(v.dtype) ?? Number.MAX_VALUE;
  const noNaN = where(isNaN(v), parameter("nanToNum", options.nan ?? null, 0, v), v);
  const noHigh = where(equal(v, Infinity), parameter("nanToNum", options.posinf ?? null, largest, v), noNaN);
  return x.alike(where(equal(v, -Infinity), parameter("nanToNum", options.neginf ?? null, -largest, v), noHigh));
}
