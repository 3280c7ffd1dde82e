/** Rebuilding statements with their expressions mapped, shared sub-expressions mapped once. */
import type { Expr } from "./expr.ts";
import { mapOperands } from "./expr.ts";
import type { Axis, Kernel, Stmt } from "./loop.ts";
import { expressionsOf, statements } from "./loop.ts";

/** Maps every sub-expression, operands first; unchanged parts keep their identity. */
export function exprMapper(visit: (e: Expr) => Expr): (e: Expr) => Expr {
  const done = new Map<Expr, Expr>();
  const map = (e: Expr): Expr => {
    const known = done.get(e);
    if (known !== undefined) return known;
    const out = visit(mapOperands(e, map));
    done.set(e, out);
    return out;
  };
  return map;
}

const mapAxis = (a: Axis, f: (e: Expr) => Expr): Axis => ({ ...a, lo: f(a.lo), hi: f(a.hi) });

/** A statement with its bodies mapped; what has none is itself. */
export function mapBodies(s: Stmt, body: (list: readonly Stmt[]) => readonly Stmt[]): Stmt {
  if (s.kind === "for" || s.kind === "reduce") return { ...s, body: body(s.body) };
  return s.kind === "if" ? { ...s, then: body(s.then), otherwise: body(s.otherwise) } : s;
}

/** A statement with its own expressions mapped by `f`, and its bodies by `body`. */
export function mapStatement(s: Stmt, f: (e: Expr) => Expr, body: (list: readonly Stmt[]) => readonly Stmt[]): Stmt {
  switch (s.kind) {
    case "for":
      return { ...s, axis: mapAxis(s.axis, f), body: body(s.body) };
    case "let":
    case "assign":
      return { ...s, value: f(s.value) };
    case "carry":
      return { ...s, init: f(s.init) };
    case "reduce":
      return { ...s, init: s.init.map(f), axes: s.axes.map((a) => mapAxis(a, f)), body: body(s.body), values: s.values.map(f) };
    case "store":
      return s.guard ? { ...s, index: f(s.index), value: f(s.value), guard: f(s.guard) } : { ...s, index: f(s.index), value: f(s.value) };
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
    for (const a of e.args) walk(a);
  };
  for (const s of statements(list)) for (const e of expressionsOf(s)) walk(e);
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
