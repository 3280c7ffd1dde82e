/**
 * Siblings: clusters that read the same memory, none of which needs what another one makes.
 *
 *   grid [%i]: sum of x[%i, %k] over %k     grid [%a]: max of x[%a, %b] over %b     →     grid [%i]: both, in one walk over the row
 *
 * Their axes correspond where both ask for one value: index by index.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { addIndex, keyOf, namesIn } from "../../ir/indexing.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Value } from "../../ir/node.ts";
import { isFree } from "../region.ts";
import type { Axes } from "./axes.ts";
import type { Cluster } from "./cluster.ts";
import type { Alignment } from "./legality.ts";

/** Of a value that is asked for at more indices than this, only the first ones are compared. */
const fewIndices = 3;

/** How the axes of two clusters correspond that read the same, or why they stay apart. */
export function alignSiblings(x: Cluster, d: Cluster, axes: Axes): Alignment | string {
  const closed = x.closed ?? d.closed;
  if (closed !== null) return closed;
  if (x.walks.size + d.walks.size > 0) return "a running value is met in step only";
  if (x.rows.size + d.rows.size > 0) return "rows of differing lengths are met row by row only";
  let reason = "they read nothing in common";
  for (const v of x.demands.keys()) {
    const found = !d.demands.has(v) || isFree(v.node) ? null : alignOver(v, { x, d }, axes);
    if (found !== null && typeof found !== "string") return found;
    reason = found ?? reason;
  }
  return reason;
}

/** How the axes of two clusters correspond where both ask for this value. */
export function alignOver(v: Value, pair: Pair, axes: Axes): Alignment | string {
  let reason = "its whole buffer is needed first";
  const own = pair.x.demands.get(v) ?? [];
  const others = pair.d.demands.get(v) ?? [];
  for (let k = 0; k < Math.min(own.length, fewIndices); k++)
    for (let m = 0; m < Math.min(others.length, fewIndices); m++) {
      const form = at(own, k).index;
      const { index } = at(others, m);
      if (form === null || index === null) continue;
      const found = correspondence(pair, form, index, axes);
      if (typeof found !== "string") return found;
      reason = found;
    }
  return reason;
}

export interface Pair {
  readonly x: Cluster;
  readonly d: Cluster;
}

function correspondence({ x, d }: Pair, form: readonly Expr[], index: readonly Expr[], axes: Axes): Alignment | string {
  const names = new Map<string, Expr>();
  const grid = new Map<string, string>();
  const met = new Set<string>();
  for (let k = 0; k < form.length; k++) {
    const p = at(form, k);
    const q = at(index, k);
    if (p.op === "const" && q.op === "const" && p.value === q.value) continue;
    const pairs = axesThatMeet(p, q, axes);
    if (pairs === null) return "they read it at different places";
    for (const { own, other } of pairs) {
      if (names.get(own)?.name === other) continue;
      if (names.has(own) || met.has(other)) return "they read it at different places";
      names.set(own, axes.expr(other));
      met.add(other);
      if (x.grid.includes(own) && d.grid.includes(other)) grid.set(own, other);
    }
  }
  const refusal = gridRefusal({ x, d }, grid);
  if (refusal !== null) return refusal;
  const places = new Map<string, Expr>();
  grid.forEach((q, p) => places.set(p, axes.expr(q)));
  return { grid, places, parts: [], inner: [names], asked: [], splits: { x: [], d: [] } };
}

/** An axis of one index, and the axis of another one in its place. */
interface Meeting {
  readonly own: string;
  readonly other: string;
}

/** The axes of two indices that are the same sum of them, as views of one line of elements have: pairwise, of equal lengths. */
function axesThatMeet(p: Expr, q: Expr, axes: Axes): readonly Meeting[] | null {
  if (p.op === "axis" && q.op === "axis") return axes.extent(p.name) === axes.extent(q.name) ? [{ own: p.name, other: q.name }] : null;
  const names = namesIn(p);
  const others = namesIn(q);
  if (names.length !== others.length || names.length === 0) return null;
  const pairs = names.map((own, i) => ({ own, other: at(others, i) }));
  if (!pairs.every(({ own, other }) => axes.has(own) && axes.has(other) && axes.extent(own) === axes.extent(other))) return null;
  const to = new Map<string, Expr>();
  for (const { own, other } of pairs) to.set(own, axes.expr(other));
  const renamed = exprMapper((e) => (e.op === "axis" ? (to.get(e.name) ?? e) : e))(p);
  return keyOf(addIndex(renamed, 0)) === keyOf(addIndex(q, 0)) ? pairs : null;
}

function gridRefusal({ x, d }: Pair, grid: ReadonlyMap<string, string>): string | null {
  // of what has all its grid in common with another, no axis is left over
  if ((x.fixed && x.grid.length > grid.size) || (d.fixed && d.grid.length > grid.size)) return "their grids differ";
  const met = [...grid.values()];
  const ofX = x.grid.filter((g) => grid.has(g));
  const ofD = d.grid.filter((g) => met.includes(g));
  const isAllOfX = ofX.length === x.grid.length;
  const isAllOfD = ofD.length === d.grid.length;
  if ((x.fixed && !isAllOfX) || (d.fixed && !isAllOfD) || (!isAllOfX && !isAllOfD)) return "their grids differ";
  return ofX.every((p, i) => grid.get(p) === ofD[i]) ? null : "they walk it in different orders";
}
