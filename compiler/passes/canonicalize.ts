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
import type { DType } from "../ir/dtype.ts";
import type { Primitive } from "../ir/primitive.ts";
import { param } from "../ops/source.ts";
import { constantOf } from "./storage.ts";

/** The structure of what is asked for, and what this asking puts into it. */
export interface Canonical {
  /** Equal for equal structures, and for no others. Its numbers mean something in this process only. */
  readonly key: readonly number[];
  /** The recorded nodes that are computed, operands first. */
  readonly nodes: readonly Node[];
  /** A value for each buffer param: evaluated, or a move that must be before the plan runs. */
  readonly buffers: readonly Value[];
  /** A number for each scalar param. */
  readonly scalars: readonly number[];
  /** The scalars, by position, that say where gradients go into zeros. */
  readonly placing: () => readonly number[];
  /** The graph with some of the scalars, by position, as the constants that they are now (their params nobody reads): those of `placing`, if not told. */
  readonly build: (fixed?: readonly number[]) => Graph;
}

/** A number of the user that becomes a scalar param; one that is asked for itself needs a buffer and stays, as does a bigint beyond 2^53. */
const isLifted = (node: Node, asked: Asked): boolean =>
  node.provenance === "user" && node.op.kind === "source" && typeof node.attrs["value"] === "number" && !asked.has(node);

const isTransfer = (node: Node): boolean => node.isBarrier && node.definition !== null && node.op.kind === "barrier" && node.op.effect === "transfer";

/** A value that is computed on one device and asked for on another, and was not moved yet. */
export function isMove(v: Value): boolean {
  if (v.slot !== null || !isTransfer(v.node)) return false;
  const from = deviceOf(at(v.node.args, 0));
  return from !== null && from !== v.node.device;
}

/** An identity that is erased: a detached value, or one that is where it should be. */
const isErased = (node: Node): boolean => node.isBarrier && node.op.kind === "barrier" && (node.op.effect === "detach" || node.op.effect === "transfer");
/** The node that a value is, or is a detached form of. */
function attached(v: Value): Node {
  let { node } = v;
  while (node.definition !== null && isErased(node) && !isMove(at(node.results, 0))) ({ node } = at(node.args, 0));
  return node;
}

/** The nodes whose values are asked for, found when that matters. */
class Asked {
  readonly #values: readonly Value[];
  #nodes: ReadonlySet<Node> | null = null;
  constructor(values: readonly Value[]) {
    this.#values = values;
  }
  has(node: Node): boolean {
    this.#nodes ??= new Set(this.#values.map(attached));
    return this.#nodes.has(node);
  }
}

/** Where the graph ends: evaluated values, and those that come from another device. */
const isLeaf = (v: Value): boolean => v.slot !== null || (v.node.isBarrier && isMove(v));

/** Numbers for what a key names, given out in the order of asking. */
class Numbering<T> {
  readonly #numbers = new Map<T, number>();
  of(x: T): number {
    const known = this.#numbers.get(x);
    if (known !== undefined) return known;
    const next = this.#numbers.size;
    this.#numbers.set(x, next);
    return next;
  }
}

const opNumbers = new Numbering<Primitive>();
const dtypeNumbers = new Numbering<DType>();

/** So many different attributes are told apart at a time: a program that never repeats itself must not fill the memory. */
const mostAttrs = 100_000;
let attrNumbers = new Map<string, number>();
let numberOfAttrs = new WeakMap<Attrs, number>();
let attrsNumbered = 0;

/** Equal for equal attributes, for some time at least; never equal for different ones. */
function attrsNumber(attrs: Attrs): number {
  const known = numberOfAttrs.get(attrs);
  if (known !== undefined) return known;
  if (attrNumbers.size >= mostAttrs) [attrNumbers, numberOfAttrs] = [new Map(), new WeakMap()];
  const text = attrsText(attrs);
  const number = attrNumbers.get(text) ?? attrsNumbered++;
  attrNumbers.set(text, number);
  numberOfAttrs.set(attrs, number);
  return number;
}

/** Words that begin an entry of a key which is no node: nodes begin with the number of their op, which is none of these. */
const marks = { buffer: -1, scalar: -2, results: -3, result: -4 } as const;

/** So few params are found faster by looking at each. */
const few = 8;

/** Spells a graph as numbers: nodes in order, params where they are first read, each named by its position. */
class Speller {
  readonly key: number[] = [];
  readonly buffers: Value[] = [];
  readonly scalars: number[] = [];
  /** The name of each buffer. */
  readonly #names: number[] = [];
  /** The same by what is in it, once there are many. */
  #byLeaf: Map<Slot | Value, number> | null = null;
  #next = 0;

