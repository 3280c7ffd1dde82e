/**
 * Cross entropy and negative log likelihood. The target's class is picked by comparing with a counter along the class axis, not by
 * a gather: then the forward pass, the loss and the gradient are elementwise along rows that are read anyway, and fuse. Of logits that lie in
 * memory the compiler reads the one of the class (`simplify/positions`).
 */
import { isFloat, isInteger } from "../../compiler/ir/dtype.ts";
import { at, DTypeError, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sameShape, shapeText, sizeOf, tensorType, typeText } from "../../compiler/ir/shape.ts";
import { add, cast, divide, equal, multiply, negative, notEqual, subtract, where } from "../../compiler/ops/arithmetic.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { fill, reduceSum } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { faceOf, floating, integral, unifyDTypes, valueOf } from "../operands.ts";
import { seq, spreadAlong, spreadOver } from "./axes.ts";
import type { Given } from "./given.ts";
import { handleOf, numberValue, optionsOf, requireChoice } from "./given.ts";
import { requireIndices } from "./host-indices.ts";
import type { Reduction } from "./losses.ts";
import { logSoftmaxValue } from "./softmax.ts";

export interface NllOptions<T extends Lazy> {
  /** A factor for each class, (classes). */
  readonly weight?: T | null;
  /** Targets of this value leave the loss and the mean; -100 by default. */
  readonly ignoreIndex?: number;
  /** "mean" by default: divided by the weights of the targets that count. */
  readonly reduction?: Reduction;
}

export interface CrossEntropyOptions<T extends Lazy> extends NllOptions<T> {
  /** The share of the target that is spread evenly over all classes; 0 by default. */
  readonly labelSmoothing?: number;
}

/** One loss of class indices, before it is reduced. */
interface Picked {
  readonly logProbs: Value;
  /** The class axis. */
  readonly axis: number;
  readonly target: Value;
  /** Along the class axis; null where all are 1. */
  readonly weight: Value | null;
  /** Null where every target counts. */
  readonly ignoreIndex: number | null;
  /** Rank 0; null for none. */
  readonly smoothing: Value | null;
}

const sumAll = (x: Value): Value => reduceSum(x, seq(x.shape.length));

/** The losses of the targets, and the weights that a mean divides by. */
function pickLosses(p: Picked): { readonly losses: Value; readonly weights: Value } {
  const { logProbs, axis, target } = p;
  const hot = equal(spreadOver(target, logProbs.shape, [axis]), iotaValue(logProbs.shape, axis, "int32"));
  const pick = (x: Value): Value => reduceSum(where(hot, x, 0), [axis]);
  const classWeight = p.weight === null ? null : spreadAlong(p.weight, logProbs.shape, [axis]);
  const own = tensorType(logProbs.dtype, target.shape);
  const targetWeight = classWeight === null ? fill(1, own) : pick(classWeight);
  const likelihood = negative(pick(logProbs));
  let losses = classWeight === null ? likelihood : multiply(likelihood, targetWeight);
  if (p.smoothing !== null) {
    const evenly = negative(reduceSum(classWeight === null ? logProbs : multiply(logProbs, classWeight), [axis]));
    const share = spreadAlong(p.smoothing, own.shape, []);
    losses = add(multiply(losses, subtract(1, share)), multiply(evenly, divide(share, at(logProbs.shape, axis))));
  }
  if (p.ignoreIndex === null) return { losses, weights: targetWeight };
  const counts = notEqual(target, p.ignoreIndex);
  return { losses: where(counts, losses, 0), weights: where(counts, targetWeight, 0) };
}

function reducePicked(op: string, p: Picked, reduction: string): Value {
  requireChoice(op, "reduction", reduction, ["mean", "sum", "none"]);
  const { losses, weights } = pickLosses(p);
  if (reduction === "none") return losses;
  return reduction === "sum" ? sumAll(losses) : divide(sumAll(losses), sumAll(weights));
}

/** The class axis: 1, or the only one. */
function classAxis(op: string, x: Value): number {
  if (x.shape.length === 0) throw new ShapeError(`${op}: a scalar has no class axis. The first operand is (classes), (batch, classes) or (batch, classes, …).`);
  return x.shape.length === 1 ? 0 : 1;
}

function requireTarget(op: string, x: Value, axis: number, target: Value): void {
  const want = x.shape.filter((_, i) => i !== axis);
  if (sameShape(target.shape, want)) return;
  throw new ShapeError(`${op}: the target of ${typeText(x.type)} is ${typeText(target.type)}; class indices have the shape ${shapeText(want)}.`);
}

function requireWeight(op: string, x: Value, axis: number, weight: Value | null): void {
  if (weight === null || sameShape(weight.shape, [at(x.shape, axis)])) return;
  throw new ShapeError(`${op}: weight is ${typeText(weight.type)}; it has one factor for each of the ${at(x.shape, axis)} classes.`);
}

