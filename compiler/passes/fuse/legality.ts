/** What a kernel can hold. Each function gives the reason against, or null. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { variable } from "../../ir/expr.ts";
import { addIndex, keyOf, namesIn, subIndex } from "../../ir/indexing.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Node, Value } from "../../ir/node.ts";
import { sizeOf } from "../../ir/shape.ts";
import type { Target } from "../../target.ts";
import { isLight } from "../region.ts";
import type { Axes } from "./axes.ts";
import type { Bindings } from "./bindings.ts";
import type { Cluster, Demand } from "./cluster.ts";
import { asksWhole, noDemands, sameIndex } from "./cluster.ts";
import type { Link, Split, View } from "./rows.ts";
import { byRows, segmentIn } from "./rows.ts";
import { costOf, weightOf } from "./demand.ts";

/** Beyond this many indices for one value a kernel computes the same things over and over … */
const maxForms = 4;
/** … unless all of them together are no more work than this, in additions: sums of what views moved, as gradients of pads are. */
const workOfForms = 64;
/** Each stage of a row that asks may compute all that stands above it once more: so many stages, not all of a long chain. */
const maxStages = 12;

/** Why clusters of this node never merge, or null. */
export function closedReason(node: Node): string | null {
  switch (node.op.kind) {
    case "routine":
      return `${node.op.name} runs kernels of its own`;
    case "scatter":
      return `${node.op.name} is complete only when all its updates are done`;
    case "barrier":
      return node.op.effect === "materialise" ? "the user asked for a buffer" : null;
    default:
      return null;
  }
}

/** Why a light node cannot be computed inside a cluster that asks for it. */
export function absorbRefusal(c: Cluster, node: Node, target: Target, bindings: Bindings): string | null {
  const only = node.results.length === 1 ? node.results[0] : undefined;
  const demands = only === undefined ? node.results.flatMap((r) => c.demands.get(r) ?? []) : (c.demands.get(only) ?? noDemands);
  if (demands.some(asksWhole)) return "its whole buffer is needed first";
  const crowd = demands.length > maxForms ? crowdRefusal(demands, costOf(node)) : null;
  if (crowd !== null) return crowd;
  if (c.operations + weightOf(node) * placesAsked(demands) > target.maxOperations) return `the kernel would pass ${target.maxOperations} operations`;
  return bindings.absorbRefusal(c, node);
}

/** Why what is asked for so often cannot be computed inside. */
function crowdRefusal(demands: readonly Demand[], cost: number): string | null {
  const places = new Set(demands.map(placeOf)).size;
  if (demands.length > maxStages && places < demands.length) return `${demands.length} stages ask for it (at most ${maxStages})`;
  const work = demands.reduce((n, d) => Math.max(n, d.carried + cost), 0) * places;
  return places > maxForms && work > workOfForms ? `asked for at ${places} different indices (at most ${maxForms})` : null;
}

/** At how many places a node is computed; a few are not told apart, as the stages of a row ask at one. */
export const placesAsked = (demands: readonly Demand[]): number => (demands.length > maxForms ? new Set(demands.map(placeOf)).size : 1);

/** Where a demand asks, whatever its loops are called: the stages of a row ask for its elements at one place, each in a loop of its own. */
function placeOf({ index, inner }: Demand): string {
  const loops = new Map(inner.map((a, i) => [a, `loop ${i}`]));
  const f = exprMapper((e) => (e.op === "axis" ? variable(loops.get(e.name) ?? e.name, e.dtype) : e));
  return `${inner.length}: ${(index ?? []).map((e) => keyOf(f(e))).join()}`;
}

/** At how many places a consumer computes what a producer gave: its loops over a row ask at one. */
export function placesOf({ parts, asked }: Alignment): number {
  const anonymous = exprMapper((e) => (e.op === "axis" ? variable("loop", e.dtype) : e));
  const keys = asked.length > maxForms ? new Set(asked.map((map) => [...map].map(([p, q]) => `${p} ${keyOf(anonymous(q))}`).join())) : null;
  return Math.max(1 + parts.length, keys?.size ?? 1);
}

