/**
 * Trigonometry of float32 from arithmetic. Arguments are reduced by Payne and Hanek's method in 32-bit integers, exact for every
 * float; the polynomials are those of Cephes (S. Moshier, sinf.c, asinf.c, atanf.c).
 */
import type { Expr } from "../ir/expr.ts";
import { s } from "../ir/expr.ts";
import { copySign, f32, nan, parts, signedBitsOf, toFloat, u32, x, y } from "./legalize-bits.ts";
import { quarterTurns32 } from "./quarter-turns.ts";

interface Reduced {
  /** |x| - quadrant·π/2, within ±π/4. */
  readonly rest: Expr;
  /** uint32, modulo 4. */
  readonly quadrant: Expr;
}

function reduced(): Reduced {
  const { exponent, significand: m } = parts(x);
  // |x| = m·2^(exponent - 150); bits of 2/π that give multiples of 4 do not count; below π/4 nothing is reduced
  const isSmall = s.lt(s.abs(x), Math.PI / 4);
  const position = s.select(isSmall, u32(32), s.sub(exponent, 120));
  const { high, low } = quarterTurns32(m, position);
  const fraction = s.or(s.shl(high, 2), s.shr(low, 30));
  const quadrant = s.and(s.add(s.shr(high, 30), s.shr(fraction, 31)), 3);
  const head = toFloat(s.bitcast(s.and(fraction, 0xffffff00), "int32"));
  const tail = s.add(toFloat(s.and(fraction, 0xff)), s.mul(toFloat(s.shl(low, 2)), 2 ** -32));
  const unit = (Math.PI / 2) * 2 ** -32;
  const unitHigh = Math.fround(unit);
  const rest = s.add(s.mul(head, unitHigh), s.add(s.mul(tail, unitHigh), s.mul(head, unit - unitHigh)));
  return { rest: s.select(isSmall, s.abs(x), rest), quadrant: s.select(isSmall, u32(0), quadrant) };
}

const sineOf = (r: Expr, z: Expr): Expr => s.add(r, s.mul(s.mul(s.polynomial(z, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]), z), r));
const cosineOf = (z: Expr): Expr =>
  s.add(s.sub(s.mul(s.mul(s.polynomial(z, [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]), z), z), s.mul(z, 0.5)), 1);

/** sin and cos of the rest, with the exchange and the signs that the quadrant asks for. */
function rotated(): { readonly sine: Expr; readonly cosine: Expr; readonly ratio: Expr } {
  const { rest, quadrant } = reduced();
  const z = s.mul(rest, rest);
  const [sine, cosine] = [sineOf(rest, z), cosineOf(z)];
  const isOdd = s.eq(s.and(quadrant, 1), 1);
  const isNegative = (q: Expr): Expr => s.ge(s.and(q, 3), 2);
  const flip = (value: Expr, when: Expr): Expr => s.select(when, s.neg(value), value);
  const limited = (value: Expr): Expr => s.select(s.lt(s.abs(x), Infinity), value, nan);
  const oddly = (value: Expr): Expr => s.select(s.lt(signedBitsOf(x), 0), s.neg(value), value);
  return {
    sine: limited(oddly(flip(s.select(isOdd, cosine, sine), isNegative(quadrant)))),
    cosine: limited(flip(s.select(isOdd, sine, cosine), isNegative(s.add(quadrant, 1)))),
    ratio: limited(oddly(s.select(isOdd, s.neg(s.div(cosine, sine)), s.div(sine, cosine)))),
  };
}

/** asin of √z for z up to 1/4, given both. */
const arcsine = (root: Expr, z: Expr): Expr =>
  s.add(root, s.mul(s.mul(s.polynomial(z, [4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1]), z), root));

function arcs(): { readonly asin: Expr; readonly acos: Expr } {
  const a = s.abs(x);
  const isFar = s.gt(a, 0.5);
  const z = s.select(isFar, s.mul(s.sub(f32(1), a), 0.5), s.mul(a, a));
  const arc = arcsine(s.select(isFar, s.sqrt(z), a), z);
  const twice = s.mul(arc, 2);
  const asin = copySign(s.select(isFar, s.sub(f32(Math.PI / 2), twice), arc), x);
  const near = s.sub(f32(Math.PI / 2), copySign(arc, x));
  const far = s.select(s.gt(x, 0), twice, s.sub(f32(Math.PI), twice));
  const limited = (value: Expr): Expr => s.select(s.le(a, 1), value, nan);
  return { asin: limited(asin), acos: limited(s.select(isFar, far, near)) };
}

/** atan of t ≥ 0. */
function arctangent(t: Expr): Expr {
  const [isFar, isMiddle] = [s.gt(t, 2.414213562373095), s.gt(t, 0.414213562373095)];
  const middle = s.select(isMiddle, s.div(s.sub(t, 1), s.add(t, 1)), t);
  const r = s.select(isFar, s.div(f32(-1), t), middle);
  const start = s.select(isFar, f32(Math.PI / 2), s.select(isMiddle, f32(Math.PI / 4), f32(0)));
  const z = s.mul(r, r);
  const p = s.polynomial(z, [8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1]);
  return s.add(start, s.add(r, s.mul(s.mul(p, z), r)));
}

function atan2(): Expr {
  const [down, across] = [s.abs(x), s.abs(y)];
  const steep = s.gt(down, across);
  const [small, large] = [s.select(steep, across, down), s.select(steep, down, across)];
  const ratio = s.select(s.eq(large, 0), f32(0), s.select(s.eq(small, Infinity), f32(1), s.div(small, large)));
  const arc = arctangent(ratio);
  const turned = s.select(steep, s.sub(f32(Math.PI / 2), arc), arc);
  const behind = s.select(s.lt(signedBitsOf(y), 0), s.sub(f32(Math.PI), turned), turned);
  return s.select(s.or(s.isnan(x), s.isnan(y)), nan, copySign(behind, x));
}

const { sine, cosine, ratio } = rotated();
const { asin, acos } = arcs();

export const trigonometricExpansions: Readonly<Record<"sin" | "cos" | "tan" | "asin" | "acos" | "atan" | "atan2", Expr>> = {
  sin: sine,
  cos: cosine,
  tan: ratio,
  asin,
  acos,
  atan: s.select(s.isnan(x), x, copySign(arctangent(s.abs(x)), x)),
  atan2: atan2(),
};
