/**
 * short rows: a long sum of rows that are too short for lanes of their own takes several of them at once.
 *
 *   reduce %s = 0 by $0 + $1 over %i in 0..1002, %k in 0..3 { yield load %x[%i * 3 + %k] * load %w[%i] }
 *     → reduce %s_rows = 0 by $0 + $1 over %i in 0..250, %k in 0..12 { yield load %x[%i * 12 + %k] * load %w[%i * 4 + %k / 3] }
 *       reduce %s_left = 0 by $0 + $1 over %i in 0..2, %k in 0..3 { yield load %x[%i * 3 + %k + 3000] * load %w[%i + 1000] }
 *       let %s = %s_rows + %s_left
 *
 * Where nothing but the last axis stands in the way, the axes are one (`join.ts`), and that is long.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, variable } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { addIndex, ix, mulIndex, normalIndex, unflatten } from "../../ir/indexing.ts";
import type { Axis, Reduce, Stmt } from "../../ir/loop.ts";
import { mapStatements } from "../../ir/loop-walk.ts";
import { vectorWidth } from "../../ir/steps.ts";
import { merge, nameShared } from "./combine.ts";
import type { Piece, Place } from "./copy.ts";
import { copied } from "./copy.ts";
import { isPlain, pointsOf, shortRow } from "./nest.ts";

/** So many short rows are as good as a long one: their lanes are combined once. */
const manyRows = 64;
/** Elements that rows taken at once should have, about … */
const wanted = 16;
/** … and those of a sum at the most. */
const mostAdded = 32;

export interface ShortRows {
  /** Its last axis walks several rows. */
  readonly together: Reduce;
  /** Rows that are too few for another turn. */
  readonly left: Reduce | null;
  /** The names of the reduction, from those of both. */
  readonly joined: readonly Stmt[];
}

/** Whether a reduction walks many rows, each too short for lanes of its own. */
export function walksShortRows({ axes }: Reduce): boolean {
  const last = axes.at(-1);
  if (last === undefined || !axes.every((a) => isPlain(a) && a.kind === "serial")) return false;
  return last.hi.value < shortRow && pointsOf(axes.slice(0, -1)) >= manyRows;
}

/** The rows of a reduction several at once, whole registers of them; null where it walks no short rows, or so many would be too much at once. */
export function severalRows(r: Reduce): ShortRows | null {
  if (!walksShortRows(r)) return null;
  const [outer, inner] = [at(r.axes, r.axes.length - 2), at(r.axes, r.axes.length - 1)];
  const rows = rowsAtOnce(inner.hi.value, mostAdded);
  const turns = Math.floor(outer.hi.value / Math.max(1, rows));
  if (rows === 0 || turns === 0) return null;
  const left = outer.hi.value - turns * rows;
  const together = overRows(r, { suffix: left === 0 ? "" : "_rows", first: 0, turns, rows });
  if (left === 0) return { together, left: null, joined: [] };
  const others = overRows(r, { suffix: "_left", first: turns * rows, turns: left, rows: 1 });
  return { together, left: others, joined: joined(r, together, others) };
}

/** So many rows of a length that they fill whole registers, with about as many elements as are wanted; 0 where that would be more than the most. */
export function rowsAtOnce(length: number, most: number): number {
  let best = 0;
  for (let rows = 1; rows * length <= most; rows++) {
    const isWhole = (rows * length) % vectorWidth === 0;
    if (isWhole && (best === 0 || Math.abs(rows * length - wanted) < Math.abs(best * length - wanted))) best = rows;
  }
  return best;
}

/** Turns of several rows each, from one row on. */
interface Turns {
  readonly suffix: string;
  readonly first: number;
  readonly turns: number;
  readonly rows: number;
}

/** The reduction over some of its rows. */
function overRows(r: Reduce, { suffix, first, turns, rows }: Turns): Reduce {
  const [outer, inner] = [at(r.axes, r.axes.length - 2), at(r.axes, r.axes.length - 1)];
  const length = inner.hi.value;
  const turn = { ...outer, hi: ix(turns) };
  const elements = { ...inner, hi: ix(rows * length) };
  const from = addIndex(mulIndex(walked(turn), rows), first);
  const axes = placesIn({ outer, inner }, { from, rows, element: walked(elements) });
  const { body, values } = alongElements(r, { suffix, axes });
  return { ...r, names: r.names.map((name) => `${name}${suffix}`), axes: [...r.axes.slice(0, -2), turn, elements], body, values };
}

/** Several rows as one, from a row on, and an element of it. */
export interface Rows {
  readonly from: Expr;
  readonly rows: number;
  readonly element: Expr;
}

/** Where that element is: its row and its place there. */
export function placesIn({ outer, inner }: { readonly outer: Axis; readonly inner: Axis }, { from, rows, element }: Rows): ReadonlyMap<string, Expr> {
  const [row, place] = unflatten(element, [rows, inner.hi.value]);
  return new Map([
    [outer.name, addIndex(from, row ?? ix(0))],
    [inner.name, place ?? ix(0)],
  ]);
}

/** A piece at such places; an index that several loads share goes along the elements too. */
export function alongElements(piece: Piece, place: Place): Piece {
  const { body, values } = copied(piece, place);
  return { body: mapStatements(body, (e) => (isIndex(e) ? normalIndex(e) : e)), values };
}

const isIndex = (e: Expr): boolean => e.dtype === "int32" && exprOrder([e]).every((part) => part.op !== "load");

const walked = ({ name, hi }: Axis): Expr => axisIndex(name, 0, hi.value - 1);

function joined(r: Reduce, a: Reduce, b: Reduce): Stmt[] {
  const [own, others] = [a, b].map(({ names }) => names.map((name, i) => variable(name, at(r.init, i).dtype)));
  const { lets, exprs } = nameShared(merge(r, own ?? [], others ?? []), `${at(r.names, 0)}_joined`);
  return [...lets, ...exprs.map((value, i): Stmt => ({ kind: "let", name: at(r.names, i), value }))];
}
