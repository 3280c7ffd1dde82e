/** Functions that move elements and compute nothing. All dtypes; negative axes count from the end. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { broadcastShapes, normalizeAxes, normalizeAxis, sameShape, shapeText, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import * as views from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { broadcastLayout, flipLayout, isRowMajor, permuteLayout, reshapeLayout } from "../mutation/layout.ts";
import { commonShape, elementsOf, faceOf, handleOf, requireDense, valueOf } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { axisOption } from "../options.ts";
import { flipRows } from "../ragged/flip.ts";

const seq = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/**
 * The same elements in row-major order in another shape; one length may be -1: what is left.
 *
 * @example
 * reshape(tensor([1, 2, 3, 4]), [2, -1]); // → tensor([[1, 2], [3, 4]])
 */
export function reshape<T extends Lazy>(x: T, shape: number | Shape): T {
  const lengths = inferLength(handleOf("reshape", x), typeof shape === "number" ? [shape] : shape);
  return x.alias(
    (v) => views.reshape(v, lengths),
    (layout) => reshapeLayout(layout, lengths),
  );
}

function inferLength(v: Lazy, shape: Shape): Shape {
  const free = shape.indexOf(-1);
  if (free < 0) return shape;
  const rest = sizeOf(shape.filter((_, i) => i !== free));
  const size = sizeOf(v.shape);
  if (shape.lastIndexOf(-1) !== free) throw new ShapeError(`reshape: ${shapeText(shape)} leaves two lengths open. Only one may be -1.`);
  if (rest === 0 || size % rest !== 0)
    throw new ShapeError(`reshape: ${typeText(v.type)} has ${size} elements, which ${shapeText(shape)} does not divide. Give another shape.`);
  return shape.with(free, size / rest);
}

/**
 * All elements in row-major order along one axis: a view where they lie in that order, else a copy, as NumPy decides.
 *
 * @example
 * ravel(tensor([[1, 2], [3, 4]])); // → tensor([1, 2, 3, 4])
 */
export function ravel<T extends Lazy>(x: T): T {
  const shape = [handleOf("ravel", x).size];
  return x.alias(
    (v) => views.reshape(v, shape),
    (layout) => (isRowMajor(layout) ? reshapeLayout(layout, shape) : null),
  );
}

/**
 * Axes `startAxis` to `endAxis` as one; always a copy, as NumPy's.
 *
 * @example
 * flatten(tensor([[1, 2], [3, 4]])); // → tensor([1, 2, 3, 4])
 */
export function flatten<T extends Lazy>(x: T, options: { readonly startAxis?: number; readonly endAxis?: number } = {}): T {
  const v = elementsOf("flatten", x);
  if (x.ndim === 0) return x.wrap(views.reshape(v, [1]));
  const [from, to] = [normalizeAxis("flatten", options.startAxis ?? 0, x.ndim), normalizeAxis("flatten", options.endAxis ?? -1, x.ndim)];
  if (from > to) throw new ShapeError(`flatten: startAxis ${from} is behind endAxis ${to}. Give them in order.`);
  // axis 0 of ragged elements is all axes of the rows as one
  const ragged = x.rows?.levels ?? 0;
  if (from > 0 || to < ragged) requireDense("flatten", x);
  const end = to - ragged + 1;
  return x.wrap(views.reshape(v, [...v.shape.slice(0, from), sizeOf(v.shape.slice(from, end)), ...v.shape.slice(end)]));
}

/**
 * The same elements, sharing memory with nothing.
 *
 * @example
 * const x = array([1, 2]);
 * copy(x).at(0).set(5); // → array([5, 2])
 * x; // → array([1, 2])
 */
export function copy<T extends Lazy>(x: T): T {
  return x.wrap(valueOf("copy", x));
}

/**
 * Axis i of the result is axis axes[i] of x.
 *
 * @example
 * permuteDims(ones([2, 3, 4]), [2, 0, 1]).shape; // → [ 4, 2, 3 ]
 */
