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
  const offset = a.offset + sign * b.offset;
  if (b.terms.length === 0) return { terms: a.terms, offset };
  if (a.terms.length === 0 && sign === 1) return { terms: b.terms, offset };
  // sums have a few terms: looking through them costs less than a map
  const terms = a.terms.slice();
  for (let k = 0; k < b.terms.length; k++) {
    const t = b.terms[k];
    if (t === undefined) break;
    const i = positionOf(terms, t.key);
    const coefficient = (terms[i]?.coefficient ?? 0) + sign * t.coefficient;
    const term = { atom: t.atom, key: t.key, coefficient };
    if (i < 0) terms.push(term);
    else if (coefficient === 0) terms.splice(i, 1);
    else terms[i] = term;
  }
  return { terms, offset };
}

function positionOf(terms: readonly Term[], key: string): number {
  for (let i = 0; i < terms.length; i++) if (terms[i]?.key === key) return i;
  return -1;
}

export const scaleLinear = (a: Linear, k: number): Linear =>
  k === 0 ? { terms: [], offset: 0 } : { terms: a.terms.map((t) => ({ atom: t.atom, key: t.key, coefficient: t.coefficient * k })), offset: a.offset * k };

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
        return addLinear(this.of(at(e.args, 0)), this.of(at(e.args, 1)), e.op === "add" ? 1 : -1);
      case "mul":
        if (b?.op === "const") return scaleLinear(this.of(at(e.args, 0)), b.value);
        return a?.op === "const" ? scaleLinear(this.of(at(e.args, 1)), a.value) : atomOf(e);
      default:
        return atomOf(e);
    }
  }
}
