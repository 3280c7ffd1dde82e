/**
 * Row epilogues: a contraction or sums, and what is made of their rows.
 *
 *   S[i,j] = sum over k of x[i,k] * w[k,j]      argmax of S[i]      →      one region over [i]: S[i] lies in the grid point's scratch
 *   S[i,j] = sum over k of x[i,j,k]             softmax of S[i]     →      the same
 *
 * As with chains of two contractions (`held-rows.ts`), a grid point computes a whole row; what it loses is what a grid over columns too
 * had gained. Contractions had tiles that use what they load in both directions: it pays where little is multiplied for an element, and
 * nobody else needs the rows. Sums of what no other row reads had more lanes: on one lane they lose nothing.
 */
import { dtypeInfo } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { freeNames } from "../../ir/indexing.ts";
import { sizeOf } from "../../ir/shape.ts";
import type { Target } from "../../target.ts";
import { isFree } from "../region.ts";
import type { Axes } from "./axes.ts";
import type { Cluster } from "./cluster.ts";
import type { Joint } from "./held-profit.ts";
import { cacheFactor, farNs, fewestNeighbours, isFar, manyRows, namesIn, smallWork, walkOf } from "./held-profit.ts";
import type { Held } from "./held-rows.ts";
import { contracts, heldBytes, heldResults, jointOf, lower, producersOf, reduces, rowLength, settle } from "./held-rows.ts";
import type { FusionState } from "./state.ts";

/** Contractions whose rows are reduced become one cluster with what reads them, and then sums do. */
export function holdEpilogues(s: FusionState): void {
  for (const isSource of [(c: Cluster) => contracts(c) && !reduces(c), (c: Cluster) => reduces(c) && !contracts(c)])
    for (const c of s.live()) holdSources(c, isSource, s);
}

