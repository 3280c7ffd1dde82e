/** The built package in a page: what Node does, a browser does too. */
import { counters, evalAll, inspect, noGrad, tensor } from "lazuli";
import { expect, test } from "vitest";

test("runs in a page that shares memory", () => {
  expect(typeof window).toBe("object");
  expect(crossOriginIsolated).toBe(true);
});

test("fits a line", async () => {
  const x = tensor([[0], [1], [2], [3]]);
  const y = tensor([[1], [3], [5], [7]]);
  const slope = tensor([[0]], { requiresGrad: true });
  const offset = tensor([0], { requiresGrad: true });
  for (let step = 0; step < 400; step++) {
    const loss = x.matmul(slope).add(offset).sub(y).square().mean();
    loss.backward();
    for (const cell of [slope, offset]) {
      if (cell.grad === null) throw new Error("no gradient");
      const gradient = cell.grad;
      cell.assign(noGrad(() => cell.sub(gradient.mul(0.1))));
      cell.grad = null;
    }
    await evalAll(slope, offset);
  }
  expect(await slope.item()).toBeCloseTo(2, 3);
  expect(await offset.item()).toBeCloseTo(1, 3);
  expect(counters().plansCompiled).toBeLessThan(6);
});

test("generates code there", () => {
  const y = tensor([1, 2]).mul(3).sum();
  expect(inspect(y).text("source")).toMatch(/^\(module/);
  expect(inspect(y, { target: "js" }).text("source")).toMatch(/for \(/);
});
