import { asNumbers } from "../../../compiler/ir/host.ts";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { at } from "../../../compiler/ir/errors.ts";
import { counters, resetCounters } from "../../../runtime/counters.ts";
import { CpuDevice } from "../../../runtime/cpu/device.ts";
import type { CpuOptions } from "../../../runtime/cpu/device.ts";
import type { StartThread, Thread } from "../../../runtime/cpu/threads.ts";
import { threadStarter } from "../../../runtime/cpu/threads.ts";
import { workerSource } from "../../../runtime/cpu/worker-source.ts";
import { f32, planOf, scale, scaleAndShift, stuck, throughScratch } from "./wasm-plans.ts";

const devices: CpuDevice[] = [];
afterEach(() => {
  for (const device of devices.splice(0)) device.pool?.close();
  vi.restoreAllMocks();
});
beforeEach(() => resetCounters());

/** A device whose other threads look for work already. */
async function deviceOf(threads: number, options: CpuOptions = {}): Promise<CpuDevice> {
  const device = new CpuDevice({ ...options, threads });
  devices.push(device);
  if (threads > 1) expect(await device.pool?.warm()).toBe(true);
  return device;
}

const size = 5000;
const x = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
/** So slow by its own account that it is always shared, also by threads that sleep. */
const slow = { turnNs: 1000 };

function run(device: CpuDevice, plan: ReturnType<typeof planOf>, s: number): Float32Array {
  const input = device.upload(x, f32(size));
  const y = at(device.run(device.prepare(plan), [input], [s]), 0);
  const numbers = Float32Array.from(asNumbers(device.readSync(y)));
  input.release();
  y.release();
  return numbers;
}

const expected = (s: number, shift = 0): Float32Array => x.map((v) => Math.fround(v * s) + shift);

describe("threads", () => {
  test.each([1, 2, 3])("%s of them give the same bits", async (threads) => {
    const device = await deviceOf(threads);
    for (let s = 1; s <= 20; s++) expect(run(device, planOf(scale, { size, kernel: slow }), s)).toEqual(expected(s));
    expect(counters.launchesShared).toBe(threads === 1 ? 0 : 20);
  });

  test("load constants and have scratch of their own", async () => {
    const device = await deviceOf(3);
    expect(run(device, planOf(scaleAndShift, { size, kernel: slow, constants: [7] }), 2)).toEqual(expected(2, 7));
    expect(run(device, planOf(throughScratch, { size, kernel: { ...slow, scratchBytes: 16 } }), 2)).toEqual(expected(2));
    expect(device.memory().current).toBe(0);
  });

  test("work at positions beyond 2 GiB", async () => {
    const device = await deviceOf(2, { firstByte: 3 * 2 ** 30 });
    expect(run(device, planOf(scale, { size, kernel: slow }), 3)).toEqual(expected(3));
    expect(counters.launchesShared).toBe(1);
  });

  test("see memory that has grown since they started", async () => {
    const device = await deviceOf(2);
    const big = device.upload(new Float32Array(2 ** 24), f32(2 ** 24));
    expect(run(device, planOf(scale, { size, kernel: slow }), 3)).toEqual(expected(3));
    expect([counters.launchesShared, big.freed]).toEqual([1, false]);
  });

  test("are not asked for small work", async () => {
    const device = await deviceOf(2);
    run(device, planOf(scale, { size, kernel: { turnNs: 0.1 } }), 2);
    expect(counters).toMatchObject({ kernelsLaunched: 1, launchesShared: 0 });
  });

  test("nobody waits for those that have not started", () => {
    const device = new CpuDevice({ threads: 2, pool: { start: () => ({ terminate: () => undefined }) } });
    expect(run(device, planOf(scale, { size, kernel: slow }), 2)).toEqual(expected(2));
    expect(counters.launchesShared).toBe(0);
  });

  test("more turns than chunks, and fewer", async () => {
    const device = await deviceOf(3);
    for (const turns of [2, 3, 7]) {
      const y = run(device, planOf(scale, { size, kernel: { turns, turnNs: 1e6 } }), 2);
      expect(y.subarray(0, turns)).toEqual(expected(2).subarray(0, turns));
    }
    expect(counters.launchesShared).toBe(3);
  });

  test("are none where memory is not shared, or one is enough", () => {
    expect(new CpuDevice({ threads: 4, kind: "wasm" }).threads).toBe(1);
    expect(new CpuDevice().pool).toBeNull();
  });

  test("a failing kernel is an error here, wherever it failed, and the next one runs", async () => {
    const device = await deviceOf(2);
    // reads beyond the end of memory in its last turns
    const plan = planOf(scale, { size, kernel: { ...slow, turns: 2 ** 30 } });
    expect(() => run(device, plan, 2)).toThrow(/memory access out of bounds/);
    expect(run(device, planOf(scale, { size, kernel: slow }), 2)).toEqual(expected(2));
  });
});

