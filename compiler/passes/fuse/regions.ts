/** From clusters to regions, in an order in which they can run, their axes named by role. */
import { at, CompilerBug, lookup } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Node, Value } from "../../ir/node.ts";
import type { Places } from "../places.ts";
import { indexInWhole } from "../places.ts";
import type { Region, RegionOutput, RegionSegment } from "../region.ts";
import { collects, isFree } from "../region.ts";
import { storageOf } from "../storage.ts";
import type { Axes } from "./axes.ts";
import type { Cluster } from "./cluster.ts";
import type { FusionState } from "./state.ts";

/** `nodes` is the graph in its order: it decides ties, so that equal graphs give equal plans. */
export function regionsOf(state: FusionState): Region[] {
  const position = new Map<Node, number>();
  state.nodes.forEach((n, i) => position.set(n, i));
  const rank = (v: Value): number => (position.get(v.node) ?? 0) + v.index / 16;
  return readersFirst(inOrder(state.live(), rank, state.places), state.places).map((c, i) => regionOf(c, i, { rank, position, state }));
}

/** Values that kernels store, for one that is asked for: itself, or the parts that it is joined of. */
const storedFor = ({ wholes }: Places, v: Value): readonly Value[] => (wholes.has(v.node) ? v.node.args.map(storageOf) : [v]);

/** Producers first; among what is ready, the order of the graph. */
function inOrder(clusters: readonly Cluster[], rank: (v: Value) => number, places: Places): Cluster[] {
  const producer = new Map<Value, Cluster>();
  for (const c of clusters) for (const v of c.outputs.keys()) producer.set(v, c);
  const firstRank = new Map(clusters.map((c) => [c, Math.min(...[...c.outputs.keys()].map(rank))]));
  const sorted = clusters.toSorted((a, b) => (firstRank.get(a) ?? 0) - (firstRank.get(b) ?? 0));
  const state = new Map<Cluster, "open" | "done">();
  const needs = new Map<Cluster, readonly Cluster[]>();
  const out: Cluster[] = [];
  for (const start of sorted) {
    const stack: Cluster[] = [start];
    for (let c = stack.at(-1); c !== undefined; c = stack.at(-1)) {
      if (state.get(c) === "done") {
        stack.pop();
        continue;
      }
      const inRank = (): Value[] => neededBy(c).sort((a, b) => rank(a) - rank(b));
      const needed = needs.get(c) ?? producersOf(c, inRank(), producer, places);
      needs.set(c, needed);
      const missing = needed.find((p) => state.get(p) !== "done");
      if (missing === undefined) {
        state.set(c, "done");
        out.push(c);
        stack.pop();
      } else if (state.get(missing) === "open") throw new CompilerBug("fuse: kernels wait for one another");
      else {
        state.set(c, "open");
        stack.push(missing);
      }
    }
  }
  return out;
}

/** What must be there before a cluster: what it asks for, and what barriers in it wait for. */
const neededBy = (c: Cluster): Value[] => [...new Set([...c.demands.keys(), ...c.waits])];

/** Clusters that store what one needs, in the order in which it is given. */
function producersOf(c: Cluster, needed: readonly Value[], producer: ReadonlyMap<Value, Cluster>, places: Places): readonly Cluster[] {
  const found: Cluster[] = [];
  for (const v of needed)
    for (const stored of storedFor(places, v)) {
      const p = producer.get(stored);
      if (p !== undefined && p !== c) found.push(p);
    }
  return found;
}

/** The value whose memory a cluster writes over, if the memory dies. */
function overwritten(c: Cluster): Value | null {
  for (const v of c.outputs.keys()) if (v.node.op.kind === "scatter") return storageOf(at(v.node.args, 0));
  return null;
}

/** The same order, but what writes over a value waits, if it can, until all who read the value are done: else it needs a copy. */
function readersFirst(order: readonly Cluster[], places: Places): readonly Cluster[] {
  const writers = new Map<Cluster, Value>();
  for (const c of order) {
    const value = overwritten(c);
    if (value !== null) writers.set(c, value);
  }
  if (writers.size === 0) return order;
  const producer = new Map(order.flatMap((c) => [...c.outputs.keys()].map((v) => [v, c] as const)));
  const needs = new Map(order.map((c) => [c, new Set(producersOf(c, neededBy(c), producer, places))]));
  const readers = new Map<Value, Set<Cluster>>();
  for (const c of order) for (const v of c.demands.keys()) add(readers, storageOf(v), c);
  const isReady = (c: Cluster): boolean => [...lookup(needs, c, "what a cluster needs")].every((p) => done.has(p));
  const mustWait = (c: Cluster): boolean => {
    const value = writers.get(c);
    return value !== undefined && [...(readers.get(value) ?? [])].some((r) => r !== c && !done.has(r));
  };
  const done = new Set<Cluster>();
  let left = order;
  while (left.length > 0) {
    const waiting: Cluster[] = [];
    for (const c of left) {
      if (isReady(c) && !mustWait(c)) done.add(c);
      else waiting.push(c);
    }
    // the first that waits has all it needs: those who read what it writes over depend on it
    if (waiting.length === left.length) done.add(at(waiting.splice(0, 1), 0));
    left = waiting;
  }
  return [...done];
}

