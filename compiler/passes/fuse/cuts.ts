/**
 * Where a kernel that binds too many buffers is cut in two: at a value that is stored by one part and read by the other.
 *
 *   relu(norm(conv(h, w1), …) + norm(conv(x, w2), …))     cut at the second norm: each part reads one image, its weights, its statistics
 *
 * Of the cuts that leave two parts that fit, the one that moves least; where none does, the one whose larger part is smallest.
 */
import type { Node, Value } from "../../ir/node.ts";
import { bytesOf } from "../../ir/shape.ts";
import { isFree } from "../region.ts";
import { constantOf, storageOf } from "../storage.ts";
import { bindingsOf } from "./bindings.ts";
import type { Cluster } from "./cluster.ts";
import type { FusionState } from "./state.ts";

/** Beyond this many nodes all cuts are too many to compare. */
const mostNodes = 800;

interface Cut {
  readonly node: Node;
  /** Buffers that the larger part binds. */
  readonly bound: number;
  readonly bytes: number;
}

/** The node at which to cut, or null where there is none. */
export function cutOf(c: Cluster, state: FusionState): Node | null {
  if (c.nodes.size > mostNodes) return null;
  const most = state.target.maxBindings;
  let best: Cut | null = null;
  for (const node of c.nodes) {
    const cut = isPlace(node, c) ? cutAt(node, c, state) : null;
    if (cut !== null && (best === null || isBetter(cut, best, most))) best = cut;
  }
  return best?.node ?? null;
}

function isBetter(a: Cut, b: Cut, most: number): boolean {
  const [fitsA, fitsB] = [a.bound <= most, b.bound <= most];
  if (fitsA !== fitsB) return fitsA;
  if (fitsA) return a.bytes < b.bytes || (a.bytes === b.bytes && a.bound < b.bound);
  return a.bound < b.bound || (a.bound === b.bound && a.bytes < b.bytes);
}

/** What is all the kernel stores is no place for a cut; nor is what occupies no memory of its own. */
const isPlace = (node: Node, c: Cluster): boolean =>
  !isFree(node) && node.results.every((r) => storageOf(r) === r && constantOf(r) === null) && [...c.outputs.keys()].some((v) => v.node !== node);

function cutAt(node: Node, c: Cluster, state: FusionState): Cut | null {
  const above = reading(
    node.results.map((r) => r.node),
    c,
    null,
  );
  const below = reading(
    [...c.outputs.keys()].map((v) => v.node).filter((n) => n !== node),
    c,
    node,
  );
  if (above.nodes.size === c.nodes.size) return null;
  const outputs = [...c.outputs.keys()];
  const ofAbove = outputs.filter((v) => above.nodes.has(v.node) && !below.nodes.has(v.node));
  const ofBelow = outputs.filter((v) => below.nodes.has(v.node));
  const first = bindingsOf([...above.values, ...node.results, ...ofAbove], state.returned, state.target);
  const second = bindingsOf([...below.values, ...ofBelow], state.returned, state.target);
  const all = [...new Set([...above.values, ...below.values, ...outputs])];
  // a part that binds what the whole binds is no part
  if (Math.max(first, second) >= bindingsOf(all, state.returned, state.target)) return null;
  const bytes = node.results.reduce((n, r) => n + bytesOf(r.type) * (c.outputs.has(r) ? 1 : 2), 0);
  return { node, bound: Math.max(first, second), bytes };
}

/** The nodes of the cluster that some are computed from, themselves included, and the values from outside that they read. */
function reading(from: readonly Node[], c: Cluster, cut: Node | null): { readonly nodes: ReadonlySet<Node>; readonly values: ReadonlySet<Value> } {
  const nodes = new Set(from.filter((n) => n !== cut));
  const values = new Set<Value>();
  const open = [...nodes];
  for (let n = open.pop(); n !== undefined; n = open.pop()) {
    for (const a of n.args) {
      if (a.node === cut || !c.nodes.has(a.node)) {
        if (!isFree(a.node)) values.add(a);
      } else if (!nodes.has(a.node)) {
        nodes.add(a.node);
        open.push(a.node);
      }
    }
  }
  return { nodes, values };
}
