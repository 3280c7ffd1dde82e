import { describe, expect, it } from "vitest";
import { nodesOf } from "../../compiler/ir/graph.ts";
import { canonicalize } from "../../compiler/passes/canonicalize.ts";
import { isScalarParam } from "../../compiler/passes/region.ts";
import { counters, evalAll, multiply, optim, sum, tensor } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";

/** The loss c · p² / 2 has the gradient c · p, so that every rule can be followed by hand in one dimension. */
const curvature = 3;
const start = 1.5;
const steps = 6;

async function run(
  make: (params: readonly Tensor[]) => optim.Optimizer,
  schedule: (step: number, optimizer: optim.Optimizer) => void = () => undefined,
): Promise<number[]> {
  const p = tensor([start], { dtype: "float64", requiresGrad: true });
  const optimizer = make([p]);
  const path: number[] = [];
  for (let step = 1; step <= steps; step++) {
    schedule(step, optimizer);
    const loss = sum(multiply(p, p)).mul(curvature / 2);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    await evalAll(loss, optimizer.state);
    path.push(Number(p.item()));
  }
  return path;
}

/** A rule by hand: it keeps its buffers in `memory`. */
type Rule = (p: number, g: number, step: number, memory: Record<string, number>) => number;

function byHand(rule: Rule): number[] {
  const memory: Record<string, number> = {};
  const path: number[] = [];
  let p = start;
  for (let step = 1; step <= steps; step++) {
    p = rule(p, curvature * p, step, memory);
    path.push(p);
  }
  return path;
}

const keep = (memory: Record<string, number>, name: string, next: (before: number | undefined) => number): number => {
  const value = next(memory[name]);
  memory[name] = value;
  return value;
};

const expectClose = (got: readonly number[], want: readonly number[]): void => {
  expect(got.length).toBe(want.length);
  got.forEach((x, i) => expect(x).toBeCloseTo(want[i] ?? Number.NaN, 12));
};

describe("rules of torch.optim that the goldens leave out", () => {
  it("sgd: Nesterov's momentum with weight decay", async () => {
    const got = await run((params) => optim.sgd(params, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.2 }));
    const want = byHand((p, g0, _, memory) => {
      const g = g0 + 0.2 * p;
      const v = keep(memory, "v", (b) => (b === undefined ? g : 0.9 * b + g));
      return p - 0.1 * (g + 0.9 * v);
    });
    expectClose(got, want);
  });
  it("adamw: decoupled decay", async () => {
    const got = await run((params) => optim.adamw(params, { lr: 0.1, weightDecay: 0.3 }));
    const want = byHand((p, g, step, memory) => {
      const m = keep(memory, "m", (b) => 0.9 * (b ?? 0) + 0.1 * g);
      const v = keep(memory, "v", (b) => 0.999 * (b ?? 0) + 0.001 * g * g);
      const corrected = [m / (1 - 0.9 ** step), v / (1 - 0.999 ** step)] as const;
      return p * (1 - 0.1 * 0.3) - (0.1 * corrected[0]) / (Math.sqrt(corrected[1]) + 1e-8);
    });
    expectClose(got, want);
  });
  it("rmsprop: weight decay and momentum", async () => {
    const got = await run((params) => optim.rmsprop(params, { lr: 0.05, weightDecay: 0.1, momentum: 0.8 }));
    const want = byHand((p, g0, _, memory) => {
      const g = g0 + 0.1 * p;
      const v = keep(memory, "v", (b) => 0.99 * (b ?? 0) + 0.01 * g * g);
      return p - 0.05 * keep(memory, "b", (b) => 0.8 * (b ?? 0) + g / (Math.sqrt(v) + 1e-8));
    });
    expectClose(got, want);
  });
  it("adagrad: a rate that decays, sums that start above 0", async () => {
    const got = await run((params) => optim.adagrad(params, { lr: 0.5, lrDecay: 0.1, initialAccumulatorValue: 0.2 }));
    const want = byHand((p, g, step, memory) => {
      const s = keep(memory, "s", (b) => (b ?? 0.2) + g * g);
      return p - ((0.5 / (1 + (step - 1) * 0.1)) * g) / (Math.sqrt(s) + 1e-10);
    });
    expectClose(got, want);
  });
});

