/**
 * What it costs to hold the rows of a contraction or of sums (`row-epilogue.ts`). Contractions lose the tiles that use what they load in
 * both directions: it pays where little is multiplied for an element. Sums of what no other row reads lose lanes.
 */
import { dtypeInfo } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { sizeOf } from "../../ir/shape.ts";
import { vectorWidth } from "../../ir/steps.ts";
import type { Target } from "../../target.ts";
import { isPlayed } from "../../target.ts";
import { isFree } from "../region.ts";
import { keepsToItself } from "../tile/lanes.ts";
import type { Axes } from "./axes.ts";
import type { Cluster } from "./cluster.ts";
import type { Joint } from "./held-profit.ts";
import { cacheFactor, farNs, fewestNeighbours, isFar, laneNs, manyRows, namesIn, productsOf, smallWork, walkOf } from "./held-profit.ts";
import type { Held } from "./held-rows.ts";
import { bytesOfRows } from "./held-rows.ts";
import { isTiled } from "./profit.ts";
import type { FusionState } from "./state.ts";

/** What gives elements, and what reduces rows of them. */
export interface Pair {
  readonly source: Cluster;
  readonly rows: Cluster;
}

/** On one lane several rows are held at once, and what each of them multiplies (`tile/row-block.ts`). */
const atOnce = 8;

/** Bytes of scratch that the rows of a source take. */
export function scratchOf({ source }: Pair, results: readonly Held[], { loops }: Joint, { axes, target }: FusionState): number {
  const grid = source.grid.filter((g) => !loops.includes(g));
  const row = bytesOfRows(results, grid, { axes, target });
  if (target.lanes > 1 || !isShared(source, loops, axes)) return row;
  const sides = [...source.demands].map(([v, list]) => Math.max(...list.map((d) => axes.volume(d.inner))) * dtypeInfo(v.dtype).bytes);
  return atOnce * (row + Math.max(0, ...sides));
}

/** Whether a cluster has contractions that tiles make faster. */
export const hasTiles = (c: Cluster): boolean => c.closed === null && [...c.nodes].some(isTiled);

/** Whether rows share what they walk over: a contraction's other operand. Sums of what belongs to one row alone lose nothing to others. */
function isShared(source: Cluster, loops: readonly string[], axes: Axes): boolean {
  if (hasTiles(source)) return true;
  const walk = walkOf(source, loops, axes);
  return source.grid.some((g) => !loops.includes(g) && axes.extent(g) >= fewestNeighbours && !walk.grid.has(g));
}

/** A pair whose rows take so many bytes of scratch together. */
interface HeldPair extends Pair {
  readonly bytes: number;
}

/** Why it does not pay, or null. */
export function lossRefusal(pair: HeldPair, joint: Joint, s: FusionState): string | null {
  const { source, rows } = pair;
  const lost = isShared(source, joint.loops, s.axes) ? lostToProducts(pair, joint, s) : lostToSums(pair, joint, s);
  if (typeof lost === "string") return lost;
  const serial = serialNs(pair, joint, s);
  if (typeof serial === "string") return serial;
  const between = [...source.outputs.keys()].filter((v) => rows.demands.has(v));
  const bytes = between.reduce((n, v) => n + sizeOf(v.shape) * dtypeInfo(v.dtype).bytes * (s.kept.has(v) || s.isAskedBeside(v, rows) ? 1 : 2), 0);
  const saved = s.target.launchNs + bytes / s.target.bandwidth;
  const cost = Math.max(lost, serial);
  return cost > saved ? `it would cost ${Math.round(cost)} ns to save ${Math.round(saved)} ns` : null;
}

/** With fewer rows a machine is not busy, which is no matter up to so many elements of each. */
const [fewRows, longRow] = [8, 32768];

/** What a grid point takes that does alone what many did, in nanoseconds, or why it cannot. */
function serialNs({ source, rows }: Pair, { aligned }: Joint, { axes, target }: FusionState): number | string {
  const points = axes.volume([...aligned.grid.values()]);
  const work = Math.max(productsOf(source, axes), aligned.grid.size < rows.grid.length ? productsOf(rows, axes) : 0) / points;
  if (target.lanes > 1) return (work / target.lanes) * laneNs;
  return points < fewRows && work > longRow ? `${points} rows of ${work} elements leave too little parallelism` : 0;
}

/** Sums of fewer elements than a vector are added up element by element, and that much longer each, in nanoseconds. */
const [shortSum, shortNs] = [4, 0.5];
/** How many times longer a lane's own stretch of memory takes than one that neighbours share, and the bytes a nanosecond that come to one lane. */
const [apart, laneRate] = [3, 0.4];
/** Nanoseconds until lanes have brought one sum together, and workgroups that do so side by side. */
const [togetherNs, sideBySide] = [150, 1024];

/** What sums lose by a grid of their own, in nanoseconds, or why they cannot do without. */
function lostToSums({ source, bytes: scratch }: HeldPair, { loops, aligned }: Joint, { axes, target }: FusionState): number | string {
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
  const sums = { points, row, longest, bytes, alone };
  if (target.lanes > 1) return Math.max(lostOnLanes(sums, target), isPlayed(target) ? lostOnPlayed(sums, scratch, target) : 0);
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

/**
 * Where a CPU plays the lanes: workgroups that keep it busy; and of what an element takes that a vector of lanes adds up, and a sum that
 * lanes share, so much that a launch is worth ten of its own.
 */
const [busyWorkgroups, playedNs, meetNs] = [4, 0.5, 2500];

/** A CPU does few rows on one core, whether each has a lane of its own or lanes share them. */
function lostOnPlayed({ points, row, longest }: Sums, scratch: number, target: Target): number {
  const { lanes } = target;
  if (points >= lanes * busyWorkgroups) return 0;
  if (keepsToItself(scratch, target)) return row * longest * Math.ceil(Math.min(points, lanes) / vectorWidth) * playedNs;
  return row < lanes / 2 && longest >= lanes / 2 ? row * meetNs : 0;
}

/** By how much a product takes longer that no tile of packed operands shares its loads with, in nanoseconds. */
const productNs = 0.002;
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
  return target.lanes > 1 ? (points * walk.bytes) / (target.bandwidth * cacheFactor) : lostToLanes(pair, joint, walk.grid, s);
}

/** Rows are done side by side: elements are quick that lie side by side across rows. */
function lostToLanes({ source, rows }: Pair, { aligned, loops }: Joint, walked: ReadonlySet<string>, s: FusionState): number | string {
  const { axes } = s;
  const names = new Map([...aligned.grid].map(([p, q]) => [q, p]));
  const row = rows.grid.findLast((g) => axes.extent(g) >= fewestNeighbours && !walked.has(names.get(g) ?? ""));
  if (row === undefined) return "neighbouring rows walk over operands of their own";
  const count = (index: readonly Expr[] | null, c: Cluster, own: string): number => {
    if (index === null || !isFar(index, own)) return 0;
    const used = namesIn(index);
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
