/**
 * The reference interpreter: the meaning of the Graph IR. It knows kinds of ops and no names; reductions run in row-major order
 * and round at every step. Slow and simple on purpose: passes and targets are tested against it.
 */
import { CompilerBug, lookup, at } from "./ir/errors.ts";
import type { Graph } from "./ir/graph.ts";
import { postorder, useCounts } from "./ir/graph.ts";
import type { HostData } from "./ir/host.ts";
import type { Node, Value } from "./ir/node.ts";
import { sameType, sizeOf, typeText } from "./ir/shape.ts";
import { contract } from "./interpret-contraction.ts";
import { mapElements, generate } from "./interpret-elementwise.ts";
import { prefix, reduce, reduceSegments } from "./interpret-reduction.ts";
import { routineNamed } from "./interpret-routines.ts";
import { moveElements, scatterElements } from "./interpret-view.ts";

/** The graph's outputs for these inputs, which stand in the order of its params; throws a CompilerBug where types differ. */
export function interpretGraph(graph: Graph, inputs: readonly HostData[]): HostData[] {
  const given = new Map<Value, HostData>();
  graph.params.forEach((p, i) => given.set(p, at(inputs, i)));
  return interpretValues(graph.outputs, (v) => given.get(v) ?? null);
}

/** Evaluates values; `read` gives the data of those that are known already, where evaluation stops. Depth costs no stack. */
export function interpretValues(values: readonly Value[], read: (value: Value) => HostData | null): HostData[] {
  const done = new Map<Value, HostData>();
  const known = (v: Value): boolean => {
    if (done.has(v)) return true;
    const data = read(v);
    if (data !== null) done.set(v, checked(v, data));
    return data !== null;
  };
  const nodes = postorder(values, known);
  const uses = useCounts(nodes, values);
  for (const node of nodes) {
    const results = evaluateNode(
      node,
      node.args.map((a) => lookup(done, a, "an operand")),
    );
    node.results.forEach((r, i) => done.set(r, checked(r, at(results, i))));
    for (const a of node.args) {
      const left = (uses.get(a) ?? 0) - 1;
      uses.set(a, left);
      if (left === 0) done.delete(a);
    }
  }
  return values.map((v) => lookup(done, v, "a value"));
}

function checked(value: Value, data: HostData): HostData {
  if (sameType(value.type, data.type) && data.data.length === sizeOf(data.type.shape)) return data;
  throw new CompilerBug(`a value of type ${typeText(value.type)} was given ${data.data.length} elements of type ${typeText(data.type)}`);
}

function evaluateNode(node: Node, args: readonly HostData[]): readonly HostData[] {
  const { op } = node;
  switch (op.kind) {
    case "param":
      throw new CompilerBug(`param ${String(node.attrs["name"])} has no data`);
    case "source":
      return [generate(op, node)];
    case "elementwise":
      return mapElements(op, node, args);
    case "view":
    case "gather":
      return [moveElements(op, node, args)];
    case "reduction":
      return reduce(op, node, args);
    case "segment":
      return reduceSegments(op, node, args);
    case "prefix":
      return prefix(op, node, args);
    case "contraction":
      return [contract(op, node, args)];
    case "scatter":
      return [scatterElements(op, node, args)];
    case "routine":
      return routineNamed(op.routine)(node, args);
    case "barrier":
      return [at(args, 0)];
  }
}
