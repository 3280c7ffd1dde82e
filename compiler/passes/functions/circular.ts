/**
 * Sine, cosine and tangent. The angle less a multiple of π (of π/2 for the tangent) is small; π stands in parts whose products with
 * the multiple are exact, so that the difference keeps its digits next to zeros too. Angles too large for that are rare, and reduced
 * by Payne and Hanek's method.
 */
import type { Expr } from "../../ir/expr.ts";
import { s } from "../../ir/expr.ts";
import { parts as bitsInParts } from "../legalize-bits.ts";
import { quarterTurns32 } from "../quarter-turns.ts";
import type { Both } from "./float.ts";
import { isSingle, nan, negateOdd, pick, toWhole } from "./float.ts";
import { quarterTurns64 } from "./turns.ts";

/** π in parts; in float32 the first two end where angles in steps of 2^-22 do, so that their subtraction rounds nothing. */
const pi: Both<readonly number[]> = {
  float32: [3.140625, 0.0009675025939941406, 1.5099067240953445e-7, 5.126688303189038e-12],
  float64: [3.1415926535846666, 5.1266883031679116e-12, 2.1125998133974855e-23],
};
/** Multiples of π/2 up to here have few enough digits. */
const limit: Both<number> = { float32: 1600, float64: 1e5 };
/** Below, sine and tangent are the angle; what follows would lose the sign of 0. */
const linear: Both<number> = { float32: 2 ** -13, float64: 2 ** -27 };

/** (sin(√z) / √z - 1) / z, √z ≤ π/2. */
const longSines = [
  2.721463791873393e-15, -7.643023048990145e-13, 1.6058941120264158e-10, -2.5052106906233442e-8, 2.7557319211582615e-6, -1.9841269841212514e-4,
  8.333333333333207e-3, -0.16666666666666666,
];
/** The same, √z ≤ π/4. */
const sines: Both<readonly number[]> = {
  float32: [-1.9517899e-4, 8.332187e-3, -0.16666655],
  float64: [1.5895633593572097e-10, -2.5050737413772653e-8, 2.7557313554412805e-6, -1.984126982939171e-4, 8.333333333321861e-3, -0.1666666666666663],
};
/** (cos(√z) - 1 + z/2) / z², √z ≤ π/4. */
const cosines: Both<readonly number[]> = {
  float32: [2.4431716e-5, -1.3887306e-3, 0.041666646],
  float64: [-1.1359795606302695e-11, 2.08757269654299e-9, -2.7557314387064737e-7, 2.480158728963577e-5, -1.3888888888874441e-3, 0.0416666666666666],
};

const sine = (r: Expr, coefficients: readonly number[]): Expr => {
  const z = s.square(r);
  return s.add(r, s.mul(s.mul(r, z), s.estrin(z, coefficients)));
};
const cosine = (r: Expr): Expr => {
  const z = s.square(r);
  return s.add(s.sub(s.mul(s.square(z), s.estrin(z, pick(r, cosines))), s.mul(z, 0.5)), 1);
};

/** Which multiples of what are taken off: n π; n π + π/2; n π/2. */
type Step = "half turns" | "odd quarters" | "quarter turns";

/** The angle less a multiple of the step. The rest of odd quarters is what is missing to them: cos(x) = sin(π/2 - x). */
interface Reduced {
  readonly rest: Expr;
  /** The number of steps: of float32 an int32, modulo 4, of float64 the sum that it was rounded by. */
  readonly count: Expr;
}

const int = (e: Expr): Expr => s.bitcast(e, "int32");
const isOdd = ({ count }: Reduced): Expr => (count.dtype === "int32" ? s.eq(s.and(count, 1), 1) : s.lt(s.parity(count), 0));

function subtracted(x: Expr, step: Step): Reduced {
  const unit = step === "quarter turns" ? 0.5 : 1;
  const scaled = s.mul(x, 1 / (Math.PI * unit));
  const { sum, whole } = toWhole(step === "odd quarters" ? s.sub(scaled, 0.5) : scaled);
  const n = step === "odd quarters" ? s.add(whole, 0.5) : whole;
  const [first = 0, ...others] = pick(x, pi).map((part) => part * unit);
  const start = s.mul(n, first);
  const rest =
    step === "odd quarters"
      ? others.reduce((r, part) => s.add(r, s.mul(n, part)), s.sub(start, x))
      : others.reduce((r, part) => s.sub(r, s.mul(n, part)), s.sub(x, start));
  return { rest, count: isSingle(x) ? int(sum) : sum };
}

/** π, of which the product of the first part with half a float64 is exact. */
const piInTwo = [3.1415926218032837, 3.178650954705639e-8] as const;

