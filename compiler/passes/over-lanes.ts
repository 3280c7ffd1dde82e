/**
 * Grid points of a lane each become points of a workgroup each, whose lanes share them out: such kernels can stand beside others in one.
 *
 *   for %g in 0..100 [grid] { store %y[%g] … }
 *     → for %chunk in 0..2 [grid] { for %point in 0..64 [lane] { let %flat = %chunk*64 + %point  if %flat < 100 { store %y[%flat] … } } }
 */
import { at } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { axisIndex, s, variable, withRange } from "../ir/expr.ts";
import { addIndex, ix, mulIndex, unflatten } from "../ir/indexing.ts";
import type { Axis, For, Stmt } from "../ir/loop.ts";
import { exprMapper, mapStatements } from "../ir/loop-walk.ts";

const isFixed = (a: Axis): boolean => a.lo.op === "const" && a.hi.op === "const";
const tripsOf = (a: Axis): number => Math.ceil((a.hi.value - a.lo.value) / a.step);

/** The same with `lanes` lanes; itself where it has one point, or bounds that are not known. */
export function overLanes(nest: For, lanes: number): For {
  const axes: Axis[] = [];
  const lets: Stmt[] = [];
  let body: readonly Stmt[] = [nest];
  for (let s = body.at(-1); s?.kind === "for" && s.axis.kind === "grid" && body.slice(0, -1).every((b) => b.kind === "let"); s = body.at(-1)) {
    lets.push(...body.slice(0, -1));
    axes.push(s.axis);
    body = s.body;
  }
  const shape = axes.map(tripsOf);
  const points = shape.reduce((a, b) => a * b, 1);
  if (points <= 1 || !axes.every(isFixed)) return nest;
  const [chunk, lane] = [axisIndex("chunk", 0, Math.ceil(points / lanes) - 1), axisIndex("point", 0, lanes - 1)];
  const flat = addIndex(mulIndex(chunk, lanes), lane);
  // beyond the last point nothing is done
  const known = variable("flat", "int32", 0, Math.ceil(points / lanes) * lanes - 1);
  const index = unflatten(withRange(known, 0, points - 1), shape);
  const to = new Map(axes.map((a, i) => [a.name, addIndex(mulIndex(at(index, i), a.step), a.lo.value)]));
  const f = exprMapper((e) => (e.op === "axis" ? (to.get(e.name) ?? e) : e));
  const inside = mapStatements([...lets, ...body], f);
  const isWhole = points % lanes === 0;
  const guarded: readonly Stmt[] = isWhole ? inside : [{ kind: "if", condition: s.lt(known, ix(points)), then: inside, otherwise: [] }];
  const named: readonly Stmt[] = [{ kind: "let", name: known.name, value: flat }, ...guarded];
  return loopOf("grid", chunk, [loopOf("lane", lane, named)]);
}

const loopOf = (kind: "grid" | "lane", index: Expr, body: readonly Stmt[]): For => ({
  kind: "for",
  axis: { name: index.name, kind, lo: ix(0), hi: ix(index.hi + 1), step: 1 },
  body,
});
