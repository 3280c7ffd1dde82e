/** What int32 and bool expressions are in one iteration: for verifiers that try iterations. */
import type { Expr } from "./expr.ts";

/** The operations that compare. */
export type Comparison = "lt" | "le" | "gt" | "ge" | "eq" | "ne";
/** What holds where the comparison does not. */
export const opposite: Readonly<Record<Comparison, Comparison>> = { lt: "ge", le: "gt", gt: "le", ge: "lt", eq: "ne", ne: "eq" };
/** The same with its operands exchanged. */
export const mirrored: Readonly<Record<Comparison, Comparison>> = { lt: "gt", le: "ge", gt: "lt", ge: "le", eq: "eq", ne: "ne" };
export const isComparison = (op: string): op is Comparison => Object.hasOwn(opposite, op);

/** Values in one iteration, which `axes` is; undefined where they depend on data. `values` says what a name was let to be. */
export class Evaluation {
  readonly #values: (name: string) => Expr | undefined;
  readonly #axes: ReadonlyMap<string, number>;
  readonly #done = new Map<Expr, number | undefined>();

  constructor(values: (name: string) => Expr | undefined, axes: ReadonlyMap<string, number>) {
    this.#values = values;
    this.#axes = axes;
  }

  of(e: Expr): number | undefined {
    if (this.#done.has(e)) return this.#done.get(e);
    const value = this.#compute(e);
    this.#done.set(e, value);
    return value;
  }

  #compute(e: Expr): number | undefined {
    if (e.dtype !== "int32" && e.dtype !== "bool") return undefined;
    if (e.op === "const") return e.value;
    if (e.op === "axis") return this.#axes.get(e.name);
    if (e.op === "var") {
      const value = this.#values(e.name);
      return value === undefined ? undefined : this.of(value);
    }
    const args = e.args.map((a) => this.of(a));
    const [a, b, c] = args;
    // a known part may decide a condition whose other part is not known
    if (e.op === "and" && e.dtype === "bool" && (a === 0 || b === 0)) return 0;
    if (e.op === "or" && e.dtype === "bool" && ((a ?? 0) !== 0 || (b ?? 0) !== 0)) return 1;
    if (e.op === "select") return a === undefined ? undefined : [c, b][Number(a !== 0)];
    return a === undefined || args.includes(undefined) ? undefined : operate(e, a, b ?? 0);
  }
}

const truth = (b: boolean): number => (b ? 1 : 0);

function operate(e: Expr, a: number, b: number): number | undefined {
  switch (e.op) {
    case "add":
      return (a + b) | 0;
    case "sub":
      return (a - b) | 0;
    case "mul":
      return Math.imul(a, b);
    case "idiv":
      return b === 0 ? 0 : (a / b) | 0;
    case "irem":
      return b === 0 ? 0 : (a % b) | 0;
    case "neg":
      return -a | 0;
    case "min":
      return Math.min(a, b);
    case "max":
      return Math.max(a, b);
    case "not":
      return e.dtype === "bool" ? truth(a === 0) : ~a;
    case "and":
      return a & b;
    case "or":
      return a | b;
    case "xor":
      return a ^ b;
    case "cast":
      return e.args[0]?.dtype === "bool" || e.args[0]?.dtype === e.dtype ? a : undefined;
    default:
      return isComparison(e.op) ? truth(compare(e.op, a, b)) : undefined;
  }
}

function compare(op: Comparison, a: number, b: number): boolean {
  switch (op) {
    case "lt":
      return a < b;
    case "le":
      return a <= b;
    case "gt":
      return a > b;
    case "ge":
      return a >= b;
    case "eq":
      return a === b;
    case "ne":
      return a !== b;
  }
}
