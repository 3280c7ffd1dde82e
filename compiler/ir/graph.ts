/** A graph: what is computed. Traversals are iterative, so that depth costs no stack. */
import { at, CompilerBug, lookup } from "./errors.ts";
import type { Attrs, AttrValue, Node, Provenance, Value } from "./node.ts";
import { makeAlike, makeNode, noAttrs } from "./node.ts";
import type { Primitive } from "./primitive.ts";

/** Params are results of `param` nodes, in the order of the plan's inputs. */
export interface Graph {
  readonly name: string;
  readonly params: readonly Value[];
  readonly outputs: readonly Value[];
}

let traversals = 0;

/**
 * Nodes that the roots depend on, operands first, each once; `stop(value)` cuts an edge (an evaluated value, say), and traverses nothing
 * itself. The order is the depth-first postorder from the first root on, so it depends on structure only.
 */
export function postorder(roots: readonly Value[], stop: (value: Value) => boolean = () => false): Node[] {
  const seen = ++traversals;
  const order: Node[] = [];
  const stack: Node[] = [];
  /** For each node of the stack, the operand to look at next. */
  const nexts: number[] = [];
  for (const root of roots) {
    if (stop(root) || root.node.mark === seen) continue;
    root.node.mark = seen;
    stack.push(root.node);
    nexts.push(0);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = nexts[nexts.length - 1] ?? 0;
      const arg = (top.definition ?? top.def).args[next];
      if (arg === undefined) {
        order.push(top);
        stack.pop();
        nexts.pop();
        continue;
      }
      nexts[nexts.length - 1] = next + 1;
      if (stop(arg) || arg.node.mark === seen) continue;
      arg.node.mark = seen;
      stack.push(arg.node);
      nexts.push(0);
    }
  }
  return order;
}

const walked = new WeakMap<Graph, readonly Node[]>();

/** All nodes of a graph, params first (also unused ones), then operands before their users. */
export function nodesOf(graph: Graph): readonly Node[] {
  const known = walked.get(graph);
  if (known !== undefined) return known;
  const params = graph.params.map((p) => p.node);
  const isParam = new Set(params);
  const nodes = [...params, ...postorder(graph.outputs).filter((n) => !isParam.has(n))];
  walked.set(graph, nodes);
  return nodes;
}

/** How often each value is used, outputs included. */
export function useCounts(nodes: readonly Node[], outputs: readonly Value[]): Map<Value, number> {
  const counts = new Map<Value, number>();
  const count = (v: Value): void => void counts.set(v, (counts.get(v) ?? 0) + 1);
  for (const n of nodes) n.args.forEach(count);
  outputs.forEach(count);
  return counts;
}

/** A text that is equal for equal attributes: by bits, so that -0, 0 and NaN stay themselves. */
export function attrText(v: AttrValue): string {
  if (typeof v === "number") return Object.is(v, -0) ? "-0" : String(v);
  if (typeof v === "string") return JSON.stringify(v);
  if (!Array.isArray(v)) return String(v);
  let list = "";
  for (let i = 0; i < v.length; i++) list += (i === 0 ? "" : ",") + attrText(v[i]);
  return `[${list}]`;
}

const texts = new WeakMap<Attrs, string>();

export function attrsText(attrs: Attrs): string {
  const known = texts.get(attrs);
  if (known !== undefined) return known;
  const names = Object.keys(attrs);
  // most are given in order
  if (names.some((name, i) => i > 0 && name < (names[i - 1] ?? ""))) names.sort();
  let text = "";
  for (const k of names) text += `${text === "" ? "" : " "}${k}=${attrText(attrs[k] ?? null)}`;
  texts.set(attrs, text);
  return text;
}

/** Makes nodes so that equal definitions are one node: interning is common subexpression elimination. */
export class Interner {
  /** By a number that equal definitions share, and few others: texts of operands would be made anew each time. */
  readonly #made = new Map<number, Node[]>();
  /** The numbers of attributes, by their texts. */
  readonly #attrs = new Map<string, number>();

