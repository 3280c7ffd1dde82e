/** What scenarios are written with. */
import assert from "node:assert/strict";
import { DeviceError } from "../../../compiler/ir/errors.ts";
import type { Value } from "../../../compiler/ir/node.ts";
import type { CompiledPlan } from "../../../compiler/ir/plan.ts";
import type { TensorType } from "../../../compiler/ir/shape.ts";
import { tensorType } from "../../../compiler/ir/shape.ts";
import { paramValue } from "../../../compiler/ops/source.ts";
import { compileGraph } from "../../../compiler/pipeline.ts";
import { wgsl } from "../../../compiler/target.ts";
import type { WebGpuDevice } from "../../../runtime/webgpu/device.ts";

export const dawn: readonly string[] = ["backend=vulkan"];
/** Throws where a device does not do what it should. */
export type Scenario = (device: WebGpuDevice) => Promise<void>;

/** A plan of one input of this type. */
export function planOf(type: TensorType, name: string, f: (x: Value) => Value, donated: readonly number[] = []): CompiledPlan {
  const x = paramValue("x", type, "buffer");
  return compileGraph({ name, params: [x], outputs: [f(x)] }, wgsl, { donated }).compiled;
}

export const f32 = (...shape: readonly number[]): TensorType => tensorType("float32", shape);
export const list = (...xs: readonly number[]): Float32Array => Float32Array.from(xs);

/** Rejects with a DeviceError that says all of this. */
export const refused = (promise: Promise<unknown>, ...says: readonly RegExp[]): Promise<void> =>
  assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof DeviceError, String(error));
    for (const text of says) assert.match(error.message, text);
    return true;
  });
/** Throws such a DeviceError. */
export const refuses = (task: () => unknown, ...says: readonly RegExp[]): Promise<void> => refused((async () => task())(), ...says);
