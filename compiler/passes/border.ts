/**
 * border: contractions that ask beyond the edges of an operand get a copy of it that has zeros there.
 *
 *   %0 = conv %x, %w {low=[1,1], high=[1,1], …}     →     %0 = copy (pad %x, 0 {low=[0,0,0,1,1], high=[0,0,0,1,1], …})
 *                                                         %1 = conv %0, %w {low=[0,0], high=[0,0], …}
 *
 * On one lane a guard costs with every product, and keeps neighbouring elements from being one vector: a copy is moved once. Targets
 * whose lanes stage what they load guard it there, once a tile. Only what is memory already is copied: what a kernel of the same plan
 * computes would take one more kernel.
 */
import { at } from "../ir/errors.ts";
import type { Graph } from "../ir/graph.ts";
import { nodesOf, rewrite } from "../ir/graph.ts";
import type { Node, Value } from "../ir/node.ts";
import { make } from "../ir/node.ts";
import type { Border } from "../ir/primitive.ts";
import { sizeOf } from "../ir/shape.ts";
import { copy } from "../ops/barrier.ts";
import { pad } from "../ops/views.ts";
import type { Target } from "../target.ts";
import { storedBytes } from "../target.ts";
import { isScalarParam } from "./region.ts";
import { storageOf } from "./storage.ts";

export function border(graph: Graph, target: Target): Graph {
  if (target.lanes > 1 || !nodesOf(graph).some(({ op }) => op.kind === "contraction" && op.border !== undefined)) return graph;
  return rewrite(graph, (node, args) => {
    const missing = missingBorder(node, args, target);
    if (missing === null) return null;
    return [make(node.op, args.with(0, copy(pad(at(args, 0), 0, missing.low, missing.high))), missing.attrs)];
  });
}

/** A product behind a guard of its own is computed alone, in this many nanoseconds. */
const guardedNs = 1;

/** What is missing around operand 0, where a copy that has it pays. */
function missingBorder(node: Node, args: readonly Value[], target: Target): Border | null {
  if (node.op.kind !== "contraction" || node.op.border === undefined) return null;
  const types = args.map((a) => a.type);
  const x = at(args, 0);
  const home = homeOf(x);
  const missing = home.op.kind === "param" && !isScalarParam(home) ? node.op.border(types, node.attrs) : null;
  if (missing === null) return null;
  const products = sizeOf(at(node.results, 0).shape) * sizeOf(node.op.depth(types, node.attrs));
  const shape = x.shape.map((n, i) => n + at(missing.low, i) + at(missing.high, i));
  const moved = storedBytes(x.type, target) + storedBytes({ dtype: x.dtype, shape }, target);
  return products * guardedNs > target.launchNs + moved / target.bandwidth ? missing : null;
}

/** What a value is views of. */
function homeOf(value: Value): Node {
  let { node } = storageOf(value);
  while (node.op.kind === "view" && node.args.length === 1) ({ node } = storageOf(at(node.args, 0)));
  return node;
}
