/**
 * residue: a grid axis whose indices go by its remainder becomes two, so that what the remainder decides is decided outside.
 *
 *   for %i in 0..28 { load %w[%i rem 2] … load %x[%i / 2] … }
 *     → for %ir in 0..2 { for %i in 0..14 { load %w[%ir] … load %x[%i] … } }
 *
 * Of a transposed convolution every stride-th result meets the same taps of the window: with the remainder apart it is a contraction.
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { addIndex, dividedAgain, ix, mulIndex, namesIn } from "../../ir/indexing.ts";
import type { Axis, For, Reduce } from "../../ir/loop.ts";
import { exprMapper, mapStatements } from "../../ir/loop-walk.ts";
import { isPlain, soleReduce } from "./nest.ts";
import { loadsIn } from "./sides.ts";

/** The nest with such axes split; the same nest where there are none. */
export function splitResidues(nest: readonly For[]): readonly For[] {
  const inner = nest.at(-1);
  const reduce = inner === undefined ? null : soleReduce(inner.body);
  if (inner === undefined || reduce === null) return nest;
  const splits = nest.flatMap(({ axis }) => {
    const period = periodOf(axis, reduce);
    return period === 0 ? [] : [{ axis, period }];
  });
  if (splits.length === 0) return nest;
  const places = new Map(splits.map(({ axis, period }) => [axis.name, placeOf(axis, period)]));
  const map = exprMapper((e) => (e.op === "axis" ? (places.get(e.name) ?? e) : dividedAgain(e)));
  const outer = splits.map(({ axis, period }) => gridOf({ ...axis, name: residueName(axis), hi: ix(period) }));
  const body = mapStatements(inner.body, map);
  const quotients = nest.map(({ axis }) => {
    const split = splits.find((s) => s.axis === axis);
    return gridOf(split === undefined ? axis : { ...axis, hi: ix(axis.hi.value / split.period) });
  });
  return [...outer, ...quotients].map((f, i, all) => (i === all.length - 1 ? { ...f, body } : f));
}

const gridOf = (axis: Axis): For => ({ kind: "for", axis, body: [] });
const residueName = (a: Axis): string => `${a.name}r`;
const placeOf = (a: Axis, period: number): Expr =>
  addIndex(mulIndex(axisIndex(a.name, 0, a.hi.value / period - 1), period), axisIndex(residueName(a), 0, period - 1));

/** The number by which loads of both sides divide sums with this axis, where it divides the axis; 0 where there is none. */
function periodOf(axis: Axis, reduce: Reduce): number {
  if (!isPlain(axis)) return 0;
  const loads = loadsIn(reduce);
  const inside = loads.flatMap((e) => exprOrder([e]).filter((x) => (x.op === "irem" || x.op === "idiv") && namesIn(x).includes(axis.name)));
  const periods = inside.map((x) => at(x.args, 1)).map((n) => (n.op === "const" ? n.value : 0));
  const [period] = periods;
  const shares = loads.every((e) => namesIn(e).includes(axis.name)) && inside.some((x) => x.op === "irem");
  return shares && period !== undefined && period > 1 && periods.every((n) => n === period) && axis.hi.value % period === 0 ? period : 0;
}
