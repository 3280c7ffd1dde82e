/** Reducing some axes and spreading the result back over them: what softmax and the norms are made of. */
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { divide } from "../../compiler/ops/arithmetic.ts";
import { broadcast, reduceSum } from "../../compiler/ops/views.ts";

/** 0 to n - 1. */
export const seq = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The last `count` axes of this rank. */
export const lastAxes = (rank: number, count: number): number[] => seq(count).map((i) => rank - count + i);

/** `y`, which lacks `axes`, spread over `shape`. */
export const spreadOver = (y: Value, shape: Shape, axes: readonly number[]): Value =>
  broadcast(
    y,
    shape,
    seq(shape.length).filter((i) => !axes.includes(i)),
  );

/** `y`, which has only `axes`, spread over `shape`. */
export const spreadAlong = (y: Value, shape: Shape, axes: readonly number[]): Value => broadcast(y, shape, axes);

/** The mean over `axes`, which are gone from the result. */
export const meanOver = (x: Value, axes: readonly number[]): Value => divide(reduceSum(x, axes), sizeOf(axes.map((a) => at(x.shape, a))));