/** How the axes of a producer and a consumer correspond. */
export interface Alignment {
  /** Producer's grid axis → consumer's grid axis: the grid of the merged cluster. */
  readonly grid: ReadonlyMap<string, string>;
  /** Producer's grid axis → where along it the consumer asks: an axis of the grid, for a part with an offset. */
  readonly places: ReadonlyMap<string, Expr>;
  /** The same of other parts, which the consumer asks for as well. */
  readonly parts: readonly ReadonlyMap<string, Expr>[];
  /** Flat axes of either that become loops over the elements of a row. */
  readonly splits: { readonly x: readonly Split[]; readonly d: readonly Split[] };
  /** All axes of the producer → where the consumer asks, a map for each place: axes that meet whole get one name. */
  readonly inner: readonly ReadonlyMap<string, Expr>[];
  /** Those of them at which the consumer causes the producer's demands anew. */
  readonly asked: readonly ReadonlyMap<string, Expr>[];
}

/** Whether anybody but the consumer needs a producer's results: only if nobody does may the consumer ask for a part of them. */
export type Readers = "consumer" | "others";

/** The correspondence, or why there is none. */
export function alignment(x: Cluster, d: Cluster, axes: Axes, readers: Readers): Alignment | string {
  const closed = x.closed ?? d.closed;
  if (closed !== null) return closed;
  const links = linksOf(x, d);
  if (links === null) return walkRefusal(x, d, axes) ?? "its whole buffer is needed first";
  const views = byRows(x, d, links, axes);
  const walk = walkRefusal(x, d, axes);
  if (walk !== null) return walk;
  const pairs = new Pairing(views.x, views.d, axes, readers);
  for (const { form, index } of links) pairs.add(views.x.splits.length === 0 ? form : form.map(views.x.toExpr), index.map(views.d.toExpr));
  if (x.fixed && views.x.splits.length + views.d.splits.length === 0) pairs.takeParts();
  const grid = pairs.grid();
  if (x.fixed && grid.size !== views.x.grid.length)
    return "the consumer asks for it inside a loop of its own or at another index, so it would be computed again";
  if (d.fixed && grid.size !== views.d.grid.length) return "the consumer's reduction runs over another grid";
  if (views.x.rows.size + views.d.rows.size > 0 || !pairs.elementsMeet) {
    const met = new Set(grid.values());
    const rowsStay = pairs.elementsMeet && [...views.x.rows].every((r) => grid.has(r)) && [...views.d.rows].every((r) => met.has(r));
    if (!rowsStay) return "rows of differing lengths are met row by row only";
  }
  return { grid, places: pairs.places, parts: pairs.parts, inner: pairs.inner, asked: pairs.inner, splits: { x: views.x.splits, d: views.d.splits } };
}

/** Where a consumer asks for a producer's results; null where it needs a whole buffer first. */
function linksOf(x: Cluster, d: Cluster): Link[] | null {
  const links: Link[] = [];
  let isWhole = false;
  // engines make a pair of each entry that a loop over a map takes apart
  x.outputs.forEach((form, v) => {
    for (const { index } of d.demands.get(v) ?? noDemands) {
      if (index === null) isWhole = true;
      else links.push({ form, index });
    }
  });
  return isWhole ? null : links;
}

/**
 * The correspondence where a grid point of the consumer asks for whole rows of the producer: along every axis of a result that is none
 * of the merged grid, for all of it. The rest of either grid becomes loops inside of the grid point.
 */
export function rowAlignment(x: Cluster, d: Cluster, axes: Axes): Alignment | string {
  const closed = x.closed ?? d.closed;
  if (closed !== null) return closed;
  const ordered = [x, d].some((c) => c.walks.size > 0 || c.rows.size > 0);
  if (ordered) return "running values and rows of differing lengths are met in step only";
  const links = linksOf(x, d);
  if (links === null) return "its whole buffer is needed first";
  const views = byRows(x, d, [], axes);
  const pairs = new Pairing(views.x, views.d, axes, "others");
  for (const { form, index } of links) pairs.add(form, index);
  const grid = pairs.grid();
  const met = new Set(grid.values());
  const isWhole = ({ form, index }: Link): boolean =>
    form.every((p, k) => {
      const q = at(index, k);
      return p.op !== "axis" || grid.has(p.name) || (q.op === "axis" && q.hi === p.hi && !met.has(q.name));
    });
  if (!links.every(isWhole)) return "the consumer asks for more or less than whole rows";
  return { grid, places: pairs.places, parts: [], inner: [], asked: [], splits: { x: [], d: [] } };
}

