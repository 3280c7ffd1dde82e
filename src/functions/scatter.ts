/** Reading and writing at arrays of indices along one axis, as PyTorch names it; they give new arrays. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { tensorType, typeText } from "../../compiler/ir/shape.ts";
import { cast, equal } from "../../compiler/ops/arithmetic.ts";
import type { ScatterMode } from "../../compiler/ops/gather.ts";
import * as gathers from "../../compiler/ops/gather.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { broadcast, broadcastTo, fill, slice } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { readBox, writeBox } from "../indexing/basic.ts";
import type { IndexList } from "../indexing/entries.ts";
import { positionsAlong } from "../indexing/modes.ts";
import type { Span } from "../indexing/parse.ts";
import type { Operand } from "../operands.ts";
import { faceOf, integral, userNumber, valueOf } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { requiredAxis } from "../options.ts";

/** x cut to what indices of some shape reach: all of `axis`, the beginning of the others. */
interface Reach {
  readonly v: Value;
  readonly axis: number;
  readonly positions: Value;
  readonly box: readonly Span[];
}

function reach(op: string, x: Lazy, indices: Lazy | IndexList, axis: number | AxisOption): Reach {
  const v = valueOf(op, x);
  const a = requiredAxis(op, x, axis);
  const positions = positionsAlong({ op, x, axis: a, length: at(v.shape, a) }, indices);
  const { shape } = positions;
  const fits = shape.length === v.shape.length && shape.every((n, i) => i === a || n <= at(v.shape, i));
  if (!fits) throw new ShapeError(`${op}: ${typeText(positions.type)} for ${typeText(v.type)}: ranks are equal, and only axis ${a} may be longer.`);
  const box = v.shape.map((n, i): Span => ({ kind: "span", axis: i, start: 0, size: i === a ? n : at(shape, i), step: 1, given: false }));
  return { v, axis: a, positions, box };
}

/**
 * One element of x for each index along an axis; the other axes run along, and may be shorter than those of x. An IndexError where an
 * index is out of range.
 *
 * @example
 * gather(tensor([[1, 2], [3, 4]]), [[0, 0], [1, 0]], 1); // → tensor([[1, 1], [4, 3]])
 */
export function gather<T extends Lazy>(x: T, indices: T | IndexList, axis: number | AxisOption): T {
  const { v, axis: a, positions, box } = reach("gather", x, indices, axis);
  return x.wrap(gathers.gatherAlong(readBox(v, box), positions, a));
}

function scatterInto<T extends Lazy>(op: string, x: T, indices: T | IndexList, src: Operand<T>, axis: number | AxisOption, mode: ScatterMode): T {
  faceOf(op, [x, src]);
  const { v, axis: a, positions, box } = reach(op, x, indices, axis);
  const updates = part(op, updateValue(op, v, src), positions.shape);
  return x.wrap(writeBox(v, box, gathers.scatterAlong(readBox(v, box), positions, updates, a, mode)));
}

/** What is written, in the dtype of what it is written to. */
function updateValue<T extends Lazy>(op: string, v: Value, src: Operand<T>): Value {
  return typeof src === "object" ? cast(valueOf(op, src), v.dtype) : userNumber(op, src, v.dtype);
}

/** The beginning of the updates, where there are more than indices. */
function part(op: string, updates: Value, shape: Shape): Value {
  if (updates.shape.length === 0) return broadcastTo(updates, shape);
  const fits = updates.shape.length === shape.length && shape.every((n, i) => n <= at(updates.shape, i));
  if (!fits) throw new ShapeError(`${op}: ${typeText(updates.type)} holds fewer elements than the indices [${shape.join(",")}]. Give one for each.`);
  return slice(
    updates,
    shape.map(() => 0),
    shape,
  );
}

/**
 * x with one element of `src` (or one number) written at each index along an axis; of those that meet the last one counts.
 *
 * @example
 * scatter(tensor([[1, 2, 3]]), [[2, 0]], tensor([[8, 9]]), 1); // → tensor([[9, 2, 8]])
 */
export function scatter<T extends Lazy>(x: T, indices: T | IndexList, src: Operand<T>, axis: number | AxisOption): T {
  return scatterInto("scatter", x, indices, src, axis, "set");
}

/**
 * x with one element of `src` (or one number) added at each index along an axis; those that meet add up.
 *
 * @example
 * scatterAdd(tensor([1, 2, 3]), [0, 0, 2], tensor([10, 20, 30]), 0); // → tensor([31,  2, 33])
 */
