/**
 * Rows of different lengths, as the host knows them: offsets into the elements, which lie one row after another in a dense value.
 *
 * Axis 0 counts rows. Each level is one more axis, whose length differs from item to item of the axis before; behind the levels come
 * the value's inner axes, as in any value. So rows of one level on a value `[n, …inner]` are an array `[rows, ~, …inner]`.
 */
import { dtypeInfo } from "../../compiler/ir/dtype.ts";
import { at, CompilerBug, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { hold } from "../liveness.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { reshape } from "../../compiler/ops/views.ts";
import { given } from "../slots.ts";

/** Items of an axis, taken in some order, and what lies below them. */
export interface Picked {
  /** The offsets of the levels below, for the items as they were taken. */
  readonly offsets: readonly Int32Array[];
  /** The positions of their elements in the value. */
  readonly elements: Int32Array;
}

/** Where rows begin and end; immutable, and shared by all arrays that have it. */
export class Rows {
  /** One list a level, outermost first: item i of the axis before holds the items from offsets[i] up to offsets[i + 1] of this one. */
  readonly offsets: readonly Int32Array[];
  /** The number of rows. */
  readonly length: number;
  /** The number of elements (or of what stands for one, where the value has inner axes). */
  readonly size: number;
  readonly #values: Value[] = [];
  readonly #spans: Value[] = [];
  readonly #outer: Rows[] = [];

  constructor(offsets: readonly Int32Array[]) {
    if (offsets.length === 0) throw new CompilerBug("ragged rows have at least one level");
    this.offsets = offsets;
    this.length = at(offsets, 0).length - 1;
    this.size = this.count(offsets.length);
  }

  /** The number of ragged axes. */
  get levels(): number {
    return this.offsets.length;
  }
  /** The number of items of an axis, through all their parents; `levels` counts the elements. */
  count(axis: number): number {
    if (axis === 0) return this.length;
    const offsets = at(this.offsets, axis - 1);
    return at(offsets, offsets.length - 1);
  }
  /** How many items of the next axis each item of this one holds. */
  lengths(axis: number): Int32Array {
    return differences(at(this.offsets, axis));
  }
  /** Where the elements of each item of an axis begin, and the end: a list one longer than the axis has items. */
  spans(axis: number): Int32Array {
    return this.offsets.slice(axis + 1).reduce((spans, next) => spans.map((i) => at(next, i)), at(this.offsets, axis));
  }
  /** `spans` as an operand of the graph. */
  spansValue(axis: number): Value {
    return axis === this.levels - 1 ? this.offsetsValue(axis) : (this.#spans[axis] ??= keptInts(this.spans(axis)));
  }
  /** The offsets of a level as an operand of the graph. */
  offsetsValue(level: number): Value {
    return (this.#values[level] ??= keptInts(at(this.offsets, level)));
  }
  /** The rows with so many of the outermost levels, from one on. */
  outer(levels: number): Rows {
    return levels === this.levels ? this : (this.#outer[levels] ??= new Rows(this.offsets.slice(0, levels)));
  }
  /** What lies below these items of an axis, in this order. */
  pick(axis: number, items: Int32Array): Picked {
    let list = items;
    const offsets = this.offsets.slice(axis).map((level) => {
      const starts = offsetsOf(list.map((i) => at(level, i + 1) - at(level, i)));
      list = children(level, list, starts);
      return starts;
    });
    return { offsets, elements: list };
  }
}

/** The items below each of these, one after another. */
function children(level: Int32Array, items: Int32Array, starts: Int32Array): Int32Array {
  const out = new Int32Array(at(starts, items.length));
  items.forEach((item, i) => {
    const [first, to, end] = [at(level, item), at(starts, i), at(starts, i + 1)];
    for (let k = to; k < end; k++) out[k] = first + k - to;
  });
  return out;
}

/** 0, and the running sum of the lengths. */
export function offsetsOf(lengths: ArrayLike<number>): Int32Array {
  const offsets = new Int32Array(lengths.length + 1);
  for (let i = 0; i < lengths.length; i++) offsets[i + 1] = at(offsets, i) + at(lengths, i);
  return offsets;
}

export const differences = (offsets: Int32Array): Int32Array => offsets.slice(1).map((end, i) => end - at(offsets, i));

/** 0 to n - 1. */
export const positions = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i);

/** All items of an axis, those of each item of the axis before in reverse order. */
export function reversedItems(rows: Rows, axis: number): Int32Array {
  const out = positions(rows.count(axis));
  const level = axis === 0 ? Int32Array.of(0, rows.length) : at(rows.offsets, axis - 1);
  for (let i = 0; i + 1 < level.length; i++) out.subarray(at(level, i), at(level, i + 1)).reverse();
  return out;
}

/** Integers that the host knows, as a value of the CPU. */
export const hostInts = (data: Int32Array): Value => given(data, tensorType("int32", [data.length]), "cpu");

/** Held here too: no handle that stands for it takes its memory along, or writes into it, for what all arrays in these rows share. */
function keptInts(data: Int32Array): Value {
  const value = hostInts(data);
  hold(value);
  return value;
}

/** `f64[2,~,3]`: dtype, rows, a `~` for each axis whose lengths differ, inner axes. */
export function raggedText({ dtype, shape }: TensorType, rows: Rows): string {
  return `${dtypeInfo(dtype).short}[${[rows.length, ...rows.offsets.map(() => "~"), ...shape.slice(1)].join(",")}]`;
}

/** Whether both have the same rows in their outermost levels, as many as the shorter has; a ShapeError names the first that differs. */
export function requireSameRows(op: string, a: Rows, b: Rows): void {
  if (a === b) return;
  if (a.length !== b.length) throw new ShapeError(`${op}: one operand has ${a.length} ragged rows, the other ${b.length}. Both need the same rows.`);
  for (let level = 0; level < Math.min(a.levels, b.levels); level++) {
    const [x, y] = [a.lengths(level), b.lengths(level)];
    const odd = x.findIndex((n, i) => n !== y[i]);
    if (odd < 0) continue;
    const row = rowText(a, level, odd);
    throw new ShapeError(`${op}: row ${row} has ${at(x, odd)} elements in one operand and ${at(y, odd)} in the other. Both need rows of the same lengths.`);
  }
}

/** The elements of rows that all have one length, as an axis each; a ShapeError names the first row of another length. */
export function evenValue(op: string, value: Value, rows: Rows): Value {
  const shape = rows.offsets.map((_, level) => {
    const lengths = rows.lengths(level);
    const odd = lengths.findIndex((n) => n !== lengths[0]);
    if (odd >= 0) throw rowError(op, rowText(rows, level, odd), at(lengths, odd), at(lengths, 0));
    return lengths[0] ?? 0;
  });
  return reshape(value, [rows.length, ...shape, ...value.shape.slice(1)]);
}

/** How a row differs from those before it, where all must have one length. */
export const rowError = (op: string, row: string, length: number, expected: number): ShapeError =>
  new ShapeError(
    `${op}: row ${row} has ${length} elements, the rows before it ${expected}. Only arrays have rows of different lengths; ` +
      "pad them to one length first: toPadded(array(rows), fill).",
  );

/** An item of an axis by its position in each axis up to it: `2` or `2, 0`. */
export function rowText(rows: Rows, axis: number, item: number): string {
  const path: number[] = [];
  let i = item;
  for (let level = axis - 1; level >= 0; level--) {
    const offsets = at(rows.offsets, level);
    const parent = lastAtMost(offsets, i);
    path.unshift(i - at(offsets, parent));
    i = parent;
  }
  return [i, ...path].join(", ");
}

/** The last item that begins at this position or before, and holds it. */
function lastAtMost(offsets: Int32Array, position: number): number {
  let i = offsets.length - 2;
  while (i > 0 && at(offsets, i) > position) i--;
  return i;
}