describe("state", () => {
  it("a rate that changes at every step takes effect and compiles nothing new", async () => {
    const schedule = (step: number, optimizer: optim.Optimizer): void => void (optimizer.lr = 0.1 / step);
    const before = counters().plansCompiled;
    const got = await run((params) => optim.adam(params, { lr: 1, eps: 1e-7 }), schedule);
    expect(counters().plansCompiled - before).toBeLessThanOrEqual(2);
    const want = byHand((p, g, step, memory) => {
      const m = keep(memory, "m", (b) => 0.9 * (b ?? 0) + 0.1 * g);
      const v = keep(memory, "v", (b) => 0.999 * (b ?? 0) + 0.001 * g * g);
      return p - ((0.1 / step) * m) / (1 - 0.9 ** step) / (Math.sqrt(v / (1 - 0.999 ** step)) + 1e-7);
    });
    expectClose(got, want);
  });
  it("names the parameters and every buffer", async () => {
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([2], { requiresGrad: true })];
    const optimizer = optim.adam([a, b]);
    expect(optimizer.state).toEqual([a, b]);
    sum(multiply(a, b)).backward();
    optimizer.step();
    expect(optimizer.state.length).toBe(6);
    expect(optimizer.state.every((x) => !x.evaluated)).toBe(true);
    await evalAll(optimizer.state);
    expect(a.grad?.item()).toBe(2);
    optimizer.zeroGrad();
    expect(a.grad).toBeNull();
  });
  it("all parameters share the numbers of a step, those that began later have their own", async () => {
    const params = [1, 2, 3].map((x) => tensor([x], { requiresGrad: true }));
    const optimizer = optim.adamw(params, { lr: 0.1 });
    const numbersOf = (used: readonly Tensor[]): number => {
      optimizer.zeroGrad();
      sum(used.reduce((x, y) => multiply(x, y))).backward();
      optimizer.step();
      return nodesOf(canonicalize(optimizer.state.map((x) => x.value)).build()).filter(isScalarParam).length;
    };
    expect(numbersOf(params.slice(0, 2))).toBe(3);
    await evalAll(optimizer.state);
    // the share that is kept, the rate and the correction of the second step, and of the first one
    expect(numbersOf(params)).toBe(6);
    await evalAll(optimizer.state);
    // adam's first step is by the rate, in the gradient's direction; what was shrunk before is a hundredth of that
    expect(params[2]?.item()).toBeCloseTo(3 * (1 - 0.1 * 0.01) - 0.1, 5);
  });
  it("a parameter without a gradient stays", () => {
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([2], { requiresGrad: true })];
    const optimizer = optim.sgd([a, b], { lr: 0.5 });
    sum(a).backward();
    optimizer.step();
    expect([a.item(), b.item()]).toEqual([0.5, 2]);
  });
});

describe("bad input", () => {
  const p = tensor([1], { requiresGrad: true });
  it.each([
    [() => optim.sgd([], { lr: 1 }), "sgd: got no parameters"],
    [() => optim.sgd([tensor([1])], { lr: 1 }), "sgd: parameters are tensors made with { requiresGrad: true }"],
    [() => optim.sgd([p, p], { lr: 1 }), "sgd: a parameter is listed twice"],
    [() => optim.sgd([p], { lr: -1 }), "sgd: lr -1 is out of range"],
    [() => optim.sgd([p], { lr: Number.NaN }), "sgd: lr NaN is out of range"],
    [() => optim.sgd([p], { lr: 1, nesterov: true }), "sgd: nesterov needs momentum"],
    [() => optim.adam([p], { beta1: 1 }), "adam: beta1 1 is out of range: from 0 to below 1"],
    [() => optim.adamw([p], { eps: -1 }), "adamw: eps -1 is out of range"],
    [() => optim.rmsprop([p], { alpha: 2 }), "rmsprop: alpha 2 is out of range"],
    [() => optim.adagrad([p], { lrDecay: -1 }), "adagrad: lrDecay -1 is out of range"],
  ])("%#", (make, message) => {
    expect(make).toThrow(message);
  });
});
