/**
 * What kernels compute more often than a kernel for each node would, and what that saves: a value that two kernels compute is neither
 * stored nor read back, nor is one that several stages of a row compute, each for itself.
 *
 *   t = a * b; (t + c, the sum of t's columns)     →     t is computed 2 times an element: 3 times its bytes are not moved
 *
 * It is counted in the loops of both, in which each operation says of which node it is. Nothing depends on it: it is for those who ask why.
 */
import { countOrigins } from "../ir/count.ts";
import { dtypeInfo } from "../ir/dtype.ts";
import type { Graph } from "../ir/graph.ts";
import { nodesOf } from "../ir/graph.ts";
import type { Node, Value } from "../ir/node.ts";
import { result } from "../ir/node.ts";
import { sizeOf } from "../ir/shape.ts";
import type { Target } from "../target.ts";
import { markedLoops } from "./fragments.ts";
import { fuse } from "./fuse/fuse.ts";
import { originOf, withOrigins } from "./lower/element.ts";
import type { Region } from "./region.ts";

/** A value that is computed again. */
export interface Recomputed {
  readonly value: Value;
  /** How often an element is computed, on average. */
  readonly times: number;
  /** How many kernels compute it. */
  readonly kernels: number;
  /** Scalar operations beyond those that a kernel of its own takes. */
  readonly operations: number;
  /** Bytes that storing it once and reading it in each place would move. */
  readonly savedBytes: number;
}

interface Use {
  operations: number;
  /** Loops that compute it. */
  places: number;
  kernels: number;
  isStored: boolean;
}

const unused: Use = { operations: 0, places: 0, kernels: 0, isStored: false };

/** What the kernels of these regions of a graph compute again, in its order. */
export function recomputations(graph: Graph, regions: readonly Region[], target: Target): Recomputed[] {
  const nodes = nodesOf(graph);
  const usual = usesOf(fuse(graph, target, { fusion: false }).regions, nodes, target);
  const uses = usesOf(regions, nodes, target);
  return nodes.flatMap((node) => {
    const { operations, places, kernels, isStored } = uses.get(node) ?? unused;
    const alone = usual.get(node)?.operations ?? 0;
    const value = result(node, 0);
    const size = sizeOf(value.shape);
    const more = Math.round(operations - alone);
    if (more <= 0 || size === 0) return [];
    const moved = isStored ? places - 1 : places + 1;
    // a place costs nothing until a choice depends on it
    const times = alone === 0 ? Math.max(1, operations / size) : operations / alone;
    return [{ value, times, kernels, operations: more, savedBytes: Math.max(0, moved) * size * dtypeInfo(value.dtype).bytes }];
  });
}

/** What the kernels of regions do for each node that they compute. */
function usesOf(regions: readonly Region[], nodes: readonly Node[], target: Target): Map<Node, Use> {
  const byOrigin = new Map(nodes.map((n) => [originOf(n), n]));
  const uses = new Map<Node, Use>();
  for (const region of regions) {
    const kernel = markedLoops(region, target, withOrigins);
    if (kernel === null) continue;
    for (const [origin, { operations, places }] of countOrigins(kernel)) {
      const node = byOrigin.get(origin);
      if (node === undefined || operations === 0) continue;
      const use = uses.get(node) ?? { ...unused };
      use.operations += operations;
      use.places += places;
      use.kernels++;
      use.isStored ||= region.outputs.some((o) => o.value.node === node);
      uses.set(node, use);
    }
  }
  return uses;
}
