/** Losses of two operands of one shape. Branches that are not taken see harmless operands, so that no gradient is 0 · ∞. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { absolute, add, divide, greater, lessEqual, multiply, negative, square, subtract, where } from "../../compiler/ops/arithmetic.ts";
import { exp, log, log1p } from "../../compiler/ops/exponential.ts";
import { broadcastTo, fill, reduceSum } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import type { Operand } from "../operands.ts";
import { requireDense, unifyElements } from "../operands.ts";
import { seq } from "./axes.ts";
import { handleOf, numberValue, optionsOf, requireChoice } from "./given.ts";
import type { Given } from "./given.ts";

/** How the elements' losses become the result: their mean, their sum, or as they are. */
export type Reduction = "mean" | "sum" | "none";

export interface LossOptions {
  /** "mean" by default. */
  readonly reduction?: Reduction;
}

const everyAxis = (x: Value): number[] => seq(x.shape.length);

/** The losses as `reduction` asks. */
export function reduced(op: string, losses: Value, reduction: string = "mean"): Value {
  requireChoice(op, "reduction", reduction, ["mean", "sum", "none"]);
  if (reduction === "none") return losses;
  const total = reduceSum(losses, everyAxis(losses));
  return reduction === "sum" ? total : divide(total, sizeOf(losses.shape));
}

/** A rank-0 number over the shape of `x`. */
const over = (x: Value, number: Value): Value => broadcastTo(number, x.shape);

type PairLoss = (x: Value, y: Value) => Value;

function pairLoss<T extends Lazy>(op: string, x: T, y: Operand<T>, options: LossOptions, build: PairLoss): T {
  const { like, values } = unifyElements(op, [x, y], "float");
  return result(op, like, build(at(values, 0), at(values, 1)), options.reduction);
}

/** The losses as `reduction` asks: those of ragged rows lie in the same rows. */
function result<T extends Lazy>(op: string, like: T, losses: Value, reduction: string | undefined): T {
  const value = reduced(op, losses, reduction);
  return reduction === "none" ? like.alike(value) : like.wrap(value);
}

/**
 * (x - y)². Shapes broadcast; a scalar unless `reduction` is "none".
 *
 * @example
 * mseLoss(tensor([1, 2]), tensor([2, 4])); // → tensor(2.5000)
 */
export const mseLoss = <T extends Lazy>(x: T, y: Operand<T>, options: LossOptions = {}): T =>
  pairLoss("mseLoss", x, y, options, (a, b) => square(subtract(a, b)));

/**
 * |x - y|. Shapes broadcast; a scalar unless `reduction` is "none".
 *
 * @example
 * l1Loss(tensor([1, 2]), tensor([2, 4])); // → tensor(1.5000)
 */
export const l1Loss = <T extends Lazy>(x: T, y: Operand<T>, options: LossOptions = {}): T =>
  pairLoss("l1Loss", x, y, options, (a, b) => absolute(subtract(a, b)));

/**
 * d² / 2 where |d| ≤ delta, delta · (|d| - delta / 2) beyond, d = x - y. Shapes broadcast; a scalar unless `reduction` is "none".
 *
 * @example
 * huberLoss(tensor([0]), tensor([2])); // → tensor(1.5000)
 */
export function huberLoss<T extends Lazy>(x: T, y: Operand<T>, options: LossOptions & { readonly delta?: number } = {}): T {
  return pairLoss("huberLoss", x, y, options, (a, b) => {
    const d = subtract(a, b);
    const delta = over(d, numberValue("huberLoss", options.delta, 1, d.dtype));
    const near = lessEqual(absolute(d), delta);
    const curve = multiply(square(where(near, d, 0)), 0.5);
    return where(near, curve, multiply(delta, subtract(absolute(d), multiply(delta, 0.5))));
  });
}

/**
 * d² / (2 · beta) where |d| < beta, |d| - beta / 2 beyond, d = x - y. Shapes broadcast; a scalar unless `reduction` is "none".
 *
 * @example
 * smoothL1Loss(tensor([0]), tensor([2])); // → tensor(1.5000)
 */
export function smoothL1Loss<T extends Lazy>(x: T, y: Operand<T>, options: LossOptions & { readonly beta?: number } = {}): T {
  if (options.beta === 0) return pairLoss("smoothL1Loss", x, y, options, (a, b) => absolute(subtract(a, b)));
  return pairLoss("smoothL1Loss", x, y, options, (a, b) => {
    const d = subtract(a, b);
    const beta = over(d, numberValue("smoothL1Loss", options.beta, 1, d.dtype));
    const near = greater(beta, absolute(d));
    const curve = divide(multiply(square(where(near, d, 0)), 0.5), beta);
    return where(near, curve, subtract(absolute(d), multiply(beta, 0.5)));
  });
}

