/**
 * How the elements of a view lie in the memory of its base, as NumPy counts them: element i is at offset + Σ i_k · strides_k.
 *
 *   base f64[3,4]             offset 0, strides [4, 1]
 *   base.at(":", "::-2")      offset 3, shape [3, 2], strides [4, -2]
 *
 * Layouts are known on the host: they decide what shares memory, what NumPy would copy, and where a write goes.
 */
import { at } from "../../compiler/ir/errors.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf, stridesOf } from "../../compiler/ir/shape.ts";
import type { BasicItem } from "../indexing/parse.ts";

/** Offset and strides count elements of the base, which is dense and row-major. */
export interface Layout {
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: readonly number[];
  /** Why it cannot be written, or null. */
  readonly readOnly: string | null;
}

/** How a view of something lies where that lies as given; null where NumPy copies. */
export type Relayout = (layout: Layout) => Layout | null;

/** All of a base. */
export const wholeLayout = (shape: Shape): Layout => ({ offset: 0, shape, strides: stridesOf(shape), readOnly: null });

/** A basic index of something that lies so. */
export function indexLayout(layout: Layout, items: readonly BasicItem[]): Layout {
  const [shape, strides]: [number[], number[]] = [[], []];
  let { offset } = layout;
  for (const item of items) {
    if (item.kind === "point") offset += item.position * at(layout.strides, item.axis);
    else if (item.kind === "span") offset += item.start * at(layout.strides, item.axis);
    if (item.kind === "point") continue;
    shape.push(item.kind === "span" ? item.size : 1);
    strides.push(item.kind === "span" ? at(layout.strides, item.axis) * item.step : 0);
  }
  return { offset, shape, strides, readOnly: layout.readOnly };
}

/** `size` positions of one axis from `start` on. */
export function partLayout(layout: Layout, axis: number, start: number, size: number): Layout {
  return { ...layout, offset: layout.offset + start * at(layout.strides, axis), shape: layout.shape.with(axis, size) };
}

export function permuteLayout(layout: Layout, order: readonly number[]): Layout {
  return { ...layout, shape: order.map((a) => at(layout.shape, a)), strides: order.map((a) => at(layout.strides, a)) };
}

export function flipLayout(layout: Layout, axes: readonly number[]): Layout {
  const ends = axes.reduce((sum, a) => sum + Math.max(0, at(layout.shape, a) - 1) * at(layout.strides, a), 0);
  return { ...layout, offset: layout.offset + ends, strides: layout.strides.map((s, i) => (axes.includes(i) ? -s : s)) };
}

/** The diagonal of two axes as an appended axis. */
export function diagonalLayout(layout: Layout, axis1: number, axis2: number, offset: number): Layout {
  const [rows, columns] = [at(layout.shape, axis1), at(layout.shape, axis2)];
  const [down, across] = [at(layout.strides, axis1), at(layout.strides, axis2)];
  const length = Math.max(0, Math.min(rows - Math.max(0, -offset), columns - Math.max(0, offset)));
  const others = layout.shape.flatMap((_, i) => (i === axis1 || i === axis2 ? [] : [i]));
  return {
    offset: length === 0 ? layout.offset : layout.offset + Math.max(0, -offset) * down + Math.max(0, offset) * across,
    shape: [...others.map((i) => at(layout.shape, i)), length],
    strides: [...others.map((i) => at(layout.strides, i)), down + across],
    readOnly: layout.readOnly,
  };
}

/** Broadcasting repeats elements: what is written to one place would appear in several. */
export function broadcastLayout(layout: Layout, shape: Shape): Layout {
  const lead = shape.length - layout.shape.length;
  return {
    offset: layout.offset,
    shape,
    strides: shape.map((n, i) => (i < lead || at(layout.shape, i - lead) !== n ? 0 : at(layout.strides, i - lead))),
    readOnly: "it was broadcast: several of its elements are one",
  };
}

/** Sliding windows along `axes`: those count windows, the windows' own axes are appended. */
export function windowLayout(layout: Layout, axes: readonly number[], sizes: readonly number[], steps: readonly number[], readOnly: string | null): Layout {
  const [shape, strides] = [[...layout.shape], [...layout.strides]];
  axes.forEach((axis, k) => {
    shape[axis] = Math.floor((at(layout.shape, axis) - at(sizes, k)) / at(steps, k)) + 1;
    strides[axis] = at(layout.strides, axis) * at(steps, k);
  });
  return {
    offset: layout.offset,
    shape: [...shape, ...sizes],
    strides: [...strides, ...axes.map((axis) => at(layout.strides, axis))],
    readOnly: layout.readOnly ?? readOnly,
  };
}

/** Whether the elements lie one after another in row-major order. */
export function isRowMajor({ shape, strides }: Layout): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const length = at(shape, i);
    if (length === 0) return true;
    if (length !== 1 && at(strides, i) !== step) return false;
    step *= length;
  }
  return true;
}

/** Whether it is all of a base of so many elements, in its order. */
export const isAll = (layout: Layout, elements: number): boolean => layout.offset === 0 && sizeOf(layout.shape) === elements && isRowMajor(layout);

/** NumPy's rule: null where no strides give the elements in that shape and order, so that they are copied. */
export function reshapeLayout(layout: Layout, shape: Shape): Layout | null {
  if (sizeOf(shape) === 0) return { ...layout, shape, strides: stridesOf(shape) };
  const old = layout.shape.flatMap((length, i) => (length === 1 ? [] : [{ length, stride: at(layout.strides, i) }]));
  const strides = shape.map(() => 1);
  let [from, to] = [0, 0];
  while (from < old.length) {
    let [nextFrom, nextTo] = [from + 1, to + 1];
    let [there, here] = [at(old, from).length, at(shape, to)];
    while (there !== here) {
      if (there < here) there *= at(old, nextFrom++).length;
      else here *= at(shape, nextTo++);
    }
    for (let k = from; k + 1 < nextFrom; k++) if (at(old, k).stride !== at(old, k + 1).stride * at(old, k + 1).length) return null;
    let stride = at(old, nextFrom - 1).stride;
    for (let k = nextTo - 1; k >= to; k--) {
      strides[k] = stride;
      stride *= at(shape, k);
    }
    [from, to] = [nextFrom, nextTo];
  }
  return { ...layout, shape, strides };
}
