/** Picking elements by indices or by a moving offset. */
import { at, IndexError, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { normalizeAxis, sameShape, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { add, less, where } from "../../compiler/ops/arithmetic.ts";
import { gather, gatherAlong } from "../../compiler/ops/gather.ts";
import { constantValue } from "../../compiler/ops/source.ts";
import { broadcastTo, dynamicSlice, reshape } from "../../compiler/ops/views.ts";
import { readValueSync } from "../evaluate.ts";
import type { Lazy } from "../handle.ts";
import { faceOf, integral, valueOf } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { axisOption, requiredAxis } from "../options.ts";

/** Indices that are on the host already are checked at the call. */
function requireInRange(op: string, indices: Value, length: number): void {
  if (indices.slot?.device !== "cpu") return;
  for (const i of readValueSync(indices)) {
    if (i < -length || i >= length) throw new IndexError(`${op}: index ${i} is out of range for an axis of ${length}: ${-length} to ${length - 1}.`);
  }
}

/** Negative indices count from the end. */
function fromFront(indices: Value, length: number): Value {
  return where(less(indices, 0), add(indices, length), indices);
}

/**
 * The slices of x at `indices` along `axis`, which becomes the axes of the indices; without an axis, elements of the flattened x.
 * Indices are integers of any shape, negative ones count from the end. Throws an IndexError where one is known to be out of range.
 */
export function take<T extends Lazy>(x: T, indices: T, axis: number | AxisOption = {}): T {
  const op = "take";
  faceOf(op, [x, indices]);
  const [value, index] = [valueOf(op, x), integral(op, indices)];
  const chosen = typeof axis === "number" ? axis : axisOption(op, x, axis);
  const source = chosen === null ? reshape(value, [sizeOf(value.shape)]) : value;
  const along = chosen === null ? 0 : normalizeAxis(op, chosen, value.shape.length);
  const length = at(source.shape, along);
  requireInRange(op, indices.value, length);
  return x.wrap(gather(source, fromFront(index, length), along));
}

/** The shape that operands have but for one axis, where lengths 1 give way. */
function spreadButAxis(op: string, v: Value, other: Value, axis: number): Value {
  const shape = v.shape.map((n, i) => (i === axis || n !== 1 ? n : at(other.shape, i)));
  const fits = v.shape.length === other.shape.length && shape.every((n, i) => i === axis || n === at(other.shape, i) || at(other.shape, i) === 1);
  if (!fits) throw new ShapeError(`${op}: ${typeText(v.type)} and ${typeText(other.type)} must have as many axes, equal or 1 but for axis ${axis}.`);
  return sameShape(shape, v.shape) ? v : broadcastTo(v, shape);
}

/**
 * Element by element along `axis`: result[…, j, …] = x[…, indices[…, j, …], …]. The other axes broadcast.
 * Throws a ShapeError where they do not, an IndexError where an index is known to be out of range.
 */
export function takeAlongAxis<T extends Lazy>(x: T, indices: T, axis: number | AxisOption = {}): T {
  const op = "takeAlongAxis";
  faceOf(op, [x, indices]);
  const [value, index] = [valueOf(op, x), integral(op, indices)];
  const along = requiredAxis(op, x, axis, -1);
  const length = at(value.shape, along);
  requireInRange(op, indices.value, length);
  return x.wrap(gatherAlong(spreadButAxis(op, value, index, along), fromFront(spreadButAxis(op, index, value, along), length), along));
}

/**
 * `length` elements along `axis` from `start` on. The start is a parameter of the plan: a loop that moves it compiles once.
 * Throws an IndexError where they are not all there; a negative start counts from the end.
 */
export function narrow<T extends Lazy>(x: T, axis: number, start: number, length: number): T {
  const op = "narrow";
  const value = valueOf(op, x);
  const along = normalizeAxis(op, axis, value.shape.length);
  const n = at(value.shape, along);
  const from = start < 0 ? start + n : start;
  const whole = Number.isInteger(start) && Number.isInteger(length) && length >= 0;
  if (!whole || from < 0 || from + length > n) throw new IndexError(`${op}: ${length} elements from ${start} on are not within axis ${axis} of ${typeText(value.type)}.`);
  return x.wrap(dynamicSlice(value, [along], [constantValue(from, "int32", "user")], [length]));
}
