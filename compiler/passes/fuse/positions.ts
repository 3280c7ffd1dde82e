/**
 * Index arithmetic: what is computed from positions, constants and scalars alone, in a few steps, as masks and triangles are. It is
 * computed where it is used, however often: a buffer of it would cost more to read.
 */
import type { Node } from "../../ir/node.ts";
import { at } from "../../ir/errors.ts";
import { isFree } from "../region.ts";
import { costOf } from "./demand.ts";

/** Additions that an element may take. */
const mostWork = 12;

/** Those of `nodes`, which come operands first. */
export function indexArithmetic(nodes: readonly Node[]): ReadonlySet<Node> {
  const work = new Map<Node, number>();
  for (const node of nodes) {
    const { kind } = node.op;
    if (isFree(node)) work.set(node, 0);
    if ((kind !== "elementwise" && kind !== "view") || node.results.length > 1) continue;
    let total = costOf(node);
    for (const { node: from } of node.args) total += work.get(from) ?? Infinity;
    if (total <= mostWork) work.set(node, total);
  }
  return new Set([...work.keys()].filter((node) => !isFree(node) && at(node.results, 0).shape.length > 0));
}
