/** Loss of a WebGPU device: what was pending and what comes later. */
import assert from "node:assert/strict";
import { at } from "../../../compiler/ir/errors.ts";
import { multiply } from "../../../compiler/ops/arithmetic.ts";
import { exp } from "../../../compiler/ops/exponential.ts";
import { acquire } from "../../../runtime/webgpu/acquire.ts";
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
  "a device that is lost without warning refuses all that was pending, by name": async () => {
    const acquired = await acquire({ dawn });
    const device = new WebGpuDevice(acquired);
    const warm = device.prepare(planOf(f32(4), "warm", exp));
    const x = device.upload(list(1, 2, 3, 4), f32(4));
    await device.run(warm, [x], []).finished;
    const cold = device.prepare(planOf(f32(4), "cold", (v) => multiply(exp(v), 2)));
    const before = device.run(warm, [x], []);
    const waiting = device.run(cold, before.outputs, []);
    const reading = device.read(at(waiting.outputs, 0));
    acquired.device.destroy();
    // nobody was told yet
    const late = device.upload(list(1), f32(1));
    const after = device.run(warm, [x], []);
    const measured = device.measure(warm, [x], []);
    await Promise.all([
      refused(before.finished, /^webgpu: plan warm: the device is lost/, /recover\(\)/),
      refused(waiting.finished, /plan (warm|cold).*the device is lost/),
      refused(reading, /the device is lost/),
      refused(after.finished, /plan warm: the device is lost/),
      refused(measured, /plan warm: the device is lost/),
      refused(device.read(late), /(reading|uploading) f32\[1\]: the device is lost/),
    ]);
    // a lost GPU may still say that it made a pipeline
    await Promise.allSettled([cold.ready]);
    assert.equal(await device.lost, "it was destroyed");
    assert.ok(device.isLost);
    await refuses(() => device.prepare(warm.compiled), /plan warm: the device is lost/);
    await refused(device.measure(warm, [x], []), /plan warm: the device is lost/);
  },
  "a lost device gives its memory back, is destroyed as often as one likes, and has a successor": async () => {
    const first = await WebGpuDevice.open({ dawn, budgetBytes: 1024 });
    const plan = first.prepare(planOf(f32(1024), "first", exp));
    const x = first.upload(new Float32Array(1024), f32(1024));
    const { outputs, finished } = first.run(plan, [x], []);
    await finished;
    first.destroy();
    first.destroy();
    await first.pressure.relieve();
    assert.equal(await first.lost, "it was destroyed");
    assert.ok(first.owns(x) && !x.freed);
    const second = await WebGpuDevice.open({ dawn });
    const own = second.prepare(planOf(f32(1024), "second", exp));
    await refuses(() => second.run(own, [x], []), /a buffer of f32\[1024\] was on a GPU device that is lost \(it was destroyed\): its data is gone/);
    await refused(second.read(x), /GPU device that is lost/);
    await refuses(() => second.run(plan, [], []), /this plan was prepared by another device/);
    const y = second.upload(new Float32Array(1024), f32(1024));
    assert.equal((await second.read(at(second.run(own, [y], []).outputs, 0)))[3], 1);
    for (const buffer of [x, ...outputs]) buffer.release();
    assert.deepEqual([first.memory().current, first.memory().reserved], [0, 0]);
    second.destroy();
  },
};
