/** The order along axes of ragged rows reversed. */
import type { Value } from "../../compiler/ir/node.ts";
import { flip } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { reversedItems, Rows } from "./rows.ts";
import { takeElements } from "./take.ts";

/** x, whose elements in these rows are `v`, with the order along these axes reversed. */
export function flipRows<T extends Lazy>(x: T, rows: Rows, v: Value, axes: readonly number[]): T {
  const inner = flip(
    v,
    axes.filter((a) => a > rows.levels).map((a) => a - rows.levels),
  );
  let turned = { value: inner, rows };
  for (const axis of axes.filter((a) => a <= rows.levels)) {
    const { offsets, elements } = turned.rows.pick(axis, reversedItems(turned.rows, axis));
    // rows that change places take their lengths along; within a row nothing but the order changes
    turned = { value: takeElements(turned.value, elements), rows: new Rows([...turned.rows.offsets.slice(0, axis), ...offsets]) };
  }
  return x.onRows(turned.value, turned.rows);
}
