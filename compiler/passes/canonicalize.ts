/**
 * canonicalize: a recorded graph becomes a graph of its own, and a key.
 *
 *   x.mul(0.1)   (x evaluated)      graph @main(%b0: f32[4], %s0: scalar f32) { %0 = multiply %b0, broadcast %s0 }
 *
 * Evaluated values become buffer params (one a buffer), numbers that the user passed become scalar params, so that a decaying
 * learning rate or a moving offset changes no structure; `detach` goes; equal definitions become one node. What must come from
 * another device first is a buffer param too: the graph is what one device computes. The key spells the whole structure: two graphs
 * with one key are the same program.
 */
import { at, CompilerBug, lookup } from "../ir/errors.ts";
import type { Graph } from "../ir/graph.ts";
import { attrsText, Interner, postorder } from "../ir/graph.ts";
import type { Attrs, Node, Slot, Value } from "../ir/node.ts";
import { deviceOf, int, make, noAttrs } from "../ir/node.ts";
import { dtypeInfo } from "../ir/dtype.ts";
import { typeText } from "../ir/shape.ts";
import { param } from "../ops/source.ts";

/** The structure of what is asked for, and what this asking puts into it. */
export interface Canonical {
  readonly key: string;
  /** The recorded nodes that are computed, operands first. */
  readonly nodes: readonly Node[];
  /** A value for each buffer param: evaluated, or a move that must be before the plan runs. */
  readonly buffers: readonly Value[];
  /** A number for each scalar param. */
  readonly scalars: readonly number[];
  readonly build: () => Graph;
}

/** A number of the user that becomes a scalar param; one that is asked for itself needs a buffer and stays, as does a bigint beyond 2^53. */
const isLifted = (node: Node, asked: ReadonlySet<Node>): boolean =>
  node.provenance === "user" && node.op.kind === "source" && typeof node.attrs["value"] === "number" && !asked.has(node);
const isTransfer = (node: Node): boolean => node.definition !== null && node.op.kind === "barrier" && node.op.effect === "transfer";

/** A value that is computed on one device and asked for on another, and was not moved yet. */
export function isMove(v: Value): boolean {
  if (v.slot !== null || !isTransfer(v.node)) return false;
  const from = deviceOf(at(v.node.args, 0));
  return from !== null && from !== v.node.device;
}

/** An identity that is erased: a detached value, or one that is where it should be. */
const isErased = (node: Node): boolean => (node.op.kind === "barrier" && node.op.effect === "detach") || isTransfer(node);
/** The node that a value is, or is a detached form of. */
function attached(v: Value): Node {
  let { node } = v;
  while (node.definition !== null && isErased(node) && !isMove(at(node.results, 0))) ({ node } = at(node.args, 0));
  return node;
}

/** Where the graph ends: evaluated values, and those that come from another device. */
const isLeaf = (v: Value): boolean => v.slot !== null || isMove(v);

const texts = new WeakMap<Attrs, string>();

/** `attrsText`, remembered. */
function textOf(attrs: Attrs): string {
  if (attrs === noAttrs) return "";
  const known = texts.get(attrs);
  if (known !== undefined) return known;
  const text = attrsText(attrs);
  texts.set(attrs, text);
  return text;
}

export function canonicalize(values: readonly Value[], name: string = "main"): Canonical {
  const order = postorder(values, isLeaf);
  const asked = new Set(values.map(attached));
  const buffers: Value[] = [];
  const known = new Map<Slot | Value, string>();
  const scalars: number[] = [];
  const names = new Map<Node, string>();
  const words: string[] = [];
  const refer = (v: Value): string => {
    if (isLeaf(v)) {
      const name = known.get(v.slot ?? v);
      if (name !== undefined) return name;
      const ref = `b${buffers.length}`;
      buffers.push(v);
      known.set(v.slot ?? v, ref);
      words.push(`${ref}:${typeText(v.type)}`);
      return ref;
    }
    const base = lookup(names, v.node, "a node's name");
    return v.index === 0 ? base : `${base}.${v.index}`;
  };
  order.forEach((node, i) => {
    if (isErased(node)) names.set(node, refer(at(node.args, 0)));
    else if (isLifted(node, asked)) {
      names.set(node, `s${scalars.length}`);
      words.push(`s${scalars.length}:${dtypeInfo(at(node.results, 0).dtype).short}`);
      scalars.push(int(node.attrs, "value"));
    } else {
      names.set(node, `n${i}`);
      words.push(`n${i}=${node.op.name}(${node.args.map(refer).join()})${textOf(node.attrs)}`);
    }
  });
  words.push(`>${values.map(refer).join()}`);
  return { key: words.join(";"), nodes: order, buffers, scalars, build: () => build(name, values, order, buffers) };
}

function build(name: string, values: readonly Value[], order: readonly Node[], buffers: readonly Value[]): Graph {
  const interner = new Interner();
  const asked = new Set(values.map(attached));
  const params: Value[] = [];
  const byLeaf = new Map<Slot | Value, Value>();
  for (const [i, v] of buffers.entries()) {
    const p = makeParam(`x${i}`, v, "buffer");
    params.push(p);
    byLeaf.set(v.slot ?? v, p);
  }
  const done = new Map<Node, readonly Value[]>();
  const mapped = (v: Value): Value => (isLeaf(v) ? lookup(byLeaf, v.slot ?? v, "a param") : at(lookup(done, v.node, "a rebuilt node"), v.index));
  let scalars = 0;
  for (const node of order) {
    if (isErased(node)) done.set(node, [mapped(at(node.args, 0))]);
    else if (isLifted(node, asked)) {
      const p = makeParam(`s${scalars++}`, at(node.results, 0), "scalar");
      params.push(p);
      done.set(node, [p]);
    } else {
      const made = interner.node(node.op, node.args.map(mapped), node.attrs);
      made.site ??= node.site;
      done.set(node, made.results);
    }
  }
  return { name, params, outputs: values.map(mapped) };
}

function makeParam(name: string, v: Value, space: "buffer" | "scalar"): Value {
  if (space === "scalar" && v.shape.length > 0) throw new CompilerBug("a scalar param has rank 0");
  return make(param, [], { name, dtype: v.dtype, shape: v.shape, space });
}
