/** Activations of neural networks, written with primitives. Floats: integers and bool become the face's own float first. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { normalizeAxis, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { absolute, add, divide, greater, greaterEqual, less, lessEqual, multiply, negative, subtract, where } from "../../compiler/ops/arithmetic.ts";
import { expm1, logaddexp, sigmoid } from "../../compiler/ops/exponential.ts";
import { erfc } from "../../compiler/ops/special.ts";
import { tanh } from "../../compiler/ops/trigonometric.ts";
import { broadcastTo, reshape, slice } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { floatElements, floating, parameter, unifyDTypes } from "../operands.ts";
import { axisOption } from "../options.ts";
import type { AxisOption } from "../options.ts";
import type { Unary } from "./lift.ts";
import { liftFloat } from "./lift.ts";

/** x where `lo < x < hi`, else the nearer of the two; the derivative at both bounds is 0. */
function clamped(x: Value, lo: number | Value, hi: number | Value): Value {
  const low = where(lessEqual(x, lo), asLike(lo, x), x);
  return where(greaterEqual(x, hi), asLike(hi, x), low);
}
const asLike = (x: number | Value, like: Value): Value => (typeof x === "number" ? parameter("clamp", null, x, like) : x);

/**
 * max(x, 0); the derivative at 0 is 0.
 *
 * @example
 * relu(tensor([-1, 2])); // → tensor([0, 2])
 */
export const relu: Unary = liftFloat("relu", (x) => where(lessEqual(x, 0), 0, x));
/**
 * min(max(x, 0), 6).
 *
 * @example
 * relu6(tensor([-1, 2, 9])); // → tensor([0, 2, 6])
 */
export const relu6: Unary = liftFloat("relu6", (x) => clamped(x, 0, 6));
/**
 * Scaled exponential linear unit.
 *
 * @example
 * selu(tensor([-1, 2])); // → tensor([-1.1113,  2.1014])
 */
export const selu: Unary = liftFloat("selu", (x) => multiply(eluValue(x, parameter("selu", null, 1.6732632423543772, x)), 1.0507009873554805));
/**
 * x · sigmoid(x).
 *
 * @example
 * silu(tensor([-1, 2])); // → tensor([-0.2689,  1.7616])
 */
export const silu: Unary = liftFloat("silu", (x) => multiply(x, sigmoid(x)));
/**
 * x · tanh(softplus(x)).
 *
 * @example
 * mish(tensor([1])); // → tensor([0.8651])
 */
export const mish: Unary = liftFloat("mish", (x) => multiply(x, tanh(log1pExp(x))));
/**
 * x / (1 + |x|).
 *
 * @example
 * softsign(tensor([-1, 3])); // → tensor([-0.5000,  0.7500])
 */
export const softsign: Unary = liftFloat("softsign", (x) => divide(x, add(absolute(x), 1)));
/**
 * log(sigmoid(x)), without overflow.
 *
 * @example
 * logSigmoid(tensor([0])); // → tensor([-0.6931])
 */
export const logSigmoid: Unary = liftFloat("logSigmoid", (x) => negative(log1pExp(negative(x))));
/**
 * relu6(x + 3) / 6.
 *
 * @example
 * hardsigmoid(tensor([-4, 0, 4])); // → tensor([0.0000, 0.5000, 1.0000])
 */
export const hardsigmoid: Unary = liftFloat("hardsigmoid", (x) => divide(clamped(add(x, 3), 0, 6), 6));
/**
 * x · relu6(x + 3) / 6; the derivative is -0.5 at -3 and 1.5 at 3.
 *
 * @example
 * hardswish(tensor([-4, 0, 4])); // → tensor([0, 0, 4])
 */
export const hardswish: Unary = liftFloat("hardswish", hardswishValue);
/**
 * x - tanh(x).
 *
 * @example
 * tanhshrink(tensor([1])); // → tensor([0.2384])
 */
