/**
 * Ragged operands of elementwise functions, laid over one another by NumPy's rule: axes are matched from the last one back, and each
 * has equal lengths or length 1. So `[rows, ~]` goes with the same rows, with numbers and with `[rows, 1]`, one value a row.
 */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { segmentBroadcast } from "../../compiler/ops/segments.ts";
import { reshape } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import type { Rows } from "./rows.ts";
import { requireSameRows } from "./rows.ts";

export interface Aligned<T extends Lazy> {
  /** The operand whose rows the result has. */
  readonly like: T;
  /** Values that broadcast, with an element of the rows along axis 0. */
  readonly values: readonly Value[];
}

/** The operand that the others are laid over. */
interface Frame {
  readonly op: string;
  readonly name: string;
  readonly rows: Rows;
  readonly rank: number;
}

/** Values of operands (null where it is a number) as elements of common rows; null where no operand is ragged. */
export function alignRows<T extends Lazy>(op: string, handles: readonly (T | null)[], values: readonly Value[]): Aligned<T> | null {
  const like = deepest(handles);
  if (like === null || like.rows === null) return null;
  const frame: Frame = { op, name: like.typeName, rows: like.rows, rank: like.ndim };
  return { like, values: handles.map((x, i) => (x === null ? at(values, i) : laidOver(frame, x, at(values, i)))) };
}

/** The ragged operand with the most levels, of these the one with the most axes. */
function deepest<T extends Lazy>(handles: readonly (T | null)[]): T | null {
  const order = (x: T): number => (x.rows?.levels ?? 0) * 2 ** 10 + x.ndim;
  return handles.reduce<T | null>((best, x) => {
    if (x === null || x.rows === null) return best;
    return best === null || order(x) > order(best) ? x : best;
  }, null);
}

function laidOver(frame: Frame, x: Lazy, value: Value): Value {
  if (x.rows !== null) requireSameRows(frame.op, frame.rows, x.rows);
  const levels = x.rows?.levels ?? 0;
  const missing = frame.rank - x.ndim;
  if (missing < 0 || (levels > 0 && missing > 0)) throw misfit(frame, x);
  if (levels === frame.rows.levels) return value;
  return missing > 0 ? withoutRows(frame, x, value, missing) : oneEach(frame, x, value, levels);
}

/** An operand that has fewer axes: those that meet the rows have length 1, the others meet the inner axes. */
function withoutRows(frame: Frame, x: Lazy, value: Value, missing: number): Value {
  const outer = Math.max(0, frame.rows.levels + 1 - missing);
  if (value.shape.slice(0, outer).some((n) => n !== 1)) throw misfit(frame, x);
  return reshape(value, value.shape.slice(outer));
}

/** An operand with one value for each item of one of its axes, the ragged axes behind which have length 1: repeated over the elements. */
function oneEach(frame: Frame, x: Lazy, value: Value, levels: number): Value {
  const { rows } = frame;
  const below = rows.levels - levels;
  const [first, ...rest] = value.shape;
  if (x.rows === null && fillsRows(rows, value)) return reshape(value, [rows.size, ...rest.slice(below)]);
  if (rest.slice(0, below).some((n) => n !== 1)) throw misfit(frame, x);
  const inner = rest.slice(below);
  if (x.rows === null && first === 1) return reshape(value, inner);
  if (first !== rows.count(levels)) throw misfit(frame, x);
  return segmentBroadcast(reshape(value, [first, ...inner]), rows.spansValue(levels), rows.size);
}

/** Whether a dense value has just these rows, which then all have one length. */
function fillsRows(rows: Rows, { shape }: Value): boolean {
  return shape[0] === rows.length && rows.offsets.every((_, level) => rows.lengths(level).every((n) => n === shape[level + 1]));
}

function misfit({ op, name, rows }: Frame, x: Lazy): ShapeError {
  const perRow = x.rows === null && x.ndim === 1 && x.length === rows.length ? ` One value a row has the shape [${rows.length}, 1]: expandDims(x, 1).` : "";
  return new ShapeError(`${op}: ${x.typeName} does not broadcast to ${name}. Rows meet the same rows, or lengths of 1.${perRow}`);
}