  node(op: Primitive, args: readonly Value[], attrs: Attrs, provenance: Provenance = "compiler"): Node {
    const number = this.#numberOf(args, attrs);
    return this.#find(number, op, args, attrs) ?? this.#add(number, makeNode(op, args, attrs, provenance));
  }

  /** The node of a definition that is known from elsewhere, on operands of the same types. */
  moved(from: Node, args: readonly Value[], provenance: Provenance = "compiler"): Node {
    const { op, attrs } = from;
    const number = this.#numberOf(args, attrs);
    return this.#find(number, op, args, attrs) ?? this.#add(number, makeAlike(from, args, provenance));
  }

  /** A node of another graph on the operands that it has here: itself where they are what they were, and it is not known yet. */
  kept(node: Node, args: readonly Value[]): Node {
    if (!sameArgs(node.args, args)) return this.moved(node, args, node.provenance);
    const number = this.#numberOf(args, node.attrs);
    return this.#find(number, node.op, args, node.attrs) ?? this.#add(number, node);
  }

  #find(number: number, op: Primitive, args: readonly Value[], attrs: Attrs): Node | null {
    const alike = isShared(op) ? this.#made.get(number) : undefined;
    if (alike === undefined) return null;
    for (let i = 0; i < alike.length; i++) {
      const node = at(alike, i);
      if (node.op.name === op.name && sameArgs(node.args, args) && sameAttrs(node.attrs, attrs)) return node;
    }
    return null;
  }

  #add(number: number, node: Node): Node {
    if (!isShared(node.op)) return node;
    const alike = this.#made.get(number);
    if (alike === undefined) this.#made.set(number, [node]);
    else alike.push(node);
    return node;
  }

  #numberOf(args: readonly Value[], attrs: Attrs): number {
    let number = args.length;
    if (attrs !== noAttrs) {
      const text = attrsText(attrs);
      const known = this.#attrs.get(text);
      if (known === undefined) this.#attrs.set(text, this.#attrs.size + 1);
      number += Math.imul(known ?? this.#attrs.size, 0x01000193);
    }
    for (let i = 0; i < args.length; i++) {
      const v = at(args, i);
      number = (Math.imul(number, 0x01000193) ^ (v.node.id * 4 + v.index)) | 0;
    }
    return number;
  }
}

/** Whether equal definitions are one: a barrier is one of its own each time, as is a param. */
const isShared = (op: Primitive): boolean => op.kind !== "barrier" && op.kind !== "param";

function sameArgs(a: readonly Value[], b: readonly Value[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const sameAttrs = (a: Attrs, b: Attrs): boolean => a === b || attrsText(a) === attrsText(b);

/**
 * Rebuilds a graph operands first. `visit` gets a node of the old graph and its operands in the new one, and returns the values
 * that stand for its results, of the same types, or null to keep it as it is (on its new operands, interned).
 */
export function rewrite(
  graph: Graph,
  visit: (node: Node, args: readonly Value[], intern: Interner) => readonly Value[] | null,
  interner: Interner = new Interner(),
): Graph {
  const done = new Map<Node, readonly Value[]>();
  for (const p of graph.params) done.set(p.node, p.node.results);
  const mapped = (v: Value): Value => at(lookup(done, v.node, "a rewritten node"), v.index);
  for (const node of postorder(graph.outputs)) {
    if (done.has(node)) continue;
    const args = node.args.map(mapped);
    const replacement = visit(node, args, interner) ?? interner.kept(node, args).results;
    if (replacement.length !== node.results.length)
      throw new CompilerBug(`${node.op.name} was rewritten to ${replacement.length} values, has ${node.results.length}`);
    for (const r of replacement) if (r.node.definition?.op.kind !== "param") r.node.site ??= node.site;
    done.set(node, replacement);
  }
  return { name: graph.name, params: graph.params, outputs: graph.outputs.map(mapped) };
}
