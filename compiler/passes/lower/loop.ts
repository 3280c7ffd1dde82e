/** Loops inside a grid point, as lowering makes them: over all values of an axis, or over the elements of one row. */
import type { Expr } from "../../ir/expr.ts";
import { ix } from "../../ir/indexing.ts";
import type { Axis, AxisKind } from "../../ir/loop.ts";
import type { RegionSegment } from "../region.ts";

export interface Loop {
  readonly index: Expr;
  readonly lo: Expr;
  readonly hi: Expr;
  /** The row whose elements it walks, where it does. */
  readonly segment?: RegionSegment;
  /** The average length of rows. */
  readonly about?: number;
}

/** The loop over all values of an axis. */
export const wholeLoop = (index: Expr): Loop => ({ index, lo: ix(0), hi: ix(index.hi + 1) });

export const axisOf = ({ index, lo, hi, about }: Loop, kind: AxisKind): Axis => ({
  name: index.name,
  kind,
  lo,
  hi,
  step: 1,
  ...(about === undefined ? {} : { about }),
});

/** A loop of so many iterations. */
export const loopAxis = (name: string, extent: number, kind: AxisKind): Axis => ({ name, kind, lo: ix(0), hi: ix(extent), step: 1 });
