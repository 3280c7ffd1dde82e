/** A training step writes new parameters and optimizer state over the old, unless somebody may still need those. */
import { beforeEach, describe, expect, it } from "vitest";
import { configure, counters, evalAll, inspect, memory, noGrad, optim, resetCounters, tensor } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";

const wave = (n: number, from: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(i * 0.7 + from));

interface Model {
  readonly w: Tensor;
  readonly b: Tensor;
  readonly optimizer: optim.Optimizer;
  readonly loss: () => Tensor;
}

type Make = (params: readonly Tensor[]) => optim.Optimizer;

const rules: Readonly<Record<string, { readonly make: Make; readonly buffers: number }>> = {
  sgd: { make: (p) => optim.sgd(p, { lr: 0.1 }), buffers: 0 },
  momentum: { make: (p) => optim.sgd(p, { lr: 0.1, momentum: 0.9 }), buffers: 1 },
  adam: { make: (p) => optim.adam(p, { lr: 0.01 }), buffers: 2 },
  adamw: { make: (p) => optim.adamw(p, { lr: 0.01 }), buffers: 2 },
};

function model(make: Make): Model {
  const w = tensor(wave(600, 0), { shape: [20, 30], requiresGrad: true });
  const b = tensor(wave(30, 1), { requiresGrad: true });
  const out = tensor(wave(30, 2), { shape: [30, 1], requiresGrad: true });
  const x = tensor(wave(160, 3), { shape: [8, 20] });
  const loss = (): Tensor => x.matmul(w).add(b).tanh().matmul(out).square().mean();
  return { w, b, optimizer: make([w, b, out]), loss };
}

function record({ optimizer, loss }: Model): Tensor {
  optimizer.zeroGrad();
  const found = loss();
  found.backward();
  optimizer.step();
  return found;
}

async function step(m: Model): Promise<number> {
  const loss = record(m);
  await evalAll(loss, m.optimizer.state);
  const value = Number((await loss.data())[0]);
  loss.dispose();
  return value;
}

async function steps(m: Model, count: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < count; i++) losses.push(await step(m));
  return losses;
}

function gradientOf({ grad }: Tensor): Tensor {
  if (grad === null) throw new Error("no gradient");
  return grad;
}

const plain: Make = (p) => optim.sgd(p, { lr: 0.1 });

describe.each(["js", "wasm"] as const)("on %s", (target) => {
  beforeEach(() => configure({ target, debug: true }));

  it.each(Object.entries(rules))("%s: nothing but the loss is allocated, and memory stays", async (_, { make, buffers }) => {
    const m = model(make);
    await steps(m, 3);
    const before = memory();
    resetCounters();
    await steps(m, 5);
    expect({ donations: counters().donations, bytes: counters().bytesAllocated, compiled: counters().plansCompiled }).toEqual({
      donations: 5 * 3 * (1 + buffers),
      bytes: 5 * 4,
      compiled: 0,
    });
    // the losses, which keep what they were computed from until they are collected
    expect([memory().current - before.current, memory().peak - before.peak]).toEqual([5 * 4, 5 * 4]);
    const loss = record(m);
    const plan = inspect([loss, ...m.optimizer.state]).text("plan");
    expect(plan.match(/donates/g)?.length).toBe(3 * (1 + buffers));
  });

  it.each(Object.entries(rules))("%s: the numbers are those of steps that keep the old values", async (_, { make }) => {
    const [m, kept] = [model(make), model(make)];
    const got = await steps(m, 6);
    const want: number[] = [];
    const old: Tensor[] = [];
    for (let i = 0; i < 6; i++) {
      old.push(...kept.optimizer.state.map((t) => t.detach()));
      want.push(await step(kept));
    }
    expect(got).toEqual(want);
    expect(m.optimizer.state.map((t) => t.dataSync())).toEqual(kept.optimizer.state.map((t) => t.dataSync()));
    expect(old.length).toBeGreaterThan(0);
  });
});

