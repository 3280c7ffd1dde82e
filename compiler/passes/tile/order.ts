/**
 * order: in which order the reductions of a kernel add up on the CPU. It follows from shapes and indices only, and is asked before a
 * target is, so that all of them and any number of threads give the same bits.
 *
 * - `tile`: contractions. Each result adds up one element after another; blocks of results share what they load
 * - `block`: contractions with rows in scratch. Each result adds up one element after another, blocks of rows share what they load
 * - `columns`: neighbouring grid points read neighbouring elements. Each result adds up one element after another, many at once
 * - `rows`: the loops of a grid point walk through memory themselves. Several accumulators side by side add up one result
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { addIndex, namesIn } from "../../ir/indexing.ts";
import type { Axis, For, Reduce, Stmt } from "../../ir/loop.ts";
import { expressionsIn, statements } from "../../ir/loop.ts";
import { varyingNames } from "./independent.ts";
import { isPlain, loadsOf, pointsOf, strideOf } from "./nest.ts";
import { reducesIn, withSumsApart } from "./phases.ts";
import { blockAxis } from "./row-block.ts";
import { computedIn } from "./sides.ts";

export type Order = "tile" | "block" | "columns" | "rows";

/** Grid axes shorter than this are no columns, and make no blocks where two others do. */
const narrowest = 4;
/** Rows of so many elements are long. */
const longWalk = 256;

/** `nest`: the grid loops, index arithmetic inside of the innermost. */
export function orderOf(nest: readonly For[]): Order {
  const inner = nest.at(-1);
  if (inner === undefined) return "rows";
  if (contractionsOf(nest) !== null) return "tile";
  if (blockAxis(nest) !== null) return "block";
  return walksColumns(inner.body, inner.axis) ? "columns" : "rows";
}

/** The contractions of a grid point, and the axes that all their blocks lie along. */
export interface Contractions {
  /** The statements of a grid point. */
  readonly body: readonly Stmt[];
  readonly reduces: readonly Reduce[];
  readonly row: Axis;
  readonly column: Axis;
}

/** Null where there are none, or blocks do not lie along the same axes. Sums over different things are apart, unless only together they are contractions. */
export function contractionsOf(nest: readonly For[]): Contractions | null {
  const { body } = at(nest, nest.length - 1);
  const apart = withSumsApart(body);
  return contractionIn(nest, apart) ?? (apart.length === body.length ? null : contractionIn(nest, body));
}

function contractionIn(nest: readonly For[], body: readonly Stmt[]): Contractions | null {
  const reduces = reducesIn(body);
  const axes = reduces?.map((r) => sharedAxes(nest, r)) ?? [];
  const [row, column] = axes[0] ?? [];
  const agree = axes.every(([r, c]) => r !== undefined && r === row && c !== undefined && c === column);
  return reduces === null || row === undefined || column === undefined || !agree ? null : { body, reduces, row, column };
}

/**
 * A row and a column axis of the grid that some loads of the walk need and others do not: blocks along them share loads. The column is
 * the innermost such axis that is no narrow one (a window's, say); the row, where there is one, lies on the other side: what the column
 * decides, it does not.
 */
export function sharedAxes(nest: readonly For[], reduce: Reduce): Axis[] {
  const loads = [...loadsOf(reduce), ...computedIn(reduce)].map(namesIn);
  const walked = new Set(reduce.axes.map((a) => a.name));
  const sharing = (axis: string): boolean => loads.some((names) => !names.includes(axis) && names.some((n) => walked.has(n)));
  const needing = (axis: string): boolean => loads.some((names) => names.includes(axis));
  const all = nest.flatMap((f) => (isPlain(f.axis) && sharing(f.axis.name) && needing(f.axis.name) ? [f.axis] : []));
  const wide = all.filter((a) => a.hi.value >= narrowest);
  const shared = wide.length === 1 && !isLongRow(reduce) ? all : wide;
  const column = shared.at(-1);
  const others = shared.slice(0, -1);
  const apart = (a: string, b: string): boolean => loads.some((names) => names.includes(a) && !names.includes(b));
  const row = others.findLast((r) => column !== undefined && apart(r.name, column.name) && apart(column.name, r.name)) ?? others.at(-1);
  return [row, column].flatMap((a) => a ?? []);
}

/** Whether a reduction walks far through neighbouring elements: lanes along it do more than few columns would. */
function isLongRow(reduce: Reduce): boolean {
  const last = reduce.axes.at(-1);
  return last !== undefined && pointsOf(reduce.axes) >= longWalk && loadsOf(reduce).some((index) => strideOf(index, last.name) === 1);
}

/** Whether a loop inside a grid point is of columns: what adds up in it reads what is next to what neighbouring iterations do. */
export const isOverColumns = (s: Stmt): s is For => s.kind === "for" && s.axis.kind === "serial" && isPlain(s.axis) && walksColumns(s.body, s.axis);

/** Whether the loops of a grid point, or of an iteration, read and write more of what is next to what the neighbouring ones do than of what is next to one another. */
function walksColumns(body: readonly Stmt[], last: Axis): boolean {
  const loops = body.filter((s) => s.kind === "for" || s.kind === "reduce");
  if (loops.length === 0 || last.hi.op !== "const" || last.hi.value < narrowest) return false;
  let [across, along] = [0, 0];
  for (const s of loops) {
    const inside = innermost(s);
    // an element may be found by another one
    const varying: ReadonlySet<string> = inside === undefined ? new Set() : varyingNames([s], inside.name);
    const accesses = accessesIn(s).filter((index) => namesIn(index).some((name) => varying.has(name)));
    const columns = (index: Expr): boolean => strideOf(index, last.name) === 1;
    const rows = (index: Expr): boolean => inside !== undefined && strideOf(index, inside.name) === 1;
    const down = accesses.filter((index) => columns(index) && !rows(index)).length;
    const own = accesses.filter((index) => rows(index) && namesIn(index).includes(last.name)).length;
    // what neither does is as quick either way
    across += down;
    along += own;
  }
  return across > along;
}

/** The last axis that a statement loops over. */
export function innermost(s: Stmt): Axis | undefined {
  if (s.kind === "reduce") return s.axes.at(-1);
  if (s.kind !== "for") return undefined;
  const only = s.body.length === 1 ? s.body[0] : undefined;
  return (only === undefined ? undefined : innermost(only)) ?? s.axis;
}

/** Indices that are loaded and stored, in their normal form. */
function accessesIn(s: Stmt): Expr[] {
  const list = statements([s]);
  const stored = list.flatMap((inner) => (inner.kind === "store" ? [inner.index] : []));
  const loaded = exprOrder(expressionsIn([s])).flatMap((e) => (e.op === "load" ? [at(e.args, 0)] : []));
  return [...stored, ...loaded].map((e) => addIndex(e, 0));
}
