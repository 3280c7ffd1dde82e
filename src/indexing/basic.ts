/**
 * Reading and writing where all items are basic: slices, which only move.
 *
 *   read   slice (starts that nobody wrote) · dynamic slice (starts that the user wrote, as operands) · flip · reshape
 *   write  reshape · flip · dynamic update
 */
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { make } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { constantValue } from "../../compiler/ops/source.ts";
import * as views from "../../compiler/ops/views.ts";
import type { BasicItem } from "./parse.ts";

/** What is taken of one axis, read from its low end. */
interface Extent {
  readonly start: number | Value;
  readonly size: number;
  /** 1 or more. */
  readonly step: number;
  /** Whether the order is reversed afterwards. */
  readonly falling: boolean;
  /** Whether the start is an operand of the plan. */
  readonly moves: boolean;
}

/** A position that is computed: int32, rank 0, from 0 on. Clamped to the axis. */
export interface ComputedPoint {
  readonly kind: "computed point";
  readonly axis: number;
  readonly position: Value;
}

/** Items that address a box of the operand: what slices can read and write. */
export type BoxItem = BasicItem | ComputedPoint;

function extentOf(item: Exclude<BoxItem, { kind: "newaxis" }>, length: number): Extent {
  if (item.kind === "computed point") return { start: item.position, size: 1, step: 1, falling: false, moves: true };
  if (item.kind === "point") return { start: item.position, size: 1, step: 1, falling: false, moves: length > 1 };
  const { start, size, step, given } = item;
  const moves = given && size < length;
  if (step > 0) return { start, size, step, falling: false, moves };
  return { start: size === 0 ? 0 : start + (size - 1) * step, size, step: -step, falling: true, moves };
}

/** One extent an axis, in the order of axes. */
function extents(shape: Shape, items: readonly BoxItem[]): readonly Extent[] {
  const list: Extent[] = [];
  for (const item of items) if (item.kind !== "newaxis") list[item.axis] = extentOf(item, at(shape, item.axis));
  return list;
}

/** The shape that the items make of an operand. */
export const boxShape = (items: readonly BoxItem[]): number[] =>
  items.flatMap((item) => {
    if (item.kind === "span") return [item.size];
    return item.kind === "newaxis" ? [1] : [];
  });

const startValue = ({ start }: Extent): Value => (typeof start === "number" ? constantValue(start, "int32", "user") : start);
const startNumber = ({ start }: Extent): number => (typeof start === "number" ? start : 0);
const axesWhere = (list: readonly Extent[], test: (e: Extent) => boolean): number[] => list.flatMap((e, axis) => (test(e) ? [axis] : []));

/** The elements of `v` that the items address. */
export function readBox(v: Value, items: readonly BoxItem[]): Value {
  const list = extents(v.shape, items);
  const moving = axesWhere(list, (e) => e.moves);
  const fixed = list.map((e, axis) => (e.moves ? { start: 0, size: at(v.shape, axis), step: 1 } : { ...e, start: startNumber(e) }));
  const placed = views.slice(
    v,
    fixed.map((e) => e.start),
    fixed.map((e) => e.size),
    fixed.map((e) => e.step),
  );
  const taken = moving.map((axis) => at(list, axis));
  const moved = views.dynamicSlice(
    placed,
    moving,
    taken.map(startValue),
    taken.map((e) => e.size),
    taken.map((e) => e.step),
  );
  return views.reshape(
    views.flip(
      moved,
      axesWhere(list, (e) => e.falling),
    ),
    boxShape(items),
  );
}

/**
 * `update` in place of all of `v`. Nothing of `v` is left; but where gradients are recorded the result still is a function of it, whose
 * derivative is 0 and no mistake.
 */
export const writeAll = (v: Value, update: Value): Value => (v.node.tracked ? make(views.dynamicUpdateOp, [v, update], { axes: [], steps: [] }) : update);

/** `v` with `update`, of the shape and dtype that `readBox` gives, in place of what the items address. */
export function writeBox(v: Value, items: readonly BoxItem[], update: Value): Value {
  const list = extents(v.shape, items);
  const box = views.reshape(
    update,
    list.map((e) => e.size),
  );
  const rising = views.flip(
    box,
    axesWhere(list, (e) => e.falling),
  );
  const partial = list.flatMap((e, axis) => (e.moves || e.size < at(v.shape, axis) ? [axis] : []));
  if (partial.length === 0) return writeAll(v, rising);
  const written = partial.map((axis) => at(list, axis));
  return views.dynamicUpdate(
    v,
    rising,
    partial,
    written.map((e) => (e.moves ? startValue(e) : constantValue(startNumber(e), "int32"))),
    written.map((e) => e.step),
  );
}
