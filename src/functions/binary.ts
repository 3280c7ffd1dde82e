/**
 * Elementwise functions of two arrays, which broadcast. One operand may be a number or a boolean: it takes the other's dtype, and
 * a number that this dtype cannot represent is a DTypeError. Two arrays are promoted to a common dtype.
 */
import type { Value } from "../../compiler/ir/node.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import * as arithmetic from "../../compiler/ops/arithmetic.ts";
import * as bits from "../../compiler/ops/bits.ts";
import * as exponential from "../../compiler/ops/exponential.ts";
import * as rounding from "../../compiler/ops/rounding.ts";
import { atan2 as atan2Value } from "../../compiler/ops/trigonometric.ts";
import type { Lazy } from "../handle.ts";
import type { Operand } from "../operands.ts";
import { parameter, unify } from "../operands.ts";
import type { Binary, Unary } from "./lift.ts";
import { liftAny, liftBinary } from "./lift.ts";

const {
  add: addValue,
  divide: divideValue,
  equal: equalValue,
  isNaN,
  less: lessValue,
  logicalAnd: both,
  multiply: times,
  notEqual: differs,
  subtract: minus,
  where,
} = arithmetic;

/** x + y; "or" of bool. */
export const add: Binary = liftBinary("add", arithmetic.add);
/** x - y. */
export const subtract: Binary = liftBinary("subtract", arithmetic.subtract);
/** x · y; "and" of bool. */
export const multiply: Binary = liftBinary("multiply", arithmetic.multiply);
/** x / y, of floats: integers become the face's own float first. */
export const divide: Binary = liftBinary("divide", arithmetic.divide, "float");
/** x^y; of integers an integer. */
export const pow: Binary = liftBinary("pow", exponential.pow);
/** The angle of the point (y, x), of floats. */
export const atan2: Binary = liftBinary("atan2", atan2Value, "float");
/** sqrt(x² + y²) without overflow, of floats. */
export const hypot: Binary = liftBinary("hypot", exponential.hypot, "float");
/** log(e^x + e^y) without overflow, of floats. */
export const logaddexp: Binary = liftBinary("logaddexp", exponential.logaddexp, "float");
/** log2(2^x + 2^y) without overflow, of floats. */
export const logaddexp2: Binary = liftBinary("logaddexp2", logaddexp2Value, "float");
/** x · log(y), and 0 where x is 0, of floats. */
export const xlogy: Binary = liftBinary("xlogy", exponential.xlogy, "float");
/** The larger; NaN where either is NaN. Equal operands share the derivative. */
export const maximum: Binary = liftBinary("maximum", arithmetic.maximum);
/** The smaller; NaN where either is NaN. Equal operands share the derivative. */
export const minimum: Binary = liftBinary("minimum", arithmetic.minimum);
/** The larger; where one is NaN the other. */
export const fmax: Binary = liftBinary("fmax", (x, y) => ignoreNaN(x, y, arithmetic.maximum(x, y)));
/** The smaller; where one is NaN the other. */
export const fmin: Binary = liftBinary("fmin", (x, y) => ignoreNaN(x, y, arithmetic.minimum(x, y)));
/** |x| with the sign of y, of floats. */
export const copysign: Binary = liftBinary("copysign", rounding.copysign, "float");
/** The remainder with the sign of x. Integers: 0 where y is 0. */
export const fmod: Binary = liftBinary("fmod", (x, y) => (isFloat(x.dtype) ? rounding.fmod(x, y) : arithmetic.remainderTrunc(x, y)));
/** The remainder with the sign of y, as Python has it. Integers: 0 where y is 0. */
export const remainder: Binary = liftBinary("remainder", (x, y) => (isFloat(x.dtype) ? floatRemainder(x, y) : integerRemainder(x, y)));
/** The quotient rounded down. Integers: 0 where y is 0. */
export const floorDivide: Binary = liftBinary("floorDivide", (x, y) => (isFloat(x.dtype) ? floatFloorDivide(x, y) : integerFloorDivide(x, y)));
/** The next float from x towards y. */
export const nextafter: Binary = liftBinary("nextafter", rounding.nextafter, "float");
/** 0 where x is negative, 1 where it is positive, y where it is 0. */
export const heaviside: Binary = liftBinary("heaviside", heavisideValue, "float");

/** Whether x = y; false where either is NaN. Any number may be compared with any dtype. */
export const equal: Binary = liftBinary("equal", arithmetic.equal, "compare");
/** Whether x ≠ y; true where either is NaN. */
export const notEqual: Binary = liftBinary("notEqual", arithmetic.notEqual, "compare");
/** Whether x < y. */
export const less: Binary = liftBinary("less", arithmetic.less, "compare");
/** Whether x ≤ y. */
export const lessEqual: Binary = liftBinary("lessEqual", arithmetic.lessEqual, "compare");
/** Whether x > y. */
export const greater: Binary = liftBinary("greater", arithmetic.greater, "compare");
/** Whether x ≥ y. */
export const greaterEqual: Binary = liftBinary("greaterEqual", arithmetic.greaterEqual, "compare");

