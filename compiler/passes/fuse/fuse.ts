/**
 * fuse: which nodes share a kernel.
 *
 *   max → subtract → exp → sum → divide        one region over the rows, five nodes, one output
 *
 * One walk from the outputs back. When a node is met, every cluster that asks for it exists and says at which indices it asks.
 * A light node (elementwise, a view, a gather) is computed inside the cluster that asks, as often as it asks. A heavy node (a
 * reduction, a contraction) starts a cluster of its own, which merges with those that ask for it where their grids agree: where
 * each asks for the whole of it exactly once a grid point. What several clusters need is stored by one of them.
 *
 * Whether a step is allowed is decided in `legality.ts`, whether it pays in `profit.ts`; every refusal is recorded.
 */
import type { Graph } from "../../ir/graph.ts";
import type { Node, Value } from "../../ir/node.ts";
import { flag } from "../../ir/node.ts";
import { at } from "../../ir/errors.ts";
import { sizeOf } from "../../ir/shape.ts";
import type { Target } from "../../target.ts";
import { noPlaces, placesOf } from "../places.ts";
import type { Region } from "../region.ts";
import { bufferParams, isFree, isLight, isPassThrough, isScalarParam } from "../region.ts";
import { constantOf, storageOf } from "../storage.ts";
import { BestFirst } from "./best-first.ts";
import { Bindings } from "./bindings.ts";
import type { Demand } from "./cluster.ts";
import { asksWhole, Cluster, noDemands, storable } from "./cluster.ts";
import { cutOf } from "./cuts.ts";
import { anchorOf, asksOfLight, costOf, weightOf } from "./demand.ts";
import { holdRows, isContraction } from "./held-rows.ts";
import { absorbRefusal, closedReason, placesAsked } from "./legality.ts";
import { readerAlignment } from "./pairs.ts";
import { indexArithmetic } from "./positions.ts";
import { repeatRefusal } from "./profit.ts";
import { heldBytesOf, lowerHeld } from "../online/held.ts";
import { regionsOf } from "./regions.ts";
import { holdEpilogues } from "./row-epilogue.ts";
import { turnToRows } from "./rows.ts";
import { alignOver } from "./siblings.ts";
import type { Decision } from "./state.ts";
import { FusionState } from "./state.ts";

export interface FuseOptions {
  /** False: every primitive its own kernel (reshapes and constants excepted). */
  readonly fusion: boolean;
  /** Buffer params, by position among them, whose memory may be written over. */
  readonly donated?: readonly number[];
}

export interface Fused {
  readonly regions: readonly Region[];
  readonly decisions: readonly Decision[];
  /** Steps taken in the longest attempt, of which there are few: for tests of linearity. */
  readonly visits: number;
}

/** How often fusion begins again, with kernels that bind too many buffers cut in two … */
const mostCuts = 6;
/** … and then with their nodes careful, before all are. */
const attempts = 3;

export function fuse(graph: Graph, target: Target, options: FuseOptions): Fused {
  const given = { kept: new Set(graph.outputs.map(storageOf)), places: options.fusion ? placesOf(graph) : noPlaces };
  const buffers = bufferParams(graph);
  const donated = new Set((options.donated ?? []).map((i) => at(buffers, i)));
  const careful = new Set<Node>();
  const cuts = new Set<Node>();
  const apart = new Set<Node>();
  let visits = 0;
  let strict: ReadonlySet<Node> | null = null;
  const walked = (): Attempt => {
    const state = new FusionState(graph, given.places, new Bindings(target, strict, given), { target, apart, donated });
    new Walk(state, options, cuts).run();
    visits = Math.max(visits, state.visits);
    return { state, overfull: state.live().filter((c) => state.bindings.exceeds(c)) };
  };
  let last = walked();
  for (let cut = 1; cut <= mostCuts; cut++) {
    const { state, overfull } = last;
    const more = overfull.flatMap((c) => cutOf(c, state) ?? []);
    if (more.length === 0) break;
    for (const node of more) cuts.add(node);
    strict = cut < mostCuts ? null : careful;
    last = walked();
  }
  for (let attempt = 1; attempt <= attempts && last.overfull.length > 0; attempt++) {
    for (const node of attempt < attempts ? last.overfull.flatMap((c) => [...c.nodes]) : last.state.nodes) careful.add(node);
    strict = careful;
    last = walked();
  }
  let regions = finished(last.state, options);
  for (let long = tooLong(regions, last.state); long.length > 0; long = tooLong(regions, last.state)) {
    for (const node of long) apart.add(node);
    last = walked();
    regions = finished(last.state, options);
  }
  return { regions, decisions: last.state.decisions, visits: Math.max(visits, last.state.visits) };
}

