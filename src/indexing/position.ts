/** Positions along an axis, counted from the front or the end. */
import { IndexError } from "../../compiler/ir/errors.ts";

/** The error of an index that is out of range. */
export const outOfRange = (op: string, i: number, axis: number, length: number): IndexError =>
  new IndexError(`${op}: index ${i} is out of range for axis ${axis} with ${length} elements.`);

/** `i` counted from the front; an IndexError that names index, axis and length where it is out of range. */
export function position(op: string, i: number, axis: number, length: number): number {
  const p = i < 0 ? i + length : i;
  if (Number.isInteger(i) && p >= 0 && p < length) return p;
  throw outOfRange(op, i, axis, length);
}
