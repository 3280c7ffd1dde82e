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
import { fill } from "../../compiler/ops/layout.ts";
import { constantOf } from "../../compiler/ops/operands.ts";
import * as rounding from "../../compiler/ops/rounding.ts";
import { atan2 as atan2Value } from "../../compiler/ops/trigonometric.ts";
import type { Lazy } from "../handle.ts";
import type { Operand } from "../operands.ts";
import { parameter, unifyElements } from "../operands.ts";
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

/**
 * x + y; "or" of bool.
 *
 * @example
 * add(tensor([1, 2]), 10); // → tensor([11, 12])
 */
export const add: Binary = liftBinary("add", arithmetic.add);
/**
 * x - y.
 *
 * @example
 * subtract(tensor([1, 2]), 10); // → tensor([-9, -8])
 */
export const subtract: Binary = liftBinary("subtract", arithmetic.subtract);
/**
 * x · y; "and" of bool.
 *
 * @example
 * multiply(tensor([1, 2]), tensor([[1], [10]])); // → tensor([[ 1,  2], [10, 20]])
 */
export const multiply: Binary = liftBinary("multiply", arithmetic.multiply);
/**
 * x / y, of floats: integers become the face's own float first.
 *
 * @example
 * divide(tensor([1, 2]), 4); // → tensor([0.2500, 0.5000])
 */
export const divide: Binary = liftBinary("divide", arithmetic.divide, "float");
/** A number that the program's structure depends on: it stays a constant, so that x^2 is x·x, and another exponent another plan. */
function structural(y: Value): Value {
  const number = constantOf(y);
  return number === undefined ? y : fill(number, y.type);
}

/**
 * x^y; of integers an integer.
 *
 * @example
 * pow(tensor([1, 2, 3]), 2); // → tensor([1, 4, 9])
 */
export const pow: Binary = liftBinary("pow", (x, y) => exponential.pow(x, structural(y)));
/**
 * The angle of the point (y, x), of floats.
 *
 * @example
 * atan2(tensor([1]), tensor([1])); // → tensor([0.7854])
 */
export const atan2: Binary = liftBinary("atan2", atan2Value, "float");
/**
 * sqrt(x² + y²) without overflow, of floats.
 *
 * @example
 * hypot(tensor([3]), tensor([4])); // → tensor([5])
 */
export const hypot: Binary = liftBinary("hypot", exponential.hypot, "float");
/**
 * log(e^x + e^y) without overflow, of floats.
 *
 * @example
 * logaddexp(tensor([0]), tensor([0])); // → tensor([0.6931])
 */
export const logaddexp: Binary = liftBinary("logaddexp", exponential.logaddexp, "float");
/**
 * log2(2^x + 2^y) without overflow, of floats.
 *
 * @example
 * logaddexp2(tensor([0]), tensor([0])); // → tensor([1])
 */
export const logaddexp2: Binary = liftBinary("logaddexp2", logaddexp2Value, "float");
/**
 * x · log(y), and 0 where x is 0, of floats.
 *
 * @example
 * xlogy(tensor([0, 1]), tensor([0, 1])); // → tensor([0, 0])
 */
export const xlogy: Binary = liftBinary("xlogy", exponential.xlogy, "float");
/**
 * The larger; NaN where either is NaN. Equal operands share the derivative.
 *
 * @example
 * maximum(tensor([1, 5]), 3); // → tensor([3, 5])
 */
export const maximum: Binary = liftBinary("maximum", arithmetic.maximum);
/**
 * The smaller; NaN where either is NaN. Equal operands share the derivative.
 *
 * @example
 * minimum(tensor([1, 5]), 3); // → tensor([1, 3])
 */
export const minimum: Binary = liftBinary("minimum", arithmetic.minimum);
/**
 * The larger; where one is NaN the other.
 *
 * @example
 * fmax(tensor([1, NaN]), tensor([NaN, 2])); // → tensor([1, 2])
 */
