/** Reductions over a monoid, beside `reduce sum` (layout.ts). */
import { isFloat } from "../ir/dtype.ts";
import type { DType } from "../ir/dtype.ts";
import { at, ShapeError } from "../ir/errors.ts";
import { s } from "../ir/expr.ts";
import type { Node, Value } from "../ir/node.ts";
import { ints, make } from "../ir/node.ts";
import type { Differentiation, Monoid, Primitive, ReductionPrimitive } from "../ir/primitive.ts";
import type { TensorType } from "../ir/shape.ts";
import { sizeOf, tensorType, typeText } from "../ir/shape.ts";
import { add, cast, divide, equal, multiply, where } from "./arithmetic.ts";
import type { DTypeClass } from "./define.ts";
import { requireClass } from "./define.ts";
import type { Extreme } from "./extremes.ts";
import { neutral, positionMonoid } from "./extremes.ts";
import { foldMonoid, otherAxes, permute, reducedType, reduceSum, reshape, spread, zerosLike } from "./layout.ts";
import { otherProducts } from "./prefix.ts";
import { gatherAlong } from "./gather.ts";
import { iotaValue } from "./source.ts";

export { reduceSum } from "./layout.ts";

interface ReductionRow {
  readonly name: string;
  readonly doc: string;
  readonly takes: DTypeClass;
  readonly gives?: DType;
  /** Whether no elements at all have a result. */
  readonly ofNothing: "neutral" | "error";
  readonly monoid: (operand: TensorType) => Monoid;
  readonly derivative: Differentiation;
}

const reductionRow = ({ name, doc, takes, gives, ofNothing, monoid, derivative }: ReductionRow): ReductionPrimitive => ({
  kind: "reduction",
  name,
  doc,
  arity: 1,
  attrs: { axes: "ints" },
  infer: (args, attrs) => {
    const x = at(args, 0);
    requireClass(name, x.dtype, takes);
    const { dtype, shape } = reducedType(name, x, attrs);
    const isEmpty = ints(attrs, "axes").some((a) => x.shape[a] === 0);
    if (ofNothing === "error" && isEmpty)
      throw new ShapeError(`${name}: ${typeText(x)} has no elements along axes [${ints(attrs, "axes").join(",")}], so there is none to find.`);
    return [tensorType(gives ?? dtype, shape)];
  },
  monoid,
  derivative,
});

/** Rules of a row whose derivative is `slope(x, y)`, of the operand's shape: cotangents spread over it, tangents sum up. */
function bySlope(slope: (x: Value, y: Value, axes: readonly number[]) => Value): Differentiation {
  const slopeOf = (node: Node): Value => slope(at(node.args, 0), at(node.results, 0), ints(node.attrs, "axes"));
  return {
    by: "rules",
    vjp: (node, [ct]) => (ct ? [multiply(spread(ct, at(node.args, 0).shape, ints(node.attrs, "axes")), slopeOf(node))] : []),
    jvp: (node, [t]) => (t ? [reduceSum(multiply(t, slopeOf(node)), ints(node.attrs, "axes"))] : []),
  };
}

/** Shared evenly among all elements that equal the extreme. */
function tiesSlope(x: Value, y: Value, axes: readonly number[]): Value {
  const isExtreme = cast(equal(x, spread(y, x.shape, axes)), x.dtype);
  return divide(isExtreme, spread(reduceSum(isExtreme, axes), x.shape, axes));
}

/** The product of all other elements: the axes are laid in one row for it. */
function productSlope(x: Value, _: Value, axes: readonly number[]): Value {
  if (sizeOf(x.shape) === 0) return zerosLike(x);
  const kept = otherAxes(x.shape.length, axes);
  const order = [...kept, ...axes];
  const turned = permute(x, order);
  const rows = reshape(turned, [...kept.map((a) => at(x.shape, a)), sizeOf(axes.map((a) => at(x.shape, a)))]);
  const others = reshape(otherProducts(rows, kept.length), turned.shape);
  return permute(
    others,
    order.map((_a, axis) => order.indexOf(axis)),
  );
}

const extremeMonoid = (dtype: DType, extreme: Extreme): Monoid => foldMonoid(dtype, { init: neutral(extreme), combine: s[extreme], exact: true });

const extremeRow = (extreme: Extreme): ReductionPrimitive =>
  reductionRow({
    name: `reduce ${extreme}`,
    doc: `The ${extreme} over \`axes\`; NaN where one is NaN.`,
    takes: "numeric",
    ofNothing: "error",
    monoid: ({ dtype }) => extremeMonoid(dtype, extreme),
    derivative: bySlope(tiesSlope),
  });
export const reduceMaxOp: ReductionPrimitive = extremeRow("max");
export const reduceMinOp: ReductionPrimitive = extremeRow("min");

/** Where the first extreme of the reduced elements stands, as a bool of the operand's shape. */
function isFirst(x: Value, axes: readonly number[]): Value {
  let position: Value = iotaValue(x.shape, at(axes, axes.length - 1), "int32");
  let length = at(x.shape, at(axes, axes.length - 1));
  for (const a of axes.slice(0, -1).toReversed()) {
    position = add(position, multiply(iotaValue(x.shape, a, "int32"), length));
    length *= at(x.shape, a);
  }
  return equal(position, spread(argmax(x, axes), x.shape, axes));
}

