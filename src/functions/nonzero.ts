/**
 * Where elements are not 0. How many there are depends on the values: so these evaluate their argument at the call, on the CPU; with
 * `{ size }` the shape is known, nothing is evaluated, and they work on a GPU too.
 */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf, stridesOf, tensorType } from "../../compiler/ir/shape.ts";
import { cast, greaterEqual, minimum, quotient, remainderTrunc, subtract, truth, where } from "../../compiler/ops/arithmetic.ts";
import { scatter } from "../../compiler/ops/gather.ts";
import { prefixSum } from "../../compiler/ops/prefix.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { concat, fill, reshape, slice } from "../../compiler/ops/views.ts";
import { requireDevice } from "../devices.ts";
import type { Lazy } from "../handle.ts";
import { maskElements, truePositions } from "../indexing/picks.ts";
import { valueOf } from "../operands.ts";
import { given } from "../slots.ts";

export interface NonzeroOptions {
  /** How many positions to give: the first ones, and `fillValue` where there are fewer. Then nothing is evaluated. */
  readonly size?: number;
  /** 0 unless told. */
  readonly fillValue?: number;
}

/** The int32 positions of what is not 0 as one list an axis of `shape`, and how many there are. */
interface Found {
  readonly count: number;
  readonly positions: readonly Value[];
}

function find(op: string, x: Lazy, options: NonzeroOptions, shape: Shape): Found {
  const v = truth(valueOf(op, x));
  const { size, fillValue = 0 } = options;
  if (size !== undefined) return { count: size, positions: firstOf(op, v, size, shape, fillValue) };
  const flat = truePositions(maskElements(op, { from: "handle", type: v.type, value: v }));
  const device = requireDevice(op, x.device);
  const strides = stridesOf(shape);
  const positions = shape.map((length, axis) => {
    const stride = at(strides, axis);
    return given(
      flat.map((i) => Math.floor(i / stride) % length),
      tensorType("int32", [flat.length]),
      device,
    );
  });
  return { count: flat.length, positions };
}

/** Each true element is written at its number among the true ones; those beyond `size` all go to one place too many. */
function firstOf(op: string, mask: Value, size: number, shape: Shape, fillValue: number): Value[] {
  if (!Number.isSafeInteger(size) || size < 0) throw new ShapeError(`${op}: size ${size} is no length. Give a whole number from 0 on.`);
  const length = sizeOf(mask.shape);
  const flags = reshape(mask, [length]);
  const number = subtract(prefixSum(cast(flags, "int32"), 0), 1);
  const place = where(flags, minimum(number, size), size);
  const empty = fill(-1, tensorType("int32", [size + 1]));
  const flat = slice(scatter(empty, place, iotaValue([length], 0, "int32"), 0, "set"), [0], [size]);
  const there = greaterEqual(flat, 0);
  const strides = stridesOf(shape);
  return shape.map((n, axis) => where(there, remainderTrunc(quotient(flat, Math.max(at(strides, axis), 1)), Math.max(n, 1)), fillValue));
}

/**
 * The positions of the elements that are not 0, one int32 array an axis, in row-major order. Evaluates x at the call unless `size` is
 * given; an UnsupportedError where x is computed on a GPU and it is not.
 *
 * @example
 * nonzero(tensor([[0, 5], [7, 0]])); // → [ tensor([0, 1], dtype=int32), tensor([1, 0], dtype=int32) ]
 * nonzero(tensor([0, 5, 0, 7]), { size: 3 })[0]; // → tensor([1, 3, 0], dtype=int32)
 */
export function nonzero<T extends Lazy>(x: T, options: NonzeroOptions = {}): T[] {
  if (x.ndim === 0) throw new ShapeError(`nonzero: ${x.typeName} has no axes, so no positions. Give it one with x.reshape(1).`);
  return find("nonzero", x, options, x.shape).positions.map((p) => x.wrap(p));
}

/**
 * The positions in the flattened array of the elements that are not 0, int32. Evaluates x at the call unless `size` is given.
 *
 * @example
 * flatnonzero(tensor([[0, 5], [7, 0]])); // → tensor([1, 2], dtype=int32)
 */
export function flatnonzero<T extends Lazy>(x: T, options: NonzeroOptions = {}): T {
  return x.wrap(at(find("flatnonzero", x, options, [x.size]).positions, 0));
}

/**
 * The positions of the elements that are not 0, one row each, int32 of shape [m, rank]. Evaluates x at the call unless `size` is given.
 *
 * @example
 * argwhere(tensor([[0, 5], [7, 0]])); // → tensor([[0, 1], [1, 0]], dtype=int32)
 */
export function argwhere<T extends Lazy>(x: T, options: NonzeroOptions = {}): T {
  const { count, positions } = find("argwhere", x, options, x.shape);
  const columns = positions.map((p) => reshape(p, [count, 1]));
  return x.wrap(columns.length === 0 ? fill(0, tensorType("int32", [count, 0])) : concat(columns, 1));
}