/** The same of a large positive angle. */
function huge64(a: Expr, step: Step): Reduced {
  const unit = step === "quarter turns" ? 1 : 0.5;
  const [first, second, third] = quarterTurns64(a);
  const turns = step === "odd quarters" ? s.sub(s.mul(first, unit), 0.5) : s.mul(first, unit);
  const { sum, whole } = toWhole(turns);
  const coarse = s.sub(turns, whole);
  const fine = s.mul(second, unit);
  const most = s.add(coarse, fine);
  const lost = s.sub(fine, s.sub(most, coarse));
  const [factor, upper] = [(step === "odd quarters" ? -1 : 1) / (2 * unit), s.head(most)];
  const small = s.add(s.sub(most, upper), s.add(lost, s.mul(third, unit)));
  const rest = s.add(s.mul(upper, piInTwo[0] * factor), s.add(s.mul(upper, piInTwo[1] * factor), s.mul(small, Math.PI * factor)));
  return { rest, count: sum };
}

/** Quarter turns of float32. */
function huge32(a: Expr): Reduced {
  const float = (e: Expr): Expr => s.cast(e, "float32");
  const { exponent, significand } = bitsInParts(a);
  const { high, low } = quarterTurns32(significand, s.sub(exponent, 120));
  // the whole bits shifted out, what is left is a signed fraction; of its magnitude no part cancels another
  const fraction = s.or(s.shl(high, 2), s.shr(low, 30));
  const sign = s.shr(int(fraction), 31);
  const complement = s.bitcast(sign, "uint32");
  const [upper, lower] = [s.xor(fraction, complement), s.xor(s.shl(low, 2), complement)];
  // the product of 12 bits with 12 bits is exact
  const scale = (Math.PI / 2) * 2 ** -32;
  const scaleHead = Math.round((Math.PI / 2) * 2 ** 11) * 2 ** -43;
  const head = float(int(s.and(upper, 0xfff00000)));
  const rest = s.add(float(int(s.and(upper, 0x000fffff))), s.mul(float(lower), 2 ** -32));
  const value = s.add(s.mul(head, scaleHead), s.add(s.mul(head, scale - scaleHead), s.mul(rest, scale)));
  return {
    rest: s.bitcast(s.xor(int(value), s.and(sign, -2147483648)), "float32"),
    count: s.sub(int(s.shr(high, 30)), sign),
  };
}

/** `finish` of the angle, or of huge ones. */
function reduced(x: Expr, step: Step, finish: (r: Reduced) => Expr, parity: "odd" | "even"): Expr {
  const a = s.abs(x);
  const far = finish(isSingle(a) ? huge32(a) : huge64(a, step));
  const signed = parity === "even" ? far : s.select(s.lt(x, 0), s.neg(far), far);
  return s.rare(s.gt(a, pick(x, limit)), s.select(s.lt(a, Infinity), signed, nan(x)), finish(subtracted(x, step)));
}

/** Where |x| is small the odd functions are x; their formulas would lose the sign of 0. */
const aroundZero = (x: Expr, value: Expr): Expr => s.select(s.lt(s.abs(x), pick(x, linear)), x, value);

/** float32: sine or cosine of up to π/4, turned by `quarters` more. */
function turned(r: Reduced, quarters: number): Expr {
  const turns = quarters === 0 ? r.count : s.add(r.count, quarters);
  const value = s.select(s.eq(s.and(turns, 1), 1), cosine(r.rest), sine(r.rest, sines.float32));
  return s.bitcast(s.xor(int(value), s.and(s.shl(turns, 30), -2147483648)), "float32");
}
/** float64: the sine of up to π/2, held within 1, of which its last bit could be off. */
const held = ({ rest, count }: Reduced): Expr => negateOdd(s.atLeast(s.atMost(sine(rest, longSines), 1), -1), count);

export const sin = (x: Expr): Expr =>
  aroundZero(x, isSingle(x) ? reduced(x, "quarter turns", (r) => turned(r, 0), "odd") : reduced(x, "half turns", held, "odd"));

/** Near 0 the cosine is 1, to the bit. */
const aroundOne = (x: Expr, value: Expr): Expr => s.select(s.lt(s.abs(x), linear.float64), s.like(1, x), value);

export const cos = (x: Expr): Expr =>
  isSingle(x) ? reduced(x, "quarter turns", (r) => turned(r, 1), "even") : aroundOne(x, reduced(x, "odd quarters", held, "even"));

function tangent(r: Reduced): Expr {
  const [up, across] = [sine(r.rest, pick(r.rest, sines)), cosine(r.rest)];
  const odd = isOdd(r);
  return s.div(s.select(odd, s.neg(across), up), s.select(odd, up, across));
}
export const tan = (x: Expr): Expr => aroundZero(x, reduced(x, "quarter turns", tangent, "odd"));
