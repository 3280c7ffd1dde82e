/** What a reduction takes together: axes of one length, or groups of ragged rows. Composites are written with it once, for both. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { add, cast, divide, maximum, multiply, subtract } from "../../compiler/ops/arithmetic.ts";
import { gather } from "../../compiler/ops/gather.ts";
import * as reductions from "../../compiler/ops/reductions.ts";
import * as segments from "../../compiler/ops/segments.ts";
import { broadcast, reduceSum, slice } from "../../compiler/ops/views.ts";
import type { Grouping } from "../ragged/grouping.ts";
import { hostInts } from "../ragged/rows.ts";

type Reduce = (x: Value) => Value;

/** Reductions of one kind of value over what is taken together. */
export interface Over {
  readonly sum: Reduce;
  readonly prod: Reduce;
  readonly max: Reduce;
  readonly min: Reduce;
  readonly any: Reduce;
  readonly all: Reduce;
  readonly argmax: Reduce;
  readonly argmin: Reduce;
  /** A reduced value repeated for each element that was reduced; `like` is a value of these. */
  readonly spread: (reduced: Value, like: Value) => Value;
  /** Sums divided by how many elements of `like` each is of, less `correction`. */
  readonly average: (sums: Value, like: Value, correction?: number) => Value;
  /** Whether there are no elements to reduce, where that has no greatest one. */
  readonly isEmpty: (x: Value) => boolean;
}

const seq = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A reduced value (its axes gone) repeated along them again. */
export function spread(reduced: Value, like: Value, axes: readonly number[]): Value {
  return broadcast(
    reduced,
    like.shape,
    seq(like.shape.length).filter((i) => !axes.includes(i)),
  );
}

const countOf = (x: Value, axes: readonly number[]): number => sizeOf(axes.map((a) => at(x.shape, a)));

/** Over axes of one length, which go. */
export function overAxes(axes: readonly number[]): Over {
  return {
    sum: (x) => reduceSum(x, axes),
    prod: (x) => reductions.reduceProd(x, axes),
    max: (x) => reductions.reduceMax(x, axes),
    min: (x) => reductions.reduceMin(x, axes),
    any: (x) => reductions.reduceAny(x, axes),
    all: (x) => reductions.reduceAll(x, axes),
    argmax: (x) => reductions.argmax(x, axes),
    argmin: (x) => reductions.argmin(x, axes),
    spread: (reduced, like) => spread(reduced, like, axes),
    average: (sums, like, correction = 0) => divide(sums, Math.max(0, countOf(like, axes) - correction)),
    isEmpty: (x) => countOf(x, axes) === 0,
  };
}

/** Over groups of elements, which lie together along axis 0 and become one element each, and over inner axes, which go. */
export function overGroups(groups: Grouping, inner: readonly number[]): Over {
  const { offsets, size } = groups;
  const behind = overAxes(inner);
  const both =
    (over: Reduce, build: (x: Value, offsets: Value) => Value): Reduce =>
    (x) =>
      build(over(x), offsets);
  return {
    sum: both(behind.sum, segments.segmentReduceSum),
    prod: both(behind.prod, segments.segmentReduceProd),
    max: both(behind.max, segments.segmentReduceMax),
    min: both(behind.min, segments.segmentReduceMin),
    any: both(behind.any, segments.segmentReduceAny),
    all: both(behind.all, segments.segmentReduceAll),
    argmax: (x) => placeOf(groups, "argmax", segments.segmentArgmax(x, offsets)),
    argmin: (x) => placeOf(groups, "argmin", segments.segmentArgmin(x, offsets)),
    spread: (reduced, like) => spread(segments.segmentBroadcast(reduced, offsets, size), like, inner),
    average: (sums, like, correction = 0) => divide(sums, countsLike(groups, sums, countOf(like, inner), correction)),
    isEmpty: () => false,
  };
}

/** How many elements each sum is of, in its dtype. */
function countsLike({ offsets }: Grouping, sums: Value, each: number, correction: number): Value {
  const groups = at(offsets.shape, 0) - 1;
  const counts = cast(subtract(slice(offsets, [1], [groups]), slice(offsets, [0], [groups])), sums.dtype);
  const all = each === 1 ? counts : multiply(counts, each);
  const less = correction === 0 ? all : maximum(subtract(all, correction), 0);
  return broadcast(less, sums.shape, [0]);
}

/** From positions within groups to positions along the axis that was reduced. */
function placeOf({ offsets, places, counts }: Grouping, op: string, position: Value): Value {
  const empty = counts.indexOf(0);
  if (empty >= 0) throw new ShapeError(`${op}: row ${empty} has no elements, so there is none to find. Leave empty rows out first.`);
  if (places === null) return position;
  const starts = broadcast(slice(offsets, [0], [counts.length]), position.shape, [0]);
  return gather(hostInts(places), add(starts, position), 0);
}