  /** The name of a buffer, -1 where it has none yet. */
  #known(v: Value): number {
    const { buffers } = this;
    if (buffers.length > few) {
      this.#byLeaf ??= new Map(buffers.map((b, i) => [b.slot ?? b, at(this.#names, i)]));
      return this.#byLeaf.get(v.slot ?? v) ?? -1;
    }
    for (let i = 0; i < buffers.length; i++) {
      const other = buffers[i];
      if (other === v || (v.slot !== null && other?.slot === v.slot)) return this.#names[i] ?? -1;
    }
    return -1;
  }

  #spell(v: Value): number {
    const name = this.#next++;
    this.buffers.push(v);
    this.#names.push(name);
    this.#byLeaf?.set(v.slot ?? v, name);
    this.key.push(marks.buffer, dtypeNumbers.of(v.dtype), v.shape.length);
    for (const length of v.shape) this.key.push(length);
    return name;
  }

  /** The name of an operand or a result; in place of a buffer's name stands the buffer where it is met first. */
  #refer(v: Value): void {
    if (isLeaf(v)) {
      const name = this.#known(v);
      if (name < 0) this.#spell(v);
      else this.key.push(name);
    } else if (v.index === 0) this.key.push(v.node.note);
    else this.key.push(marks.result, v.index, v.node.note);
  }

  scalar(node: Node): void {
    node.note = this.#next++;
    this.key.push(marks.scalar, dtypeNumbers.of(at(node.results, 0).dtype));
    this.scalars.push(int(node.attrs, "value"));
  }

  /** A node that is erased has the name of its operand. */
  erased(node: Node): void {
    const operand = at(node.args, 0);
    if (isLeaf(operand)) {
      const known = this.#known(operand);
      node.note = known < 0 ? this.#spell(operand) : known;
    } else if (operand.index === 0) node.note = operand.node.note;
    else {
      this.#refer(operand);
      node.note = this.#next++;
    }
  }

  node(node: Node): void {
    const { op, args, attrs } = node.def;
    const { key } = this;
    const number = opNumbers.of(op);
    if (attrs === noAttrs) key.push(2 * number);
    else key.push(2 * number + 1, attrsNumber(attrs));
    if (op.arity === "any") key.push(args.length);
    for (const a of args) this.#refer(a);
    node.note = this.#next++;
  }

  results(values: readonly Value[]): void {
    this.key.push(marks.results);
    for (const v of values) this.#refer(v);
  }
}

export function canonicalize(values: readonly Value[], name: string = "main"): Canonical {
  const order = postorder(values, isLeaf);
  const asked = new Asked(values);
  const speller = new Speller();
  for (const node of order) {
    if (isErased(node)) speller.erased(node);
    else if (isLifted(node, asked)) speller.scalar(node);
    else speller.node(node);
  }
  speller.results(values);
  const { key, buffers, scalars } = speller;
  return {
    key,
    nodes: order,
    buffers,
    scalars,
    placing: () => placingIn(order, asked),
    build: (fixed = placingIn(order, asked)) => build({ name, values, order, buffers }, new Set(fixed)),
  };
}

/** The steps of a long loop have gradients that go to as many places, and a kernel for each would take longer to compile than it saves. */
const mostPlaces = 8;

/** The positions among all lifted numbers of those that updates of a constant begin at; none where these are many. */
function placingIn(order: readonly Node[], asked: Asked): readonly number[] {
  const pads = order.filter((node) => !isErased(node) && isPad(node));
  if (pads.length === 0 || pads.length > mostPlaces) return [];
  const placing = new Set(pads.flatMap((node) => node.args.slice(1).map((a) => a.node)));
  const lifted = order.filter((node) => !isErased(node) && isLifted(node, asked));
  return lifted.flatMap((node, i) => (placing.has(node) ? [i] : []));
}

/** Whether a node puts something into a constant that nobody lifts. */
function isPad({ op, args }: Node): boolean {
  if (op.kind !== "view" || op.written === undefined) return false;
  let into = at(args, 0);
  while (!isLeaf(into) && into.node.op.kind === "view" && into.node.args.length === 1) into = at(into.node.args, 0);
  return !isLeaf(into) && constantOf(into) !== null && into.node.provenance !== "user";
}

interface Spelled {
  readonly name: string;
  readonly values: readonly Value[];
  readonly order: readonly Node[];
  readonly buffers: readonly Value[];
}

function build({ name, values, order, buffers }: Spelled, fixed: ReadonlySet<number>): Graph {
  const interner = new Interner();
  const asked = new Asked(values);
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
      const p = makeParam(`s${scalars}`, at(node.results, 0), "scalar");
      params.push(p);
      done.set(node, fixed.has(scalars++) ? interner.moved(node, []).results : [p]);
    } else {
      const made = interner.moved(node, node.args.map(mapped));
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
