/** Rows that keep, copy or sum whole axes: reshape, permute, broadcast and its transpose `reduce sum`; and what is filled by them. */
import type { DType, Numeric } from "../ir/dtype.ts";
import { isFloat } from "../ir/dtype.ts";
import { at, ShapeError } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { constant, s } from "../ir/expr.ts";
import { flatten, ix, unflatten } from "../ir/indexing.ts";
import type { Attrs, Node, Value } from "../ir/node.ts";
import { ints, make } from "../ir/node.ts";
import type { Monoid, Primitive, ReductionPrimitive, ViewPrimitive } from "../ir/primitive.ts";
import type { Shape, TensorType } from "../ir/shape.ts";
import { normalizeAxes, sameShape, shapeText, sizeOf, tensorType, typeText } from "../ir/shape.ts";
import { requireClass } from "./define.ts";
import { constantValue } from "./source.ts";

/** Throws a ShapeError unless every length is a whole number, 0 or more. */
export function checkLengths(op: string, shape: Shape): void {
  if (shape.every((n) => Number.isSafeInteger(n) && n >= 0)) return;
  throw new ShapeError(`${op}: ${shapeText(shape)} is no shape: lengths are whole numbers from 0 on.`);
}

/** Throws a ShapeError unless the list has one entry an axis. */
export function checkRank(op: string, what: string, list: readonly unknown[], type: TensorType): void {
  if (list.length === type.shape.length) return;
  throw new ShapeError(`${op}: ${what} has ${list.length} entries for ${typeText(type)}: give one for each of its ${type.shape.length} axes.`);
}

const seq = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The axes of rank `rank` that are not in `axes`. */
export const otherAxes = (rank: number, axes: readonly number[]): number[] => seq(rank).filter((i) => !axes.includes(i));

/** The lengths that are left when `axes` are gone. */
export const withoutAxes = (shape: Shape, axes: readonly number[]): number[] => shape.filter((_, i) => !axes.includes(i));

export const reshapeOp: ViewPrimitive = {
  kind: "view",
  name: "reshape",
  doc: "The same elements in the same row-major order, in another shape.",
  arity: 1,
  attrs: { shape: "ints" },
  alias: true,
  infer: (args, attrs) => {
    const [x, shape] = [at(args, 0), ints(attrs, "shape")];
    checkLengths("reshape", shape);
    if (sizeOf(shape) === sizeOf(x.shape)) return [tensorType(x.dtype, shape)];
    throw new ShapeError(`reshape: ${typeText(x)} has ${sizeOf(x.shape)} elements, ${shapeText(shape)} has ${sizeOf(shape)}. The numbers must be equal.`);
  },
  pieces: (out, { attrs, shape }) => [{ operand: 0, index: reshapedIndex(out, ints(attrs, "shape"), shape(0)) }],
  derivative: { by: "linear", operands: [0], transpose: (cotangent, node) => [reshape(cotangent, at(node.args, 0).shape)] },
};

/** Axes with more than one element. */
function longAxes(shape: Shape): number[] {
  const axes: number[] = [];
  for (let i = 0; i < shape.length; i++) if (shape[i] !== 1) axes.push(i);
  return axes;
}

/**
 * The index in a shape of an element of another shape. Axes are met in runs that hold equally many elements, so that an axis that is
 * one in both keeps its index, also where a guard stands in front of indices that leave it.
 */
