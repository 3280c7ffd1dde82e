/** Joining ragged arrays: rows after rows, or item by item along one of their axes. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { normalizeAxis, sameShape } from "../../compiler/ir/shape.ts";
import * as views from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { offsetsOf, requireSameRows, Rows } from "./rows.ts";
import { joinInts, steps, takeElements } from "./take.ts";

/** Elements, and the offsets of the levels that they lie in. */
export interface Part {
  readonly value: Value;
  readonly offsets: readonly Int32Array[];
}
/** An operand in as many ragged levels as the others. */
interface RowPart {
  readonly value: Value;
  readonly rows: Rows;
}

/** The operands (with their values in one dtype) one after another along an axis. */
export function concatRows<T extends Lazy>(op: string, xs: readonly T[], values: readonly Value[], given: number): T {
  const like = xs.find((x) => x.rows !== null) ?? at(xs, 0);
  const odd = xs.findIndex((x) => x.ndim !== like.ndim);
  if (odd >= 0) throw new ShapeError(`${op}: operand ${odd} is ${at(xs, odd).typeName}, another ${like.typeName}. All need the same number of axes.`);
  const levels = Math.max(...xs.map((x) => x.rows?.levels ?? 0));
  const parts = xs.map((x, i) => inRows(inLevels(at(values, i), x.rows, levels), x.rows));
  const axis = normalizeAxis(op, given, like.ndim);
  requireInner(op, xs, parts, axis - levels);
  if (axis > levels) {
    for (const { rows } of parts) requireSameRows(op, at(parts, 0).rows, rows);
    const joined = views.concat(
      parts.map((p) => p.value),
      axis - levels,
    );
    return like.onRows(joined, at(parts, 0).rows);
  }
  const stacked = stack(parts);
  if (axis === 0) return like.onRows(stacked.value, stacked.rows);
  return interleaved(op, like, parts, stacked, axis);
}

/** Inner axes have the same lengths, apart from the one along which is joined. */
function requireInner(op: string, xs: readonly Lazy[], parts: readonly RowPart[], along: number): void {
  const [first] = parts;
  const inner = ({ value }: RowPart): readonly number[] => value.shape.map((n, i) => (i === 0 || i === along ? 0 : n));
  const odd = parts.findIndex((p) => first !== undefined && !sameShape(inner(p), inner(first)));
  if (odd > 0) throw new ShapeError(`${op}: operand ${odd} is ${at(xs, odd).typeName}, the first ${at(xs, 0).typeName}. Their inner axes differ.`);
}

/** A value in rows of so many levels: axes that have one length become levels too. */
export function inLevels(value: Value, rows: Rows | null, levels: number): Part {
  const own = rows?.levels ?? 0;
  const added: Int32Array[] = [];
  let items = rows?.size ?? at(value.shape, 0);
  for (let axis = own + 1; axis <= levels; axis++) {
    const length = at(value.shape, axis - own);
    added.push(steps(0, items + 1, length));
    items *= length;
  }
  return { value: views.reshape(value, [items, ...value.shape.slice(1 + levels - own)]), offsets: [...(rows?.offsets ?? []), ...added] };
}

const inRows = ({ value, offsets }: Part, own: Rows | null): RowPart => ({ value, rows: own?.levels === offsets.length ? own : new Rows(offsets) });

/** All rows of all parts. */
function stack(parts: readonly RowPart[]): RowPart {
  const { rows } = at(parts, 0);
  const value = views.concat(
    parts.map((p) => p.value),
    0,
  );
  return { value, rows: new Rows(rows.offsets.map((_, level) => offsetsOf(joinInts(parts.map((p) => p.rows.lengths(level)))))) };
}

/** For each item of the axis before: the items of the first part, then those of the second, … */
function interleaved<T extends Lazy>(op: string, like: T, parts: readonly RowPart[], stacked: RowPart, axis: number): T {
  const first = at(parts, 0).rows;
  for (const { rows } of parts) requireSameItems(op, first, rows, axis);
  const starts = offsetsOf(parts.map((p) => p.rows.count(axis)));
  const lengths = parts.map((p) => p.rows.lengths(axis - 1));
  const parents = first.count(axis - 1);
  const taken: Int32Array[] = [];
  for (let parent = 0; parent < parents; parent++) {
    parts.forEach(({ rows }, k) => taken.push(steps(at(starts, k) + at(at(rows.offsets, axis - 1), parent), at(at(lengths, k), parent), 1)));
  }
  const { offsets, elements } = stacked.rows.pick(axis, joinInts(taken));
  const own = Int32Array.from({ length: parents }, (_, parent) => lengths.reduce((n, list) => n + at(list, parent), 0));
  return like.onRows(takeElements(stacked.value, elements), new Rows([...first.offsets.slice(0, axis - 1), offsetsOf(own), ...offsets]));
}

function requireSameItems(op: string, a: Rows, b: Rows, axis: number): void {
  if (axis > 1) requireSameRows(op, a.outer(axis - 1), b.outer(axis - 1));
  else if (a.length !== b.length) throw new ShapeError(`${op}: ${a.length} rows and ${b.length} rows do not join along axis 1. Give as many rows each.`);
}
