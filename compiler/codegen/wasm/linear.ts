/**
 * Indices as sums `offset + Σ coefficient · atom`, looked at through the lets of a kernel. Addresses are made of them: what grows
 * with an outer loop is added up in front of the inner ones.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { keyOf } from "../../ir/indexing.ts";

export interface Term {
  readonly atom: Expr;
  readonly key: string;
  readonly coefficient: number;
}

export interface Linear {
  readonly terms: readonly Term[];
  readonly offset: number;
}

const atomOf = (e: Expr): Linear => ({ terms: [{ atom: e, key: keyOf(e), coefficient: 1 }], offset: 0 });

export function addLinear(a: Linear, b: Linear, sign: 1 | -1 = 1): Linear {
  const byKey = new Map(a.terms.map((t) => [t.key, t]));
  for (const t of b.terms) {
    const coefficient = (byKey.get(t.key)?.coefficient ?? 0) + sign * t.coefficient;
    if (coefficient === 0) byKey.delete(t.key);
    else byKey.set(t.key, { atom: t.atom, key: t.key, coefficient });
  }
  return { terms: [...byKey.values()], offset: a.offset + sign * b.offset };
}

export const scaleLinear = (a: Linear, k: number): Linear =>
  k === 0 ? { terms: [], offset: 0 } : { terms: a.terms.map((t) => ({ atom: t.atom, key: t.key, coefficient: t.coefficient * k })), offset: a.offset * k };

/** The least value that the terms can have together; -Infinity where it is not known. */
export const leastOf = (terms: readonly Term[]): number => terms.reduce((sum, { atom, coefficient: c }) => sum + Math.min(c * atom.lo, c * atom.hi), 0);

export class LinearForms {
  /** What an int32 let without loads stands for; undefined for other names. */
  readonly #definition: (name: string) => Expr | undefined;
  readonly #done = new Map<Expr, Linear>();

  constructor(definition: (name: string) => Expr | undefined) {
    this.#definition = definition;
  }

  of(e: Expr): Linear {
    const known = this.#done.get(e);
    if (known !== undefined) return known;
    const linear = this.#compute(e);
    this.#done.set(e, linear);
    return linear;
  }

  #compute(e: Expr): Linear {
    const [a, b] = e.args;
    switch (e.op) {
      case "const":
        return { terms: [], offset: e.value };
      case "var": {
        const value = this.#definition(e.name);
        return value === undefined ? atomOf(e) : this.of(value);
      }
      case "add":
      case "sub":
        return addLinear(this.of(at(e.args, 0)), this.of(at(e.args, 1)), e.op === "add" ? 1 : -1);
      case "mul":
        if (b?.op === "const") return scaleLinear(this.of(at(e.args, 0)), b.value);
        return a?.op === "const" ? scaleLinear(this.of(at(e.args, 1)), a.value) : atomOf(e);
      default:
        return atomOf(e);
    }
  }
}
