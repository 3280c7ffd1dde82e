/**
 * behind: what takes long after the sums of a contraction's tiles, row by row of a block, on CPUs with vectors.
 *
 *   for %i step 4 { for %jo step 8 { … 4 × 8 sums …  store %out[…] = log1p(exp(%s)) for each } }
 *     → for %i step 4 { for %jo step 8 { … store %sum0[…] = %s for each }
 *         for %ir in 0..4 { for %jc1 in 0..64 { store %chain_0[%jc1] = exp(load %sum0[…]) }
 *           for %jc2 in 0..64 { store %out[…] = log1p(load %chain_0[%jc2]) } } }
 *
 * A tile has as many results as registers hold. What is done with each, copied as often, would be more code than a processor keeps
 * near, and work that waits for itself; along a row as many go together as suits it, and functions come one after another.
 */
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex } from "../../ir/expr.ts";
import { addIndex, ix, subIndex } from "../../ir/indexing.ts";
import type { Axis, Kernel, Local, Stmt } from "../../ir/loop.ts";
import { stagesOf } from "./chains.ts";
import { copied, loop, minOf } from "./copy.ts";
import { isUneven } from "./functions-first.ts";
import { partsAt } from "./line.ts";
import { inlineIndices } from "./nest.ts";
import type { TileShape } from "./pack.ts";
import { slotsOf, waitingBeside } from "./pack.ts";
import type { Given, WithScratch } from "./part.ts";
import { inLoops, scratchApart } from "./part.ts";
import { behindSums } from "./phases.ts";
import type { RowAxes } from "./short-grid.ts";
import { fillRegisters, goSeveral, turnsInLoop } from "./short-grid.ts";
import type { Strip } from "./strip.ts";
import { eachStrip, overStrip } from "./strip.ts";

/**
 * What costs more than this, for all rows of a tile together, is done row by row; anything behind a tile that is one register wide: of its
 * short loops V8 unrolls only those behind which sums are stored as they are.
 */
const most = 64;
/** Lanes of such a tile. */
const narrow = 4;

/** The kernel that a tile is of, and how parts of it are scheduled. */
export interface Around extends Given {
  readonly kernel: Kernel;
}

/** What follows the sums of tiles, apart from them. */
export interface RowByRow {
  /** The sums alone, which wait. */
  readonly sums: readonly Stmt[];
  readonly locals: readonly Local[];
  readonly rows: (tiles: TileRow) => { readonly locals: readonly Local[]; readonly body: readonly Stmt[] };
}

/** The tiles beside one another of a block. */
export interface TileRow {
  /** Their first row and column. */
  readonly row: Expr;
  readonly column: Expr;
  /** Where they are among the rows of the block, and those that are packed at once. */
  readonly tile: Expr;
  readonly group: Expr;
}

/** The body of a grid point with what takes long after its sums apart, in blocks of so many columns; null where nothing does. */
export function rowByRow(body: readonly Stmt[], shape: TileShape, columns: number, around: Around): RowByRow | null {
  const apart = behindSums(body, { points: shape.times, most: shape.lanes > narrow ? most : 0 }, { ...waitingBeside(shape, columns), prefix: "sum" });
  if (apart === null) return null;
  const rows: RowByRow["rows"] = (tiles) => rowsOf({ rest: apart.rest, shape, columns, around }, tiles);
  return { sums: apart.sums.flat(), locals: apart.locals, rows };
}

/** What follows the sums of a block's tiles. */
interface Behind {
  readonly rest: readonly Stmt[];
  readonly shape: TileShape;
  readonly columns: number;
  readonly around: Around;
}

function rowsOf({ rest, shape, columns, around }: Behind, tiles: TileRow): ReturnType<RowByRow["rows"]> {
  const { row, line, times } = shape;
  const slots = slotsOf(shape);
  const count = row.hi.value;
  const number = axisIndex(`${row.name}row`, 0, times - 1);
  const inside: Axis = { ...line.axis, name: `${line.axis.name}c` };
  const place = axisIndex(inside.name, 0, inside.hi.value - 1);
  const axes = new Map([[row.name, addIndex(tiles.row, number)], ...partsAt(line, place)])
    .set(slots.tile, tiles.tile)
    .set(slots.group, tiles.group)
    .set(slots.row, number)
    .set(slots.panel, subIndex(place, tiles.column))
    .set(slots.lane, ix(0));
  const own = copied({ body: rest, values: [] }, { suffix: "_b", axes }).body;
  const stages = stagesOf(own, inside, columns, around.target);
  const over = (strip: Strip): readonly Stmt[] => stages?.over(strip) ?? [overStrip(strip, "c", () => own)];
  const isWhole = count % times === 0;
  const hi = isWhole ? ix(times) : minOf(ix(times), subIndex(ix(count), tiles.row));
  const each = loop("serial", { name: number.name, lo: ix(0), hi }, 1, eachStrip(inside, columns, over, tiles.column));
  const all = { outer: { ...each.axis, hi: ix(times) }, inner: inside };
  const atOnce = (): WithScratch | null => (stages === null ? severalRows(own, all) : null) ?? rowsInOrder(own, all, around);
  const several = inside.hi.value > columns ? null : atOnce();
  const locals = stages?.locals ?? [];
  if (several === null) return { locals, body: [each] };
  if (isWhole) return { locals: several.scratch, body: several.list };
  const full = apply("le", [addIndex(tiles.row, times), ix(count)]);
  const left = copied({ body: [each], values: [] }, { suffix: "_e", axes: new Map() }).body;
  return { locals: [...locals, ...several.scratch], body: [{ kind: "if", condition: full, then: several.list, otherwise: left }] };
}

/** Uneven rows as a kernel of their own would do them, in one piece; null where they are not uneven. */
function rowsInOrder(body: readonly Stmt[], { outer, inner }: RowAxes, { kernel, schedule }: Around): WithScratch | null {
  if (!isUneven(inner.hi.value) || outer.hi.value === 1) return null;
  return scratchApart(inLoops({ kernel, axes: [outer, inner], body, suffix: "_w" }, schedule));
}

/** Short rows several at once; null where they are not short, or that gains nothing. */
function severalRows(body: readonly Stmt[], axes: RowAxes): WithScratch | null {
  const plain = inlineIndices(body);
  return goSeveral(plain, axes) && fillRegisters(plain, axes) ? { list: turnsInLoop(plain, axes), scratch: [] } : null;
}
