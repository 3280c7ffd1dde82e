/**
 * Views that read an element more than once or along two axes: sliding windows and diagonals, with the rows that take them back.
 * `unwindow` lays every window at its place in a lane of its own, so that the transpose of a window is a sum over lanes: each
 * element is still moved once, and no scatter is needed.
 */
import { at, ShapeError } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { apply } from "../ir/expr.ts";
import { addIndex, conjoin, divIndex, ix, modIndex, mulIndex, subIndex, within } from "../ir/indexing.ts";
import type { Attrs, Node, Value } from "../ir/node.ts";
import { int, ints, make } from "../ir/node.ts";
import type { Primitive, ViewPrimitive } from "../ir/primitive.ts";
import type { Shape, TensorType } from "../ir/shape.ts";
import { normalizeAxes, shapeText, tensorType, typeText } from "../ir/shape.ts";
import { add, equal, where } from "./arithmetic.ts";
import { asValue, broadcast, checkLengths, fill, otherAxes, permute, reduceSum } from "./layout.ts";
import { iotaValue } from "./source.ts";
import { pad } from "./views.ts";

interface WindowAttrs {
  readonly axes: readonly number[];
  readonly sizes: readonly number[];
  readonly steps: readonly number[];
}

function windowAttrs(op: string, rank: number, attrs: Attrs): WindowAttrs {
  const [axes, sizes, steps] = [ints(attrs, "axes"), ints(attrs, "sizes"), ints(attrs, "steps")];
  normalizeAxes(op, axes, rank);
  [sizes, steps].forEach((list) => checkLengths(op, list));
  const whole = sizes.length === axes.length && steps.length === axes.length && [...sizes, ...steps].every((n) => n >= 1);
  if (!whole) throw new ShapeError(`${op}: sizes ${shapeText(sizes)} and steps ${shapeText(steps)} of axes ${shapeText(axes)}: give one each, 1 or more.`);
  return { axes, sizes, steps };
}

/** How many windows of a size fit, a step apart. */
const windowCount = (length: number, size: number, step: number): number => Math.floor((length - size) / step) + 1;

export const windowOp: ViewPrimitive = {
  kind: "view",
  name: "window",
  doc: "Sliding windows of `sizes` along `axes`, `steps` apart: the axes count windows, and one axis a size is appended.",
  arity: 1,
  attrs: { axes: "ints", sizes: "ints", steps: "ints" },
  infer: (args, attrs) => {
    const x = at(args, 0);
    const { axes, sizes, steps } = windowAttrs("window", x.shape.length, attrs);
    const counts = [...x.shape];
    axes.forEach((axis, k) => {
      if (at(sizes, k) > at(x.shape, axis))
        throw new ShapeError(`window: a window of ${at(sizes, k)} is longer than axis ${axis} of ${typeText(x)}. Choose a smaller one.`);
      counts[axis] = windowCount(at(x.shape, axis), at(sizes, k), at(steps, k));
    });
    return [tensorType(x.dtype, [...counts, ...sizes])];
  },
  pieces: (out, { attrs, shape }) => {
    const rank = shape(0).length;
    const [axes, steps] = [ints(attrs, "axes"), ints(attrs, "steps")];
    const index = out.slice(0, rank);
    axes.forEach((axis, k) => void (index[axis] = addIndex(mulIndex(at(out, axis), at(steps, k)), at(out, rank + k))));
    return [{ operand: 0, index }];
  },
  derivative: {
    by: "linear",
    operands: [0],
    transpose: (cotangent, node) => {
      const { shape } = at(node.args, 0);
      const axes = ints(node.attrs, "axes");
      const lanes = unwindow(
        cotangent,
        0,
        axes,
        ints(node.attrs, "steps"),
        axes.map((a) => at(shape, a)),
      );
      return [
        reduceSum(
          lanes,
          axes.map((_, k) => shape.length + k),
        ),
      ];
    },
  },
};

export const unwindowOp: ViewPrimitive = {
  kind: "view",
  name: "unwindow",
  doc: "Each element of `window`'s result at its place along `axes` (of `lengths`), the last axes still apart; the rank-0 operand 1 elsewhere.",
  arity: 2,
  attrs: { axes: "ints", steps: "ints", lengths: "ints" },
  infer: (args, attrs) => {
    const [x, value] = [at(args, 0), at(args, 1)];
    const [axes, steps, lengths] = [ints(attrs, "axes"), ints(attrs, "steps"), ints(attrs, "lengths")];
    const rank = x.shape.length - axes.length;
    normalizeAxes("unwindow", axes, rank);
    checkLengths("unwindow", lengths);
    const fits = axes.every((a, k) => windowCount(at(lengths, k), at(x.shape, rank + k), at(steps, k)) === x.shape[a]);
    const scalar = value.shape.length === 0 && value.dtype === x.dtype;
    if (!fits || !scalar)
      throw new ShapeError(
        `unwindow: ${typeText(x)} holds no windows of axes ${shapeText(axes)} of lengths ${shapeText(lengths)} in steps of ${shapeText(steps)}.`,
      );
    const shape = [...x.shape];
    axes.forEach((a, k) => void (shape[a] = at(lengths, k)));
    return [tensorType(x.dtype, shape)];
  },
  pieces: (out, { attrs, shape }) => {
    const [axes, steps, x] = [ints(attrs, "axes"), ints(attrs, "steps"), shape(0)];
    const rank = x.length - axes.length;
    const index = [...out];
    let guard: Expr | undefined;
    axes.forEach((axis, k) => {
      const offset = subIndex(at(out, axis), at(out, rank + k));
      const step = at(steps, k);
      const window = divIndex(offset, step);
      index[axis] = window;
      guard = conjoin(guard, within(window, 0, at(x, axis)));
      if (step > 1) guard = conjoin(guard, apply("eq", [modIndex(offset, step), ix(0)]));
    });
    return guard === undefined
      ? [{ operand: 0, index }]
      : [
          { operand: 0, index, guard },
          { operand: 1, index: [] },
        ];
  },
  derivative: { by: "linear", operands: "all", transpose: (cotangent, node) => unwindowTranspose(cotangent, node) },
};