export function scatterAdd<T extends Lazy>(x: T, indices: T | IndexList, src: Operand<T>, axis: number | AxisOption): T {
  return scatterInto("scatterAdd", x, indices, src, axis, "add");
}

function slicesInto<T extends Lazy>(op: string, x: T, indices: T | IndexList, src: Operand<T>, axis: number | AxisOption, mode: ScatterMode): T {
  faceOf(op, [x, src]);
  const v = valueOf(op, x);
  const a = requiredAxis(op, x, axis);
  const positions = positionsAlong({ op, x, axis: a, length: at(v.shape, a) }, indices);
  if (positions.shape.length !== 1) throw new ShapeError(`${op}: the indices are ${typeText(positions.type)}. Give a list of them, rank 1.`);
  const updates = broadcastTo(updateValue(op, v, src), v.shape.with(a, at(positions.shape, 0)));
  return x.wrap(gathers.scatter(v, positions, updates, a, mode));
}

/**
 * x with the slices of `src` added at the indices along an axis; those that meet add up.
 *
 * @example
 * indexAdd(tensor([1, 2, 3]), [0, 0], tensor([10, 20]), 0); // → tensor([31,  2,  3])
 */
export function indexAdd<T extends Lazy>(x: T, indices: T | IndexList, src: Operand<T>, axis: number | AxisOption): T {
  return slicesInto("indexAdd", x, indices, src, axis, "add");
}

/**
 * x with the slices of `src` written at the indices along an axis; of those that meet the last one counts.
 *
 * @example
 * indexCopy(tensor([1, 2, 3]), [2, 0], tensor([10, 20]), 0); // → tensor([20,  2, 10])
 */
export function indexCopy<T extends Lazy>(x: T, indices: T | IndexList, src: Operand<T>, axis: number | AxisOption): T {
  return slicesInto("indexCopy", x, indices, src, axis, "set");
}

export interface SegmentOptions {
  /** How many segments there are. */
  readonly numSegments: number;
}

/**
 * The sums of the slices of x along its first axis that have the same segment id; ids need no order. An IndexError where one is out of
 * range.
 *
 * @example
 * segmentSum(tensor([1, 2, 3]), [1, 0, 1], { numSegments: 2 }); // → tensor([2, 4])
 */
export function segmentSum<T extends Lazy>(x: T, segmentIds: T | IndexList, { numSegments }: SegmentOptions): T {
  const v = valueOf("segmentSum", x);
  const [length, ...rest] = v.shape;
  if (length === undefined) throw new ShapeError(`segmentSum: ${typeText(v.type)} has no axis to sum along.`);
  if (!Number.isSafeInteger(numSegments) || numSegments < 0)
    throw new ShapeError(`segmentSum: numSegments is ${String(numSegments)}. Give a whole number from 0 on.`);
  const ids = positionsAlong({ op: "segmentSum", x, axis: 0, length: numSegments }, segmentIds);
  if (ids.shape.length !== 1 || ids.shape[0] !== length)
    throw new ShapeError(`segmentSum: ${typeText(ids.type)} ids for ${typeText(v.type)}. Give one for each of its ${length} slices.`);
  return x.wrap(gathers.scatter(fill(0, tensorType(v.dtype, [numSegments, ...rest])), ids, v, 0, "add"));
}

export interface OneHotOptions {
  readonly numClasses: number;
}

/**
 * A new last axis with 1 at the class and 0 elsewhere, in the face's own float; all 0 where a class is not from 0 to numClasses - 1.
 *
 * @example
 * oneHot(tensor([0, 2], { dtype: "int32" }), { numClasses: 3 }); // → tensor([[1, 0, 0], [0, 0, 1]])
 */
export function oneHot<T extends Lazy>(classes: T, { numClasses }: OneHotOptions): T {
  const v = integral("oneHot", classes);
  if (!Number.isSafeInteger(numClasses) || numClasses < 0) throw new ShapeError(`oneHot: numClasses is ${String(numClasses)}. Give a whole number from 0 on.`);
  const shape = [...v.shape, numClasses];
  const wide = broadcast(
    v,
    shape,
    v.shape.map((_, i) => i),
  );
  return classes.wrap(cast(equal(wide, iotaValue(shape, v.shape.length, "int32")), classes.floatDType));
}
