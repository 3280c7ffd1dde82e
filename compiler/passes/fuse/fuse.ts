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
import { CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import type { Graph } from "../../ir/graph.ts";
import { nodesOf } from "../../ir/graph.ts";
import type { Node, Value } from "../../ir/node.ts";
import { flag } from "../../ir/node.ts";
import type { Target } from "../../target.ts";
import type { Region } from "../region.ts";
import { isFree, isLight, isScalarParam } from "../region.ts";
import { constantOf, storageOf } from "../storage.ts";
import { Axes } from "./axes.ts";
import { Bindings } from "./bindings.ts";
import { Cluster, storable } from "./cluster.ts";
import { anchorOf, asksOfLight, costOf, weightOf } from "./demand.ts";
import type { Alignment, Readers } from "./legality.ts";
import { absorbRefusal, alignment, closedReason, mergeRefusal, sizeRefusal } from "./legality.ts";
import { mergeInto } from "./merge.ts";
import { leads } from "./path.ts";
import { repeatRefusal } from "./profit.ts";
import { regionsOf } from "./regions.ts";
import { turnToRows } from "./rows.ts";

/** Why two things share a kernel, or do not. */
export interface Decision {
  readonly producer: Node;
  /** The anchor of the kernel that asks; null where nothing was asked. */
  readonly consumer: Node | null;
  readonly fused: boolean;
  readonly reason: string;
}

export interface FuseOptions {
  /** False: every primitive its own kernel (reshapes and constants excepted). */
  readonly fusion: boolean;
}

export interface Fused {
  readonly regions: readonly Region[];
  readonly decisions: readonly Decision[];
  /** Steps taken in the first attempt, of which there are four at most: for tests of linearity. */
  readonly visits: number;
}

/** How often fusion begins again, with more nodes that are careful, before all are. */
const attempts = 3;

export function fuse(graph: Graph, target: Target, options: FuseOptions): Fused {
  const careful = new Set<Node>();
  let visits = 0;
  for (let attempt = 1; ; attempt++) {
    const fuser = new Fuser(graph, target, options, new Bindings(target, careful));
    const fused = fuser.run();
    if (attempt === 1) ({ visits } = fused);
    const more = attempt < attempts ? fuser.overfull() : nodesOf(graph);
    if (fuser.overfull().length === 0 || attempt > attempts) return { ...fused, visits };
    for (const node of more) careful.add(node);
  }
}

class Fuser {
  readonly #graph: Graph;
  readonly #target: Target;
  readonly #options: FuseOptions;
  readonly #bindings: Bindings;
  readonly #axes = new Axes();
  readonly #order = new Map<Node, number>();
  readonly #clusters: Cluster[] = [];
  readonly #anchors = new Map<Cluster, Node>();
  readonly #askers = new Map<Value, Set<Cluster>>();
  /** The cluster that stores a value. */
  readonly #writers = new Map<Value, Cluster>();
  readonly #kept: ReadonlySet<Value>;
  readonly #decisions: Decision[] = [];
  #visits = 0;

  constructor(graph: Graph, target: Target, options: FuseOptions, bindings: Bindings) {
    this.#graph = graph;
    this.#target = target;
    this.#options = options;
    this.#bindings = bindings;
    this.#kept = new Set(graph.outputs.map(storageOf));
  }

  run(): Fused {
    const nodes = nodesOf(this.#graph);
    nodes.forEach((n, i) => this.#order.set(n, i));
    for (const node of nodes.toReversed()) {
      this.#visit(node);
      this.#bindings.finish(node);
    }
    const live = this.#live();
    if (this.#options.fusion) for (const c of live) turnToRows(c, this.#axes, this.#target);
    return { regions: regionsOf(live, nodes, this.#axes), decisions: this.#decisions, visits: this.#visits };
  }

  /** The nodes of kernels that bind more buffers than the target can. */
  overfull(): Node[] {
    return this.#live().flatMap((c) => (this.#bindings.exceeds(c) ? [...c.nodes] : []));
  }

  #live(): Cluster[] {
    return this.#clusters.filter((c) => c.mergedInto === null && c.outputs.size > 0);
  }

  #visit(node: Node): void {
    this.#visits++;
    const kept = node.results.filter((r) => this.#kept.has(r));
    if (node.op.kind === "param") {
      if (kept.length > 0 && isScalarParam(node)) this.#start(node);
      return;
    }
    const askers = this.#askersOf(node);
    if (kept.length === 0 && askers.length === 0) return;
    if (node.results.some((r) => constantOf(r) !== null)) {
      for (const c of askers) if (!this.#asksWhole(c, node)) this.#absorb(c, node);
    } else if (isFree(node)) {
      const whole = askers.filter((c) => node.results.some((r) => c.demands.get(r)?.some((d) => d.index === null)));
      for (const c of askers) if (!whole.includes(c)) this.#absorb(c, node);
      if (kept.length + whole.length > 0) this.#start(node);
    } else if (node.results.every((r) => storageOf(r) !== r)) {
      for (const c of askers) this.#absorb(c, node);
    } else if (isLight(node)) this.#visitLight(node, askers, kept);
    else this.#visitHeavy(node, askers);
  }

  #visitLight(node: Node, askers: readonly Cluster[], kept: readonly Value[]): void {
    if (!this.#options.fusion) {
      this.#start(node);
      return;
    }
    const refusals = askers.map((c) => this.#absorbRefusal(c, node));
    const takers = askers.filter((_, i) => refusals[i] === null);
    askers.forEach((c, i) => {
      const refusal = refusals[i] ?? null;
      if (refusal !== null) this.#decide(node, c, false, refusal);
    });
    const refused = askers.length - takers.length;
    const cheap = costOf(node) <= 1 && node.args.filter((a) => !isFree(a.node)).length <= 1;
    if (kept.length === 0 && refused === 0 && (takers.length === 1 || cheap)) {
      for (const c of takers) this.#absorb(c, node);
      return;
    }
    const host = takers.find((c) => this.#canHost(c, node, askers));
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
    for (const c of askers) this.#merge(cluster.root(), c.root(), node);
    this.#dropUnread(cluster.root(), node);
  }

  /** A new cluster that computes and stores this node. */
  #start(node: Node): Cluster {
    const anchor = anchorOf(node, this.#axes);
    const cluster = new Cluster(this.#clusters.length, anchor.grid, { fixed: !isLight(node), closed: closedReason(node) });
    this.#clusters.push(cluster);
    this.#anchors.set(cluster, node);
    cluster.nodes.add(node);
    cluster.careful = this.#bindings.isCareful(node);
    cluster.operations = weightOf(node);
    for (const { demand } of anchor.asks) for (const a of demand.inner) cluster.addRow(this.#axes.segment(a));
    if (node.op.kind === "prefix") cluster.walks.add(flag(node.attrs, "reverse") ? "end" : "start");
    for (const r of node.results) {
      if (this.#kept.has(r) || this.#askersOfValue(r).length > 0) this.#output(cluster, r, anchor.form);
    }
    for (const { value, demand } of anchor.asks) this.#ask(cluster, value, demand);
    return cluster;
  }

  #ask(c: Cluster, value: Value, demand: Parameters<Cluster["addDemand"]>[1]): void {
    this.#visits++;
    c.addDemand(value, demand);
    const set = this.#askers.get(value) ?? new Set();
    set.add(c);
    this.#askers.set(value, set);
  }

  /** Computes the node inside the cluster, at every index the cluster asks for it. */
  #absorb(c: Cluster, node: Node): void {
    for (const r of node.results) {
      const demands = c.demands.get(r) ?? [];
      c.demands.delete(r);
      for (const d of demands) {
        c.addForm(r, d);
        const repeats = this.#axes.iterations(c, d) > r.shape.reduce((a, b) => a * b, 1);
        const carried = d.carried + (repeats ? costOf(node) : 0);
        for (const ask of asksOfLight(node, { ...d, carried }, this.#axes)) this.#ask(c, ask.value, ask.demand);
      }
    }
    c.nodes.add(node);
    c.careful ||= this.#bindings.isCareful(node);
    c.operations += weightOf(node);
    const anchor = this.#anchors.get(c);
    if (anchor !== undefined && costOf(node) > 0) this.#decide(node, c, true, "computed where it is used");
  }

  #absorbRefusal(c: Cluster, node: Node): string | null {
    return absorbRefusal(c, node, this.#target, this.#bindings) ?? repeatRefusal(c, node, this.#axes, this.#target);
  }

  /** Whether `c` can store the node for all who ask: it walks every element once, and nobody who reads it comes before. */
  #canHost(c: Cluster, node: Node, askers: readonly Cluster[]): boolean {
    if (c.closed !== null || this.#bindings.storeRefusal(c, node) !== null) return false;
    const stores = node.results.every((r) => {
      const needed = this.#kept.has(r) || this.#askersOfValue(r).length > 0;
      return !needed || (c.demands.get(r) ?? []).some((d) => storable(c, r, d, this.#axes) !== null);
    });
    return stores && askers.every((other) => other === c || !this.#reaches(other, c, "all"));
  }

  #storeIn(c: Cluster, r: Value): void {
    for (const d of c.demands.get(r) ?? []) {
      const form = storable(c, r, d, this.#axes);
      if (form !== null) this.#output(c, r, c.outputs.get(r) ?? form);
    }
  }

  /** Merges a producer with a cluster that asks for it, if that is allowed and pays. */
  #merge(producer: Cluster, consumer: Cluster, node: Node): boolean {
    if (producer === consumer) return true;
    const aligned = this.#aligned(producer, consumer);
    const refusal = typeof aligned === "string" ? aligned : mergeRefusal(producer, consumer, aligned, this.#axes, this.#bindings);
    if (typeof aligned === "string" || refusal !== null) {
      this.#decide(node, consumer, false, refusal ?? "");
      return false;
    }
    this.#decide(node, consumer, true, "one grid");
    const merged = mergeInto(producer, consumer, aligned, this.#axes);
    for (const v of merged.demands.keys()) {
      const set = this.#askers.get(v) ?? new Set();
      set.add(merged);
      this.#askers.set(v, set);
    }
    for (const v of merged.outputs.keys()) if (!this.#kept.has(v) && this.#askersOfValue(v).length === 0) merged.outputs.delete(v);
    return true;
  }

  /** How their axes correspond, or why they stay apart; what is cheap to find out is asked first. */
  #aligned(producer: Cluster, consumer: Cluster): Alignment | string {
    const large = sizeRefusal(producer, consumer, this.#target);
    if (large !== null) return large;
    const cyclic = this.#reaches(producer, consumer, "no direct ones") || this.#reaches(consumer, producer, "no direct ones");
    return cyclic ? "another kernel stands between them" : alignment(producer, consumer, this.#axes, this.#readersBeside(producer, consumer));
  }

  #readersBeside(producer: Cluster, consumer: Cluster): Readers {
    const alone = [...producer.outputs.keys()].every((v) => !this.#kept.has(v) && this.#askersOfValue(v).every((c) => c === consumer));
    return alone ? "consumer" : "others";
  }

  #dropUnread(c: Cluster, node: Node): void {
    for (const r of node.results) if (!this.#kept.has(r) && this.#askersOfValue(r).length === 0) c.outputs.delete(r);
  }

  /**
   * Whether data flows from one cluster to another, the direct edge aside where it is not asked for. Data flows forward in the
   * graph's order, so results that stand before the start or after the end of the way are not looked at.
   */
  #reaches(from: Cluster, to: Cluster, edges: "all" | "no direct ones"): boolean {
    const last = Math.max(...this.#positions(to));
    const first = Math.min(...this.#positions(from));
    const flow = { after: (c: Cluster) => this.#readersOf(c, last), before: (c: Cluster) => this.#writersFor(c, first) };
    return leads(from, to, flow, edges, () => void this.#visits++);
  }

  /** Where the results of a cluster stand in the graph's order. */
  #positions(c: Cluster): number[] {
    return [...c.outputs.keys()].map((v) => this.#place(v));
  }

  #place(v: Value): number {
    return this.#order.get(v.node) ?? 0;
  }

  /** Clusters that read results of `c` which stand before `last`. */
  #readersOf(c: Cluster, last: number): Cluster[] {
    const early = [...c.outputs.keys()].filter((v) => this.#place(v) < last);
    return early.flatMap((v) => this.#askersOfValue(v)).filter((r) => r !== c);
  }

  /** Clusters that store what `c` reads, as far as that stands at `first` or after it. */
  #writersFor(c: Cluster, first: number): Cluster[] {
    const late = [...c.demands.keys()].filter((v) => this.#place(v) >= first);
    return late.flatMap((v) => this.#writers.get(v)?.root() ?? []).filter((w) => w !== c);
  }

  /** `c` stores this value for all who ask. */
  #output(c: Cluster, v: Value, form: readonly Expr[]): void {
    c.outputs.set(v, form);
    this.#writers.set(v, c);
  }

  #askersOfValue(v: Value): Cluster[] {
    const roots = new Set<Cluster>();
    for (const c of this.#askers.get(v) ?? []) {
      const root = c.root();
      if (root.demands.has(v)) roots.add(root);
    }
    return [...roots];
  }

  #askersOf(node: Node): Cluster[] {
    const roots = new Set(node.results.flatMap((r) => this.#askersOfValue(r)));
    return [...roots].sort((a, b) => a.id - b.id);
  }

  #asksWhole(c: Cluster, node: Node): boolean {
    return node.results.every((r) => (c.demands.get(r) ?? []).every((d) => d.index === null));
  }

  #decide(producer: Node, consumer: Cluster, fused: boolean, reason: string): void {
    const anchor = this.#anchors.get(consumer);
    if (anchor === undefined) throw new CompilerBug("a cluster without an anchor");
    this.#decisions.push({ producer, consumer: anchor, fused, reason });
  }
}
