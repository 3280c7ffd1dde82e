/** Normalisations: (x - mean) / sqrt(variance + eps) over some axes, then a scale and a shift. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sameShape, shapeText, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { add, multiply, reciprocal, square, subtract } from "../../compiler/ops/arithmetic.ts";
import { sqrt } from "../../compiler/ops/exponential.ts";
import { reshape } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { unifyDTypes } from "../operands.ts";
import { lastAxes, meanOver, seq, spreadAlong, spreadOver } from "./axes.ts";
import type { Given } from "./given.ts";
import { handleOf, numberValue, optionsOf } from "./given.ts";

export interface NormOptions<T extends Lazy> {
  /** Multiplies the normalised elements. */
  readonly weight?: T | null;
  /** Added at the end. */
  readonly bias?: T | null;
  /** Added to the variance under the root; 1e-5 by default. */
  readonly eps?: number;
}

export interface BatchNormOptions<T extends Lazy> extends NormOptions<T> {
  /** Whether to normalise by the batch's own mean and variance, and to update the running ones. */
  readonly training?: boolean;
  /** The batch's share in the new running values; 0.1 by default. */
  readonly momentum?: number;
}

/** Rank-0 `eps`, spread over the shape of `x`. */
const plus = (x: Value, eps: Value): Value => add(x, spreadAlong(eps, x.shape, []));
const inverseRoot = (variance: Value, eps: Value): Value => reciprocal(sqrt(plus(variance, eps)));

/** Zero mean and unit variance over `axes`. */
function standardised(x: Value, axes: readonly number[], eps: Value): Value {
  const centred = subtract(x, spreadOver(meanOver(x, axes), x.shape, axes));
  const variance = meanOver(square(centred), axes);
  return multiply(centred, spreadOver(inverseRoot(variance, eps), x.shape, axes));
}

/** x · weight + bias, which run along `axes` of x. */
function scaled(x: Value, weight: Value | null, bias: Value | null, axes: readonly number[]): Value {
  const y = weight === null ? x : multiply(x, spreadAlong(weight, x.shape, axes));
  return bias === null ? y : add(y, spreadAlong(bias, x.shape, axes));
}

function requireShape(op: string, what: string, value: Value | null, shape: Shape): void {
  if (value === null || sameShape(value.shape, shape)) return;
  throw new ShapeError(`${op}: ${what} is ${typeText(value.type)}, it must have the shape ${shapeText(shape)}.`);
}

interface Operands<T extends Lazy> {
  readonly face: T;
  readonly x: Value;
  readonly rest: readonly (Value | null)[];
}

/** x and its optional companions in one float dtype. */
function floats<T extends Lazy>(op: string, x: T, rest: readonly (T | null)[]): Operands<T> {
  const present = rest.filter((r) => r !== null);
  const { face, values } = unifyDTypes(op, [x, ...present], "float");
  let next = 1;
  return { face, x: at(values, 0), rest: rest.map((r) => (r === null ? null : at(values, next++))) };
}

function normalizedAxes(op: string, x: Value, normalizedShape: number | readonly number[]): { readonly axes: readonly number[]; readonly shape: Shape } {
  const shape = typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
  // callers without types may have a weight in its place
  if (!Array.isArray(shape))
    throw new ShapeError(`${op}: normalizedShape is no list. Give the lengths of the last axes: ${op}(x, [${x.shape.at(-1) ?? 1}], weight).`);
  const axes = lastAxes(x.shape.length, shape.length);
  if (
    shape.length > 0 &&
    shape.length <= x.shape.length &&
    sameShape(
      axes.map((a) => at(x.shape, a)),
      shape,
    )
  )
    return { axes, shape };
  throw new ShapeError(`${op}: normalizedShape ${shapeText(shape)} must be the last axes of ${typeText(x.type)}.`);
}

/**
 * Normalises over the last axes, whose lengths are `normalizedShape`; `weight` and `bias` have that shape.
 * Same shape as x; throws a ShapeError where the shapes do not fit.
 *
 * @example
 * layerNorm(tensor([[1, 3]]), [2]); // → tensor([[-1.0000,  1.0000]])
 */