/** Lane k of an axis is read at the k-th place of each window; all other elements were the fill. */
function unwindowTranspose(cotangent: Value, node: Node): readonly Value[] {
  const { shape } = at(node.args, 0);
  const [axes, steps] = [ints(node.attrs, "axes"), ints(node.attrs, "steps")];
  const rank = shape.length - axes.length;
  const sizes = shape.slice(rank);
  let taken = window(cotangent, axes, sizes, steps);
  // Axes are now: counts, lanes, places within a window; each pair (lane, place) becomes its diagonal, appended in order.
  for (let k = 0; k < axes.length; k++) taken = diagonal(taken, rank, rank + axes.length - k, 0);
  const every = cotangent.shape.map((_, i) => i);
  const isFill = unwindow(fill(0, tensorType("bool", shape)), 1, axes, steps, ints(node.attrs, "lengths"));
  return [taken, reduceSum(where(isFill, cotangent, 0), every)];
}

// ---- diagonals

interface Diagonal {
  readonly axis1: number;
  readonly axis2: number;
  readonly offset: number;
}

const diagonalAttrs = (attrs: Attrs): Diagonal => ({ axis1: int(attrs, "axis1"), axis2: int(attrs, "axis2"), offset: int(attrs, "offset") });

const diagonalLength = (shape: Shape, { axis1, axis2, offset }: Diagonal): number =>
  Math.max(0, Math.min(at(shape, axis1) - Math.max(0, -offset), at(shape, axis2) - Math.max(0, offset)));

export const diagonalOp: ViewPrimitive = {
  kind: "view",
  name: "diagonal",
  doc: "The elements whose position on axis2 is that on axis1 plus `offset`, as an appended axis in place of both.",
  arity: 1,
  attrs: { axis1: "int", axis2: "int", offset: "int" },
  infer: (args, attrs) => {
    const x: TensorType = at(args, 0);
    const d = diagonalAttrs(attrs);
    const axes = normalizeAxes("diagonal", [d.axis1, d.axis2], x.shape.length);
    return [tensorType(x.dtype, [...otherAxes(x.shape.length, axes).map((i) => at(x.shape, i)), diagonalLength(x.shape, d)])];
  },
  pieces: (out, { attrs, shape }) => {
    const { axis1, axis2, offset } = diagonalAttrs(attrs);
    const along = at(out, out.length - 1);
    let next = 0;
    const place = (i: number): Expr => {
      if (i === axis1) return addIndex(along, Math.max(0, -offset));
      return i === axis2 ? addIndex(along, Math.max(0, offset)) : at(out, next++);
    };
    return [{ operand: 0, index: shape(0).map((_, i) => place(i)) }];
  },
  derivative: { by: "linear", operands: [0], transpose: (cotangent, node) => [onDiagonal(cotangent, at(node.args, 0).shape, diagonalAttrs(node.attrs))] },
};

/** A value of `shape` with `x` on its diagonal and zeros elsewhere. */
function onDiagonal(x: Value, shape: Shape, d: Diagonal): Value {
  const others = otherAxes(shape.length, [d.axis1, d.axis2]);
  const low = Math.max(0, -d.offset);
  const length = at(shape, d.axis1);
  const rows = pad(
    x,
    0,
    x.shape.map((_, i) => (i === others.length ? low : 0)),
    x.shape.map((n, i) => (i === others.length ? length - low - n : 0)),
  );
  const places = [...others, d.axis1];
  const order = places.map((_, i) => i).sort((i, j) => at(places, i) - at(places, j));
  const spread = broadcast(
    permute(rows, order),
    shape,
    order.map((i) => at(places, i)),
  );
  const [row, column] = [iotaValue(shape, d.axis1, "int32"), iotaValue(shape, d.axis2, "int32")];
  return where(equal(column, add(row, d.offset)), spread, 0);
}

// ---- builders

/** Sliding windows of `sizes` along `axes`, `steps` (1) apart; the axes count windows, and one axis a size is appended. */
export const window = (x: Value, axes: readonly number[], sizes: readonly number[], steps: readonly number[] = axes.map(() => 1)): Value =>
  axes.length === 0 ? x : make(windowOp, [x], { axes, sizes, steps });

/** The windows of `window`, laid out along axes of `lengths`, each offset within a window in a lane of its own; `fillValue` elsewhere. */
export const unwindow = (x: Value, fillValue: Value | number, axes: readonly number[], steps: readonly number[], lengths: readonly number[]): Value =>
  axes.length === 0 ? x : make(unwindowOp, [x, asValue(fillValue, x.dtype)], { axes, steps, lengths });

/** The diagonal of two axes (`axis2` = `axis1` + `offset`), as an appended axis in place of both. */
export const diagonal = (x: Value, axis1: number, axis2: number, offset: number = 0): Value => make(diagonalOp, [x], { axis1, axis2, offset });

/** The rows of this file. */
export const windowOps: readonly Primitive[] = [windowOp, unwindowOp, diagonalOp];
