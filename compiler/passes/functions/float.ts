/** What the formulas of functions stand on: constants by dtype, polynomials, powers of two, numbers taken apart. Vectors have no branches, nor do these. */
import type { Expr } from "../../ir/expr.ts";
import { constant, s } from "../../ir/expr.ts";

/** One thing for float32 and one for float64. */
export interface Both<T> {
  readonly float32: T;
  readonly float64: T;
}

export const isSingle = (x: Expr): boolean => x.dtype === "float32";
export const pick = <T>(x: Expr, both: Both<T>): T => (isSingle(x) ? both.float32 : both.float64);
export const one = (x: Expr): Expr => s.like(1, x);
export const nan = (x: Expr): Expr => s.like(NaN, x);
export const infinity = (x: Expr): Expr => s.like(Infinity, x);

/** 1.5 times the power of two whose last bit is 1: adding it rounds to a whole number, half to even, which the low bits then hold. */
const rounding: Both<number> = { float32: 12582912, float64: 6755399441055744 };
const bias: Both<number> = { float32: 127, float64: 1023 };
export const magic = (x: Expr): number => pick(x, rounding);

/** What `sum` is to hold beside the whole number, a whole number itself. */
export interface Whole {
  readonly sum: Expr;
  readonly whole: Expr;
}

/** The whole number next to v (below 2^21), with the sum that it was found by, whose low bits hold it and `more`. */
export function toWhole(v: Expr, more: number = 0): Whole {
  const sum = s.add(v, magic(v) + more);
  return { sum, whole: s.sub(sum, magic(v) + more) };
}

const bitsOf = (x: Expr): Expr => s.bitcast(x, "int32");
const fromBits = (x: Expr): Expr => s.bitcast(x, "float32");

/** 2^n for the n + bias that the low bits hold. */
const powerOfTwo = (biased: Expr): Expr => (isSingle(biased) ? fromBits(s.shl(bitsOf(biased), 23)) : s.pow2(biased));
const shiftedBy = (x: Expr): number => magic(x) + pick(x, bias);

/** 2^n for a whole n in the range of the normal exponents. */
export const pow2 = (n: Expr): Expr => powerOfTwo(s.add(n, shiftedBy(n)));

/** The whole number n next to v, and 2^(n + more), where that is a normal number. */
export function toPower(v: Expr, more: number): { readonly whole: Expr; readonly power: Expr } {
  const { sum, whole } = toWhole(v, pick(v, bias) + more);
  return { whole, power: powerOfTwo(sum) };
}

/**
 * The whole number n next to v, and products with 2^n for an n of up to twice the exponents there are: in two steps, so that what is
 * subnormal is rounded once.
 */
export function toScale(v: Expr): { readonly whole: Expr; readonly scaled: (e: Expr) => Expr } {
  if (!isSingle(v)) {
    const { whole } = toWhole(v);
    return { whole, scaled: (e) => scale(e, whole) };
  }
  const { sum, whole } = toWhole(v, 2 * bias.float32);
  const bits = bitsOf(sum);
  const half = s.shr(bits, 1);
  const rest = s.sub(bits, half);
  return { whole, scaled: (e) => s.mul(s.mul(e, fromBits(s.shl(half, 23))), fromBits(s.shl(rest, 23))) };
}

function scale(v: Expr, n: Expr): Expr {
  const half = s.add(s.mul(n, 0.5), shiftedBy(n));
  const rest = s.sub(n, s.sub(half, shiftedBy(n)));
  return s.mul(s.mul(v, powerOfTwo(half)), pow2(rest));
}

/** v, with its sign changed where the whole number that `sum` (of `toWhole`) holds is odd. */
export function negateOdd(v: Expr, sum: Expr): Expr {
  if (isSingle(v)) return fromBits(s.xor(bitsOf(v), s.shl(bitsOf(sum), 31)));
  return s.mul(v, s.parity(sum));
}

const rootHalf = 0x3f3504f3;

/** x = significand · 2^exponent, √½ ≤ significand < √2, for normal positive x. */
export function parts(x: Expr): { readonly exponent: Expr; readonly significand: Expr } {
  if (!isSingle(x)) return { exponent: s.exponent(x), significand: s.significand(x) };
  const bits = s.sub(bitsOf(x), rootHalf);
  return { exponent: s.cast(s.shr(bits, 23), "float32"), significand: fromBits(s.add(s.and(bits, 0x007fffff), rootHalf)) };
}

/** The upper half of the significand: products of two such are exact. */
export const head = (x: Expr): Expr => (isSingle(x) ? fromBits(s.and(bitsOf(x), constant(0xfffff000 | 0, "int32"))) : s.head(x));

/** The least normal number. */
export const leastNormal: Both<number> = { float32: 2 ** -126, float64: 2 ** -1022 };
