/**
 * Views that cut, place and join: pad, slice, flip, concat and the slices whose starts are operands. What keeps whole axes
 * (reshape, permute, broadcast) is in layout.ts, and comes from here too.
 *
 * Elements that several transposes need are only moved, never computed: the transpose of a slice pads, that of a dynamic slice
 * writes into zeros, that of a dynamic update writes zeros into the cotangent.
 */
import { at, ShapeError } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { apply, s, withRange } from "../ir/expr.ts";
import { addIndex, conjoin, divIndex, ix, modIndex, mulIndex, subIndex, within } from "../ir/indexing.ts";
import type { Attrs, Node, Value } from "../ir/node.ts";
import { int, intLists, ints, make } from "../ir/node.ts";
import type { Piece, Primitive, ReadContext, ScatterPrimitive, ViewPrimitive } from "../ir/primitive.ts";
import type { TensorType } from "../ir/shape.ts";
import { normalizeAxes, sameShape, shapeText, sizeOf, tensorType, typeText } from "../ir/shape.ts";
import { asValue, checkLengths, checkRank, fill, reduceSum } from "./layout.ts";

export { broadcast, broadcastTo, fill, onesLike, permute, reduceSum, reshape, zerosLike } from "./layout.ts";

const seq = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const piece = (operand: number, index: readonly Expr[], guard: Expr | undefined): Piece =>
  guard === undefined ? { operand, index } : { operand, index, guard };
const all = (conditions: readonly (Expr | undefined)[]): Expr | undefined => conditions.reduce<Expr | undefined>(conjoin, undefined);

/** Elements from the first to the last of `size` that are `step` apart, both counted. */
export const span = (size: number, step: number): number => (size === 0 ? 0 : (size - 1) * step + 1);

/** An index that was read, kept within lo … hi. */
export function clampIndex(e: Expr, lo: number, hi: number): Expr {
  if (hi <= lo) return ix(lo);
  if (e.op === "const") return ix(Math.min(Math.max(e.value, lo), hi));
  if (e.lo >= lo && e.hi <= hi) return e;
  return withRange(s.min(s.max(e, lo), hi), lo, hi);
}

/** Where a strided placing puts position `e` of the result: the source's index, and when there is one. */
function placed(e: Expr, start: Expr | number, step: number, size: number): { index: Expr; guard: Expr | undefined } {
  const offset = typeof start === "number" ? addIndex(e, -start) : subIndex(e, start);
  const index = divIndex(offset, step);
  const hit = step === 1 ? undefined : apply("eq", [modIndex(offset, step), ix(0)]);
  return { index, guard: conjoin(within(index, 0, size), hit) };
}

// ---- fixed places

export const padOp: ViewPrimitive = {
  kind: "view",
  name: "pad",
  doc: "Puts `low` and `high` fill elements around each axis and `interior` between neighbours; operand 1 is the rank-0 fill.",
  arity: 2,
  attrs: { low: "ints", high: "ints", interior: "ints" },
  infer: (args, attrs) => {
    const [x, value] = [at(args, 0), at(args, 1)];
    const [low, high, interior] = [ints(attrs, "low"), ints(attrs, "high"), ints(attrs, "interior")];
    [low, high, interior].forEach((list) => checkRank("pad", "padding", list, x));
    [low, high, interior].forEach((list) => checkLengths("pad", list));
    if (value.shape.length > 0 || value.dtype !== x.dtype) throw new ShapeError(`pad: the fill ${typeText(value)} must be one ${x.dtype} of rank 0.`);
    return [
      tensorType(
        x.dtype,
        x.shape.map((n, i) => at(low, i) + at(high, i) + span(n, at(interior, i) + 1)),
      ),
    ];
  },
  pieces: (out, { attrs, shape }) => {
    const [low, interior, x] = [ints(attrs, "low"), ints(attrs, "interior"), shape(0)];
    const places = out.map((e, i) => placed(e, at(low, i), at(interior, i) + 1, at(x, i)));
    const guard = all(places.map((p) => p.guard));
    const inside = piece(
      0,
      places.map((p) => p.index),
      guard,
    );
    return guard === undefined ? [inside] : [inside, { operand: 1, index: [] }];
  },
  derivative: { by: "linear", operands: "all", transpose: (cotangent, node) => padTranspose(cotangent, node) },
};

