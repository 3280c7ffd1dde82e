/**
 * Exponentials and logarithms of float32 from arithmetic. The approximations are those of FreeBSD's msun and of musl (e_logf.c,
 * e_powf.c, s_log1pf.c …, Sun Microsystems 1993), with branches as selects; about one unit in the last place each.
 */
import type { Expr } from "../ir/expr.ts";
import { s } from "../ir/expr.ts";
import { bitsOf, copySign, f32, fromBits, i32, infinity, nan, parts, scale, signedBitsOf, toFloat, toInt, truncateBits, u32, x, y } from "./legalize-bits.ts";

const ln2High = 0.693145751953125;
const ln2Low = 1.4286067653e-6;

interface Exponential {
  /** e^r - 1 for the remainder |r| ≤ ln(2)/2. */
  readonly fraction: Expr;
  /** The int32 power of two. */
  readonly power: Expr;
}

/** e^v = (1 + fraction) · 2^power; v is held within where e^v is neither 0 nor infinite, and a bit beyond. */
function exponential(v: Expr): Exponential {
  const held = s.max(s.min(v, 90), -110);
  const count = s.round(s.mul(held, Math.LOG2E));
  const r = s.sub(s.sub(held, s.mul(count, ln2High)), s.mul(count, ln2Low));
  const taylor = [1 / 40320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2];
  return { fraction: s.add(r, s.mul(s.mul(r, r), s.polynomial(r, taylor))), power: toInt(count) };
}

/** e^v · 2^more. */
function exponentialScaled(v: Expr, more: number): Expr {
  const { fraction, power } = exponential(v);
  return scale(s.add(fraction, 1), s.add(power, more));
}

function expm1(): Expr {
  const { fraction, power } = exponential(x);
  const half = scale(f32(1), s.sub(power, 1));
  const value = s.mul(s.add(s.mul(half, fraction), s.sub(half, 0.5)), 2);
  return s.select(s.gt(x, 89), infinity, s.select(s.lt(s.abs(x), 1e-8), x, value));
}

interface Logarithm {
  /** log(v) = power·ln 2 + log(1 + f), √½ ≤ 1 + f < √2. */
  readonly power: Expr;
  readonly f: Expr;
  readonly halfSquare: Expr;
  /** log(1 + f) = f - halfSquare + tail. */
  readonly tail: Expr;
}

const rootHalf = 0x3f3504f3;
const toPower = 0x3f800000 - rootHalf;

/** The series in f/(2 + f) that log(1 + f) needs beyond f - f²/2. */
function series(f: Expr): Pick<Logarithm, "f" | "halfSquare" | "tail"> {
  const q = s.div(f, s.add(f, 2));
  const z = s.mul(q, q);
  const w = s.mul(z, z);
  const even = s.mul(w, s.polynomial(w, [0.24279078841, 0.40000972152]));
  const odd = s.mul(z, s.polynomial(w, [0.28498786688, 0.66666662693]));
  const halfSquare = s.mul(s.mul(f, f), 0.5);
  return { f, halfSquare, tail: s.mul(q, s.add(halfSquare, s.add(odd, even))) };
}

/** For positive finite v. A subnormal one is made of its integer bits, since devices may flush it to 0. */
function logarithm(v: Expr): Logarithm {
  const { significand } = parts(v);
  const subnormal = s.lt(significand, 0x00800000);
  const bits = s.add(signedBitsOf(s.select(subnormal, toFloat(significand), v)), toPower);
  const power = s.sub(s.shr(bits, 23), s.select(subnormal, i32(127 + 149), i32(127)));
  const f = s.sub(fromBits(s.add(s.and(bits, 0x007fffff), rootHalf)), 1);
  return { power: toFloat(power), ...series(f) };
}