interface Attempt {
  readonly state: FusionState;
  /** Kernels that bind more buffers than the target can. */
  readonly overfull: readonly Cluster[];
}

/** What regions contract with rows that do not fit into scratch, and cannot be taken a block at a time; and rows of which that was hoped in vain. */
const tooLong = (regions: readonly Region[], { target, hoped }: FusionState): Node[] =>
  regions.flatMap((r) => {
    if (r.held.length === 0) return hoped.size === 0 ? [] : [...r.nodes].filter((n) => hoped.has(n));
    return heldBytesOf(r, target) > target.scratchBytes && lowerHeld(r, target) === null ? [...r.nodes].filter((n) => isContraction(n) || hoped.has(n)) : [];
  });

function finished(state: FusionState, options: FuseOptions): readonly Region[] {
  if (options.fusion) {
    state.bindings.settle();
    const merging = new BestFirst(state);
    merging.run();
    holdRows(state);
    holdEpilogues(state);
    // what holds rows may meet others
    merging.run();
    for (const c of state.live()) turnToRows(c, state.axes, state.target);
  }
  return regionsOf(state);
}

const isConstant = (v: Value): boolean => constantOf(v) !== null;
/** Whether a value lies in the memory of another one. */
const isAlias = (v: Value): boolean => storageOf(v) !== v;

/** The walk from the outputs back. */
class Walk {
  readonly #state: FusionState;
  readonly #options: FuseOptions;
  /** What is computed where it is used, however often. */
  readonly #indices: ReadonlySet<Node>;
  /** Nodes that are stored and that nobody computes inside. */
  readonly #cuts: ReadonlySet<Node>;

  constructor(state: FusionState, options: FuseOptions, cuts: ReadonlySet<Node>) {
    this.#state = state;
    this.#options = options;
    this.#indices = indexArithmetic(state.nodes);
    this.#cuts = cuts;
  }

  run(): void {
    for (const node of this.#state.nodes.toReversed()) {
      this.#visit(node);
      this.#state.bindings.finish(node);
    }
  }

