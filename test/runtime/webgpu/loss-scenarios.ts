/** Loss of a WebGPU device: what was pending and what comes later. */
import assert from "node:assert/strict";
import { at } from "../../../compiler/ir/errors.ts";
import { exp } from "../../../compiler/ops/exponential.ts";
import { WebGpuDevice } from "../../../runtime/webgpu/device.ts";
import type { Scenario } from "./scenario.ts";
import { dawn, f32, list, planOf, refused, refuses } from "./scenario.ts";

export const lossScenarios: Readonly<Record<string, Scenario>> = {
  "a destroyed device refuses what was pending and every use": async () => {
    const device = await WebGpuDevice.open({ dawn });
    const plan = device.prepare(planOf(f32(4), "late", exp));
    const x = device.upload(list(1, 2, 3, 4), f32(4));
    const { finished, outputs } = device.run(plan, [x], []);
    const reading = device.read(at(outputs, 0));
    device.destroy();
    await Promise.all([refused(finished, /plan late: the device is lost: it was destroyed/), refused(reading, /reading f32\[4\]: the device is lost/)]);
    await refused(device.read(x), /lost/);
    await refuses(() => device.run(plan, [x], []), /lost/);
    await refuses(() => device.upload(list(1), f32(1)), /lost/);
    assert.equal(await device.lost, "it was destroyed");
  },
  "buffers and plans of another device are refused": async (device) => {
    const other = await WebGpuDevice.open({ dawn });
    const x = other.upload(list(1, 2, 3, 4), f32(4));
    await refuses(() => device.run(device.prepare(planOf(f32(4), "own", exp)), [x], []), /another GPU device/);
    await refuses(() => device.run(other.prepare(planOf(f32(4), "own", exp)), [], []), /another device/);
    other.destroy();
  },
};
