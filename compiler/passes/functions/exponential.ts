/**
 * Exponentials: e^x = 2^n e^r with a whole n and |r| ≤ ln(2)/2. ln 2 stands in two parts, of which the first times n is exact. The
 * polynomials are minimax, relative to the results.
 */
import type { Expr } from "../../ir/expr.ts";
import { s } from "../../ir/expr.ts";
import type { Both } from "./float.ts";
import { pick, toPower, toScale } from "./float.ts";

const ln2: Both<readonly [number, number]> = {
  float32: [0.693359375, -2.12194440054690583e-4],
  float64: [6.9314718036912381649e-1, 1.90821492927058770002e-10],
};
/** (e^r - 1 - r) / r², to 2^-28 and 2^-61 of e^r. */
const coarse: Both<readonly number[]> = {
  float32: [0.0013938554, 0.0083689885, 0.041666426, 0.16666518, 0.5],
  float64: [
    2.0920256077286675e-9, 2.510919950783127e-8, 2.75572571905807e-7, 2.7557243732939466e-6, 2.4801587342342112e-5, 1.9841269886620983e-4,
    1.3888888888876976e-3, 8.333333333321423e-3, 0.04166666666666668, 0.16666666666666677, 0.5,
  ],
};
/** The same, to 2^-31 and 2^-61 of e^r - 1. */
const finer: Both<readonly number[]> = {
  float32: [0.00019955073, 0.0013933043, 0.008333196, 0.041666485, 0.16666667, 0.5],
  float64: coarse.float64,
};
/** (2^r - 1) / r, |r| ≤ 1/2. */
const powersOfTwo: Both<readonly number[]> = {
  float32: [0.00015459262, 0.0013391364, 0.009618071, 0.05550359, 0.2402265, Math.LN2],
  float64: [
    4.4604735027412875e-10,
    7.073620438358002e-9,
    1.0178020503313073e-7,
    1.3215436495683375e-6,
    1.5252733950816377e-5,
    1.5403530453950105e-4,
    1.3333558146253342e-3,
    9.618129107597477e-3,
    0.05550410866482262,
    0.2402265069591012,
    Math.LN2,
  ],
};

/**
 * What x is held within: where e^x is infinite, a bit beyond, and so far down that both powers of two that `toScale` multiplies with
 * are 0. To round a product to 0 takes processors several times as long, and masked scores are e^-Infinity.
 */
const range: Both<readonly [number, number]> = { float32: [-176, 89], float64: [-1418, 710] };
/** The same for 2^x. */
const binaryRange: Both<readonly [number, number]> = { float32: [-254, 129], float64: [-2046, 1025] };

/** r = exact - low = v - n ln 2; `exact` is not rounded. */
interface Rest {
  readonly exact: Expr;
  readonly low: Expr;
  readonly r: Expr;
}

function restOf(v: Expr, n: Expr): Rest {
  const [high, small] = pick(v, ln2);
  const [exact, low] = [s.sub(v, s.mul(n, high)), s.mul(n, small)];
  return { exact, low, r: s.sub(exact, low) };
}

/** e^r */
const small = ({ r }: Rest): Expr => s.add(s.add(s.mul(s.square(r), s.estrin(r, pick(r, coarse))), r), 1);

export function exp(x: Expr): Expr {
  const [least, most] = pick(x, range);
  const v = s.atLeast(s.atMost(x, most), least);
  const { whole, scaled } = toScale(s.mul(v, Math.LOG2E));
  return scaled(small(restOf(v, whole)));
}

export function exp2(x: Expr): Expr {
  const [least, most] = pick(x, binaryRange);
  const v = s.atLeast(s.atMost(x, most), least);
  const { whole, scaled } = toScale(v);
  const r = s.sub(v, whole);
  return scaled(s.add(s.mul(r, s.estrin(r, pick(x, powersOfTwo))), 1));
}

/** Below, e^x - 1 is -1. */
const vanishing: Both<number> = { float32: -18, float64: -40 };
/** Below in magnitude, the function is x: what follows would lose the sign of 0 and digits of subnormal numbers. */
const linear: Both<number> = { float32: 2 ** -13, float64: 2 ** -28 };
const isLinear = (magnitude: Expr): Expr => s.lt(magnitude, pick(magnitude, linear));

/** (e^v - 1) · 2^more, where 2^(n + more) is normal: 2^n - 1 + 2^n r, which is exact for small n, and the small rest. */
function expm1Times(v: Expr, more: number): Expr {
  const { whole, power } = toPower(s.mul(v, Math.LOG2E), more);
  const { exact, low, r } = restOf(v, whole);
  const bend = s.sub(s.mul(s.square(r), s.estrin(r, pick(r, finer))), low);
  return s.add(s.mul(power, bend), s.add(s.mul(power, exact), s.sub(power, 2 ** more)));
}

export function expm1(x: Expr): Expr {
  const held = s.atLeast(s.atMost(x, pick(x, range)[1]), pick(x, vanishing));
  const value = s.mul(expm1Times(held, -1), 2);
  return s.select(s.lt(s.abs(x), pick(x, leastScaled)), x, value);
}
/** Below in magnitude, e^x - 1 is x to the last bit. */
const leastScaled: Both<number> = { float32: 2 ** -25, float64: 2 ** -54 };

/** With t = e^|x| - 1: (t + t / (t + 1)) / 2, spelled with t/4, which does not overflow where sinh does. */
export function sinh(x: Expr): Expr {
  const a = s.abs(x);
  const quarter = expm1Times(s.atMost(a, pick(x, hyperbolicRange)), -2);
  const half = s.mul(quarter, 2);
  const value = s.add(half, s.div(quarter, s.add(half, 0.5)));
  return s.select(isLinear(a), x, s.copysign(value, x));
}
/** sinh and cosh are infinite from here on, but not e^x / 4. */
const hyperbolicRange: Both<number> = { float32: 89.5, float64: 710.5 };

export function cosh(x: Expr): Expr {
  const v = s.atMost(s.abs(x), pick(x, hyperbolicRange));
  const { whole, scaled } = toScale(s.mul(v, Math.LOG2E));
  const half = scaled(s.mul(small(restOf(v, whole)), 0.5));
  return s.add(half, s.div(s.like(0.25, x), half));
}

/**
 * With h = (e^(2|x|) - 1) / 2: h / (h + 1), as h - h² / (h + 1) up to 1 and 1 - 1 / (h + 1) beyond, so that only the last step rounds
 * what is large. Here ln 2 is one number: where its product with n is rounded, h is so large that the last digits of it do not show.
 */
export function tanh(x: Expr): Expr {
  const a = s.atMost(s.abs(x), pick(x, saturation));
  const { whole, power } = toPower(s.mul(a, 2 * Math.LOG2E), -1);
  const r = s.sub(s.add(a, a), s.mul(whole, Math.LN2));
  const bend = s.mul(s.square(r), s.estrin(r, pick(r, coarse)));
  const h = s.add(s.mul(power, bend), s.add(s.mul(power, r), s.sub(power, 0.5)));
  const m = s.atMost(h, 1);
  return s.copysign(s.sub(m, s.div(s.square(m), s.add(h, 1))), x);
}
/** tanh is 1 from here on. */
const saturation: Both<number> = { float32: 10, float64: 20 };
