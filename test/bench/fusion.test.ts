import { describe, expect, it } from "vitest";
import { cases } from "../../bench/cases.ts";
import { chart } from "../../bench/chart.ts";
import { check } from "../../bench/fusion.ts";
import type { Timing } from "../../bench/harness.ts";
import { measure, ratioOf } from "../../bench/harness.ts";
import { median } from "../../bench/median.ts";
import { table } from "../../bench/table.ts";

describe("the cases compute what their loops by hand compute", () => {
  it.each(cases.map((make) => make(16)))("$name", async (c) => {
    await expect(check(c, true)).rejects.toThrow(/off by/);
    c.byHand();
    const [fused, unfused] = [await check(c, true), await check(c, false)];
    expect([fused.error <= 1, unfused.error <= 1, fused.kernels <= unfused.kernels, fused.moved <= unfused.moved]).toEqual([true, true, true, true]);
  });
});

describe("what the reports are made of", () => {
  it("the median is the middle, or between the two in the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(() => median([])).toThrow("nothing");
  });
  it("a ratio is the middle one of those of the rounds, whatever the machine did between them", () => {
    const timing = (...turns: number[]): Timing => ({ name: "x", median: 0, fastest: 0, slowest: 0, samples: 3, turns });
    expect(ratioOf(timing(2, 20, 3), timing(1, 10, 3))).toBe(2);
    expect(ratioOf(timing(2, 9, 9), timing(1))).toBe(2);
  });
  it("a variant may have turns in the first rounds only", async () => {
    const runs = { a: 0, b: 0 };
    const counted = (name: "a" | "b") => ({ name, run: () => void runs[name]++ });
    const timings = await measure("turns", [counted("a"), { ...counted("b"), rounds: 1 }], { rounds: 2, maxTime: 0.001 });
    expect(timings.map((t) => [t.name, t.turns.length])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    expect(Math.min(runs.a, runs.b)).toBeGreaterThan(0);
  });
  it("a table lines up", () => {
    expect(
      table([
        ["a", "bb"],
        ["ccc", "d"],
      ]),
    ).toBe("a    bb\nccc   d");
  });
  it("a chart's bars are as long as their logarithm says", () => {
    const svg = chart("<t>", [
      {
        name: "x",
        bars: [
          { variant: "a", milliseconds: 1 },
          { variant: "b", milliseconds: 100 },
        ],
      },
    ]);
    expect(svg).toContain("&lt;t&gt;");
    expect([...svg.matchAll(/width="(\d+)" height="10"/g)].map((m) => Number(m[1]))).toEqual([1, 560]);
  });
});
