/**
 * Indices as sums `offset + Σ coefficient · atom`, looked at through the lets of a kernel. Addresses are made of them: what grows
 * with an outer loop is added up in front of the inner ones.
 */
import { at } from "../../ir/errors.ts";
import type { Expr, Sum, Term } from "../../ir/expr.ts";
import { addSums, keyOf, scaleSum } from "../../ir/indexing.ts";

/** A sum whose names of int32 stand for what they are. */
export type Linear = Sum;

const atomOf = (e: Expr): Linear => ({ terms: [{ atom: e, key: keyOf(e), coefficient: 1 }], offset: 0 });

/** The least value that the terms can have together; -Infinity where it is not known. */
export function leastOf(terms: readonly Term[]): number {
  let sum = 0;
  for (let i = 0; i < terms.length; i++) {
    const t = terms[i];
    if (t !== undefined) sum += Math.min(t.coefficient * t.atom.lo, t.coefficient * t.atom.hi);
  }
  return sum;
}

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
        return addSums(this.of(at(e.args, 0)), this.of(at(e.args, 1)), e.op === "add" ? 1 : -1);
      case "mul":
        if (b?.op === "const") return scaleSum(this.of(at(e.args, 0)), b.value);
        return a?.op === "const" ? scaleSum(this.of(at(e.args, 1)), a.value) : atomOf(e);
      default:
        return atomOf(e);
    }
  }
}