function padTranspose(cotangent: Value, node: Node): readonly Value[] {
  const [low, interior, shape] = [ints(node.attrs, "low"), ints(node.attrs, "interior"), at(node.args, 0).shape];
  const steps = interior.map((n) => n + 1);
  const axes = seq(shape.length);
  const starts = low.map((n) => asValue(n, "int32"));
  const around = dynamicUpdate(cotangent, fill(0, { dtype: cotangent.dtype, shape }), axes, starts, steps);
  return [slice(cotangent, low, shape, steps), reduceSum(around, axes)];
}

export const sliceOp: ViewPrimitive = {
  kind: "view",
  name: "slice",
  doc: "`size` elements of each axis from `start` on, `step` apart.",
  arity: 1,
  attrs: { start: "ints", size: "ints", step: "ints" },
  infer: (args, attrs) => {
    const x = at(args, 0);
    const [start, size, step] = [ints(attrs, "start"), ints(attrs, "size"), ints(attrs, "step")];
    [start, size, step].forEach((list) => checkRank("slice", "start, size or step", list, x));
    [start, size, step].forEach((list) => checkLengths("slice", list));
    const fits = x.shape.every((n, i) => at(step, i) >= 1 && at(start, i) + span(at(size, i), at(step, i)) <= n);
    if (fits) return [tensorType(x.dtype, size)];
    throw new ShapeError(
      `slice: ${shapeText(size)} elements from ${shapeText(start)} in steps of ${shapeText(step)} leave ${typeText(x)}. Steps are 1 or more.`,
    );
  },
  pieces: (out, { attrs }) => {
    const [start, step] = [ints(attrs, "start"), ints(attrs, "step")];
    return [{ operand: 0, index: out.map((e, i) => addIndex(mulIndex(e, at(step, i)), at(start, i))) }];
  },
  derivative: {
    by: "linear",
    operands: [0],
    transpose: (cotangent, node) => {
      const place = { start: ints(node.attrs, "start"), step: ints(node.attrs, "step") };
      return [padTo(at(node.args, 0).shape, cotangent, 0, place)];
    },
  },
};

export const flipOp: ViewPrimitive = {
  kind: "view",
  name: "flip",
  doc: "The order along `axes` reversed.",
  arity: 1,
  attrs: { axes: "ints" },
  infer: (args, attrs) => {
    normalizeAxes("flip", ints(attrs, "axes"), at(args, 0).shape.length);
    return [at(args, 0)];
  },
  pieces: (out, { attrs, shape }) => {
    const axes = ints(attrs, "axes");
    return [{ operand: 0, index: out.map((e, i) => (axes.includes(i) ? subIndex(ix(at(shape(0), i) - 1), e) : e)) }];
  },
  derivative: { by: "linear", operands: [0], transpose: (cotangent, node) => [flip(cotangent, ints(node.attrs, "axes"))] },
};

export const concatOp: ViewPrimitive = {
  kind: "view",
  name: "concat",
  doc: "The operands one after another along `axis`.",
  arity: "any",
  attrs: { axis: "int" },
  infer: (args, attrs) => {
    const first = args[0];
    if (first === undefined) throw new ShapeError("concat: there is nothing to join. Give at least one array.");
    const axis = int(attrs, "axis");
    normalizeAxes("concat", axis, first.shape.length);
    const fits = (t: TensorType): boolean =>
      t.dtype === first.dtype && t.shape.length === first.shape.length && t.shape.every((n, i) => i === axis || n === first.shape[i]);
    if (!args.every(fits))
      throw new ShapeError(`concat: ${args.map(typeText).join(", ")} differ outside axis ${axis}. Only the length along that axis may differ.`);
    const total = args.reduce((n, t) => n + at(t.shape, axis), 0);
    return [tensorType(first.dtype, first.shape.with(axis, total))];
  },
  pieces: (out, { attrs, shape, operands }) => {
    const axis = int(attrs, "axis");
    let from = 0;
    return seq(operands).map((k) => {
      const index = addIndex(at(out, axis), -from);
      const length = at(shape(k), axis);
      from += length;
      return piece(k, out.with(axis, index), within(index, 0, length));
    });
  },
  derivative: {
    by: "linear",
    operands: "all",
    transpose: (cotangent, node) => {
      const axis = int(node.attrs, "axis");
      let from = 0;
      return node.args.map((x) => {
        const start = x.shape.map((_, i) => (i === axis ? from : 0));
        from += at(x.shape, axis);
        return slice(cotangent, start, x.shape);
      });
    },
  },
};

