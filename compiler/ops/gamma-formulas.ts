/**
 * The logarithm of the gamma function and its derivatives, spelled with scalar operations: for large x by asymptotic series, for
 * small x by the recurrence up to where the series holds, for negative x by reflection. Every branch is evaluated for every x.
 *
 * Sources: Stirling's series and Euler-Maclaurin summation (Abramowitz & Stegun 6.1.40, 6.3.18, 6.4.11, 23.1), reflections
 * (6.1.17, 6.3.7, 6.4.7). For lgamma from 1.5 to 3 a rational function times x - 2, as Cephes (S. L. Moshier, gamma.c) has one, so
 * that the relative precision holds around the zeros at 1 and 2.
 */
import { at } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { s } from "../ir/expr.ts";

/** Bernoulli numbers B2, B4, …, B20. */
const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330];

const isSingle = (x: Expr): boolean => x.dtype !== "float64";
const one = (x: Expr): Expr => s.like(1, x);

/** x less the nearest whole number: the part that sin(πx) and tan(πx) depend on, up to sign, exactly. */
const fromWhole = (x: Expr): Expr => s.sub(x, s.round(x));

/** lgamma(2 + v) / v, -0.5 ≤ v ≤ 1: to 4e-17, a rational function fitted by least squares, and to 1e-8, a polynomial through Chebyshev nodes. */
const above = [
  5.3943680190896674e-5, 2.9792251363457935e-3, 0.043748789318294835, 0.26300657256593106, 0.73574331444730102, 0.9363445847662114, 0.42278433509846715,
];
const below = [1.1412065470752885e-5, 1.0757745459622084e-3, 0.023461449864309672, 0.20057958800295872, 0.79207647978592022, 1.4519874564395226, 1];
const lgammaFrom2Single = [
  4.46598228e-5, -2.10086597e-4, 5.37061546e-4, -1.20916544e-3, 2.88714155e-3, -7.38215431e-3, 0.0205808666, -0.067352514, 0.322467036, 0.422784337,
];

function lgammaFrom2(v: Expr): Expr {
  const slope = isSingle(v) ? s.polynomial(v, lgammaFrom2Single) : s.div(s.polynomial(v, above), s.polynomial(v, below));
  return s.mul(v, slope);
}

/** Stirling's series for x ≥ 8; -x stands in the product, so that nothing cancels. */
function stirling(x: Expr): Expr {
  const terms = isSingle(x) ? 3 : 8;
  const coefficients = bernoulli.slice(0, terms).map((b, i) => b / ((2 * i + 2) * (2 * i + 1)));
  const inverse = s.div(one(x), x);
  const series = s.mul(inverse, s.polynomial(s.mul(inverse, inverse), coefficients.toReversed()));
  const halfLogTau = 0.9189385332046727;
  return s.add(s.mul(s.sub(x, 0.5), s.sub(s.log(x), 1)), s.add(series, halfLogTau - 0.5));
}

/**
 * lgamma of x > 0. Below 8, lgamma of a number from 1.5 to 3 that is whole steps away: log Γ(x + k) - log(x … (x + k - 1)) for small
 * x, log Γ(x - k) + log((x - k) … (x - 1)) from 3 on, where nothing cancels.
 */
function lgammaOfPositive(x: Expr): Expr {
  const [isTiny, isOne, isSmall, isMiddle] = [s.lt(x, 0.5), s.lt(x, 1.5), s.lt(x, 3), s.lt(x, 8)];
  const v = s.select(isTiny, x, s.select(isOne, s.sub(x, 1), s.select(isSmall, s.sub(x, 2), s.sub(x, s.floor(x)))));
  const below = s.select(isTiny, s.mul(x, s.add(x, 1)), s.select(isOne, x, one(x)));
  const steps = [1, 2, 3, 4, 5].map((k) => s.select(s.ge(x, k + 2), s.sub(x, k), one(x)));
  const logarithm = s.log(
    s.select(
      isSmall,
      below,
      steps.reduce((product, step) => s.mul(product, step)),
    ),
  );
  const near = s.add(lgammaFrom2(v), s.select(isSmall, s.neg(logarithm), logarithm));
  return s.select(isMiddle, near, stirling(x));
}

/** log |Γ(x)|: Infinity at 0, the negative integers and ±Infinity. |Γ(x) Γ(-x)| = π / |x sin(πx)|; next to 0 both are 1 / |x|. */
export function lgammaFormula(x: Expr): Expr {
  const a = s.abs(x);
  const positive = lgammaOfPositive(a);
  const sine = s.abs(s.sin(s.mul(fromWhole(a), Math.PI)));
  const reflected = s.sub(s.sub(s.like(Math.log(Math.PI), x), s.log(s.mul(a, sine))), positive);
  const isPositive = s.or(s.gt(x, isSingle(x) ? -(2 ** -40) : -(2 ** -80)), s.isnan(x));
  const value = s.select(isPositive, positive, s.select(s.eq(sine, 0), s.like(Infinity, x), reflected));
  return s.select(s.eq(a, Infinity), a, value);
}

