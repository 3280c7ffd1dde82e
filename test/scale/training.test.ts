/**
 * Thousands of training steps written by hand, nothing disposed: the learning rate and the slice of the data change at every step,
 * and neither compiles a plan nor grows the heap.
 */
import { describe, expect, test } from "vitest";
import type { Tensor } from "../../src/index.ts";
import { counters, evalAll, memory, optim, random, resetCounters, slice, tensor } from "../../src/index.ts";

import { heapAfterCollection } from "./heap.ts";
const steps = 5000;
const timeout = 120_000;
const mebibyte = 2 ** 20;

interface Model {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly cells: readonly [Tensor, Tensor, Tensor];
}

/** 512 points in the plane, labelled by which of two quadrant pairs they lie in. */
function makeModel(hidden: number): Model {
  const [k1, k2, k3] = random.split(random.key(7), 3);
  if (k1 === undefined || k2 === undefined || k3 === undefined) throw new Error("three keys");
  const x = random.normal(k1, [512, 2]).evalSync();
  const y = x.prod({ axis: 1, keepdims: true }).greater(0).astype("float32").evalSync();
  const w1 = random.normal(k2, [2, hidden]).evalSync().requireGrad();
  const b1 = tensor(new Float32Array(hidden)).requireGrad();
  const w2 = random
    .normal(k3, [hidden, 1])
    .mul(1 / Math.sqrt(hidden))
    .evalSync()
    .requireGrad();
  return { x, y, cells: [w1, b1, w2] };
}

const batch = 8;

function lossOf({ x, y, cells: [w1, b1, w2] }: Model, step: number): Tensor {
  const from = (step * 7) % (512 - batch);
  const rows = slice(from, from + batch);
  return x.at(rows).matmul(w1).add(b1).tanh().matmul(w2).sigmoid().sub(y.at(rows)).square().mean();
}

/** Plain gradient descent. */
function update(model: Model, rate: number): void {
  for (const c of model.cells) {
    if (c.grad === null) throw new Error("no gradient");
    c.assign(c.sub(c.grad.mul(rate)));
    c.grad = null;
  }
}

/** Falls from step to step; wide layers take smaller steps. */
const rateAt = (step: number, { cells: [w1] }: Model): number => (Math.min(1, 128 / w1.size) * 0.5) / (1 + step / 2000);
const evaluateLoss = async (model: Model): Promise<number> =>
  (await model.x.matmul(model.cells[0]).add(model.cells[1]).tanh().matmul(model.cells[2]).sigmoid().sub(model.y).square().mean().data())[0] ?? 1;

interface Variant {
  readonly title: string;
  readonly plans: number;
  /** With 2048 hidden units the steps make 160 MB of values: what is kept must stay below the budget for dead ones, 64 MiB. */
  readonly hidden: number;
  readonly step: (model: Model, i: number) => Promise<void>;
}

const variants: readonly Variant[] = [
  {
    title: "evaluated together",
    plans: 1,
    hidden: 2048,
    step: async (model, i) => {
      const loss = lossOf(model, i);
      loss.backward();
      update(model, rateAt(i, model));
      await evalAll(loss, ...model.cells);
    },
  },
  {
    title: "the loss read before backward()",
    plans: 2,
    hidden: 2048,
    step: async (model, i) => {
      const loss = lossOf(model, i);
      expect(loss.item()).toBeGreaterThanOrEqual(0);
      loss.backward();
      update(model, rateAt(i, model));
      await evalAll(...model.cells);
    },
  },
  {
    title: "cells evaluated one after the other",
    plans: 3,
    hidden: 16,
    step: async (model, i) => {
      lossOf(model, i).backward();
      update(model, rateAt(i, model));
      for (const c of model.cells) await c.eval();
    },
  },
  {
    title: "without a promise",
    plans: 2,
    hidden: 16,
    step: async (model, i) => {
      const loss = lossOf(model, i);
      loss.evalSync();
      loss.backward();
      update(model, rateAt(i, model));
      for (const c of [model.cells[2], model.cells[0], model.cells[1]]) c.evalSync();
    },
  },
];

describe.each(variants)("5,000 steps, $title", ({ plans, hidden, step }) => {
  test("few plans, a flat heap, a model that learned", { timeout }, async () => {
    const model = makeModel(hidden);
    const before = await evaluateLoss(model);
    resetCounters();
    const held: number[] = [];
    const heap: number[] = [];
    for (let i = 0; i < steps; i++) {
      await step(model, i);
      if (i % 10 === 9) held.push(memory().current);
      if (i % 1000 === 999) heap.push(heapAfterCollection());
    }
    expect(counters().plansCompiled).toBeLessThanOrEqual(plans);
    expect(Math.max(...held)).toBeLessThan(72 * mebibyte);
    const [, second = 0] = heap;
    expect((heap.at(-1) ?? Infinity) - second).toBeLessThan(4 * mebibyte);
    const after = await evaluateLoss(model);
    expect(after).toBeLessThan(0.8 * before);
  });
});

test("5,000 steps of an optimizer whose learning rate follows a schedule", { timeout }, async () => {
  const model = makeModel(16);
  const optimizer = optim.adam(model.cells, { lr: 0.01 });
  const held: number[] = [];
  resetCounters();
  for (let i = 0; i < steps; i++) {
    for (const c of model.cells) c.grad = null;
    optimizer.lr = 0.01 * Math.cos(i / steps);
    const loss = lossOf(model, i);
    loss.backward();
    optimizer.step();
    await evalAll(loss, ...optimizer.state);
    if (i % 500 === 499) held.push(memory().current);
  }
  expect(counters().plansCompiled).toBeLessThanOrEqual(3);
  expect(Math.max(...held.slice(5)) - (held[4] ?? 0)).toBeLessThan(8 * mebibyte);
});
