/** The two sides of a contraction: what its columns decide, and what its rows do. */
import { isFloat } from "../../ir/dtype.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { isScalarOp, mapOperands } from "../../ir/expr.ts";
import { addIndex, keyOf, namesIn, normalIndex } from "../../ir/indexing.ts";
import type { Axis, Reduce, Stmt } from "../../ir/loop.ts";
import { exprMapper, exprReplacer } from "../../ir/loop-walk.ts";
import { at } from "../../ir/errors.ts";
import { strideOf } from "./nest.ts";

/** The values of a reduction's step as expressions of loads: its lets stand in their places. */
export const inlined = (reduce: Reduce): Reduce => ({ ...reduce, body: [], values: reduce.values.map(withLets(reduce.body)) });

/** Expressions after some statements, with the lets of these in their places. */
export function withLets(body: readonly Stmt[]): (e: Expr) => Expr {
  const lets = new Map<string, Expr>();
  const f = (e: Expr): Expr => exprMapper((x) => (x.op === "var" ? (lets.get(x.name) ?? x) : x))(e);
  for (const s of body) if (s.kind === "let") lets.set(s.name, f(s.value));
  return f;
}

/** The loads of a reduction's steps. */
export const loadsIn = (reduce: Reduce): Expr[] => exprOrder(inlined(reduce).values).filter((e) => e.op === "load");

/** Whether an element takes more than a step of arithmetic, as masks do: then it is worth keeping too. */
const isComputed = (e: Expr): boolean => isFloat(e.dtype) && exprOrder([e]).filter((part) => isScalarOp(part.op)).length > 1;

/** What a reduction's steps compute from positions alone, as masks: the largest such expressions. */
export function computedIn(reduce: Reduce): Expr[] {
  const found: Expr[] = [];
  // what stands in a set while it is walked is walked once
  const open = new Set(inlined(reduce).values);
  for (const e of open) {
    if (e.op === "load") continue;
    if (isComputed(e) && !exprOrder([e]).some((part) => part.op === "load")) found.push(e);
    else for (const a of e.args) open.add(a);
  }
  return found;
}

/** The largest expressions that `axes` and the walked ones decide, and `others` do not. `named`: scalars of the grid point. */
export function sideOf(reduce: Reduce, axes: readonly Axis[], others: readonly Axis[], named: ReadonlySet<string>): Expr[] {
  const walked = reduce.axes.map((a) => a.name);
  const found = new Map<string, Expr>();
  const seen = new Set<Expr>();
  const isSide = (e: Expr): boolean => {
    const names = namesIn(e);
    const has = (a: Axis): boolean => names.includes(a.name);
    return axes.some(has) && !others.some(has) && walked.some((n) => names.includes(n)) && !names.some((n) => named.has(n));
  };
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (isSide(e) && (isComputed(e) || exprOrder([e]).some((part) => part.op === "load"))) found.set(keyOf(e), e);
    else if (e.op !== "load") e.args.forEach(visit);
  };
  reduce.values.forEach(visit);
  return [...found.values()];
}

/** Scalars that statements in front of a reduction name. */
export const namesBefore = (body: readonly Stmt[]): ReadonlySet<string> => new Set(body.flatMap((s) => (s.kind === "let" ? [s.name] : [])));

/** Whether every load of an expression steps by one element along `axis`. */
export function isAlong(e: Expr, axis: string): boolean {
  return exprOrder([e]).every((part) => part.op !== "load" || strideOf(addIndex(at(part.args, 0), 0), axis) === 1);
}

/** A load and nothing more. */
export const isPlainLoad = (e: Expr): boolean => e.op === "load" && e.args.length === 1;

/** The expressions `from` replaced by those of the same place in `to`. */
export function replaced(reduce: Reduce, from: readonly Expr[], to: readonly Expr[]): Reduce {
  const places = new Map(from.map((e, i) => [keyOf(e), at(to, i)]));
  const map = exprReplacer((e) => (e.args.length === 0 ? null : (places.get(keyOf(e)) ?? null)));
  return { ...reduce, values: reduce.values.map(map) };
}

/** The expression with axes elsewhere. */
export function movedTo(e: Expr, places: readonly (readonly [string, Expr])[]): Expr {
  const to = new Map(places);
  return exprMapper((x) => {
    if (x.op === "axis") return to.get(x.name) ?? x;
    return x.op === "load" ? mapOperands(x, (a) => (a.dtype === "int32" ? normalIndex(a) : a)) : x;
  })(e);
}
