/**
 * split: a long reduction with few results becomes two, so that lanes have work.
 *
 *   reduce sum f32[1048576] → f32[]     →     reduce sum f32[1024,1024] → f32[1024], reduce sum f32[1024] → f32[]
 *
 * Of ragged values the first step reduces each row (`split-rows`).
 *
 * Rows have up to 1024 elements; where no length from 64 on divides what there is, the last row is filled up with elements that change
 * nothing. A position is found row by row: the first row that holds the extreme, then the place in it.
 *
 * How it is cut depends on the shape only, so that the bits do not depend on the machine. Targets with one lane need the rows only.
 */
import { at, CompilerBug } from "../ir/errors.ts";
import { exactValue } from "../ir/expr.ts";
import type { Graph } from "../ir/graph.ts";
import { nodesOf, rewrite } from "../ir/graph.ts";
import type { Node, Value } from "../ir/node.ts";
import { ints, make } from "../ir/node.ts";
import type { ReductionPrimitive } from "../ir/primitive.ts";
import { sizeOf } from "../ir/shape.ts";
import { permute, reshape } from "../ops/layout.ts";
import { constantValue } from "../ops/source.ts";
import { pad } from "../ops/views.ts";
import type { Target } from "../target.ts";
import { RowSplit } from "./split-rows.ts";

/** Below this many elements a result one workgroup is enough. */
const longEnough = 1 << 16;
/** With this many results every lane has work anyway. */
const enoughResults = 256;
/** Elements of a row. */
const longestRow = 1024;

export function split(graph: Graph, target: Target): Graph {
  const byRows = splitRows(graph, target);
  if (target.lanes === 1 || !nodesOf(byRows).some((node) => cutOf(node) !== null)) return byRows;
  return rewrite(byRows, (node, args) => {
    const cut = cutOf(node);
    return cut === null ? null : [splitReduction(node, at(args, 0), cut)];
  });
}

function splitRows(graph: Graph, target: Target): Graph {
  // only gathers spread a value over the elements of its row
  if (!nodesOf(graph).some((node) => node.op.kind === "gather")) return graph;
  const rows = new RowSplit(target);
  return rewrite(graph, (node, args, intern) => {
    const steps = rows.visit(node, args, intern);
    return steps === null ? null : [steps];
  });
}

/** How a long reduction is cut: rows of `inner` elements, the last one filled up by `missing` that change nothing. */
interface Cut {
  readonly inner: number;
  readonly missing: number;
}

/** How a reduction is cut, or null where it stays whole. */
function cutOf(node: Node): Cut | null {
  if (node.op.kind !== "reduction" || node.results.length > 1) return null;
  const x = at(node.args, 0);
  const { dtypes, init } = node.op.monoid(x.type, node.attrs);
  const isPlain = dtypes.length === 1 && at(node.results, 0).dtype === x.dtype;
  if (!isPlain && node.op.inTwo === undefined) return null;
  const results = sizeOf(at(node.results, 0).shape);
  const length = sizeOf(x.shape) / Math.max(1, results);
  if (length < longEnough || results >= enoughResults) return null;
  for (let inner = longestRow; inner >= 64; inner--) if (length % inner === 0) return { inner, missing: 0 };
  const isFilled = isPlain && at(init, 0).op === "const";
  return isFilled ? { inner: longestRow, missing: longestRow - (length % longestRow) } : null;
}

function splitReduction(node: Node, x: Value, { inner, missing }: Cut): Value {
  if (node.op.kind !== "reduction") throw new CompilerBug("split: no reduction");
  const axes = ints(node.attrs, "axes");
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const length = axes.reduce((n, a) => n * at(x.shape, a), 1);
  const lead = kept.map((i) => at(x.shape, i));
  const line = reshape(permute(x, [...kept, ...axes]), [...lead, length]);
  const rows = reshape(filled(line, missing, node.op), [...lead, (length + missing) / inner, inner]);
  if (node.op.inTwo !== undefined) return node.op.inTwo(rows);
  const parts = make(node.op, [rows], { ...node.attrs, axes: [lead.length + 1] });
  return make(node.op, [parts], { ...node.attrs, axes: [lead.length] });
}

/** More elements at the end of the last axis, of the kind that the reduction begins with. */
function filled(x: Value, missing: number, op: ReductionPrimitive): Value {
  if (missing === 0) return x;
  const none = x.shape.map(() => 0);
  const neutral = exactValue(at(op.monoid(x.type, {}).init, 0));
  return pad(x, constantValue(neutral, x.dtype), none, none.with(none.length - 1, missing));
}
