/** Rewriting kernels: expression by expression, with shared sub-expressions kept shared. */
import { lookup } from "./errors.ts";
import { exprOrder } from "./expr-order.ts";
import type { Expr } from "./expr.ts";
import type { Axis, Kernel, Stmt } from "./loop.ts";

/**
 * A function that rebuilds expressions operands first: `visit` gets each node with its operands already rebuilt.
 * A node that is shared, also between expressions given one after the other, is visited once and stays shared.
 */
export function rewriter(visit: (e: Expr) => Expr): (root: Expr) => Expr {
  const done = new Map<Expr, Expr>();
  return (root) => {
    for (const e of exprOrder([root])) {
      if (done.has(e)) continue;
      const args = e.args.map((a) => lookup(done, a, "a rewritten operand"));
      done.set(e, visit(args.every((a, i) => a === e.args[i]) ? e : { ...e, args }));
    }
    return lookup(done, root, "a rewritten expression");
  };
}

/** The kernel with `f` applied to every whole expression in it: bounds, values, indices, guards, conditions and combine templates. */
export function mapExpressions(kernel: Kernel, f: (e: Expr) => Expr): Kernel {
  return { ...kernel, body: mapBody(kernel.body, f) };
}

/** The same for a list of statements. */
export function mapBody(list: readonly Stmt[], f: (e: Expr) => Expr): Stmt[] {
  return list.map((s) => mapStatement(s, f));
}

const mapAxis = (a: Axis, f: (e: Expr) => Expr): Axis => ({ ...a, lo: f(a.lo), hi: f(a.hi) });

function mapStatement(s: Stmt, f: (e: Expr) => Expr): Stmt {
  switch (s.kind) {
    case "for":
      return { ...s, axis: mapAxis(s.axis, f), body: mapBody(s.body, f) };
    case "let":
    case "assign":
      return { ...s, value: f(s.value) };
    case "carry":
      return { ...s, init: f(s.init) };
    case "reduce": {
      const axes = s.axes.map((a) => mapAxis(a, f));
      return { ...s, init: s.init.map(f), axes, body: mapBody(s.body, f), values: s.values.map(f), combine: s.combine.map(f) };
    }
    case "store":
      return { ...s, index: f(s.index), value: f(s.value), ...(s.guard ? { guard: f(s.guard) } : {}) };
    case "if":
      return { ...s, condition: f(s.condition), then: mapBody(s.then, f), otherwise: mapBody(s.otherwise, f) };
    case "local":
    case "barrier":
      return s;
  }
}
