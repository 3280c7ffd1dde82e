/** Resampling: images made larger or smaller, and channels that become pixels. */
import { at, ShapeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { typeText } from "../../compiler/ir/shape.ts";
import { add, cast, divide, multiply, quotient, remainderTrunc, subtract } from "../../compiler/ops/arithmetic.ts";
import { gather } from "../../compiler/ops/gather.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { broadcast, permute, reshape } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { floating, handleOf, valueOf } from "../operands.ts";
import { averageInto } from "./adaptive-pooling.ts";
import { requireChoice } from "./given.ts";
import type { PerAxis } from "./windows.ts";
import { perAxis } from "./windows.ts";

export type InterpolationMode = "nearest" | "nearest-exact" | "linear" | "bilinear" | "trilinear" | "bicubic" | "area";

export interface InterpolateOptions {
  /** Lengths of the result's axes; this or scaleFactor. */
  readonly size?: PerAxis | null;
  /** How many times longer the axes become (rounded down). */
  readonly scaleFactor?: PerAxis | null;
  /** "nearest" by default. "linear" is for one axis, "bilinear" and "bicubic" for two, "trilinear" for three. */
  readonly mode?: InterpolationMode;
  /** Whether the centres of the first and last elements meet, not their outer edges; false by default. Not for "nearest" and "area". */
  readonly alignCorners?: boolean | null;
}

const modes: readonly InterpolationMode[] = ["nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"];
const rankOf: Readonly<Partial<Record<InterpolationMode, number>>> = { linear: 1, bilinear: 2, trilinear: 3, bicubic: 2 };

/** From `length` elements to `count`; one element of the result is pace / whole elements long. */
interface Scale {
  readonly axis: number;
  readonly length: number;
  readonly count: number;
  readonly pace: number;
  readonly whole: number;
}

/** The largest denominator of a scale factor that is no whole number. */
const finest = 1024;

/** `x` as a fraction, its denominator as small as it goes. */
function fraction(x: number): readonly [number, number] {
  for (let q = 1; q < finest; q++) if (Math.abs(x * q - Math.round(x * q)) < 1e-9 * q) return [Math.round(x * q), q];
  return [Math.round(x * finest), finest];
}

function scalesOf(op: string, x: Value, { size, scaleFactor }: InterpolateOptions): readonly Scale[] {
  const lengths = x.shape.slice(2);
  if (((size ?? null) === null) === ((scaleFactor ?? null) === null)) throw new UnsupportedError(`${op}: takes a size or a scaleFactor, and one of them only.`);
  if (lengths.includes(0)) throw new ShapeError(`${op}: ${typeText(x.type)} has no elements along an axis to take them from.`);
  if (size !== undefined && size !== null)
    return perAxis(op, "size", size, lengths.length, 1).map((count, i) => ({ axis: i + 2, length: at(lengths, i), count, pace: at(lengths, i), whole: count }));
  const factors = typeof scaleFactor === "number" ? lengths.map(() => scaleFactor) : (scaleFactor ?? []);
  if (factors.length !== lengths.length || !factors.every((f) => f > 0 && Number.isFinite(f)))
    throw new ShapeError(`${op}: scaleFactor ${JSON.stringify(scaleFactor)}: give a number above 0, or a list of ${lengths.length}.`);
  return factors.map((f, i) => {
    const [whole, pace] = fraction(f);
    const count = Math.floor(at(lengths, i) * f);
    if (count < 1) throw new ShapeError(`${op}: scaleFactor ${f} leaves nothing of axis ${i + 2} of ${typeText(x.type)}. Choose a larger one.`);
    return { axis: i + 2, length: at(lengths, i), count, pace, whole };
  });
}

/** Where each element of the result lies among the elements: between `index` and the next one, `share` of the way. */
interface Position {
  readonly index: Value;
  readonly share: Value;
}

const positions = ({ count }: Scale): Value => iotaValue([count], 0, "int32");

/** numerator / denominator, whole part and rest; the numerator is -denominator or more. */
function divided(x: Value, numerator: Value, denominator: number): Position {
  const up = add(numerator, denominator);
  return { index: subtract(quotient(up, denominator), 1), share: divide(cast(remainderTrunc(up, denominator), x.dtype), denominator) };
}

/** Centres of elements over centres of elements, or the first and last over the first and last. */
function positionOf(x: Value, scale: Scale, alignCorners: boolean): Position {
  const { length, count, pace, whole } = scale;
  if (alignCorners) return divided(x, multiply(positions(scale), length - 1), Math.max(1, count - 1));
  return divided(x, subtract(multiply(add(multiply(positions(scale), 2), 1), pace), whole), 2 * whole);
}

/** Σ weight · the element that many places on, of each position. Places beyond an end are that end. */
function mixed(x: Value, { axis }: Scale, index: Value, taps: readonly (readonly [number, Value])[]): Value {
  const terms = taps.map(([by, weight]) => {
    const picked = gather(x, add(index, by), axis);
    return multiply(picked, broadcast(weight, picked.shape, [axis]));
  });
  return terms.reduce((sum, t) => add(sum, t));
}

function linear(x: Value, scale: Scale, alignCorners: boolean): Value {
  const { index, share } = positionOf(x, scale, alignCorners);
  return mixed(x, scale, index, [
    [0, subtract(1, share)],
    [1, share],
  ]);
}

/** Keys' cubic with a = -0.75, as PyTorch has it. */
function cubic(x: Value, scale: Scale, alignCorners: boolean): Value {
  const a = -0.75;
  const { index, share } = positionOf(x, scale, alignCorners);
  // by Horner's scheme, in the distance t of the element
  const near = (t: Value): Value => add(multiply(multiply(add(multiply(t, a + 2), -(a + 3)), t), t), 1);
  const far = (t: Value): Value => add(multiply(add(multiply(add(multiply(t, a), -5 * a), t), 8 * a), t), -4 * a);
  const rest = subtract(1, share);
  return mixed(x, scale, index, [
    [-1, far(add(share, 1))],
    [0, near(share)],
    [1, near(rest)],
    [2, far(add(rest, 1))],
  ]);
}

function nearest(x: Value, scale: Scale, mode: InterpolationMode): Value {
  const { axis, pace, whole } = scale;
  const place = multiply(positions(scale), pace);
  const index = mode === "nearest" ? quotient(place, whole) : quotient(add(multiply(place, 2), pace), 2 * whole);
  return gather(x, index, axis);
}

/**
 * `x` (batch, channels, …) of one to three axes, resampled to `size`, or to `scaleFactor` times its lengths. Floats; integers become
 * floats. Throws a ShapeError where sizes do not fit, an UnsupportedError for a mode that is not for as many axes.
 *
 * @example
 * const x = tensor([[[1, 2], [3, 4]]]);
 * interpolate(x, { scaleFactor: 2 }); // → tensor([[[1, 1, 2, 2], [3, 3, 4, 4]]])
 * interpolate(x, { size: 3, mode: "linear", alignCorners: true }); // → tensor([[[1.0000, 1.5000, 2.0000], [3.0000, 3.5000, 4.0000]]])
 */
export function interpolate<T extends Lazy>(x: T, options: InterpolateOptions): T {
  const op = "interpolate";
  const v = floating(op, handleOf(op, x));
  const mode = options.mode ?? "nearest";
  requireChoice(op, "mode", mode, modes);
  const rank = v.shape.length - 2;
  if (rank < 1 || rank > 3) throw new ShapeError(`${op}: ${typeText(v.type)} is not (batch, channels, …) with one to three axes to resample.`);
  if ((rankOf[mode] ?? rank) !== rank) throw new UnsupportedError(`${op}: mode "${mode}" is for ${rankOf[mode]} axes, ${typeText(v.type)} has ${rank}.`);
  const align = options.alignCorners === true;
  if (align && rankOf[mode] === undefined) throw new UnsupportedError(`${op}: alignCorners means nothing for mode "${mode}". Leave it out.`);
  const scales = scalesOf(op, v, options);
  if (mode === "area")
    return x.wrap(
      averageInto(
        v,
        scales.map((s) => s.count),
      ),
    );
  const step = (y: Value, scale: Scale): Value => {
    if (mode === "bicubic") return cubic(y, scale, align);
    return rankOf[mode] === undefined ? nearest(y, scale, mode) : linear(y, scale, align);
  };
  return x.wrap(scales.toReversed().reduce(step, v));
}

function requireFactor(op: string, factor: number): void {
  if (Number.isInteger(factor) && factor >= 1) return;
  throw new ShapeError(`${op}: the factor ${factor} must be a whole number from 1 on.`);
}

/**
 * Channels become pixels: (…, c · r², h, w) → (…, c, h · r, w · r). Throws a ShapeError where r² does not divide the channels.
 *
 * @example
 * pixelShuffle(tensor([[[1]], [[2]], [[3]], [[4]]]), 2); // → tensor([[[1, 2], [3, 4]]])
 */
export function pixelShuffle<T extends Lazy>(x: T, upscaleFactor: number): T {
  const op = "pixelShuffle";
  const v = valueOf(op, x);
  requireFactor(op, upscaleFactor);
  const r = upscaleFactor;
  const [c, h, w] = v.shape.slice(-3);
  if (c === undefined || h === undefined || w === undefined || c % (r * r) !== 0)
    throw new ShapeError(`${op}: ${typeText(v.type)} is not (…, channels, height, width) with channels that ${r * r} divides.`);
  const lead = v.shape.slice(0, -3);
  const n = lead.length;
  const parts = reshape(v, [...lead, c / (r * r), r, r, h, w]);
  const turned = permute(parts, [...lead.keys(), n, n + 3, n + 1, n + 4, n + 2]);
  return x.wrap(reshape(turned, [...lead, c / (r * r), h * r, w * r]));
}

/**
 * Pixels become channels: (…, c, h · r, w · r) → (…, c · r², h, w). Throws a ShapeError where r does not divide height and width.
 *
 * @example
 * pixelUnshuffle(tensor([[[1, 2], [3, 4]]]), 2); // → tensor([[[1]], [[2]], [[3]], [[4]]])
 */
export function pixelUnshuffle<T extends Lazy>(x: T, downscaleFactor: number): T {
  const op = "pixelUnshuffle";
  const v = valueOf(op, x);
  requireFactor(op, downscaleFactor);
  const r = downscaleFactor;
  const [c, h, w] = v.shape.slice(-3);
  if (c === undefined || h === undefined || w === undefined || h % r !== 0 || w % r !== 0)
    throw new ShapeError(`${op}: ${typeText(v.type)} is not (…, channels, height, width) with sides that ${r} divides.`);
  const lead = v.shape.slice(0, -3);
  const n = lead.length;
  const parts = reshape(v, [...lead, c, h / r, r, w / r, r]);
  const turned = permute(parts, [...lead.keys(), n, n + 2, n + 4, n + 1, n + 3]);
  return x.wrap(reshape(turned, [...lead, c * r * r, h / r, w / r]));
}
