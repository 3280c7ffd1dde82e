/** Copies of statements, at other places of their axes and under names of their own. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, indexOperation, load, mapOperands, variable, withName } from "../../ir/expr.ts";
import { ix, normalIndex } from "../../ir/indexing.ts";
import type { Axis, For, Stmt } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";
import { exprMapper, mapBodies, mapStatement, mapStatements } from "../../ir/loop-walk.ts";

/** Where a copy stands: what its axes are there, and what its names end in. */
export interface Place {
  readonly suffix: string;
  readonly axes: ReadonlyMap<string, Expr>;
}

/** Statements and the values that follow from them. */
export interface Piece {
  readonly body: readonly Stmt[];
  readonly values: readonly Expr[];
}

/** The piece once more. Indices are in their normal form, so that equal places of different copies have equal text. */
export function copied({ body, values }: Piece, { suffix, axes }: Place): Piece {
  const own = suffix === "" ? new Set<string>() : namesIn(body);
  const rename = (name: string): string => (own.has(name) ? `${name}${suffix}` : name);
  // what was index arithmetic may be an axis by itself now, and needs no name
  const plain = new Map<string, Expr>();
  const f = exprMapper((e) => {
    if (e.op === "var" && plain.has(e.name)) return plain.get(e.name) ?? e;
    if (e.op === "axis") return axes.get(e.name) ?? e;
    if (e.op === "var" && own.has(e.name)) return variable(rename(e.name), e.dtype, e.lo, e.hi);
    if (e.op === "load") return withName(mapOperands(e, normal), rename(e.name));
    return withoutZero(e);
  });
  const list = (inner: readonly Stmt[]): Stmt[] =>
    inner.flatMap((s): Stmt[] => {
      const next = mapStatement(s, f, list);
      if (s.kind === "let" && next.kind === "let" && next.value.op === "axis" && s.value.op !== "axis") {
        plain.set(s.name, next.value);
        return [];
      }
      return [renamed(next)];
    });
  const renamed = (next: Stmt): Stmt => {
    switch (next.kind) {
      case "let":
        return { kind: "let", name: rename(next.name), value: next.value };
      case "carry":
      case "assign":
      case "local":
        return { ...next, name: rename(next.name) };
      case "store":
        return { ...next, buffer: rename(next.buffer), index: normal(next.index) };
      case "reduce":
        return { ...next, names: next.names.map(rename) };
      default:
        return next;
    }
  };
  return { body: list(body), values: values.map(f) };
}

const isZero = (x: Expr): boolean => x.op === "const" && x.value === 0;

/** An axis that became 0 leaves nothing behind. */
function withoutZero(e: Expr): Expr {
  if (e.dtype !== "int32" || e.args.length < 2) return e;
  // by position, as this is asked of every expression: patterns of lists run iterators
  const a = at(e.args, 0);
  const b = at(e.args, 1);
  if (e.op === "mul" && (isZero(a) || isZero(b))) return ix(0);
  if (e.op === "add" && isZero(a)) return b;
  return (e.op === "add" || e.op === "sub") && isZero(b) ? a : e;
}

const normal = (e: Expr): Expr => (e.dtype === "int32" ? normalIndex(e) : e);

/** What a list names, axes aside. */
function namesIn(body: readonly Stmt[]): Set<string> {
  const names = new Set<string>();
  for (const s of statements(body)) {
    if (s.kind === "let" || s.kind === "carry" || s.kind === "local") names.add(s.name);
    if (s.kind === "reduce") s.names.forEach((n) => names.add(n));
  }
  return names;
}

/** A loop from `lo` up to `hi`. */
export const loop = (kind: Axis["kind"], { name, lo, hi }: Bounds, step: number, body: readonly Stmt[]): For => ({
  kind: "for",
  axis: { name, kind, lo, hi, step },
  body,
});

export interface Bounds {
  readonly name: string;
  readonly lo: Expr;
  readonly hi: Expr;
}

/** `for %v in 0..lanes [vector]` around what `body` makes of its index. */
export function vector(name: string, lanes: number, body: (lane: Expr) => readonly Stmt[]): For {
  const lane = axisIndex(name, 0, lanes - 1);
  return loop("vector", { name, lo: ix(0), hi: ix(lanes) }, 1, body(lane));
}

/** The smaller of two indices. */
export const minOf = (a: Expr, b: Expr): Expr => indexOperation("min", a, b, Math.min(a.lo, b.lo), Math.min(a.hi, b.hi));

/** A list whose own memories have their elements at other places of them. */
export function moved(list: readonly Stmt[], own: ReadonlySet<string>, place: (name: string, index: Expr) => Expr): readonly Stmt[] {
  const f = exprMapper((e) => (e.op === "load" && own.has(e.name) ? load(e.name, e.dtype, place(e.name, at(e.args, 0)), e.args[1]) : e));
  return mapStatements(list, f).map(function stored(one: Stmt): Stmt {
    const next = mapBodies(one, (inner) => inner.map(stored));
    return next.kind === "store" && own.has(next.buffer) ? { ...next, index: place(next.buffer, next.index) } : next;
  });
}
