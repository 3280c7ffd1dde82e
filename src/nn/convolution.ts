/** Convolutions and transposed convolutions of one to three axes, channels in front of them. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { add } from "../../compiler/ops/arithmetic.ts";
import { conv, turnedWindow } from "../../compiler/ops/convolution.ts";
import type { ConvGeometry } from "../../compiler/ops/convolution.ts";
import { broadcast, reshape } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { unifyDTypes } from "../operands.ts";
import type { Given } from "./given.ts";
import { handleOf, optionsOf, requireChoice } from "./given.ts";
import type { Edges, Padding, PerAxis } from "./windows.ts";
import { batched, edgesOf, formOf, perAxis, reachOf, requireRoom, sameEdges } from "./windows.ts";

export interface ConvOptions<T extends Lazy> {
  /** Added to each channel of the result, (out). */
  readonly bias?: T | null;
  /** Elements from one window to the next; 1 by default. */
  readonly stride?: PerAxis;
  /** Zeros around x: numbers, [before, after] for each axis, "valid" (none, the default) or "same" (the result is as long as x). */
  readonly padding?: Padding | "same" | "valid";
  /** Elements from one tap of the window to the next; 1 by default. */
  readonly dilation?: PerAxis;
  /** Channels are dealt to this many groups, each with its own part of the weight; 1 by default. */
  readonly groups?: number;
}

export interface ConvTransposeOptions<T extends Lazy> {
  /** Added to each channel of the result, (out). */
  readonly bias?: T | null;
  /** Elements of the result from one element of x to the next; 1 by default. */
  readonly stride?: PerAxis;
  /** Elements left out at the edges of the result: numbers, or [before, after] for each axis; 0 by default. */
  readonly padding?: Padding;
  /** Elements added at the end of each axis of the result; less than stride or dilation. 0 by default. */
  readonly outputPadding?: PerAxis;
  /** Elements from one tap of the window to the next; 1 by default. */
  readonly dilation?: PerAxis;
  /** Channels are dealt to this many groups, each with its own part of the weight; 1 by default. */
  readonly groups?: number;
}

interface Operands<T extends Lazy> {
  readonly face: T;
  /** x as it was given, for messages. */
  readonly type: TensorType;
  readonly x: Value;
  readonly weight: Value;
  readonly bias: Value | null;
  readonly unbatch: (y: Value) => Value;
}

/** All in one float dtype, x with a batch axis. */
function operandsOf<T extends Lazy>(op: string, rank: number, x: T, weight: T, bias: T | null): Operands<T> {
  const { face, values } = unifyDTypes(op, bias === null ? [x, weight] : [x, weight, bias], "float");
  const [v, w, b = null] = [at(values, 0), at(values, 1), values[2]];
  const { batch, unbatch } = batched(op, v, rank);
  if (w.shape.length !== rank + 2 || sizeOf(w.shape.slice(2)) === 0)
    throw new ShapeError(`${op}: the weight is ${typeText(w.type)}; it needs ${rank + 2} axes: two of channels, then the window's ${formOf(rank)}.`);
  return { face, type: v.type, x: batch, weight: w, bias: b, unbatch };
}

function groupsOf(op: string, given: number | undefined, channels: number, what: string): number {
  const groups = given ?? 1;
  if (Number.isInteger(groups) && groups >= 1 && channels % groups === 0) return groups;
  throw new ShapeError(`${op}: ${channels} ${what} do not divide into ${groups} groups.`);
}

/** The result with its groups as one axis of channels, the bias added. */
function finished<T extends Lazy>(op: string, all: Operands<T>, y: Value): T {
  const [n, groups, each, ...rest] = y.shape;
  const channels = (groups ?? 1) * (each ?? 1);
  if (all.bias !== null && (all.bias.shape.length !== 1 || all.bias.shape[0] !== channels))
    throw new ShapeError(`${op}: the bias is ${typeText(all.bias.type)}; it has one number for each of the ${channels} channels of the result.`);
  const shifted = all.bias === null ? y : add(y, broadcast(reshape(all.bias, [groups ?? 1, each ?? 1]), y.shape, [1, 2]));
  return all.face.wrap(all.unbatch(reshape(shifted, [n ?? 1, channels, ...rest])));
}