export const reduceFirstMaxOp: ReductionPrimitive = reductionRow({
  name: "reduce first max",
  doc: "The max over `axes`, as `reduce max`; its derivative is that of the first element that equals it.",
  takes: "numeric",
  ofNothing: "error",
  monoid: ({ dtype }) => extremeMonoid(dtype, "max"),
  derivative: {
    by: "rules",
    vjp: (node, [ct]) => {
      const [x, axes] = [at(node.args, 0), ints(node.attrs, "axes")];
      return ct ? [where(isFirst(x, axes), spread(ct, x.shape, axes), 0)] : [];
    },
    jvp: (node, [t]) => {
      const axes = ints(node.attrs, "axes");
      return t ? [reduceSum(where(isFirst(at(node.args, 0), axes), t, 0), axes)] : [];
    },
  },
});

export const reduceProdOp: ReductionPrimitive = reductionRow({
  name: "reduce prod",
  doc: "The product over `axes`; 1 where there are no elements.",
  takes: "numeric",
  ofNothing: "neutral",
  monoid: ({ dtype }) => foldMonoid(dtype, { init: 1, combine: s.mul, exact: !isFloat(dtype) }),
  derivative: bySlope(productSlope),
});

export const reduceAnyOp: ReductionPrimitive = reductionRow({
  name: "reduce any",
  doc: "Whether one is true over `axes`.",
  takes: "bool",
  ofNothing: "neutral",
  monoid: ({ dtype }) => foldMonoid(dtype, { init: 0, combine: s.or, exact: true }),
  derivative: { by: "zero" },
});
export const reduceAllOp: ReductionPrimitive = reductionRow({
  name: "reduce all",
  doc: "Whether all are true over `axes`.",
  takes: "bool",
  ofNothing: "neutral",
  monoid: ({ dtype }) => foldMonoid(dtype, { init: 1, combine: s.and, exact: true }),
  derivative: { by: "zero" },
});

const positionRow = (extreme: Extreme): ReductionPrimitive => {
  const row: ReductionPrimitive = {
    ...reductionRow({
      name: `arg${extreme}`,
      doc: `The int32 row-major position over \`axes\` of the first ${extreme}, or of the first NaN.`,
      takes: "numeric",
      gives: "int32",
      ofNothing: "error",
      monoid: ({ dtype }) => ({ ...positionMonoid(dtype, extreme, "first"), finish: (tuple) => [at(tuple, 1)] }),
      derivative: { by: "zero" },
    }),
    inTwo: (x) => firstOfRows(x, row, extreme === "max" ? reduceMaxOp : reduceMinOp),
  };
  return row;
};

/** The first row whose extreme is that of all rows, and the position in it. */
function firstOfRows(x: Value, position: ReductionPrimitive, extreme: ReductionPrimitive): Value {
  const axis = x.shape.length - 2;
  const [places, extremes] = [make(position, [x], { axes: [axis + 1] }), make(extreme, [x], { axes: [axis + 1] })];
  const first = make(position, [extremes], { axes: [axis] });
  const place = reshape(gatherAlong(places, reshape(first, [...first.shape, 1]), axis), first.shape);
  return add(multiply(first, at(x.shape, axis + 1)), place);
}
export const argmaxOp: ReductionPrimitive = positionRow("max");
export const argminOp: ReductionPrimitive = positionRow("min");

const reducer =
  (op: Primitive): ((x: Value, axes: readonly number[]) => Value) =>
  (x, axes) =>
    make(op, [x], { axes });
/** A reduction over no axis is the operand itself. */
const orSame =
  (op: Primitive): ((x: Value, axes: readonly number[]) => Value) =>
  (x, axes) =>
    axes.length === 0 ? x : make(op, [x], { axes });

/** The greatest element over `axes` (rising); NaN where one is NaN; a ShapeError where there is none. */
export const reduceMax: (x: Value, axes: readonly number[]) => Value = orSame(reduceMaxOp);
/** The greatest element over `axes` (rising), whose whole derivative goes to the first that equals it; else as `reduceMax`. */
export const reduceFirstMax: (x: Value, axes: readonly number[]) => Value = orSame(reduceFirstMaxOp);
/** The least element over `axes` (rising); NaN where one is NaN; a ShapeError where there is none. */
export const reduceMin: (x: Value, axes: readonly number[]) => Value = orSame(reduceMinOp);
/** The product over `axes` (rising); 1 where there are no elements. */
export const reduceProd: (x: Value, axes: readonly number[]) => Value = orSame(reduceProdOp);
/** Whether one of the bools is true over `axes` (rising). */
export const reduceAny: (x: Value, axes: readonly number[]) => Value = orSame(reduceAnyOp);
/** Whether all bools are true over `axes` (rising). */
export const reduceAll: (x: Value, axes: readonly number[]) => Value = orSame(reduceAllOp);
/** The int32 position of the first greatest element, or of the first NaN, row-major over `axes` (rising). */
export const argmax: (x: Value, axes: readonly number[]) => Value = reducer(argmaxOp);
/** The int32 position of the first least element, or of the first NaN, row-major over `axes` (rising). */
export const argmin: (x: Value, axes: readonly number[]) => Value = reducer(argminOp);

/** The rows of this file. */
export const reductionOps: readonly Primitive[] = [reduceMaxOp, reduceFirstMaxOp, reduceMinOp, reduceProdOp, reduceAnyOp, reduceAllOp, argmaxOp, argminOp];
