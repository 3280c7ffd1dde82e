/** Shapes and tensor types: sizes, strides, axes, the broadcasting rule, and how they print. */
import type { DType } from "./dtype.ts";
import { dtypeInfo } from "./dtype.ts";
import { at, IndexError, ShapeError } from "./errors.ts";

/** Axis lengths, outermost first. `[]` is a scalar. */
export type Shape = readonly number[];

/** What a value is: its dtype and its shape. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

export const tensorType = (dtype: DType, shape: Shape): TensorType => ({ dtype, shape });

/** `f32[2,3]`: how types stand in IR text and in errors. */
export const typeText = (t: TensorType): string => `${dtypeInfo(t.dtype).short}[${t.shape.join(",")}]`;
export const shapeText = (s: Shape): string => `[${s.join(",")}]`;

/** The number of elements. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (let i = 0; i < shape.length; i++) n *= shape[i] ?? 1;
  return n;
}

/** Bytes of a dense buffer of this type. */
export const bytesOf = (t: TensorType): number => sizeOf(t.shape) * dtypeInfo(t.dtype).bytes;

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
export const sameType = (a: TensorType, b: TensorType): boolean => a === b || (a.dtype === b.dtype && sameShape(a.shape, b.shape));

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides: number[] = [];
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides.unshift(step);
    step *= at(shape, i);
  }
  return strides;
}

/** The shape both broadcast to (NumPy's rule), or undefined where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out.push(x === 1 ? y : x);
  }
  return out;
}

/** `axis` counted from the front; an IndexError that names op, axis and rank where it is out of range or no integer. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(axis) && a >= 0 && a < rank) return a;
  const range = rank === 0 ? "a scalar has no axes" : `axes of rank ${rank} are ${-rank} to ${rank - 1}`;
  throw new IndexError(`${op}: axis ${axis} is out of range: ${range}.`);
}

/** A list of distinct axes counted from the front, in rising order; null or undefined means all. */
export function normalizeAxes(op: string, axes: number | readonly number[] | null | undefined, rank: number): number[] {
  if (axes === null || axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = (typeof axes === "number" ? [axes] : axes).map((a) => normalizeAxis(op, a, rank));
  if (new Set(list).size !== list.length) throw new ShapeError(`${op}: axes [${String(axes)}] name one axis twice. Name each axis once.`);
  return list.sort((a, b) => a - b);
}