function convolve<T extends Lazy>(op: string, rank: number, x: T, weight: T, bias?: Given<T, ConvOptions<T>>, options?: ConvOptions<T>): T {
  const named = optionsOf<T, ConvOptions<T>>({}, bias, options);
  const all = operandsOf(op, rank, x, weight, handleOf(bias, named.bias));
  const [n, channels, ...lengths] = all.x.shape;
  const [out, perGroup, ...sizes] = all.weight.shape;
  const groups = groupsOf(op, named.groups, channels ?? 0, "channels");
  groupsOf(op, groups, out ?? 0, "results");
  if (perGroup !== (channels ?? 0) / groups)
    throw new ShapeError(
      `${op}: x ${typeText(all.type)} has ${channels} channels in ${groups} groups, the weight ${typeText(all.weight.type)} takes ${perGroup}. ` +
        `The weight is (out, channels / groups, ${formOf(rank)}).`,
    );
  const geometry = geometryOf(op, sizes, named);
  requireRoom(op, all.type, lengths, reachOf(sizes, geometry.windowDilation), geometry);
  const grouped = reshape(all.x, [n ?? 1, groups, perGroup, ...lengths]);
  const windows = reshape(all.weight, [groups, (out ?? 0) / groups, perGroup, ...sizes]);
  return finished(op, all, conv(grouped, windows, geometry));
}

function geometryOf<T extends Lazy>(op: string, sizes: readonly number[], options: ConvOptions<T>): ConvGeometry {
  const rank = sizes.length;
  const strides = perAxis(op, "stride", options.stride ?? 1, rank, 1);
  const windowDilation = perAxis(op, "dilation", options.dilation ?? 1, rank, 1);
  const edges = paddingOf(op, options.padding ?? 0, sizes, strides, windowDilation);
  return { strides, windowDilation, inputDilation: sizes.map(() => 1), low: edges.low, high: edges.high };
}

function paddingOf(op: string, given: Padding | string, sizes: readonly number[], strides: readonly number[], dilations: readonly number[]): Edges {
  if (typeof given !== "string") return edgesOf(op, given, sizes.length);
  requireChoice(op, "padding", given, ["same", "valid"]);
  return given === "same" ? sameEdges(op, sizes, strides, dilations) : edgesOf(op, 0, sizes.length);
}

function convolveTransposed<T extends Lazy>(
  op: string,
  rank: number,
  x: T,
  weight: T,
  bias?: Given<T, ConvTransposeOptions<T>>,
  options?: ConvTransposeOptions<T>,
): T {
  const named = optionsOf<T, ConvTransposeOptions<T>>({}, bias, options);
  const all = operandsOf(op, rank, x, weight, handleOf(bias, named.bias));
  const [n, channels, ...lengths] = all.x.shape;
  const [taken, perGroup, ...sizes] = all.weight.shape;
  const groups = groupsOf(op, named.groups, channels ?? 0, "channels");
  if (taken !== channels)
    throw new ShapeError(
      `${op}: x ${typeText(all.type)} has ${channels} channels, the weight ${typeText(all.weight.type)} takes ${taken}. ` +
        `The weight is (channels, out / groups, ${formOf(rank)}).`,
    );
  const geometry = transposedGeometry(op, sizes, named);
  const results = lengths.map((m, i) => (m - 1) * at(geometry.inputDilation, i) + 1 + at(geometry.low, i) + at(geometry.high, i));
  const reach = reachOf(sizes, geometry.windowDilation);
  if (results.some((m, i) => m < at(reach, i)))
    throw new ShapeError(`${op}: padding leaves nothing of the result for x ${typeText(all.type)} and the weight ${typeText(all.weight.type)}. Pad less.`);
  const grouped = reshape(all.x, [n ?? 1, groups, (channels ?? 0) / groups, ...lengths]);
  const windows = reshape(all.weight, [groups, (channels ?? 0) / groups, perGroup ?? 0, ...sizes]);
  return finished(op, all, conv(grouped, turnedWindow(windows), geometry));
}

/** As the derivative of a convolution by its operand: elements a stride apart, under the window turned round. */
function transposedGeometry<T extends Lazy>(op: string, sizes: readonly number[], options: ConvTransposeOptions<T>): ConvGeometry {
  const rank = sizes.length;
  const inputDilation = perAxis(op, "stride", options.stride ?? 1, rank, 1);
  const windowDilation = perAxis(op, "dilation", options.dilation ?? 1, rank, 1);
  const added = perAxis(op, "outputPadding", options.outputPadding ?? 0, rank, 0);
  const edges = edgesOf(op, options.padding ?? 0, rank);
  const large = added.findIndex((a, i) => a >= Math.max(at(inputDilation, i), at(windowDilation, i)));
  if (large >= 0)
    throw new ShapeError(
      `${op}: outputPadding ${at(added, large)} must be less than stride ${at(inputDilation, large)} or dilation ${at(windowDilation, large)} of its axis.`,
    );
  const full = sizes.map((k, i) => (k - 1) * at(windowDilation, i));
  const low = full.map((f, i) => f - at(edges.low, i));
  const high = full.map((f, i) => f - at(edges.high, i) + at(added, i));
  return { strides: sizes.map(() => 1), inputDilation, windowDilation, low, high };
}