/** The value for positive finite v, and what a logarithm is elsewhere. */
function logarithmOf(v: Expr, value: Expr): Expr {
  const isZero = s.eq(s.and(bitsOf(v), 0x7fffffff), 0);
  const edge = s.select(isZero, f32(-Infinity), s.select(s.lt(signedBitsOf(v), 0), nan, value));
  return s.select(s.isnan(v), v, s.select(s.eq(v, Infinity), v, edge));
}

const natural = (l: Logarithm, correction: Expr): Expr => s.add(s.add(s.sub(s.add(l.tail, correction), l.halfSquare), l.f), s.mul(l.power, 0.69313812256));

export function log(v: Expr): Expr {
  const l = logarithm(v);
  return logarithmOf(v, natural(l, s.mul(l.power, 9.0580006145e-6)));
}

/** The same in another base: log(1 + f) as an exact head and a small rest, times a reciprocal in two parts. */
function logInBase(reciprocal: readonly [number, number], power: readonly [number, number]): Expr {
  const l = logarithm(x);
  const head = truncateBits(s.sub(l.f, l.halfSquare), 0xfffff000);
  const rest = s.add(s.sub(s.sub(l.f, head), l.halfSquare), l.tail);
  const low = s.add(s.mul(l.power, power[1]), s.mul(s.add(rest, head), reciprocal[1]));
  return logarithmOf(x, s.add(s.add(s.add(low, s.mul(rest, reciprocal[0])), s.mul(head, reciprocal[0])), s.mul(l.power, power[0])));
}

/** log(1 + v): what 1 + v rounds off is put back, divided by it. */
export function log1p(v: Expr): Expr {
  const near = s.and(s.gt(v, -0.2928932), s.lt(v, 0.4142135));
  const sum = s.add(v, 1);
  const bits = s.add(signedBitsOf(sum), toPower);
  const power = s.select(near, i32(0), s.sub(s.shr(bits, 23), 127));
  const lost = s.select(s.ge(power, 2), s.sub(f32(1), s.sub(sum, v)), s.sub(v, s.sub(sum, 1)));
  const f = s.select(near, v, s.sub(fromBits(s.add(s.and(bits, 0x007fffff), rootHalf)), 1));
  const correction = s.select(s.or(near, s.ge(power, 25)), f32(0), s.div(lost, sum));
  const l: Logarithm = { power: toFloat(power), ...series(f) };
  const value = natural(l, s.add(s.mul(l.power, 9.0580006145e-6), correction));
  return s.select(s.eq(v, 0), v, logarithmOf(sum, value));
}

function sinh(): Expr {
  const a = s.abs(x);
  const half = exponentialScaled(a, -1);
  const z = s.mul(x, x);
  const near = s.add(x, s.mul(s.mul(z, x), s.polynomial(z, [2.03721912945e-4, 8.33028376239e-3, 1.66667160211e-1])));
  return s.select(s.lt(a, 1), near, copySign(s.sub(half, s.div(f32(0.25), half)), x));
}

function cosh(): Expr {
  const half = exponentialScaled(s.abs(x), -1);
  return s.add(half, s.div(f32(0.25), half));
}

function tanh(): Expr {
  const a = s.abs(x);
  const z = s.mul(x, x);
  const near = s.polynomial(z, [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1]);
  const far = s.sub(f32(1), s.div(f32(2), s.add(exponentialScaled(s.mul(s.min(a, 20), 2), 0), 1)));
  const value = s.select(s.lt(a, 0.625), s.add(x, s.mul(s.mul(z, x), near)), copySign(far, x));
  return s.select(s.isnan(x), x, value);
}

function asinh(): Expr {
  const a = s.abs(x);
  const root = s.sqrt(s.add(s.mul(a, a), 1));
  const small = log1p(s.add(a, s.div(s.mul(a, a), s.add(root, 1))));
  const middle = s.add(s.mul(a, 2), s.div(f32(1), s.add(root, a)));
  const large = s.ge(a, 4096);
  const far = s.add(log(s.select(large, a, middle)), s.select(large, f32(Math.LN2), f32(0)));
  return s.select(s.isnan(x), x, copySign(s.select(s.lt(a, 2), small, far), x));
}

