/** Values and gradients of every function on a GPU, in float32, against NumPy and PyTorch. */
import { afterAll, describe, expect, it } from "vitest";
import { configure } from "../../src/index.ts";
import { goldenCases } from "../golden/cases.ts";
import { higher } from "../golden/higher.ts";
import { functionsOf, notBuilt } from "../golden/not-built.ts";
import { runCase } from "../golden/run.ts";
import { exceptions } from "../goldens/exceptions.ts";
import { gpu } from "./adapter.ts";

const areas = [1, 2, 3, 4, 5, 7, 8, 10];

describe.skipIf(gpu === null)("goldens on webgpu", () => {
  afterAll(() => void configure({ device: "cpu" }));

  describe.each(areas)("area %i", (area) => {
    const built = goldenCases(area).filter((c) => functionsOf(c).every((name) => !notBuilt.includes(name)));
    const cases = built.filter((c) => c.only !== "float64" && !exceptions.some((e) => e.id === c.id && e.dtypes.includes("float32")));
    it.each(cases)("$id", async (c) => expect(await runCase(c, { dtype: "float32", device: "webgpu" }, higher)).toEqual([]));
  });
});
