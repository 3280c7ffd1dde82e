/** Orders of scalar expressions. What is deep costs no stack. */
import type { Expr } from "./expr.ts";

type Operands = ((e: Expr) => readonly Expr[]) | null;

/** So deep walks over expressions go by calls, which is quick; what is deeper is kept in lists. */
export const mostCalls: number = 64;

/**
 * Every expression that the roots are made of, operands first, each once. The order depends on structure only. `operands` may leave
 * some out.
 */
export function exprOrder(roots: readonly Expr[], operands: Operands = null): Expr[] {
  const short = roots.length === 1 && operands === null ? shortOrder(roots[0]) : null;
  if (short !== null) return short;
  const walk = new Walk(operands);
  walk.all(roots, 0);
  return walk.order;
}

/** Of an operation on at most two leaves, as many are; null for others. */
function shortOrder(e: Expr | undefined): Expr[] | null {
  if (e === undefined || e.args.length > 2) return null;
  const a = e.args[0];
  const b = e.args[1];
  if (a === undefined) return [e];
  if (a.args.length > 0 || (b !== undefined && b.args.length > 0)) return null;
  return b === undefined || a === b ? [a, e] : [a, b, e];
}

class Walk {
  readonly order: Expr[] = [];
  readonly seen = new Set<Expr>();
  readonly #operands: Operands;

  constructor(operands: Operands) {
    this.#operands = operands;
  }

  #operandsOf(e: Expr): readonly Expr[] {
    return this.#operands === null ? e.args : this.#operands(e);
  }

  all(list: readonly Expr[], depth: number): void {
    const { seen, order } = this;
    for (let i = 0; i < list.length; i++) {
      const e = list[i];
      if (e === undefined || seen.has(e)) continue;
      if (depth === mostCalls) {
        this.#deep(e);
        continue;
      }
      seen.add(e);
      if (e.args.length > 0) this.all(this.#operands === null ? e.args : this.#operands(e), depth + 1);
      order.push(e);
    }
  }

  /** The same without calls. What is open, its operands and how many of them were looked at: side by side, as lists of objects would be garbage. */
  #deep(root: Expr): void {
    const open: Expr[] = [];
    const lists: (readonly Expr[])[] = [];
    const nexts: number[] = [];
    const enter = (e: Expr): void => {
      this.seen.add(e);
      open.push(e);
      lists.push(this.#operandsOf(e));
      nexts.push(0);
    };
    enter(root);
    for (let top = 0; top >= 0; top = open.length - 1) {
      const next = nexts[top] ?? 0;
      const arg = lists[top]?.[next];
      if (arg !== undefined) {
        nexts[top] = next + 1;
        if (!this.seen.has(arg)) enter(arg);
        continue;
      }
      const done = open.pop();
      lists.pop();
      nexts.pop();
      if (done !== undefined) this.order.push(done);
    }
  }
}