export const tanhshrink: Unary = liftFloat("tanhshrink", (x) => subtract(x, tanh(x)));

/** The middle piece takes its bounds in, so that the derivative there is that of the polynomial. */
function hardswishValue(x: Value): Value {
  const middle = divide(multiply(x, add(x, 3)), 6);
  return where(less(x, -3), 0, where(greater(x, 3), x, middle));
}

/** log(1 + e^x) without overflow; smooth, so that derivatives of any order are right at 0 too. */
const log1pExp = (x: Value): Value => logaddexp(x, 0);

/** x above 0, else α(e^x - 1); the exponential never sees a positive x, which could overflow. */
function eluValue(x: Value, alpha: Value): Value {
  const positive = greater(x, 0);
  return where(positive, x, multiply(expm1(where(positive, 0, x)), alpha));
}

/**
 * x above 0, else α(e^x - 1).
 *
 * @example
 * elu(tensor([-1, 2])); // → tensor([-0.6321,  2.0000])
 */
export function elu<T extends Lazy>(x: T, options: { readonly alpha?: number } = {}): T {
  const v = floatElements("elu", x);
  return x.alike(eluValue(v, parameter("elu", options.alpha ?? null, 1, v)));
}

/**
 * max(0, x) + min(0, α(e^(x/α) - 1)).
 *
 * @example
 * celu(tensor([-1, 2])); // → tensor([-0.6321,  2.0000])
 */
export function celu<T extends Lazy>(x: T, options: { readonly alpha?: number } = {}): T {
  const v = floatElements("celu", x);
  const alpha = parameter("celu", options.alpha ?? null, 1, v);
  const positive = greater(v, 0);
  return x.alike(where(positive, v, multiply(expm1(divide(where(positive, 0, v), alpha)), alpha)));
}

/**
 * x above 0, else x · negativeSlope.
 *
 * @example
 * leakyRelu(tensor([-1, 2])); // → tensor([-0.0100,  2.0000])
 */
export function leakyRelu<T extends Lazy>(x: T, options: { readonly negativeSlope?: number } = {}): T {
  const v = floatElements("leakyRelu", x);
  return x.alike(where(greater(v, 0), v, multiply(v, parameter("leakyRelu", options.negativeSlope ?? null, 0.01, v))));
}

/**
 * x · Φ(x), with the normal distribution's Φ, or its `tanh` approximation.
 *
 * @example
 * gelu(tensor([-1, 2])); // → tensor([-0.1587,  1.9545])
 */
export function gelu<T extends Lazy>(x: T, options: { readonly approximate?: "none" | "tanh" } = {}): T {
  const v = floatElements("gelu", x);
  if (options.approximate !== "tanh") return x.alike(multiply(multiply(v, 0.5), erfc(multiply(v, -Math.SQRT1_2))));
  const inner = multiply(add(v, multiply(multiply(multiply(v, v), v), 0.044715)), Math.sqrt(2 / Math.PI));
  return x.alike(multiply(multiply(v, 0.5), add(tanh(inner), 1)));
}

/**
 * log(1 + e^(βx)) / β, and x itself where βx is above the threshold.
 *
 * @example
 * softplus(tensor([0])); // → tensor([0.6931])
 */
export function softplus<T extends Lazy>(x: T, options: { readonly beta?: number; readonly threshold?: number } = {}): T {
  const v = floatElements("softplus", x);
  const scaled = options.beta === undefined ? v : multiply(v, parameter("softplus", options.beta, 1, v));
  const linear = greater(scaled, parameter("softplus", options.threshold ?? null, 20, v));
  const soft = log1pExp(where(linear, 0, scaled));
  const unscaled = options.beta === undefined ? soft : divide(soft, parameter("softplus", options.beta, 1, v));
  return x.alike(where(linear, v, unscaled));
}

