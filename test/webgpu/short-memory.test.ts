/** Random sessions on a GPU that has no memory for them: what it refuses leaves no trace. In a file of its own: small heaps are collected fast. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { closeDevice, openDevice } from "../../src/index.ts";
import { fuzzing } from "../fuzz/check.ts";
import { gpu } from "./adapter.ts";
import { checkSession, session } from "./sessions.ts";

describe.skipIf(gpu === null)("random sessions on webgpu", { timeout: 120_000 }, () => {
  test("where memory is short, give what they give on the cpu or say so", async () => {
    closeDevice("webgpu");
    // five buffers of the smallest size
    await openDevice("webgpu", { memoryLimit: 5 * 256 });
    const all = { answered: 0, refused: 0 };
    const property = fc.asyncProperty(session, async (steps) => {
      const { answered, refused } = await checkSession(steps);
      all.answered += answered;
      all.refused += refused;
    });
    await fc.assert(property, fuzzing(6));
    expect(all.answered).toBeGreaterThan(20);
    expect(all.refused).toBeGreaterThan(0);
  });
});