/** Runs a kernel in which another thread, which takes a share of it, ends up in an endless loop. */
function runStuck(device: CpuDevice, plan: ReturnType<typeof planOf>): Float32Array {
  const flags = device.upload(Float32Array.of(0), f32(1));
  const input = device.upload(x, f32(size));
  expect(input.position - flags.position).toBe(64);
  device.heap.views.i32[flags.position / 4] = 1;
  const y = at(device.run(device.prepare(plan), [input], [2]), 0);
  return Float32Array.from(asNumbers(device.readSync(y)));
}

describe("a thread that dies", () => {
  const warnings = (): string[] => {
    const said: string[] = [];
    vi.spyOn(process, "emitWarning").mockImplementation((text) => void said.push(String(text)));
    return said;
  };

  test("while it holds a chunk is ended, the kernel runs again, and new threads share the next one", async () => {
    const said = warnings();
    const device = await deviceOf(2, { pool: { patienceMs: 100 } });
    expect(runStuck(device, planOf(stuck, { size, kernel: slow }))).toEqual(expected(2));
    expect(counters.threadsLost).toBe(1);
    expect(said).toEqual([expect.stringMatching(/a thread of the CPU was lost: it did not finish its share.*others will be started/)]);
    expect(await device.pool?.warm()).toBe(true);
    resetCounters();
    expect(run(device, planOf(scale, { size, kernel: slow }), 3)).toEqual(expected(3));
    expect(counters).toMatchObject({ launchesShared: 1, threadsLost: 0 });
  });

  test("in a kernel that writes over what it reads takes the results with it", async () => {
    warnings();
    const device = await deviceOf(2, { pool: { patienceMs: 100 } });
    expect(() => runStuck(device, planOf(stuck, { size, kernel: slow, inPlace: true }))).toThrow("a thread died in a kernel that writes over what it reads");
    expect(run(device, planOf(scale, { size, kernel: slow }), 3)).toEqual(expected(3));
  });

  test("while it has nothing to do is replaced", async () => {
    const said = warnings();
    const started: Thread[] = [];
    const usual = threadStarter();
    if (usual === null) throw new Error("no threads here");
    const start: StartThread = (data, died) => {
      const thread = usual(data, died);
      started.push(thread);
      return thread;
    };
    const device = await deviceOf(3, { pool: { start } });
    started[0]?.terminate();
    // whether it is gone already or not, nothing waits for it
    expect(run(device, planOf(scale, { size, kernel: slow }), 2)).toEqual(expected(2));
    await vi.waitFor(() => expect(counters.threadsLost).toBe(1));
    expect(said).toHaveLength(1);
    expect(await device.pool?.warm()).toBe(true);
    expect(started).toHaveLength(3);
    expect(run(device, planOf(scale, { size, kernel: slow }), 2)).toEqual(expected(2));
  });
});

test("a process with threads ends by itself", async () => {
  const child = fork(fileURLToPath(new URL("pool-process.ts", import.meta.url)), { execArgv: ["--import", import.meta.resolve("tsx")] });
  const said: unknown[] = [];
  child.on("message", (message) => said.push(message));
  const timer = setTimeout(() => child.kill(), 20_000);
  const code = await new Promise((resolve) => child.once("exit", resolve));
  clearTimeout(timer);
  expect([said, code]).toEqual([[{ launchesShared: 1, sum: 100_000 }], 0]);
});

test("what threads run is a script without imports", () => {
  expect(() => new Function("require", "self", workerSource)).not.toThrow();
  expect(workerSource).not.toMatch(/^\s*import\b/m);
});
