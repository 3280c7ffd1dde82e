/**
 * Softmax and its logarithm. The largest element is subtracted first, so that nothing overflows; since the result does not depend
 * on what is subtracted, that maximum is held constant for differentiation, at every order.
 */
import type { Value } from "../../compiler/ir/node.ts";
import { divide, negative, subtract } from "../../compiler/ops/arithmetic.ts";
import { detach } from "../../compiler/ops/barrier.ts";
import { exp, log } from "../../compiler/ops/exponential.ts";
import type { Over } from "../functions/over.ts";
import { overAxes } from "../functions/over.ts";
import type { Lazy } from "../handle.ts";
import { floatElements } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { requiredAxis } from "../options.ts";
import { alongRows } from "../ragged/reduce.ts";

/** x less its largest element. */
const shifted = (x: Value, over: Over): Value => subtract(x, over.spread(over.max(detach(x)), x));

function softmaxOver(x: Value, over: Over): Value {
  const e = exp(shifted(x, over));
  return divide(e, over.spread(over.sum(e), x));
}

function logSoftmaxOver(x: Value, over: Over): Value {
  const d = shifted(x, over);
  return subtract(d, over.spread(log(over.sum(exp(d))), x));
}

/** Softmax of floats along an axis counted from the front. */
export const softmaxValue = (x: Value, axis: number): Value => softmaxOver(x, overAxes([axis]));

/** The logarithm of softmax of floats along an axis counted from the front. */
export const logSoftmaxValue = (x: Value, axis: number): Value => logSoftmaxOver(x, overAxes([axis]));

/** The axis along which the results sum to 1; the last by default. */
type AxisChoice = number | AxisOption;

function lifted<T extends Lazy>(op: string, x: T, choice: AxisChoice, build: (x: Value, over: Over) => Value): T {
  const value = floatElements(op, x);
  const axis = requiredAxis(op, x, choice, -1);
  return x.rows === null ? x.wrap(build(value, overAxes([axis]))) : x.alike(alongRows(x.rows, value, axis, build));
}

/**
 * exp(x) / sum(exp(x)) along `axis`; -Infinity counts as absent, a row of nothing else is NaN.
 * Same shape; integers and bool become the face's own float. Throws an IndexError where the axis is out of range.
 *
 * @example
 * softmax(tensor([0, 0]), { axis: 0 }); // → tensor([0.5000, 0.5000])
 */
export const softmax = <T extends Lazy>(x: T, axis: AxisChoice = {}): T => lifted("softmax", x, axis, softmaxOver);

/**
 * log(softmax(x)) along `axis`, without overflow. Same shape; throws an IndexError where the axis is out of range.
 *
 * @example
 * logSoftmax(tensor([0, 0]), { axis: 0 }); // → tensor([-0.6931, -0.6931])
 */
export const logSoftmax = <T extends Lazy>(x: T, axis: AxisChoice = {}): T => lifted("logSoftmax", x, axis, logSoftmaxOver);

/**
 * softmax(-x) along `axis`. Same shape; throws an IndexError where the axis is out of range.
 *
 * @example
 * softmin(tensor([0, 0]), { axis: 0 }); // → tensor([0.5000, 0.5000])
 */
export const softmin = <T extends Lazy>(x: T, axis: AxisChoice = {}): T => lifted("softmin", x, axis, (v, over) => softmaxOver(negative(v), over));
