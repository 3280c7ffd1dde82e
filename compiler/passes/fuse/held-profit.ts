/**
 * What it costs to hold rows (`held-rows.ts`): a chain of a contraction, rows and a contraction saves the bytes and launches between
 * them, and loses what its contractions gained by grids of their own.
 */
import { dtypeInfo } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { freeNames } from "../../ir/indexing.ts";
import type { Value } from "../../ir/node.ts";
import { sizeOf } from "../../ir/shape.ts";
import { isFree } from "../region.ts";
import { mostRows } from "../tile/row-tile.ts";
import type { Axes } from "./axes.ts";
import type { Cluster } from "./cluster.ts";
import type { Alignment } from "./legality.ts";
import type { FusionState } from "./state.ts";

/** A contraction, the rows made of it, and the contraction that reads them. */
export interface Chain {
  readonly source: Cluster;
  readonly rows: Cluster;
  readonly sink: Cluster;
}

/** Two clusters of a chain, one of which has axes that the other does not: they become loops of a grid point. */
export interface Joint {
  readonly aligned: Alignment;
  readonly loops: readonly string[];
}

export interface Joints {
  readonly first: Joint;
  readonly second: Joint;
}

/** With so few neighbours side by side vectors stay empty. */
export const fewestNeighbours: number = 4;
/** Rows that keep all of a machine busy; fewer are no matter where there is little to do. */
export const manyRows: number = 128;
export const smallWork: number = 4096;
/** Nanoseconds by which an element takes longer that neighbouring rows have far apart. */
export const farNs: number = 0.12;
/** Nanoseconds of a product, or of an element that is added up, with two loads, that a GPU's lane does after another. */
export const laneNs: number = 2;
/** How much faster than memory the caches are from which a GPU's rows read what they share. */
export const cacheFactor: number = 10;

/** Values of some clusters that others, or the user, need. */
export function storedOf(list: readonly Cluster[], state: FusionState): Value[] {
  const made = [...new Set(list.flatMap((c) => [...c.outputs.keys()]))];
  return made.filter((v) => state.kept.has(v) || state.askersOf(v).some((r) => !list.includes(r)));
}

/** Why holding rows does not pay, or null. */
export function lossRefusal(chain: Chain, joints: Joints, s: FusionState): string | null {
  const { source, rows, sink } = chain;
  const { axes, target } = s;
  const points = axes.volume(rows.grid);
  if (points < manyRows && axes.volume(sink.grid) > smallWork) return `${points} rows leave too little parallelism`;
  const walks = [walkOf(source, joints.first.loops, axes), walkOf(sink, joints.second.loops, axes)];
  const near = walks.reduce((n, w) => n + w.bytes, 0);
  const lost = target.lanes > 1 ? lostOnLanes(chain, near, s) : lostToLanes(chain, joints, walks, s);
  if (typeof lost === "string") return lost;
  const stored = new Set(storedOf([source, rows, sink], s));
  const between = [...source.outputs.keys(), ...rows.outputs.keys()];
  // written and read, unless somebody else reads them anyway
  const bytes = between.reduce((n, v) => n + sizeOf(v.shape) * dtypeInfo(v.dtype).bytes * (stored.has(v) ? 1 : 2), 0);
  const saved = 2 * target.launchNs + bytes / target.bandwidth;
  if (near > target.cacheBytes && target.lanes === 1) return `each row would walk over ${near} bytes again, which leave the caches`;
  return lost > saved ? `it would cost ${Math.round(lost)} ns to save ${Math.round(saved)} ns` : null;
}

/** Rows of a workgroup share what they walk over; with few of them each takes its time. */
function lostOnLanes({ source, rows, sink }: Chain, near: number, { axes, target }: FusionState): number {
  const points = axes.volume(rows.grid);
  const products = productsOf(source, axes) + productsOf(sink, axes);
  const walked = (points * near) / (mostRows * target.bandwidth * cacheFactor);
  return points < manyRows ? Math.max(walked, (products / points / target.lanes) * laneNs) : walked;
}

/** Of rows that are done side by side, elements that lie side by side across rows are the quick ones. */
function lostToLanes({ source, rows, sink }: Chain, { first, second }: Joints, walks: readonly Walk[], s: FusionState): number | string {
  const { axes } = s;
  const names = [new Map([...first.aligned.grid].map(([p, q]) => [q, p])), second.aligned.grid];
  const isShared = (g: string): boolean => walks.every((w, i) => !w.grid.has(at(names, i).get(g) ?? ""));
  const row = rows.grid.findLast((g) => axes.extent(g) >= fewestNeighbours && isShared(g));
  if (row === undefined) return "neighbouring rows walk over operands of their own";
  const stored = storedOf([source, rows, sink], s);
  const loops = [...first.loops, ...second.loops];
  let far = 0;
  [source, rows, sink].forEach((c, i) => {
    const own = i === 1 ? row : (at(names, i / 2).get(row) ?? row);
    const around = c.grid.filter((g) => !loops.includes(g));
    const count = (index: readonly Expr[] | null): number =>
      index !== null && isFar(index, own) ? axes.volume([...new Set([...around, ...[...namesIn(index)].filter((a) => axes.has(a))])]) : 0;
    for (const [v, list] of c.demands) if (!isFree(v.node) && !isBetween(v, [source, rows])) far += Math.max(...list.map((d) => count(d.index)));
    for (const [v, form] of c.outputs) if (stored.includes(v)) far += count(form);
  });
  return far * farNs;
}

const isBetween = (v: Value, list: readonly Cluster[]): boolean => list.some((c) => c.outputs.has(v));

/** Whether an index needs an axis, and does not step by one element along it. */
export function isFar(index: readonly Expr[], axis: string): boolean {
  const last = index.findLast((e) => e.op !== "const");
  return namesIn(index).has(axis) && !(last?.op === "axis" && last.name === axis);
}

/** What a contraction reads of the operand that its loops walk over: how much, and the grid axes that have a part of their own. */
export interface Walk {
  readonly bytes: number;
  readonly grid: ReadonlySet<string>;
}

export function walkOf(c: Cluster, loops: readonly string[], axes: Axes): Walk {
  let bytes = 0;
  const grid = new Set<string>();
  for (const [v, list] of c.demands)
    for (const d of list) {
      const names = namesIn(d.index ?? []);
      if (isFree(v.node) || !d.inner.some((a) => names.has(a)) || !loops.some((a) => names.has(a))) continue;
      const inside = [...names].filter((a) => axes.has(a) && (loops.includes(a) || !c.grid.includes(a)));
      bytes += axes.volume(inside) * dtypeInfo(v.dtype).bytes;
      for (const g of c.grid) if (names.has(g) && !loops.includes(g)) grid.add(g);
    }
  return { bytes, grid };
}

export function namesIn(index: readonly Expr[]): Set<string> {
  const names = new Set<string>();
  for (const e of index) freeNames(e, names);
  return names;
}

/** Products that a contraction adds up, or elements that a reduction does. */
export const productsOf = (c: Cluster, axes: Axes): number =>
  Math.max(0, ...[...c.demands.values()].flat().map((d) => axes.volume([...new Set([...c.grid, ...d.inner])])));
