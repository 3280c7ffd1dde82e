/** Which nodes lie between the inputs and the outputs of a derivative. */
import { isFloat } from "../ir/dtype.ts";
import { DTypeError } from "../ir/errors.ts";
import { postorder } from "../ir/graph.ts";
import type { Node, Value } from "../ir/node.ts";
import { typeText } from "../ir/shape.ts";

export interface Reach {
  /** Nodes that depend on an input, operands first. */
  readonly nodes: readonly Node[];
  /** Whether the walk stops at the value: it is an input, and inputs are independent. */
  readonly stopsAt: (value: Value) => boolean;
  /** Whether the value is an input or depends on one by any path on which derivatives are defined, be they zero. */
  readonly reaches: (value: Value) => boolean;
  /** Whether a derivative may flow through the value: a float that reaches an input. */
  readonly carries: (value: Value) => boolean;
}

/** Throws a DTypeError unless all inputs are floats. */
function requireFloats(op: string, inputs: readonly Value[]): void {
  const wrong = inputs.find((v) => !isFloat(v.dtype));
  if (wrong !== undefined) throw new DTypeError(`${op}: ${typeText(wrong.type)} has no derivative: only floats are differentiated. Convert with astype first.`);
}

const endsTracking = (node: Node): boolean => node.op.kind === "barrier" && node.op.effect === "detach";

/**
 * How inputs that were computed from one another are seen: `independent`, so that each derivative is the partial one; or
 * `connected`, so that the derivative by one goes through the others too, as `gradients(loss, [w, h(w)])` wants it.
 */
export type InputRelation = "independent" | "connected";

/** Walks from the outputs down to the inputs and to nodes without a definition. Depth costs no stack. */
export function reach(op: string, outputs: readonly Value[], inputs: readonly Value[], relation: InputRelation): Reach {
  requireFloats(op, inputs);
  const given = new Set(inputs);
  const dependent = new Set<Node>();
  const reaches = (v: Value): boolean => given.has(v) || dependent.has(v.node);
  const stopsAt = (v: Value): boolean => relation === "independent" && given.has(v);
  const nodes = postorder(outputs, (v) => stopsAt(v) || v.node.definition === null).filter((node) => {
    const depends = !endsTracking(node) && node.args.some(reaches);
    if (depends) dependent.add(node);
    return depends;
  });
  return { nodes, stopsAt, reaches, carries: (v) => isFloat(v.dtype) && reaches(v) };
}