export function layerNorm<T extends Lazy>(
  x: T,
  normalizedShape: number | readonly number[],
  weight?: Given<T, NormOptions<T>>,
  bias?: Given<T, NormOptions<T>>,
  options?: NormOptions<T>,
): T {
  const named = optionsOf<T, NormOptions<T>>({}, weight, bias, options);
  const all = floats("layerNorm", x, [handleOf(weight, named.weight), handleOf(bias, named.bias)]);
  const { axes, shape } = normalizedAxes("layerNorm", all.x, normalizedShape);
  const [w = null, b = null] = all.rest;
  requireShape("layerNorm", "weight", w, shape);
  requireShape("layerNorm", "bias", b, shape);
  const eps = numberValue("layerNorm", named.eps, 1e-5, all.x.dtype);
  return all.face.wrap(scaled(standardised(all.x, axes, eps), w, b, axes));
}

/**
 * x / sqrt(mean(x²) + eps) over the last axes, whose lengths are `normalizedShape`, times `weight`.
 * Same shape as x; throws a ShapeError where the shapes do not fit.
 *
 * @example
 * rmsNorm(tensor([[3, 4]]), [2]); // → tensor([[0.8485, 1.1314]])
 */
export function rmsNorm<T extends Lazy>(x: T, normalizedShape: number | readonly number[], weight?: Given<T, NormOptions<T>>, options?: NormOptions<T>): T {
  const named = optionsOf<T, NormOptions<T>>({}, weight, options);
  const all = floats("rmsNorm", x, [handleOf(weight, named.weight)]);
  const { axes, shape } = normalizedAxes("rmsNorm", all.x, normalizedShape);
  const [w = null] = all.rest;
  requireShape("rmsNorm", "weight", w, shape);
  const eps = numberValue("rmsNorm", named.eps, 1e-5, all.x.dtype);
  const scale = inverseRoot(meanOver(square(all.x), axes), eps);
  return all.face.wrap(scaled(multiply(all.x, spreadOver(scale, all.x.shape, axes)), w, null, axes));
}

/** The length of axis 1; a ShapeError where there is none. */
function channels(op: string, x: Value): number {
  if (x.shape.length < 2) throw new ShapeError(`${op}: ${typeText(x.type)} has no channel axis. It needs the form (batch, channels, …).`);
  return at(x.shape, 1);
}

/** a · (1 - share) + b · share, by a rank-0 share. */
function mix(a: Value, b: Value, share: Value): Value {
  return add(a, multiply(subtract(b, a), spreadAlong(share, a.shape, [])));
}

/**
 * Normalises each channel (axis 1) by its running mean and variance.
 * x (n, c, …), the others (c) → the shape of x. Throws a ShapeError where the shapes do not fit.
 *
 * @example
 * batchNorm(tensor([[1], [3]]), tensor([2]), tensor([1])); // → tensor([[-1.0000], [ 1.0000]])
 */