export function permuteDims<T extends Lazy>(x: T, axes: readonly number[]): T {
  const order = axes.map((a) => normalizeAxis("permuteDims", a, handleOf("permuteDims", x).ndim));
  if (new Set(order).size !== x.ndim || order.length !== x.ndim)
    throw new ShapeError(`permuteDims: ${shapeText(axes)} is no order of the ${x.ndim} axes of ${typeText(x.type)}. Name each axis once.`);
  return x.alias(
    (v) => views.permute(v, order),
    (layout) => permuteLayout(layout, order),
  );
}

/**
 * The axes in the order given, reversed where none is; PyTorch's transpose of two axes is `swapaxes`.
 *
 * @example
 * transpose(tensor([[1, 2], [3, 4]])); // → tensor([[1, 3], [2, 4]])
 */
export function transpose<T extends Lazy>(x: T, axes: readonly number[] = seq(x.ndim).reverse()): T {
  return permuteDims(x, axes);
}

/**
 * The last two axes exchanged.
 *
 * @example
 * matrixTranspose(tensor([[1, 2], [3, 4]])); // → tensor([[1, 3], [2, 4]])
 */
export function matrixTranspose<T extends Lazy>(x: T): T {
  if (x.ndim < 2) throw new ShapeError(`matrixTranspose: ${typeText(x.type)} has fewer than two axes. Reshape it to a matrix first.`);
  return swapaxes(x, -1, -2);
}

/**
 * Two axes exchanged.
 *
 * @example
 * swapaxes(ones([2, 3, 4]), 0, 2).shape; // → [ 4, 3, 2 ]
 */
export function swapaxes<T extends Lazy>(x: T, axis1: number, axis2: number): T {
  const [a, b] = [normalizeAxis("swapaxes", axis1, x.ndim), normalizeAxis("swapaxes", axis2, x.ndim)];
  return permuteDims(x, seq(x.ndim).with(a, b).with(b, a));
}

/**
 * Axes `source` moved to the places `destination`; the others keep their order.
 *
 * @example
 * moveaxis(ones([2, 3, 4]), 0, 2).shape; // → [ 3, 4, 2 ]
 */
export function moveaxis<T extends Lazy>(x: T, source: number | readonly number[], destination: number | readonly number[]): T {
  const axes = (list: number | readonly number[]): number[] => (typeof list === "number" ? [list] : list).map((a) => normalizeAxis("moveaxis", a, x.ndim));
  const [from, to] = [axes(source), axes(destination)];
  const distinct = new Set(from).size === from.length && new Set(to).size === to.length;
  if (!distinct || from.length !== to.length)
    throw new ShapeError(`moveaxis: ${shapeText(from)} to ${shapeText(to)}: name each axis once, and as many places as axes.`);
  const rest = seq(x.ndim).filter((a) => !from.includes(a));
  const order = seq(x.ndim).map((place) => (to.includes(place) ? at(from, to.indexOf(place)) : -1));
  let next = 0;
  return permuteDims(
    x,
    order.map((a) => (a < 0 ? at(rest, next++) : a)),
  );
}

/**
 * x repeated along axes of length 1, and new axes in front, to fill `shape`.
 *
 * @example
 * broadcastTo(tensor([1, 2]), [2, 2]); // → tensor([[1, 2], [1, 2]])
 */
export function broadcastTo<T extends Lazy>(x: T, shape: number | Shape): T {
  const v = handleOf("broadcastTo", x);
  const target = typeof shape === "number" ? [shape] : shape;
  const both = broadcastShapes(v.shape, target);
  if (both === undefined || !sameShape(both, target))
    throw new ShapeError(`broadcastTo: ${typeText(v.type)} does not broadcast to ${shapeText(target)}. Lengths must be equal or 1.`);
  return x.alias(
    (y) => views.broadcastTo(y, target),
    (layout) => broadcastLayout(layout, target),
  );
}

/**
 * All of them in the shape they broadcast to.
 *
 * @example
 * broadcastArrays(tensor([1, 2]), tensor([[1], [2]]))[0]; // → tensor([[1, 2], [1, 2]])
 */
