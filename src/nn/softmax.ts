/**
 * Softmax and its logarithm. The largest element is subtracted first, so that nothing overflows; since the result does not depend
 * on what is subtracted, that maximum is held constant for differentiation, at every order.
 */
import type { Value } from "../../compiler/ir/node.ts";
import { divide, negative, subtract } from "../../compiler/ops/arithmetic.ts";
import { detach } from "../../compiler/ops/barrier.ts";
import { exp, log } from "../../compiler/ops/exponential.ts";
import { reduceMax } from "../../compiler/ops/reductions.ts";
import { reduceSum } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { floating } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { requiredAxis } from "../options.ts";
import { spreadOver } from "./axes.ts";

/** x less its largest element along `axis`. */
function shifted(x: Value, axis: number): Value {
  return subtract(x, spreadOver(reduceMax(detach(x), [axis]), x.shape, [axis]));
}

/** Softmax of floats along an axis counted from the front. */
export function softmaxValue(x: Value, axis: number): Value {
  const e = exp(shifted(x, axis));
  return divide(e, spreadOver(reduceSum(e, [axis]), x.shape, [axis]));
}

/** The logarithm of softmax of floats along an axis counted from the front. */
export function logSoftmaxValue(x: Value, axis: number): Value {
  const d = shifted(x, axis);
  return subtract(d, spreadOver(log(reduceSum(exp(d), [axis])), x.shape, [axis]));
}

/** The axis along which the results sum to 1; the last by default. */
type AxisChoice = number | AxisOption;

function lifted<T extends Lazy>(op: string, x: T, choice: AxisChoice, build: (x: Value, axis: number) => Value): T {
  const value = floating(op, x);
  return x.wrap(build(value, requiredAxis(op, x, choice, -1)));
}

/**
 * exp(x) / sum(exp(x)) along `axis`; -Infinity counts as absent, a row of nothing else is NaN.
 * Same shape; integers and bool become the face's own float. Throws an IndexError where the axis is out of range.
 *
 * @example
 * softmax(tensor([0, 0]), { axis: 0 }); // → tensor([0.5000, 0.5000])
 */
export const softmax = <T extends Lazy>(x: T, axis: AxisChoice = {}): T => lifted("softmax", x, axis, softmaxValue);

/**
 * log(softmax(x)) along `axis`, without overflow. Same shape; throws an IndexError where the axis is out of range.
 *
 * @example
 * logSoftmax(tensor([0, 0]), { axis: 0 }); // → tensor([-0.6931, -0.6931])
 */
export const logSoftmax = <T extends Lazy>(x: T, axis: AxisChoice = {}): T => lifted("logSoftmax", x, axis, logSoftmaxValue);

/**
 * softmax(-x) along `axis`. Same shape; throws an IndexError where the axis is out of range.
 *
 * @example
 * softmin(tensor([0, 0]), { axis: 0 }); // → tensor([0.5000, 0.5000])
 */
export const softmin = <T extends Lazy>(x: T, axis: AxisChoice = {}): T => lifted("softmin", x, axis, (v, a) => softmaxValue(negative(v), a));
