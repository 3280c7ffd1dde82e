/**
 * Huge angles in quarter turns, modulo 4, by Payne and Hanek's method: of the digits of 2/π only those count that give no multiple of
 * 4. In float64, for it has no fast integers of its size: products of halves of the angle with 26 digits at a time are exact, and
 * are added on two grids, where sums are exact too.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { s } from "../../ir/expr.ts";
import { pow2 } from "./float.ts";

const digits = 26;
/** The binary digits of 2/π, 26 at a time. */
// oxfmt-ignore
const twoOverPi: readonly number[] = [
  42722829, 48555073, 21659401, 56087029, 13858563, 28715353, 38736100, 4324945, 26128250, 62674459, 29957006, 37899730, 58726692, 49193117, 6588223,
  35515164, 46442140, 65964067, 24988590, 54822121, 41009306, 54917092, 5137525, 37323603, 15192690, 4585659, 58608142, 52426903, 67074070, 25231090,
  63202006, 34237727, 28629499, 15891632, 40752081, 37709470, 25143477, 55737260, 33225084, 24853767, 15195689, 19476134, 50255852, 18845021, 2185228,
  50622407,
];
/** How many of them count. */
const counting = 8;

/** The eight numbers from position k (0 … 37) on. */
function window(k: Expr): readonly Expr[] {
  let list: readonly Expr[] = twoOverPi.map((n) => s.like(n, k));
  let left = k;
  for (let step = 32; step >= 1; step /= 2) {
    const skips = s.ge(left, step);
    const source = list;
    list = Array.from({ length: counting + step - 1 }, (_, i) => s.select(skips, source[i + step] ?? s.like(0, k), at(source, i)));
    left = s.sub(left, s.select(skips, s.like(step, k), s.like(0, k)));
  }
  return list;
}

/** v in multiples of a power of two, and the rest. */
function split(v: Expr, grid: number): readonly [Expr, Expr] {
  const shift = 1.5 * 2 ** 52 * grid;
  const upper = s.sub(s.add(v, shift), shift);
  return [upper, s.sub(v, upper)];
}

const modulo4 = (v: Expr): Expr => s.sub(v, s.mul(s.round(s.mul(v, 0.25)), 4));
const sum = (list: readonly Expr[]): Expr => list.reduce((a, b) => s.add(a, b));

/** Quarter turns as a sum of three, each far smaller than the one before; the first two are exact. For finite a above 2^16. */
export function quarterTurns64(a: Expr): readonly [Expr, Expr, Expr] {
  const k = s.max(s.floor(s.div(s.sub(s.exponent(a), 55), digits)), 0);
  const scaled = s.mul(a, pow2(s.mul(k, -digits)));
  const upper = s.head(scaled);
  const lower = s.sub(scaled, upper);
  const products = window(k).map((n, i) => {
    const factor = s.mul(n, 2 ** (-digits * (i + 1)));
    const pair = [s.mul(upper, factor), s.mul(lower, factor)];
    return i < 3 ? pair.map(modulo4) : pair;
  });
  const coarse = products
    .slice(0, 4)
    .flat()
    .map((p) => split(p, 2 ** -22));
  const fine = [...coarse.map(([, rest]) => rest), ...products.slice(4, 6).flat()].map((p) => split(p, 2 ** -70));
  const left = [...products.slice(6).flat(), ...fine.map(([, rest]) => rest)];
  return [sum(coarse.map(([first]) => first)), sum(fine.map(([first]) => first)), sum(left)];
}
