/**
 * The error function, its complement and its inverse, spelled with scalar operations. Every branch is evaluated for every x, so
 * each must only be harmless (not right) outside its own range.
 *
 * float64: W. J. Cody, "Rational Chebyshev approximation for the error function" (Math. Comp. 23, 1969; CALERF), and M. J. Wichura,
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
/** e^(x²) erfc(x) in x, 0.46875 ≤ x ≤ 4. */
const erfcMiddle: Ratio = {
  above: [
    2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2, 8.8195222124176909e2,
    1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
  ],
  below: [
    1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3,
    3.43936767414372164e3, 1.23033935480374942e3,
  ],
};
/** (1/√π - x e^(x²) erfc(x)) x² in 1/x², x ≥ 4. */
const erfcFar: Ratio = {
  above: [1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4],
  below: [1, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3],
};
const inverseRootPi = 0.5641895835477563;

/** erf(x) / x in x², |x| ≤ 1, to 1.4e-9. */
const erfNearZero32 = [7.88249711e-5, -8.01885499e-4, 5.18931194e-3, -2.68543288e-2, 0.112835975, -0.376126269, 1.12837917];
/** e^(x²) erfc(x) / t in t = 1 / (1 + x/2), x ≥ 0, to 1.2e-8. */
const scaledErfc32 = [
  0.0431768297, -0.234625219, 0.493430051, -0.4546194, 0.13189293, -0.0590717656, 0.0934211049, 0.17532291, 0.246883998, 0.282093771, 0.282094795,
];

const isSingle = (x: Expr): boolean => x.dtype !== "float64";

/** e^(-x²): the square of a multiple of 1/16 is exact, and what is left of x² is small, so that no digit of a large x² is lost. */
function expMinusSquare(x: Expr): Expr {
  const coarse = s.div(s.trunc(s.mul(x, 16)), 16);
  const rest = s.mul(s.sub(x, coarse), s.add(x, coarse));
  return s.mul(s.exp(s.neg(s.mul(coarse, coarse))), s.exp(s.neg(rest)));
}

/** erfc of x ≥ 0.46875 (float64) or x ≥ 0 (float32). */
function erfcOfPositive(x: Expr): Expr {
  // erfc is 0 from here on: keeps Infinity out of the formulas
  const a = s.min(x, isSingle(x) ? 12 : 30);
  if (isSingle(x)) {
    const t = s.div(s.like(1, a), s.add(s.mul(a, 0.5), 1));
    return s.mul(expMinusSquare(a), s.mul(t, s.polynomial(t, scaledErfc32)));
  }
  const inverseSquare = s.div(s.like(1, a), s.mul(a, a));
  const far = s.div(s.sub(s.like(inverseRootPi, a), s.mul(inverseSquare, ratio(inverseSquare, erfcFar))), a);
  return s.mul(expMinusSquare(a), s.select(s.gt(a, 4), far, ratio(a, erfcMiddle)));
}

/** erf near 0; `below` bounds |x|. */
function erfSmall(x: Expr): { readonly value: Expr; readonly holds: Expr } {
  const square = s.mul(x, x);
  if (isSingle(x)) return { value: s.mul(x, s.polynomial(square, erfNearZero32)), holds: s.lt(s.abs(x), 1) };
  return { value: s.mul(x, ratio(square, erfNearZero)), holds: s.le(s.abs(x), 0.46875) };
}

export function erfFormula(x: Expr): Expr {
  const small = erfSmall(x);
  return s.select(small.holds, small.value, s.copysign(s.sub(s.like(1, x), erfcOfPositive(s.abs(x))), x));
}

export function erfcFormula(x: Expr): Expr {
  const small = erfSmall(x);
  const positive = erfcOfPositive(s.abs(x));
  const outer = s.select(s.lt(x, 0), s.sub(s.like(2, x), positive), positive);
  // erfc(x) near 0 as 1 - erf(x), from 0.5 on as itself
  return s.select(s.and(small.holds, s.lt(x, 0.5)), s.sub(s.like(1, x), small.value), outer);
}

/** The normal quantile divided by q, in 0.180625 - q². */
const quantileCentre: Ratio = {
  above: [
    2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125, 1971.5909503065514427,
    133.14166789178437745, 3.387132872796366608,
  ],
  below: [
    5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077, 687.1870074920579083,
    42.313330701600911252, 1,
  ],
};
/** In r - 1.6, r = sqrt(-log(tail)) ≤ 5. */
const quantileTail: Ratio = {
  above: [
    7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055,
    4.6303378461565452959, 1.42343711074968357734,
  ],
  below: [
    1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494,
    2.05319162663775882187, 1,
  ],
};
/** In r - 5, r > 5. */
const quantileFarTail: Ratio = {
  above: [
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358,
    5.4637849111641143699, 6.6579046435011037772,
  ],
  below: [
    2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
    0.59983220655588793769, 1,
  ],
};

/** erfinv(x) / x in -log(1 - x²) - 2.5 below 5, and in its square root - 3 above. */
const erfinvCentre32 = [2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941];
const erfinvTail32 = [-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682];

function erfinvSingle(x: Expr): Expr {
  const w = s.neg(s.log(s.mul(s.sub(s.like(1, x), x), s.add(x, 1))));
  const centre = s.polynomial(s.sub(w, 2.5), erfinvCentre32);
  const tail = s.polynomial(s.sub(s.sqrt(w), 3), erfinvTail32);
  return s.mul(s.select(s.lt(w, 5), centre, tail), x);
}

/** erfinv(x) is the normal quantile of (1 + x) / 2, divided by √2. */
function erfinvDouble(x: Expr): Expr {
  const q = s.mul(x, 0.5);
  const centre = s.mul(q, ratio(s.sub(s.like(0.180625, x), s.mul(q, q)), quantileCentre));
  const r = s.sqrt(s.neg(s.log(s.mul(s.sub(s.like(1, x), s.abs(x)), 0.5))));
  const tail = s.select(s.le(r, 5), ratio(s.sub(r, 1.6), quantileTail), ratio(s.sub(r, 5), quantileFarTail));
  return s.mul(s.select(s.le(s.abs(q), 0.425), centre, s.copysign(tail, x)), Math.SQRT1_2);
}

/** ±Infinity at ±1, where the formulas have Infinity - Infinity; NaN beyond, from the logarithm of a negative. */
export function erfinvFormula(x: Expr): Expr {
  const inside = isSingle(x) ? erfinvSingle(x) : erfinvDouble(x);
  return s.select(s.eq(s.abs(x), 1), s.copysign(s.like(Infinity, x), x), inside);
}
