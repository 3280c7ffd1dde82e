/**
 * Thousands of training steps written by hand on a GPU, nothing disposed: the learning rate and the slice of the data change at
 * every step and compile nothing, the loss is read now and then, and memory of the device and of JavaScript stays bounded.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Tensor } from "../../src/index.ts";
import { configure, counters, evalAll, memory, optim, random, resetCounters, slice, synchronize, tensor } from "../../src/index.ts";
import { heapAfterCollection } from "../scale/heap.ts";
import { gpu } from "./adapter.ts";

const mebibyte = 2 ** 20;
const points = 512;
const batch = 2;

interface Model {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly cells: readonly [Tensor, Tensor, Tensor];
}

/** Points in the plane, labelled by which of two quadrant pairs they lie in. */
async function makeModel(hidden: number): Promise<Model> {
  const [k1, k2, k3] = random.split(random.key(7), 3);
  if (k1 === undefined || k2 === undefined || k3 === undefined) throw new Error("three keys");
  const x = await random.normal(k1, [points, 2]).eval();
  const y = await x.prod({ axis: 1, keepdims: true }).greater(0).astype("float32").eval();
  const w1 = (await random.normal(k2, [2, hidden]).eval()).requireGrad();
  const b1 = tensor(new Float32Array(hidden)).requireGrad();
  const w2 = await random
    .normal(k3, [hidden, 1])
    .mul(1 / Math.sqrt(hidden))
    .eval();
  return { x, y, cells: [w1, b1, w2.requireGrad()] };
}

const output = ([w1, b1, w2]: Model["cells"], x: Tensor): Tensor => x.matmul(w1).add(b1).tanh().matmul(w2).sigmoid();

function lossOf({ x, y, cells }: Model, step: number): Tensor {
  const from = (step * 7) % (points - batch);
  const rows = slice(from, from + batch);
  return output(cells, x.at(rows)).sub(y.at(rows)).square().mean();
}

const lossOfAll = async ({ x, y, cells }: Model): Promise<number> => (await output(cells, x).sub(y).square().mean().data())[0] ?? 1;

/** Plain gradient descent. */
function update(cells: Model["cells"], rate: number): void {
  for (const c of cells) {
    if (c.grad === null) throw new Error("no gradient");
    c.assign(c.sub(c.grad.mul(rate)));
    c.grad = null;
  }
}

const held = (): number => memory().devices.webgpu?.current ?? 0;

describe.skipIf(gpu === null)("training on webgpu", { timeout: 120_000 }, () => {
  beforeAll(() => void configure({ device: "webgpu" }));
  afterAll(() => void configure({ device: "cpu" }));

  test("5,000 steps: few plans, flat memory, a model that learned", async () => {
    // the steps make 80 MB of values: what is kept must stay below the budget for dead ones, 64 MiB
    const hidden = 1024;
    const model = await makeModel(hidden);
    const before = await lossOfAll(model);
    const start = held();
    const losses: number[] = [];
    const heap: number[] = [];
    let most = 0;
    resetCounters();
    for (let i = 0; i < 5000; i++) {
      const loss = lossOf(model, i);
      loss.backward();
      update(model.cells, 0.06 / (1 + i / 2000));
      await evalAll(loss, ...model.cells);
      if (i % 250 === 0) losses.push((await loss.data())[0] ?? 1);
      most = Math.max(most, held());
      if (i % 1000 === 999) heap.push(heapAfterCollection());
    }
    const { plansCompiled, plansRun, bytesAllocated, bytesRead } = counters();
    expect(plansCompiled).toBeLessThanOrEqual(3);
    expect([plansRun, bytesRead]).toEqual([5000, 4 * losses.length]);
    expect(bytesAllocated).toBeGreaterThan(76 * mebibyte);
    expect(most - start).toBeLessThan(72 * mebibyte);
    const [, second = 0] = heap;
    expect((heap.at(-1) ?? Infinity) - second).toBeLessThan(4 * mebibyte);
    expect(losses.every((l) => l >= 0 && l < 1)).toBe(true);
    expect(await lossOfAll(model)).toBeLessThan(0.8 * before);
  });

  test("500 steps of an optimizer whose learning rate follows a schedule, not awaited one by one", async () => {
    const model = await makeModel(16);
    const before = await lossOfAll(model);
    const optimizer = optim.adam(model.cells, { lr: 0.01 });
    resetCounters();
    for (let i = 0; i < 500; i++) {
      optimizer.zeroGrad();
      optimizer.lr = 0.01 * Math.cos(i / 500);
      const loss = lossOf(model, i);
      loss.backward();
      optimizer.step();
      const done = evalAll(loss, ...optimizer.state);
      if (i % 50 === 49) await done;
    }
    await synchronize();
    expect(counters().plansCompiled).toBeLessThanOrEqual(3);
    expect(counters().plansRun).toBe(500);
    expect(await lossOfAll(model)).toBeLessThan(0.9 * before);
  });
});