export const fmax: Binary = liftBinary("fmax", (x, y) => ignoreNaN(x, y, arithmetic.maximum(x, y)));
/**
 * The smaller; where one is NaN the other.
 *
 * @example
 * fmin(tensor([1, NaN]), tensor([NaN, 2])); // → tensor([1, 2])
 */
export const fmin: Binary = liftBinary("fmin", (x, y) => ignoreNaN(x, y, arithmetic.minimum(x, y)));
/**
 * |x| with the sign of y, of floats.
 *
 * @example
 * copysign(tensor([1, 2]), tensor([-1, 1])); // → tensor([-1,  2])
 */
export const copysign: Binary = liftBinary("copysign", rounding.copysign, "float");
/**
 * The remainder with the sign of x. Integers: 0 where y is 0.
 *
 * @example
 * fmod(tensor([7, -7]), 3); // → tensor([ 1, -1])
 */
export const fmod: Binary = liftBinary("fmod", (x, y) => (isFloat(x.dtype) ? rounding.fmod(x, y) : arithmetic.remainderTrunc(x, y)));
/**
 * The remainder with the sign of y, as Python has it. Integers: 0 where y is 0.
 *
 * @example
 * remainder(tensor([7, -7]), 3); // → tensor([1, 2])
 */
export const remainder: Binary = liftBinary("remainder", (x, y) => (isFloat(x.dtype) ? floatRemainder(x, y) : integerRemainder(x, y)));
/**
 * The quotient rounded down. Integers: 0 where y is 0.
 *
 * @example
 * floorDivide(tensor([7, -7]), 2); // → tensor([ 3, -4])
 */
export const floorDivide: Binary = liftBinary("floorDivide", (x, y) => (isFloat(x.dtype) ? floatFloorDivide(x, y) : integerFloorDivide(x, y)));
/**
 * The next float from x towards y.
 *
 * @example
 * nextafter(array([1]), array([2])).greater(1); // → array([ True])
 */
export const nextafter: Binary = liftBinary("nextafter", rounding.nextafter, "float");
/**
 * 0 where x is negative, 1 where it is positive, y where it is 0.
 *
 * @example
 * heaviside(tensor([-1, 0, 1]), tensor([0.5])); // → tensor([0.0000, 0.5000, 1.0000])
 */
export const heaviside: Binary = liftBinary("heaviside", heavisideValue, "float");

/**
 * Whether x = y; false where either is NaN. Any number may be compared with any dtype.
 *
 * @example
 * equal(tensor([1, 2]), 2); // → tensor([False,  True])
 */
export const equal: Binary = liftBinary("equal", arithmetic.equal, "compare");
/**
 * Whether x ≠ y; true where either is NaN.
 *
 * @example
 * notEqual(tensor([1, 2]), 2); // → tensor([ True, False])
 */
export const notEqual: Binary = liftBinary("notEqual", arithmetic.notEqual, "compare");
/**
 * Whether x < y.
 *
 * @example
 * less(tensor([1, 2]), 2); // → tensor([ True, False])
 */
export const less: Binary = liftBinary("less", arithmetic.less, "compare");
/**
 * Whether x ≤ y.
 *
 * @example
 * lessEqual(tensor([1, 2]), 2); // → tensor([True, True])
 */
export const lessEqual: Binary = liftBinary("lessEqual", arithmetic.lessEqual, "compare");
/**
 * Whether x > y.
 *
 * @example
 * greater(tensor([1, 2]), 1); // → tensor([False,  True])
 */
export const greater: Binary = liftBinary("greater", arithmetic.greater, "compare");
/**
 * Whether x ≥ y.
 *
 * @example
 * greaterEqual(tensor([1, 2]), 2); // → tensor([False,  True])
 */
export const greaterEqual: Binary = liftBinary("greaterEqual", arithmetic.greaterEqual, "compare");

/**
 * Whether both are true, that is not 0.
 *
 * @example
 * logicalAnd(tensor([true, false]), tensor([true, true])); // → tensor([ True, False])
 */
