/** float16 in float32 registers: rounding to it, its bits, its neighbours. */
import type { Expr } from "../ir/expr.ts";
import { constant, s } from "../ir/expr.ts";

const float = (value: number): Expr => constant(value, "float32");
const int = (value: number): Expr => constant(value, "int32");
const bitsOf = (e: Expr): Expr => s.bitcast(e, "int32");
const fromBits = (e: Expr): Expr => s.bitcast(e, "float32");

const exponentBits = 0x7f800000;
/** The exponent fields of 2^-14, from which on float16 has 10 bits behind the point, and of 2^16, which is infinite. */
const [leastNormal, overflow] = [113 * 2 ** 23, 143 * 2 ** 23];

/**
 * A float32 rounded to float16, half to even: adding 2^(e + 13), e its exponent, leaves as many bits behind the point as float16 has
 * there.
 */
export function roundedToHalf(x: Expr): Expr {
  const size = s.abs(x);
  const field = s.min(s.max(s.and(bitsOf(size), exponentBits), leastNormal), overflow);
  const shift = fromBits(s.add(field, 13 * 2 ** 23));
  const near = s.sub(s.add(size, shift), shift);
  return s.copysign(s.select(s.ge(size, 65520), float(Infinity), near), x);
}

/** A float64 in float32, rounded to odd: rounding that to float16 is rounding the float64 once. */
export function oddFloat32(x: Expr): Expr {
  const near = s.cast(x, "float32");
  const [back, bits] = [s.cast(near, "float64"), bitsOf(near)];
  const moved = fromBits(s.add(bits, s.select(s.lt(s.abs(back), s.abs(x)), int(1), int(-1))));
  const stays = s.or(s.or(s.eq(back, x), s.isnan(x)), s.eq(s.and(bits, 1), 1));
  return s.select(stays, near, moved);
}

/** What the biases of float32 and float16 differ by: scaled by it, subnormals of one are those of the other. */
const bias = 2 ** 112;

/** The 16 bits of a float32 rounded to float16, as an int32. */
export function halfBits(x: Expr): Expr {
  const size = s.abs(roundedToHalf(x));
  const finite = s.shr(bitsOf(s.mul(size, 1 / bias)), 13);
  const magnitude = s.select(s.eq(size, Infinity), int(0x7c00), finite);
  const sign = s.and(s.shr(bitsOf(x), 16), 0x8000);
  return s.select(s.isnan(x), int(0x7e00), s.or(sign, magnitude));
}

/** The float32 whose float16 bits are the low 16 of an int32. */
export function halfNumber(bits: Expr): Expr {
  const magnitude = s.and(bits, 0x7fff);
  const finite = s.mul(fromBits(s.shl(magnitude, 13)), bias);
  const size = s.select(s.lt(magnitude, 0x7c00), finite, s.select(s.eq(magnitude, 0x7c00), float(Infinity), float(NaN)));
  return s.select(s.eq(s.and(bits, 0x8000), 0), size, s.neg(size));
}

/** Integers in the order of the floats, -0 and 0 equal; the same function leads back. */
const ordered = (bits: Expr): Expr => s.select(s.lt(bits, 0x8000), bits, s.sub(int(0x8000), bits));

/** The next float16 from `x` towards `y`. */
export function nextHalf(x: Expr, y: Expr): Expr {
  const [from, to] = [ordered(halfBits(x)), ordered(halfBits(y))];
  const step = s.add(from, s.select(s.gt(to, from), int(1), int(-1)));
  const bits = s.select(s.lt(step, 0), s.sub(int(0x8000), step), step);
  const next = s.select(s.eq(step, 0), s.copysign(float(0), x), halfNumber(bits));
  return s.select(s.or(s.isnan(x), s.isnan(y)), float(NaN), s.select(s.eq(from, to), y, next));
}
