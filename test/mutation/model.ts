/**
 * The eager reference: memory is a plain list, a view is a list of places in it. It knows nothing of layouts or boxes: a reshape is
 * a view exactly where the places in order make a grid of the new shape with fixed steps.
 */
export interface ModelView {
  readonly memory: number[];
  /** For each element, in row-major order, its place in memory. */
  readonly places: readonly number[];
  readonly shape: readonly number[];
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const seq = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export function item<T>(list: readonly T[], i: number): T {
  const x = list[i];
  if (x === undefined) throw new Error(`no item ${i} of ${list.length}`);
  return x;
}

/** Every index of a shape, in row-major order. */
export function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>((all, n) => all.flatMap((index) => seq(n).map((i) => [...index, i])), [[]]);
}

const flat = (shape: readonly number[], index: readonly number[]): number => index.reduce((sum, i, axis) => sum * item(shape, axis) + i, 0);

export const dense = (data: readonly number[], shape: readonly number[]): ModelView => ({ memory: [...data], places: seq(data.length), shape });
export const valuesOf = (v: ModelView): number[] => v.places.map((p) => item(v.memory, p));
export const copied = (v: ModelView, shape: readonly number[] = v.shape): ModelView => dense(valuesOf(v), shape);

/** The view whose element at an index is this one's at `from(index)`. */
export function moved(v: ModelView, shape: readonly number[], from: (index: readonly number[]) => readonly number[]): ModelView {
  return { memory: v.memory, shape, places: indices(shape).map((index) => item(v.places, flat(v.shape, from(index)))) };
}

export interface Range {
  readonly start: number;
  readonly size: number;
  readonly step: number;
}

export const sliced = (v: ModelView, ranges: readonly Range[]): ModelView =>
  moved(
    v,
    ranges.map((r) => r.size),
    (index) => index.map((i, axis) => item(ranges, axis).start + i * item(ranges, axis).step),
  );

export const permuted = (v: ModelView, order: readonly number[]): ModelView =>
  moved(
    v,
    order.map((axis) => item(v.shape, axis)),
    (index) => v.shape.map((_, axis) => item(index, order.indexOf(axis))),
  );

export const picked = (v: ModelView, axis: number, position: number): ModelView =>
  moved(v, v.shape.toSpliced(axis, 1), (index) => index.toSpliced(axis, 0, position));

export const diagonal = (v: ModelView): ModelView =>
  moved(v, [...v.shape.slice(2), Math.min(item(v.shape, 0), item(v.shape, 1))], (index) => {
    const along = item(index, index.length - 1);
    return [along, along, ...index.slice(0, -1)];
  });

/** A view where the places are a grid, else a copy. */
export function reshaped(v: ModelView, shape: readonly number[]): ModelView {
  const view = { ...v, shape };
  return isGrid(view) ? view : copied(v, shape);
}

function isGrid({ places, shape }: ModelView): boolean {
  if (places.length === 0) return true;
  const at = (index: readonly number[]): number => item(places, flat(shape, index));
  const origin = at(shape.map(() => 0));
  const steps = shape.map((n, axis) => (n > 1 ? at(shape.map((_, i) => (i === axis ? 1 : 0))) - origin : 0));
  return indices(shape).every((index) => at(index) === index.reduce((sum, i, axis) => sum + i * item(steps, axis), origin));
}

export function write(v: ModelView, values: readonly number[]): void {
  v.places.forEach((p, i) => (v.memory[p] = item(values, i)));
}

export const shares = (a: ModelView, b: ModelView): boolean => a.memory === b.memory && a.places.some((p) => b.places.includes(p));