  #visit(node: Node): void {
    this.#state.visits++;
    const isKept = node.results.some((r) => this.#state.kept.has(r));
    if (node.op.kind === "param") {
      if (isKept && isScalarParam(node)) this.#start(node);
      return;
    }
    const askers = this.#askersOf(node);
    if (this.#state.places.wholes.has(node)) {
      // there when all its parts are stored
      for (const c of askers) for (const part of node.args) this.#state.wait(c, storageOf(part));
      return;
    }
    if (!isKept && askers.length === 0) return;
    if (node.results.some(isConstant)) {
      for (const c of askers) if (!this.#asksWhole(c, node)) this.#absorb(c, node);
    } else if (isFree(node) || (this.#options.fusion && this.#indices.has(node))) {
      const whole = askers.filter((c) => node.results.some((r) => c.demands.get(r)?.some(asksWhole)));
      for (const c of askers) if (!whole.includes(c)) this.#absorb(c, node);
      if (isKept || whole.length > 0) this.#start(node);
    } else if (node.results.every(isAlias)) {
      for (const c of askers) this.#absorb(c, node);
    } else if (isLight(node)) this.#visitLight(node, askers, { isKept });
    else this.#visitHeavy(node, askers);
  }

  #visitLight(node: Node, askers: readonly Cluster[], { isKept }: { readonly isKept: boolean }): void {
    if (!this.#options.fusion || this.#cuts.has(node)) {
      this.#start(node);
      for (const c of this.#cuts.has(node) ? askers : []) this.#state.noteRefused(node, c, this.#state.bindings.reason);
      return;
    }
    const takers: Cluster[] = [];
    for (let i = 0; i < askers.length; i++) {
      const c = at(askers, i);
      const refusal = this.#absorbRefusal(c, node);
      if (refusal === null) takers.push(c);
      else this.#state.noteRefused(node, c, refusal);
    }
    const refused = askers.length - takers.length;
    if (!isKept && refused === 0 && (takers.length === 1 || this.#isCheap(node))) {
      for (const c of takers) this.#absorb(c, node);
      return;
    }
    // what somebody reads from memory anyway is best stored by those who make what it is made of: they are yet to come
    const host = refused > 0 ? undefined : takers.find((c) => this.#canHost(c, node, askers) && this.#isInStep(c, node, askers));
    if (host === undefined) {
      this.#start(node);
      return;
    }
    for (const r of node.results) this.#storeIn(host, r);
    this.#absorb(host, node);
    for (const c of askers) this.#merge(host.root(), c.root(), node);
    this.#dropUnread(host.root(), node);
  }

  #visitHeavy(node: Node, askers: readonly Cluster[]): void {
    const cluster = this.#start(node);
    if (!this.#options.fusion) return;
    if (this.#cuts.has(node)) {
      for (const c of askers) this.#state.noteRefused(node, c, this.#state.bindings.reason);
      return;
    }
    // to be part of one who asks is to wait for all that one needs: where others ask too, what saves most is found out later
    for (const c of askers.length > 1 ? askers : []) {
      const aligned = readerAlignment(this.#state, cluster, c);
      const { axes } = this.#state;
      if (typeof aligned !== "string" && axes.volume(cluster.grid) >= axes.volume(c.grid)) continue;
      this.#state.noteRefused(node, c, typeof aligned === "string" ? aligned : "others ask for it too, and it would take the grid from this one");
      return;
    }
    for (const c of askers) this.#merge(cluster.root(), c.root(), node);
    this.#dropUnread(cluster.root(), node);
  }

  /** A new cluster that computes and stores this node. */
  #start(node: Node): Cluster {
    const anchor = anchorOf(node, this.#state.axes);
    const cluster = new Cluster(this.#state.clusters.length, anchor.grid, { fixed: !isLight(node), closed: closedReason(node) });
    this.#state.add(cluster, node);
    cluster.nodes.add(node);
    this.#waits(cluster, node);
    cluster.careful = this.#state.bindings.isCareful(node);
    cluster.operations = weightOf(node);
    for (const { demand } of anchor.asks) for (const a of demand.inner) cluster.addRow(this.#state.axes.segment(a));
    if (node.op.kind === "prefix") cluster.walks.add(flag(node.attrs, "reverse") ? "end" : "start");
    for (const r of node.results) {
      if (this.#state.isNeeded(r)) this.#state.store(cluster, r, anchor.form);
    }
    for (const { value, demand } of anchor.asks) this.#state.ask(cluster, value, demand);
    return cluster;
  }

  /** A barrier comes after all its operands, though it reads only the first. */
  #waits(c: Cluster, node: Node): void {
    if (node.isBarrier && isPassThrough(node)) for (const v of node.args.slice(1)) this.#state.wait(c, storageOf(v));
  }

  /** Computes the node inside the cluster, at every index the cluster asks for it. */
  #absorb(c: Cluster, node: Node): void {
    const cost = costOf(node);
    let places = 1;
    for (const r of node.results) {
      const demands = c.takeIn(r);
      places = Math.max(places, placesAsked(demands));
      const repeats = cost > 0 && this.#timesAsked(c, demands) > sizeOf(r.shape);
      // indexed loops: this is done for most nodes, and engines make an object of each step of the others
      for (let i = 0; i < demands.length; i++) {
        const d = at(demands, i);
        const demand = repeats ? { ...d, carried: d.carried + cost } : d;
        const asks = asksOfLight(node, demand, this.#state.axes);
        for (let k = 0; k < asks.length; k++) {
          const ask = at(asks, k);
          this.#state.ask(c, ask.value, ask.demand);
        }
      }
    }
    c.nodes.add(node);
    this.#waits(c, node);
    c.careful ||= this.#state.bindings.isCareful(node);
    c.operations += weightOf(node) * places;
    if (cost > 0) this.#state.noteFused(node, c, "computed where it is used");
  }

  #timesAsked(c: Cluster, demands: readonly Demand[]): number {
    let times = 0;
    for (let i = 0; i < demands.length; i++) times += this.#state.axes.iterations(c, at(demands, i));
    return times;
  }

  #absorbRefusal(c: Cluster, node: Node): string | null {
    return absorbRefusal(c, node, this.#state.target, this.#state.bindings) ?? repeatRefusal(c, node, this.#state);
  }

  /** Whether `c` can store the node for all who ask: it walks every element once, and nobody who reads it comes before. */
  #canHost(c: Cluster, node: Node, askers: readonly Cluster[]): boolean {
    if (c.closed !== null || this.#state.bindings.storeRefusal(c, node) !== null) return false;
    const isStorable = (r: Value): boolean => (c.demands.get(r) ?? noDemands).some((d) => storable(c, r, d, this.#state.axes) !== null);
    const stores = node.results.every((r) => !this.#state.isNeeded(r) || isStorable(r));
    const waiters = node.results.flatMap((r) => this.#state.waitersOf(r));
    if (!stores || waiters.includes(c)) return false;
    return [...askers, ...waiters].every((other) => other === c || !this.#state.reaches(other, c, "all"));
  }

  /** Whether all who ask can share the grid of one. */
  #isInStep(host: Cluster, node: Node, askers: readonly Cluster[]): boolean {
    // rows of differing lengths are known to whoever merges
    if ([host, ...askers].some((c) => c.rows.size > 0)) return true;
    const shares = (r: Value, c: Cluster): boolean => !c.demands.has(r) || typeof alignOver(r, { x: host, d: c }, this.#state.axes) !== "string";
    return node.results.every((r) => askers.every((c) => c === host || shares(r, c)));
  }

  #storeIn(c: Cluster, r: Value): void {
    for (const d of c.demands.get(r) ?? noDemands) {
      const form = storable(c, r, d, this.#state.axes);
      if (form !== null) this.#state.store(c, r, c.outputs.get(r) ?? form);
    }
  }

  /** Merges a producer with a cluster that asks for it, if that is allowed and pays. */
  #merge(producer: Cluster, consumer: Cluster, node: Node): void {
    if (producer === consumer) return;
    const aligned = readerAlignment(this.#state, producer, consumer);
    if (typeof aligned === "string") this.#state.noteRefused(node, consumer, aligned);
    else {
      this.#state.noteFused(node, consumer, "one grid");
      this.#state.merge(producer, consumer, aligned);
    }
  }

  #dropUnread(c: Cluster, node: Node): void {
    for (const r of node.results) if (!this.#state.isNeeded(r)) c.outputs.delete(r);
  }

  /** Whether a node that reads hardly anything costs hardly anything either: it is computed by all who ask. */
  #isCheap(node: Node): boolean {
    return costOf(node) <= 1 && node.args.filter((a) => !isFree(a.node) && !this.#indices.has(a.node)).length <= 1;
  }

  #askersOf({ results }: Node): Cluster[] {
    const only = results.length === 1 ? results[0] : undefined;
    const own = only === undefined ? [...new Set(results.flatMap((r) => this.#state.askersOf(r)))] : this.#state.askersOf(only);
    return own.length < 2 ? own : own.sort((a, b) => a.id - b.id);
  }

  #asksWhole(c: Cluster, node: Node): boolean {
    return node.results.every((r) => (c.demands.get(r) ?? noDemands).every(asksWhole));
  }
}
