/** Memory of a WebGPU device: what is dropped comes back, and what happens where there is none left. */
import assert from "node:assert/strict";
import { at } from "../../../compiler/ir/errors.ts";
import type { CompiledPlan } from "../../../compiler/ir/plan.ts";
import { add, multiply } from "../../../compiler/ops/arithmetic.ts";
import { dot } from "../../../compiler/ops/contraction.ts";
import { exp } from "../../../compiler/ops/exponential.ts";
import { counters, resetCounters } from "../../../runtime/counters.ts";
import type { Acquired } from "../../../runtime/webgpu/acquire.ts";
import { acquire } from "../../../runtime/webgpu/acquire.ts";
import type { WebGpuBuffer } from "../../../runtime/webgpu/buffer.ts";
import { WebGpuDevice } from "../../../runtime/webgpu/device.ts";
import type { Scenario } from "./scenario.ts";
import { dawn, f32, list, planOf, refused } from "./scenario.ts";

const kib = 2 ** 10;
/** 16 KiB. */
const page = f32(4096);
const zeros = new Float32Array(4096);
const plusOne = (): CompiledPlan => planOf(page, "increment", (x) => add(x, 1));
const limited = (pages: number): Promise<WebGpuDevice> => WebGpuDevice.open({ dawn, memoryLimit: pages * 16 * kib });

/** A GPU that has no memory for the next `missing.count` buffers of a page or more. */
async function poorGpu(): Promise<{ readonly acquired: Acquired; readonly missing: { count: number } }> {
  const acquired = await acquire({ dawn });
  const { device } = acquired;
  const missing = { count: 0 };
  const scopes: { readonly filter: GPUErrorFilter; error: { readonly message: string } | null }[] = [];
  const [create, push, pop] = [device.createBuffer.bind(device), device.pushErrorScope.bind(device), device.popErrorScope.bind(device)];
  Object.assign(device, {
    createBuffer: (descriptor: GPUBufferDescriptor) => {
      const scope = scopes.findLast((s) => s.filter === "out-of-memory");
      if (missing.count > 0 && scope !== undefined && descriptor.size >= 16 * kib) {
        missing.count--;
        scope.error ??= { message: "no such memory" };
      }
      return create(descriptor);
    },
    pushErrorScope: (filter: GPUErrorFilter) => {
      scopes.push({ filter, error: null });
      push(filter);
    },
    popErrorScope: async () => {
      const scope = scopes.pop();
      return (await pop()) ?? scope?.error ?? null;
    },
  });
  return { acquired, missing };
}

