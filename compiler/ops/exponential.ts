/** Exponentials, logarithms, powers and roots. */
import { dtypeInfo, isFloat } from "../ir/dtype.ts";
import type { Expr } from "../ir/expr.ts";
import { s } from "../ir/expr.ts";
import type { Value } from "../ir/node.ts";
import { make } from "../ir/node.ts";
import type { ElementwisePrimitive } from "../ir/primitive.ts";
import { add, divide, equal, greaterEqual, isNaN, lessEqual, logicalAnd, multiply, square, subtract, where } from "./arithmetic.ts";
import { elementwise } from "./define.ts";
import { zerosLike } from "./layout.ts";
import type { Binary, Operand, Unary } from "./operands.ts";
import { asValues, binary, constantOf, scalar1, scalar2, slope, slopes, unary } from "./operands.ts";

export const expOp: ElementwisePrimitive = elementwise({
  name: "exp",
  doc: "e^x.",
  takes: "float",
  cost: 16,
  scalar: scalar1(s.exp),
  partials: slope((_, y) => y),
});
export const exp: Unary = unary(expOp);

export const exp2Op: ElementwisePrimitive = elementwise({
  name: "exp2",
  doc: "2^x.",
  takes: "float",
  cost: 20,
  scalar: scalar1(s.exp2),
  partials: slope((_, y) => multiply(y, Math.LN2)),
});
export const exp2: Unary = unary(exp2Op);

export const expm1Op: ElementwisePrimitive = elementwise({
  name: "expm1",
  doc: "e^x - 1, exact near 0.",
  takes: "float",
  cost: 18,
  scalar: scalar1(s.expm1),
  partials: slope((_, y) => add(y, 1)),
});
export const expm1: Unary = unary(expm1Op);

export const logOp: ElementwisePrimitive = elementwise({
  name: "log",
  doc: "The natural logarithm; -Infinity at 0, NaN below.",
  takes: "float",
  cost: 16,
  scalar: scalar1(s.log),
  partials: slope((x) => divide(1, x)),
});
export const log: Unary = unary(logOp);

export const log1pOp: ElementwisePrimitive = elementwise({
  name: "log1p",
  doc: "log(1 + x), exact near 0.",
  takes: "float",
  cost: 18,
  scalar: scalar1(s.log1p),
  partials: slope((x) => divide(1, add(x, 1))),
});
export const log1p: Unary = unary(log1pOp);

export const log2Op: ElementwisePrimitive = elementwise({
  name: "log2",
  doc: "The logarithm to base 2.",
  takes: "float",
  cost: 18,
  scalar: scalar1(s.log2),
  partials: slope((x) => divide(Math.LOG2E, x)),
});
export const log2: Unary = unary(log2Op);

export const log10Op: ElementwisePrimitive = elementwise({
  name: "log10",
  doc: "The logarithm to base 10.",
  takes: "float",
  cost: 18,
  scalar: scalar1(s.log10),
  partials: slope((x) => divide(Math.LOG10E, x)),
});
export const log10: Unary = unary(log10Op);

export const sqrtOp: ElementwisePrimitive = elementwise({
  name: "sqrt",
  doc: "The square root; NaN below 0, derivative Infinity at 0.",
  takes: "float",
  cost: 4,
  scalar: scalar1(s.sqrt),
  partials: slope((_, y) => divide(0.5, y)),
});
export const sqrt: Unary = unary(sqrtOp);
/** 1 / sqrt(x). */
export const rsqrt: Unary = (x) => divide(1, sqrt(x));

export const cbrtOp: ElementwisePrimitive = elementwise({
  name: "cbrt",
  doc: "The cube root, negative for negative x.",
  takes: "float",
  cost: 20,
  scalar: scalar1(s.cbrt),
  partials: slope((_, y) => divide(1 / 3, square(y))),
});
export const cbrt: Unary = unary(cbrtOp);

/** Two roots of large or tiny squares overflow or vanish: scaled by the larger operand they do not. */
function hypotScalar(a: Expr, b: Expr): Expr {
  const [x, y] = [s.abs(a), s.abs(b)];
  const [small, large] = [s.min(x, y), s.max(x, y)];
  const ratio = s.div(small, large);
  const scaled = s.mul(large, s.sqrt(s.add(s.mul(ratio, ratio), 1)));
  const infinite = s.or(s.eq(x, Infinity), s.eq(y, Infinity));
  return s.select(infinite, s.like(Infinity, a), s.select(s.eq(large, 0), s.like(0, a), scaled));
}

/** x / y, but 0 where the length y is 0: there the derivative has no direction. */
function direction(x: Value, y: Value): Value {
  const nowhere = equal(y, 0);
  return where(nowhere, 0, divide(x, where(nowhere, 1, y)));
}

export const hypotOp: ElementwisePrimitive = elementwise({
  name: "hypot",
  doc: "sqrt(x² + y²) without overflow; Infinity if either is infinite, even beside NaN; the derivative at the origin is 0.",
  arity: 2,
  takes: "float",
  cost: 14,
  scalar: scalar2(hypotScalar),
  partials: slopes((a, b, y) => [direction(a, y), direction(b, y)]),
});
export const hypot: Binary = binary(hypotOp);