/**
 * Sums of windows of `x` times the weight: (batch, channels, length), (out, channels / groups, window) → (batch, out, length'), without
 * the batch where x has none. Floats; integers become floats. Throws a ShapeError where shapes and options do not fit.
 *
 * @example
 * conv1d(tensor([[1, 2, 3, 4]]), tensor([[[1, -1]]])); // → tensor([[-1, -1, -1]])
 * conv1d(tensor([[1, 2, 3, 4]]), tensor([[[1, 1, 1]]]), { padding: "same" }); // → tensor([[3, 6, 9, 7]])
 */
export function conv1d<T extends Lazy>(x: T, weight: T, bias?: Given<T, ConvOptions<T>>, options?: ConvOptions<T>): T {
  return convolve("conv1d", 1, x, weight, bias, options);
}

/**
 * Sums of windows of `x` times the weight: (batch, channels, height, width), (out, channels / groups, rows, columns) →
 * (batch, out, height', width'), without the batch where x has none. Floats; integers become floats. Throws a ShapeError where shapes
 * and options do not fit.
 *
 * @example
 * const image = ones([1, 1, 3, 3], { face: "tensor" });
 * const weight = ones([1, 1, 2, 2], { face: "tensor" });
 * conv2d(image, weight, { stride: 2, padding: 1, bias: tensor([10]) }); // → tensor([[[[11, 12], [12, 14]]]])
 */
export function conv2d<T extends Lazy>(x: T, weight: T, bias?: Given<T, ConvOptions<T>>, options?: ConvOptions<T>): T {
  return convolve("conv2d", 2, x, weight, bias, options);
}

/**
 * Sums of windows of `x` times the weight: (batch, channels, depth, height, width), (out, channels / groups, window's three axes) →
 * (batch, out, depth', height', width'), without the batch where x has none. Floats; integers become floats. Throws a ShapeError where
 * shapes and options do not fit.
 *
 * @example
 * conv3d(ones([1, 1, 3, 3, 3]), ones([2, 1, 2, 2, 2])).shape; // → [ 1, 2, 2, 2, 2 ]
 */
export function conv3d<T extends Lazy>(x: T, weight: T, bias?: Given<T, ConvOptions<T>>, options?: ConvOptions<T>): T {
  return convolve("conv3d", 3, x, weight, bias, options);
}

/**
 * What takes a cotangent of conv1d back: each element of `x` adds the weight, scaled by it, at its place of the result.
 * (batch, channels, length), (channels, out / groups, window) → (batch, out, length'). Throws a ShapeError where shapes and options do not fit.
 *
 * @example
 * convTranspose1d(tensor([[1, 2]]), tensor([[[1, 10, 100]]]), { stride: 2 }); // → tensor([[  1,  10, 102,  20, 200]])
 */
export function convTranspose1d<T extends Lazy>(x: T, weight: T, bias?: Given<T, ConvTransposeOptions<T>>, options?: ConvTransposeOptions<T>): T {
  return convolveTransposed("convTranspose1d", 1, x, weight, bias, options);
}

/**
 * What takes a cotangent of conv2d back: each element of `x` adds the weight, scaled by it, at its place of the result.
 * (batch, channels, height, width), (channels, out / groups, rows, columns) → (batch, out, height', width'). Throws a ShapeError where
 * shapes and options do not fit.
 *
 * @example
 * convTranspose2d(ones([1, 1, 2, 2]), ones([1, 3, 3, 3]), { stride: 2, padding: 1, outputPadding: 1 }).shape; // → [ 1, 3, 4, 4 ]
 */
export function convTranspose2d<T extends Lazy>(x: T, weight: T, bias?: Given<T, ConvTransposeOptions<T>>, options?: ConvTransposeOptions<T>): T {
  return convolveTransposed("convTranspose2d", 2, x, weight, bias, options);
}

/**
 * What takes a cotangent of conv3d back: each element of `x` adds the weight, scaled by it, at its place of the result.
 * (batch, channels, depth, height, width), (channels, out / groups, window's three axes) → (batch, out, depth', height', width'). Throws a
 * ShapeError where shapes and options do not fit.
 *
 * @example
 * convTranspose3d(ones([1, 1, 2, 2, 2]), ones([1, 1, 2, 2, 2])).shape; // → [ 1, 1, 3, 3, 3 ]
 */
export function convTranspose3d<T extends Lazy>(x: T, weight: T, bias?: Given<T, ConvTransposeOptions<T>>, options?: ConvTransposeOptions<T>): T {
  return convolveTransposed("convTranspose3d", 3, x, weight, bias, options);
}
