/** What becomes of indices beyond their axis, for functions that leave the choice to the user. */
import { DTypeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { typeText } from "../../compiler/ir/shape.ts";
import { add, less, maximum, minimum, remainderTrunc, where } from "../../compiler/ops/arithmetic.ts";
import { requireDevice } from "../devices.ts";
import { Lazy } from "../handle.ts";
import { inRange } from "./bounds.ts";
import type { IndexList } from "./entries.ts";
import { entriesOf, entriesValue, isEmpty } from "./entries.ts";
import { outOfRange, position } from "./position.ts";

/** `raise`: an IndexError. `wrap`: counted on around the axis. `clip`: the first or the last element. */
export type IndexMode = "raise" | "wrap" | "clip";

/** An axis that indices are about, and who asks. */
export interface IndexedAxis {
  readonly op: string;
  /** The handle that is indexed. */
  readonly x: Lazy;
  readonly axis: number;
  readonly length: number;
}

/** int32 positions from 0 on along an axis; negative indices count from the end unless the mode says otherwise. */
export function positionsAlong(about: IndexedAxis, indices: Lazy | IndexList, mode: IndexMode = "raise"): Value {
  const { op, x, axis, length } = about;
  if (indices instanceof Lazy && indices.face !== x.face)
    throw new UnsupportedError(`${op}: mixes an array and a tensor. Convert one of them: tensor(x) or array(x).`);
  const entries = entriesOf(op, indices);
  if (entries.type.dtype !== "int32") throw new DTypeError(`${op}: indices are integers, not ${typeText(entries.type)}. Use compress or at for masks.`);
  if (length === 0 && !isEmpty(entries)) throw outOfRange(op, 0, axis, 0);
  const device = requireDevice(op, x.device);
  const bound = (i: number): number => boundPosition(about, i, mode);
  if (entries.from === "list") return entriesValue({ ...entries, data: entries.data.map(bound) }, device);
  switch (mode) {
    case "raise":
      return inRange(entries.value, { op, axis, length, device });
    case "wrap":
      return wrapped(entries.value, length);
    case "clip":
      return minimum(maximum(entries.value, 0), length - 1);
    default:
      throw unknownMode(op, mode);
  }
}

/** One index, by its mode. */
export function boundPosition({ op, axis, length }: Omit<IndexedAxis, "x">, i: number, mode: IndexMode): number {
  if (!Number.isInteger(i) || length === 0) throw outOfRange(op, i, axis, length);
  switch (mode) {
    case "raise":
      return position(op, i, axis, length);
    case "wrap":
      return ((i % length) + length) % length;
    case "clip":
      return Math.min(Math.max(i, 0), length - 1);
    default:
      throw unknownMode(op, mode);
  }
}

const unknownMode = (op: string, mode: never): UnsupportedError => new UnsupportedError(`${op}: there is no mode ${String(mode)}. Use raise, wrap or clip.`);

function wrapped(indices: Value, length: number): Value {
  const rest = remainderTrunc(indices, length);
  return where(less(rest, 0), add(rest, length), rest);
}