export const joinOp: ViewPrimitive = {
  kind: "view",
  name: "join",
  doc: "Boxes that fill a value of this shape, each from its start on. They are stored straight into its memory.",
  arity: "any",
  attrs: { shape: "ints", starts: "intLists" },
  parts: (attrs) => intLists(attrs, "starts"),
  infer: (args, attrs) => {
    const [first, shape, starts] = [at(args, 0), ints(attrs, "shape"), intLists(attrs, "starts")];
    checkLengths("join", shape);
    const fits = (t: TensorType, k: number): boolean =>
      t.dtype === first.dtype && t.shape.length === shape.length && t.shape.every((n, i) => (starts[k]?.[i] ?? shape[i] ?? 0) + n <= at(shape, i));
    const filled = args.reduce((n, t) => n + sizeOf(t.shape), 0) === sizeOf(shape);
    if (starts.length === args.length && filled && args.every(fits)) return [tensorType(first.dtype, shape)];
    throw new ShapeError(`join: ${args.map(typeText).join(", ")} at ${starts.map(shapeText).join(", ")} do not fill ${shapeText(shape)}.`);
  },
  pieces: (out, { attrs, shape }) =>
    intLists(attrs, "starts").map((start, k) => {
      const index = out.map((e, i) => addIndex(e, -at(start, i)));
      const guards = index.map((e, i) => within(e, 0, at(shape(k), i)));
      return piece(k, index, all(guards));
    }),
  derivative: {
    by: "linear",
    operands: "all",
    transpose: (cotangent, node) => node.args.map((x, k) => slice(cotangent, at(intLists(node.attrs, "starts"), k), x.shape)),
  },
};

// ---- places that are operands

/** Starts are clamped so that the whole slice fits, at the same place for a slice and the update that is its transpose. */
function startOf(context: ReadContext, operand: number, length: number, size: number, step: number): Expr {
  return clampIndex(context.read(operand, []), 0, length - span(size, step));
}

/** Checks the attributes and starts that dynamic slices and updates share. */
function checkStarts(op: string, x: TensorType, sizes: readonly number[], starts: readonly TensorType[], attrs: Attrs): void {
  const [axes, steps] = [ints(attrs, "axes"), ints(attrs, "steps")];
  normalizeAxes(op, axes, x.shape.length);
  checkLengths(op, sizes);
  const counts = [sizes.length, steps.length, starts.length];
  if (counts.some((n) => n !== axes.length))
    throw new ShapeError(`${op}: ${axes.length} axes with ${counts.join(", ")} sizes, steps and starts: give one each.`);
  const scalar = starts.every((t) => t.dtype === "int32" && t.shape.length === 0);
  if (!scalar) throw new ShapeError(`${op}: starts are int32 of rank 0, not ${starts.map(typeText).join(", ")}.`);
  const fits = axes.every((a, i) => at(steps, i) >= 1 && span(at(sizes, i), at(steps, i)) <= at(x.shape, a));
  if (!fits)
    throw new ShapeError(`${op}: ${shapeText(sizes)} elements in steps of ${shapeText(steps)} along axes ${shapeText(axes)} do not fit ${typeText(x)}.`);
}

