/** Which values share a buffer, and which need no kernel at all. */
import type { Numeric } from "../ir/dtype.ts";
import { at } from "../ir/errors.ts";
import type { Value } from "../ir/node.ts";
import { numeric } from "../ir/node.ts";
import { isPassThrough, isScalarParam } from "./region.ts";

/** The value whose buffer this value is: itself, or what it is a reshape of; a scalar param has no buffer. */
export function storageOf(value: Value): Value {
  let v = value;
  for (;;) {
    const { node } = v;
    const alias = (node.op.kind === "view" && node.op.alias === true) || isPassThrough(node);
    const next = alias ? at(node.args, 0) : v;
    if (next === v || isScalarParam(next.node)) return v;
    v = next;
  }
}

/** The number that every element of this value is, if it is views of one constant; such a buffer is filled, not computed. */
export function constantOf(value: Value): Numeric | null {
  let v = value;
  for (;;) {
    const { node } = v;
    if (node.op.kind === "source" && node.args.length === 0 && "value" in node.attrs) return numeric(node.attrs, "value");
    if (node.op.kind !== "view" || node.args.length !== 1) return null;
    v = at(node.args, 0);
  }
}