/**
 * x between minVal and maxVal, which stand in for what lies outside; the derivative at both is 0.
 *
 * @example
 * hardtanh(tensor([-2, 0.5, 2])); // → tensor([-1.0000,  0.5000,  1.0000])
 */
export function hardtanh<T extends Lazy>(x: T, options: { readonly minVal?: number; readonly maxVal?: number } = {}): T {
  const v = floatElements("hardtanh", x);
  return x.alike(clamped(v, parameter("hardtanh", options.minVal ?? null, -1, v), parameter("hardtanh", options.maxVal ?? null, 1, v)));
}

/**
 * x moved towards 0 by lambd, and 0 where |x| is at most lambd.
 *
 * @example
 * softshrink(tensor([-1, 0.2, 1])); // → tensor([-0.5000,  0.0000,  0.5000])
 */
export function softshrink<T extends Lazy>(x: T, options: { readonly lambd?: number } = {}): T {
  const v = floatElements("softshrink", x);
  const lambd = parameter("softshrink", options.lambd ?? null, 0.5, v);
  const below = where(less(v, negative(lambd)), add(v, lambd), multiply(v, 0));
  return x.alike(where(greater(v, lambd), subtract(v, lambd), below));
}

/**
 * x where |x| is above lambd, else 0.
 *
 * @example
 * hardshrink(tensor([-1, 0.2, 1])); // → tensor([-1,  0,  1])
 */
export function hardshrink<T extends Lazy>(x: T, options: { readonly lambd?: number } = {}): T {
  const v = floatElements("hardshrink", x);
  return x.alike(where(lessEqual(absolute(v), parameter("hardshrink", options.lambd ?? null, 0.5, v)), 0, v));
}

/**
 * x where it is above the threshold, else the value.
 *
 * @example
 * threshold(tensor([1, 5]), 3, 0); // → tensor([0, 5])
 */
export function threshold<T extends Lazy>(x: T, threshold: number, value: number): T {
  const v = floatElements("threshold", x);
  return x.alike(where(lessEqual(v, parameter("threshold", threshold, 0, v)), parameter("threshold", value, 0, v), v));
}

/**
 * x above 0, else x · weight; the weight is one number or one for each position of axis 1.
 *
 * @example
 * prelu(tensor([-2, 2]), tensor([0.25])); // → tensor([-0.5000,  2.0000])
 */
export function prelu<T extends Lazy>(x: T, weight: T): T {
  const { face, values } = unifyDTypes("prelu", [x, weight], "float");
  const [v, w] = [at(values, 0), at(values, 1)];
  const channels = v.shape[1] ?? 1;
  const count = sizeOf(w.shape);
  if (count !== 1 && count !== channels)
    throw new ShapeError(`prelu: the weight ${typeText(w.type)} needs 1 or ${channels} elements for ${typeText(v.type)}: one for each position of axis 1.`);
  const shape = v.shape.map((_, i) => (i === 1 && count > 1 ? channels : 1));
  return face.wrap(where(greater(v, 0), v, multiply(v, broadcastTo(reshape(w, shape), v.shape))));
}

/**
 * The first half along an axis, times the sigmoid of the second; the axis has an even length.
 *
 * @example
 * glu(tensor([1, 2, 0, 0])); // → tensor([0.5000, 1.0000])
 */
export function glu<T extends Lazy>(x: T, options: AxisOption = {}): T {
  const v = floating("glu", x);
  const axis = normalizeAxis("glu", axisOption("glu", x, options) ?? -1, v.shape.length);
  const length = at(v.shape, axis);
  if (length % 2 !== 0) throw new ShapeError(`glu: axis ${axis} of ${typeText(v.type)} has ${length} elements, which do not halve. Give an even length.`);
  const size = v.shape.with(axis, length / 2);
  const start = v.shape.map(() => 0);
  const second = slice(v, start.with(axis, length / 2), size);
  return x.wrap(multiply(slice(v, start, size), sigmoid(second)));
}