export const logicalAnd: Binary = liftBinary("logicalAnd", arithmetic.logicalAnd);
/**
 * Whether one or both are true.
 *
 * @example
 * logicalOr(tensor([true, false]), tensor([false, false])); // → tensor([ True, False])
 */
export const logicalOr: Binary = liftBinary("logicalOr", arithmetic.logicalOr);
/**
 * Whether just one is true.
 *
 * @example
 * logicalXor(tensor([true, false]), tensor([true, true])); // → tensor([False,  True])
 */
export const logicalXor: Binary = liftBinary("logicalXor", arithmetic.logicalXor);

/**
 * The bits that both have; integers or bool.
 *
 * @example
 * bitwiseAnd(tensor([6, 5], { dtype: "int32" }), 3); // → tensor([2, 1], dtype=int32)
 */
export const bitwiseAnd: Binary = liftBinary("bitwiseAnd", bits.bitwiseAnd);
/**
 * The bits that one or both have; integers or bool.
 *
 * @example
 * bitwiseOr(tensor([6, 5], { dtype: "int32" }), 3); // → tensor([7, 7], dtype=int32)
 */
export const bitwiseOr: Binary = liftBinary("bitwiseOr", bits.bitwiseOr);
/**
 * The bits that just one has; integers or bool.
 *
 * @example
 * bitwiseXor(tensor([6, 5], { dtype: "int32" }), 3); // → tensor([5, 6], dtype=int32)
 */
export const bitwiseXor: Binary = liftBinary("bitwiseXor", bits.bitwiseXor);
/**
 * The bits that x has not; integers or bool.
 *
 * @example
 * bitwiseInvert(tensor([0, 5], { dtype: "int32" })); // → tensor([-1, -6], dtype=int32)
 */
export const bitwiseInvert: Unary = liftAny("bitwiseInvert", bits.bitwiseNot);
/**
 * x · 2^y of integers; 0 where y is the width or more.
 *
 * @example
 * bitwiseLeftShift(tensor([1, 3], { dtype: "int32" }), 2); // → tensor([ 4, 12], dtype=int32)
 */
export const bitwiseLeftShift: Binary = liftBinary("bitwiseLeftShift", bits.shiftLeft);
/**
 * x / 2^y of integers, rounded down; the sign where y is the width or more.
 *
 * @example
 * bitwiseRightShift(tensor([8, -8], { dtype: "int32" }), 2); // → tensor([ 2, -2], dtype=int32)
 */
export const bitwiseRightShift: Binary = liftBinary("bitwiseRightShift", bits.shiftRight);
/**
 * The greatest common divisor of integers.
 *
 * @example
 * gcd(tensor([12], { dtype: "int32" }), tensor([18], { dtype: "int32" })); // → tensor([6], dtype=int32)
 */
export const gcd: Binary = liftBinary("gcd", bits.gcd);
/**
 * The least common multiple of integers.
 *
 * @example
 * lcm(tensor([4], { dtype: "int32" }), tensor([6], { dtype: "int32" })); // → tensor([12], dtype=int32)
 */
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

/**
 * Whether |x - y| ≤ atol + rtol · |y|; infinities are close to themselves.
 *
 * @example
 * isclose(tensor([1, 2]), tensor([1.000001, 3])); // → tensor([ True, False])
 */
export function isclose<T extends Lazy>(x: T, y: Operand<T>, options: IsCloseOptions = {}): T {
  const { like, values } = unifyElements("isclose", [x, y], "float");
  const [a, b] = [at(values, 0), at(values, 1)];
  const tolerance = addValue(
    parameter("isclose", options.atol ?? null, 1e-8, b),
    times(parameter("isclose", options.rtol ?? null, 1e-5, b), arithmetic.absolute(b)),
  );
  const near = both(arithmetic.lessEqual(arithmetic.absolute(minus(a, b)), tolerance), lessValue(arithmetic.absolute(b), Infinity));
  const close = arithmetic.logicalOr(near, equalValue(a, b));
  return like.alike(options.equalNan === true ? arithmetic.logicalOr(close, both(isNaN(a), isNaN(b))) : close);
}
