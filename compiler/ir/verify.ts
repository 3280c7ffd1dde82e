/**
 * The invariants of the Graph IR: acyclic, types equal the row's inference, no free values, attributes of the row's form.
 * A CompilerBug names the node; a graph that users can write never fails here.
 */
import { attrProblem } from "./attributes.ts";
import { CompilerBug } from "./errors.ts";
import type { Graph } from "./graph.ts";
import { postorder } from "./graph.ts";
import type { Node, Value } from "./node.ts";
import { attrsText, schemaForms } from "./print.ts";
import { typeText } from "./shape.ts";

/** Throws a CompilerBug where the graph breaks an invariant. */
export function verifyGraph(graph: Graph): void {
  const bug = (message: string): CompilerBug => new CompilerBug(`verify graph @${graph.name}: ${message}`);
  const params = paramNodes(graph, bug);
  const done = new Set<Node>();
  for (const node of postorder(graph.outputs, (v) => v.node.definition === null)) {
    if (node.op.kind === "param" && !params.has(node)) throw bug(`${nodeText(node)} is no param of the graph`);
    for (const arg of node.args) {
      requireResult(arg, bug);
      if (arg.node.definition === null) throw bug(`${nodeText(node)} uses a value that holds data and is no param`);
      if (!done.has(arg.node)) throw bug(`${nodeText(node)} depends on itself`);
    }
    verifyNode(node, bug);
    done.add(node);
  }
  for (const output of graph.outputs) {
    requireResult(output, bug);
    if (output.node.definition === null) throw bug(`an output (${typeText(output.type)}) holds data and is no param`);
  }
}

type Bug = (message: string) => CompilerBug;

function paramNodes(graph: Graph, bug: Bug): Set<Node> {
  const nodes = new Set<Node>();
  const names = new Set<unknown>();
  for (const p of graph.params) {
    if (p.node.definition === null || p.node.op.kind !== "param") throw bug(`a param (${typeText(p.type)}) is no result of a param node`);
    const { name, space } = p.node.attrs;
    if (nodes.has(p.node)) throw bug(`param ${String(name)} is listed twice`);
    if (names.has(name)) throw bug(`there are two params ${String(name)}`);
    if (space !== "buffer" && space !== "scalar") throw bug(`param ${String(name)}: space should be buffer or scalar, not ${String(space)}`);
    if (space === "scalar" && p.shape.length > 0) throw bug(`param ${String(name)} is a scalar of shape ${typeText(p.type)}`);
    verifyNode(p.node, bug);
    nodes.add(p.node);
    names.add(name);
  }
  return nodes;
}

function requireResult(value: Value, bug: Bug): void {
  if (value.node.results[value.index] !== value) throw bug(`a value (${typeText(value.type)}) is no result of its node`);
}

function verifyNode(node: Node, bug: Bug): void {
  const { op, args, attrs } = node;
  if (op.arity !== "any" && op.arity !== args.length) throw bug(`${nodeText(node)}: ${op.name} takes ${op.arity} operands, has ${args.length}`);
  const forms = schemaForms(op.attrs);
  for (const [key, { form, optional }] of forms) {
    const value = attrs[key];
    if (value === undefined && optional) continue;
    if (value === undefined) throw bug(`${nodeText(node)}: attribute ${key} is missing`);
    const problem = attrProblem(value, form);
    if (problem !== undefined) throw bug(`${nodeText(node)}: attribute ${key} should be ${problem}`);
  }
  for (const key of Object.keys(attrs)) if (!forms.has(key)) throw bug(`${nodeText(node)}: ${op.name} has no attribute ${key}`);
  const inferred = infer(node, bug).map(typeText).join(", ");
  const stated = node.results.map((r) => typeText(r.type)).join(", ");
  if (inferred !== stated) throw bug(`${nodeText(node)}: the row infers ${inferred}`);
}

function infer(node: Node, bug: Bug): ReturnType<Node["op"]["infer"]> {
  try {
    return node.op.infer(
      node.args.map((a) => a.type),
      node.attrs,
    );
  } catch (e) {
    throw bug(`${nodeText(node)}: ${e instanceof Error ? e.message : String(e)}`);
  }
}

/** A node in an error: op, operand types, attributes and result types. */
function nodeText(node: Node): string {
  const args = node.args.map((a) => typeText(a.type)).join(", ");
  const attrs = attrsText(node.attrs, node.op.attrs);
  return `${node.op.name}(${args})${attrs === "" ? "" : ` ${attrs}`} : ${node.results.map((r) => typeText(r.type)).join(", ")}`;
}
