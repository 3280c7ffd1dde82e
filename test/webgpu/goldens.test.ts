/** Values and gradients of every function on a GPU, in float32, against NumPy and PyTorch. */
import { afterAll, describe, expect, it } from "vitest";
import { configure } from "../../src/index.ts";
import type { GoldenCase } from "../golden/cases.ts";
import { goldenCases } from "../golden/cases.ts";
import { higher } from "../golden/higher.ts";
import { functionsOf, notBuilt } from "../golden/not-built.ts";
import { runCase } from "../golden/run.ts";
import { exceptions } from "../goldens/exceptions.ts";
import { gpu } from "./adapter.ts";
import { cardFactors, gpuExceptions, widest } from "./tolerances.ts";

/** Software adapters round as the CPU does. */
const factorOf = (c: GoldenCase): number => (gpu?.isSoftware === true ? 1 : (cardFactors.get(c.fn) ?? 1));

it("no tolerance is wider than 16 times the stored one", () => expect(Math.max(...cardFactors.values())).toBeLessThanOrEqual(widest));

it("each allowance is for a function that goldens test", () => {
  const names = new Set(areas.flatMap((area) => goldenCases(area).map((c) => c.fn)));
  expect([...cardFactors.keys()].filter((name) => !names.has(name))).toEqual([]);
});

/** Of area 6 without the programs of mutation: those are about arrays, which live on the CPU. */
const areas = [1, 2, 3, 4, 5, 6, 7, 8, 10];

describe.skipIf(gpu === null)("goldens on webgpu", () => {
  afterAll(() => void configure({ device: "cpu" }));

  describe.each(areas)("area %i", (area) => {
    const built = goldenCases(area).filter((c) => c.fn !== "program" && functionsOf(c).every((name) => !notBuilt.includes(name)));
    const cases = built.filter((c) => c.only !== "float64" && !exceptions.some((e) => e.id === c.id && e.dtypes.includes("float32")));
    it.each(cases.filter((c) => !gpuExceptions.has(c.id)))("$id", async (c) =>
      expect(await runCase(c, { dtype: "float32", device: "webgpu", factor: factorOf(c) }, higher)).toEqual([]),
    );
    it("has few exceptions", () => {
      const required = cases.filter((c) => c.optional !== true);
      expect(required.filter((c) => gpuExceptions.has(c.id)).length / required.length).toBeLessThanOrEqual(0.02);
    });
  });
});