export const memoryScenarios: Readonly<Record<string, Scenario>> = {
  "what is released is used again": async () => {
    const device = await WebGpuDevice.open({ dawn });
    const plan = device.prepare(planOf(page, "again", (x) => multiply(exp(x), 2)));
    for (let i = 0; i < 40; i++) {
      const x = device.upload(zeros, page);
      const { outputs, finished } = device.run(plan, [x], []);
      x.release();
      at(outputs, 0).release();
      // while the plan is prepared, runs wait and hold what they read
      if (i === 0) await finished;
    }
    assert.deepEqual(device.memory(), { current: 0, peak: 2 * 16 * kib, reserved: 2 * 16 * kib });
    device.destroy();
  },
  "thousands of dropped handles stay within the budget": async () => {
    const device = await WebGpuDevice.open({ dawn, budgetBytes: 2 ** 20 });
    const plan = device.prepare(planOf(f32(4096), "dropped", exp));
    await plan.ready;
    const data = new Float32Array(4096);
    resetCounters();
    for (let i = 0; i < 1000; i++) {
      await device.run(plan, [device.upload(data, f32(4096))], []).finished;
      await device.pressure.relieve();
    }
    const { peak, current } = device.memory();
    device.destroy();
    assert.ok(counters.collections > 0);
    // 31 MiB were taken in all, by 2,000 handles
    assert.ok(peak <= 4 * 2 ** 20, `${peak} bytes were held at one time`);
    assert.ok(current <= 4 * 2 ** 20, `${current} bytes are still held`);
  },
  "what is alive outlives the pressure": async () => {
    const device = await WebGpuDevice.open({ dawn, budgetBytes: 2 ** 16 });
    const alive: WebGpuBuffer[] = [];
    for (let i = 0; i < 100; i++) {
      alive.push(device.upload(new Float32Array(4096).fill(i), f32(4096)));
      await device.pressure.relieve();
    }
    assert.equal(device.memory().current, 100 * 2 ** 14);
    const last = await Promise.all(alive.map(async (b) => (await device.read(b))[4095]));
    assert.deepEqual(
      last,
      alive.map((_, i) => i),
    );
    device.destroy();
  },
  "below its limit, dropped handles are collected rather than new work refused": async () => {
    const device = await limited(64);
    const plan = device.prepare(plusOne());
    let last = device.upload(zeros, page);
    for (let i = 0; i < 500; i++) last = at(device.run(plan, [last], []).outputs, 0);
    assert.equal((await device.read(last))[7], 500);
    assert.ok(device.memory().peak <= 64 * 16 * kib);
    assert.ok(device.memory().reserved <= 64 * 16 * kib);
    device.destroy();
  },
  "at its limit, uploads and runs are refused in call order, and what has room goes on": async () => {
    for (const isPrepared of [true, false]) {
      const device = await limited(4);
      const plan = device.prepare(plusOne());
      if (isPrepared) await plan.ready;
      const held = [1, 2, 3].map((k) =>
        device.upload(
          zeros.map(() => k),
          page,
        ),
      );
      const fourth = device.run(plan, held.slice(0, 1), []);
      const upload = device.upload(zeros, page);
      const fifth = device.run(plan, held.slice(1, 2), []);
      const dependent = device.run(plan, fifth.outputs, []);
      const small = device.upload(list(1, 2), f32(2));
      const way = [/65536 bytes are held of a memoryLimit of 65536/, /dispose\(\)/, /smaller parts/, /configure/];
      await Promise.all([
        fourth.finished,
        refused(device.read(upload), /^webgpu: uploading f32\[4096\] takes 16384 bytes/, ...way),
        refused(fifth.finished, /^webgpu: plan increment: the value f32\[4096\] that kernel \w+ stores takes 16384 bytes/, ...way),
        refused(dependent.finished, /plan increment/),
        refused(device.read(small), /takes 8 bytes/),
      ]);
      assert.deepEqual([(await device.read(at(fourth.outputs, 0)))[9], (await device.read(at(held, 2)))[9]], [2, 3]);
      at(held, 2).release();
      const again = device.run(plan, held.slice(1, 2), []);
      assert.equal((await device.read(at(again.outputs, 0)))[9], 3);
      device.destroy();
    }
  },
  "an arena that has no room names the plan and its kernels": async () => {
    const device = await limited(3);
    const square = f32(64, 64);
    const plan = device.prepare(planOf(square, "products", (x) => exp(dot(dot(x, x, [[1], [0]]), x, [[1], [0]]))));
    assert.ok(plan.compiled.plan.arenaBytes > 0);
    const [x, y] = [device.upload(zeros, square), device.upload(zeros, square)];
    const { finished } = device.run(plan, [x], []);
    await refused(finished, /plan products: .*(arena|kernel)/, /takes 16384 bytes/, /memoryLimit of 49152/);
    y.release();
    await device.run(plan, [x], []).finished;
    device.destroy();
  },
  "memory that lies ready makes room at the limit": async () => {
    const device = await limited(8);
    const pages = [1, 2, 3, 4].map(() => device.upload(zeros, page));
    await Promise.all(pages.map((b) => device.read(b)));
    for (const b of pages) b.release();
    assert.equal(device.memory().reserved, 4 * 16 * kib);
    resetCounters();
    const big = device.upload(new Float32Array(7 * 4096).fill(5), f32(7 * 4096));
    assert.equal((await device.read(big))[7 * 4096 - 1], 5);
    assert.equal(counters.collections, 0);
    assert.ok(device.memory().reserved <= 8 * 16 * kib);
    device.destroy();
  },
  "a GPU without memory is asked again, then told of": async () => {
    const { acquired, missing } = await poorGpu();
    const device = new WebGpuDevice(acquired);
    const plan = device.prepare(plusOne());
    missing.count = 1;
    const x = device.upload(
      zeros.map(() => 1),
      page,
    );
    assert.equal((await device.read(x))[4095], 1);
    missing.count = 1;
    const first = device.run(plan, [x], []);
    assert.equal((await device.read(at(first.outputs, 0)))[4095], 2);
    assert.equal(missing.count, 0);
    missing.count = 2;
    const second = device.run(plan, [x], []);
    const third = device.run(plan, second.outputs, []);
    const said = [/plan increment: the value f32\[4096\] that kernel/, /takes 16384 bytes/, /out of memory; 32768 bytes are held/, /no such memory/];
    await Promise.all([refused(second.finished, ...said), refused(third.finished, ...said)]);
    missing.count = 2;
    await refused(device.read(device.upload(zeros, page)), /uploading f32\[4096\]/, /out of memory; 32768 bytes/);
    assert.equal(missing.count, 0);
    const fourth = device.run(plan, [x], []);
    assert.equal((await device.read(at(fourth.outputs, 0)))[0], 2);
    assert.equal(device.memory().current, 3 * 16 * kib);
    for (const buffer of [x, ...first.outputs, ...fourth.outputs]) buffer.release();
    assert.equal(device.memory().current, 0);
    device.destroy();
  },
  "a handle released while its upload waits gives its memory back": async (device) => {
    const before = device.memory().current;
    const x = device.upload(zeros, page);
    x.release();
    assert.ok(x.freed);
    await refused(device.read(x), /freed/);
    await device.read(device.upload(list(1), f32(1)));
    assert.ok(device.memory().current <= before + 256);
  },
  "handles count, work that waits does not": async (device) => {
    const plan = device.prepare(planOf(page, "waiting", (x) => multiply(exp(x), 3)));
    const x = device.upload(zeros, page);
    const { outputs, finished } = device.run(plan, [x], []);
    x.release();
    assert.ok(x.freed);
    assert.throws(() => x.release(), /freed/);
    await finished;
    assert.equal((await device.read(at(outputs, 0)))[5], 3);
    at(outputs, 0).release();
  },
};
