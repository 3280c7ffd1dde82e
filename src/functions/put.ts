/** Writing at arrays of indices: arrays change, and so do their views; tensors stay, and what was written is given as a new one. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { remainderTrunc } from "../../compiler/ops/arithmetic.ts";
import { gather, scatter, scatterAlong } from "../../compiler/ops/gather.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { broadcastTo, reshape } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import type { IndexList } from "../indexing/entries.ts";
import type { IndexMode } from "../indexing/modes.ts";
import { positionsAlong } from "../indexing/modes.ts";
import type { PlaceMethods } from "../methods/places.ts";
import { castFor, writtenNumber, writtenValue } from "../mutation/written.ts";
import type { Operand } from "../operands.ts";
import { faceOf, valueOf } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { requiredAxis } from "../options.ts";

/** What is written, in the dtype of what it is written to. */
function updateFor<T extends Lazy>(op: string, x: T, values: Operand<T>): Value {
  faceOf(op, [x, values]);
  return typeof values === "object" ? castFor(op, valueOf(op, values), x.type) : writtenNumber(op, values, x.dtype);
}

/** x with other elements: an array itself, a new tensor. */
function rewritten<T extends PlaceMethods>(x: T, value: Value): T {
  const whole = x.wrap(value);
  if (x.face === "tensor") return whole;
  x.at().set(whole);
  return x;
}

export interface PutOptions {
  /** What becomes of indices out of range; "raise" where none is given. */
  readonly mode?: IndexMode;
}

/**
 * Writes values at positions of the flattened array, again from the first where there are fewer values than positions; of positions
 * that repeat the last one counts. An array changes and is given back, of a tensor a new one is given. An IndexError where a position
 * is out of range, unless `mode` is "wrap" or "clip".
 *
 * @example
 * put(array([[1, 2], [3, 4]]), [0, -1], 9); // → array([[9, 2], [3, 9]])
 */
export function put<T extends PlaceMethods>(x: T, indices: T | IndexList, values: Operand<T>, options: PutOptions = {}): T {
  const v = valueOf("put", x);
  const length = sizeOf(v.shape);
  const positions = positionsAlong({ op: "put", x, axis: 0, length }, indices, options.mode);
  const flat = reshape(positions, [sizeOf(positions.shape)]);
  const update = repeated(updateFor("put", x, values), sizeOf(flat.shape));
  return rewritten(x, reshape(scatter(reshape(v, [length]), flat, update, 0, "set"), v.shape));
}

/** The first `count` of the values' elements, and those again. */
function repeated(values: Value, count: number): Value {
  const size = sizeOf(values.shape);
  const flat = reshape(values, [size]);
  if (size === count) return flat;
  if (size === 1) return broadcastTo(flat, [count]);
  if (size === 0) throw new ShapeError(`put: there are ${count} positions and no values. Give at least one.`);
  return gather(flat, remainderTrunc(iotaValue([count], 0, "int32"), size), 0);
}

/**
 * Writes one element of `values` at each index along an axis; indices and values broadcast along the others. An array changes and is
 * given back, of a tensor a new one is given. An IndexError where an index is out of range.
 *
 * @example
 * putAlongAxis(array([[1, 2], [3, 4]]), [[1], [0]], 9, 1); // → array([[1, 9], [9, 4]])
 */
export function putAlongAxis<T extends PlaceMethods>(x: T, indices: T | IndexList, values: Operand<T>, axis: number | AxisOption): T {
  const op = "putAlongAxis";
  const v = valueOf(op, x);
  const a = requiredAxis(op, x, axis);
  const positions = positionsAlong({ op, x, axis: a, length: at(v.shape, a) }, indices);
  const shape = v.shape.with(a, positions.shape[a] ?? 0);
  const fits = positions.shape.length === v.shape.length && positions.shape.every((n, i) => n === 1 || n === shape[i]);
  if (!fits) throw new ShapeError(`${op}: ${typeText(positions.type)} for ${typeText(v.type)}. Axes other than ${a} are equal or 1.`);
  const update = writtenValue(op, updateFor(op, x, values), { dtype: v.dtype, shape });
  return rewritten(x, scatterAlong(v, broadcastTo(positions, shape), update, a, "set"));
}