export const dynamicSliceOp: ViewPrimitive = {
  kind: "view",
  name: "dynamic slice",
  doc: "`sizes` elements along `axes`, `steps` apart, from starts that are operands (clamped so that all fit).",
  arity: "any",
  attrs: { axes: "ints", sizes: "ints", steps: "ints" },
  infer: (args, attrs) => {
    const [x, axes, sizes] = [at(args, 0), ints(attrs, "axes"), ints(attrs, "sizes")];
    checkStarts("dynamic slice", x, sizes, args.slice(1), attrs);
    return [
      tensorType(
        x.dtype,
        x.shape.map((n, i) => (axes.includes(i) ? at(sizes, axes.indexOf(i)) : n)),
      ),
    ];
  },
  pieces: (out, context) => {
    const [axes, sizes, steps] = [ints(context.attrs, "axes"), ints(context.attrs, "sizes"), ints(context.attrs, "steps")];
    const x = context.shape(0);
    const index = out.map((e, i) => {
      const k = axes.indexOf(i);
      return k < 0 ? e : addIndex(mulIndex(e, at(steps, k)), startOf(context, k + 1, at(x, i), at(sizes, k), at(steps, k)));
    });
    return [{ operand: 0, index }];
  },
  derivative: {
    by: "linear",
    operands: [0],
    transpose: (cotangent, node) => {
      const [x, ...starts] = node.args;
      const zeros = fill(0, { dtype: cotangent.dtype, shape: x?.shape ?? [] });
      return [dynamicUpdate(zeros, cotangent, ints(node.attrs, "axes"), starts, ints(node.attrs, "steps")), ...starts.map(() => null)];
    },
  },
};

/** The type of a dynamic update: that of operand 0, which the update must fit. */
function updatedType(args: readonly TensorType[], attrs: Attrs): readonly TensorType[] {
  const [x, update, axes] = [at(args, 0), at(args, 1), ints(attrs, "axes")];
  checkRank("dynamic update", "the update", update.shape, x);
  checkStarts(
    "dynamic update",
    x,
    axes.map((a) => update.shape[a] ?? 0),
    args.slice(2),
    attrs,
  );
  const fits = update.dtype === x.dtype && x.shape.every((n, i) => axes.includes(i) || update.shape[i] === n);
  if (fits) return [x];
  throw new ShapeError(`dynamic update: ${typeText(update)} into ${typeText(x)} along axes ${shapeText(axes)}: dtype and other axes must be equal.`);
}

/** The steps along each axis; axes that are not written in part are written whole. */
function updateSteps({ attrs, shape }: ReadContext): { readonly place: number; readonly step: number }[] {
  const [axes, steps] = [ints(attrs, "axes"), ints(attrs, "steps")];
  return shape(0).map((_, i) => {
    const place = axes.indexOf(i);
    return { place, step: steps[place] ?? 1 };
  });
}

export const writeOp: ScatterPrimitive = {
  kind: "scatter",
  name: "write",
  doc: "As `dynamic update`, by storing the update into the memory of operand 0.",
  arity: "any",
  attrs: { axes: "ints", steps: "ints" },
  mode: "set",
  updates: 1,
  distinct: true,
  infer: updatedType,
  target: (update, context) => {
    const [x, part] = [context.shape(0), context.shape(1)];
    return updateSteps(context).map(({ place, step }, i) => {
      const e = at(update, i);
      return place < 0 ? e : addIndex(mulIndex(e, step), startOf(context, place + 2, at(x, i), at(part, i), step));
    });
  },
  derivative: { by: "linear", operands: [0, 1], transpose: (cotangent, node) => updateTranspose(cotangent, node) },
};

export const dynamicUpdateOp: ViewPrimitive = {
  kind: "view",
  name: "dynamic update",
  doc: "Operand 0 with operand 1 in place of the dynamic slice of its shape; starts follow.",
  arity: "any",
  attrs: { axes: "ints", steps: "ints" },
  infer: updatedType,
  written: writeOp,
  pieces: (out, context) => {
    const [x, update] = [context.shape(0), context.shape(1)];
    const places = updateSteps(context).map(({ place, step }, i) => {
      const [e, size] = [at(out, i), at(update, i)];
      return place < 0 ? { index: e, guard: undefined } : placed(e, startOf(context, place + 2, at(x, i), size, step), step, size);
    });
    const guard = all(places.map((p) => p.guard));
    const written = piece(
      1,
      places.map((p) => p.index),
      guard,
    );
    return guard === undefined ? [written] : [written, { operand: 0, index: out }];
  },
  derivative: { by: "linear", operands: [0, 1], transpose: (cotangent, node) => updateTranspose(cotangent, node) },
};

