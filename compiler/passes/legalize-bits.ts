/** float32 numbers taken apart: the ground on which `legalize`'s expansions stand. */
import type { Expr } from "../ir/expr.ts";
import { argument, constant, s } from "../ir/expr.ts";

/** The operands of an expansion. */
export const x: Expr = argument(0, "float32");
export const y: Expr = argument(1, "float32");

export const f32 = (value: number): Expr => constant(value, "float32");
export const i32 = (value: number): Expr => constant(value, "int32");
export const u32 = (value: number): Expr => constant(value, "uint32");
export const nan: Expr = f32(NaN);
export const infinity: Expr = f32(Infinity);

export const bitsOf = (e: Expr): Expr => s.bitcast(e, "uint32");
export const signedBitsOf = (e: Expr): Expr => s.bitcast(e, "int32");
export const fromBits = (e: Expr): Expr => s.bitcast(e, "float32");
export const toFloat = (e: Expr): Expr => s.cast(e, "float32");
export const toInt = (e: Expr): Expr => s.cast(e, "int32");

const magnitudeBits = 0x7fffffff;
const signBit = 0x80000000;

export const copySign = (magnitude: Expr, sign: Expr): Expr => fromBits(s.or(s.and(bitsOf(magnitude), magnitudeBits), s.and(bitsOf(sign), signBit)));
/** The float with its low bits cleared, so that products of two such are exact. */
export const truncateBits = (e: Expr, mask: number): Expr => fromBits(s.and(bitsOf(e), mask));

/** 2^n for an int32 n in -126 … 127. */
const powerOfTwo = (n: Expr): Expr => fromBits(s.shl(s.add(n, 127), 23));

/** v·2^n for normal v and an int32 n in -252 … 254: in two steps, of which only the last rounds. */
export function scale(v: Expr, n: Expr): Expr {
  const half = s.shr(n, 1);
  return s.mul(s.mul(v, powerOfTwo(half)), powerOfTwo(s.sub(n, half)));
}

/** Integers in the order of the floats, -0 and 0 equal: comparing them is exact also where a device flushes subnormals. */
function orderKey(e: Expr): Expr {
  const bits = signedBitsOf(e);
  return s.select(s.lt(bits, 0), s.sub(i32(-2147483648), bits), bits);
}

function nextAfter(): Expr {
  const [from, to, bits] = [orderKey(x), orderKey(y), signedBitsOf(x)];
  const away = s.eq(s.gt(to, from), s.gt(bits, 0));
  const step = fromBits(s.add(bits, s.select(away, i32(1), i32(-1))));
  const smallest = copySign(fromBits(u32(1)), y);
  const moved = s.select(s.eq(from, 0), smallest, step);
  return s.select(s.or(s.isnan(x), s.isnan(y)), nan, s.select(s.eq(from, to), y, moved));
}

/** Exponent field (at least 1) and significand: |e| = significand · 2^(exponent - 150). */
export function parts(e: Expr): { readonly exponent: Expr; readonly significand: Expr } {
  const bits = s.and(bitsOf(e), magnitudeBits);
  const field = s.shr(bits, 23);
  const fraction = s.and(bits, 0x007fffff);
  return { exponent: s.max(field, 1), significand: s.select(s.eq(field, 0), fraction, s.or(fraction, 0x00800000)) };
}

/** C's fmod, exact: long division of the significands, 8 bits a step, for every exponent difference there is. */
function floatRemainder(): Expr {
  const [a, b] = [parts(x), parts(y)];
  const apart = s.sub(toInt(a.exponent), toInt(b.exponent));
  let rest = s.irem(a.significand, b.significand);
  for (let done = 0; done < 254; done += 8) {
    const step = s.cast(s.min(s.max(s.sub(apart, done), 0), 8), "uint32");
    rest = s.irem(s.shl(rest, step), b.significand);
  }
  const exponent = s.sub(toInt(b.exponent), 150);
  const value = copySign(scale(toFloat(rest), exponent), x);
  const small = s.lt(s.and(bitsOf(x), magnitudeBits), s.and(bitsOf(y), magnitudeBits));
  const invalid = s.or(s.or(s.isnan(x), s.isnan(y)), s.or(s.eq(s.abs(x), Infinity), s.eq(b.significand, 0)));
  return s.select(invalid, nan, s.select(small, x, value));
}

/** Newton's iterations from a third of the exponent (the first guess is W. Kahan's). */
function cubeRoot(): Expr {
  const { significand } = parts(x);
  const subnormal = s.lt(significand, 0x00800000);
  const a = s.select(subnormal, toFloat(significand), s.abs(x));
  let root = fromBits(s.add(s.idiv(bitsOf(a), 3), 709958130));
  for (let i = 0; i < 3; i++) root = s.sub(root, s.mul(s.sub(root, s.div(a, s.mul(root, root))), 1 / 3));
  // 2^-149 = 2^-150 · 2, and the cube root of 2^-150 is 2^-50
  const scaled = s.select(subnormal, s.mul(root, 2 ** -50 * Math.cbrt(2)), root);
  const special = s.or(s.isnan(x), s.or(s.eq(s.and(bitsOf(x), magnitudeBits), 0), s.eq(s.abs(x), Infinity)));
  return s.select(special, x, copySign(scaled, x));
}

export const bitExpansions: Readonly<Record<"copysign" | "nextafter" | "fmod" | "cbrt", Expr>> = {
  copysign: copySign(x, y),
  nextafter: nextAfter(),
  fmod: floatRemainder(),
  cbrt: cubeRoot(),
};
