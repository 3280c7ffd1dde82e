/**
 * Rows of differing lengths. A ragged array is its elements one row after the other, in axis 0 of a dense value, and int32 offsets:
 * row i is the positions offsets[i] … offsets[i + 1] - 1. Offsets rise from 0 to the number of elements; equal ones are an empty row.
 * `segment reduce` makes one element a row, `segment broadcast` repeats one element a row over the row: each is the other's transpose.
 *
 * Offsets are read within bounds whatever they hold; which row an element lies in is only defined where they rise.
 */
import type { DType } from "../ir/dtype.ts";
import { isFloat } from "../ir/dtype.ts";
import { at, DTypeError, ShapeError } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { s, withRange } from "../ir/expr.ts";
import { addIndex, ix } from "../ir/indexing.ts";
import type { Node, Value } from "../ir/node.ts";
import { int, make } from "../ir/node.ts";
import type { Differentiation, Monoid, Primitive, ReadContext, SegmentPrimitive, ViewPrimitive } from "../ir/primitive.ts";
import type { TensorType } from "../ir/shape.ts";
import { tensorType, typeText } from "../ir/shape.ts";
import { cast, divide, equal, greaterEqual, multiply, subtract, where } from "./arithmetic.ts";
import type { DTypeClass } from "./define.ts";
import { requireClass } from "./define.ts";
import type { Extreme } from "./extremes.ts";
import { neutral, positionMonoid } from "./extremes.ts";
import { foldMonoid, reduceSumOp, spread } from "./layout.ts";
import { reduceAllOp, reduceAnyOp, reduceMaxOp, reduceMinOp, reduceProdOp } from "./reductions.ts";
import { iotaValue } from "./source.ts";
import { pad, slice } from "./views.ts";

/** The number of rows; throws unless the offsets are int32 in one axis, with one more than there are rows. */
function rowsOf(op: string, offsets: TensorType): number {
  if (offsets.dtype !== "int32") throw new DTypeError(`${op}: offsets are int32, not ${typeText(offsets)}. Convert with astype first.`);
  const [length] = offsets.shape;
  if (offsets.shape.length === 1 && length !== undefined && length > 0) return length - 1;
  throw new ShapeError(`${op}: offsets ${typeText(offsets)} must have one axis, with one entry more than there are rows.`);
}

/** `inner` axes behind axis 0; throws where there is no axis 0, or no row for its elements. */
function innerOf(op: string, x: TensorType, rows: number): readonly number[] {
  const [length] = x.shape;
  if (length === undefined) throw new ShapeError(`${op}: ${typeText(x)} has no axis 0 for rows to lie in.`);
  if (rows === 0 && length > 0) throw new ShapeError(`${op}: ${typeText(x)} has ${length} elements along axis 0, and there are no rows for them.`);
  return x.shape.slice(1);
}

interface SegmentRow {
  readonly name: string;
  readonly doc: string;
  readonly takes: DTypeClass;
  readonly gives?: DType;
  readonly monoid: (operand: TensorType) => Monoid;
  readonly derivative: Differentiation;
}

const segmentRow = ({ name, doc, takes, gives, monoid, derivative }: SegmentRow): SegmentPrimitive => ({
  kind: "segment",
  name,
  doc,
  arity: 2,
  attrs: {},
  infer: (args) => {
    const [x, rows] = [at(args, 0), rowsOf(name, at(args, 1))];
    requireClass(name, x.dtype, takes);
    return [tensorType(gives ?? x.dtype, [rows, ...innerOf(name, x, rows)])];
  },
  monoid,
  derivative,
});

/** The row that a position lies in, by halves: the last one that starts at it or before. */
function searchedRow(context: ReadContext, operand: number, position: Expr): Expr {
  let row = ix(0);
  for (let left = at(context.shape(operand), 0) - 1; left > 1;) {
    const half = Math.floor(left / 2);
    const middle = addIndex(row, half);
    row = withRange(s.select(s.le(context.read(operand, [middle]), position), middle, row), 0, middle.hi);
    left -= half;
  }
  return row;
}

export const segmentBroadcastOp: ViewPrimitive = {
  kind: "gather",
  name: "segment broadcast",
  doc: "Operand 0 has an element a row; element k of the `size` elements of the result is that of the row that k lies in, by the int32 offsets.",
  arity: 2,
  attrs: { size: "int" },
  infer: (args, attrs) => {
    const [x, rows, size] = [at(args, 0), rowsOf("segment broadcast", at(args, 1)), int(attrs, "size")];
    if (!Number.isSafeInteger(size) || size < 0) throw new ShapeError(`segment broadcast: size ${size} is no length: lengths are whole numbers from 0 on.`);
    if (x.shape[0] !== rows) throw new ShapeError(`segment broadcast: ${typeText(x)} should have one element for each of the ${rows} rows of the offsets.`);
    const type = tensorType(x.dtype, [size, ...x.shape.slice(1)]);
    innerOf("segment broadcast", type, rows);
    return [type];
  },
  pieces: (out, context) => {
    const [position, ...inner] = out;
    if (position === undefined) return [];
    return [{ operand: 0, index: [context.row?.(1, position, int(context.attrs, "size")) ?? searchedRow(context, 1, position), ...inner] }];
  },
  derivative: {
    by: "linear",
    operands: [0],
    transpose: (cotangent, node) => [segmentReduceSum(cotangent, at(node.args, 1)), null],
  },
};

