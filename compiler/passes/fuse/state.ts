/** Fusion in progress: the clusters, who asks for what, who stores it, and what was decided. */
import { CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import type { Graph } from "../../ir/graph.ts";
import { nodesOf } from "../../ir/graph.ts";
import type { Node, Value } from "../../ir/node.ts";
import type { Target } from "../../target.ts";
import type { Places } from "../places.ts";
import { storageOf } from "../storage.ts";
import { Axes } from "./axes.ts";
import type { Bindings } from "./bindings.ts";
import type { Cluster, Demand } from "./cluster.ts";
import type { Alignment, Readers } from "./legality.ts";
import { mergeInto } from "./merge.ts";
import type { Edges } from "./path.ts";
import { leads } from "./path.ts";

/** Why two things share a kernel, or do not. */
export interface Decision {
  readonly producer: Node;
  /** The anchor of the kernel that asks, or that reads the same; null where nothing was asked. */
  readonly consumer: Node | null;
  readonly fused: boolean;
  readonly reason: string;
}

export const between: string = "another kernel stands between them";

/** What fusion must keep to. */
export interface Limits {
  readonly target: Target;
  readonly apart: ReadonlySet<Node>;
  readonly donated: ReadonlySet<Value>;
}

/** With so many nodes behind it a value is not followed further. */
const patience = 64;

export class FusionState {
  readonly nodes: readonly Node[];
  readonly target: Target;
  readonly bindings: Bindings;
  readonly axes: Axes = new Axes();
  readonly clusters: Cluster[] = [];
  /** What leaves the plan. */
  readonly returned: ReadonlySet<Value>;
  /** What is stored whoever asks: also what is stored as a part of something that leaves. */
  readonly kept: ReadonlySet<Value>;
  readonly places: Places;
  /** Inputs whose memory may be written over. */
  readonly donated: ReadonlySet<Value>;
  readonly decisions: Decision[] = [];
  /** Nodes whose rows are too long to be held, or not held although that was hoped. */
  readonly apart: ReadonlySet<Node>;
  /** Nodes whose rows are longer than scratch, and were taken to be held a block at a time. */
  readonly hoped: Set<Node> = new Set();
  visits = 0;
  readonly #anchors = new Map<Cluster, Node>();
  readonly #askers = new Map<Value, Set<Cluster>>();
  /** Clusters that wait for a value, though they do not read it. */
  readonly #waiters = new Map<Value, Set<Cluster>>();
  /** The cluster that stores a value. */
  readonly #writers = new Map<Value, Cluster>();

  constructor(graph: Graph, places: Places, bindings: Bindings, { target, apart, donated }: Limits) {
    this.nodes = nodesOf(graph);
    this.target = target;
    this.apart = apart;
    this.donated = donated;
    this.bindings = bindings;
    this.places = places;
    this.returned = new Set(graph.outputs.map(storageOf));
    this.kept = new Set([...this.returned, ...places.of.keys()]);
  }

  /** Whether a row that is longer than scratch may yet be held: one of what a contraction gives, a block at a time (`held-rows.ts`). */
  hopesFor(node: Node): boolean {
    if (this.apart.has(node) || !followsContraction(node)) return false;
    this.hoped.add(node);
    return true;
  }

  /** Clusters that store something. */
  live(): Cluster[] {
    return this.clusters.filter((c) => c.mergedInto === null && c.outputs.size > 0);
  }

  /** A new cluster around its first node. */
  add(cluster: Cluster, anchor: Node): void {
    this.clusters.push(cluster);
    this.#anchors.set(cluster, anchor);
  }

  anchorOf(c: Cluster): Node {
    const anchor = this.#anchors.get(c);
    if (anchor === undefined) throw new CompilerBug("a cluster without an anchor");
    return anchor;
  }

  ask(c: Cluster, value: Value, demand: Demand): void {
    this.visits++;
    c.addDemand(value, demand);
    this.#noteAsker(c, value);
  }

  /** `c` comes after whoever stores this value. */
  wait(c: Cluster, v: Value): void {
    c.waits.add(v);
    const set = this.#waiters.get(v);
    if (set === undefined) this.#waiters.set(v, new Set<Cluster>().add(c));
    else set.add(c);
  }

  /** `c` stores this value for all who ask. */
  store(c: Cluster, v: Value, form: readonly Expr[]): void {
    c.outputs.set(v, form);
    this.#writers.set(v, c);
  }

  /** The clusters that ask for a value, those that asked first in front. */
  askersOf(v: Value): Cluster[] {
    const noted = this.#askers.get(v);
    if (noted === undefined) return [];
    for (const c of noted) if (c.mergedInto !== null || !c.demands.has(v)) return this.#askersAnew(v, noted);
    return [...noted];
  }

  /** The clusters that wait for a value without reading it. */
  waitersOf(v: Value): Cluster[] {
    return [...new Set([...(this.#waiters.get(v) ?? [])].map((c) => c.root()))];
  }

  /** How many clusters ask for a value, at the most. */
  mostAskersOf(v: Value): number {
    return this.#askers.get(v)?.size ?? 0;
  }

  /** The cluster that stores a value, if one does. */
  writerOf(v: Value): Cluster | undefined {
    return this.#writers.get(v)?.root();
  }

  /** Whether somebody outside of its cluster needs a value. */
  isNeeded(v: Value): boolean {
    return this.kept.has(v) || this.isAskedBeside(v, null);
  }

  /** Whether a cluster other than this one asks for a value. */
  isAskedBeside(v: Value, one: Cluster | null): boolean {
    const noted = this.#askers.get(v);
    if (noted === undefined) return false;
    let found = false;
    for (const c of noted) {
      if (c.mergedInto !== null || !c.demands.has(v)) return this.#askersAnew(v, noted).some((asker) => asker !== one);
      if (c !== one) found = true;
    }
    return found;
  }

  merge(producer: Cluster, consumer: Cluster, aligned: Alignment): Cluster {
    const merged = mergeInto(producer, consumer, aligned, this.axes);
    for (const v of merged.demands.keys()) this.#noteAsker(merged, v);
    for (const v of merged.outputs.keys()) if (!this.isNeeded(v)) merged.outputs.delete(v);
    return merged;
  }

  /** Who else needs what a producer stores. */
  readersBeside(producer: Cluster, consumer: Cluster): Readers {
    for (const v of producer.outputs.keys()) if (this.kept.has(v) || this.isAskedBeside(v, consumer)) return "others";
    return "consumer";
  }

  /**
   * Whether data flows from one cluster to another, the direct edge aside where it is not asked for. Where clusters store results
   * from all over the graph, its order says nothing about theirs.
   */
  reaches(from: Cluster, to: Cluster, edges: Edges): boolean {
    const flow = { after: (c: Cluster) => this.#readersOf(c), before: (c: Cluster) => this.#writersFor(c) };
    return leads(from, to, flow, edges, () => void this.visits++);
  }

  /**
   * Why a producer and one that reads its results cannot be one kernel, whatever their axes are. The other way round there is no path:
   * kernels do not wait for one another.
   */
  pathRefusal(producer: Cluster, consumer: Cluster): string | null {
    return this.#storesPartFor(producer, consumer) || this.reaches(producer, consumer, "no direct ones") ? between : null;
  }

  /** Whether a cluster stores a part of what another reads as a whole, from memory. */
  #storesPartFor(producer: Cluster, consumer: Cluster): boolean {
    for (const v of consumer.waits) if (this.places.of.has(v) && producer.outputs.has(v)) return true;
    return false;
  }

  noteFused(producer: Node, consumer: Cluster, reason: string): void {
    this.decisions.push({ producer, consumer: this.anchorOf(consumer), fused: true, reason });
  }

  noteRefused(producer: Node, consumer: Cluster, reason: string): void {
    this.decisions.push({ producer, consumer: this.anchorOf(consumer), fused: false, reason });
  }

  /** Those that merged, or ask no more, are not looked at again. */
  #askersAnew(v: Value, noted: ReadonlySet<Cluster>): Cluster[] {
    const roots = new Set<Cluster>();
    for (const c of noted) {
      const root = c.root();
      if (root.demands.has(v)) roots.add(root);
    }
    if (roots.size < noted.size) this.#askers.set(v, roots);
    return [...roots];
  }

  #noteAsker(c: Cluster, v: Value): void {
    const set = this.#askers.get(v);
    if (set === undefined) this.#askers.set(v, new Set<Cluster>().add(c));
    else set.add(c);
  }

  /** Clusters that read or wait for results of `c`. */
  #readersOf(c: Cluster): Cluster[] {
    const readers: Cluster[] = [];
    for (const v of c.outputs.keys()) {
      for (const r of this.askersOf(v)) if (r !== c) readers.push(r);
      const waiters = this.#waiters.get(v);
      if (waiters !== undefined) for (const w of waiters) if (w.root() !== c) readers.push(w.root());
    }
    return readers;
  }

  /** Clusters that store what `c` reads or waits for. */
  #writersFor(c: Cluster): Cluster[] {
    const writers: Cluster[] = [];
    const note = (v: Value): void => {
      const w = this.#writers.get(v)?.root();
      if (w !== undefined && w !== c) writers.push(w);
    };
    c.demands.forEach((_, v) => note(v));
    c.waits.forEach(note);
    return writers;
  }
}

function followsContraction(node: Node): boolean {
  const seen = new Set([node]);
  for (const n of seen) {
    if (n.op.kind === "contraction") return true;
    if (seen.size > patience) return false;
    for (const a of n.args) seen.add(a.node);
  }
  return false;
}
