/**
 * write: updates of memory that dies become stores into it.
 *
 *   %x donated                                               %x donated
 *   %1 = add (slice %x {start=[2]}), 1                       %1 = copy (add (slice %x {start=[2]}), 1)
 *   %2 = dynamic update %x, %1, 1                    →       %2 = write %x, %1, 1
 *
 * As a view, an update computes every element anew, from the update or from what was there, and fuses with whatever asks for it. Where
 * the operand's memory may be written over, it is better to store the update alone. What the update reads of that memory at other
 * places than those it goes to is read before: it gets a buffer of its own.
 */
import { at } from "../ir/errors.ts";
import { variable } from "../ir/expr.ts";
import type { Expr } from "../ir/expr.ts";
import type { Graph } from "../ir/graph.ts";
import { nodesOf, rewrite } from "../ir/graph.ts";
import { flatten, ix, keyOf } from "../ir/indexing.ts";
import type { Node, Value } from "../ir/node.ts";
import { result } from "../ir/node.ts";
import type { ReadContext, ScatterPrimitive } from "../ir/primitive.ts";
import { sizeOf } from "../ir/shape.ts";
import { copyOp } from "../ops/barrier.ts";
import { Axes } from "./fuse/axes.ts";
import { bufferParams, isLight } from "./region.ts";
import { storageOf } from "./storage.ts";

/** The row that writes what this node changes of operand 0, or null where it is no update. */
export function writingRow(node: Node): ScatterPrimitive | null {
  if (node.op.kind === "scatter") return node.op;
  return node.op.kind === "view" ? (node.op.written ?? null) : null;
}

/** `donated` are buffer params, by position among them, whose memory may be written over. */
export function writeInPlace(graph: Graph, donated: readonly number[]): Graph {
  if (donated.length === 0) return graph;
  const buffers = bufferParams(graph);
  // of each value whose memory dies, the param that it was given with
  const homes = new Map(donated.map((i) => [at(buffers, i), at(buffers, i)]));
  const chosen = choose(graph, homes);
  if (chosen.size === 0) return graph;
  // an update that is asked for too is stored once
  const copies = new Map<Value, Value>();
  const written = rewrite(graph, (node, args, intern) => {
    const row = chosen.get(node);
    if (row === undefined) return null;
    if (!readsElsewhere(node, row, homes)) return intern.node(row, args, node.attrs).results;
    const copy = result(intern.node(copyOp, [at(args, row.updates)], {}), 0);
    copies.set(at(node.args, row.updates), copy);
    return intern.node(row, args.with(row.updates, copy), node.attrs).results;
  });
  return { ...written, outputs: graph.outputs.map((v, i) => copies.get(v) ?? at(written.outputs, i)) };
}

/** The updates whose operand dies with them, and the rows that write them. */
function choose(graph: Graph, homes: Map<Value, Value>): ReadonlyMap<Node, ScatterPrimitive> {
  const nodes = nodesOf(graph).filter((node) => writingRow(node) !== null);
  // of several updates of one memory all but the last would need a copy
  const last = new Map(nodes.map((node) => [storageOf(at(node.args, 0)), node]));
  const outputs = new Set(graph.outputs.map(storageOf));
  const chosen = new Map<Node, ScatterPrimitive>();
  for (const node of nodes) {
    const [base, row, to] = [storageOf(at(node.args, 0)), writingRow(node), result(node, 0)];
    const home = homes.get(base);
    if (row === null || home === undefined || outputs.has(base) || last.get(base) !== node) continue;
    if (sizeOf(at(node.args, row.updates).shape) >= sizeOf(to.shape)) continue;
    chosen.set(node, row);
    homes.set(to, home);
  }
  return chosen;
}

/** Beyond this many nodes nobody looks where an update reads. */
const patience = 256;

interface Reading {
  readonly value: Value;
  readonly index: readonly Expr[];
}

/** Whether the kernel of the update would read the memory that it writes to, but for the elements that it replaces, each its own. */
function readsElsewhere(node: Node, row: ScatterPrimitive, homes: ReadonlyMap<Value, Value>): boolean {
  const [operand, update] = [at(node.args, 0), at(node.args, row.updates)];
  const home = homes.get(storageOf(operand));
  const axes = new Axes();
  const space = update.shape.map((n) => (n === 1 ? ix(0) : axes.add(n)));
  const goal = keyOf(flatten(row.target(space, contextOf(node, [])), operand.shape));
  const open: Reading[] = [{ value: update, index: space }];
  let steps = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, index } = next;
    const memory = storageOf(value);
    if (homes.has(memory)) {
      const own = row.distinct && memory === storageOf(operand) && keyOf(flatten(index, value.shape)) === goal;
      if (homes.get(memory) === home && !own) return true;
    } else {
      if (++steps > patience) return true;
      open.push(...readingsOf(value.node, index));
    }
  }
  return false;
}

/** What the kernel that computes an element of a light node reads; others have kernels of their own. */
function readingsOf(node: Node, index: readonly Expr[]): readonly Reading[] {
  if (!isLight(node)) return [];
  if (node.op.kind !== "view" && node.op.kind !== "gather") return node.args.map((value) => ({ value, index }));
  const read: Reading[] = [];
  const pieces = node.op.pieces(index, contextOf(node, read));
  return [...read, ...pieces.map((p) => ({ value: at(node.args, p.operand), index: p.index }))];
}

/** Numbers that indices are computed from have one name a value, so that equal places are equal texts. */
function contextOf(node: Node, readings: Reading[]): ReadContext {
  return {
    attrs: node.attrs,
    operands: node.args.length,
    shape: (k) => at(node.args, k).shape,
    read: (k, index) => {
      const value = at(node.args, k);
      readings.push({ value, index });
      return variable(`q${value.node.id}_${value.index}[${index.map(keyOf).join()}]`, "int32");
    },
  };
}
