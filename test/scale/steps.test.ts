/** Thousands of hand-written training steps: few plans, a flat heap, nothing disposed by hand. */
import { describe, expect, it } from "vitest";
import type { Tensor } from "../../src/index.ts";
import { at, counters, evalAll, memory, resetCounters, slice, tensor } from "../../src/index.ts";

const steps = 5000;
const [rows, width, batch] = [4096, 64, 16];

/** A data set whose labels are a linear function of the inputs, so that the loss can fall to 0. */
function problem(): { readonly x: Tensor; readonly y: Tensor; readonly w: Tensor } {
  const x = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i * 12.9898) / 8);
  const y = Float32Array.from({ length: rows }, (_, r) => x.subarray(r * width, (r + 1) * width).reduce((sum, v, k) => sum + v * Math.cos(k), 0));
  return {
    x: tensor(x, { shape: [rows, width] }),
    y: tensor(y, { shape: [rows, 1] }),
    w: tensor(new Float32Array(width), { shape: [width, 1], requiresGrad: true }),
  };
}

interface Outcome {
  readonly first: number;
  readonly last: number;
  readonly plans: number;
  /** Bytes held after half of the steps, and after all. */
  readonly half: number;
  readonly end: number;
}

async function train(logged: "loss logged before backward" | "loss evaluated with the update"): Promise<Outcome> {
  const { x, y, w } = problem();
  await evalAll(x, y, w);
  resetCounters();
  let [first, last, half] = [0, 0, 0];
  for (let i = 0; i < steps; i++) {
    const start = 1 + ((i * batch) % (rows - batch - 1));
    const loss = at(x, slice(start, start + batch))
      .matmul(w)
      .sub(at(y, slice(start, start + batch)))
      .square()
      .mean();
    if (logged === "loss logged before backward") last = Number((await loss.eval()).item());
    loss.backward();
    if (w.grad === null) throw new Error("no gradient");
    w.assign(w.sub(w.grad.mul(1 / (1 + i / 1000))));
    w.grad = null;
    await evalAll(loss, w);
    if (logged === "loss evaluated with the update") last = Number(loss.item());
    if (i === 0) first = last;
    if (i === steps / 2) half = memory().current;
  }
  return { first, last, plans: counters().plansCompiled, half, end: memory().current };
}

/** What dead buffers may hold before a collection is provoked, and a little for what is live. */
const budget = 80 * 2 ** 20;

describe.each(["loss evaluated with the update", "loss logged before backward"] as const)("%s", (logged) => {
  it("compiles few plans, keeps the heap flat and learns", { timeout: 60_000 }, async () => {
    const { first, last, plans, half, end } = await train(logged);
    expect(plans).toBeLessThanOrEqual(3);
    expect(last).toBeLessThan(first / 100);
    expect(half).toBeLessThan(budget);
    expect(end).toBeLessThan(budget);
  });
});
