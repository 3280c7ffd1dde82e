/** Asking about ragged rows, and filling them up. All take dense arrays too, whose rows have one length. */
import { at, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { normalizeAxis, sizeOf, tensorType } from "../../compiler/ir/shape.ts";
import { fill } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { elementsOf, userNumber } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { axisOption } from "../options.ts";
import { paddedValue } from "../ragged/padded.ts";
import { hostInts } from "../ragged/rows.ts";
import { steps } from "../ragged/take.ts";
import { reshape } from "./shape.ts";

/**
 * Whether rows may differ in length: whether x was made from such rows. Then its shape is asked for by `rowLengths`.
 *
 * @example
 * isRagged(array([[1, 2], [3]])); // → true
 * isRagged(array([[1, 2], [3, 4]])); // → false
 */
export function isRagged(x: Lazy): boolean {
  elementsOf("isRagged", x);
  return x.rows !== null;
}

/**
 * How many elements each row has, int32: `[rows]`. Of a deeper axis, ragged as the axes before it. A dense array's rows have all the
 * same length. Throws an IndexError where the axis is out of range.
 *
 * @example
 * rowLengths(array([[1, 2, 3], [], [4]])); // → array([3, 0, 1], dtype=int32)
 */
export function rowLengths<T extends Lazy>(x: T, options: AxisOption = {}): T {
  const { v, axis } = rowsAlong("rowLengths", x, options);
  const levels = x.rows?.levels ?? 0;
  if (x.rows === null) return x.wrap(fill(at(v.shape, axis), tensorType("int32", v.shape.slice(0, axis))));
  if (axis > levels) return x.alike(fill(at(v.shape, axis - levels), tensorType("int32", v.shape.slice(0, axis - levels))));
  const lengths = hostInts(x.rows.lengths(axis - 1));
  return axis === 1 ? x.wrap(lengths) : x.onRows(lengths, x.rows.outer(axis - 1));
}

/**
 * Where the rows begin among the items of the next axis, and the end, int32: `[rows + 1]`. Row i holds the items from offset i up to
 * offset i + 1. `axis` names a deeper axis. Throws an IndexError where the axis is out of range.
 *
 * @example
 * rowOffsets(array([[1, 2, 3], [], [4]])); // → array([0, 3, 3, 4], dtype=int32)
 */
export function rowOffsets<T extends Lazy>(x: T, options: AxisOption = {}): T {
  const { v, axis } = rowsAlong("rowOffsets", x, options);
  const levels = x.rows?.levels ?? 0;
  if (x.rows !== null && axis <= levels) return x.wrap(x.rows.offsetsValue(axis - 1));
  const items = sizeOf(v.shape.slice(0, axis - levels));
  return x.wrap(hostInts(steps(0, items + 1, at(v.shape, axis - levels))));
}

function rowsAlong(op: string, x: Lazy, options: AxisOption): { readonly v: Value; readonly axis: number } {
  const v = elementsOf(op, x);
  const axis = normalizeAxis(op, axisOption(op, x, options) ?? 1, x.ndim);
  if (axis > 0) return { v, axis };
  throw new UnsupportedError(`${op}: axis 0 counts the rows of ${x.typeName}. Their number is x.length; name a later axis.`);
}

/**
 * The elements of all rows, one row after another: `[rows, ~, …inner]` gives `[elements, …inner]`; a dense array's first two axes
 * become one. Where that moves nothing it shares the memory of x.
 *
 * @example
 * flatValues(array([[1, 2, 3], [], [4]])); // → array([1, 2, 3, 4])
 */
export function flatValues<T extends Lazy>(x: T): T {
  const v = elementsOf("flatValues", x);
  if (x.rows !== null)
    return x.alias(
      (y) => y,
      (layout) => layout,
    );
  const { axis } = rowsAlong("flatValues", x, {});
  return reshape(x, [sizeOf(v.shape.slice(0, axis + 1)), ...v.shape.slice(axis + 1)]);
}

/**
 * Rows filled up behind their ends with a number, 0 where none is given, to the length of the longest: a dense array. Each ragged axis
 * becomes as long as its longest item. A DTypeError where the dtype cannot hold the number. Dense arrays come back as they are.
 *
 * @example
 * toPadded(array([[1, 2, 3], [], [4]]), -1); // → array([[ 1,  2,  3], [-1, -1, -1], [ 4, -1, -1]])
 */
export function toPadded<T extends Lazy>(x: T, fillValue: number | boolean = 0): T {
  const v = elementsOf("toPadded", x);
  const by = userNumber("toPadded", fillValue, v.dtype);
  return x.wrap(x.rows === null ? v : paddedValue(v, x.rows, by));
}