/** Makes one cluster of rows and of what gives the elements that they reduce, one source after another. */
function holdSources(c: Cluster, isSource: (c: Cluster) => boolean, s: FusionState): void {
  const tried = new Set<Cluster>();
  for (let rows = c.root(); reduces(rows) && !contracts(rows); rows = c.root()) {
    const sources = producersOf(rows, s).filter(isSource);
    const source = sources.find((p) => !tried.has(p) && p.held.size === 0);
    if (source === undefined || (contracts(source) && sources.length > 1)) return;
    tried.add(source);
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
  if (contracts(source) && [...source.outputs.keys()].some((v) => s.kept.has(v) || s.isAskedBeside(v, rows))) return "others need its rows too";
  if (!isOncePoint({ source, rows }, joint)) return "it would be computed again for each element of a row";
  const bound = s.bindings.mergeRefusal(source, rows);
  if (bound !== null) return bound;
  const results = contracts(source) ? heldResults(source, rows) : [...source.outputs];
  const bytes = heldBytes(rows, s.axes) + scratchOf({ source, rows }, results, joint, s);
  if (bytes > s.target.scratchBytes) return `its rows take ${bytes} bytes of scratch (at most ${s.target.scratchBytes})`;
  const refusal = lossRefusal({ source, rows }, joint, s);
  if (refusal !== null) return refusal;
  lower(source, joint.loops);
  const whole = s.merge(source, rows, joint.aligned);
  // one walk fills them all
  const named = (e: Expr): Expr => (e.op === "axis" && !whole.grid.includes(e.name) ? met(e, joint, s.axes) : e);
  for (const [v, form] of results) whole.held.set(v, form.map(named));
  settle(whole, s);
  return null;
}

/**
 * Whether all is computed once. A loop that was an axis of a grid runs through what had a grid point of its own: in one walk, if no
 * result has loops beside it; of the rows, if there is one result and nothing else that is held.
 */
function isOncePoint({ source, rows }: Pair, { aligned }: Joint): boolean {
  const met = new Set(aligned.grid.values());
  if (!hasNoLoops(source) && !source.grid.every((g) => aligned.grid.has(g))) return false;
  return rows.grid.every((g) => met.has(g)) || (rows.held.size === 0 && rows.outputs.size === 1 && hasNoLoops(rows));
}

const hasNoLoops = ({ grid, outputs }: Cluster): boolean => [...outputs.values()].every((form) => form.every((e) => e.op !== "axis" || grid.includes(e.name)));

/** What an axis of a source's grid is called in the rows'. */
function met(e: Expr, { aligned }: Joint, axes: Axes): Expr {
  const name = e.op === "axis" ? aligned.grid.get(e.name) : undefined;
  return name === undefined ? e : axes.expr(name);
}

interface Pair {
  readonly source: Cluster;
  readonly rows: Cluster;
}

/** On one lane several rows are held at once, and what each of them multiplies (`tile/row-block.ts`). */
const atOnce = 8;

function scratchOf({ source }: Pair, results: readonly Held[], { loops }: Joint, { axes, target }: FusionState): number {
  const grid = source.grid.filter((g) => !loops.includes(g));
  const row = results.reduce((n, held) => n + rowLength(held, grid, axes) * dtypeInfo(held[0].dtype).bytes, 0);
  if (target.lanes > 1 || !isShared(source, loops, axes)) return row;
  const sides = [...source.demands].map(([v, list]) => Math.max(...list.map((d) => axes.volume(d.inner))) * dtypeInfo(v.dtype).bytes);
  return atOnce * (row + Math.max(0, ...sides));
}

/** Whether rows share what they walk over: a contraction's other operand. Sums of what belongs to one row alone lose nothing to others. */
function isShared(source: Cluster, loops: readonly string[], axes: Axes): boolean {
  const walk = walkOf(source, loops, axes);
  return contracts(source) || source.grid.some((g) => !loops.includes(g) && axes.extent(g) >= fewestNeighbours && !walk.grid.has(g));
}

/** Why it does not pay, or null. */
function lossRefusal(pair: Pair, joint: Joint, s: FusionState): string | null {
  const { source, rows } = pair;
  const lost = isShared(source, joint.loops, s.axes) ? lostToProducts(pair, joint, s) : lostToSums(pair, joint, s);
  if (typeof lost === "string") return lost;
  const between = [...source.outputs.keys()].filter((v) => rows.demands.has(v));
  const bytes = between.reduce((n, v) => n + sizeOf(v.shape) * dtypeInfo(v.dtype).bytes * (s.kept.has(v) || s.isAskedBeside(v, rows) ? 1 : 2), 0);
  const saved = s.target.launchNs + bytes / s.target.bandwidth;
  return lost > saved ? `it would cost ${Math.round(lost)} ns to save ${Math.round(saved)} ns` : null;
}

/** With fewer rows a machine is not busy, which is no matter up to so many elements of each. */
const [fewRows, longRow] = [8, 32768];
/** Sums of fewer elements than a vector are added up element by element, and that much longer each, in nanoseconds. */
const [shortSum, shortNs] = [4, 0.5];
/** How many times longer a lane's own stretch of memory takes than one that neighbours share, and the bytes a nanosecond that come to one lane. */
const [apart, laneRate] = [3, 0.4];
/** Nanoseconds until lanes have brought one sum together, and workgroups that do so side by side. */
const [togetherNs, sideBySide] = [150, 1024];

/** What sums lose by a grid of their own, in nanoseconds, or why they cannot do without. */
function lostToSums({ source }: Pair, { loops, aligned }: Joint, { axes, target }: FusionState): number | string {
  const points = axes.volume([...aligned.grid.values()]);
  const row = axes.volume(source.grid) / points;
  const side = loops.filter((a) => axes.extent(a) >= fewestNeighbours);
  let [longest, bytes, alone, isAcross] = [0, 0, 0, false];
  for (const [v, list] of source.demands)
    for (const { index, inner } of list) {
      if (isFree(v.node) || inner.length === 0 || index === null) continue;
      const own = axes.volume([...namesIn(index)].filter((a) => axes.has(a))) * dtypeInfo(v.dtype).bytes;
      const isAlone = side.every((a) => isFar(index, a));
      longest = Math.max(longest, axes.volume(inner));
      bytes += own;
      if (isAlone) alone += own;
      isAcross ||= isAlone && isFar(index, at(inner, inner.length - 1));
    }
  if (points < fewRows && row * longest > longRow) return `${points} rows of ${row * longest} elements leave too little parallelism`;
  if (target.lanes > 1) return lostOnLanes({ points, row, longest, bytes, alone }, target);
  if (isAcross) return "it would walk columns of memory one by one";
  return longest < shortSum ? points * row * longest * shortNs : 0;
}

interface Sums {
  readonly points: number;
  /** Sums of a point, and the length of each. */
  readonly row: number;
  readonly longest: number;
  /** Of all that is added up, and of what neighbouring sums do not find side by side. */
  readonly bytes: number;
  readonly alone: number;
}

/** Lanes take a sum each, or share one after another where these are few and long (`tile/lanes.ts`). */
function lostOnLanes({ points, row, longest, bytes, alone }: Sums, { lanes, bandwidth }: Target): number {
  const few = lanes / 2;
  if (row < few && longest >= few) return bytes / points / lanes / laneRate + row * togetherNs * Math.max(1, points / sideBySide);
  return Math.max(((apart - 1) * alone) / bandwidth, bytes / points / (row < few ? 1 : Math.min(row, lanes)) / laneRate);
}

/** What a product takes that one lane does after another, and by how much it takes longer that no tile of packed operands shares its loads with, in nanoseconds. */
const [laneNs, productNs] = [1, 0.002];
/** Stores that leave the nearest caches while those of neighbouring rows go elsewhere, in nanoseconds an element. */
const [farStoreNs, nearBytes] = [0.6, 65536];

/** What is lost where neighbouring rows walk over the same: the tiles of a grid over columns too. */
function lostToProducts(pair: Pair, joint: Joint, s: FusionState): number | string {
  const { source, rows } = pair;
  const { axes, target } = s;
  const points = axes.volume(rows.grid);
  if (points < manyRows && axes.volume(source.grid) > smallWork) return `${points} rows leave too little parallelism`;
  const walk = walkOf(source, joint.loops, axes);
  if (walk.bytes > target.cacheBytes && target.lanes === 1) return `each row would walk over ${walk.bytes} bytes again, which leave the caches`;
  if (target.lanes === 1) return lostToLanes(pair, joint, walk.grid, s);
  return Math.max((points * walk.bytes) / (target.bandwidth * cacheFactor), (productsOf(source, axes) / points / target.lanes) * laneNs);
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
