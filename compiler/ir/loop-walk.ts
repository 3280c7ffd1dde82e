/** Rebuilding statements with their expressions mapped, shared sub-expressions mapped once. */
import { dtypeInfo } from "./dtype.ts";
import { at } from "./errors.ts";
import type { Expr } from "./expr.ts";
import { mapOperands, withName } from "./expr.ts";
import type { Axis, Kernel, Reduce, Stmt, Store } from "./loop.ts";
import { expressionsIn, statements } from "./loop.ts";

/** Maps every sub-expression, operands first; unchanged parts keep their identity. */
export function exprMapper(visit: (e: Expr) => Expr): (e: Expr) => Expr {
  const done = new Map<Expr, Expr>();
  const map = (e: Expr): Expr => {
    // what is made at once is not kept
    if (e.op === "const") return visit(e);
    const known = done.get(e);
    if (known !== undefined) return known;
    const out = visit(e.args.length === 0 ? e : mapOperands(e, map));
    done.set(e, out);
    return out;
  };
  return map;
}

/** Puts others in the place of some sub-expressions, the largest first; null where one stays. What is shared is looked at once. */
export function exprReplacer(find: (e: Expr) => Expr | null): (e: Expr) => Expr {
  const done = new Map<Expr, Expr>();
  const map = (e: Expr): Expr => {
    const out = done.get(e) ?? find(e) ?? (e.args.length === 0 ? e : mapOperands(e, map));
    done.set(e, out);
    return out;
  };
  return map;
}

// Copies name every field: engines give what each spread makes a shape of its own.

export function mapAxis(a: Axis, f: (e: Expr) => Expr): Axis {
  const { name, kind, step, about } = a;
  const lo = f(a.lo);
  const hi = f(a.hi);
  return about === undefined ? { name, kind, lo, hi, step } : { name, kind, lo, hi, step, about };
}

function mapStore(s: Store, f: (e: Expr) => Expr): Store {
  const { kind, buffer, atomic } = s;
  const index = f(s.index);
  const value = f(s.value);
  const guard = s.guard === undefined ? undefined : f(s.guard);
  if (atomic !== undefined) return guard === undefined ? { kind, buffer, index, value, atomic } : { kind, buffer, index, value, guard, atomic };
  return guard === undefined ? { kind, buffer, index, value } : { kind, buffer, index, value, guard };
}

const withBody = (s: Reduce, body: readonly Stmt[]): Reduce => ({
  kind: s.kind,
  names: s.names,
  init: s.init,
  axes: s.axes,
  body,
  values: s.values,
  combine: s.combine,
  exact: s.exact,
});

/** A statement with its bodies mapped; itself where they stay what they were. */
export function mapBodies(s: Stmt, body: (list: readonly Stmt[]) => readonly Stmt[]): Stmt {
  if (s.kind === "for" || s.kind === "reduce") {
    const inner = body(s.body);
    if (inner === s.body) return s;
    return s.kind === "for" ? { kind: s.kind, axis: s.axis, body: inner } : withBody(s, inner);
  }
  if (s.kind !== "if") return s;
  const then = body(s.then);
  const otherwise = body(s.otherwise);
  return then === s.then && otherwise === s.otherwise ? s : { kind: s.kind, condition: s.condition, then, otherwise };
}

/** A list with each statement replaced by some; itself where all stay what they were. */
export function replaceEach(list: readonly Stmt[], replace: (s: Stmt) => Stmt | readonly Stmt[]): readonly Stmt[] {
  let out: Stmt[] | null = null;
  for (let i = 0; i < list.length; i++) {
    const s = list[i];
    if (s === undefined) break;
    const next = replace(s);
    if (next === s) {
      out?.push(s);
      continue;
    }
    out ??= list.slice(0, i);
    if ("kind" in next) out.push(next);
    else out.push(...next);
  }
  return out ?? list;
}

/** A statement with its own expressions mapped by `f`, and its bodies by `body`. */
export function mapStatement(s: Stmt, f: (e: Expr) => Expr, body: (list: readonly Stmt[]) => readonly Stmt[]): Stmt {
  switch (s.kind) {
    case "for":
      return { kind: s.kind, axis: mapAxis(s.axis, f), body: body(s.body) };
    case "let":
    case "assign":
      return { kind: s.kind, name: s.name, value: f(s.value) };
    case "carry":
      return { kind: s.kind, name: s.name, init: f(s.init) };
    case "reduce": {
      const { kind, names, combine, exact } = s;
      const init = s.init.map(f);
      const axes = s.axes.map((a) => mapAxis(a, f));
      return { kind, names, init, axes, body: body(s.body), values: s.values.map(f), combine, exact };
    }
    case "store":
      return mapStore(s, f);
    case "if":
      return { kind: s.kind, condition: f(s.condition), then: body(s.then), otherwise: body(s.otherwise) };
    case "local":
    case "barrier":
      return s;
  }
}

/** All expressions of a list and of everything below it mapped by `f`. */
export function mapStatements(list: readonly Stmt[], f: (e: Expr) => Expr): Stmt[] {
  const body = (inner: readonly Stmt[]): Stmt[] => mapStatements(inner, f);
  return list.map((s) => mapStatement(s, f, body));
}

/** A list with its memory, buffers and scratch, under other names; scalars that it is given may have others too. */
export function renamedMemory(list: readonly Stmt[], memory: ReadonlyMap<string, string>, scalars: ReadonlyMap<string, string> = new Map()): Stmt[] {
  const f = exprMapper((e) => {
    const names = e.op === "load" ? memory : scalars;
    const name = e.op === "load" || e.op === "var" ? names.get(e.name) : undefined;
    return name === undefined ? e : withName(e, name);
  });
  const visit = (inner: readonly Stmt[]): Stmt[] =>
    inner.map((s) => {
      const next = mapStatement(s, f, visit);
      return next.kind === "store" ? { ...next, buffer: memory.get(next.buffer) ?? next.buffer } : next;
    });
  return visit(list);
}

/** Every expression of a list, each shared sub-expression once. */
export function visitExpressions(list: readonly Stmt[], visit: (e: Expr) => void): void {
  const seen = new Set<Expr>();
  const walk = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    visit(e);
    for (let i = 0; i < e.args.length; i++) walk(at(e.args, i));
  };
  const all = expressionsIn(list);
  for (let i = 0; i < all.length; i++) walk(at(all, i));
}

/** Bytes of the locals that are declared in a list and everything below it; a bool may take a word. */
export const localBytes = (list: readonly Stmt[]): number =>
  statements(list).reduce((n, s) => (s.kind === "local" ? n + s.size * (s.dtype === "bool" ? 4 : dtypeInfo(s.dtype).bytes) : n), 0);

/** Names of the buffers that a kernel loads or stores. */
export function buffersTouched(kernel: Kernel): Set<string> {
  const names = new Set<string>();
  for (const s of statements(kernel.body)) if (s.kind === "store") names.add(s.buffer);
  visitExpressions(kernel.body, (e) => {
    if (e.op === "load") names.add(e.name);
  });
  return names;
}