/** Whether both are true, that is not 0. */
export const logicalAnd: Binary = liftBinary("logicalAnd", arithmetic.logicalAnd);
/** Whether one or both are true. */
export const logicalOr: Binary = liftBinary("logicalOr", arithmetic.logicalOr);
/** Whether just one is true. */
export const logicalXor: Binary = liftBinary("logicalXor", arithmetic.logicalXor);

/** The bits that both have; integers or bool. */
export const bitwiseAnd: Binary = liftBinary("bitwiseAnd", bits.bitwiseAnd);
/** The bits that one or both have; integers or bool. */
export const bitwiseOr: Binary = liftBinary("bitwiseOr", bits.bitwiseOr);
/** The bits that just one has; integers or bool. */
export const bitwiseXor: Binary = liftBinary("bitwiseXor", bits.bitwiseXor);
/** The bits that x has not; integers or bool. */
export const bitwiseInvert: Unary = liftAny("bitwiseInvert", bits.bitwiseNot);
/** x · 2^y of integers; 0 where y is the width or more. */
export const bitwiseLeftShift: Binary = liftBinary("bitwiseLeftShift", bits.shiftLeft);
/** x / 2^y of integers, rounded down; the sign where y is the width or more. */
export const bitwiseRightShift: Binary = liftBinary("bitwiseRightShift", bits.shiftRight);
/** The greatest common divisor of integers. */
export const gcd: Binary = liftBinary("gcd", bits.gcd);
/** The least common multiple of integers. */
export const lcm: Binary = liftBinary("lcm", bits.lcm);

/** Scaled to base e; the slope of the scaling is part of the derivative. */
function logaddexp2Value(x: Value, y: Value): Value {
  return times(exponential.logaddexp(times(x, Math.LN2), times(y, Math.LN2)), Math.LOG2E);
}

function ignoreNaN(x: Value, y: Value, chosen: Value): Value {
  if (!isFloat(x.dtype)) return chosen;
  return where(isNaN(x), y, where(isNaN(y), x, chosen));
}

/** Whether a remainder that is not 0 has another sign than the divisor. */
const wrongSide = (r: Value, y: Value): Value => both(differs(r, 0), arithmetic.logicalXor(lessValue(r, 0), lessValue(y, 0)));

function floatRemainder(x: Value, y: Value): Value {
  const r = rounding.fmod(x, y);
  const moved = where(wrongSide(r, y), addValue(r, y), r);
  // a zero takes the sign of the divisor; only where it has the other one, so that the derivative of the rest stays
  const otherSign = differs(rounding.copysign(1, moved), rounding.copysign(1, y));
  return where(both(equalValue(moved, 0), otherSign), rounding.copysign(0, y), moved);
}

function integerRemainder(x: Value, y: Value): Value {
  const r = arithmetic.remainderTrunc(x, y);
  return where(wrongSide(r, y), addValue(r, y), r);
}

/** NumPy's: from the exact remainder, then rounded to a whole number; x / y where y is 0. */
function floatFloorDivide(x: Value, y: Value): Value {
  const r = rounding.fmod(x, y);
  const quotient = divideValue(minus(x, r), y);
  const lowered = where(wrongSide(r, y), minus(quotient, 1), quotient);
  const down = rounding.floor(lowered);
  const whole = where(arithmetic.greater(minus(lowered, down), 0.5), addValue(down, 1), down);
  const plain = divideValue(x, y);
  const signed = where(equalValue(lowered, 0), rounding.copysign(0, plain), whole);
  return where(equalValue(y, 0), plain, signed);
}

function integerFloorDivide(x: Value, y: Value): Value {
  const q = arithmetic.quotient(x, y);
  return where(wrongSide(arithmetic.remainderTrunc(x, y), y), minus(q, 1), q);
}

function heavisideValue(x: Value, y: Value): Value {
  const step = where(lessValue(x, 0), 0, where(equalValue(x, 0), y, parameter("heaviside", null, 1, x)));
  return where(isNaN(x), x, step);
}

export interface IsCloseOptions {
  readonly rtol?: number;
  readonly atol?: number;
  readonly equalNan?: boolean;
}

/** Whether |x - y| ≤ atol + rtol · |y|; infinities are close to themselves. */
export function isclose<T extends Lazy>(x: T, y: Operand<T>, options: IsCloseOptions = {}): T {
  const { face, values } = unify("isclose", [x, y], "float");
  const [a, b] = [at(values, 0), at(values, 1)];
  const tolerance = addValue(
    parameter("isclose", options.atol ?? null, 1e-8, b),
    times(parameter("isclose", options.rtol ?? null, 1e-5, b), arithmetic.absolute(b)),
  );
  const near = both(arithmetic.lessEqual(arithmetic.absolute(minus(a, b)), tolerance), lessValue(arithmetic.absolute(b), Infinity));
  const close = arithmetic.logicalOr(near, equalValue(a, b));
  return face.wrap(options.equalNan === true ? arithmetic.logicalOr(close, both(isNaN(a), isNaN(b))) : close);
}
