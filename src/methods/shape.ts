/** Functions of whole arrays as methods: reductions, shapes, indexing, products. `x.sum({ axis: 1 })` is `sum(x, { axis: 1 })`. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import type { DeviceName } from "../devices.ts";
import * as cumulative from "../functions/cumulative.ts";
import type { DiffOptions } from "../functions/cumulative.ts";
import * as indexing from "../functions/indexing.ts";
import type { Index, SortOptions, TakeOptions } from "../functions/indexing.ts";
import type { IndexList } from "../indexing/entries.ts";
import * as join from "../functions/join.ts";
import * as linalg from "../functions/linalg.ts";
import * as place from "../functions/place.ts";
import type { DiagonalOptions } from "../functions/place.ts";
import * as reduce from "../functions/reduce.ts";
import type { NormOptions, PositionOptions, SumOptions, VarianceOptions } from "../functions/reduce.ts";
import * as shapes from "../functions/shape.ts";
import * as softmaxes from "../nn/softmax.ts";
import type { AxisOption, ReduceOptions } from "../options.ts";
import { ElementwiseMethods } from "./elementwise.ts";

export abstract class ShapeMethods extends ElementwiseMethods {
  sum(options: SumOptions = {}): this {
    return reduce.sum(this, options);
  }
  mean(options: ReduceOptions = {}): this {
    return reduce.mean(this, options);
  }
  prod(options: SumOptions = {}): this {
    return reduce.prod(this, options);
  }
  max(options: ReduceOptions = {}): this {
    return reduce.max(this, options);
  }
  min(options: ReduceOptions = {}): this {
    return reduce.min(this, options);
  }
  any(options: ReduceOptions = {}): this {
    return reduce.any(this, options);
  }
  all(options: ReduceOptions = {}): this {
    return reduce.all(this, options);
  }
  countNonzero(options: ReduceOptions = {}): this {
    return reduce.countNonzero(this, options);
  }
  logsumexp(options: ReduceOptions = {}): this {
    return reduce.logsumexp(this, options);
  }
  var(options: VarianceOptions = {}): this {
    return reduce.var(this, options);
  }
  std(options: VarianceOptions = {}): this {
    return reduce.std(this, options);
  }
  norm(options: NormOptions = {}): this {
    return reduce.norm(this, options);
  }
  argmax(options: PositionOptions = {}): this {
    return reduce.argmax(this, options);
  }
  argmin(options: PositionOptions = {}): this {
    return reduce.argmin(this, options);
  }
  median(options: ReduceOptions = {}): this {
    return cumulative.median(this, options);
  }

  cumsum(axis: number | AxisOption = {}): this {
    return cumulative.cumsum(this, axis);
  }
  cumprod(axis: number | AxisOption = {}): this {
    return cumulative.cumprod(this, axis);
  }
  diff(options: DiffOptions = {}): this {
    return cumulative.diff(this, options);
  }
  sort(options: SortOptions = {}): this {
    return indexing.sort(this, options);
  }
  argsort(options: SortOptions = {}): this {
    return indexing.argsort(this, options);
  }
  softmax(axis: Parameters<typeof softmaxes.softmax>[1] = {}): this {
    return softmaxes.softmax(this, axis);
  }
  logSoftmax(axis: Parameters<typeof softmaxes.logSoftmax>[1] = {}): this {
    return softmaxes.logSoftmax(this, axis);
  }

  /** `x.reshape(2, 3)`, `x.reshape([2, 3])`; one length may be -1. */
  reshape(...shape: readonly number[] | readonly [Shape]): this {
    return shapes.reshape(this, lengths(shape));
  }
  flatten(options: { readonly startAxis?: number; readonly endAxis?: number } = {}): this {
    return shapes.flatten(this, options);
  }
  ravel(): this {
    return shapes.ravel(this);
  }
  /** The same elements, sharing memory with nothing. */
  copy(): this {
    return shapes.copy(this);
  }
  permuteDims(...axes: readonly number[] | readonly [readonly number[]]): this {
    return shapes.permuteDims(this, lengths(axes));
  }
  /** The axes reversed, or in the order given. */
  transpose(...axes: readonly number[] | readonly [readonly number[]]): this {
    return axes.length === 0 ? shapes.transpose(this) : shapes.transpose(this, lengths(axes));
  }
  /** The axes reversed. */
  get T(): this {
    return shapes.transpose(this);
  }
  /** The last two axes exchanged. */
  get mT(): this {
    return shapes.matrixTranspose(this);
  }
  matrixTranspose(): this {
    return shapes.matrixTranspose(this);
  }
  swapaxes(axis1: number, axis2: number): this {
    return shapes.swapaxes(this, axis1, axis2);
  }
  moveaxis(source: number | readonly number[], destination: number | readonly number[]): this {
    return shapes.moveaxis(this, source, destination);
  }
  broadcastTo(shape: number | Shape): this {
    return shapes.broadcastTo(this, shape);
  }
  squeeze(axis?: number | readonly number[] | null): this {
    return shapes.squeeze(this, axis);
  }
  expandDims(axis: number | readonly number[]): this {
    return shapes.expandDims(this, axis);
  }
  flip(options: { readonly axis?: number | readonly number[] | null } = {}): this {
    return shapes.flip(this, options);
  }
  roll(shift: number | readonly number[], options: { readonly axis?: number | readonly number[] | null } = {}): this {
    return shapes.roll(this, shift, options);
  }
  tile(repetitions: number | readonly number[]): this {
    return shapes.tile(this, repetitions);
  }
  repeat(repeats: number | readonly number[], options: AxisOption = {}): this {
    return shapes.repeat(this, repeats, options);
  }
  split(indicesOrSections: number | readonly number[], options: AxisOption = {}): this[] {
    return join.split(this, indicesOrSections, options);
  }
  unstack(options: AxisOption = {}): this[] {
    return join.unstack(this, options);
  }
  diagonal(options: DiagonalOptions = {}): this {
    return place.diagonal(this, options);
  }
  tril(options: { readonly k?: number } = {}): this {
    return place.tril(this, options);
  }
  triu(options: { readonly k?: number } = {}): this {
    return place.triu(this, options);
  }
  toDevice(device: DeviceName): this {
    return place.toDevice(this, device);
  }
  astype(dtype: DType): this {
    return place.astype(this, dtype);
  }

  /** The elements at an index: `x.at(0)`, `x.at(slice(1, 3), "::2", "...", null)`. */
  at(...index: readonly Index<this>[]): this {
    return indexing.at(this, ...index);
  }
  take(indices: this | number | IndexList, options: TakeOptions = {}): this {
    return indexing.take(this, indices, options);
  }
  takeAlongAxis(indices: this | IndexList, axis: number | AxisOption): this {
    return indexing.takeAlongAxis(this, indices, axis);
  }

  matmul(y: this): this {
    return linalg.matmul(this, y);
  }
  dot(y: this): this {
    return linalg.dot(this, y);
  }
  vecdot(y: this, axis: number | AxisOption = {}): this {
    return linalg.vecdot(this, y, axis);
  }
  tensordot(y: this, axes: Parameters<typeof linalg.tensordot>[2] = 2): this {
    return linalg.tensordot(this, y, axes);
  }
  outer(y: this): this {
    return linalg.outer(this, y);
  }
  trace(): this {
    return linalg.trace(this);
  }
}

/** A list, or its entries as arguments. */
function lengths(given: readonly number[] | readonly [readonly number[]]): readonly number[] {
  const [first] = given;
  if (typeof first === "object") return first;
  return given.map((n) => {
    if (typeof n !== "number") throw new UnsupportedError("give one list, or numbers as arguments");
    return n;
  });
}
