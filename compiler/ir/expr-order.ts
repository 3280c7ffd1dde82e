/** Orders of scalar expressions. Iterative, so that depth costs no stack. */
import type { Expr } from "./expr.ts";

/**
 * Every expression that the roots are made of, operands first, each once. The order depends on structure only. `operands` may leave
 * some out.
 */
export function exprOrder(roots: readonly Expr[], operands: ((e: Expr) => readonly Expr[]) | null = null): Expr[] {
  const order: Expr[] = [];
  const seen = new Set<Expr>();
  // what is open, its operands and how many of them were looked at: side by side, as lists of objects would be garbage
  const open: Expr[] = [];
  const lists: (readonly Expr[])[] = [];
  const nexts: number[] = [];
  const enter = (e: Expr): void => {
    seen.add(e);
    const list = e.args.length === 0 || operands === null ? e.args : operands(e);
    if (list.length === 0) return void order.push(e);
    open.push(e);
    lists.push(list);
    nexts.push(0);
  };
  for (const root of roots) {
    if (seen.has(root)) continue;
    enter(root);
    for (let top = open.length - 1; top >= 0; top = open.length - 1) {
      const next = nexts[top] ?? 0;
      const arg = lists[top]?.[next];
      if (arg !== undefined) {
        nexts[top] = next + 1;
        if (!seen.has(arg)) enter(arg);
        continue;
      }
      const done = open.pop();
      lists.pop();
      nexts.pop();
      if (done !== undefined) order.push(done);
    }
  }
  return order;
}
