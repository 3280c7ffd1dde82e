/**
 * Writes that change nothing: `x.at().div(1)`. A number that a user passes is a parameter, so no plan would find out; the laws of the
 * compiler are asked here, about the one operation that makes what is written.
 */
import type { Node, Value } from "../../compiler/ir/node.ts";
import { result } from "../../compiler/ir/node.ts";
import { Interner } from "../../compiler/ir/graph.ts";
import { simplify } from "../../compiler/passes/simplify/simplify.ts";
import { paramValue } from "../../compiler/ops/source.ts";

/** Whether `after` is `before`, whatever that is: the same value, or one operation on it and numbers that laws say does nothing. */
export function leavesAsIs(after: Value, before: Value): boolean {
  if (after === before) return true;
  const { node } = after;
  if (after.slot !== null || node.definition === null || node.op.kind !== "elementwise") return false;
  if (!node.args.every((a) => a === before || isNumber(a))) return false;
  const param = paramValue("x", before.type, "buffer");
  const args = node.args.map((a) => (a === before ? param : a));
  const made = result(new Interner().node(node.op, args, node.attrs), after.index);
  return simplify({ name: "written", params: [param], outputs: [made] }).graph.outputs[0] === param;
}

/** The numbers that operations have as neutral elements. */
const neutral: ReadonlySet<unknown> = new Set([0, 1, -1, Infinity, -Infinity]);

/** Whether all elements are one number, and one that laws are about. */
function isNumber(value: Value): boolean {
  let node: Node = value.node;
  while (node.definition !== null && node.op.kind === "view" && node.args.length === 1) {
    const [operand] = node.args;
    if (operand === undefined || operand.slot !== null) return false;
    ({ node } = operand);
  }
  return node.definition !== null && node.op.kind === "source" && neutral.has(node.attrs["value"]);
}