export function batchNorm<T extends Lazy>(
  x: T,
  runningMean: T,
  runningVar: T,
  weight: Given<T, BatchNormOptions<T>>,
  bias: Given<T, BatchNormOptions<T>>,
  options: BatchNormOptions<T> & { readonly training: true },
): [T, T, T];
/** With `training`, by the batch's own, and also gives the new running mean and (unbiased) variance. */
export function batchNorm<T extends Lazy>(x: T, runningMean: T, runningVar: T, options: BatchNormOptions<T> & { readonly training: true }): [T, T, T];
export function batchNorm<T extends Lazy>(
  x: T,
  runningMean: T,
  runningVar: T,
  weight?: Given<T, BatchNormOptions<T>>,
  bias?: Given<T, BatchNormOptions<T>>,
  options?: BatchNormOptions<T>,
): T;
export function batchNorm<T extends Lazy>(
  x: T,
  runningMean: T,
  runningVar: T,
  weight?: Given<T, BatchNormOptions<T>>,
  bias?: Given<T, BatchNormOptions<T>>,
  options?: BatchNormOptions<T>,
): T | [T, T, T] {
  const op = "batchNorm";
  const named = optionsOf<T, BatchNormOptions<T>>({}, weight, bias, options);
  const { face, x: v, rest } = floats(op, x, [runningMean, runningVar, handleOf(weight, named.weight), handleOf(bias, named.bias)]);
  const shape = [channels(op, v)];
  rest.forEach((r, i) => requireShape(op, at(["runningMean", "runningVar", "weight", "bias"], i), r, shape));
  const [mean = null, variance = null, w = null, b = null] = rest;
  if (mean === null || variance === null) throw new ShapeError(`${op}: needs a running mean and a running variance of shape ${shapeText(shape)}.`);
  const eps = numberValue(op, named.eps, 1e-5, v.dtype);
  const axes = seq(v.shape.length).filter((i) => i !== 1);
  if (named.training !== true) {
    const scale = inverseRoot(variance, eps);
    const y = multiply(subtract(v, spreadAlong(mean, v.shape, [1])), spreadAlong(scale, v.shape, [1]));
    return face.wrap(scaled(y, w, b, [1]));
  }
  const n = sizeOf(axes.map((a) => at(v.shape, a)));
  const batchMean = meanOver(v, axes);
  const batchVar = meanOver(square(subtract(v, spreadOver(batchMean, v.shape, axes))), axes);
  const momentum = numberValue(op, named.momentum, 0.1, v.dtype);
  const y = scaled(standardised(v, axes, eps), w, b, [1]);
  return [face.wrap(y), face.wrap(mix(mean, batchMean, momentum)), face.wrap(mix(variance, multiply(batchVar, n / (n - 1)), momentum))];
}

/**
 * Normalises groups of neighbouring channels (axis 1) of each example; `weight` and `bias` are (c).
 * x (n, c, …) → the same. Throws a ShapeError where the channels do not divide into groups.
 *
 * @example
 * groupNorm(tensor([[1, 3, 2, 6]]), 2); // → tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
 */
export function groupNorm<T extends Lazy>(
  x: T,
  numGroups: number,
  weight?: Given<T, NormOptions<T>>,
  bias?: Given<T, NormOptions<T>>,
  options?: NormOptions<T>,
): T {
  const named = optionsOf<T, NormOptions<T>>({}, weight, bias, options);
  return grouped("groupNorm", x, numGroups, handleOf(weight, named.weight), handleOf(bias, named.bias), named.eps);
}

/**
 * Normalises each channel (axis 1) of each example; `weight` and `bias` are (c). x (n, c, …) → the same.
 *
 * @example
 * instanceNorm(tensor([[[1, 3]]])); // → tensor([[[-1.0000,  1.0000]]])
 */
export function instanceNorm<T extends Lazy>(x: T, weight?: Given<T, NormOptions<T>>, bias?: Given<T, NormOptions<T>>, options?: NormOptions<T>): T {
  const named = optionsOf<T, NormOptions<T>>({}, weight, bias, options);
  return grouped("instanceNorm", x, null, handleOf(weight, named.weight), handleOf(bias, named.bias), named.eps);
}

function grouped<T extends Lazy>(op: string, x: T, numGroups: number | null, weight: T | null, bias: T | null, given: number | undefined): T {
  const { face, x: v, rest } = floats(op, x, [weight, bias]);
  const c = channels(op, v);
  const groups = numGroups ?? c;
  if (!Number.isInteger(groups) || groups < 1 || c % groups !== 0) throw new ShapeError(`${op}: ${c} channels do not divide into ${groups} groups.`);
  const [w = null, b = null] = rest;
  requireShape(op, "weight", w, [c]);
  requireShape(op, "bias", b, [c]);
  const spatial = sizeOf(v.shape.slice(2));
  const blocks = reshape(v, [at(v.shape, 0), groups, (c / groups) * spatial]);
  const y = reshape(standardised(blocks, [2], numberValue(op, given, 1e-5, v.dtype)), v.shape);
  return face.wrap(scaled(y, w, b, [1]));
}
