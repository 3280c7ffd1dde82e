import { asNumbers } from "../../../compiler/ir/host.ts";
import { describe, expect, test } from "vitest";
import { at } from "../../../compiler/ir/errors.ts";
import type { CompiledPlan } from "../../../compiler/ir/plan.ts";
import { CpuDevice } from "../../../runtime/cpu/device.ts";
import { callerOf, inPieces, wideCallerOf } from "../../../runtime/cpu/launch.ts";
import { f32, planOf, scale, scaleAndShift, throughScratch, unreachable } from "./wasm-plans.ts";

const gib = 2 ** 30;

function run(device: CpuDevice, plan: CompiledPlan, x: readonly number[], s: number): number[] {
  const executable = device.prepare(plan);
  const input = device.upload(Float32Array.from(x), f32(x.length));
  const [y] = device.run(executable, [input], [s]);
  const numbers = y === undefined ? [] : Array.from(asNumbers(device.readSync(y)));
  input.release();
  y?.release();
  return numbers;
}

describe("modules", () => {
  test("run over the heap", () => expect(run(new CpuDevice(), planOf(scale), [1, 2, 3, 4], 10)).toEqual([10, 20, 30, 40]));

  test("run over memory that is not shared", () =>
    expect(run(new CpuDevice({ kind: "wasm" }), planOf(scale, { shared: false }), [1, 2, 3, 4], 10)).toEqual([10, 20, 30, 40]));

  test("see the memory after it grew", () => {
    const device = new CpuDevice();
    const plan = planOf(scale, { size: 2 ** 23 });
    const y = run(
      device,
      plan,
      Array.from({ length: 2 ** 23 }, (_, i) => i % 7),
      2,
    );
    expect([y[1], y[2 ** 23 - 1]]).toEqual([2, ((2 ** 23 - 1) % 7) * 2]);
  });

  test.each([2, 2.5, 3.5])("run at positions from %s GiB on", (start) => {
    const device = new CpuDevice({ firstByte: start * gib });
    const x = device.upload(Float32Array.of(1, 2, 3, 4), f32(4));
    expect(x.position).toBeGreaterThanOrEqual(start * gib);
    const [y] = device.run(device.prepare(planOf(throughScratch, { kernel: { scratchBytes: 16 } })), [x], [3]);
    expect(y && Array.from(asNumbers(device.readSync(y)))).toEqual([3, 6, 9, 12]);
  });

  test("get scratch, which goes back", () => {
    const device = new CpuDevice();
    expect(run(device, planOf(throughScratch, { kernel: { scratchBytes: 100 } }), [1, 2, 3, 4], 2)).toEqual([2, 4, 6, 8]);
    expect(device.memory().current).toBe(0);
  });

  test("that fail leave nothing behind", () => {
    const device = new CpuDevice();
    const x = device.upload(new Float32Array(4), f32(4));
    expect(() => device.run(device.prepare(planOf(unreachable)), [x], [1])).toThrow("unreachable");
    expect(device.memory().current).toBe(16);
  });

  test("that are none are an error", () => {
    const plan = planOf([0x6a]);
    expect(() => new CpuDevice().prepare(plan)).toThrow("plan test: its WebAssembly is not valid");
  });

  test("without the kernel are an error", () =>
    expect(() => new CpuDevice().prepare(planOf(scale, { kernel: { name: "other" } }))).toThrow("its module exports no kernel other"));

  test("need a WebAssembly memory", () => expect(() => new CpuDevice({ kind: "array" }).prepare(planOf(scale))).toThrow('configure({ target: "js" })'));
});

describe("constants", () => {
  test("are where the code loads them", () => {
    const device = new CpuDevice();
    expect(run(device, planOf(scaleAndShift, { constants: [100, 1] }), [1, 2, 3, 4], 10)).toEqual([110, 120, 130, 140]);
    expect(run(device, planOf(scaleAndShift, { constants: [200] }), [1, 2, 3, 4], 10)).toEqual([210, 220, 230, 240]);
  });

  test("beyond the first page have blocks of their own", () => {
    const device = new CpuDevice();
    const constants = Array.from({ length: 3000 }, (_, i) => i);
    const shifted = constants.map((c) => c + 5000);
    expect(run(device, planOf(scaleAndShift, { size: 1, constants }), [1], 1)).toEqual([1]);
    expect(run(device, planOf(scaleAndShift, { size: 1, constants: shifted }), [1], 1)).toEqual([5001]);
    expect(device.memory().current).toBe(0);
  });
});

describe("calling", () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20])("with %s arguments from the frame", (count) => {
    const got: unknown[][] = [];
    const slots = Array.from({ length: count }, (_, i) => (i * 7) % 23);
    const frame = Float64Array.from({ length: 23 }, (_, i) => i * 1.5);
    callerOf((...args) => void got.push(args), slots)(5, 9, 64, frame);
    expect(got).toEqual([[5, 9, 64, ...slots.map((s) => at(frame, s))]]);
  });

  test("with bigints where a kernel takes them", () => {
    const got: unknown[][] = [];
    wideCallerOf(
      (...args) => void got.push(args),
      [0, 1],
      (i) => i === 1,
    )(0, 1, 0, Float64Array.of(64, 7));
    expect(got).toEqual([[0, 1, 0, 64, 7n]]);
  });
});

describe("inPieces", () => {
  const runs = (turns: number, ns: number): number[][][] => {
    let calls: number[][] = [];
    const run = inPieces((lo, hi) => void calls.push([lo, hi]), turns, ns);
    return Array.from({ length: 3 }, () => {
      calls = [];
      run(0, turns, 0, new Float64Array(1));
      return calls;
    });
  };

  test("cuts the first two runs of a long kernel, each turn once and in order", () => {
    const [first, second, third] = runs(35, 1e6);
    expect(first).toHaveLength(16);
    expect(first?.flatMap(([lo = 0, hi = 0]) => Array.from({ length: hi - lo }, (_, i) => lo + i))).toEqual(Array.from({ length: 35 }, (_, i) => i));
    expect(second).toEqual(first);
    expect(third).toEqual([[0, 35]]);
  });

  test("cuts a few turns into as many pieces", () => {
    expect(runs(3, 1e6)[0]).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  test("leaves short kernels whole", () => {
    expect(runs(35, 1e3)[0]).toEqual([[0, 35]]);
  });
});
