/**
 * The error function, its complement and its inverse, spelled with scalar operations. Every branch is evaluated for every x, so
 * each must only be harmless (not right) outside its own range.
 *
 * float64: W. J. Cody, "Rational Chebyshev approximation for the error function" (Math. Comp. 23, 1969; CALERF) near 0, and M. J. Wichura,
 * "Algorithm AS 241: the percentage points of the normal distribution" (Applied Statistics 37, 1988).
 * float32: polynomials through Chebyshev nodes, and M. Giles, "Approximating the erfinv function" (GPU Computing Gems 2, 2011).
 */
import type { Expr } from "../ir/expr.ts";
import { s } from "../ir/expr.ts";

/** Highest power first, as all coefficients here. */
interface Ratio {
  readonly above: readonly number[];
  readonly below: readonly number[];
}
const ratio = (x: Expr, { above, below }: Ratio): Expr => s.div(s.polynomial(x, above), s.polynomial(x, below));

/** erf(x) / x in x², |x| ≤ 0.46875. */
const erfNearZero: Ratio = {
  above: [1.85777706184603153e-1, 3.1611237438705656, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3],
  below: [1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3],
};
/** e^(x²) erfc(x) (1 + 2x) in (x - 4) / (x + 4), 0.45 ≤ x ≤ 27.4, to 4e-17. */
const scaledErfc64 = [
  -7.1934648356335184e-9, -7.268180994807876e-9, 9.698496897676494e-8, 5.278361784303829e-8, -8.128611096349174e-7, 3.1699267100922343e-7, 5.702719909987706e-6,
  -1.123658010336745e-5, -2.4396827043885486e-5, 1.5062737375845563e-4, -1.9925719199160062e-4, -7.57774695639705e-4, 5.031970039238293e-3,
  -0.016197733843592087, 0.03716751553336048, -0.06633036583113747, 0.09373283499848223, -0.10103906603544677, 0.06809705425469083, 0.015379652102604427,
  -0.1396211168405625, 1.2329951186255526,
];

/** erf(x) / x - 1 in x², |x| ≤ 1, to 1.3e-9. */
const erfNearZero32 = [7.919046e-5, -8.030486e-4, 5.1907157e-3, -0.026855122, 0.11283618, -0.3761263, 0.12837917];
/** log(erfc(x)), 0.92 ≤ x ≤ 4, to 1.6e-9 of 1. */
const logErfc32 = [1.9485399e-4, -3.032834e-3, 0.022186624, -0.10385049, -0.63727164, -1.1276244, -2.0762201e-4];
/** e^(x²) erfc(x) (1 + 2x) in (x - 2) / (x + 2), 0 ≤ x ≤ 10.1, to 1.6e-8. */
const scaledErfc32 = [-4.0507948e-4, -1.2386761e-3, 1.3144526e-3, 8.640911e-3, -8.058047e-3, -0.054207668, 0.1640546, -0.16603094, -0.092763916, 1.2769784];

const isSingle = (x: Expr): boolean => x.dtype !== "float64";

/** The upper half of the digits, of which squares are exact; of float16 all. */
function head(x: Expr): Expr {
  if (x.dtype === "float64") return s.head(x);
  return x.dtype === "float32" ? s.bitcast(s.and(s.bitcast(x, "uint32"), 0xfffff000), "float32") : x;
}

/** e^(-x²) = e^-h (1 - (x² - h)) with the rounded square h: what a large one rounds off shows. */
function expMinusSquare(x: Expr): Expr {
  const h = s.mul(x, x);
  const upper = head(x);
  const rest = s.sub(x, upper);
  const lost = s.add(s.add(s.sub(s.mul(upper, upper), h), s.mul(s.mul(upper, 2), rest)), s.mul(rest, rest));
  const e = s.exp(s.neg(h));
  return s.sub(e, s.mul(e, lost));
}

/** (e^r - 1 - r) / r², |r| ≤ ln(2)/2, to 1.1e-7 of e^r. */
const exponential32 = [0.008312478, 0.04189055, 0.16667116, 0.49999228];

/**
 * e^x of float32 for -80 ≤ x ≤ 0, to 2e-7 of 1: all that 1 - e^x needs where it is no less than 1/2. Nothing of what `exp` does for
 * numbers beyond is here, and ln 2 is one number.
 */
function modestExp(x: Expr): Expr {
  if (x.dtype !== "float32") return s.exp(x);
  const whole = s.round(s.mul(x, Math.LOG2E));
  const r = s.sub(x, s.mul(whole, Math.LN2));
  // beside 1.5 · 2^23 the low bits hold a whole number, here with the bias of exponents
  const power = s.bitcast(s.shl(s.bitcast(s.add(whole, 12582912 + 127), "int32"), 23), "float32");
  return s.mul(s.add(s.mul(s.mul(r, r), s.estrin(r, exponential32)), s.add(r, 1)), power);
}