describe("old values that somebody needs", () => {
  beforeEach(() => configure({ target: "js", debug: true }));

  it("another handle", async () => {
    const m = model(plain);
    await steps(m, 3);
    const want = m.b.dataSync();
    const same = m.b.detach();
    await step(m);
    expect(same.dataSync()).toEqual(want);
    expect(m.b.dataSync()).not.toEqual(want);
    same.dispose();
    resetCounters();
    await step(m);
    expect(counters().donations).toBe(3);
  });

  it("an expression that is not evaluated yet", async () => {
    const m = model(plain);
    await steps(m, 3);
    const want = m.b.dataSync().map((x) => Math.fround(x * 2));
    const double = m.b.mul(2);
    await step(m);
    expect(double.dataSync()).toEqual(want);
  });

  it("an expression of a value on the way to the loss", async () => {
    const m = model(plain);
    await steps(m, 3);
    const want = m.b.mul(m.b).sum().item();
    m.optimizer.zeroGrad();
    const squares = m.b.mul(m.b);
    const loss = squares.sum();
    const later = squares.sum({ axis: 0 });
    loss.backward();
    m.optimizer.step();
    await evalAll(m.optimizer.state);
    expect([loss.item(), later.item()]).toEqual([want, want]);
  });

  it("a second loss whose gradient is asked for after the step", async () => {
    const m = model(plain);
    await steps(m, 3);
    const want = m.b.dataSync().map((x) => Math.fround(2 * x));
    const other = m.b.square().sum();
    await step(m);
    m.optimizer.zeroGrad();
    other.backward();
    expect(m.b.grad?.dataSync()).toEqual(want);
  });

  it("the same loss, differentiated again before the step is evaluated", async () => {
    const m = model(plain);
    await steps(m, 3);
    const loss = record(m);
    const first = gradientOf(m.b);
    m.optimizer.zeroGrad();
    loss.backward();
    const second = gradientOf(m.b);
    await evalAll(m.optimizer.state);
    expect(first.dataSync()).toEqual(second.dataSync());
    expect(first.dataSync().some((x) => x !== 0)).toBe(true);
  });

  it("gradients and activations that are asked for after the first step: from then on they are kept", async () => {
    const [m, eager] = [model(plain), model(plain)];
    for (let i = 0; i < 5; i++) {
      record(m);
      await evalAll(m.optimizer.state);
      const found = m.b.grad?.dataSync();
      record(eager);
      await evalAll(eager.b.grad ?? eager.b, eager.optimizer.state);
      expect(found).toEqual(eager.b.grad?.dataSync());
    }
  });

  it("a loss that is evaluated before backward", async () => {
    const [m, usual] = [model(plain), model(plain)];
    const losses: number[] = [];
    for (let i = 0; i < 6; i++) {
      m.optimizer.zeroGrad();
      const loss = m.loss();
      losses.push(Number(loss.item()));
      loss.backward();
      m.optimizer.step();
      resetCounters();
      await evalAll(m.optimizer.state);
    }
    expect(counters().donations).toBe(3);
    // by itself its sums may be added up in another order than within a step
    const wanted = await steps(usual, 6);
    losses.forEach((loss, i) => expect(Math.abs(loss / (wanted[i] ?? Number.NaN) - 1)).toBeLessThan(1e-6));
  });

  it("gradients that add up over several losses", async () => {
    const [m, double] = [model(plain), model((p) => optim.sgd(p, { lr: 0.2 }))];
    for (let i = 0; i < 4; i++) {
      m.optimizer.zeroGrad();
      const losses = [m.loss(), m.loss()];
      for (const loss of losses) loss.backward();
      m.optimizer.step();
      resetCounters();
      await evalAll(losses, m.optimizer.state);
      await step(double);
    }
    expect(counters().donations).toBeGreaterThanOrEqual(3);
    m.w.dataSync().forEach((x, i) => expect(x).toBeCloseTo(double.w.dataSync()[i] ?? Number.NaN, 5));
  });

  it("state of the optimizer that is evaluated later than the parameters", async () => {
    const [m, usual] = [model(rules["momentum"]?.make ?? plain), model(rules["momentum"]?.make ?? plain)];
    await steps(m, 3);
    await steps(usual, 3);
    record(m);
    await evalAll(m.optimizer.params);
    await step(usual);
    expect(m.optimizer.state.map((t) => t.dataSync())).toEqual(usual.optimizer.state.map((t) => t.dataSync()));
  });

  it("a value that is asked for twice", async () => {
    const [m, usual] = [model(plain), model(plain)];
    for (let i = 0; i < 4; i++) {
      const loss = record(m);
      await evalAll(m.w, loss, m.w, m.optimizer.state, loss);
      await step(usual);
    }
    expect(m.w.dataSync()).toEqual(usual.w.dataSync());
  });

  it("steps that are recorded in a row and evaluated together", async () => {
    const [m, usual] = [model(plain), model(plain)];
    await steps(m, 3);
    record(m);
    record(m);
    const loss = record(m);
    await evalAll(loss, m.optimizer.state);
    await steps(usual, 6);
    m.w.dataSync().forEach((x, i) => expect(x).toBeCloseTo(usual.w.dataSync()[i] ?? Number.NaN, 6));
  });

  it("what a step wrote over says so to a program that never looked back before", async () => {
    const m = model(plain);
    await steps(m, 3);
    const loss = record(m);
    await evalAll(loss, m.optimizer.state);
    expect(() => m.b.grad?.dataSync()).toThrow("a tensor was assigned a new value, which was written over the old f32[");
    expect(() => m.b.grad?.dataSync()).toThrow("Ask for it in the same evalAll as the step, or keep the old value: const before = p.detach()");
    m.optimizer.zeroGrad();
    expect(() => loss.backward()).toThrow("was written over the old");
    expect(m.w.grad).toBeNull();
    const next = record(m);
    await evalAll(next, m.b.grad, m.optimizer.state);
    expect(m.b.grad?.evaluated).toBe(true);
  });

  it("a gradient that is asked for with the step", async () => {
    const [m, usual] = [model(plain), model(plain)];
    for (let i = 0; i < 5; i++) {
      record(m);
      await evalAll(m.b.grad, m.optimizer.state);
      record(usual);
      const want = usual.b.grad?.dataSync();
      await evalAll(usual.optimizer.state);
      expect(m.b.grad?.dataSync()).toEqual(want);
    }
  });
});

describe("tensors that are assigned", () => {
  beforeEach(() => configure({ target: "js", debug: true }));

  it("updates by hand are in place where their handle is disposed", async () => {
    const p = tensor(wave(100, 0), { requiresGrad: true });
    for (let i = 0; i < 5; i++) {
      p.grad = null;
      const loss = p.square().sum();
      loss.backward();
      const next = noGrad(() => p.sub(gradientOf(p).mul(0.25)));
      p.assign(next);
      next.dispose();
      resetCounters();
      await evalAll(loss, p);
    }
    expect(counters().donations).toBe(1);
    expect(p.dataSync()).toEqual(wave(100, 0).map((x) => x / 2 ** 5));
  });

  it("an average that follows", async () => {
    const average = tensor(wave(100, 0));
    for (let i = 0; i < 5; i++) {
      const next = average.mul(0.5).add(1);
      average.assign(next);
      next.dispose();
      resetCounters();
      await average.eval();
    }
    expect(counters()).toMatchObject({ donations: 1, bytesAllocated: 0 });
    average.dataSync().forEach((x, i) => expect(x).toBeCloseTo(2 + ((wave(100, 0)[i] ?? 0) - 2) / 32, 6));
  });
});