function acosh(): Expr {
  const t = s.sub(x, 1);
  const small = log1p(s.add(t, s.sqrt(s.add(s.mul(t, t), s.mul(t, 2)))));
  const middle = s.sub(s.mul(x, 2), s.div(f32(1), s.add(x, s.sqrt(s.sub(s.mul(x, x), 1)))));
  const large = s.ge(x, 4096);
  const far = s.add(log(s.select(large, x, middle)), s.select(large, f32(Math.LN2), f32(0)));
  return s.select(s.lt(x, 1), nan, s.select(s.lt(x, 2), small, far));
}

function atanh(): Expr {
  const a = s.abs(x);
  const twice = s.mul(a, 2);
  const rest = s.sub(f32(1), a);
  const argument = s.select(s.lt(a, 0.5), s.add(twice, s.div(s.mul(twice, a), rest)), s.div(twice, rest));
  const value = s.select(s.eq(a, 1), infinity, s.mul(log1p(argument), 0.5));
  return s.select(s.gt(a, 1), nan, s.select(s.isnan(x), x, copySign(value, x)));
}

const exactHead = 0xfffff000;

/** log2 of a positive finite number as a head of 12 bits and a rest. */
function log2InParts(v: Expr): readonly [Expr, Expr] {
  const { significand } = parts(v);
  const subnormal = s.lt(significand, 0x00800000);
  const bits = bitsOf(s.select(subnormal, toFloat(significand), v));
  const fraction = s.and(bits, 0x007fffff);
  // 1 + fraction is close to 1, to 1.5 or to 2
  const isMiddle = s.and(s.gt(fraction, 0x1cc471), s.lt(fraction, 0x5db3d7));
  const isHigh = s.ge(fraction, 0x5db3d7);
  const base = s.select(isMiddle, f32(1.5), f32(1));
  const power = s.add(s.sub(toInt(s.shr(bits, 23)), s.select(subnormal, i32(127 + 149), i32(127))), s.select(isHigh, i32(1), i32(0)));
  const m = fromBits(s.or(fraction, s.select(isHigh, u32(0x3f000000), u32(0x3f800000))));
  const [difference, inverse] = [s.sub(m, base), s.div(f32(1), s.add(m, base))];
  const q = s.mul(difference, inverse);
  const qHead = truncateBits(q, exactHead);
  const sumHead = truncateBits(s.add(m, base), exactHead);
  const sumRest = s.sub(m, s.sub(sumHead, base));
  const qRest = s.mul(inverse, s.sub(s.sub(difference, s.mul(qHead, sumHead)), s.mul(qHead, sumRest)));
  const z = s.mul(q, q);
  const tail = s.polynomial(z, [2.0697501302e-1, 2.3066075146e-1, 2.7272811532e-1, 3.3333334327e-1, 4.2857143283e-1, 6.0000002384e-1]);
  const r = s.add(s.mul(s.mul(z, z), tail), s.mul(qRest, s.add(qHead, q)));
  const square = s.mul(qHead, qHead);
  const head = truncateBits(s.add(s.add(square, 3), r), exactHead);
  const rest = s.sub(r, s.sub(s.sub(head, 3), square));
  const u = s.mul(qHead, head);
  const v2 = s.add(s.mul(qRest, head), s.mul(rest, q));
  const productHead = truncateBits(s.add(u, v2), exactHead);
  const productRest = s.sub(v2, s.sub(productHead, u));
  const zHead = s.mul(productHead, 0.9619140625);
  const baseRest = s.select(isMiddle, f32(1.56322085e-6), f32(0));
  const zRest = s.add(s.add(s.mul(productHead, -1.1736857402e-4), s.mul(productRest, 0.96179670095)), baseRest);
  const baseHead = s.select(isMiddle, f32(0.584960938), f32(0));
  const n = toFloat(power);
  const total = truncateBits(s.add(s.add(s.add(zHead, zRest), baseHead), n), exactHead);
  return [total, s.sub(zRest, s.sub(s.sub(s.sub(total, n), baseHead), zHead))];
}

