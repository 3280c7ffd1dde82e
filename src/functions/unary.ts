/** Elementwise functions of one array. Floats unless said otherwise: integers and bool become the face's own float first. */
import type { Value } from "../../compiler/ir/node.ts";
import * as arithmetic from "../../compiler/ops/arithmetic.ts";
import * as exponential from "../../compiler/ops/exponential.ts";
import * as rounding from "../../compiler/ops/rounding.ts";
import * as special from "../../compiler/ops/special.ts";
import * as trigonometric from "../../compiler/ops/trigonometric.ts";
import type { Lazy } from "../handle.ts";
import { floating, parameter } from "../operands.ts";
import type { Unary } from "./lift.ts";
import { liftAny, liftFloat, liftNumeric } from "./lift.ts";

const { divide, equal, isNaN, less, multiply, subtract, where } = arithmetic;

/** |x|; integers stay integers. */
export const abs: Unary = liftNumeric("abs", arithmetic.absolute);
/** -x; integers stay integers. */
export const negative: Unary = liftNumeric("negative", arithmetic.negative);
/** x. */
export const positive: Unary = liftNumeric("positive", (x) => x);
/** -1, 0 or 1; NaN for NaN; integers stay integers. */
export const sign: Unary = liftNumeric("sign", arithmetic.sign);
/** x²; integers stay integers. */
export const square: Unary = liftNumeric("square", arithmetic.square);
/** 1 / x. */
export const reciprocal: Unary = liftFloat("reciprocal", arithmetic.reciprocal);

/** e^x. */
export const exp: Unary = liftFloat("exp", exponential.exp);
/** 2^x. */
export const exp2: Unary = liftFloat("exp2", exponential.exp2);
/** e^x - 1, exact for small x. */
export const expm1: Unary = liftFloat("expm1", exponential.expm1);
/** The natural logarithm; NaN for negative x. */
export const log: Unary = liftFloat("log", exponential.log);
/** log(1 + x), exact for small x. */
export const log1p: Unary = liftFloat("log1p", exponential.log1p);
/** The logarithm to base 2. */
export const log2: Unary = liftFloat("log2", exponential.log2);
/** The logarithm to base 10. */
export const log10: Unary = liftFloat("log10", exponential.log10);
/** The square root; NaN for negative x. */
export const sqrt: Unary = liftFloat("sqrt", exponential.sqrt);
/** 1 / sqrt(x). */
export const rsqrt: Unary = liftFloat("rsqrt", exponential.rsqrt);
/** The cube root. */
export const cbrt: Unary = liftFloat("cbrt", exponential.cbrt);
/** 1 / (1 + e^-x). */
export const sigmoid: Unary = liftFloat("sigmoid", exponential.sigmoid);

/** The sine of x in radians. */
export const sin: Unary = liftFloat("sin", trigonometric.sin);
/** The cosine of x in radians. */
export const cos: Unary = liftFloat("cos", trigonometric.cos);
/** The tangent of x in radians. */
export const tan: Unary = liftFloat("tan", trigonometric.tan);
/** The inverse sine; NaN outside -1 … 1. */
export const asin: Unary = liftFloat("asin", trigonometric.asin);
/** The inverse cosine; NaN outside -1 … 1. */
export const acos: Unary = liftFloat("acos", trigonometric.acos);
/** The inverse tangent. */
export const atan: Unary = liftFloat("atan", trigonometric.atan);
/** The hyperbolic sine. */
export const sinh: Unary = liftFloat("sinh", trigonometric.sinh);
/** The hyperbolic cosine. */
export const cosh: Unary = liftFloat("cosh", trigonometric.cosh);
/** The hyperbolic tangent. */
export const tanh: Unary = liftFloat("tanh", trigonometric.tanh);
/** The inverse hyperbolic sine. */
export const asinh: Unary = liftFloat("asinh", trigonometric.asinh);
/** The inverse hyperbolic cosine; NaN below 1. */
export const acosh: Unary = liftFloat("acosh", trigonometric.acosh);
/** The inverse hyperbolic tangent; NaN outside -1 … 1. */
export const atanh: Unary = liftFloat("atanh", trigonometric.atanh);

