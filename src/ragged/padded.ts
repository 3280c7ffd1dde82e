/** Between ragged rows and dense arrays whose rows are filled up to one length. */
import type { Value } from "../../compiler/ir/node.ts";
import { add, less, where } from "../../compiler/ops/arithmetic.ts";
import { gather } from "../../compiler/ops/gather.ts";
import { constantValue, iotaValue } from "../../compiler/ops/source.ts";
import { broadcast, broadcastTo, reshape, slice } from "../../compiler/ops/views.ts";
import type { Rows } from "./rows.ts";
import { joinInts, steps, takeElements } from "./take.ts";

/** The rows as one axis each level, as long as the longest; `fill` (of rank 0) stands where there is no element. */
export function paddedValue(v: Value, rows: Rows, fill: Value): Value {
  return rows.offsets.reduceRight((inner, _, level) => padLevel(inner, rows, level, fill), v);
}

/** Items `[n, …inner]` of a level as `[parents, longest, …inner]`. */
function padLevel(v: Value, rows: Rows, level: number, fill: Value): Value {
  const shape = [rows.count(level), rows.lengths(level).reduce((most, n) => Math.max(most, n), 0)];
  const full = [...shape, ...v.shape.slice(1)];
  if (v.shape[0] === 0) return broadcastTo(fill, full);
  const bounds = rows.offsetsValue(level);
  const start = broadcast(slice(bounds, [0], shape.slice(0, 1)), shape, [0]);
  const end = broadcast(slice(bounds, [1], shape.slice(0, 1)), shape, [0]);
  const place = add(start, iotaValue(shape, 1, "int32"));
  // positions behind a row's end are clamped to the last element, and not used
  return where(broadcast(less(place, end), full, [0, 1]), gather(v, place, 0), broadcastTo(fill, full));
}

/** The first elements of each row of a dense value: `[rows, longest, …inner]` as `[n, …inner]`. */
export function unpaddedValue(v: Value, lengths: Int32Array): Value {
  const [rows = 0, longest = 0, ...inner] = v.shape;
  const flat = reshape(v, [rows * longest, ...inner]);
  return takeElements(flat, joinInts(Array.from(lengths, (n, row) => steps(row * longest, n, 1))));
}

/**
 * What `build` makes of the innermost rows, filled up, along axis 1: for what runs from a row's beginning, and so never sees what stands
 * behind its end.
 */
export function alongPadded(v: Value, rows: Rows, build: (x: Value, axis: number) => Value): Value {
  const level = rows.levels - 1;
  return unpaddedValue(build(padLevel(v, rows, level, constantValue(0, v.dtype)), 1), rows.lengths(level));
}