function reshapedIndex(out: readonly Expr[], shape: Shape, to: Shape): Expr[] {
  if (sizeOf(to) === 0) return to.map(() => ix(0));
  const given = longAxes(shape);
  const wanted = longAxes(to);
  const index: Expr[] = to.map(() => ix(0));
  let i = 0;
  let j = 0;
  while (j < wanted.length) {
    const first = i;
    const start = j;
    let have = at(shape, at(given, i++));
    let want = at(to, at(wanted, j++));
    while (have !== want) {
      if (have < want) have *= at(shape, at(given, i++));
      else want *= at(to, at(wanted, j++));
    }
    if (i === first + 1 && j === start + 1) {
      index[at(wanted, start)] = at(out, at(given, first));
      continue;
    }
    const run = given.slice(first, i);
    const part = wanted.slice(start, j);
    const lengths = (list: readonly number[], from: Shape): number[] => list.map((axis) => at(from, axis));
    const inside = run.map((axis) => at(out, axis));
    const places = unflatten(flatten(inside, lengths(run, shape)), lengths(part, to));
    part.forEach((axis, k) => void (index[axis] = at(places, k)));
  }
  return index;
}

function inversePermutation(axes: readonly number[]): number[] {
  const inverse: number[] = [];
  axes.forEach((a, i) => void (inverse[a] = i));
  return inverse;
}

export const permuteOp: ViewPrimitive = {
  kind: "view",
  name: "permute",
  doc: "Axis i of the result is axis axes[i] of the operand.",
  arity: 1,
  attrs: { axes: "ints" },
  infer: (args, attrs) => {
    const [x, axes] = [at(args, 0), ints(attrs, "axes")];
    const wanted = seq(x.shape.length);
    const sorted = axes.toSorted((a, b) => a - b);
    if (!sameShape(sorted, wanted)) throw new ShapeError(`permute: axes ${shapeText(axes)} of ${typeText(x)}: name each of ${shapeText(wanted)} once.`);
    return [
      tensorType(
        x.dtype,
        axes.map((a) => at(x.shape, a)),
      ),
    ];
  },
  pieces: (out, { attrs }) => [{ operand: 0, index: inversePermutation(ints(attrs, "axes")).map((i) => at(out, i)) }],
  derivative: { by: "linear", operands: [0], transpose: (cotangent, node) => [permute(cotangent, inversePermutation(ints(node.attrs, "axes")))] },
};

export const broadcastOp: ViewPrimitive = {
  kind: "view",
  name: "broadcast",
  doc: "Repeats the operand along new axes; its axis i is axis axes[i] of the result (rising, lengths equal).",
  arity: 1,
  attrs: { shape: "ints", axes: "ints" },
  infer: (args, attrs) => {
    const [x, shape, axes] = [at(args, 0), ints(attrs, "shape"), ints(attrs, "axes")];
    checkLengths("broadcast", shape);
    checkRank("broadcast", "axes", axes, x);
    const rises = axes.every((a, i) => Number.isInteger(a) && a > (axes[i - 1] ?? -1) && a < shape.length);
    if (rises && axes.every((a, i) => shape[a] === x.shape[i])) return [tensorType(x.dtype, shape)];
    throw new ShapeError(`broadcast: ${typeText(x)} does not lie along axes ${shapeText(axes)} of ${shapeText(shape)}: axes rise and lengths are equal.`);
  },
  pieces: (out, { attrs }) => [{ operand: 0, index: ints(attrs, "axes").map((a) => at(out, a)) }],
  derivative: {
    by: "linear",
    operands: [0],
    transpose: (cotangent, node) => [reduceSum(cotangent, otherAxes(cotangent.shape.length, ints(node.attrs, "axes")))],
  },
};

/** The type of a reduction's operand without `attrs.axes`, which must be rising axes of it. */
export function reducedType(op: string, x: TensorType, attrs: Attrs): TensorType {
  const axes = ints(attrs, "axes");
  const sorted = normalizeAxes(op, axes, x.shape.length);
  if (!sameShape(sorted, axes))
    throw new ShapeError(`${op}: axes ${shapeText(axes)} of ${typeText(x)} must rise and count from the front: ${shapeText(sorted)}.`);
  return tensorType(x.dtype, withoutAxes(x.shape, axes));
}

interface Fold {
  readonly init: number;
  readonly combine: (a: Expr, b: Expr) => Expr;
  /** Whether regrouping keeps every bit. */
  readonly exact: boolean;
}