interface Prepared<T extends Lazy> {
  readonly face: T;
  readonly x: Value;
  readonly axis: number;
  readonly weight: Value | null;
  /** Null where the target holds probabilities. */
  readonly ignoreIndex: number | null;
}

function prepare<T extends Lazy>(op: string, input: T, target: T, weight: T | null, options: NllOptions<T>): Prepared<T> {
  faceOf(op, weight === null ? [input, target] : [input, target, weight]);
  const { face, values } = unifyDTypes(op, weight === null ? [input] : [input, weight], "float");
  const x = at(values, 0);
  const axis = classAxis(op, x);
  const w = values[1] ?? null;
  requireWeight(op, x, axis, w);
  return { face, x, axis, weight: w, ignoreIndex: options.ignoreIndex ?? -100 };
}

/** The target as class indices; throws where it is none. */
function classes<T extends Lazy>(op: string, prepared: Prepared<T>, target: T): Value {
  const indices = integral(op, target);
  requireTarget(op, prepared.x, prepared.axis, indices);
  requireIndices(op, "class", target.value, at(prepared.x.shape, prepared.axis), prepared.ignoreIndex);
  return indices;
}

/**
 * Minus the log probability of each target's class, weighted.
 * (classes), () or (n, classes, …), (n, …) → a scalar, or the target's shape where `reduction` is "none".
 * Throws a ShapeError where the shapes do not fit, a DTypeError where targets are no integers, an IndexError where one is known to
 * be no class.
 *
 * @example
 * nllLoss(tensor([[-1, -2]]), tensor([1], { dtype: "int32" })); // → tensor(2)
 */
export function nllLoss<T extends Lazy>(logProbs: T, target: T, weight?: Given<T, NllOptions<T>>, options?: NllOptions<T>): T {
  const op = "nllLoss";
  const named = optionsOf<T, NllOptions<T>>({}, weight, options);
  const p = prepare(op, logProbs, target, handleOf(weight, named.weight), named);
  const picked = { ...p, logProbs: p.x, target: classes(op, p, target), smoothing: null };
  return p.face.wrap(reducePicked(op, picked, named.reduction ?? "mean"));
}

/**
 * nllLoss of logSoftmax(logits). Targets are class indices, or probabilities of the logits' own shape and a float dtype.
 * (classes), () or (n, classes, …), (n, …) → a scalar, or the target's shape where `reduction` is "none".
 * Throws a ShapeError where the shapes do not fit, a DTypeError where targets are neither.
 *
 * @example
 * crossEntropy(tensor([[0, 0]]), tensor([1], { dtype: "int32" })); // → tensor(0.6931)
 */
export function crossEntropy<T extends Lazy>(logits: T, target: T, weight?: Given<T, CrossEntropyOptions<T>>, options?: CrossEntropyOptions<T>): T {
  const op = "crossEntropy";
  const named = optionsOf<T, CrossEntropyOptions<T>>({}, weight, options);
  const p = prepare(op, logits, target, handleOf(weight, named.weight), named);
  const logProbs = logSoftmaxValue(p.x, p.axis);
  const { dtype } = valueOf(op, target);
  const smoothing = named.labelSmoothing === undefined || named.labelSmoothing === 0 ? null : numberValue(op, named.labelSmoothing, 0, p.x.dtype);
  const reduction = named.reduction ?? "mean";
  if (isInteger(dtype)) return p.face.wrap(reducePicked(op, { ...p, logProbs, target: classes(op, p, target), smoothing }, reduction));
  if (isFloat(dtype)) return p.face.wrap(ofProbabilities(op, logProbs, cast(floating(op, target), p.x.dtype), { ...p, smoothing }, reduction));
  throw new DTypeError(`${op}: targets are class indices (integers) or probabilities (floats), not ${dtype}. Convert with astype first.`);
}

interface Spreading {
  readonly axis: number;
  readonly weight: Value | null;
  readonly smoothing: Value | null;
}

function ofProbabilities(op: string, logProbs: Value, target: Value, { axis, weight, smoothing }: Spreading, reduction: string): Value {
  requireChoice(op, "reduction", reduction, ["mean", "sum", "none"]);
  const { shape } = logProbs;
  if (!sameShape(target.shape, shape))
    throw new ShapeError(`${op}: probabilities as targets need the logits' shape ${shapeText(shape)}, not ${typeText(target.type)}.`);
  let probs = target;
  if (smoothing !== null) {
    const share = spreadAlong(smoothing, shape, []);
    probs = add(multiply(target, subtract(1, share)), divide(share, at(shape, axis)));
  }
  const weighted = weight === null ? probs : multiply(probs, spreadAlong(weight, shape, [axis]));
  const losses = negative(reduceSum(multiply(weighted, logProbs), [axis]));
  if (reduction === "none") return losses;
  return reduction === "sum" ? sumAll(losses) : divide(sumAll(losses), sizeOf(losses.shape));
}
