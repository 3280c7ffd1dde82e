/** Random graphs on the GPU, fused and unfused, against the interpreter. Longer, and with other graphs: FUZZ_RUNS=20 FUZZ_SEED=7. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkProgramsAsync, expectResults, fuzzing } from "../fuzz/check.ts";
import { alikeOnDevices, loosened, roundsIntegers } from "../fuzz/devices.ts";
import type { Program } from "../fuzz/program.ts";
import { inRows, lengthy } from "../fuzz/worlds.ts";
import { gpu } from "./adapter.ts";
import { runBothWays } from "./run.ts";
import { checkSession, session } from "./sessions.ts";

async function checkOnGpu(program: Program): Promise<void> {
  if (roundsIntegers(program)) return;
  const [fused = [], unfused = fused] = await runBothWays(program.graph, program.inputs);
  expectResults(loosened(program), fused, "on the GPU");
  expectResults(loosened(program), unfused, "on the GPU, not fused");
}

describe.skipIf(gpu === null)("random graphs on webgpu", { timeout: 120_000 }, () => {
  test("give what the interpreter gives", () => checkProgramsAsync(alikeOnDevices, 35, checkOnGpu));
  test("give what the interpreter gives of NaN, infinities and the ends of ranges", () =>
    checkProgramsAsync({ ...alikeOnDevices, kinds: ["boundless"] }, 35, checkOnGpu));
  test("give what the interpreter gives, where loops are dealt out to lanes", () => checkProgramsAsync(lengthy(alikeOnDevices), 15, checkOnGpu));
  test("give what the interpreter gives, over rows of differing lengths", async () => {
    await checkProgramsAsync(inRows(alikeOnDevices), 25, checkOnGpu);
    await checkProgramsAsync(inRows(lengthy(alikeOnDevices)), 8, checkOnGpu);
  });
});

describe.skipIf(gpu === null)("random sessions on webgpu", { timeout: 120_000 }, () => {
  test("give what they give on the cpu", async () => {
    const property = fc.asyncProperty(session, async (steps) => {
      const { refused } = await checkSession(steps);
      expect(refused).toBe(0);
    });
    await fc.assert(property, fuzzing(25));
  });
});
