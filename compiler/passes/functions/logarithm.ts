/**
 * Logarithms: x = 2^k (1 + f), √½ ≤ 1 + f < √2, and log(1 + f) = f - f²/2 + q (f²/2 + R(q²)) with q = f / (2 + f): the method and the
 * coefficients of FreeBSD's msun (e_log.c, e_logf.c, s_log1p.c, k_log.h; Sun Microsystems 1993).
 */
import type { Expr } from "../../ir/expr.ts";
import { s } from "../../ir/expr.ts";
import type { Both } from "./float.ts";
import { head, infinity, isSingle, leastNormal, nan, one, parts, pick } from "./float.ts";

const series: Both<readonly number[]> = {
  float32: [0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693],
  float64: [
    1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1, 2.22221984321497839e-1, 2.857142874366239149e-1, 3.999999999940941908e-1,
    6.66666666666673513e-1,
  ],
};
const ln2: Both<readonly [number, number]> = { float32: [0.69313812256, 9.0580006145e-6], float64: [6.9314718036912381649e-1, 1.90821492927058770002e-10] };

/** log(x) = power · ln 2 + f - halfSquare + tail. */
interface Logarithm {
  readonly power: Expr;
  readonly f: Expr;
  readonly halfSquare: Expr;
  readonly tail: Expr;
}

function logarithm(power: Expr, f: Expr): Logarithm {
  const q = s.div(f, s.add(f, 2));
  const z = s.square(q);
  const halfSquare = s.mul(s.square(f), 0.5);
  return { power, f, halfSquare, tail: s.mul(q, s.add(s.mul(z, s.estrin(z, pick(f, series))), halfSquare)) };
}

/** The natural logarithm; `correction` is what the argument was rounded by, divided by it. */
function natural({ power, f, halfSquare, tail }: Logarithm, correction?: Expr): Expr {
  const [high, low] = pick(f, ln2);
  const lost = s.mul(power, low);
  const small = s.add(tail, correction === undefined ? lost : s.add(lost, correction));
  return s.add(s.add(s.sub(small, halfSquare), f), s.mul(power, high));
}

const upscale: Both<number> = { float32: 24, float64: 54 };

/** `finish` of a positive number, and what all logarithms are elsewhere. */
function logarithmOf(x: Expr, finish: (l: Logarithm) => Expr): Expr {
  const { exponent, significand } = parts(x);
  const usual = finish(logarithm(exponent, s.sub(significand, 1)));
  const up = pick(x, upscale);
  const raised = parts(s.mul(x, 2 ** up));
  const subnormal = finish(logarithm(s.sub(raised.exponent, up), s.sub(raised.significand, 1)));
  const outside = s.select(s.eq(x, 0), s.like(-Infinity, x), nan(x));
  const seldom = s.select(s.gt(x, 0), s.select(s.eq(x, Infinity), x, subnormal), outside);
  return s.rare(s.not(s.and(s.ge(x, pick(x, leastNormal)), s.lt(x, Infinity))), seldom, usual);
}

export const log = (x: Expr): Expr => logarithmOf(x, (l) => natural(l));

/** In another base: log(1 + f) as an exact head and a small rest, times the reciprocal of the base's logarithm in two parts. */
function logInBase(x: Expr, reciprocal: readonly [number, number], power: readonly [number, number]): Expr {
  return logarithmOf(x, (l) => {
    const upper = head(s.sub(l.f, l.halfSquare));
    const rest = s.add(s.sub(s.sub(l.f, upper), l.halfSquare), l.tail);
    const low = s.add(s.mul(l.power, power[1]), s.mul(s.add(rest, upper), reciprocal[1]));
    return s.add(s.add(s.add(low, s.mul(rest, reciprocal[0])), s.mul(upper, reciprocal[0])), s.mul(l.power, power[0]));
  });
}

export const log2 = (x: Expr): Expr =>
  isSingle(x) ? logInBase(x, [1.4428710938, -1.7605285393e-4], [1, 0]) : logInBase(x, [1.44269504072144627571, 1.67517131648865118353e-10], [1, 0]);

export const log10 = (x: Expr): Expr =>
  isSingle(x)
    ? logInBase(x, [0.43432617188, -3.1689971365e-5], [0.30102920532, 7.9034151668e-7])
    : logInBase(x, [4.34294481878168880939e-1, 2.50829467116452752298e-11], [3.01029995663611771306e-1, 3.69423907715893078616e-13]);

/** log(1 + v) for finite v > -1: what the sum rounds off is put back, divided by it; near 0, v is f itself. */
function log1pInside(v: Expr): Expr {
  const near = s.and(s.gt(v, -0.2928932), s.lt(v, 0.4142135));
  const sum = s.add(v, 1);
  const added = s.sub(sum, 1);
  const lost = s.add(s.sub(one(v), s.sub(sum, added)), s.sub(v, added));
  const { exponent, significand } = parts(sum);
  const zero = s.like(0, v);
  const l = logarithm(s.select(near, zero, exponent), s.select(near, v, s.sub(significand, 1)));
  return natural(l, s.select(near, zero, s.div(lost, sum)));
}

export function log1p(x: Expr): Expr {
  const outside = s.select(s.eq(x, -1), s.like(-Infinity, x), s.select(s.eq(x, Infinity), x, nan(x)));
  const inside = s.select(s.lt(s.abs(x), pick(x, tiny)), x, log1pInside(x));
  return s.select(s.and(s.gt(x, -1), s.lt(x, Infinity)), inside, outside);
}
/** Below in magnitude, log(1 + x) is x. */
const tiny: Both<number> = { float32: 2 ** -25, float64: 2 ** -54 };
/** From here on log(1 + x) is log(x). */
const large: Both<number> = { float32: 2 ** 30, float64: 2 ** 60 };

/** log(1 + v) + more: of a large `a`, whose square could overflow, it is log(a) + ln 2. */
function logOfSum(a: Expr, v: Expr): Expr {
  const isLarge = s.gt(a, pick(a, large));
  const value = log1pInside(s.select(isLarge, a, v));
  return s.add(value, s.select(isLarge, s.like(Math.LN2, a), s.like(0, a)));
}

/** log1p(a + a² / (1 + √(a² + 1))), a = |x|. */
export function asinh(x: Expr): Expr {
  const a = s.abs(x);
  const z = s.square(a);
  const value = logOfSum(a, s.add(a, s.div(z, s.add(s.sqrt(s.add(z, 1)), 1))));
  const inside = s.select(s.lt(a, pick(x, nearZero)), x, s.copysign(value, x));
  return s.select(s.lt(a, Infinity), inside, x);
}
const nearZero: Both<number> = { float32: 2 ** -13, float64: 2 ** -28 };

/** log1p(t + √(2t + t²)), t = x - 1. */
export function acosh(x: Expr): Expr {
  const t = s.sub(x, 1);
  const value = logOfSum(x, s.add(t, s.sqrt(s.add(s.mul(t, 2), s.square(t)))));
  return s.select(s.and(s.ge(x, 1), s.lt(x, Infinity)), value, s.select(s.eq(x, Infinity), x, nan(x)));
}

/** log1p(2a / (1 - a)) / 2, a = |x|. */
export function atanh(x: Expr): Expr {
  const a = s.abs(x);
  const value = s.mul(log1pInside(s.div(s.mul(a, 2), s.sub(one(x), a))), 0.5);
  const outside = s.select(s.eq(a, 1), s.copysign(infinity(x), x), nan(x));
  return s.select(s.lt(a, 1), s.select(s.lt(a, pick(x, nearZero)), x, s.copysign(value, x)), outside);
}
