/** Order within ragged rows. */
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { subtract } from "../../compiler/ops/arithmetic.ts";
import { gather, gatherAlong } from "../../compiler/ops/gather.ts";
import { segmentBroadcast } from "../../compiler/ops/segments.ts";
import { sort } from "../../compiler/ops/sort.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { broadcast, slice } from "../../compiler/ops/views.ts";
import type { Rows } from "./rows.ts";

/**
 * The elements of the innermost rows in order, and the positions in their rows that they had. All are sorted by value, then by row:
 * the second sort is stable, so within a row the first one's order stays, and no row is padded to the length of another.
 */
export function sortRows(v: Value, rows: Rows, order: "ascending" | "descending"): readonly [Value, Value] {
  const offsets = rows.spansValue(rows.levels - 1);
  const count = at(offsets.shape, 0) - 1;
  const byValue = sort(v, 0, order)[1];
  const rowOf = segmentBroadcast(iotaValue([count], 0, "int32"), offsets, rows.size);
  const byRow = sort(gather(rowOf, byValue, 0), 0)[1];
  const from = gatherAlong(byValue, byRow, 0);
  const starts = segmentBroadcast(slice(offsets, [0], [count]), offsets, rows.size);
  return [gatherAlong(v, from, 0), subtract(from, broadcast(starts, from.shape, [0]))];
}
