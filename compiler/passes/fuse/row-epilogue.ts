/**
 * Row epilogues: a contraction and what is made of its rows, where nobody else needs them.
 *
 *   S[i,j] = sum over k of x[i,k] * w[k,j]      argmax of S[i]      →      one region over [i]: S[i] lies in the grid point's scratch
 *
 * As with chains of two contractions (`held-rows.ts`), a grid point contracts a whole row; what it loses is what the contraction gained
 * by a grid over its columns too: tiles that use what they load in both directions. So it pays where little is multiplied for an element.
 */
import { dtypeInfo } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import { freeNames } from "../../ir/indexing.ts";
import { sizeOf } from "../../ir/shape.ts";
import { isFree } from "../region.ts";
import type { Axes } from "./axes.ts";
import type { Cluster } from "./cluster.ts";
import type { Joint } from "./held-profit.ts";
import { cacheFactor, farNs, fewestNeighbours, isFar, manyRows, smallWork, walkOf } from "./held-profit.ts";
import type { Held } from "./held-rows.ts";
import { contracts, heldResults, jointOf, lower, producersOf, reduces, rowLength, settle, wholeRow } from "./held-rows.ts";
import type { FusionState } from "./state.ts";

/** Contractions whose rows are reduced, and read by nobody else, become one cluster with what reads them. */
export function holdEpilogues(s: FusionState): void {
  for (const rows of s.live()) {
    if (rows.mergedInto !== null || !reduces(rows) || contracts(rows)) continue;
    const sources = producersOf(rows, s).filter((c) => contracts(c) && !reduces(c));
    const [source] = sources;
    if (source === undefined || sources.length > 1) continue;
    const anchor = s.anchorOf(source);
    const refusal = hold(source, rows, s);
    if (refusal === null) s.noteFused(anchor, rows.root(), "its rows are held in scratch");
    else s.noteRefused(anchor, rows, refusal);
  }
}

/** Makes one cluster of both, or says why not. */
function hold(source: Cluster, rows: Cluster, s: FusionState): string | null {
  const joint = jointOf(source, rows, s);
  if (typeof joint === "string") return joint;
  const results = heldResults(source, rows);
  if ([...source.outputs.keys()].some((v) => s.kept.has(v) || s.askersOf(v).some((c) => c !== rows))) return "others need its rows too";
  const bytes = scratchOf(source, results, joint, s);
  if (bytes > s.target.scratchBytes) return `its rows take ${bytes} bytes of scratch (at most ${s.target.scratchBytes})`;
  const refusal = lossRefusal({ source, rows }, joint, s);
  if (refusal !== null) return refusal;
  lower(source, joint.loops);
  const whole = s.merge(source, rows, joint.aligned);
  for (const [v] of results) whole.held.set(v, wholeRow(whole, v));
  settle(whole, s);
  return null;
}

/** On one lane several rows are held at once, and what each of them multiplies (`tile/row-block.ts`). */
const atOnce = 8;

function scratchOf(source: Cluster, results: readonly Held[], { loops }: Joint, { axes, target }: FusionState): number {
  const grid = source.grid.filter((g) => !loops.includes(g));
  const row = results.reduce((n, held) => n + rowLength(held, grid, axes) * dtypeInfo(held[0].dtype).bytes, 0);
  if (target.lanes > 1) return row;
  const sides = [...source.demands].map(([v, list]) => Math.max(...list.map((d) => axes.volume(d.inner))) * dtypeInfo(v.dtype).bytes);
  return atOnce * (row + Math.max(0, ...sides));
}

/** By how much a product takes longer that no tile of packed operands shares its loads with, in nanoseconds. */
const productNs = 0.002;
/** Stores that leave the nearest caches while those of neighbouring rows go elsewhere, in nanoseconds an element. */
const [farStoreNs, nearBytes] = [0.6, 65536];

interface Pair {
  readonly source: Cluster;
  readonly rows: Cluster;
}

/** Why it does not pay, or null. */
function lossRefusal(pair: Pair, joint: Joint, s: FusionState): string | null {
  const { source, rows } = pair;
  const { axes, target } = s;
  const points = axes.volume(rows.grid);
  if (points < manyRows && axes.volume(source.grid) > smallWork) return `${points} rows leave too little parallelism`;
  const walk = walkOf(source, joint.loops, axes);
  if (walk.bytes > target.cacheBytes && target.lanes === 1) return `each row would walk over ${walk.bytes} bytes again, which leave the caches`;
  const lost = target.lanes > 1 ? (points * walk.bytes) / (target.bandwidth * cacheFactor) : lostToLanes(pair, joint, walk.grid, s);
  if (typeof lost === "string") return lost;
  const bytes = [...source.outputs.keys()].reduce((n, v) => n + 2 * sizeOf(v.shape) * dtypeInfo(v.dtype).bytes, 0);
  const saved = target.launchNs + bytes / target.bandwidth;
  return lost > saved ? `it would cost ${Math.round(lost)} ns to save ${Math.round(saved)} ns` : null;
}

/** Rows are done side by side: elements are quick that lie side by side across rows. */
function lostToLanes({ source, rows }: Pair, { aligned, loops }: Joint, walked: ReadonlySet<string>, s: FusionState): number | string {
  const { axes } = s;
  const names = new Map([...aligned.grid].map(([p, q]) => [q, p]));
  const row = rows.grid.findLast((g) => axes.extent(g) >= fewestNeighbours && !walked.has(names.get(g) ?? ""));
  if (row === undefined) return "neighbouring rows walk over operands of their own";
  const count = (index: readonly Expr[] | null, c: Cluster, own: string): number => {
    if (index === null || !isFar(index, own)) return 0;
    const used = new Set<string>();
    for (const e of index) freeNames(e, used);
    return axes.volume([...new Set([...c.grid.filter((g) => !loops.includes(g)), ...[...used].filter((a) => axes.has(a))])]);
  };
  let lost = productsOf(source, axes) * productNs;
  for (const c of [source, rows]) {
    const own = c === rows ? row : (names.get(row) ?? row);
    for (const [v, list] of c.demands) if (!isFree(v.node) && !source.outputs.has(v)) lost += farNs * Math.max(...list.map((d) => count(d.index, c, own)));
  }
  for (const [v, form] of rows.outputs) lost += count(form, rows, row) * (sizeOf(v.shape) * dtypeInfo(v.dtype).bytes > nearBytes ? farStoreNs : farNs);
  return lost;
}

/** Products that a contraction adds up. */
const productsOf = (c: Cluster, axes: Axes): number =>
  Math.max(0, ...[...c.demands.values()].flat().map((d) => axes.volume([...new Set([...c.grid, ...d.inner])])));