const sizeAlong = (x: Value): number => at(x.shape, 0);
/** A value of rows spread over the elements of `x`. */
const over = (rows: Value, x: Value, offsets: Value): Value => segmentBroadcast(rows, offsets, sizeAlong(x));

export const segmentReduceSumOp: SegmentPrimitive = segmentRow({
  name: "segment reduce sum",
  doc: "The sum of each row; 0 where it is empty.",
  takes: "numeric",
  monoid: ({ dtype }) => foldMonoid(dtype, { init: 0, combine: s.add, exact: !isFloat(dtype) }),
  derivative: {
    by: "linear",
    operands: [0],
    transpose: (cotangent, node) => [over(cotangent, at(node.args, 0), at(node.args, 1)), null],
  },
});

/** Rules of a row whose derivative is `slope(x, y, offsets)`, of the operand's shape. */
function bySlope(slope: (x: Value, y: Value, offsets: Value) => Value): Differentiation {
  const slopeOf = (node: Node): Value => slope(at(node.args, 0), at(node.results, 0), at(node.args, 1));
  return {
    by: "rules",
    vjp: (node, [ct]) => (ct ? [multiply(over(ct, at(node.args, 0), at(node.args, 1)), slopeOf(node)), null] : []),
    jvp: (node, [t]) => (t ? [segmentReduceSum(multiply(t, slopeOf(node)), at(node.args, 1))] : []),
  };
}

/** Shared evenly among all elements of the row that equal the extreme. */
function tiesSlope(x: Value, y: Value, offsets: Value): Value {
  const isExtreme = cast(equal(x, over(y, x, offsets)), x.dtype);
  return divide(isExtreme, over(segmentReduceSum(isExtreme, offsets), x, offsets));
}

const extremeRow = (extreme: Extreme): SegmentPrimitive =>
  segmentRow({
    name: `segment reduce ${extreme}`,
    doc: `The ${extreme} of each row; NaN where one is NaN. An empty row gives what every number beats: an infinity, or the last integer.`,
    takes: "numeric",
    monoid: ({ dtype }) => foldMonoid(dtype, { init: neutral(extreme), combine: s[extreme], exact: true }),
    derivative: bySlope(tiesSlope),
  });
export const segmentReduceMaxOp: SegmentPrimitive = extremeRow("max");
export const segmentReduceMinOp: SegmentPrimitive = extremeRow("min");

/** The element `by` places before (or behind, where negative), 1 where that is outside. */
function neighbour(x: Value, by: number): Value {
  const [before, behind] = [Math.max(by, 0), Math.max(-by, 0)];
  const along = (n: number, other: number): number[] => x.shape.map((_, i) => (i === 0 ? n : other));
  const size = x.shape.map((n, i) => (i === 0 ? n - before - behind : n));
  return pad(slice(x, along(behind, 0), size), 1, along(before, 0), along(behind, 0));
}

/** The product of the elements on one side of each within its row; `distance` is how many there are. Blocks double in length. */
function productBeside(x: Value, distance: Value, side: 1 | -1): Value {
  const inRow = (by: number): Value => spread(greaterEqual(distance, by), x.shape, x.shape.map((_, i) => i).slice(1));
  let product = where(inRow(1), neighbour(x, side), 1);
  for (let by = 1; by < sizeAlong(x) - 1; by *= 2) product = multiply(product, where(inRow(by), neighbour(product, side * by), 1));
  return product;
}

/** The product of all other elements of the row: exact with zeros, and differentiable again. */
function productSlope(x: Value, _: Value, offsets: Value): Value {
  const [size, rows] = [sizeAlong(x), sizeAlong(offsets) - 1];
  if (size === 0) return x;
  const position = iotaValue([size], 0, "int32");
  const first = segmentBroadcast(slice(offsets, [0], [rows]), offsets, size);
  const end = segmentBroadcast(slice(offsets, [1], [rows]), offsets, size);
  return multiply(productBeside(x, subtract(position, first), 1), productBeside(x, subtract(subtract(end, position), 1), -1));
}

