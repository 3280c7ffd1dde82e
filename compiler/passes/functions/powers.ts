/** Powers and cube roots. */
import type { Expr } from "../../ir/expr.ts";
import { s } from "../../ir/expr.ts";
import type { Both } from "./float.ts";
import { head, infinity, isSingle, leastNormal, nan, one, parts, pick, pow2, toScale, toWhole } from "./float.ts";

/** m^(-1/3), √½ ≤ m ≤ √2, to 2^-12 and 2^-17. */
const inverseRoots: Both<readonly number[]> = {
  float32: [-0.1584955, 0.71323156, -1.2856543, 1.7306963],
  float64: [-0.10804143174763986, 0.7006440764043635, -1.8979889104275998, 2.7921203017659466, -2.485903734307852, 1.9991735665127703],
};
/** An exponent that is a multiple of 3, which lifts subnormal numbers. */
const lift: Both<number> = { float32: 24, float64: 54 };

/** Newton's step for b^(-1/3), which needs no division, and one for the root itself. */
export function cbrt(x: Expr): Expr {
  const a = s.abs(x);
  const isSubnormal = s.lt(a, pick(x, leastNormal));
  const lifted = s.select(isSubnormal, s.mul(a, 2 ** pick(x, lift)), a);
  const { exponent, significand: m } = parts(lifted);
  const third = toWhole(s.mul(exponent, 1 / 3)).whole;
  const rest = s.sub(exponent, s.mul(third, 3));
  const [isAbove, isBelow] = [s.gt(rest, 0), s.lt(rest, 0)];
  const choose = (above: number, below: number): Expr => s.select(isAbove, s.like(above, x), s.select(isBelow, s.like(below, x), one(x)));
  const b = s.mul(m, choose(2, 0.5));
  const guess = s.mul(s.estrin(m, pick(x, inverseRoots)), choose(Math.cbrt(0.5), Math.cbrt(2)));
  const error = s.sub(one(x), s.mul(s.mul(b, guess), s.square(guess)));
  const z = s.add(guess, s.mul(s.mul(guess, error), 1 / 3));
  const y = s.mul(b, s.square(z));
  const root = s.add(y, s.mul(s.mul(s.sub(b, s.mul(s.square(y), y)), s.square(z)), 1 / 3));
  const back = s.select(isSubnormal, s.like(2 ** (-pick(x, lift) / 3), x), one(x));
  const value = s.copysign(s.mul(s.mul(root, pow2(third)), back), x);
  return s.select(s.and(s.gt(a, 0), s.lt(a, Infinity)), value, x);
}

/** Of FreeBSD's msun (e_pow.c, e_powf.c; Sun Microsystems 1993): what stands in two numbers is the exact head and the rest. */
interface PowerTable {
  /** log2(x) beyond the linear term in q². */
  readonly logarithm: readonly number[];
  /** 2 / (3 ln 2) in two, and as one. */
  readonly scaleParts: readonly [number, number];
  readonly scale: number;
  /** log2(1.5) */
  readonly middle: readonly [number, number];
  /** e^z beyond z. */
  readonly exponential: readonly number[];
  readonly ln2Parts: readonly [number, number];
  /** Where 2^v is surely infinite and surely 0. */
  readonly range: readonly [number, number];
  /** From here on all numbers are even. */
  readonly evens: number;
}
const tables: Both<PowerTable> = {
  float32: {
    logarithm: [2.0697501302e-1, 2.3066075146e-1, 2.7272811532e-1, 3.3333334327e-1, 4.2857143283e-1, 6.0000002384e-1],
    scaleParts: [0.9619140625, -1.1736857402e-4],
    scale: 0.96179670095,
    middle: [0.584960938, 1.56322085e-6],
    exponential: [4.1381369442e-8, -1.6533901999e-6, 6.613755977e-5, -2.777777845e-3, 1.6666667163e-1],
    ln2Parts: [0.693145752, 1.42860654e-6],
    range: [129, -152],
    evens: 2 ** 24,
  },
  float64: {
    logarithm: [
      2.06975017800338417784e-1, 2.30660745775561754067e-1, 2.72728123808534006489e-1, 3.33333329818377432918e-1, 4.28571428578550184252e-1,
      5.99999999999994648725e-1,
    ],
    scaleParts: [9.61796700954437255859e-1, -7.02846165095275826516e-9],
    scale: 9.61796693925975554329e-1,
    middle: [5.84962487220764160156e-1, 1.35003920212974897128e-8],
    exponential: [4.13813679705723846039e-8, -1.6533902205465251539e-6, 6.61375632143793436117e-5, -2.77777777770155933842e-3, 1.66666666666666019037e-1],
    ln2Parts: [6.93147182464599609375e-1, -1.90465429995776804525e-9],
    range: [1025, -1077],
    evens: 2 ** 53,
  },
};

