/**
 * What optimizers share. A step records new values for the parameters and for the optimizer's own buffers and evaluates nothing:
 * `await evalAll(loss, optimizer.state)` then computes forward pass, gradients and update in one plan.
 *
 * What changes from step to step (the learning rate, bias corrections) is recorded as the user's numbers, which are lifted into
 * parameters of the plan: a schedule or a step counter compiles nothing new.
 */
import type { DType } from "../../compiler/ir/dtype.ts";
import { UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { add, multiply } from "../../compiler/ops/arithmetic.ts";
import { detach } from "../../compiler/ops/barrier.ts";
import { constantValue } from "../../compiler/ops/source.ts";
import { broadcastTo } from "../../compiler/ops/views.ts";
import { Tensor } from "../tensor.ts";

/** A number that changes between steps, as values like others: one for all that this is called with, not one for each parameter. */
export function moving(number: number): (x: Value) => Value {
  const made = new Map<DType, Value>();
  return ({ dtype, shape }) => {
    const value = made.get(dtype) ?? constantValue(number, dtype, "user");
    made.set(dtype, value);
    return broadcastTo(value, shape);
  };
}

/** g + factor · p, g itself where the factor is 0. */
export const decayed = (gradient: Value, parameter: Value, factor: number): Value => (factor === 0 ? gradient : add(gradient, multiply(parameter, factor)));

/** keep · before + take · now: what buffers that forget do. */
export const blend = (before: Value, keep: number, now: Value, take: number): Value => add(multiply(before, keep), take === 1 ? now : multiply(now, take));

/** The next value of a parameter and of its buffers (the same names at every step). */
export interface Update {
  readonly parameter: Value;
  readonly buffers: Readonly<Record<string, Value>>;
}

/** What a step does to a parameter; `buffers` is empty at its first one. */
export type UpdateRule = (parameter: Value, gradient: Value, buffers: Readonly<Record<string, Value>>) => Update;

/** The rule of one optimizer, for all parameters that take their step of this number, from 1. */
export type StepRule = (lr: number, step: number) => UpdateRule;

/** Throws an UnsupportedError unless the number is at least `low` (and below `high`). */
export function requireNumber(op: string, name: string, value: number, low: number, high: number = Number.POSITIVE_INFINITY): number {
  if (value >= low && value < high) return value;
  throw new UnsupportedError(`${op}: ${name} ${value} is out of range: from ${low}${high === Number.POSITIVE_INFINITY ? " on" : ` to below ${high}`}.`);
}

interface Slot {
  readonly parameter: Tensor;
  readonly buffers: Map<string, Tensor>;
  steps: number;
}

/** Moves parameters against their gradients. Made by `sgd`, `adam`, `adamw`, `rmsprop`, `adagrad`. */
export class Optimizer {
  /** The learning rate; may be set between steps. */
  lr: number;
  readonly #slots: readonly Slot[];
  readonly #rule: StepRule;

  constructor(op: string, params: readonly Tensor[], lr: number, rule: StepRule) {
    if (params.length === 0) throw new UnsupportedError(`${op}: got no parameters.`);
    for (const p of params) {
      if (!(p instanceof Tensor) || !p.requiresGrad) throw new UnsupportedError(`${op}: parameters are tensors made with { requiresGrad: true }.`);
    }
    if (new Set(params).size !== params.length) throw new UnsupportedError(`${op}: a parameter is listed twice.`);
    this.lr = requireNumber(op, "lr", lr, 0);
    this.#slots = params.map((parameter) => ({ parameter, buffers: new Map(), steps: 0 }));
    this.#rule = rule;
  }

  /** The parameters, in the order given. */
  get params(): readonly Tensor[] {
    return this.#slots.map((slot) => slot.parameter);
  }

  /** Everything that a step rebinds: parameters, then buffers. Evaluate it after each step, so that the recorded graph ends there. */
  get state(): readonly Tensor[] {
    return [...this.params, ...this.#slots.flatMap((slot) => [...slot.buffers.values()])];
  }

  /** Forgets the gradients; call it before the next `backward()`. */
  zeroGrad(): void {
    for (const p of this.params) p.grad = null;
  }

  /** Records one step for every parameter that has a gradient. Evaluates nothing. */
  step(): void {
    const rules = new Map<number, UpdateRule>();
    for (const slot of this.#slots) {
      const { grad } = slot.parameter;
      if (grad === null) continue;
      slot.steps++;
      const rule = rules.get(slot.steps) ?? this.#rule(this.lr, slot.steps);
      rules.set(slot.steps, rule);
      advance(slot, grad, rule);
    }
  }
}

/** The value as a constant of differentiation: training state has no history. */
const plain = (value: Value): Value => (value.node.tracked ? detach(value) : value);

function advance({ parameter, buffers }: Slot, grad: Tensor, rule: UpdateRule): void {
  const before = Object.fromEntries([...buffers].map(([name, buffer]) => [name, buffer.value]));
  const next = rule(plain(parameter.value), plain(grad.value), before);
  rebind(parameter, next.parameter);
  for (const [name, value] of Object.entries(next.buffers)) {
    const buffer = buffers.get(name);
    if (buffer === undefined) buffers.set(name, grad.wrap(value));
    else rebind(buffer, value);
  }
}

/** No handle is left that would keep the value's memory from the step after. */
function rebind(cell: Tensor, value: Value): void {
  const next = cell.wrap(value);
  cell.assign(next);
  next.dispose();
}