/** A running value can only be met in step: in a loop that walks all of its axis and no other, from the same end. */
function walkRefusal(x: Cluster, d: Cluster, axes: Axes): string | null {
  if (x.walks.size === 0) return null;
  const loops = x.walks.has("end") ? 0 : 1;
  const isWhole = (e: Expr, length: number | undefined): boolean =>
    e.op === "axis" ? e.hi + 1 === length && axes.segment(e.name) === undefined : e.op === "const" && length === 1;
  const inStep = (v: Value, demand: Demand): boolean => demand.inner.length <= loops && (demand.index ?? []).every((e, i) => isWhole(e, v.shape[i]));
  const simple = [...x.outputs.keys()].every((v) => (d.demands.get(v) ?? []).every((demand) => inStep(v, demand)));
  // from the start, several running values go on together
  const together = d.walks.size === 0 || (!x.walks.has("end") && !d.walks.has("end"));
  if (!simple || !together || d.rows.size > 0) return "a running value is met in step only";
  const again = Math.max(0, ...[...x.outputs.keys()].flatMap((v) => (d.demands.get(v) ?? []).map((demand) => axes.iterations(d, demand) / sizeOf(v.shape))));
  return again > 1 ? `a running value would be computed ${again.toFixed(1)} times an element` : null;
}

/** By how much an index moves with each step of an axis; 0 where that is not always the same. */
function stepOf(index: Expr, axis: string): number {
  const next = exprMapper((e) => (e.op === "axis" && e.name === axis ? addIndex(e, 1) : e))(index);
  const step = subIndex(next, index);
  return step.op === "const" ? step.value : 0;
}

/** Collects which axis meets which, over all links between two clusters. */
class Pairing {
  readonly inner: Map<string, Expr>[] = [];
  /** Whether what one row holds is asked for in that row alone. */
  elementsMeet = true;
  readonly #x: View;
  readonly #d: View;
  readonly #axes: Axes;
  readonly #readers: Readers;
  /** Where along a producer's axis the consumer asks. */
  readonly places: Map<string, Expr> = new Map();
  readonly #to = new Map<string, string>();
  readonly #from = new Map<string, string>();
  readonly #looseX = new Set<string>();
  readonly #looseD = new Set<string>();
  /** Axes of a producer along which the consumer asks at several places, with one axis of its own. */
  readonly #several = new Set<string>();
  /** What is asked for beside the places. */
  parts: readonly ReadonlyMap<string, Expr>[] = [];

  constructor(x: View, d: View, axes: Axes, readers: Readers) {
    this.#x = x;
    this.#d = d;
    this.#axes = axes;
    this.#readers = readers;
  }

  /**
   * The one grid axis of the consumer that walks along a producer's axis, never to one place twice. A longer one asks behind a guard
   * (a pad), a shorter one for a part (a slice), which must be all that anybody needs.
   */
  #walker(p: string, q: Expr): string | null {
    const name = q.op === "axis" ? q.name : this.#onlyAxis(q);
    if (name === undefined || !this.#d.grid.includes(name)) return null;
    const whole = this.#axes.extent(p);
    const asked = this.#axes.extent(name);
    if (q.op === "axis" && asked === whole) return name;
    return this.#readers === "consumer" && !this.#x.rows.has(p) && asked <= whole && stepOf(q, name) !== 0 ? name : null;
  }

  /** The axis of an index that has no other. */
  #onlyAxis(q: Expr): string | undefined {
    const names = namesIn(q).filter((n) => this.#axes.has(n));
    return names.length === 1 ? names[0] : undefined;
  }