/** digamma of x > 0: Σ 1/(x + k) leads up to x + n. The largest term comes last: what is left before it is small, and loses little. */
function digammaOfPositive(x: Expr): Expr {
  const [n, terms] = isSingle(x) ? [4, 4] : [8, 8];
  let later = s.div(one(x), s.add(x, n - 1));
  for (let k = n - 2; k > 0; k--) later = s.add(later, s.div(one(x), s.add(x, k)));
  const isSmall = s.lt(x, n);
  const w = s.select(isSmall, s.add(x, n), x);
  const inverse = s.div(one(w), w);
  const coefficients = bernoulli.slice(0, terms).map((b, i) => b / (2 * i + 2));
  const square = s.mul(inverse, inverse);
  const series = s.add(s.mul(inverse, 0.5), s.mul(square, s.polynomial(square, coefficients.toReversed())));
  const far = s.sub(s.log(w), series);
  return s.select(isSmall, s.sub(s.sub(far, later), s.div(one(x), x)), far);
}

/** Γ'(x) / Γ(x): -Infinity at 0, NaN at the negative integers. ψ(x) = ψ(1 - x) - π / tan(πx). */
export function digammaFormula(x: Expr): Expr {
  const isNegative = s.lt(x, 0);
  const positive = digammaOfPositive(s.select(isNegative, s.sub(one(x), x), x));
  const r = fromWhole(x);
  const reflected = s.sub(positive, s.div(s.like(Math.PI, x), s.tan(s.mul(r, Math.PI))));
  return s.select(isNegative, s.select(s.eq(r, 0), s.like(NaN, x), reflected), positive);
}

/** x^n, n ≥ 1. */
function wholePower(x: Expr, n: number): Expr {
  if (n === 1) return x;
  const half = wholePower(x, Math.floor(n / 2));
  const square = s.mul(half, half);
  return n % 2 === 0 ? square : s.mul(square, x);
}

/** n! Σ 1/(x + k)^(n+1) over all k ≥ 0, x > 0: the first terms one by one, the rest by Euler-Maclaurin summation. */
function polygammaSum(x: Expr, n: number): Expr {
  const [steps, terms] = isSingle(x) ? [4 + n, 5] : [9 + n, 9];
  const isSmall = s.lt(x, steps);
  let head = s.like(0, x);
  for (let k = steps - 1; k >= 0; k--) head = s.add(head, wholePower(s.div(one(x), s.add(x, k)), n + 1));
  const w = s.select(isSmall, s.add(x, steps), x);
  const inverse = s.div(one(w), w);
  // in units of (n-1)! / w^n: 1 + n/(2w) + Σ B2j (n)(n+1)…(n+2j-1) / (2j)! / w^2j
  const coefficients: number[] = [];
  let rising = 1;
  for (let j = 1; j <= terms; j++) {
    rising *= ((n + 2 * j - 2) * (n + 2 * j - 1)) / ((2 * j - 1) * (2 * j));
    coefficients.unshift(at(bernoulli, j - 1) * rising);
  }
  const square = s.mul(inverse, inverse);
  const series = s.add(s.add(s.mul(inverse, n / 2), s.mul(square, s.polynomial(square, coefficients))), 1);
  const tail = s.mul(wholePower(inverse, n), s.mul(series, factorial(n - 1)));
  return s.select(isSmall, s.add(s.mul(head, factorial(n)), tail), tail);
}

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));

/** The n-th derivative of cot as a polynomial in c = cot (highest power first): each derivative is -(1 + c²) d/dc. */
function cotangentDerivative(n: number): readonly number[] {
  let lowFirst = [0, 1];
  for (let i = 0; i < n; i++) {
    const next = new Array<number>(lowFirst.length + 1).fill(0);
    lowFirst.forEach((a, k) => {
      if (k === 0) return;
      next[k - 1] = at(next, k - 1) - a * k;
      next[k + 1] = at(next, k + 1) - a * k;
    });
    lowFirst = next;
  }
  return lowFirst.toReversed();
}

/** The n-th derivative of digamma, n ≥ 1. ψn(x) = (-1)^n ψn(1 - x) - π^(n+1) cot^(n)(πx). */
export function polygammaFormula(x: Expr, n: number): Expr {
  const isNegative = s.lt(x, 0);
  const sum = polygammaSum(s.select(isNegative, s.sub(one(x), x), x), n);
  const sign = n % 2 === 1 ? 1 : -1;
  const cotangent = s.div(one(x), s.tan(s.mul(fromWhole(x), Math.PI)));
  const reflection = s.mul(s.polynomial(cotangent, cotangentDerivative(n)), -(Math.PI ** (n + 1)));
  // (-1)^n ψn(1 - x) = -sum, whatever n
  return s.select(isNegative, s.sub(reflection, sum), s.mul(sum, sign));
}
