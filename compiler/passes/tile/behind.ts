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
import type { Axis, Local, Stmt } from "../../ir/loop.ts";
import type { Target } from "../../target.ts";
import { stagesOf } from "./chains.ts";
import { copied, loop, minOf } from "./copy.ts";
import { partsAt } from "./line.ts";
import { inlineIndices } from "./nest.ts";
import type { TileShape } from "./pack.ts";
import { slotsOf, waitingBeside } from "./pack.ts";
import { behindSums } from "./phases.ts";
import type { RowAxes } from "./short-grid.ts";
import { fillRegisters, goSeveral, turnsInLoop } from "./short-grid.ts";
import type { Strip } from "./strip.ts";
import { eachStrip, overStrip } from "./strip.ts";

/** What costs more than this, for all rows of a tile together, is done row by row. */
const most = 64;

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
export function rowByRow(body: readonly Stmt[], shape: TileShape, columns: number, target: Target): RowByRow | null {
  const { row, line, times } = shape;
  const apart = behindSums(body, { points: times, most }, { ...waitingBeside(shape, columns), prefix: "sum" });
  if (apart === null) return null;
  const slots = slotsOf(shape);
  const count = row.hi.value;
  const number = axisIndex(`${row.name}r`, 0, times - 1);
  const inside: Axis = { ...line.axis, name: `${line.axis.name}c` };
  const rows: RowByRow["rows"] = (tiles) => {
    const place = axisIndex(inside.name, 0, inside.hi.value - 1);
    const axes = new Map([[row.name, addIndex(tiles.row, number)], ...partsAt(line, place)])
      .set(slots.tile, tiles.tile)
      .set(slots.group, tiles.group)
      .set(slots.row, number)
      .set(slots.panel, subIndex(place, tiles.column))
      .set(slots.lane, ix(0));
    const own = copied({ body: apart.rest, values: [] }, { suffix: "_b", axes }).body;
    const stages = stagesOf(own, inside, columns, target);
    const over = (strip: Strip): readonly Stmt[] => stages?.over(strip) ?? [overStrip(strip, "c", () => own)];
    const isWhole = count % times === 0;
    const hi = isWhole ? ix(times) : minOf(ix(times), subIndex(ix(count), tiles.row));
    const each = loop("serial", { name: number.name, lo: ix(0), hi }, 1, eachStrip(inside, columns, over, tiles.column));
    const several = stages === null && inside.hi.value <= columns ? severalRows(own, { outer: { ...each.axis, hi: ix(times) }, inner: inside }) : null;
    if (several === null) return { locals: stages?.locals ?? [], body: [each] };
    const full = apply("le", [addIndex(tiles.row, times), ix(count)]);
    return { locals: [], body: isWhole ? several : [{ kind: "if", condition: full, then: several, otherwise: [each] }] };
  };
  return { sums: apart.sums.flat(), locals: apart.locals, rows };
}

/** Short rows several at once; null where they are not short, or that gains nothing. */
function severalRows(body: readonly Stmt[], axes: RowAxes): readonly Stmt[] | null {
  const plain = inlineIndices(body);
  return goSeveral(plain, axes) && fillRegisters(plain, axes) ? turnsInLoop(plain, axes) : null;
}
