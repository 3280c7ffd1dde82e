/**
 * short grid: grid points in rows that are too short for lanes of their own go several rows at once.
 *
 *   for %i in 0..1002 [grid], %j in 0..3 [grid] { store %y[%i * 3 + %j] = load %x[%i * 3 + %j] + load %bias[%j] }
 *     → for %i in 0..251 [grid] {
 *         if %i <= 249 { for %jv in 0..12 [vector] { store %y[%i * 12 + %jv] = load %x[%i * 12 + %jv] + load %bias[%jv % 3] } }
 *         else { for %jv in 0..4 [vector] { … }  for %js in 4..6 { … } }
 *       }
 *
 * What is stored lies there as one row. Where nothing else stands in the way either, the axes are one (`join.ts`).
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex } from "../../ir/expr.ts";
import { addIndex, ix, mulIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Stmt } from "../../ir/loop.ts";
import { expressionsIn } from "../../ir/loop.ts";
import { mostLanes, vectorWidth } from "../../ir/steps.ts";
import { tidy } from "../lower/tidy.ts";
import { loop, vector } from "./copy.ts";
import { costOf, valuesIn } from "./cost.ts";
import { goesTogether } from "./independent.ts";
import { isPlain, isStraight, loopsOver, shortRow, strideOf } from "./nest.ts";
import type { Rows } from "./short-rows.ts";
import { alongElements, placesIn, rowsAtOnce } from "./short-rows.ts";

/** Longer rows are whole registers, but for little; shorter ones only if they leave nothing. */
const longestUneven = 32;
/** Elements that rows taken at once have at the most … */
const most = 128;
/** … and where more is computed for each than so many operations: their code stands there once for each register. */
const mostLong = 64;
const long = 64;

/** The kernel with several rows of its grid a turn, or the kernel itself where that gains nothing. */
export function widenShortRows(kernel: Kernel, nest: readonly For[]): Kernel {
  const inner = nest.at(-1);
  const outer = nest.at(-2);
  if (inner === undefined || outer === undefined) return kernel;
  const axes = { outer: outer.axis, inner: inner.axis };
  if (!goSeveral(inner.body, axes)) return kernel;
  const { turns, together, left } = inTurns(inner.body, axes);
  const around = nest.slice(0, -2).map((f) => f.axis);
  if (turns === 0) return around.length === 0 ? kernel : { ...kernel, body: tidy(loopsOver(around, left)) };
  const whole = apply("le", [axisIndex(outer.axis.name, 0, turns), ix(turns - 1)]);
  const body: readonly Stmt[] = left.length === 0 ? together : [{ kind: "if", condition: whole, then: together, otherwise: left }];
  return { ...kernel, body: tidy(loopsOver([...around, { ...outer.axis, hi: ix(left.length === 0 ? turns : turns + 1) }], body)) };
}

/** A row's axis, and the one of its elements. */
export interface RowAxes {
  readonly outer: Axis;
  readonly inner: Axis;
}

/** Rows several a turn. */
interface RowTurns {
  readonly turns: number;
  /** What a turn does; which one it is, the axis of the rows says. */
  readonly together: readonly Stmt[];
  /** What is done for rows that are too few for another turn. */
  readonly left: readonly Stmt[];
}

/** Whether several rows may go at once, and gain by it. */
export function goSeveral(body: readonly Stmt[], axes: RowAxes): boolean {
  if (!isOpen(body) || !isShort(axes) || rowsOf(body, axes) === 0 || !pays(body, axes)) return false;
  return loopsOf(body, axes, { from: ix(0), rows: rowsOf(body, axes), suffix: "" }).every((v) => goesTogether(v.body, v.axis.name));
}

/** What is done with the elements of rows that may, several rows a turn. */
function inTurns(body: readonly Stmt[], axes: RowAxes): RowTurns {
  const { outer } = axes;
  const rows = rowsOf(body, axes);
  const turns = Math.floor(outer.hi.value / rows);
  const from = mulIndex(axisIndex(outer.name, 0, Math.max(turns - 1, 0)), rows);
  const left = outer.hi.value - turns * rows;
  return {
    turns,
    together: turns === 0 ? [] : loopsOf(body, axes, { from, rows, suffix: "" }),
    left: loopsOf(body, axes, { from: ix(turns * rows), rows: left, suffix: "_e" }),
  };
}

/** The same as loops. */
export function turnsInLoop(body: readonly Stmt[], axes: RowAxes): readonly Stmt[] {
  const { turns, together, left } = inTurns(body, axes);
  return turns === 0 ? left : [loop("serial", { name: axes.outer.name, lo: ix(0), hi: ix(turns) }, 1, together), ...left];
}

