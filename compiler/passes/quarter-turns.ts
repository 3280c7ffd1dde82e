/** Angles of float32 in quarter turns, by Payne and Hanek's method in 32-bit integers: exact for every float. */
import type { Expr } from "../ir/expr.ts";
import { s } from "../ir/expr.ts";
import { at } from "../ir/errors.ts";
import { u32 } from "./legalize-bits.ts";

/** The bits of 2/π, after 32 zero bits. */
const twoOverPi: readonly number[] = [0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab];

/** The upper word of the product of a number below 2^24 and a word. */
function upperProduct(m: Expr, w: Expr): Expr {
  const [mh, ml, wh, wl] = [s.shr(m, 16), s.and(m, 0xffff), s.shr(w, 16), s.and(w, 0xffff)];
  const [lowHigh, highLow] = [s.mul(ml, wh), s.mul(mh, wl)];
  const middle = s.add(s.add(s.shr(s.mul(ml, wl), 16), s.and(lowHigh, 0xffff)), s.and(highLow, 0xffff));
  return s.add(s.add(s.mul(mh, wh), s.add(s.shr(lowHigh, 16), s.shr(highLow, 16))), s.shr(middle, 16));
}

/** Three words of 2/π from bit `position` on (0 … 134). */
function window(position: Expr): readonly [Expr, Expr, Expr] {
  const [first, shift] = [s.shr(position, 5), s.and(position, 31)];
  const word = (n: number): Expr => [1, 2, 3, 4].reduce((chosen, i) => s.select(s.eq(first, i), u32(at(twoOverPi, i + n)), chosen), u32(at(twoOverPi, n)));
  const words = [word(0), word(1), word(2), word(3)];
  const joined = (i: number): Expr => s.or(s.shl(at(words, i), shift), s.shr(at(words, i + 1), s.sub(u32(32), shift)));
  return [joined(0), joined(1), joined(2)];
}

/** m · 2^(exponent - 150) in quarter turns, modulo 4, as a fixed-point number of two words, of which the upper two bits are whole. */
export function quarterTurns32(m: Expr, position: Expr): { readonly high: Expr; readonly low: Expr } {
  const [w0, w1, w2] = window(position);
  const carryIn = upperProduct(m, w2);
  const low = s.add(s.mul(m, w1), carryIn);
  const carry = s.select(s.lt(low, carryIn), u32(1), u32(0));
  return { high: s.add(s.add(s.mul(m, w0), upperProduct(m, w1)), carry), low };
}
