/**
 * Clusters seen by rows. A cluster over the flat elements of a ragged value can instead walk its rows, and in each its elements:
 *
 *   grid [%k]: exp(x[%k] - m[row of %k])     →     grid [%r], %k from offsets[%r] to offsets[%r + 1]: exp(x[%k] - m[%r])
 *
 * That is how it meets a cluster that walks rows: one that reduces them, or one that was turned this way already.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Value } from "../../ir/node.ts";
import type { Target } from "../../target.ts";
import type { Axes, Ragged, Segment } from "./axes.ts";
import type { Cluster, Demand } from "./cluster.ts";

/** A flat grid axis that becomes a loop over the elements of a row. */
export interface Split extends Ragged {
  /** The grid axis of the rows. */
  readonly row: string;
}

/** A cluster as it would be. */
export interface View {
  readonly cluster: Cluster;
  readonly splits: readonly Split[];
  readonly grid: readonly string[];
  readonly rows: ReadonlySet<string>;
  readonly toExpr: (e: Expr) => Expr;
}

/** One place where a consumer asks for a producer's result. */
export interface Link {
  readonly form: readonly Expr[];
  readonly index: readonly Expr[];
}

/** The producer and the consumer, seen by rows where one of them walks rows that the other one's flat axis holds. */
export function byRows(x: Cluster, d: Cluster, links: readonly Link[], axes: Axes): { readonly x: View; readonly d: View } {
  if (!axes.isRagged) return { x: asItIs(x), d: asItIs(d) };
  const [ofX, ofD] = [new Map<string, Value>(), new Map<string, Value>()];
  const note = (into: Map<string, Value>, c: Cluster, axis: string, offsets: Value): void => {
    if (c.mayTurn(axis) && !into.has(axis)) into.set(axis, offsets);
  };
  for (const { form, index } of links)
    for (const [k, p] of form.entries()) {
      const q = at(index, k);
      if (p.op !== "axis") continue;
      const searched = axes.searched(q);
      if (searched !== null && x.grid.includes(p.name)) note(ofD, d, searched.axis, searched.offsets);
      if (q.op !== "axis" || axes.extent(p.name) !== axes.extent(q.name)) continue;
      const [own, others] = [axes.segment(p.name), axes.segment(q.name)];
      if (own !== undefined && others === undefined) note(ofD, d, q.name, own.offsets);
      if (own === undefined && others !== undefined) note(ofX, x, p.name, others.offsets);
    }
  return { x: viewOf(x, ofX, axes), d: viewOf(d, ofD, axes) };
}

const same = (e: Expr): Expr => e;
const noSplits: readonly Split[] = [];
const asItIs = (cluster: Cluster): View => ({ cluster, splits: noSplits, grid: cluster.grid, rows: cluster.rows, toExpr: same });

function viewOf(cluster: Cluster, found: ReadonlyMap<string, Value>, axes: Axes): View {
  if (found.size === 0) return asItIs(cluster);
  const splits = [...found].map(([axis, offsets]) => splitOf({ axis, offsets }, axes));
  const grid = cluster.grid.map((g) => splits.find((s) => s.axis === g)?.row ?? g);
  const rows = new Set([...cluster.rows, ...splits.map((s) => s.row)]);
  return { cluster, splits, grid, rows, toExpr: rowsKnown(splits, axes) };
}

const splitOf = ({ axis, offsets }: Ragged, axes: Axes): Split => ({ axis, offsets, row: axes.freshName(at(offsets.shape, 0) - 1) });

/** What an axis of a view walks. */
export function segmentIn(view: View, name: string, axes: Axes): Segment | undefined {
  return axes.segment(name) ?? view.splits.find((s) => s.axis === name);
}

/** Expressions in which the rows of the axes that were split are no longer searched for. */
function rowsKnown(splits: readonly Split[], axes: Axes): (e: Expr) => Expr {
  return exprMapper((e) => {
    const searched = axes.searched(e);
    const split = searched === null ? undefined : splits.find((s) => s.axis === searched.axis && s.offsets === searched.offsets);
    return split === undefined ? e : axes.expr(split.row);
  });
}

/** Turns the cluster: from here on it walks rows. */
export function turn(c: Cluster, splits: readonly Split[], axes: Axes): void {
  if (splits.length === 0) return;
  const f = rowsKnown(splits, axes);
  c.grid = c.grid.map((g) => splits.find((s) => s.axis === g)?.row ?? g);
  for (const s of splits) c.rows.add(s.row);
  const known = (d: Demand): Demand => (d.index === null ? d : { ...d, index: d.index.map(f) });
  for (const [map, add] of [
    [c.demands, (v: Value, d: Demand): void => c.addDemand(v, d)],
    [c.forms, (v: Value, d: Demand): void => c.addForm(v, d)],
  ] as const) {
    const all = [...map];
    map.clear();
    for (const [v, list] of all) for (const d of list) add(v, known(d));
  }
  for (const s of splits) axes.setSegment(s.axis, s);
}

/**
 * What still searches the row of each element walks the rows instead, on targets where one thread runs through the grid anyway: a
 * search takes steps for every element, and a row of none takes one.
 */
export function turnToRows(c: Cluster, axes: Axes, target: Target): void {
  if (target.lanes > 1 || !axes.isRagged) return;
  const found = searchedAxis(c, axes);
  if (found === null) return;
  const steps = Math.ceil(Math.log2(axes.extent(found.row)));
  if (axes.extent(found.row) <= axes.extent(found.axis) * steps) turn(c, [found], axes);
}

/** A flat grid axis of which the cluster searches rows, element by element. */
function searchedAxis(c: Cluster, axes: Axes): Split | null {
  for (const map of [c.demands, c.forms])
    for (const list of map.values())
      for (const e of list.flatMap((d) => d.index ?? [])) {
        const searched = axes.searched(e);
        if (searched !== null && c.mayTurn(searched.axis)) return splitOf(searched, axes);
      }
  return null;
}