/** Some rows, from one on, and what the names end in that are made for them. */
interface SomeRows {
  readonly from: Expr;
  readonly rows: number;
  readonly suffix: string;
}

/** The elements of some rows: vectors of as many as fill registers, and what is left of them one by one. */
function loopsOf(body: readonly Stmt[], axes: RowAxes, { from, rows, suffix }: SomeRows): For[] {
  const { inner } = axes;
  const size = rows * inner.hi.value;
  const whole = size - (size % vectorWidth);
  const made = (element: Expr, end: string): readonly Stmt[] => placed(body, axes, { from, rows, element }, end);
  const loops = partsOf(whole).map(({ first, lanes, name }) => {
    const end = `${name}${suffix}`;
    return vector(`${inner.name}v${end}`, lanes, (lane) => made(addIndex(lane, first), end));
  });
  const single = axisIndex(`${inner.name}s${suffix}`, whole, size - 1);
  return whole === size ? loops : [...loops, loop("serial", { name: single.name, lo: ix(whole), hi: ix(size) }, 1, made(single, `_s${suffix}`))];
}

const placed = (body: readonly Stmt[], axes: RowAxes, rows: Rows, suffix: string): readonly Stmt[] =>
  alongElements({ body, values: [] }, { suffix, axes: placesIn(axes, rows) }).body;

/** So many elements as vectors of no more than are wanted at once. */
function partsOf(size: number): readonly Part[] {
  const count = Math.ceil(size / mostLanes);
  return Array.from({ length: count }, (_, k) => {
    const first = k * mostLanes;
    return { first, lanes: Math.min(mostLanes, size - first), name: k === 0 ? "" : `_${k}` };
  });
}

interface Part {
  readonly first: number;
  readonly lanes: number;
  /** What names in it end in. */
  readonly name: string;
}

/** How many rows go at once; 0 where they would be too much. */
const rowsOf = (body: readonly Stmt[], { inner }: RowAxes): number => rowsAtOnce(inner.hi.value, costOf(valuesIn(body)) > long ? mostLong : most);

const isShort = ({ outer, inner }: RowAxes): boolean => isPlain(outer) && isPlain(inner) && isShortRow(inner.hi.value);

const isShortRow = (length: number): boolean => length < shortRow || (length < longestUneven && length % vectorWidth !== 0);

/** Values that are computed and stored, and nothing else. */
const isOpen = (body: readonly Stmt[]): boolean => body.every(isStraight) && body.some((one) => one.kind === "store");

/** Whether all is stored as one row, and loads that are brought together lane by lane do not outweigh what is gained. */
function pays(body: readonly Stmt[], axes: RowAxes): boolean {
  const stored = body.flatMap((one) => (one.kind === "store" ? [access(one.index, axes)] : []));
  if (!stored.every((n) => n === 1)) return false;
  return [...stored, ...loaded(body, axes)].reduce((sum, n) => sum + n, costOf(valuesIn(body)) / 2) >= 0;
}

const loaded = (body: readonly Stmt[], axes: RowAxes): number[] =>
  exprOrder(expressionsIn(body)).flatMap((e) => (e.op === "load" ? [access(at(e.args, 0), axes)] : []));

/** Whether rows by themselves, side by side in registers, would leave lanes empty, and several at once bring nothing together lane by lane. */
export const fillRegisters = (body: readonly Stmt[], axes: RowAxes): boolean =>
  axes.inner.hi.value % vectorWidth !== 0 && loaded(body, axes).every((n) => n >= 0);

/** What four accesses that become one gain: of neighbours 1, of elements that lie near one another or are the same in every turn 0, of others less. */
function access(index: Expr, { outer, inner }: RowAxes): number {
  const sum = addIndex(index, 0);
  const [far, near] = [strideOf(sum, outer.name), strideOf(sum, inner.name)];
  if (near === 1 && far === inner.hi.value) return 1;
  if (far === 0) return 0;
  const length = inner.hi.value;
  const place = (element: number): number => Math.floor(element / length) * far + (element % length) * near;
  const isNear = (first: number): boolean => {
    const places = Array.from({ length: vectorWidth }, (_, lane) => place(first + lane));
    return Math.max(...places) - Math.min(...places) < 2 * vectorWidth;
  };
  return Array.from({ length }, (_, k) => k * vectorWidth).every(isNear) ? 0 : -1;
}