function updateTranspose(cotangent: Value, node: Node): readonly (Value | null)[] {
  const [axes, steps, update] = [ints(node.attrs, "axes"), ints(node.attrs, "steps"), at(node.args, 1)];
  const starts = node.args.slice(2);
  const zeros = fill(0, { dtype: cotangent.dtype, shape: update.shape });
  const kept = dynamicUpdate(cotangent, zeros, axes, starts, steps);
  const taken = dynamicSlice(
    cotangent,
    axes,
    starts,
    axes.map((a) => at(update.shape, a)),
    steps,
  );
  return [kept, taken, ...starts.map(() => null)];
}

// ---- builders

/** `x` with `low` and `high` fill elements around each axis and `interior` between neighbours (none negative). */
export function pad(
  x: Value,
  fillValue: Value | number,
  low: readonly number[],
  high: readonly number[],
  interior: readonly number[] = low.map(() => 0),
): Value {
  const nothing = [low, high, interior].every((list) => list.length === x.shape.length && list.every((n) => n === 0));
  return nothing ? x : make(padOp, [x, asValue(fillValue, x.dtype)], { low, high, interior });
}

/** Where a part of a value lies: along each axis from `start` on, `step` apart. */
export interface Place {
  readonly start: readonly number[];
  readonly step: readonly number[];
}

/** A value of this shape with `x` at a place that is within it, and fill elements elsewhere. */
export function padTo(shape: readonly number[], x: Value, fillValue: Value | number, { start, step }: Place): Value {
  const high = shape.map((n, i) => n - at(start, i) - span(at(x.shape, i), at(step, i)));
  const interior = step.map((k) => k - 1);
  return pad(x, fillValue, start, high, interior);
}

/** `size` elements of each axis from `start` on, `step` (1 or more) apart; a ShapeError where they leave `x`. */
export function slice(x: Value, start: readonly number[], size: readonly number[], step: readonly number[] = start.map(() => 1)): Value {
  const whole = sameShape(x.shape, size) && start.every((n) => n === 0) && step.every((n) => n === 1);
  return whole ? x : make(sliceOp, [x], { start, size, step });
}

/** A value of this shape from boxes that fill it, each with its start. */
export function join(boxes: readonly Value[], shape: readonly number[], starts: readonly (readonly number[])[]): Value {
  return make(joinOp, boxes, { shape, starts });
}

/** `x` with the order along `axes` reversed. */
export const flip = (x: Value, axes: readonly number[]): Value => (axes.length === 0 ? x : make(flipOp, [x], { axes }));

/** The values one after another along `axis`; dtype and the other axes are equal, else a ShapeError. */
export function concat(xs: readonly Value[], axis: number): Value {
  const only = xs.length === 1 ? xs[0] : undefined;
  return only ?? make(concatOp, xs, { axis });
}

/** `sizes` elements along `axes`, `steps` apart, from int32 rank-0 starts on, which are clamped so that all fit. */
export function dynamicSlice(
  x: Value,
  axes: readonly number[],
  starts: readonly Value[],
  sizes: readonly number[],
  steps: readonly number[] = axes.map(() => 1),
): Value {
  return axes.length === 0 ? x : make(dynamicSliceOp, [x, ...starts], { axes, sizes, steps });
}

/** `x` with `update` in place of the dynamic slice of its shape. */
export function dynamicUpdate(x: Value, update: Value, axes: readonly number[], starts: readonly Value[], steps: readonly number[] = axes.map(() => 1)): Value {
  return axes.length === 0 ? update : make(dynamicUpdateOp, [x, update, ...starts], { axes, steps });
}

/** The rows of this file. */
export const viewOps: readonly Primitive[] = [padOp, sliceOp, flipOp, concatOp, joinOp, dynamicSliceOp, dynamicUpdateOp, writeOp];
