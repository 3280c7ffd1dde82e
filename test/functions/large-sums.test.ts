/** Long float32 reductions against float64: many accumulators and blocks lose little. */
import { afterEach, describe, expect, test } from "vitest";
import { configure, mean, sum, tensor, var as variance } from "../../src/index.ts";

const fraction = (i: number): number => (Math.imul(i, 0x9e3779b1) >>> 0) / 2 ** 32;
afterEach(() => configure({ target: "wasm" }));

describe.each(["wasm", "js"] as const)("on %s", (target) => {
  test("a sum of 16 million numbers stays within 1e-6", { timeout: 60_000 }, () => {
    configure({ target });
    const data = Float32Array.from({ length: 2 ** 24 }, (_, i) => fraction(i));
    const exact = data.reduce((total, x) => total + x, 0);
    expect(Math.abs(Number(sum(tensor(data)).item()) / exact - 1)).toBeLessThan(1e-6);
  });

  test("mean and variance of numbers far from 0 keep their digits", () => {
    configure({ target });
    const data = Float32Array.from({ length: 2 ** 20 }, (_, i) => 10_000 + fraction(i));
    const average = data.reduce((total, x) => total + x, 0) / data.length;
    const spread = data.reduce((total, x) => total + (x - average) ** 2, 0) / data.length;
    const x = tensor(data);
    expect(Math.abs(Number(mean(x).item()) / average - 1)).toBeLessThan(1e-6);
    expect(Math.abs(Number(variance(x).item()) / spread - 1)).toBeLessThan(1e-4);
  });
});
