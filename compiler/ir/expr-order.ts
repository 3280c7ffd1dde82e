/** Orders of scalar expressions. Iterative, so that depth costs no stack. */
import type { Expr } from "./expr.ts";

const all = (e: Expr): readonly Expr[] => e.args;

/**
 * Every expression that the roots are made of, operands first, each once. The order depends on structure only. `operands` may leave
 * some out.
 */
export function exprOrder(roots: readonly Expr[], operands: (e: Expr) => readonly Expr[] = all): Expr[] {
  const order: Expr[] = [];
  const seen = new Set<Expr>();
  const stack: { expr: Expr; next: number }[] = [];
  for (const root of roots) {
    if (seen.has(root)) continue;
    seen.add(root);
    stack.push({ expr: root, next: 0 });
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const arg = operands(top.expr)[top.next++];
      if (arg === undefined) {
        order.push(top.expr);
        stack.pop();
      } else if (!seen.has(arg)) {
        seen.add(arg);
        stack.push({ expr: arg, next: 0 });
      }
    }
  }
  return order;
}
