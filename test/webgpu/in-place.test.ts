/** Training on a GPU writes over the old state, and keeps it where a run could not be done. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Tensor } from "../../src/index.ts";
import { closeDevice, configure, counters, evalAll, inspect, memory, openDevice, optim, resetCounters, tensor } from "../../src/index.ts";
import { gpu } from "./adapter.ts";

const wave = (n: number, from: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(i * 0.7 + from));
const held = (): number => memory().devices.webgpu?.current ?? 0;

interface Model {
  readonly w: Tensor;
  readonly optimizer: optim.Optimizer;
  readonly loss: () => Tensor;
}

function model(make: (params: readonly Tensor[]) => optim.Optimizer): Model {
  const w = tensor(wave(600, 0), { shape: [20, 30], requiresGrad: true });
  const b = tensor(wave(30, 1), { requiresGrad: true });
  const x = tensor(wave(160, 3), { shape: [8, 20] });
  return { w, optimizer: make([w, b]), loss: () => x.matmul(w).add(b).tanh().square().mean() };
}

async function train({ optimizer, loss }: Model): Promise<number> {
  optimizer.zeroGrad();
  const found = loss();
  found.backward();
  optimizer.step();
  await evalAll(found, optimizer.state);
  return (await found.data())[0] ?? Number.NaN;
}

describe.skipIf(gpu === null)("a training step on webgpu", { timeout: 120_000 }, () => {
  beforeAll(() => void configure({ device: "webgpu" }));
  afterAll(() => void configure({ device: "cpu" }));

  test.each<readonly [string, (params: readonly Tensor[]) => optim.Optimizer, number]>([
    ["sgd", (p) => optim.sgd(p, { lr: 0.1 }), 1],
    ["momentum", (p) => optim.sgd(p, { lr: 0.1, momentum: 0.9 }), 2],
    ["adamw", (p) => optim.adamw(p, { lr: 0.01 }), 3],
  ])("%s: in place, with the numbers of the cpu", async (_, make, each) => {
    const m = model(make);
    for (let i = 0; i < 3; i++) await train(m);
    const before = held();
    resetCounters();
    const losses: number[] = [];
    for (let i = 0; i < 4; i++) losses.push(await train(m));
    expect({ donations: counters().donations, bytes: counters().bytesAllocated }).toEqual({ donations: 4 * 2 * each, bytes: 4 * 4 });
    // a loss is a buffer of the smallest size, until it is collected
    expect(held() - before).toBeLessThanOrEqual(4 * 256);
    configure({ device: "cpu" });
    const same = model(make);
    for (let i = 0; i < 3; i++) await train(same);
    for (const loss of losses) expect(loss).toBeCloseTo(await train(same), 4);
    configure({ device: "webgpu" });
  });

  test("a run that finds no memory leaves the old state as it was", async () => {
    closeDevice("webgpu");
    const mebibyte = 2 ** 20;
    await openDevice("webgpu", { memoryLimit: 8 * mebibyte });
    const p = tensor(wave(1000, 0), { requiresGrad: true });
    const optimizer = optim.sgd([p], { lr: 0.25 });
    const record = (loss: Tensor): Tensor[] => {
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return [loss, ...optimizer.state];
    };
    for (let i = 0; i < 3; i++) await evalAll(record(p.square().sum()));
    const triple = p.mul(3);
    const others = tensor(wave(4000, 1))
      .reshape(4000, 1)
      .matmul(tensor(wave(4000, 2)).reshape(1, 4000));
    const step = record(
      triple
        .square()
        .sum()
        .mul(others.matmul(others.mT.softmax(-1)).sum()),
    );
    expect(inspect(step).text("plan")).toContain("donates");
    await expect(evalAll(step)).rejects.toThrow("the arena of its intermediate values");
    // p times 1 - 2 · 0.25, three times
    expect(await triple.data()).toEqual(wave(1000, 0).map((x) => (x / 8) * 3));
  });
});
