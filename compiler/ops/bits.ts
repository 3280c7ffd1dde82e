/** Bits and the arithmetic of divisors. */
import { dtypeInfo, unsignedOf } from "../ir/dtype.ts";
import { lookup } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { s } from "../ir/expr.ts";
import type { ElementwisePrimitive } from "../ir/primitive.ts";
import { absolute, multiply, quotient } from "./arithmetic.ts";
import { elementwise } from "./define.ts";
import type { Binary, Operand, Unary } from "./operands.ts";
import { asValues, binary, scalar1, scalar2, unary } from "./operands.ts";
import type { Value } from "../ir/node.ts";

const bitwise = (name: string, doc: string, scalar: (a: Expr, b: Expr) => Expr): ElementwisePrimitive =>
  elementwise({ name, doc, arity: 2, takes: "bits", scalar: scalar2(scalar), partials: "zero" });
const shift = (name: string, doc: string, scalar: (a: Expr, b: Expr) => Expr): ElementwisePrimitive =>
  elementwise({ name, doc, arity: 2, takes: "integer", scalar: scalar2(scalar), partials: "zero" });

export const bitwiseAndOp: ElementwisePrimitive = bitwise("bitwise and", "The bits that both have.", s.and);
export const bitwiseAnd: Binary = binary(bitwiseAndOp);
export const bitwiseOrOp: ElementwisePrimitive = bitwise("bitwise or", "The bits that one or both have.", s.or);
export const bitwiseOr: Binary = binary(bitwiseOrOp);
export const bitwiseXorOp: ElementwisePrimitive = bitwise("bitwise xor", "The bits that just one has.", s.xor);
export const bitwiseXor: Binary = binary(bitwiseXorOp);
export const bitwiseNotOp: ElementwisePrimitive = elementwise({
  name: "bitwise not",
  doc: "The bits that x has not.",
  takes: "bits",
  scalar: scalar1(s.not),
  partials: "zero",
});
export const bitwiseNot: Unary = unary(bitwiseNotOp);

export const shiftLeftOp: ElementwisePrimitive = shift("shift left", "x · 2^y modulo the width; 0 where y is the width or more.", s.shl);
export const shiftLeft: Binary = binary(shiftLeftOp);
export const shiftRightOp: ElementwisePrimitive = shift(
  "shift right",
  "floor(x / 2^y): keeps the sign of a signed x, all of it where y is the width or more.",
  s.shr,
);
export const shiftRight: Binary = binary(shiftRightOp);

/** Divisions that Euclid's algorithm needs at most for operands of so many bits: as many as Fibonacci numbers lie below. */
const longestEuclid: ReadonlyMap<number, number> = new Map([
  [8, 12],
  [16, 23],
  [32, 46],
  [64, 92],
]);

/** Euclid's algorithm unrolled; it has finished where b is 0, and x % 0 is 0, so further steps change nothing. */
function euclid(x: Expr, y: Expr): Expr {
  const unsigned = unsignedOf(x.dtype);
  let [a, b] = [s.bitcast(s.abs(x), unsigned), s.bitcast(s.abs(y), unsigned)];
  const steps = lookup(longestEuclid, dtypeInfo(x.dtype).bits, "an integer's width");
  for (let i = 0; i < steps; i++) [a, b] = [s.select(s.eq(b, 0), a, b), s.irem(a, b)];
  return s.bitcast(s.select(s.eq(b, 0), a, b), x.dtype);
}

export const gcdOp: ElementwisePrimitive = elementwise({
  name: "gcd",
  doc: "The greatest common divisor, not negative; gcd(0, 0) is 0.",
  arity: 2,
  takes: "integer",
  cost: 460,
  scalar: scalar2(euclid),
  partials: "zero",
});
export const gcd: Binary = binary(gcdOp);

function leastMultiple(x: Operand, y: Operand): Value {
  const [a, b] = asValues("lcm", x, y);
  return absolute(multiply(quotient(a, gcd(a, b)), b));
}
/** The least common multiple, not negative, wrapping as products do; 0 where either is 0. */
export const lcm: Binary = leastMultiple;

export const bitsOps: readonly ElementwisePrimitive[] = [bitwiseAndOp, bitwiseOrOp, bitwiseXorOp, bitwiseNotOp, shiftLeftOp, shiftRightOp, gcdOp];
