/** What the formulas of functions stand on: constants by dtype, polynomials, powers of two, numbers taken apart. Vectors have no branches, nor do these. */
import type { Expr } from "../../ir/expr.ts";
import { constant, s } from "../../ir/expr.ts";
import { at } from "../../ir/errors.ts";

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

const squares = new WeakMap<Expr, Expr>();
/** x², one expression however often it is asked for. */
export function square(x: Expr): Expr {
  const made = squares.get(x) ?? s.mul(x, x);
  squares.set(x, made);
  return made;
}

/**
 * A polynomial by Estrin's scheme, coefficients highest power first: halves that do not wait for each other, where Horner's scheme
 * is one long chain.
 */
export function estrin(x: Expr, coefficients: readonly number[]): Expr {
  let terms = coefficients.toReversed().map((c) => s.like(c, x));
  for (let power = x; terms.length > 1; power = square(power)) {
    const next: Expr[] = [];
    for (let i = 0; i < terms.length; i += 2) {
      const low = at(terms, i);
      const high = terms[i + 1];
      next.push(high === undefined ? low : s.add(s.mul(high, power), low));
    }
    terms = next;
  }
  return at(terms, 0);
}

/** 1.5 times the power of two whose last bit is 1: adding it rounds to a whole number, half to even, which the low bits then hold. */
const rounding: Both<number> = { float32: 12582912, float64: 6755399441055744 };
const bias: Both<number> = { float32: 127, float64: 1023 };
export const magic = (x: Expr): number => pick(x, rounding);

/** The whole number next to v (below 2^21), with the sum that it was found by. */
export function toWhole(v: Expr): { readonly sum: Expr; readonly whole: Expr } {
  const sum = s.add(v, magic(v));
  return { sum, whole: s.sub(sum, magic(v)) };
}

const bitsOf = (x: Expr): Expr => s.bitcast(x, "int32");
const fromBits = (x: Expr): Expr => s.bitcast(x, "float32");

/** 2^n for `shifted`, which is n and what `shiftedBy` says. */
const powerOfTwo = (shifted: Expr): Expr => (isSingle(shifted) ? fromBits(s.shl(bitsOf(shifted), 23)) : s.pow2(shifted));
const shiftedBy = (x: Expr): number => magic(x) + pick(x, bias);

/** 2^n for a whole n in the range of the normal exponents. */
export const pow2 = (n: Expr): Expr => powerOfTwo(s.add(n, shiftedBy(n)));

/** 2^(n + more) for the n that `sum` (of `toWhole`) holds. */
export const pow2OfSum = (sum: Expr, more: number): Expr => powerOfTwo(s.add(sum, pick(sum, bias) + more));

/** v · 2^n for a whole n of up to twice the exponents there are: in two steps, so that what is subnormal is rounded once. */
export function scale(v: Expr, n: Expr): Expr {
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
  const bits = s.add(bitsOf(x), 0x3f800000 - rootHalf);
  return { exponent: s.cast(s.sub(s.shr(bits, 23), 127), "float32"), significand: fromBits(s.add(s.and(bits, 0x007fffff), rootHalf)) };
}

/** The upper half of the significand: products of two such are exact. */
export const head = (x: Expr): Expr => (isSingle(x) ? fromBits(s.and(bitsOf(x), constant(0xfffff000 | 0, "int32"))) : s.head(x));

/** The least normal number. */
export const leastNormal: Both<number> = { float32: 2 ** -126, float64: 2 ** -1022 };

/** min and max that keep NaN in x and cost one instruction. */
export const atMost = (x: Expr, limit: number): Expr => s.select(s.lt(s.like(limit, x), x), s.like(limit, x), x);
export const atLeast = (x: Expr, limit: number): Expr => s.select(s.lt(x, limit), s.like(limit, x), x);
