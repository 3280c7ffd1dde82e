/** Special functions; their formulas and sources stand in erf-formulas.ts, gamma-formulas.ts and bessel-formulas.ts. */
import { at, UnsupportedError } from "../ir/errors.ts";
import type { Value } from "../ir/node.ts";
import { int, make } from "../ir/node.ts";
import type { ElementwisePrimitive } from "../ir/primitive.ts";
import { divide, equal, multiply, negative, square, subtract, where } from "./arithmetic.ts";
import { i0Formula, i1Formula } from "./bessel-formulas.ts";
import { elementwise } from "./define.ts";
import { erfcFormula, erfFormula, erfinvFormula } from "./erf-formulas.ts";
import { exp } from "./exponential.ts";
import { digammaFormula, lgammaFormula, polygammaFormula } from "./gamma-formulas.ts";
import type { Unary } from "./operands.ts";
import { scalar1, slope, unary } from "./operands.ts";

const rootPi = Math.sqrt(Math.PI);
/** e^(-x²). */
const gauss = (x: Value): Value => exp(negative(square(x)));

export const erfOp: ElementwisePrimitive = elementwise({
  name: "erf",
  doc: "The error function 2/√π ∫₀ˣ e^(-t²) dt.",
  takes: "float",
  cost: 80,
  scalar: scalar1(erfFormula),
  partials: slope((x) => multiply(2 / rootPi, gauss(x))),
});
export const erf: Unary = unary(erfOp);

export const erfcOp: ElementwisePrimitive = elementwise({
  name: "erfc",
  doc: "1 - erf(x), with all its digits where erf(x) is near 1.",
  takes: "float",
  cost: 80,
  scalar: scalar1(erfcFormula),
  partials: slope((x) => multiply(-2 / rootPi, gauss(x))),
});
export const erfc: Unary = unary(erfcOp);

/** The normal distribution function: the probability of less than x. */
export const ndtr: Unary = (x) => multiply(0.5, erfc(multiply(-Math.SQRT1_2, x)));

export const erfinvOp: ElementwisePrimitive = elementwise({
  name: "erfinv",
  doc: "The inverse of erf; ±Infinity at ±1, NaN beyond.",
  takes: "float",
  cost: 90,
  scalar: scalar1(erfinvFormula),
  partials: slope((_, y) => multiply(rootPi / 2, exp(square(y)))),
});
export const erfinv: Unary = unary(erfinvOp);

export const lgammaOp: ElementwisePrimitive = elementwise({
  name: "lgamma",
  doc: "log |Γ(x)|; Infinity at 0 and the negative integers.",
  takes: "float",
  cost: 140,
  scalar: scalar1(lgammaFormula),
  partials: slope((x) => digamma(x)),
});
export const lgamma: Unary = unary(lgammaOp);

export const digammaOp: ElementwisePrimitive = elementwise({
  name: "digamma",
  doc: "The derivative of lgamma; -Infinity at 0, NaN at the negative integers.",
  takes: "float",
  cost: 110,
  scalar: scalar1(digammaFormula),
  partials: slope((x) => polygamma(1, x)),
});
export const digamma: Unary = unary(digammaOp);

/** The largest order: its factorial is still far from overflow in float64. */
const maxOrder = 100;

export const polygammaOp: ElementwisePrimitive = elementwise({
  name: "polygamma",
  doc: "The n-th derivative of digamma, n ≥ 1.",
  takes: "float",
  attrs: { n: "int" },
  cost: 180,
  scalar: (args, attrs) => polygammaFormula(at(args, 0), int(attrs, "n")),
  partials: (args, _, attrs) => [polygamma(int(attrs, "n") + 1, at(args, 0))],
});
/** The n-th derivative of digamma; an UnsupportedError unless n is a whole number from 0 to 100. */
export function polygamma(n: number, x: Value): Value {
  if (!Number.isInteger(n) || n < 0 || n > maxOrder) throw new UnsupportedError(`polygamma: the order ${n} is no whole number from 0 to ${maxOrder}.`);
  return n === 0 ? digamma(x) : make(polygammaOp, [x], { n });
}

export const i0Op: ElementwisePrimitive = elementwise({
  name: "i0",
  doc: "The modified Bessel function of the first kind, order 0.",
  takes: "float",
  cost: 100,
  scalar: scalar1(i0Formula),
  partials: slope((x) => i1(x)),
});
export const i0: Unary = unary(i0Op);

/** I1' = I0 - I1 / x, where I1 / x is 1/2 at 0. */
function i1Slope(x: Value, y: Value): Value {
  const atZero = equal(x, 0);
  const quotient = divide(y, where(atZero, 1, x));
  return subtract(i0(x), where(atZero, 0.5, quotient));
}

export const i1Op: ElementwisePrimitive = elementwise({
  name: "i1",
  doc: "The modified Bessel function of the first kind, order 1.",
  takes: "float",
  cost: 100,
  scalar: scalar1(i1Formula),
  partials: slope(i1Slope),
});
export const i1: Unary = unary(i1Op);

export const specialOps: readonly ElementwisePrimitive[] = [erfOp, erfcOp, erfinvOp, lgammaOp, digammaOp, polygammaOp, i0Op, i1Op];