/** The largest whole number not above x; integers stay as they are. */
export const floor: Unary = liftNumeric("floor", rounding.floor);
/** The smallest whole number not below x; integers stay as they are. */
export const ceil: Unary = liftNumeric("ceil", rounding.ceil);
/** x without its fraction; integers stay as they are. */
export const trunc: Unary = liftNumeric("trunc", rounding.trunc);
/** The nearest whole number, half to even; integers stay as they are. */
export const round: Unary = liftNumeric("round", rounding.round);
/** The fraction: x - trunc(x). */
export const frac: Unary = liftFloat("frac", (x) => subtract(x, rounding.trunc(x)));

/** The error function. */
export const erf: Unary = liftFloat("erf", special.erf);
/** 1 - erf(x), exact for large x. */
export const erfc: Unary = liftFloat("erfc", special.erfc);
/** The inverse of erf. */
export const erfinv: Unary = liftFloat("erfinv", special.erfinv);
/** The logarithm of |Γ(x)|. */
export const lgamma: Unary = liftFloat("lgamma", special.lgamma);
/** The derivative of lgamma. */
export const digamma: Unary = liftFloat("digamma", special.digamma);
/** The distribution function of the standard normal distribution. */
export const ndtr: Unary = liftFloat("ndtr", (x) => multiply(special.erfc(multiply(x, -Math.SQRT1_2)), 0.5));
/** log(x / (1 - x)). */
export const logit: Unary = liftFloat("logit", (x) => exponential.log(divide(x, subtract(1, x))));
/** The modified Bessel function of order 0. */
export const i0: Unary = liftFloat("i0", special.i0);
/** sin(πx) / (πx), and 1 at 0. */
export const sinc: Unary = liftFloat("sinc", sincValue);
/** Degrees to radians. */
export const deg2rad: Unary = liftFloat("deg2rad", (x) => multiply(x, Math.PI / 180));
/** Radians to degrees. */
export const rad2deg: Unary = liftFloat("rad2deg", (x) => multiply(x, 180 / Math.PI));

/** The division sees no 0, so that its derivative stays finite there. */
function sincValue(x: Value): Value {
  const zero = equal(x, 0);
  const angle = multiply(where(zero, 1, x), Math.PI);
  return where(zero, 1, divide(trigonometric.sin(angle), angle));
}

/** The n-th derivative of digamma. */
export function polygamma<T extends Lazy>(n: number, x: T): T {
  return x.wrap(special.polygamma(n, floating("polygamma", x)));
}

/** Whether x is neither infinite nor NaN. */
export const isfinite: Unary = liftFloat("isfinite", (x) => less(arithmetic.absolute(x), Infinity));
/** Whether x is Infinity or -Infinity. */
export const isinf: Unary = liftFloat("isinf", (x) => equal(arithmetic.absolute(x), Infinity));
/** Whether x is NaN. */
export const isnan: Unary = liftFloat("isnan", isNaN);
/** Whether the sign of x is negative, also that of -0. */
export const signbit: Unary = liftFloat("signbit", (x) => less(rounding.copysign(1, x), 0));
/** Whether x is false: 0. NaN is true. */
export const logicalNot: Unary = liftAny("logicalNot", arithmetic.logicalNot);

export interface NanToNumOptions {
  readonly nan?: number;
  readonly posinf?: number | null;
  readonly neginf?: number | null;
}

/** NaN and infinities replaced: by 0 and the largest finite numbers where nothing else is given. */
export function nanToNum<T extends Lazy>(x: T, options: NanToNumOptions = {}): T {
  const v = floating("nanToNum", x);
  const largest = v.dtype === "float32" ? 3.4028234663852886e38 : Number.MAX_VALUE;
  const noNaN = where(isNaN(v), parameter("nanToNum", options.nan ?? null, 0, v), v);
  const noHigh = where(equal(v, Infinity), parameter("nanToNum", options.posinf ?? null, largest, v), noNaN);
  return x.wrap(where(equal(v, -Infinity), parameter("nanToNum", options.neginf ?? null, -largest, v), noHigh));
}
