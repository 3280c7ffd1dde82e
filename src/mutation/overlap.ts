/**
 * Whether two views of one base have an element in common: whether Σ a_k · x_k = b has a solution with 0 ≤ x_k ≤ u_k. Exact, as
 * NumPy's `shares_memory`: a search, cut off by what the coefficients left over can still reach and divide.
 */
import { at } from "../../compiler/ir/errors.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import type { Layout } from "./layout.ts";

/** The lowest and the highest place of a view that has elements. */
export function extentOf({ offset, shape, strides }: Layout): { readonly low: number; readonly high: number } {
  let [low, high] = [offset, offset];
  shape.forEach((n, i) => {
    const reach = (n - 1) * at(strides, i);
    if (reach < 0) low += reach;
    else high += reach;
  });
  return { low, high };
}

/** Whether the ranges of places from the first to the last element overlap. */
export function mayOverlap(a: Layout, b: Layout): boolean {
  if (sizeOf(a.shape) === 0 || sizeOf(b.shape) === 0) return false;
  const [x, y] = [extentOf(a), extentOf(b)];
  return x.low <= y.high && y.low <= x.high;
}

interface Term {
  readonly coefficient: number;
  readonly most: number;
}

/** Whether some element is in both. */
export function overlap(a: Layout, b: Layout): boolean {
  if (!mayOverlap(a, b)) return false;
  // low_a + Σ |s| x = low_b + Σ |t| y, and y counted from the other end has a plus sign
  const [x, y] = [extentOf(a), extentOf(b)];
  const terms = merged([...termsOf(a), ...termsOf(b)]);
  return solvable(terms, y.high - x.low);
}

const termsOf = ({ shape, strides }: Layout): Term[] => strides.map((s, i) => ({ coefficient: Math.abs(s), most: at(shape, i) - 1 }));

/** Equal coefficients are one unknown; largest first. */
function merged(terms: readonly Term[]): Term[] {
  const most = new Map<number, number>();
  for (const t of terms) if (t.coefficient > 0 && t.most > 0) most.set(t.coefficient, (most.get(t.coefficient) ?? 0) + t.most);
  return [...most].map(([coefficient, n]) => ({ coefficient, most: n })).sort((s, t) => t.coefficient - s.coefficient);
}

function gcd(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return x;
}

function solvable(terms: readonly Term[], total: number): boolean {
  const divisors: number[] = terms.map(() => 0);
  const reaches: number[] = terms.map(() => 0);
  for (let k = terms.length - 1; k >= 0; k--) {
    const { coefficient, most } = at(terms, k);
    divisors[k] = gcd(divisors[k + 1] ?? 0, coefficient);
    reaches[k] = (reaches[k + 1] ?? 0) + coefficient * most;
  }
  const open = [{ k: 0, rest: total }];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const { k, rest } = state;
    if (rest === 0) return true;
    const term = terms[k];
    if (term === undefined || rest < 0 || rest > at(reaches, k) || rest % at(divisors, k) !== 0) continue;
    const least = Math.max(0, Math.ceil((rest - (reaches[k + 1] ?? 0)) / term.coefficient));
    const most = Math.min(term.most, Math.floor(rest / term.coefficient));
    for (let n = least; n <= most; n++) open.push({ k: k + 1, rest: rest - n * term.coefficient });
  }
  return false;
}