function add(map: Map<Value, Set<Cluster>>, v: Value, c: Cluster): void {
  const set = map.get(v) ?? new Set();
  set.add(c);
  map.set(v, set);
}

const noSegments: ReadonlyMap<string, RegionSegment> = new Map();

interface Given {
  readonly rank: (v: Value) => number;
  readonly position: ReadonlyMap<Node, number>;
  readonly state: FusionState;
}

function regionOf(c: Cluster, i: number, { rank, position, state }: Given): Region {
  const { axes } = state;
  const names = new Map<string, string>();
  c.grid.forEach((g, k) => names.set(g, `g${k}`));
  const f = exprMapper((e: Expr) => {
    if (e.op !== "axis") return e;
    const name = names.get(e.name) ?? `i${names.size - c.grid.length}`;
    names.set(e.name, name);
    return axisIndex(name, 0, e.hi);
  });
  const outputs: RegionOutput[] = [];
  for (const value of [...c.outputs.keys()].sort((a, b) => rank(a) - rank(b)))
    outputs.push(...storesOf({ value, form: lookup(c.outputs, value, "a form").map(f) }, c, state));
  const segments = axes.isRagged ? new Map([...c.outputs.values(), ...c.held.values()].flatMap((form) => segmentsOf(form, axes, f))) : noSegments;
  const nodes = [...c.nodes].sort((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0));
  const inputs = [...c.demands.keys()].filter((v) => !isFree(v.node)).sort((a, b) => rank(a) - rank(b));
  const grid = new Set(c.grid.map((_, k) => `g${k}`));
  const anchors = formsOf(nodes.filter(collects), (value) => anchorForm(value, c, f, grid));
  const held = c.held.size === 0 ? [] : formsOf(nodes, (value) => heldForm(value, c, f));
  return {
    anchors,
    held,
    segments,
    name: `k${i}_${nameOf(
      nodes,
      outputs.map((o) => o.value.node),
    )}`,
    grid: c.grid.map((g, k) => ({ name: `g${k}`, extent: axes.extent(g) })),
    nodes: new Set(nodes),
    inputs,
    outputs,
  };
}

/** Where a value is stored: in memory of its own if somebody needs it there, and as a part of others. */
function storesOf(output: RegionOutput, c: Cluster, state: FusionState): RegionOutput[] {
  const { value, form } = output;
  const places = state.places.of.get(value);
  if (places === undefined) return [output];
  const parts = places.map((p) => ({ ...output, into: { value: p.whole, index: indexInWhole(p, form) } }));
  const isOwn = state.returned.has(value) || state.isAskedBeside(value, c);
  return isOwn ? [output, ...parts] : parts;
}

/** The loops over rows that a form has, in the names of the region. */
function segmentsOf(form: readonly Expr[], axes: Axes, f: (e: Expr) => Expr): (readonly [string, RegionSegment])[] {
  return form.flatMap((e) => {
    const segment = e.op === "axis" ? axes.segment(e.name) : undefined;
    return segment === undefined ? [] : [[f(e).name, { offsets: segment.offsets, row: f(axes.expr(segment.row)) }] as const];
  });
}

/** What is found of the results of some nodes. */
function formsOf(nodes: readonly Node[], find: (value: Value) => RegionOutput | null): RegionOutput[] {
  const found: RegionOutput[] = [];
  for (const n of nodes)
    for (const value of n.results) {
      const form = find(value);
      if (form !== null) found.push(form);
    }
  return found;
}

/** The form at which a value that collects is asked for, if it depends on the grid alone. */
function anchorForm(value: Value, c: Cluster, f: (e: Expr) => Expr, grid: ReadonlySet<string>): RegionOutput | null {
  const index = c.forms.get(value)?.[0]?.index ?? c.outputs.get(value);
  if (index === undefined) return null;
  const form = index.map(f);
  return form.every((e) => e.op === "const" || (e.op === "axis" && grid.has(e.name))) ? { value, form } : null;
}

function heldForm(value: Value, c: Cluster, f: (e: Expr) => Expr): RegionOutput | null {
  const form = c.held.get(value);
  return form === undefined ? null : { value, form: form.map(f) };
}

/** Up to three words: the heavy nodes, then what is stored. */
function nameOf(nodes: readonly Node[], stored: readonly Node[]): string {
  const heavy = nodes.filter((n) => collects(n) || n.op.kind === "prefix" || n.op.kind === "scatter");
  const words = [...heavy, ...stored.filter((n) => !heavy.includes(n))].map((n) => at(n.op.name.split(" "), n.op.name.split(" ").length - 1));
  return [...new Set(words)].slice(0, 3).join("_") || "copy";
}
