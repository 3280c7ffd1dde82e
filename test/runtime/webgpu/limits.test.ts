import { describe, expect, it } from "vitest";
import { DeviceError } from "../../../compiler/ir/errors.ts";
import type { CompiledPlan } from "../../../compiler/ir/plan.ts";
import { tensorType } from "../../../compiler/ir/shape.ts";
import { add } from "../../../compiler/ops/arithmetic.ts";
import { dot } from "../../../compiler/ops/contraction.ts";
import { paramValue } from "../../../compiler/ops/source.ts";
import { compileGraph } from "../../../compiler/pipeline.ts";
import { wgsl } from "../../../compiler/target.ts";
import type { Limits } from "../../../runtime/webgpu/limits.ts";
import { requireLimits, requireRoom } from "../../../runtime/webgpu/limits.ts";

const ample: Limits = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
};

function twoProducts(): CompiledPlan {
  const x = paramValue("x", tensorType("float32", [48, 48]), "buffer");
  const square = dot(x, x, [[1], [0]]);
  return compileGraph({ name: "products", params: [x], outputs: [add(dot(square, x, [[1], [0]]), x)] }, wgsl).compiled;
}

const { plan, shaders } = twoProducts();
const refusal = (limits: Partial<Limits>): string => {
  try {
    requireLimits({ ...ample, ...limits }, plan, shaders);
  } catch (error) {
    if (error instanceof DeviceError) return error.message;
    throw error;
  }
  return "";
};

describe("the limits of a device", () => {
  it("are met by an ordinary plan", () => {
    expect(refusal({})).toBe("");
  });

  it.each([
    ["maxStorageBuffersPerShaderStage", 1, /plan products, kernel \w+ \(storage buffers\) takes [23], .*is 1\. .*fusion/],
    ["maxComputeInvocationsPerWorkgroup", 8, /lanes of a workgroup\) takes \d+, .*is 8\./],
    ["maxComputeWorkgroupsPerDimension", 0, /workgroups\) takes \d+, .*slices/],
    ["maxStorageBufferBindingSize", 9215, /a value of f32\[48,48\] \(bytes\) takes 9216, .*is 9215\. .*slices/],
    ["maxBufferSize", 9215, /a value of f32\[48,48\] \(bytes\) takes 9216/],
  ] as const)("%s of %d is named with the size and the way out", (limit, size, says) => {
    expect(refusal({ [limit]: size })).toContain(limit);
    expect(refusal({ [limit]: size })).toMatch(says);
  });

  it("hold for uploads", () => {
    requireRoom(ample, "a value", 2 ** 27);
    expect(() => requireRoom(ample, "a value", 2 ** 27 + 4)).toThrow(/maxStorageBufferBindingSize/);
  });
});