  add(form: readonly Expr[], index: readonly Expr[]): void {
    const inner = new Map<string, Expr>();
    form.forEach((p, k) => {
      const q = at(index, k);
      if (p.op !== "axis") return;
      this.#meetRows(p, q);
      const gridX = this.#x.grid.includes(p.name);
      const walker = gridX ? this.#walker(p.name, q) : null;
      if (walker !== null) this.#pair(p.name, walker, q);
      else {
        if (gridX) this.#looseX.add(p.name);
        if (q.op === "axis" && this.#d.grid.includes(q.name)) this.#looseD.add(q.name);
      }
      inner.set(p.name, q);
    });
    this.inner.push(inner);
  }

  /** The elements of a producer's row are asked for in the row that meets it. */
  #meetRows(p: Expr, q: Expr): void {
    if (!this.#axes.isRagged) return;
    const own = segmentIn(this.#x, p.name, this.#axes);
    if (own === undefined) return;
    const other = q.op === "axis" && q.hi === p.hi ? segmentIn(this.#d, q.name, this.#axes) : undefined;
    if (other?.offsets === own.offsets) this.#pair(own.row, other.row, this.#axes.expr(other.row));
    else this.elementsMeet = false;
  }

  #pair(p: string, q: string, place: Expr): void {
    const known = this.#to.get(p);
    const back = this.#from.get(q);
    const before = this.places.get(p);
    const same = before === undefined || sameIndex([before], [place]);
    if ((known === undefined || known === q) && (back === undefined || back === p)) {
      if (same) this.places.set(p, place);
      else this.#several.add(p);
      this.#to.set(p, q);
      this.#from.set(q, p);
      return;
    }
    for (const name of [p, back]) if (name !== undefined) this.#looseX.add(name);
    for (const name of [q, known]) if (name !== undefined) this.#looseD.add(name);
  }

  /** Several parts of a result, the halves that a gate multiplies, which nobody else asks for and which together are no more than all of it. */
  takeParts(): void {
    if (this.#several.size === 0 || this.#readers !== "consumer") return;
    const { grid } = this.#x;
    const met = grid.flatMap((p) => this.#to.get(p) ?? []);
    if (met.length < grid.length || this.#looseX.size > 0 || met.some((q) => this.#looseD.has(q))) return;
    const placesIn = (map: ReadonlyMap<string, Expr>): readonly Expr[] => grid.flatMap((p) => map.get(p) ?? []);
    const parts: ReadonlyMap<string, Expr>[] = [];
    for (const map of this.inner) if (![this.places, ...parts].some((known) => sameIndex(placesIn(known), placesIn(map)))) parts.push(map);
    if ((1 + parts.length) * this.#axes.volume(met) > this.#axes.volume(grid)) return;
    this.parts = parts;
    this.#several.clear();
  }

  grid(): Map<string, string> {
    const out = new Map<string, string>();
    for (const p of this.#x.grid) {
      const q = this.#to.get(p);
      if (q !== undefined && !this.#looseX.has(p) && !this.#looseD.has(q) && !this.#several.has(p)) out.set(p, q);
    }
    return out;
  }
}

/** Grids smaller than this leave most of a machine idle … */
const smallGrid = 8;
/** … which is no matter up to this many elements a grid point. */
const smallWork = 65536;
/** Walking columns of a buffer larger than this misses the cache on every element. */
const cacheBytes = 1 << 20;

/** Why two clusters are too much for one kernel, the first at so many places. */
export function sizeRefusal(x: Cluster, d: Cluster, target: Target, places = 1): string | null {
  return x.operations * places + d.operations > target.maxOperations ? `the kernel would pass ${target.maxOperations} operations` : null;
}

/** Why two aligned clusters should stay apart all the same. */
export function mergeRefusal(x: Cluster, d: Cluster, aligned: Alignment, axes: Axes, bindings: Bindings): string | null {
  const bound = bindings.mergeRefusal(x, d);
  if (bound !== null) return bound;
  const merged = axes.volume([...aligned.grid.values()]);
  const before = Math.max(axes.volume(x.grid), axes.volume(d.grid));
  if (merged < smallGrid && before > smallWork) return `a grid of ${merged} for ${before} elements leaves too little parallelism`;
  if (d.outputs.size === 0) return null;
  const kept = new Set(aligned.grid.values());
  for (const [v, form] of d.outputs) {
    if (!isLight(v.node)) continue;
    const names = form.filter((e) => e.op === "axis").map((e) => e.name);
    const last = names.at(-1);
    const columns = last !== undefined && kept.has(last) && names.some((n) => !kept.has(n));
    if (columns && axes.volume(names) * 4 > cacheBytes) return "each grid point would walk a column of a large buffer";
  }
  return null;
}