/** 2^(head + rest). */
function exp2InParts(head: Expr, rest: Expr): Expr {
  const sum = s.add(head, rest);
  const count = s.round(s.min(s.max(sum, -160), 140));
  const h = s.sub(head, count);
  const t = truncateBits(s.add(rest, h), 0xffff8000);
  const u = s.mul(t, 0.693145752);
  const v = s.add(s.mul(s.sub(rest, s.sub(t, h)), 0.69314718246), s.mul(t, 1.42860654e-6));
  const z = s.add(u, v);
  const w = s.sub(v, s.sub(z, u));
  const square = s.mul(z, z);
  const p = s.polynomial(square, [4.1381369442e-8, -1.6533901999e-6, 6.613755977e-5, -2.777777845e-3, 1.6666667163e-1]);
  const c = s.sub(z, s.mul(square, p));
  const r = s.sub(s.div(s.mul(z, c), s.sub(c, 2)), s.add(w, s.mul(z, w)));
  const value = scale(s.sub(f32(1), s.sub(r, z)), toInt(count));
  return s.select(s.gt(sum, 129), infinity, s.select(s.lt(sum, -152), f32(0), value));
}

/** C's pow, without its errors. */
function pow(): Expr {
  const a = s.abs(x);
  const isWhole = s.eq(s.trunc(y), y);
  const isOdd = s.and(s.and(isWhole, s.lt(s.abs(y), 16777216)), s.eq(s.and(toInt(y), 1), 1));
  const isNegative = s.lt(signedBitsOf(x), 0);
  const isZero = s.eq(s.and(bitsOf(x), 0x7fffffff), 0);
  const [high, low] = log2InParts(a);
  const yHead = truncateBits(y, exactHead);
  const finite = exp2InParts(s.mul(yHead, high), s.add(s.mul(s.sub(y, yHead), high), s.mul(y, low)));
  // 0, infinities: the result is 0 or infinite, by whether |x| > 1 and y > 0 agree
  const extreme = s.select(s.eq(s.gt(a, 1), s.gt(y, 0)), infinity, f32(0));
  const isExtreme = s.or(isZero, s.or(s.eq(a, Infinity), s.eq(s.abs(y), Infinity)));
  const magnitude = s.select(isExtreme, extreme, finite);
  const signed = s.select(s.and(isNegative, isOdd), s.neg(magnitude), magnitude);
  const outside = s.and(s.and(isNegative, s.not(isZero)), s.and(s.not(isWhole), s.ne(a, Infinity)));
  const value = s.select(outside, nan, signed);
  const isOne = s.or(s.eq(y, 0), s.or(s.eq(x, 1), s.and(s.eq(x, -1), s.eq(s.abs(y), Infinity))));
  return s.select(isOne, f32(1), s.select(s.or(s.isnan(x), s.isnan(y)), nan, value));
}

export const exponentialExpansions: Readonly<
  Record<"exp" | "exp2" | "expm1" | "log" | "log1p" | "log2" | "log10" | "sinh" | "cosh" | "tanh" | "asinh" | "acosh" | "atanh" | "pow", Expr>
> = {
  exp: exponentialScaled(x, 0),
  exp2: s.select(s.isnan(x), x, exp2InParts(x, f32(0))),
  expm1: expm1(),
  log: log(x),
  log1p: log1p(x),
  log2: logInBase([1.4428710938, -1.7605285393e-4], [1, 0]),
  log10: logInBase([0.43432617188, -3.1689971365e-5], [0.30102920532, 7.9034151668e-7]),
  sinh: sinh(),
  cosh: cosh(),
  tanh: tanh(),
  asinh: asinh(),
  acosh: acosh(),
  atanh: atanh(),
  pow: pow(),
};