export const segmentReduceProdOp: SegmentPrimitive = segmentRow({
  name: "segment reduce prod",
  doc: "The product of each row; 1 where it is empty.",
  takes: "numeric",
  monoid: ({ dtype }) => foldMonoid(dtype, { init: 1, combine: s.mul, exact: !isFloat(dtype) }),
  derivative: bySlope(productSlope),
});

export const segmentReduceAnyOp: SegmentPrimitive = segmentRow({
  name: "segment reduce any",
  doc: "Whether one is true in each row; false where it is empty.",
  takes: "bool",
  monoid: ({ dtype }) => foldMonoid(dtype, { init: 0, combine: s.or, exact: true }),
  derivative: { by: "zero" },
});
export const segmentReduceAllOp: SegmentPrimitive = segmentRow({
  name: "segment reduce all",
  doc: "Whether all are true in each row; true where it is empty.",
  takes: "bool",
  monoid: ({ dtype }) => foldMonoid(dtype, { init: 1, combine: s.and, exact: true }),
  derivative: { by: "zero" },
});

const positionRow = (extreme: Extreme): SegmentPrimitive =>
  segmentRow({
    name: `segment arg${extreme}`,
    doc: `The int32 position within each row of its first ${extreme}, or of its first NaN; 0 where the row is empty.`,
    takes: "numeric",
    gives: "int32",
    monoid: ({ dtype }) => {
      const monoid = positionMonoid(dtype, extreme, "first");
      const none = at(monoid.init, 1).value;
      return { ...monoid, finish: (tuple) => [s.select(s.eq(at(tuple, 1), none), ix(0), at(tuple, 1))] };
    },
    derivative: { by: "zero" },
  });
export const segmentArgmaxOp: SegmentPrimitive = positionRow("max");
export const segmentArgminOp: SegmentPrimitive = positionRow("min");

const reducer =
  (op: SegmentPrimitive): ((values: Value, offsets: Value) => Value) =>
  (values, offsets) =>
    make(op, [values, offsets]);

/** The sum of each row: values `[n, ...inner]` and int32 offsets `[rows + 1]` to `[rows, ...inner]`; 0 of an empty row. */
export const segmentReduceSum: (values: Value, offsets: Value) => Value = reducer(segmentReduceSumOp);
/** The greatest element of each row, NaN where one is NaN; -Infinity or the least integer of an empty row. */
export const segmentReduceMax: (values: Value, offsets: Value) => Value = reducer(segmentReduceMaxOp);
/** The least element of each row, NaN where one is NaN; Infinity or the greatest integer of an empty row. */
export const segmentReduceMin: (values: Value, offsets: Value) => Value = reducer(segmentReduceMinOp);
/** The product of each row; 1 of an empty row. */
export const segmentReduceProd: (values: Value, offsets: Value) => Value = reducer(segmentReduceProdOp);
/** Whether one of the bools of each row is true; false of an empty row. */
export const segmentReduceAny: (values: Value, offsets: Value) => Value = reducer(segmentReduceAnyOp);
/** Whether all bools of each row are true; true of an empty row. */
export const segmentReduceAll: (values: Value, offsets: Value) => Value = reducer(segmentReduceAllOp);
/** The int32 position within each row of its first greatest element, or of its first NaN; 0 of an empty row. */
export const segmentArgmax: (values: Value, offsets: Value) => Value = reducer(segmentArgmaxOp);
/** The int32 position within each row of its first least element, or of its first NaN; 0 of an empty row. */
export const segmentArgmin: (values: Value, offsets: Value) => Value = reducer(segmentArgminOp);

/** What reduces each row as a reduction over axis 0 reduces all elements. */
export const segmentForms: ReadonlyMap<Primitive, SegmentPrimitive> = new Map<Primitive, SegmentPrimitive>([
  [reduceSumOp, segmentReduceSumOp],
  [reduceMaxOp, segmentReduceMaxOp],
  [reduceMinOp, segmentReduceMinOp],
  [reduceProdOp, segmentReduceProdOp],
  [reduceAnyOp, segmentReduceAnyOp],
  [reduceAllOp, segmentReduceAllOp],
]);

/** `rows` `[rows, ...inner]` repeated over their rows: `[size, ...inner]`, whose element k is that of the row that k lies in. */
export const segmentBroadcast = (rows: Value, offsets: Value, size: number): Value => make(segmentBroadcastOp, [rows, offsets], { size });

/** The rows of this file. */
export const segmentOps: readonly Primitive[] = [
  segmentReduceSumOp,
  segmentReduceMaxOp,
  segmentReduceMinOp,
  segmentReduceProdOp,
  segmentReduceAnyOp,
  segmentReduceAllOp,
  segmentArgmaxOp,
  segmentArgminOp,
  segmentBroadcastOp,
];
