/** Elements of a value by positions that the host knows. */
import type { Value } from "../../compiler/ir/node.ts";
import { gather } from "../../compiler/ops/gather.ts";
import { dynamicSlice } from "../../compiler/ops/views.ts";
import { constantValue } from "../../compiler/ops/source.ts";
import type { Lazy } from "../handle.ts";
import { partLayout } from "../mutation/layout.ts";
import { tracked } from "../tracking.ts";
import type { Rows } from "./rows.ts";
import { hostInts } from "./rows.ts";

/** The elements at these positions along axis 0. Where they follow one another they are a slice, whose start is an operand of the plan. */
export function takeElements(v: Value, positions: Int32Array): Value {
  return followOneAnother(positions) ? run(v, positions) : gather(v, hostInts(positions), 0);
}

function followOneAnother(positions: Int32Array): boolean {
  const [first = 0] = positions;
  return positions.every((p, i) => p === first + i);
}

function run(v: Value, positions: Int32Array): Value {
  if (positions.length === v.shape[0]) return v;
  return dynamicSlice(v, [0], [constantValue(positions[0] ?? 0, "int32", "user")], [positions.length]);
}

/** The elements of ragged `x` at these positions, in these rows (null: along axis 0); in memory of their own. */
export function copyFrom<T extends Lazy>(x: T, positions: Int32Array, rows: Rows | null): T {
  const taken = takeElements(tracked(x.value), positions);
  return rows === null ? x.wrap(taken) : x.onRows(taken, rows);
}

/** As `copyFrom`, of positions that follow one another: they share the memory of `x`. */
export function viewFrom<T extends Lazy>(x: T, positions: Int32Array, rows: Rows | null): T {
  return x.alias(
    (v) => run(v, positions),
    (layout) => partLayout(layout, 0, positions[0] ?? 0, positions.length),
    rows,
  );
}

/** `n` positions from `start` on, `step` apart. */
export const steps = (start: number, n: number, step: number): Int32Array => Int32Array.from({ length: n }, (_, i) => start + i * step);

/** Lists one after another. */
export function joinInts(lists: readonly Int32Array[]): Int32Array {
  const out = new Int32Array(lists.reduce((n, list) => n + list.length, 0));
  lists.reduce((to, list) => {
    out.set(list, to);
    return to + list.length;
  }, 0);
  return out;
}