/** Elements folded by one associative operation. */
export function foldMonoid(dtype: DType, { init, combine, exact }: Fold): Monoid {
  return {
    dtypes: [dtype],
    init: [constant(init, dtype)],
    seed: (elements) => elements,
    combine: (a, b) => [combine(at(a, 0), at(b, 0))],
    finish: (tuple) => tuple,
    exact,
  };
}

/** A reduced value spread over the shape that was reduced. */
export const spread = (reduced: Value, shape: Shape, axes: readonly number[]): Value => broadcast(reduced, shape, otherAxes(shape.length, axes));

export const reduceSumOp: ReductionPrimitive = {
  kind: "reduction",
  name: "reduce sum",
  doc: "The sum over `axes`; 0 where there are no elements.",
  arity: 1,
  attrs: { axes: "ints" },
  infer: (args, attrs) => {
    requireClass("reduce sum", at(args, 0).dtype, "numeric");
    return [reducedType("reduce sum", at(args, 0), attrs)];
  },
  monoid: ({ dtype }) => foldMonoid(dtype, { init: 0, combine: s.add, exact: !isFloat(dtype) }),
  derivative: {
    by: "linear",
    operands: [0],
    transpose: (cotangent, node: Node) => [spread(cotangent, at(node.args, 0).shape, ints(node.attrs, "axes"))],
  },
};

/** `x` in row-major order in another shape of as many elements. */
export const reshape = (x: Value, shape: Shape): Value => (sameShape(x.shape, shape) ? x : make(reshapeOp, [x], { shape }));

/** Axis i of the result is axis axes[i] of `x`. */
export function permute(x: Value, axes: readonly number[]): Value {
  const same = axes.length === x.shape.length && axes.every((a, i) => a === i);
  return same ? x : make(permuteOp, [x], { axes });
}

/** `x` repeated along new axes; axis i of `x` is axis axes[i] of the result, of the same length. */
export const broadcast = (x: Value, shape: Shape, axes: readonly number[]): Value =>
  sameShape(x.shape, shape) && axes.length === shape.length && axes.every((a, i) => a === i) ? x : make(broadcastOp, [x], { shape, axes });

/** `x` broadcast to `shape` by NumPy's rule: aligned at the last axis, axes of length 1 repeated; a ShapeError where it does not fit. */
export function broadcastTo(x: Value, shape: Shape): Value {
  const lead = shape.length - x.shape.length;
  const fits = lead >= 0 && x.shape.every((n, i) => n === 1 || n === shape[lead + i]);
  if (!fits)
    throw new ShapeError(`broadcastTo: ${typeText(x.type)} does not broadcast to ${shapeText(shape)}: lengths must be equal or 1, counted from the last axis.`);
  const kept = seq(x.shape.length).filter((i) => x.shape[i] === shape[lead + i]);
  const dense = reshape(
    x,
    kept.map((i) => at(x.shape, i)),
  );
  return broadcast(
    dense,
    shape,
    kept.map((i) => lead + i),
  );
}

/** One number everywhere. */
export const fill = (value: Numeric, type: TensorType): Value => broadcast(constantValue(value, type.dtype), type.shape, []);
export const zerosLike = (x: Value): Value => fill(0, x.type);
export const onesLike = (x: Value): Value => fill(1, x.type);

/** The sum over `axes` (rising); those axes are gone. */
export const reduceSum = (x: Value, axes: readonly number[]): Value => (axes.length === 0 ? x : make(reduceSumOp, [x], { axes }));

/** A number beside a value is a constant of its dtype, rank 0. */
export const asValue = (x: Value | number, dtype: DType): Value => (typeof x === "number" ? constantValue(x, dtype) : x);

/** The rows of this file. */
export const layoutOps: readonly Primitive[] = [reshapeOp, permuteOp, broadcastOp, reduceSumOp];