/** d/dx x^p = p x^(p-1); at x = p = 0 that is 0 · Infinity, where the derivative of the constant 1 is 0. */
function powerBase(x: Value, p: Value): Value {
  const known = constantOf(p);
  if (known !== undefined) return known === 0 ? zerosLike(x) : multiply(known, known === 2 ? x : power(x, known - 1));
  const flat = logicalAnd(equal(x, 0), equal(p, 0));
  const exponent = where(flat, 1, p);
  return where(flat, 0, multiply(exponent, power(x, subtract(exponent, 1))));
}
/** d/dp x^p = x^p log x, and its limit 0 where x is 0 and p is not negative. */
function powerExponent(x: Value, p: Value, y: Value): Value {
  const flat = logicalAnd(equal(x, 0), greaterEqual(p, 0));
  return where(flat, 0, multiply(y, log(where(flat, 1, x))));
}

export const powOp: ElementwisePrimitive = elementwise({
  name: "pow",
  doc: "x^p as IEEE 754 has it: pow(1, NaN), pow(x, 0) and pow(-1, ±Infinity) are 1.",
  arity: 2,
  takes: "float",
  cost: 40,
  scalar: scalar2(s.pow),
  partials: slopes((x, p, y) => [powerBase(x, p), powerExponent(x, p, y)]),
});

/** x^p by squaring, wrapping as products do; a negative exponent gives the integer part of the fraction, and 0 for 1 / 0. */
function integerPower(x: Expr, p: Expr): Expr {
  let [result, base, rest] = [s.like(1, x), x, p];
  const { kind, bits } = dtypeInfo(x.dtype);
  for (let bit = 0; bit < bits - 1; bit++) {
    result = s.select(s.eq(s.and(rest, 1), 1), s.mul(result, base), result);
    base = s.mul(base, base);
    rest = s.shr(rest, 1);
  }
  if (kind === "uint") return s.select(s.eq(s.and(rest, 1), 1), s.mul(result, base), result);
  const inverse = s.select(s.eq(x, 1), x, s.select(s.eq(x, -1), s.select(s.eq(s.and(p, 1), 1), x, s.like(1, x)), s.like(0, x)));
  return s.select(s.lt(p, 0), inverse, result);
}

export const integerPowOp: ElementwisePrimitive = elementwise({
  name: "integer pow",
  doc: "x^p of integers, wrapping as products do; a negative exponent truncates the fraction.",
  arity: 2,
  takes: "integer",
  cost: 150,
  scalar: scalar2(integerPower),
  partials: "zero",
});

const power: Binary = binary(powOp);
function anyPower(x: Operand, p: Operand): Value {
  const operands = asValues("pow", x, p);
  return make(operands.every((v) => isFloat(v.dtype)) ? powOp : integerPowOp, operands);
}
/** x^p, of floats or of integers. */
export const pow: Binary = anyPower;

/** By e^-|x|, which does not overflow where the result is a subnormal number. */
function sigmoidScalar(x: Expr): Expr {
  const e = s.exp(s.neg(s.abs(x)));
  return s.div(s.select(s.lt(x, 0), e, s.like(1, x)), s.add(e, 1));
}

export const sigmoidOp: ElementwisePrimitive = elementwise({
  name: "sigmoid",
  doc: "1 / (1 + e^-x).",
  takes: "float",
  cost: 22,
  scalar: scalar1(sigmoidScalar),
  partials: slope((_, y) => multiply(y, subtract(1, y))),
});
export const sigmoid: Unary = unary(sigmoidOp);

/** max + log1p(e^-|a-b|); equal operands apart, for the difference of equal infinities is NaN. */
function logaddexpScalar(a: Expr, b: Expr): Expr {
  const [most, gap] = [s.max(a, b), s.abs(s.sub(a, b))];
  return s.select(s.eq(a, b), s.add(a, Math.LN2), s.add(most, s.log1p(s.exp(s.neg(gap)))));
}

/** a - b, but 0 for equal infinities, so that each has half of the derivative instead of NaN. */
function difference(a: Value, b: Value): Value {
  const d = subtract(a, b);
  return where(logicalAnd(isNaN(d), equal(a, b)), 0, d);
}

export const logaddexpOp: ElementwisePrimitive = elementwise({
  name: "logaddexp",
  doc: "log(e^x + e^y) without overflow.",
  arity: 2,
  takes: "float",
  cost: 40,
  scalar: scalar2(logaddexpScalar),
  partials: slopes((a, b) => [sigmoid(difference(a, b)), sigmoid(difference(b, a))]),
});
export const logaddexp: Binary = binary(logaddexpOp);

/** log(y), but 0 where x is 0 and log(y) is not finite: there the function is 0 all along y. */
function xlogySlopeX(x: Value, y: Value): Value {
  const flat = logicalAnd(equal(x, 0), lessEqual(y, 0));
  return where(flat, 0, log(where(flat, 1, y)));
}
/** x / y, but 0 where both are 0. */
function xlogySlopeY(x: Value, y: Value): Value {
  const flat = logicalAnd(equal(x, 0), equal(y, 0));
  return divide(x, where(flat, 1, y));
}

export const xlogyOp: ElementwisePrimitive = elementwise({
  name: "xlogy",
  doc: "x · log(y), and 0 where x is 0 (NaN where y is).",
  arity: 2,
  takes: "float",
  cost: 20,
  scalar: scalar2((x, y) => s.select(s.and(s.eq(x, 0), s.not(s.isnan(y))), s.like(0, x), s.mul(x, s.log(y)))),
  partials: slopes((x, y) => [xlogySlopeX(x, y), xlogySlopeY(x, y)]),
});
export const xlogy: Binary = binary(xlogyOp);

export const exponentialOps: readonly ElementwisePrimitive[] = [
  expOp,
  exp2Op,
  expm1Op,
  logOp,
  log1pOp,
  log2Op,
  log10Op,
  sqrtOp,
  cbrtOp,
  hypotOp,
  powOp,
  integerPowOp,
  sigmoidOp,
  logaddexpOp,
  xlogyOp,
];