export function broadcastArrays<T extends Lazy>(...xs: readonly T[]): T[] {
  if (xs.length === 0) return [];
  faceOf("broadcastArrays", xs);
  const shape = commonShape(
    "broadcastArrays",
    xs.map((x) => x.type),
  );
  return xs.map((x) =>
    x.alias(
      (v) => views.broadcastTo(v, shape),
      (layout) => broadcastLayout(layout, shape),
    ),
  );
}

/**
 * Without the axes named, or without all axes of length 1.
 *
 * @example
 * squeeze(tensor([[1, 2]])); // → tensor([1, 2])
 */
export function squeeze<T extends Lazy>(x: T, axis?: number | readonly number[] | null | { readonly axis?: number | readonly number[] | null }): T {
  const v = handleOf("squeeze", x);
  const given = typeof axis === "object" && axis !== null && "axis" in axis ? axis.axis : axis;
  const named = typeof given === "number" || Array.isArray(given) ? normalizeAxes("squeeze", given, x.ndim) : seq(x.ndim).filter((a) => v.shape[a] === 1);
  const long = named.find((a) => v.shape[a] !== 1);
  if (long !== undefined) throw new ShapeError(`squeeze: axis ${long} of ${typeText(v.type)} has ${at(v.shape, long)} elements. Only axes of length 1 go.`);
  const shape = v.shape.filter((_, i) => !named.includes(i));
  return x.alias(
    (y) => views.reshape(y, shape),
    (layout) => reshapeLayout(layout, shape),
  );
}

/**
 * With new axes of length 1 at these places of the result.
 *
 * @example
 * expandDims(tensor([1, 2]), 1); // → tensor([[1], [2]])
 */
export function expandDims<T extends Lazy>(x: T, axis: number | readonly number[]): T {
  const v = handleOf("expandDims", x);
  const list = typeof axis === "number" ? [axis] : axis;
  const places = normalizeAxes("expandDims", list, x.ndim + list.length);
  let next = 0;
  const shape = seq(x.ndim + list.length).map((i) => (places.includes(i) ? 1 : at(v.shape, next++)));
  return x.alias(
    (y) => views.reshape(y, shape),
    (layout) => reshapeLayout(layout, shape),
  );
}

/**
 * The order along the axes reversed; along all of them where none is given.
 *
 * @example
 * flip(tensor([1, 2, 3])); // → tensor([3, 2, 1])
 */
export function flip<T extends Lazy>(x: T, options: { readonly axis?: number | readonly number[] | null } = {}): T {
  const axes = normalizeAxes("flip", options.axis, x.ndim);
  if (x.rows !== null) return flipRows(x, x.rows, elementsOf("flip", x), axes);
  return x.alias(
    (v) => views.flip(v, axes),
    (layout) => flipLayout(layout, axes),
  );
}

/**
 * Elements moved along axes, those that leave entering at the other end; over the flattened array where no axis is given.
 *
 * @example
 * roll(tensor([1, 2, 3]), 1); // → tensor([3, 1, 2])
 */
export function roll<T extends Lazy>(x: T, shift: number | readonly number[], options: { readonly axis?: number | readonly number[] | null } = {}): T {
  const v = valueOf("roll", x);
  const shifts = typeof shift === "number" ? [shift] : shift;
  const { axis } = options;
  if (axis === undefined || axis === null) {
    const flat = views.reshape(v, [sizeOf(v.shape)]);
    return x.wrap(
      views.reshape(
        shifts.reduce((out, s) => rollAxis(out, s, 0), flat),
        v.shape,
      ),
    );
  }
  const axes = (typeof axis === "number" ? [axis] : axis).map((a) => normalizeAxis("roll", a, x.ndim));
  if (shifts.length !== 1 && shifts.length !== axes.length) throw new ShapeError(`roll: ${shifts.length} shifts for ${axes.length} axes. Give one each.`);
  return x.wrap(axes.reduce((out, a, i) => rollAxis(out, shifts[i] ?? at(shifts, 0), a), v));
}

