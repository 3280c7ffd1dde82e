/**
 * The interval of an index that is a sum, where conditions say something about parts of the sum: with 0 ≤ %i + %k - 2 < 62 the index
 * (%i + %k - 2) · 62 + %j is 0 to 3843, which the intervals of %i and %k alone do not tell.
 */
import type { Expr } from "./expr.ts";
import { keyOf } from "./indexing.ts";
import type { Range } from "./ranges.ts";

/** Coefficients by the text of what they multiply; with its range. */
interface Linear {
  readonly terms: ReadonlyMap<string, { readonly coefficient: number; readonly range: Range }>;
  readonly offset: number;
}

/** An expression that conditions bound. */
export interface Bounded {
  readonly expr: Expr;
  readonly range: Range;
}

interface Meaning {
  /** What a let's name stands for. */
  readonly valueOf: (name: string) => Expr | undefined;
  readonly rangeOf: (e: Expr) => Range;
}

/** What the sum can be: parts that are a multiple of a bounded expression have its bounds, all others their own. */
export function rangeOfSum(e: Expr, bounded: readonly Bounded[], meaning: Meaning): Range {
  const sums = new Linearisation(meaning);
  const whole = sums.of(e);
  const left = new Map(whole.terms);
  let [lo, hi] = [whole.offset, whole.offset];
  const add = (times: number, range: Range): void => {
    const [a, b] = [times * range.lo, times * range.hi];
    [lo, hi] = [lo + Math.min(a, b), hi + Math.max(a, b)];
  };
  // the longest parts first: what is known of one of their terms says less
  const parts = bounded.map(({ expr, range }) => ({ part: sums.of(expr), range })).sort((a, b) => b.part.terms.size - a.part.terms.size);
  for (const { part, range } of parts) {
    const times = ratio(left, part);
    if (times === 0) continue;
    for (const key of part.terms.keys()) left.delete(key);
    add(times, { lo: range.lo - part.offset, hi: range.hi - part.offset });
  }
  for (const { coefficient, range } of left.values()) add(coefficient, range);
  return { lo, hi };
}

/** How many times the part stands in the sum; 0 where it does not stand there as a whole. */
function ratio(sum: Linear["terms"], part: Linear): number {
  let times = 0;
  for (const [key, { coefficient }] of part.terms) {
    const own = (sum.get(key)?.coefficient ?? 0) / coefficient;
    if (own === 0 || (times !== 0 && own !== times)) return 0;
    times = own;
  }
  return times;
}

class Linearisation {
  readonly #meaning: Meaning;
  readonly #done = new Map<Expr, Linear>();

  constructor(meaning: Meaning) {
    this.#meaning = meaning;
  }

  of(e: Expr): Linear {
    const known = this.#done.get(e) ?? this.#compute(e);
    this.#done.set(e, known);
    return known;
  }

  #compute(e: Expr): Linear {
    const [a, b] = e.args;
    if (e.op === "const") return { terms: new Map(), offset: e.value };
    if (e.op === "var") {
      const value = this.#meaning.valueOf(e.name);
      if (value !== undefined) return this.of(value);
    }
    if (a !== undefined && b !== undefined) {
      if (e.op === "add") return combined(this.of(a), this.of(b), 1);
      if (e.op === "sub") return combined(this.of(a), this.of(b), -1);
      if (e.op === "mul" && b.op === "const") return combined({ terms: new Map(), offset: 0 }, this.of(a), b.value);
    }
    return { terms: new Map([[keyOf(e), { coefficient: 1, range: this.#meaning.rangeOf(e) }]]), offset: 0 };
  }
}

/** a + times · b. */
function combined(a: Linear, b: Linear, times: number): Linear {
  const terms = new Map(a.terms);
  for (const [key, { coefficient, range }] of b.terms) {
    const sum = (terms.get(key)?.coefficient ?? 0) + times * coefficient;
    if (sum === 0) terms.delete(key);
    else terms.set(key, { coefficient: sum, range });
  }
  return { terms, offset: a.offset + times * b.offset };
}
