/**
 * Whether this machine has an adapter that the tests may use: SwiftShader, beside Debian's chromium. vitest.config.ts names its driver
 * to these tests' processes, so that no test runs on a card by accident. Says in one line why tests are skipped where there is none.
 */
import { afterAll } from "vitest";
import { openedGpu } from "../../src/devices.ts";
import { openDevice } from "../../src/index.ts";
import type { GpuInfo } from "../../src/index.ts";
import { swiftshaderEnvironment, skip } from "../wgsl/dawn.ts";

export const gpu: GpuInfo | null = await find();

async function find(): Promise<GpuInfo | null> {
  if (process.env["LAZULI_ANY_GPU"] === undefined && swiftshaderEnvironment() === null)
    return skip("webgpu: nothing runs on a GPU: no SwiftShader (Debian's chromium) on this machine");
  try {
    return await openDevice("webgpu");
  } catch (error) {
    return skip(`webgpu: nothing runs on a GPU: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Of the device that is open; a test that ends a device asks it before. */
export const complaints = (): readonly string[] => openedGpu()?.complaints ?? [];

// of every test file that finds its adapter here
afterAll(() => {
  if (complaints().length > 0) throw new Error(`the GPU complains: ${complaints().join("\n")}`);
});