/** log2 of a positive finite number as a head and a rest. */
function log2InParts(v: Expr): readonly [Expr, Expr] {
  const t = pick(v, tables);
  const isSubnormal = s.lt(v, pick(v, leastNormal));
  const up = pick(v, lift);
  const { exponent, significand } = parts(s.select(isSubnormal, s.mul(v, 2 ** up), v));
  // close to 1, or twice it close to 1.5, or itself
  const isLow = s.lt(significand, 0.8660254037844386);
  const isMiddle = s.or(isLow, s.gt(significand, 1.224744871391589));
  const m = s.select(isLow, s.mul(significand, 2), significand);
  const n = s.sub(s.sub(exponent, s.select(isSubnormal, s.like(up, v), s.like(0, v))), s.select(isLow, one(v), s.like(0, v)));
  const base = s.select(isMiddle, s.like(1.5, v), one(v));
  const [difference, sum] = [s.sub(m, base), s.add(m, base)];
  const inverse = s.div(one(v), sum);
  const q = s.mul(difference, inverse);
  const qHead = head(q);
  const sumHead = head(sum);
  const sumRest = s.sub(m, s.sub(sumHead, base));
  const qRest = s.mul(inverse, s.sub(s.sub(difference, s.mul(qHead, sumHead)), s.mul(qHead, sumRest)));
  const z = s.square(q);
  const r = s.add(s.mul(s.square(z), s.estrin(z, t.logarithm)), s.mul(qRest, s.add(qHead, q)));
  const squareHead = s.square(qHead);
  const upper = head(s.add(s.add(squareHead, 3), r));
  const rest = s.sub(r, s.sub(s.sub(upper, 3), squareHead));
  const product = s.mul(qHead, upper);
  const productRest = s.add(s.mul(qRest, upper), s.mul(rest, q));
  const both = head(s.add(product, productRest));
  const left = s.sub(productRest, s.sub(both, product));
  const zero = s.like(0, v);
  const zHead = s.mul(both, t.scaleParts[0]);
  const zRest = s.add(s.add(s.mul(both, t.scaleParts[1]), s.mul(left, t.scale)), s.select(isMiddle, s.like(t.middle[1], v), zero));
  const baseHead = s.select(isMiddle, s.like(t.middle[0], v), zero);
  const total = head(s.add(s.add(s.add(zHead, zRest), baseHead), n));
  return [total, s.sub(zRest, s.sub(s.sub(s.sub(total, n), baseHead), zHead))];
}

/** 2^(upper + rest). */
function exp2InParts(upper: Expr, rest: Expr): Expr {
  const t = pick(upper, tables);
  const sum = s.add(upper, rest);
  const [most, least] = t.range;
  const { whole, scaled } = toScale(s.atLeast(s.atMost(sum, most), least));
  const h = s.sub(upper, whole);
  const both = headOfFew(s.add(rest, h));
  const u = s.mul(both, t.ln2Parts[0]);
  const v = s.add(s.mul(s.sub(rest, s.sub(both, h)), Math.LN2), s.mul(both, t.ln2Parts[1]));
  const z = s.add(u, v);
  const w = s.sub(v, s.sub(z, u));
  const c = s.sub(z, s.mul(s.square(z), s.estrin(s.square(z), t.exponential)));
  const r = s.sub(s.div(s.mul(z, c), s.sub(c, 2)), s.add(w, s.mul(z, w)));
  const value = scaled(s.sub(one(upper), s.sub(r, z)));
  return s.select(s.ge(sum, most), infinity(upper), s.select(s.le(sum, least), s.like(0, upper), value));
}
/** Few enough bits that the product with the head of ln 2 is exact. */
const headOfFew = (x: Expr): Expr => (isSingle(x) ? s.bitcast(s.and(s.bitcast(x, "uint32"), 0xffff8000), "float32") : head(x));

/** C's pow, without its errors. */
export function pow(x: Expr, y: Expr): Expr {
  const { evens } = pick(x, tables);
  const a = s.abs(x);
  const isWhole = s.eq(s.trunc(y), y);
  const half = s.mul(y, 0.5);
  const isOdd = s.and(s.and(isWhole, s.lt(s.abs(y), evens)), s.ne(s.trunc(half), half));
  const isNegative = s.lt(s.copysign(one(x), x), 0);
  const isZero = s.eq(x, 0);
  const [upper, rest] = log2InParts(a);
  const yHead = head(y);
  const finite = exp2InParts(s.mul(yHead, upper), s.add(s.mul(s.sub(y, yHead), upper), s.mul(y, rest)));
  // 0, infinities: the result is 0 or infinite, by whether |x| > 1 and y > 0 agree
  const extreme = s.select(s.eq(s.gt(a, 1), s.gt(y, 0)), infinity(x), s.like(0, x));
  const isExtreme = s.or(isZero, s.or(s.eq(a, Infinity), s.eq(s.abs(y), Infinity)));
  const magnitude = s.select(isExtreme, extreme, finite);
  const signed = s.select(s.and(isNegative, isOdd), s.neg(magnitude), magnitude);
  const outside = s.and(s.and(isNegative, s.not(isZero)), s.and(s.not(isWhole), s.ne(a, Infinity)));
  const isOne = s.or(s.eq(y, 0), s.or(s.eq(x, 1), s.and(s.eq(x, -1), s.eq(s.abs(y), Infinity))));
  return s.select(isOne, one(x), s.select(s.or(outside, s.or(s.isnan(x), s.isnan(y))), nan(x), signed));
}
