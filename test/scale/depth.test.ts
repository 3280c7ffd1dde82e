/** Graphs 100,000 nodes deep are recorded, differentiated, compiled and run without a deep stack. */
import { afterEach, describe, expect, it } from "vitest";
import { configure, tensor } from "../../src/index.ts";

const depth = 100_000;
const timeout = 120_000;

afterEach(() => {
  configure({ target: "js" });
});

describe.each(["js", "interpreter"] as const)("on %s", (target) => {
  it("evaluates a chain", { timeout }, () => {
    configure({ target });
    let x = tensor([1, -2]);
    for (let i = 0; i < depth; i++) x = x.neg();
    expect(x.tolist()).toEqual([1, -2]);
  });

  it("differentiates a chain", { timeout }, () => {
    configure({ target });
    const w = tensor([2, 3], { requiresGrad: true });
    let y = w.mul(w);
    for (let i = 0; i < depth / 2; i++) y = y.abs();
    y.sum().backward();
    expect(w.grad?.tolist()).toEqual([4, 6]);
  });
});