/** erfc of x ≥ 0.46875 (float64) or x ≥ 0 (float32). */
function erfcOfPositive(x: Expr): Expr {
  // erfc is 0 from here on: keeps Infinity out of the formulas
  const a = s.atMost(x, isSingle(x) ? 10.1 : 27.3);
  const [centre, coefficients] = isSingle(x) ? [2, scaledErfc32] : [4, scaledErfc64];
  const p = s.polynomial(s.div(s.sub(a, centre), s.add(a, centre)), coefficients);
  return s.mul(expMinusSquare(a), s.div(p, s.add(s.mul(a, 2), 1)));
}

/** erf near 0; `below` bounds |x|. */
function erfSmall(x: Expr): { readonly value: Expr; readonly holds: Expr } {
  const square = s.mul(x, x);
  if (isSingle(x)) return { value: s.add(s.mul(x, s.estrin(square, erfNearZero32)), x), holds: s.lt(s.abs(x), 0.93) };
  return { value: s.mul(x, ratio(square, erfNearZero)), holds: s.le(s.abs(x), 0.46875) };
}

export function erfFormula(x: Expr): Expr {
  const small = erfSmall(x);
  const a = s.abs(x);
  const complement = isSingle(x) ? modestExp(s.estrin(s.atMost(a, 4), logErfc32)) : erfcOfPositive(a);
  return s.select(small.holds, small.value, s.copysign(s.sub(s.like(1, x), complement), x));
}

export function erfcFormula(x: Expr): Expr {
  const small = erfSmall(x);
  const positive = erfcOfPositive(s.abs(x));
  const outer = s.select(s.lt(x, 0), s.sub(s.like(2, x), positive), positive);
  // erfc(x) near 0 as 1 - erf(x), from 0.5 on as itself
  return s.select(s.and(small.holds, s.lt(x, 0.5)), s.sub(s.like(1, x), small.value), outer);
}

/** erfinv(x) / x - 1 = quantile / (2 √2 q) - 1 in 0.180625 - q², q = x/2. */
const quantileCentre: Ratio = {
  above: [
    -4339.4012092274, -16909.592388659647, -15525.854417978326, -4977.931786419021, -539.3091320403624, 9.875657851838074, 4.759357410783067,
    0.19753231156709125,
  ],
  below: [
    5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077, 687.1870074920579083,
    42.313330701600911252, 1.0,
  ],
};
/** r - erfinv(1 - 2 e^(-r²)) in (r - 3) / (r + 3), 1.58 ≤ r ≤ 6.13, to 2e-17 of r: the rest of what is nearly r. */
const tailRest64 = [
  0.030602864371111295, -0.03824886806423976, 0.02472579040607088, -0.02523213333629596, 0.02976821670470433, -0.033686637091212786, 0.03537655923855165,
  -0.04033397832283072, 0.04337428802224877, -0.050860931633004765, 0.055655423720689635, -0.0678839339913041, 0.07650427403994949, -0.1006551501502869,
  0.12161160274199197, -0.1843368145014086, 0.24137889553443365, -0.514083867262659, 0.4080735542235124,
];

/** erfinv(x) / x in -log(1 - x²) - 2.5 below 5, and in its square root - 3 above. */
const erfinvCentre32 = [2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941];
const erfinvTail32 = [-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682];

function erfinvSingle(x: Expr): Expr {
  const w = s.neg(s.log(s.mul(s.sub(s.like(1, x), x), s.add(x, 1))));
  const centre = s.polynomial(s.sub(w, 2.5), erfinvCentre32);
  const tail = s.polynomial(s.sub(s.sqrt(w), 3), erfinvTail32);
  return s.mul(s.select(s.lt(w, 5), centre, tail), x);
}

/** erfinv(x) is the normal quantile of (1 + x) / 2, divided by √2; where that is near 1, nearly the root of a logarithm. */
function erfinvDouble(x: Expr): Expr {
  const q = s.mul(x, 0.5);
  const near = s.add(s.mul(x, ratio(s.sub(s.like(0.180625, x), s.mul(q, q)), quantileCentre)), x);
  const r = s.sqrt(s.neg(s.log(s.mul(s.sub(s.like(1, x), s.abs(x)), 0.5))));
  const tail = s.sub(r, s.polynomial(s.div(s.sub(r, 3), s.add(r, 3)), tailRest64));
  return s.copysign(s.select(s.le(s.abs(q), 0.425), near, tail), x);
}

/** ±Infinity at ±1, where the formulas have Infinity - Infinity; NaN beyond, from the logarithm of a negative. */
export function erfinvFormula(x: Expr): Expr {
  const inside = isSingle(x) ? erfinvSingle(x) : erfinvDouble(x);
  return s.select(s.eq(s.abs(x), 1), s.copysign(s.like(Infinity, x), x), inside);
}
