/** Which values share a buffer, and which need no kernel at all. */
import type { Numeric } from "../ir/dtype.ts";
import { at } from "../ir/errors.ts";
import type { Value } from "../ir/node.ts";
import { numeric } from "../ir/node.ts";
import { isAlias, isPassThrough, isScalarParam } from "./region.ts";

/** The value whose buffer this value is: itself, or what it is a reshape of; a scalar param has no buffer. */
export function storageOf(value: Value): Value {
  let v = value;
  for (;;) {
    const { args } = v.node.def;
    if (!isAlias(v.node) && !isPassThrough(v.node)) return v;
    const next = at(args, 0);
    if (isScalarParam(next.node)) return v;
    v = next;
  }
}

/** The number that every element of this value is, if it is views of one constant; such a buffer is filled, not computed. */
export function constantOf(value: Value): Numeric | null {
  let v = value;
  for (;;) {
    const { op, args, attrs } = v.node.def;
    if (op.kind === "source" && args.length === 0 && "value" in attrs) return numeric(attrs, "value");
    if (op.kind !== "view" || args.length !== 1) return null;
    v = at(args, 0);
  }
}