function rollAxis(v: Value, shift: number, axis: number): Value {
  const length = at(v.shape, axis);
  const by = length === 0 ? 0 : ((shift % length) + length) % length;
  if (by === 0) return v;
  return views.concat([part(v, axis, length - by, by), part(v, axis, 0, length - by)], axis);
}

/** `size` positions along one axis from `start` on. */
export function part(v: Value, axis: number, start: number, size: number): Value {
  return views.slice(
    v,
    v.shape.map((_, i) => (i === axis ? start : 0)),
    v.shape.with(axis, size),
  );
}

/**
 * Turned by 90 degrees k times in the plane of two axes, from the first towards the second.
 *
 * @example
 * rot90(tensor([[1, 2], [3, 4]])); // → tensor([[2, 4], [1, 3]])
 */
export function rot90<T extends Lazy>(x: T, options: { readonly k?: number; readonly axes?: readonly [number, number] } = {}): T {
  const [first, second] = options.axes ?? [0, 1];
  const [a, b] = [normalizeAxis("rot90", first, x.ndim), normalizeAxis("rot90", second, x.ndim)];
  if (a === b) throw new ShapeError(`rot90: axes ${first} and ${second} are one. Name two.`);
  switch ((((options.k ?? 1) % 4) + 4) % 4) {
    case 0:
      return x.alias(
        (v) => v,
        (layout) => layout,
      );
    case 1:
      return swapaxes(flip(x, { axis: b }), a, b);
    case 2:
      return flip(x, { axis: [a, b] });
    default:
      return flip(swapaxes(x, a, b), { axis: b });
  }
}

/**
 * The whole array repeated along each axis; missing repetitions in front are 1.
 *
 * @example
 * tile(tensor([1, 2]), [2]); // → tensor([1, 2, 1, 2])
 */
export function tile<T extends Lazy>(x: T, repetitions: number | readonly number[]): T {
  const v = valueOf("tile", x);
  const given = typeof repetitions === "number" ? [repetitions] : repetitions;
  const rank = Math.max(given.length, x.ndim);
  const counts = [...seq(rank - given.length).map(() => 1), ...given];
  const shape = [...seq(rank - x.ndim).map(() => 1), ...v.shape];
  // each axis becomes (copies, length): broadcast the copies, then merge
  const spread = views.broadcast(
    views.reshape(v, shape),
    shape.flatMap((n, i) => [at(counts, i), n]),
    seq(rank).map((i) => 2 * i + 1),
  );
  return x.wrap(
    views.reshape(
      spread,
      shape.map((n, i) => n * at(counts, i)),
    ),
  );
}

/**
 * Each element repeated along an axis; over the flattened array where none is given.
 *
 * @example
 * repeat(tensor([1, 2]), 2); // → tensor([1, 1, 2, 2])
 */
export function repeat<T extends Lazy>(x: T, repeats: number | readonly number[], options: AxisOption = {}): T {
  const given = axisOption("repeat", x, options);
  const v = given === null ? views.reshape(valueOf("repeat", x), [x.size]) : valueOf("repeat", x);
  const axis = given === null ? 0 : normalizeAxis("repeat", given, x.ndim);
  if (typeof repeats !== "number") return x.wrap(repeatEach(v, repeats, axis));
  const shape = [...v.shape.slice(0, axis + 1), repeats, ...v.shape.slice(axis + 1)];
  const spread = views.broadcast(
    v,
    shape,
    seq(v.shape.length).map((i) => (i > axis ? i + 1 : i)),
  );
  return x.wrap(views.reshape(spread, v.shape.with(axis, at(v.shape, axis) * repeats)));
}

function repeatEach(v: Value, repeats: readonly number[], axis: number): Value {
  const length = at(v.shape, axis);
  if (repeats.length !== length)
    throw new ShapeError(`repeat: ${repeats.length} counts for axis ${axis} of ${typeText(v.type)}. Give ${length}, or one number.`);
  const parts = repeats.map((n, i) => views.broadcastTo(part(v, axis, i, 1), v.shape.with(axis, n)));
  return views.concat(parts, axis);
}
