/**
 * grid order: results that lie in several orders are computed in that of the one along which most accesses are neighbours, on CPUs.
 *
 *   for %j in 0..400 [grid] { for %i in 0..512 [grid] { let %e = load %x[%i * 400 + %j] * 2  store %t[%j * 512 + %i] = %e  store %y[%i * 400 + %j] = %e } }
 *     → for %i in 0..512 [grid] { for %j in 0..400 [grid] { … } }
 *
 * It is asked before the target and the order of sums are, so that all targets add up alike.
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { addIndex } from "../../ir/indexing.ts";
import type { Axis, For } from "../../ir/loop.ts";
import { expressionsIn, statements } from "../../ir/loop.ts";
import { isPlain, strideOf } from "./nest.ts";

/** Elements of a line of memory, about: what lies further apart is not beside one another. */
export const lineElements = 16;

/** Axes shorter than this are no columns. */
const narrowest = 4;

/** Whether neighbours along an axis are not beside one another in memory. */
export const isFar = (index: Expr, { name }: Axis): boolean => Math.abs(strideOf(index, name)) >= lineElements;

/** The loops of a grid in another order, or these themselves where all results lie in theirs. */
export function inBestOrder(nest: readonly For[]): readonly For[] {
  const inner = nest.at(-1);
  if (nest.length < 2 || inner === undefined || !nest.every((f) => isPlain(f.axis))) return nest;
  const axes = nest.map((f) => f.axis);
  const stores = statements(inner.body).filter((s) => s.kind === "store");
  const stored = stores.map((s) => addIndex(s.index, 0));
  // what may be stored twice keeps its order
  if (stores.some((s) => s.atomic !== undefined) || stored.some((index) => axes.some((a) => Number.isNaN(strideOf(index, a.name))))) return nest;
  const orders = stored.flatMap((index) => {
    const order = orderIn(index, axes);
    return lastOf(order).hi.value >= narrowest && strideOf(index, lastOf(order).name) !== 0 ? [order] : [];
  });
  if (orders.every((order) => lastOf(order) === inner.axis)) return nest;
  const loaded = exprOrder(expressionsIn(inner.body)).flatMap((e) => (e.op === "load" ? [addIndex(at(e.args, 0), 0)] : []));
  const farAlong = (order: readonly Axis[]): number => [...stored, ...loaded].filter((index) => isFar(index, lastOf(order))).length;
  const best = orders.reduce((a, b) => (farAlong(b) < farAlong(a) ? b : a), axes);
  return best === axes ? nest : best.map((axis): For => ({ kind: "for", axis, body: inner.body }));
}

const lastOf = (order: readonly Axis[]): Axis => at(order, order.length - 1);

/** Axes in the order in which an index walks through memory, those of the largest steps first. */
function orderIn(index: Expr, axes: readonly Axis[]): readonly Axis[] {
  const strides = new Map(axes.map((a) => [a, Math.abs(strideOf(index, a.name))]));
  return axes.toSorted((a, b) => (strides.get(b) ?? 0) - (strides.get(a) ?? 0));
}
