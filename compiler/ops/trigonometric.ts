/** Circular and hyperbolic functions and their inverses. */
import type { ElementwisePrimitive } from "../ir/primitive.ts";
import { s } from "../ir/expr.ts";
import type { Value } from "../ir/node.ts";
import { add, divide, multiply, negative, square, subtract } from "./arithmetic.ts";
import { elementwise } from "./define.ts";
import { sqrt } from "./exponential.ts";
import type { Binary, Unary } from "./operands.ts";
import { binary, scalar1, scalar2, slope, slopes, unary } from "./operands.ts";

export const sinOp: ElementwisePrimitive = elementwise({
  name: "sin",
  doc: "The sine of x radians.",
  takes: "float",
  cost: 20,
  scalar: scalar1(s.sin),
  partials: slope((x) => cos(x)),
});
export const sin: Unary = unary(sinOp);

export const cosOp: ElementwisePrimitive = elementwise({
  name: "cos",
  doc: "The cosine of x radians.",
  takes: "float",
  cost: 20,
  scalar: scalar1(s.cos),
  partials: slope((x) => negative(sin(x))),
});
export const cos: Unary = unary(cosOp);

export const tanOp: ElementwisePrimitive = elementwise({
  name: "tan",
  doc: "The tangent of x radians.",
  takes: "float",
  cost: 24,
  scalar: scalar1(s.tan),
  partials: slope((_, y) => add(square(y), 1)),
});
export const tan: Unary = unary(tanOp);

/** 1 - x², whose factors keep what is left near ±1. */
const besideOne = (x: Value): Value => multiply(subtract(1, x), add(x, 1));

export const asinOp: ElementwisePrimitive = elementwise({
  name: "asin",
  doc: "The angle in [-π/2, π/2] with this sine; NaN outside [-1, 1].",
  takes: "float",
  cost: 24,
  scalar: scalar1(s.asin),
  partials: slope((x) => divide(1, sqrt(besideOne(x)))),
});
export const asin: Unary = unary(asinOp);

export const acosOp: ElementwisePrimitive = elementwise({
  name: "acos",
  doc: "The angle in [0, π] with this cosine; NaN outside [-1, 1].",
  takes: "float",
  cost: 24,
  scalar: scalar1(s.acos),
  partials: slope((x) => divide(-1, sqrt(besideOne(x)))),
});
export const acos: Unary = unary(acosOp);

export const atanOp: ElementwisePrimitive = elementwise({
  name: "atan",
  doc: "The angle in [-π/2, π/2] with this tangent.",
  takes: "float",
  cost: 24,
  scalar: scalar1(s.atan),
  partials: slope((x) => divide(1, add(square(x), 1))),
});
export const atan: Unary = unary(atanOp);

export const atan2Op: ElementwisePrimitive = elementwise({
  name: "atan2",
  doc: "The angle in [-π, π] of the point with ordinate y (first) and abscissa x (second).",
  arity: 2,
  takes: "float",
  cost: 28,
  scalar: scalar2(s.atan2),
  partials: slopes((y, x) => {
    const squared = add(square(x), square(y));
    return [divide(x, squared), negative(divide(y, squared))];
  }),
});
export const atan2: Binary = binary(atan2Op);

export const sinhOp: ElementwisePrimitive = elementwise({
  name: "sinh",
  doc: "The hyperbolic sine.",
  takes: "float",
  cost: 24,
  scalar: scalar1(s.sinh),
  partials: slope((x) => cosh(x)),
});
export const sinh: Unary = unary(sinhOp);

export const coshOp: ElementwisePrimitive = elementwise({
  name: "cosh",
  doc: "The hyperbolic cosine.",
  takes: "float",
  cost: 24,
  scalar: scalar1(s.cosh),
  partials: slope((x) => sinh(x)),
});
export const cosh: Unary = unary(coshOp);

export const tanhOp: ElementwisePrimitive = elementwise({
  name: "tanh",
  doc: "The hyperbolic tangent.",
  takes: "float",
  cost: 24,
  scalar: scalar1(s.tanh),
  partials: slope((_, y) => subtract(1, square(y))),
});
export const tanh: Unary = unary(tanhOp);

export const asinhOp: ElementwisePrimitive = elementwise({
  name: "asinh",
  doc: "The inverse of sinh.",
  takes: "float",
  cost: 28,
  scalar: scalar1(s.asinh),
  partials: slope((x) => divide(1, sqrt(add(square(x), 1)))),
});
export const asinh: Unary = unary(asinhOp);

export const acoshOp: ElementwisePrimitive = elementwise({
  name: "acosh",
  doc: "The inverse of cosh, not negative; NaN below 1.",
  takes: "float",
  cost: 28,
  scalar: scalar1(s.acosh),
  partials: slope((x) => divide(1, sqrt(multiply(subtract(x, 1), add(x, 1))))),
});
export const acosh: Unary = unary(acoshOp);

export const atanhOp: ElementwisePrimitive = elementwise({
  name: "atanh",
  doc: "The inverse of tanh; ±Infinity at ±1, NaN beyond.",
  takes: "float",
  cost: 28,
  scalar: scalar1(s.atanh),
  partials: slope((x) => divide(1, besideOne(x))),
});
export const atanh: Unary = unary(atanhOp);

export const trigonometricOps: readonly ElementwisePrimitive[] = [
  sinOp,
  cosOp,
  tanOp,
  asinOp,
  acosOp,
  atanOp,
  atan2Op,
  sinhOp,
  coshOp,
  tanhOp,
  asinhOp,
  acoshOp,
  atanhOp,
];
