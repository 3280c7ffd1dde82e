/** Reading by position. `at(x, i, slice(1, 5), "::2", "...", null, [0, 2])` is Python's `x[i, 1:5, ::2, ..., None, [0, 2]]`. */
import { at as item, ShapeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { normalizeAxis, typeText } from "../../compiler/ir/shape.ts";
import { gather, gatherAlong } from "../../compiler/ops/gather.ts";
import { sort as sortValue } from "../../compiler/ops/sort.ts";
import * as views from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { readIndex } from "../indexing/advanced.ts";
import { readBox } from "../indexing/basic.ts";
import type { IndexList } from "../indexing/entries.ts";
import type { IndexMode } from "../indexing/modes.ts";
import { boundPosition, positionsAlong } from "../indexing/modes.ts";
import type { Index } from "../indexing/parse.ts";
import { basicItems, parseIndex } from "../indexing/parse.ts";
import { indexLayout } from "../mutation/layout.ts";
import { commonShape, elementsOf, handleOf, valueOf } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { axisOption, requiredAxis } from "../options.ts";
import { readRows, takeRows } from "../ragged/index.ts";
import { sortRows } from "../ragged/sort.ts";

export { slice, Slice } from "../indexing/slice.ts";
export type { Index } from "../indexing/parse.ts";

/**
 * The elements at an index, by NumPy's rules: positions, slices, `"..."`, null for a new axis, integer arrays and lists, masks. How
 * many elements a mask picks depends on its values, so it is evaluated at the call. Throws an IndexError that names index, axis and
 * length where a position is out of range: at the call where it is known then, when it is evaluated on the CPU where it is computed;
 * on a GPU computed ones are clamped.
 *
 * @example
 * at(tensor([[1, 2], [3, 4]]), 1); // → tensor([3, 4])
 * at(tensor([[1, 2], [3, 4]]), [1, 0, 1], [0, 0, 1]); // → tensor([3, 1, 4])
 * at(tensor([5, 6, 7]), [true, false, true]); // → tensor([5, 7])
 */
export function at<T extends Lazy>(x: T, ...index: readonly Index<T>[]): T {
  if (x.rows !== null) return readRows(x, index, at);
  const parsed = parseIndex("at", handleOf("at", x), index);
  const items = basicItems(parsed);
  if (items === null) return x.wrap(readIndex(valueOf("at", x), parsed));
  // one element is a number in NumPy, x[1, 2], and no view
  const isElement = items.every((item) => item.kind === "point") && !index.includes("...");
  return x.alias(
    (v) => readIndex(v, parsed),
    (layout) => (isElement ? null : indexLayout(layout, items)),
  );
}

export interface TakeOptions extends AxisOption {
  /** What becomes of indices out of range; "raise" where none is given. */
  readonly mode?: IndexMode;
}

function isFirstAxis(op: string, x: Lazy, options: AxisOption): boolean {
  const axis = axisOption(op, x, options);
  return axis !== null && normalizeAxis(op, axis, x.ndim) === 0;
}

/** x as it is read along an axis, or flattened where none is given. */
function along(op: string, x: Lazy, options: AxisOption): { readonly v: Value; readonly axis: number; readonly length: number } {
  const given = axisOption(op, x, options);
  const v = valueOf(op, x);
  if (given === null) return { v: views.reshape(v, [x.size]), axis: 0, length: x.size };
  const axis = normalizeAxis(op, given, x.ndim);
  return { v, axis, length: item(v.shape, axis) };
}

/**
 * The slices of x at the indices along an axis, in their shape; of the flattened array where no axis is given. Negative indices count
 * from the end. An IndexError where one is out of range, unless `mode` is "wrap" (it counts on around the axis) or "clip".
 *
 * @example
 * take(tensor([10, 20, 30]), [2, 0]); // → tensor([30, 10])
 */
export function take<T extends Lazy>(x: T, indices: T | number | IndexList, options: TakeOptions = {}): T {
  if (x.rows !== null && isFirstAxis("take", x, options)) return takeRows(x, x.rows, indices, at, options.mode);
  const { v, axis, length } = along("take", x, options);
  const about = { op: "take", x, axis, length };
  if (typeof indices !== "number") return x.wrap(gather(v, positionsAlong(about, indices, options.mode), axis));
  const point = { kind: "point", axis, position: boundPosition(about, indices, options.mode ?? "raise") } as const;
  return x.wrap(
    readBox(
      v,
      v.shape.map((size, a) => (a === axis ? point : { kind: "span", axis: a, start: 0, size, step: 1, given: false })),
    ),
  );
}

/**
 * One element of x for each index along an axis; the other axes broadcast. An IndexError where an index is out of range.
 *
 * @example
 * takeAlongAxis(tensor([[10, 20], [30, 40]]), [[1], [0]], { axis: 1 }); // → tensor([[20], [30]])
 */
export function takeAlongAxis<T extends Lazy>(x: T, indices: T | IndexList, axis: number | AxisOption): T {
  const a = requiredAxis("takeAlongAxis", x, axis);
  const { v, positions } = alongAxis("takeAlongAxis", x, indices, a);
  return x.wrap(gatherAlong(v, positions, a));
}

/** x and positions along an axis, their other axes broadcast. */
function alongAxis(op: string, x: Lazy, indices: Lazy | IndexList, axis: number): { readonly v: Value; readonly positions: Value } {
  const v = valueOf(op, x);
  const length = item(v.shape, axis);
  const i = positionsAlong({ op, x, axis, length }, indices);
  if (i.shape.length !== v.shape.length)
    throw new ShapeError(`${op}: ${typeText(i.type)} and ${typeText(v.type)} differ in rank. Give one index axis for each axis.`);
  const others = commonShape(op, [
    { ...v.type, shape: v.shape.with(axis, 1) },
    { ...i.type, shape: i.shape.with(axis, 1) },
  ]);
  const positions = views.broadcastTo(i, others.with(axis, item(i.shape, axis)));
  return { v: views.broadcastTo(v, others.with(axis, length)), positions };
}

export interface SortOptions extends AxisOption {
  readonly descending?: boolean;
}

/**
 * The elements in order along an axis (the last one); stable, NaN last, first where descending.
 *
 * @example
 * sort(tensor([3, 1, 2])); // → tensor([1, 2, 3])
 */
export function sort<T extends Lazy>(x: T, options: SortOptions = {}): T {
  return x.alike(sorted("sort", x, options)[0]);
}

/**
 * The int32 positions that the sorted elements have in x.
 *
 * @example
 * argsort(tensor([3, 1, 2])); // → tensor([1, 2, 0], dtype=int32)
 */
export function argsort<T extends Lazy>(x: T, options: SortOptions = {}): T {
  return x.alike(sorted("argsort", x, options)[1]);
}

function sorted(op: string, x: Lazy, options: SortOptions): readonly [Value, Value] {
  const [v, axis, order] = [elementsOf(op, x), requiredAxis(op, x, options, -1), options.descending === true ? "descending" : "ascending"] as const;
  if (x.rows === null) return sortValue(v, axis, order);
  const { levels } = x.rows;
  if (axis > levels) return sortValue(v, axis - levels, order);
  if (axis === levels) return sortRows(v, x.rows, order);
  throw new UnsupportedError(`${op}: axis ${axis} of ${x.typeName} runs across rows of different lengths. Pad them first: toPadded(x, fill).`);
}
