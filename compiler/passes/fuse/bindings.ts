/**
 * How many buffers the kernel of a cluster would bind.
 *
 * While clusters grow, most of what they ask for is still to be looked at, and will be computed inside. So at first nothing is refused,
 * and kernels that came out with more buffers than the target can bind are cut in two (`cuts.ts`). Where that does not help, only what
 * is known to be a buffer counts, then, in clusters that hold careful nodes, everything that is asked for.
 */
import type { Node, Value } from "../../ir/node.ts";
import type { Places } from "../places.ts";
import { isFree } from "../region.ts";
import { storageOf } from "../storage.ts";
import type { Target } from "../../target.ts";
import type { Cluster } from "./cluster.ts";

/** Buffers that values are bound as. Those that neither come from the caller nor go to him lie in one arena. */
export function bindingsOf(values: Iterable<Value>, kept: ReadonlySet<Value>, { bindsArenaOnce }: Target): number {
  const own = new Set<Value>();
  const arena = new Set<Value>();
  for (const value of values) {
    const v = storageOf(value);
    if (v.node.op.kind === "param" || kept.has(v)) own.add(v);
    else arena.add(v);
  }
  return own.size + (bindsArenaOnce ? Math.min(1, arena.size) : arena.size);
}

export class Bindings {
  readonly #target: Target;
  readonly #most: number;
  readonly #careful: ReadonlySet<Node>;
  readonly #kept: ReadonlySet<Value>;
  readonly #places: Places;
  #isStrict: boolean;
  /** Nodes that have been looked at: what is asked of them still is a buffer. */
  readonly #done = new Set<Node>();

  /** `careful` is null while nothing is refused. */
  constructor(target: Target, careful: ReadonlySet<Node> | null, given: { readonly kept: ReadonlySet<Value>; readonly places: Places }) {
    this.#isStrict = careful !== null;
    this.#kept = given.kept;
    this.#places = given.places;
    this.#target = target;
    this.#most = target.maxBindings;
    this.#careful = careful ?? new Set();
  }

  get reason(): string {
    return `the kernel would bind more than ${this.#most} buffers`;
  }

  isCareful(node: Node): boolean {
    return this.#careful.has(node);
  }

  /** The node has been looked at. */
  finish(node: Node): void {
    this.#done.add(node);
  }

  /** Why a cluster cannot compute a node, or null. */
  absorbRefusal(c: Cluster, node: Node): string | null {
    if (!this.#isStrict || c.outputs.size + c.demands.size + node.args.length <= this.#most) return null;
    const before = this.#bound(c, [], []);
    const after = this.#bound(c, node.results, this.#added(c, node));
    return after > before && after > this.#most ? this.reason : null;
  }

  /** Why a cluster that computes a node cannot store it too, or null. */
  storeRefusal(c: Cluster, node: Node): string | null {
    const added = this.#isStrict ? this.#added(c, node) : [];
    if (added.length === 0) return null;
    const stored = node.results.filter((r) => c.demands.has(r));
    return this.#bound(c, node.results, [...added, ...stored]) > this.#most ? this.reason : null;
  }

  /** Why two clusters cannot be one kernel, or null. */
  mergeRefusal(x: Cluster, d: Cluster): string | null {
    if (!this.#isStrict || this.#areFew(x, d)) return null;
    const careful = x.careful || d.careful;
    const read = [...x.demands.keys(), ...d.demands.keys()].filter((v) => !x.outputs.has(v) && this.#counts(careful, v));
    return bindingsOf([...read, ...this.#stored(x), ...this.#stored(d)], this.#kept, this.#target) > this.#most ? this.reason : null;
  }

  /** From here on clusters are complete: they merge only where they can bind what the kernel needs. */
  settle(): void {
    this.#isStrict = true;
  }

  /** Whether the cluster, complete, binds too many. */
  exceeds(c: Cluster): boolean {
    return !this.#areFew(c) && this.#bound(c, [], []) > this.#most;
  }

  /** Whether all that clusters ask for and store is few enough, whatever of it is bound. */
  #areFew(...list: readonly Cluster[]): boolean {
    return this.#places.of.size === 0 && list.reduce((n, c) => n + c.demands.size + c.outputs.size, 0) <= this.#most;
  }

  #counts(careful: boolean, v: Value): boolean {
    return !isFree(v.node) && (careful || v.node.op.kind === "param" || this.#done.has(v.node));
  }

  /** What the cluster binds, without some of what it asks for and with what is added. */
  #bound(c: Cluster, without: readonly Value[], added: readonly Value[]): number {
    const read = [...c.demands.keys()].filter((v) => !without.includes(v) && this.#counts(c.careful, v));
    return bindingsOf([...this.#stored(c), ...read, ...added], this.#kept, this.#target);
  }

  /** What the cluster stores, and what that is a part of. */
  #stored(c: Cluster): Value[] {
    return [...c.outputs.keys()].flatMap((v) => [v, ...(this.#places.of.get(v) ?? []).map((p) => p.whole)]);
  }

  /** Buffers that the node would bring. */
  #added(c: Cluster, node: Node): Value[] {
    return [...new Set(node.args.filter((a) => !c.demands.has(a) && this.#counts(c.careful, a)))];
  }
}