/** log(p), but -100 where it would be less, as PyTorch bounds it. */
function boundedLog(p: Value): Value {
  // e^-100, or the smallest normal number where that is larger: what is below may be flushed to zero.
  const tiny = lessEqual(p, p.dtype === "float64" ? 3.720075976020836e-44 : 1.1754943508222875e-38);
  return where(tiny, -100, log(where(tiny, 1, p)));
}

/**
 * -(y · log p + (1 - y) · log(1 - p)) of probabilities p, each logarithm at least -100. A scalar unless `reduction` is "none".
 *
 * @example
 * bceLoss(tensor([0.5]), tensor([1])); // → tensor(0.6931)
 */
export const bceLoss = <T extends Lazy>(p: T, y: Operand<T>, options: LossOptions = {}): T =>
  pairLoss("bceLoss", p, y, options, (a, b) => negative(add(multiply(b, boundedLog(a)), multiply(subtract(1, b), boundedLog(subtract(1, a))))));

/** log(1 + e^x): smooth to every order, and x itself where e^x would swallow the 1. */
function softplus(x: Value): Value {
  const large = greater(x, 37);
  return where(large, x, log1p(exp(where(large, 0, x))));
}

export interface BceWithLogitsOptions<T extends Lazy> extends LossOptions {
  /** Multiplies the loss of each element. */
  readonly weight?: T | null;
  /** Multiplies the loss of the positive class. */
  readonly posWeight?: T | null;
}

/**
 * bceLoss of sigmoid(x), without overflow. Shapes broadcast; a scalar unless `reduction` is "none".
 *
 * @example
 * bceWithLogits(tensor([0]), tensor([1])); // → tensor(0.6931)
 */
export function bceWithLogits<T extends Lazy>(
  x: T,
  y: Operand<T>,
  weight?: Given<T, BceWithLogitsOptions<T>>,
  posWeight?: Given<T, BceWithLogitsOptions<T>>,
  options?: BceWithLogitsOptions<T>,
): T {
  const op = "bceWithLogits";
  const named = optionsOf<T, BceWithLogitsOptions<T>>({}, weight, posWeight, options);
  const { like, values } = unifyElements(op, [x, y, handleOf(weight, named.weight) ?? 1, handleOf(posWeight, named.posWeight) ?? 1], "float");
  const [a, b, w, p] = [at(values, 0), at(values, 1), at(values, 2), at(values, 3)];
  const hasPositive = handleOf(posWeight, named.posWeight) !== null;
  const curve = softplus(negative(a));
  const bent = hasPositive ? multiply(add(multiply(subtract(p, 1), b), 1), curve) : curve;
  const losses = add(multiply(subtract(1, b), a), bent);
  return result(op, like, handleOf(weight, named.weight) === null ? losses : multiply(losses, w), named.reduction);
}

export interface KlDivOptions {
  /** "mean" by default; "batchmean" divides the sum by the length of axis 0. */
  readonly reduction?: Reduction | "batchmean";
  /** Whether `target` holds logarithms of probabilities. */
  readonly logTarget?: boolean;
}

/**
 * target · (log target - x) of log probabilities x; 0 where the target is 0. Shapes broadcast; a scalar unless `reduction` is "none".
 *
 * @example
 * klDiv(tensor([-1]), tensor([1])); // → tensor(1)
 */
export function klDiv<T extends Lazy>(x: T, target: Operand<T>, options: KlDivOptions = {}): T {
  const op = "klDiv";
  const { like, values } = unifyElements(op, [x, target], "float");
  const [a, t] = [at(values, 0), at(values, 1)];
  const losses = options.logTarget === true ? multiply(exp(t), subtract(t, a)) : subtract(selfEntropy(t), multiply(t, a));
  if (options.reduction !== "batchmean") return result(op, like, losses, options.reduction);
  requireDense(op, like);
  if (losses.shape.length === 0) throw new ShapeError(`${op}: ${typeText(losses.type)} has no batch axis for "batchmean". Use "mean" or "sum".`);
  return like.wrap(divide(reduced(op, losses, "sum"), at(losses.shape, 0)));
}

/** t · log t, 0 at 0. */
function selfEntropy(t: Value): Value {
  const positive = greater(t, 0);
  return where(positive, multiply(t, log(where(positive, t, 1))), fill(0, t.type));
}
