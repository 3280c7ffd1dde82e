/** Bringing one tuple of a reduction into another. */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { mapOperands, variable } from "../../ir/expr.ts";
import type { Reduce, Stmt } from "../../ir/loop.ts";
import { exprMapper, visitExpressions } from "../../ir/loop-walk.ts";

/** The combination of two tuples. What several of its parts need is one object in all of them. */
export function merge(r: Reduce, a: readonly Expr[], b: readonly Expr[]): Expr[] {
  const args = [...a, ...b];
  const fill = exprMapper((e) => (e.op === "arg" ? at(args, e.value) : e));
  return r.combine.map(fill);
}

/** Where a tuple is kept: how its parts are read, and how they are changed. */
export interface Keeping {
  readonly parts: readonly Expr[];
  readonly set: (part: number, value: Expr) => Stmt;
  /** What names on the way begin with. */
  readonly name: (part: number) => string;
}

/**
 * The statements that bring `values` into what is kept; a tuple is combined in full before any of it changes. `label` makes the names
 * on the way differ from those of other statements about the same tuple.
 */
export function bringInto(r: Reduce, { parts, set, name }: Keeping, values: readonly Expr[], label: string): Stmt[] {
  if (isApart(r)) return merge(r, parts, values).map((value, i) => set(i, value));
  const own = new Set(parts.map((v) => v.name));
  const named = values.map((v, i) => (v.args.length === 0 && !own.has(v.name) ? v : variable(`${name(i)}${label}v`, v.dtype)));
  const given = named.flatMap((v, i): Stmt[] => (v === at(values, i) ? [] : [{ kind: "let", name: v.name, value: at(values, i) }]));
  const before = parts.map((v, i) => (v.op === "load" ? variable(`${name(i)}${label}o`, v.dtype) : v));
  const read = before.flatMap((v, i): Stmt[] => (v === at(parts, i) ? [] : [{ kind: "let", name: v.name, value: at(parts, i) }]));
  const { lets, exprs } = nameShared(merge(r, before, named), `${name(0)}${label}c`);
  const next = exprs.map((value, i): Stmt => ({ kind: "let", name: `${name(i)}${label}n`, value }));
  const moves = parts.map((v, i): Stmt => set(i, variable(`${name(i)}${label}n`, v.dtype)));
  return [...given, ...read, ...lets, ...next, ...moves];
}

/** Whether the parts of a tuple are combined each for itself. */
export const isApart = (r: Reduce): boolean => r.combine.every((c, i) => [...argumentsOf(c)].every((k) => k % r.names.length === i));

/** Lets for what several of the expressions hold, and the expressions on top of them. */
export function nameShared(exprs: readonly Expr[], prefix: string): { readonly lets: Stmt[]; readonly exprs: Expr[] } {
  const holders = new Map<Expr, Set<number>>();
  exprs.forEach((root, i) => {
    visitExpressions([{ kind: "let", name: "", value: root }], (e) => {
      holders.set(e, (holders.get(e) ?? new Set()).add(i));
    });
  });
  const lets: Stmt[] = [];
  const names = new Map<Expr, Expr>();
  const isShared = (e: Expr): boolean => (holders.get(e)?.size ?? 0) > 1;
  const named = (e: Expr, value: Expr): Expr => {
    const name = variable(`${prefix}${lets.length}`, e.dtype);
    lets.push({ kind: "let", name: name.name, value });
    names.set(e, name);
    return name;
  };
  for (const e of exprOrder(exprs)) if (e.op === "load" && isShared(e)) named(e, e);
  const withNames = exprMapper((e) => names.get(e) ?? e);
  const map = (e: Expr): Expr => {
    const known = names.get(e);
    if (known !== undefined || e.args.length === 0) return known ?? e;
    return isShared(e) ? named(e, withNames(e)) : mapOperands(e, map);
  };
  return { exprs: exprs.map(map), lets };
}

/** Positions of the arguments that a template reads. */
export function argumentsOf(template: Expr): Set<number> {
  const found = new Set<number>();
  visitExpressions([{ kind: "let", name: "", value: template }], (e) => {
    if (e.op === "arg") found.add(e.value);
  });
  return found;
}
