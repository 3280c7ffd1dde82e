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
  for (const f of (pair.x.demands.get(v) ?? []).slice(0, fewIndices))
    for (const i of (pair.d.demands.get(v) ?? []).slice(0, fewIndices)) {
      if (f.index === null || i.index === null) continue;
      const found = correspondence(pair, f.index, i.index, axes);
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
    const [p, q] = [at(form, k), at(index, k)];
    if (p.op === "const" && q.op === "const" && p.value === q.value) continue;
    const pairs = axesThatMeet(p, q, axes);
    if (pairs === null) return "they read it at different places";
    for (const [own, other] of pairs) {
      if (names.get(own)?.name === other) continue;
      if (names.has(own) || met.has(other)) return "they read it at different places";
      names.set(own, axes.expr(other));
      met.add(other);
      if (x.grid.includes(own) && d.grid.includes(other)) grid.set(own, other);
    }
  }
  const refusal = gridRefusal({ x, d }, grid);
  if (refusal !== null) return refusal;
  const places = new Map([...grid].map(([p, q]) => [p, axes.expr(q)]));
  return { grid, places, inner: [names], asked: [], splits: { x: [], d: [] } };
}

/** The axes of two indices that are the same sum of them, as views of one line of elements have: pairwise, of equal lengths. */
function axesThatMeet(p: Expr, q: Expr, axes: Axes): readonly (readonly [string, string])[] | null {
  if (p.op === "axis" && q.op === "axis") return axes.extent(p.name) === axes.extent(q.name) ? [[p.name, q.name]] : null;
  const [own, others] = [namesIn(p), namesIn(q)];
  if (own.length !== others.length || own.length === 0) return null;
  const pairs = own.map((name, i) => [name, at(others, i)] as const);
  if (!pairs.every(([a, b]) => axes.has(a) && axes.has(b) && axes.extent(a) === axes.extent(b))) return null;
  const to = new Map(pairs.map(([a, b]) => [a, axes.expr(b)]));
  const renamed = exprMapper((e) => (e.op === "axis" ? (to.get(e.name) ?? e) : e))(p);
  return keyOf(addIndex(renamed, 0)) === keyOf(addIndex(q, 0)) ? pairs : null;
}

function gridRefusal({ x, d }: Pair, grid: ReadonlyMap<string, string>): string | null {
  const [ofX, ofD] = [x.grid.filter((g) => grid.has(g)), d.grid.filter((g) => [...grid.values()].includes(g))];
  const complete = [ofX.length === x.grid.length, ofD.length === d.grid.length];
  if ((x.fixed && complete[0] !== true) || (d.fixed && complete[1] !== true) || !complete.includes(true)) return "their grids differ";
  return ofX.every((p, i) => grid.get(p) === ofD[i]) ? null : "they walk it in different orders";
}
