/**
 * flat: a walk along several axes that reads packed operands is one loop: what it reads lies one after another.
 *
 *   reduce %s over %k0 in 0..64, %k1 in 0..3, %k2 in 0..3 { load %columns[%k0 * 72 + %k1 * 24 + %k2 * 8 + %jv] … }
 *     → carry %s; for %k0k1k2 in 0..576 { … load %columns[%k0k1k2 * 8 + %jv] … }
 *
 * A loop and no reduction: what adds up blocks of one axis leaves walks along several alone, and this is one of those.
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, mapOperands, variable } from "../../ir/expr.ts";
import { ix, namesIn, normalIndex, unflatten } from "../../ir/indexing.ts";
import type { Reduce, Stmt } from "../../ir/loop.ts";
import { expressionsIn } from "../../ir/loop.ts";
import { exprMapper, mapBodies, mapStatements } from "../../ir/loop-walk.ts";
import { bringInto } from "./combine.ts";
import { loop } from "./copy.ts";
import { isPlain } from "./nest.ts";

export function flattenWalks(list: readonly Stmt[]): Stmt[] {
  return list.flatMap((s): Stmt[] => {
    const inner = mapBodies(s, flattenWalks);
    return (inner.kind === "reduce" ? flattened(inner) : null) ?? [inner];
  });
}

/** The walk as one loop; null where some index would have to divide. */
function flattened(r: Reduce): Stmt[] | null {
  if (r.axes.length < 2 || !r.axes.every(isPlain)) return null;
  const shape = r.axes.map((a) => a.hi.value);
  const size = shape.reduce((n, d) => n * d, 1);
  const index = axisIndex(r.axes.map((a) => a.name).join(""), 0, size - 1);
  const places = unflatten(index, shape);
  const parts = new Map(r.axes.map((a, i) => [a.name, at(places, i)]));
  const map = exprMapper((e) => {
    if (e.op === "axis") return parts.get(e.name) ?? e;
    return e.op === "load" ? mapOperands(e, (a) => (a.dtype === "int32" ? normalIndex(a) : a)) : e;
  });
  const whole = (e: Expr): Expr => (e.dtype === "int32" ? normalIndex(map(e)) : map(e));
  const body = mapStatements(r.body, whole);
  const values = r.values.map(whole);
  if (divides([...expressionsIn(body), ...values], index.name)) return null;
  const sums = r.names.map((name, i) => variable(name, at(r.init, i).dtype));
  const name = (i: number): string => at(sums, i).name;
  const added = bringInto(r, { parts: sums, name, set: (i, value) => ({ kind: "assign", name: name(i), value }) }, values, "_u");
  const carries = sums.map((v, i): Stmt => ({ kind: "carry", name: v.name, init: at(r.init, i) }));
  return [...carries, loop("serial", { name: index.name, lo: ix(0), hi: ix(size) }, 1, [...body, ...added])];
}

/** Whether an index divides by what goes along the axis. */
export const divides = (roots: readonly Expr[], axis: string): boolean =>
  exprOrder(roots).some((e) => (e.op === "idiv" || e.op === "irem") && namesIn(e).includes(axis));
