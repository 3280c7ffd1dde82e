/**
 * distribute: on one lane, a contraction that adds up over pieces put together is the sum of contractions over the pieces.
 *
 *   %0 = concat %x, %h {axis=1}            %2 = dot %x, (slice %w {start=[0,0]})
 *   %1 = dot %0, %w                   →    %3 = dot %h, (slice %w {start=[128,0]})
 *                                          %1 = add %2, %3
 *
 * A choice for each product keeps neighbours from being one vector, and pieces that are stored side by side are moved twice. The other
 * operand must be memory, of which a box costs nothing, and nobody else may need the pieces together. Sums are added up in another
 * order by that. Lanes that stage what they load choose there, once a tile.
 */
import { at } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { axisIndex } from "../ir/expr.ts";
import type { Graph, Interner } from "../ir/graph.ts";
import { nodesOf, rewrite } from "../ir/graph.ts";
import { namesIn } from "../ir/indexing.ts";
import type { Node, Value } from "../ir/node.ts";
import { result } from "../ir/node.ts";
import { sizeOf } from "../ir/shape.ts";
import { add } from "../ops/arithmetic.ts";
import { reshape } from "../ops/layout.ts";
import { slice } from "../ops/views.ts";
import type { Target } from "../target.ts";
import { choiceIn, mayChoose, placeIn, wholeBox } from "./boxes.ts";
import { isAlias } from "./region.ts";
import { storageOf } from "./storage.ts";

/** A sum of more contractions than this would load the other operand in too many walks. */
const mostPieces = 4;

export function distribute(graph: Graph, target: Target): Graph {
  const nodes = nodesOf(graph);
  if (target.lanes > 1 || !nodes.some(mayChoose)) return graph;
  const needed = new Set(graph.outputs.map((v) => storageOf(v).node));
  for (const n of nodes) for (const [k, v] of n.args.entries()) if (!isAlias(n) && sumOver(n, n.args, k) === null) needed.add(storageOf(v).node);
  return rewrite(graph, (node, args, intern) => {
    for (const [k, v] of node.args.entries()) {
      const sum = needed.has(storageOf(v).node) ? null : sumOver(node, args, k);
      if (sum !== null) return [distributed(node, args, sum, intern)];
    }
    return null;
  });
}

/** Pieces side by side along an axis. */
interface Row {
  readonly axis: number;
  readonly pieces: readonly Value[];
}

/** A row that a contraction adds up over, as one operand, and the axis of the other operand that goes with it. */
interface Sum extends Row {
  readonly operand: number;
  readonly otherAxis: number;
}

/** The row that operand `k` of a contraction is, if it is one along an axis that is added up. */
function sumOver(node: Node, args: readonly Value[], k: number): Sum | null {
  const row = node.op.kind === "contraction" && result(node, 0).dtype !== "bool" ? rowOf(at(args, k)) : null;
  if (row === null || storageOf(at(args, 1 - k)).node.op.kind !== "param") return null;
  const otherAxis = pairOf(node, args, { operand: k, axis: row.axis });
  return otherAxis === null ? null : { ...row, operand: k, otherAxis };
}

/** What a value is put together of, all along one axis, behind reshapes that keep that axis. */
function rowOf(value: Value): Row | null {
  const { node, shape } = value;
  if (node.op.kind !== "view") return null;
  if (isAlias(node)) {
    const row = rowOf(at(node.args, 0));
    const axis = row === null ? -1 : axisKept(at(node.args, 0).shape, row.axis, shape);
    return row === null || axis < 0 ? null : { axis, pieces: row.pieces.map((p) => reshape(p, shape.with(axis, at(p.shape, row.axis)))) };
  }
  const whole = wholeBox(shape);
  const choice = choiceIn(node, whole);
  if (choice.length < 2 || choice.length > mostPieces) return null;
  const axis = shape.findIndex((n, i) => at(choice, 0).value.shape[i] !== n);
  let from = 0;
  for (const { value: piece, shift } of choice) {
    const place = shift === null ? null : placeIn(piece, shift, whole);
    const isNext = place?.start.every((s, i) => s === (i === axis ? from : 0)) === true && place.size.every((n, i) => i === axis || n === shape[i]);
    if (place === null || !isNext || place.size.some((n, i) => n !== piece.shape[i])) return null;
    from += at(place.size, axis);
  }
  return from === shape[axis] ? { axis, pieces: choice.map((c) => c.value) } : null;
}

/** Which axis of `to` an axis of `from` is in a reshape; -1 where it is none. */
function axisKept(from: readonly number[], axis: number, to: readonly number[]): number {
  const before = sizeOf(from.slice(0, axis));
  return to.findIndex((n, i) => n === from[axis] && sizeOf(to.slice(0, i)) === before);
}

/** The axis of the other operand over which is added up together with one of an operand; null where it is not just that. */
function pairOf({ op, attrs, results }: Node, args: readonly Value[], { operand, axis }: { readonly operand: number; readonly axis: number }): number | null {
  if (op.kind !== "contraction") return null;
  const types = args.map((a) => a.type);
  const depth = op.depth(types, attrs).map((n, i) => axisIndex(`d${i}`, 0, n - 1));
  const out = at(results, 0).shape.map((n, i) => axisIndex(`o${i}`, 0, n - 1));
  const places = op.factors(out, depth, { attrs, shape: (k) => at(types, k).shape });
  const walked = at(at(places, operand).index, axis);
  if (!depth.includes(walked)) return null;
  const [name] = namesIn(walked);
  const uses = (e: Expr): boolean => name !== undefined && namesIn(e).includes(name);
  if (places.some((p) => p.guard !== undefined && uses(p.guard))) return null;
  const other = at(places, 1 - operand).index;
  const pair = other.findIndex((e) => e === walked);
  return pair >= 0 && other.filter(uses).length === 1 && at(places, operand).index.filter(uses).length === 1 ? pair : null;
}

/** The sum of the contractions over the pieces. */
function distributed(node: Node, args: readonly Value[], { operand, pieces, axis, otherAxis }: Sum, intern: Interner): Value {
  const other = at(args, 1 - operand);
  let from = 0;
  const parts = pieces.map((piece) => {
    const size = at(piece.shape, axis);
    const start = other.shape.map((_, i) => (i === otherAxis ? from : 0));
    const own = slice(other, start, other.shape.with(otherAxis, size));
    from += size;
    const made = intern.node(node.op, operand === 0 ? [piece, own] : [own, piece], node.attrs, node.provenance);
    made.site ??= node.site;
    return result(made, 0);
  });
  return parts.reduce((sum, part) => add(sum, part));
}
