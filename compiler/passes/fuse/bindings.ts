/**
 * How many buffers the kernel of a cluster would bind.
 *
 * While clusters grow, most of what they ask for is still to be looked at, and will be computed inside. Hopefully, then, only what is
 * known to be a buffer counts. Where that hope gave a kernel with more buffers than the target can bind, the nodes in it become
 * careful ones, and fusion begins again: in clusters that hold one of them everything that is asked for counts.
 */
import type { Node, Value } from "../../ir/node.ts";
import { isFree } from "../region.ts";
import type { Target } from "../../target.ts";
import type { Cluster } from "./cluster.ts";

export class Bindings {
  readonly #most: number;
  readonly #careful: ReadonlySet<Node>;
  /** Nodes that have been looked at: what is asked of them still is a buffer. */
  readonly #done = new Set<Node>();

  constructor(target: Target, careful: ReadonlySet<Node>) {
    this.#most = target.maxBindings;
    this.#careful = careful;
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
    if (c.outputs.size + c.demands.size + node.args.length <= this.#most) return null;
    const before = this.#count(c, []);
    const after = this.#count(c, node.results) + this.#added(c, node);
    return after > before && after > this.#most ? this.reason : null;
  }

  /** Why a cluster that computes a node cannot store it too, or null. */
  storeRefusal(c: Cluster, node: Node): string | null {
    const added = this.#added(c, node);
    const stored = node.results.filter((r) => c.demands.has(r)).length;
    return added > 0 && this.#count(c, node.results) + stored + added > this.#most ? this.reason : null;
  }

  /** Why two clusters cannot be one kernel, or null. */
  mergeRefusal(x: Cluster, d: Cluster): string | null {
    const read = new Set([...x.demands.keys(), ...d.demands.keys()].filter((v) => !x.outputs.has(v) && this.#counts(x.careful || d.careful, v)));
    return read.size + x.outputs.size + d.outputs.size > this.#most ? this.reason : null;
  }

  /** Whether the cluster, complete, binds too many. */
  exceeds(c: Cluster): boolean {
    return this.#count(c, []) > this.#most;
  }

  #counts(careful: boolean, v: Value): boolean {
    return !isFree(v.node) && (careful || v.node.op.kind === "param" || this.#done.has(v.node));
  }

  #count(c: Cluster, without: readonly Value[]): number {
    let n = c.outputs.size;
    for (const v of c.demands.keys()) if (!without.includes(v) && this.#counts(c.careful, v)) n++;
    return n;
  }

  #added(c: Cluster, node: Node): number {
    return new Set(node.args.filter((a) => !c.demands.has(a) && this.#counts(c.careful, a))).size;
  }
}
