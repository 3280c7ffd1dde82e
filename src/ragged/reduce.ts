/** Reductions of ragged rows, and what runs along one of their axes. */
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { gather } from "../../compiler/ops/gather.ts";
import { reshape } from "../../compiler/ops/views.ts";
import type { Over } from "../functions/over.ts";
import { overAxes, overGroups } from "../functions/over.ts";
import type { Lazy } from "../handle.ts";
import type { Reduction } from "../options.ts";
import type { GroupedAxis, Grouping } from "./grouping.ts";
import { grouping, inverse } from "./grouping.ts";
import { hostInts, offsetsOf, Rows } from "./rows.ts";

type Build = (x: Value, over: Over) => Value;

/** The elements `v` of x, in these rows, reduced. What is left has one length an axis where the rows' own axes are gone. */
export function reduceRows<T extends Lazy>(x: T, rows: Rows, v: Value, { axes, keepdims }: Reduction, build: Build): T {
  const ragged = axes.filter((a) => a <= rows.levels);
  const inner = axes.filter((a) => a > rows.levels).map((a) => a - rows.levels);
  const innerShape = v.shape.flatMap((n, i) => {
    if (i === 0 || (inner.includes(i) && !keepdims)) return [];
    return [inner.includes(i) ? 1 : n];
  });
  if (ragged.length === 0) return x.onRows(reshape(build(v, overAxes(inner)), [rows.size, ...innerShape]), rows);
  if (ragged.length === rows.levels + 1) {
    const ones = keepdims ? ragged.map(() => 1) : [];
    return x.wrap(reshape(build(v, overAxes([0, ...inner])), [...ones, ...innerShape]));
  }
  const groups = grouping(rows, { axes: ragged, keepdims });
  return inGroups(x, rows, groups, build(inOrder(v, groups), overGroups(groups, inner)), innerShape);
}

/** One element a group, with the axes that are left: behind the last one whose lengths differ they are inner axes. */
function inGroups<T extends Lazy>(x: T, rows: Rows, groups: Grouping, value: Value, inner: readonly number[]): T {
  const last = groups.axes.findLastIndex((axis) => !axis.even);
  const even = groups.axes.slice(last + 1).map(lengthOf);
  if (last < 0) return x.wrap(reshape(value, [...even, ...inner]));
  const left = groups.order === null ? rows.outer(last) : new Rows(groups.axes.slice(1, last + 1).map((axis) => offsetsOf(axis.lengths)));
  return x.onRows(reshape(value, [at(value.shape, 0), ...even, ...inner]), left);
}

/** The one length of an even axis; where there are no groups to have it, it is 1, that of a reduced axis. */
const lengthOf = ({ lengths }: GroupedAxis): number => lengths[0] ?? 1;

const inOrder = (v: Value, { order }: Grouping): Value => (order === null ? v : gather(v, hostInts(order), 0));

/** What `build` makes along one axis of the elements `v` in these rows, an element for each. */
export function alongRows(rows: Rows, v: Value, axis: number, build: Build): Value {
  if (axis > rows.levels) return build(v, overAxes([axis - rows.levels]));
  const groups = grouping(rows, { axes: [axis], keepdims: false });
  const made = build(inOrder(v, groups), overGroups(groups, []));
  return groups.order === null ? made : gather(made, hostInts(inverse(groups.order)), 0);
}
