/**
 * split: a long reduction with few results becomes two, so that lanes have work.
 *
 *   reduce sum f32[1048576] → f32[]     →     reduce sum f32[1024,1024] → f32[1024], reduce sum f32[1024] → f32[]
 *
 * Of ragged values the first step reduces each row (`split-rows`).
 *
 * How it is cut depends on the shape only, so that the bits do not depend on the machine. Targets with one lane need the rows only.
 */
import { at } from "../ir/errors.ts";
import type { Graph } from "../ir/graph.ts";
import { rewrite } from "../ir/graph.ts";
import type { Node, Value } from "../ir/node.ts";
import { ints, make } from "../ir/node.ts";
import { sizeOf } from "../ir/shape.ts";
import { permute, reshape } from "../ops/layout.ts";
import type { Target } from "../target.ts";
import { RowSplit } from "./split-rows.ts";

/** Below this many elements a result one workgroup is enough. */
const longEnough = 1 << 16;
/** With this many results every lane has work anyway. */
const enoughResults = 256;

export function split(graph: Graph, target: Target): Graph {
  const rows = new RowSplit(target);
  const byRows = rewrite(graph, (node, args, intern) => {
    const steps = rows.visit(node, args, intern);
    return steps === null ? null : [steps];
  });
  if (target.lanes === 1) return byRows;
  return rewrite(byRows, (node, args) => {
    const cut = cutOf(node);
    return cut === null ? null : [splitReduction(node, at(args, 0), cut)];
  });
}

/** The length of the inner part, or null where the reduction stays whole. */
function cutOf(node: Node): number | null {
  if (node.op.kind !== "reduction" || node.results.length > 1) return null;
  const x = at(node.args, 0);
  const monoid = node.op.monoid(x.type, node.attrs);
  if (monoid.dtypes.length > 1 || at(node.results, 0).dtype !== x.dtype) return null;
  const results = sizeOf(at(node.results, 0).shape);
  const length = sizeOf(x.shape) / Math.max(1, results);
  if (length < longEnough || results >= enoughResults) return null;
  for (let inner = 1024; inner >= 64; inner--) if (length % inner === 0) return inner;
  return null;
}

function splitReduction(node: Node, x: Value, inner: number): Value {
  const axes = ints(node.attrs, "axes");
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const length = axes.reduce((n, a) => n * at(x.shape, a), 1);
  const lead = kept.map((i) => at(x.shape, i));
  const rows = reshape(permute(x, [...kept, ...axes]), [...lead, length / inner, inner]);
  const parts = make(node.op, [rows], { ...node.attrs, axes: [lead.length + 1] });
  return make(node.op, [parts], { ...node.attrs, axes: [lead.length] });
}
