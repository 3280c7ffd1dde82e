import { describe, expect, it } from "vitest";
import { DeviceError } from "../../../compiler/ir/errors.ts";
import type { Kernel } from "../../../compiler/ir/loop.ts";
import type { Plan } from "../../../compiler/ir/plan.ts";
import { kernelLabel, runError } from "../../../runtime/webgpu/errors.ts";

const kernel = (name: string): Kernel => ({ name, buffers: [], scalars: [], body: [] });
const plan: Plan = { name: "step", buffers: [], kernels: [kernel("sum"), kernel("scale")], steps: [], inputs: [], scalars: [], outputs: [], arenaBytes: 0 };

describe("the error of a run", () => {
  it("names the kernel that the GPU's message labels", () => {
    const error = runError(plan, { kind: "validation", message: `[BindGroup "${kernelLabel(plan, "scale")}"] is too small` });
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(/^webgpu: plan step, kernel scale: validation\. .*bug in lazuli.*\n\[BindGroup "step\/scale"\]/);
  });

  it("names the plan's kernels where the message labels none, and the way out", () => {
    const { message } = runError(plan, { kind: "out-of-memory", message: "no" });
    expect(message).toMatch(/plan step, one of its kernels \(sum, scale\): out-of-memory\. .*dispose\(\).*configure\(\{ device: "cpu" \}\)/);
    expect(runError({ ...plan, kernels: [] }, { kind: "internal", message: "no" }).message).toMatch(/it has no kernels: internal/);
  });
});
