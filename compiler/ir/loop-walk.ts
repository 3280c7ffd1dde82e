/** Rebuilding statements with their expressions mapped, shared sub-expressions mapped once. */
import type { Expr } from "./expr.ts";
import type { Axis, Kernel, Stmt } from "./loop.ts";
import { expressionsOf, statements } from "./loop.ts";

/** Maps every sub-expression, operands first; unchanged parts keep their identity. */
export function exprMapper(visit: (e: Expr) => Expr): (e: Expr) => Expr {
  const done = new Map<Expr, Expr>();
  const map = (e: Expr): Expr => {
    const known = done.get(e);
    if (known !== undefined) return known;
    const args = e.args.map(map);
    const out = visit(args.every((a, i) => a === e.args[i]) ? e : { ...e, args });
    done.set(e, out);
    return out;
  };
  return map;
}

/** A statement with its own expressions mapped by `f`, and its bodies by `body`. */
export function mapStatement(s: Stmt, f: (e: Expr) => Expr, body: (list: readonly Stmt[]) => readonly Stmt[]): Stmt {
  const axis = (a: Axis): Axis => ({ ...a, lo: f(a.lo), hi: f(a.hi) });
  switch (s.kind) {
    case "for":
      return { ...s, axis: axis(s.axis), body: body(s.body) };
    case "let":
    case "assign":
      return { ...s, value: f(s.value) };
    case "carry":
      return { ...s, init: f(s.init) };
    case "reduce":
      return { ...s, init: s.init.map(f), axes: s.axes.map(axis), body: body(s.body), values: s.values.map(f) };
    case "store":
      return { ...s, index: f(s.index), value: f(s.value), ...(s.guard ? { guard: f(s.guard) } : {}) };
    case "if":
      return { ...s, condition: f(s.condition), then: body(s.then), otherwise: body(s.otherwise) };
    case "local":
    case "barrier":
      return s;
  }
}

/** All expressions of a list and of everything below it mapped by `f`. */
export function mapStatements(list: readonly Stmt[], f: (e: Expr) => Expr): Stmt[] {
  return list.map((s) => mapStatement(s, f, (inner) => mapStatements(inner, f)));
}

/** Every expression of a list, each shared sub-expression once. */
export function visitExpressions(list: readonly Stmt[], visit: (e: Expr) => void): void {
  const seen = new Set<Expr>();
  const walk = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    visit(e);
    e.args.forEach(walk);
  };
  for (const s of statements(list)) expressionsOf(s).forEach(walk);
}

/** Names of the buffers that a kernel loads or stores. */
export function buffersTouched(kernel: Kernel): Set<string> {
  const names = new Set<string>();
  for (const s of statements(kernel.body)) if (s.kind === "store") names.add(s.buffer);
  visitExpressions(kernel.body, (e) => {
    if (e.op === "load") names.add(e.name);
  });
  return names;
}
