/** Optimizers over cells, by torch.optim's rules. */
import { add, divide, multiply, square, subtract } from "../../compiler/ops/arithmetic.ts";
import { sqrt } from "../../compiler/ops/exponential.ts";
import { fill } from "../../compiler/ops/views.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Tensor } from "../tensor.ts";
import type { UpdateRule } from "./optimizer.ts";
import { blend, decayed, moving, Optimizer, requireNumber } from "./optimizer.ts";

export { Optimizer } from "./optimizer.ts";

export interface SgdOptions {
  readonly lr: number;
  /** The share of the old direction that is kept; 0 by default. */
  readonly momentum?: number;
  /** The share of the gradient that does not enter the direction, from the second step on; 0 by default. */
  readonly dampening?: number;
  /** The parameter times this is added to the gradient; 0 by default. */
  readonly weightDecay?: number;
  /** Looks ahead along the direction; needs momentum and no dampening. */
  readonly nesterov?: boolean;
}

/**
 * Gradient descent with momentum: v ← momentum · v + (1 - dampening) · g (the first v is g), p ← p - lr · v.
 * Throws an UnsupportedError for parameters that are no cells and for numbers out of range.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = optim.sgd([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // → tensor([0.8000])
 */
export function sgd(params: readonly Tensor[], options: SgdOptions): Optimizer {
  const { momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
  requireNumber("sgd", "momentum", momentum, 0);
  requireNumber("sgd", "weightDecay", weightDecay, 0);
  if (nesterov && (momentum === 0 || dampening !== 0)) throw new UnsupportedError("sgd: nesterov needs momentum above 0 and dampening 0.");
  return new Optimizer("sgd", params, options.lr, (lr) => {
    const rate = moving(lr);
    return (p, gradient, { velocity }) => {
      const g = decayed(gradient, p, weightDecay);
      if (momentum === 0) return { parameter: subtract(p, multiply(g, rate(p))), buffers: {} };
      const v = velocity === undefined ? g : blend(velocity, momentum, g, 1 - dampening);
      const direction = nesterov ? add(g, multiply(v, momentum)) : v;
      return { parameter: subtract(p, multiply(direction, rate(p))), buffers: { velocity: v } };
    };
  });
}

export interface AdamOptions {
  /** 0.001 by default. */
  readonly lr?: number;
  /** How much of the mean gradient is kept; 0.9 by default. */
  readonly beta1?: number;
  /** How much of the mean squared gradient is kept; 0.999 by default. */
  readonly beta2?: number;
  /** Added outside the root; 1e-8 by default. */
  readonly eps?: number;
  /** 0 by default; adamw: 0.01. */
  readonly weightDecay?: number;
}

/** The adaptive step that adam and adamw share, from a parameter that may have been shrunk before. */
function adamRule(lr: number, step: number, { beta1 = 0.9, beta2 = 0.999, eps = 1e-8 }: AdamOptions): UpdateRule {
  const correction = moving(1 / Math.sqrt(1 - beta2 ** step));
  const rate = moving(lr / (1 - beta1 ** step));
  return (p, g, { mean, square: meanSquare }) => {
    const m = mean === undefined ? multiply(g, 1 - beta1) : blend(mean, beta1, g, 1 - beta1);
    const v = meanSquare === undefined ? multiply(square(g), 1 - beta2) : blend(meanSquare, beta2, square(g), 1 - beta2);
    const root = add(multiply(sqrt(v), correction(p)), eps);
    return { parameter: subtract(p, multiply(rate(p), divide(m, root))), buffers: { mean: m, square: v } };
  };
}

function requireAdam(op: string, { beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0 }: AdamOptions): void {
  requireNumber(op, "beta1", beta1, 0, 1);
  requireNumber(op, "beta2", beta2, 0, 1);
  requireNumber(op, "eps", eps, 0);
  requireNumber(op, "weightDecay", weightDecay, 0);
}

/**
 * Adam (Kingma and Ba, 2015); weight decay is added to the gradient. Throws an UnsupportedError for numbers out of range.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = optim.adam([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // → tensor([0.9000])
 */
export function adam(params: readonly Tensor[], options: AdamOptions = {}): Optimizer {
  requireAdam("adam", options);
  return new Optimizer("adam", params, options.lr ?? 0.001, (lr, step) => {
    const rule = adamRule(lr, step, options);
    return (p, g, buffers) => rule(p, decayed(g, p, options.weightDecay ?? 0), buffers);
  });
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019): p is shrunk by 1 - lr · weightDecay before the step.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = optim.adamw([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // → tensor([0.8990])
 */
export function adamw(params: readonly Tensor[], options: AdamOptions = {}): Optimizer {
  requireAdam("adamw", options);
  const { weightDecay = 0.01 } = options;
  return new Optimizer("adamw", params, options.lr ?? 0.001, (lr, step) => {
    const rule = adamRule(lr, step, options);
    const kept = moving(1 - lr * weightDecay);
    return (p, g, buffers) => rule(weightDecay === 0 ? p : multiply(p, kept(p)), g, buffers);
  });
}

export interface RmspropOptions {
  /** 0.01 by default. */
  readonly lr?: number;
  /** How much of the mean squared gradient is kept; 0.99 by default. */
  readonly alpha?: number;
  /** Added outside the root; 1e-8 by default. */
  readonly eps?: number;
  readonly weightDecay?: number;
  readonly momentum?: number;
  /** Divides by the standard deviation instead of the root of the mean square. */
  readonly centered?: boolean;
}

/**
 * RMSProp (Hinton): the gradient over the root of its mean square. Throws an UnsupportedError for numbers out of range.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = optim.rmsprop([w], { lr: 0.05 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // → tensor([0.5000])
 */
export function rmsprop(params: readonly Tensor[], options: RmspropOptions = {}): Optimizer {
  const { alpha = 0.99, eps = 1e-8, weightDecay = 0, momentum = 0, centered = false } = options;
  requireNumber("rmsprop", "alpha", alpha, 0, 1);
  requireNumber("rmsprop", "momentum", momentum, 0);
  requireNumber("rmsprop", "weightDecay", weightDecay, 0);
  const forget = (before: Value | undefined, now: Value): Value => (before === undefined ? multiply(now, 1 - alpha) : blend(before, alpha, now, 1 - alpha));
  return new Optimizer("rmsprop", params, options.lr ?? 0.01, (lr) => {
    const rate = moving(lr);
    return (p, gradient, { square: before, mean: meanBefore, velocity }) => {
      const g = decayed(gradient, p, weightDecay);
      const v = forget(before, square(g));
      const mean = centered ? forget(meanBefore, g) : null;
      const spread = mean === null ? v : subtract(v, square(mean));
      const scaled = divide(g, add(sqrt(spread), eps));
      const kept = { square: v, ...(mean === null ? {} : { mean }) };
      if (momentum === 0) return { parameter: subtract(p, multiply(scaled, rate(p))), buffers: kept };
      const direction = velocity === undefined ? scaled : blend(velocity, momentum, scaled, 1);
      return { parameter: subtract(p, multiply(direction, rate(p))), buffers: { ...kept, velocity: direction } };
    };
  });
}

export interface AdagradOptions {
  /** 0.01 by default. */
  readonly lr?: number;
  /** The learning rate is divided by 1 + lrDecay · (step - 1); 0 by default. */
  readonly lrDecay?: number;
  /** Added outside the root; 1e-10 by default. */
  readonly eps?: number;
  readonly weightDecay?: number;
  /** What the sums of squares start from; 0 by default. */
  readonly initialAccumulatorValue?: number;
}

/**
 * Adagrad (Duchi et al., 2011): the gradient over the root of the sum of its squares. Throws an UnsupportedError for numbers out of range.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = optim.adagrad([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // → tensor([0.9000])
 */
export function adagrad(params: readonly Tensor[], options: AdagradOptions = {}): Optimizer {
  const { lrDecay = 0, eps = 1e-10, weightDecay = 0, initialAccumulatorValue = 0 } = options;
  requireNumber("adagrad", "lrDecay", lrDecay, 0);
  requireNumber("adagrad", "weightDecay", weightDecay, 0);
  requireNumber("adagrad", "initialAccumulatorValue", initialAccumulatorValue, 0);
  return new Optimizer("adagrad", params, options.lr ?? 0.01, (lr, step) => {
    const rate = moving(lr / (1 + (step - 1) * lrDecay));
    return (p, gradient, { sum: before }) => {
      const g = decayed(gradient, p, weightDecay);
      const sum = add(before ?? fill(initialAccumulatorValue, p.type), square(g));
      return { parameter: subtract(p, multiply(rate(p), divide(g, add(sqrt(sum), eps)))), buffers: { sum } };
    };
  });
}
