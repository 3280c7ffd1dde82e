/** Rounding, remainders and the parts of a float. */
import { isFloat } from "../ir/dtype.ts";
import { s } from "../ir/expr.ts";
import { make } from "../ir/node.ts";
import type { ElementwisePrimitive } from "../ir/primitive.ts";
import { divide, multiply, sign, subtract } from "./arithmetic.ts";
import { elementwise } from "./define.ts";
import { onesLike } from "./layout.ts";
import type { Binary, Unary } from "./operands.ts";
import { binary, scalar1, scalar2, slopes } from "./operands.ts";

/** Integers are whole already. */
const whole =
  (row: ElementwisePrimitive): Unary =>
  (x) =>
    isFloat(x.dtype) ? make(row, [x]) : x;

export const floorOp: ElementwisePrimitive = elementwise({
  name: "floor",
  doc: "The largest whole number not above x.",
  takes: "float",
  scalar: scalar1(s.floor),
  partials: "zero",
});
export const floor: Unary = whole(floorOp);
export const ceilOp: ElementwisePrimitive = elementwise({
  name: "ceil",
  doc: "The smallest whole number not below x.",
  takes: "float",
  scalar: scalar1(s.ceil),
  partials: "zero",
});
export const ceil: Unary = whole(ceilOp);
export const truncOp: ElementwisePrimitive = elementwise({
  name: "trunc",
  doc: "x without its fraction.",
  takes: "float",
  scalar: scalar1(s.trunc),
  partials: "zero",
});
export const trunc: Unary = whole(truncOp);
export const roundOp: ElementwisePrimitive = elementwise({
  name: "round",
  doc: "The nearest whole number, the even one of two.",
  takes: "float",
  scalar: scalar1(s.round),
  partials: "zero",
});
export const round: Unary = whole(roundOp);

export const fmodOp: ElementwisePrimitive = elementwise({
  name: "fmod",
  doc: "The exact remainder of x / y of floats, with the sign of x; see remainderTrunc for integers.",
  arity: 2,
  takes: "float",
  cost: 20,
  scalar: scalar2(s.fmod),
  // the quotient from the exact remainder: trunc(x / y) is one too large where x / y rounds up to a whole number
  partials: slopes((a, b, y) => [onesLike(a), round(divide(subtract(y, a), b))]),
});
export const fmod: Binary = binary(fmodOp);

export const copysignOp: ElementwisePrimitive = elementwise({
  name: "copysign",
  doc: "|x| with the sign of y, a zero's or NaN's too; the derivative at x = 0 is 0.",
  arity: 2,
  takes: "float",
  scalar: scalar2(s.copysign),
  partials: slopes((a, b) => [multiply(sign(a), copysign(1, b)), null]),
});
export const copysign: Binary = binary(copysignOp);

export const nextafterOp: ElementwisePrimitive = elementwise({
  name: "nextafter",
  doc: "The next float from x towards y.",
  arity: 2,
  takes: "float",
  cost: 8,
  scalar: scalar2(s.nextafter),
  partials: { none: "the next float is no continuous function" },
});
export const nextafter: Binary = binary(nextafterOp);

export const roundingOps: readonly ElementwisePrimitive[] = [floorOp, ceilOp, truncOp, roundOp, fmodOp, copysignOp, nextafterOp];
