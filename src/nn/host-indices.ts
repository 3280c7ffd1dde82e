/** Indices whose values are known at the call are checked there; computed ones are clamped or count nowhere. */
import { IndexError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { readValueSync } from "../slots.ts";

/** Throws an IndexError where an index that is on the host already is neither from 0 to length - 1 nor `exempt`. */
export function requireIndices(op: string, what: string, indices: Value, length: number, exempt: number | null = null): void {
  if (indices.slot?.device !== "cpu") return;
  for (const i of readValueSync(indices)) {
    if ((i < 0 || i >= length) && i !== exempt)
      throw new IndexError(`${op}: ${what} ${i} is out of range: they are 0 to ${length - 1}${exempt === null ? "" : `, or ${exempt} to be ignored`}.`);
  }
}
