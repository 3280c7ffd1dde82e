import { asNumbers } from "../../../compiler/ir/host.ts";
import { beforeEach, describe, expect, test } from "vitest";
import type { DType } from "../../../compiler/ir/dtype.ts";
import { at } from "../../../compiler/ir/errors.ts";
import type { Kernel } from "../../../compiler/ir/loop.ts";
import type { CompiledPlan, Plan, PlanBuffer, Step } from "../../../compiler/ir/plan.ts";
import type { Shape, TensorType } from "../../../compiler/ir/shape.ts";
import { bytesOf, sizeOf, tensorType } from "../../../compiler/ir/shape.ts";
import { counters, resetCounters } from "../../../runtime/counters.ts";
import { CpuDevice } from "../../../runtime/cpu/device.ts";
import type { CpuBuffer } from "../../../runtime/cpu/buffer.ts";

const f32 = (...shape: Shape): TensorType => tensorType("float32", shape);

interface Given {
  readonly buffers: readonly Partial<PlanBuffer>[];
  readonly steps: readonly Step[];
  readonly outputs?: Plan["outputs"];
  readonly scalars?: readonly DType[];
  readonly arenaBytes?: number;
  readonly source?: string;
  readonly type?: TensorType;
}

/** A plan over f32[4] buffers with one kernel: out[i] = in[i] * s. */
function planOf({ buffers: given, steps, outputs, scalars = [], arenaBytes = 0, source, type = f32(4) }: Given): CompiledPlan {
  const buffers = given.map((b, id): PlanBuffer => ({ id, role: "input", type, bytes: bytesOf(b.type ?? type), offset: 0, donates: null, ...b }));
  const size = sizeOf(type.shape);
  const kernel: Kernel = {
    name: "scale",
    buffers: [
      { name: "x", dtype: "float32", size, access: "read" },
      { name: "y", dtype: "float32", size, access: "write" },
    ],
    scalars: [{ name: "s", dtype: "float32" }],
    body: [],
  };
  const plan: Plan = {
    name: "test",
    buffers,
    kernels: [kernel],
    steps,
    inputs: buffers.filter((b) => b.role === "input").map((b) => b.id),
    scalars,
    outputs: outputs ?? buffers.filter((b) => b.role === "output").map((b) => ({ buffer: b.id, type: b.type })),
    arenaBytes,
  };
  return {
    plan,
    language: "js",
    sources: [source ?? `return [(h, x, y, s) => { for (let i = 0; i < ${size}; i++) h.f32[y + i] = h.f32[x + i] * s; }];`],
    shaders: [],
    wasm: null,
  };
}

const launch = (from: number, to: number): Step => ({ kind: "kernel", kernel: 0, buffers: [from, to], scalars: [0] });
const scalePlan = planOf({ buffers: [{}, { role: "output" }], steps: [launch(0, 1)], scalars: ["float32"] });
const inPlace = planOf({ buffers: [{}, { role: "output", donates: 0 }], steps: [launch(0, 1)], scalars: ["float32"] });

let device: CpuDevice;
beforeEach(() => {
  device = new CpuDevice();
  resetCounters();
});

const upload = (...numbers: readonly number[]): CpuBuffer => device.upload(Float32Array.from(numbers), f32(numbers.length));
const run = (compiled: CompiledPlan, inputs: readonly CpuBuffer[], ...scalars: readonly number[]): CpuBuffer[] =>
  device.run(device.prepare(compiled), inputs, scalars);
const numbers = (buffer: CpuBuffer): number[] => Array.from(asNumbers(device.readSync(buffer)));

describe("running plans", () => {
  test("a kernel gets positions and scalars", () => expect(run(scalePlan, [upload(1, 2, 3, 4)], 10).map(numbers)).toEqual([[10, 20, 30, 40]]));

  test("an executable runs again, also after the heap grew", () => {
    const executable = device.prepare(scalePlan);
    device.run(executable, [upload(1, 2, 3, 4)], [2]);
    device.upload(new Float32Array(2 ** 23), f32(2 ** 23));
    expect(numbers(at(device.run(executable, [upload(1, 2, 3, 4)], [3]), 0))).toEqual([3, 6, 9, 12]);
  });

  test("temps live in the arena, which goes back", () => {
    const compiled = planOf({
      buffers: [{}, { role: "temp", offset: 64 }, { role: "output" }],
      steps: [launch(0, 1), launch(1, 2)],
      scalars: ["float32"],
      arenaBytes: 128,
    });
    expect(run(compiled, [upload(1, 2, 3, 4)], 10).map(numbers)).toEqual([[100, 200, 300, 400]]);
    expect(device.memory().current).toBe(32);
  });

  test("copy and fill", () => {
    const steps: Step[] = [
      { kind: "copy", from: 0, to: 1 },
      { kind: "fill", buffer: 2, value: 7 },
    ];
    expect(run(planOf({ buffers: [{}, { role: "output" }, { role: "output" }], steps }), [upload(1, 2, 3, 4)]).map(numbers)).toEqual([
      [1, 2, 3, 4],
      [7, 7, 7, 7],
    ]);
  });

  test("two outputs on one buffer own it together", () => {
    const compiled = planOf({
      buffers: [{}, { role: "output" }],
      steps: [launch(0, 1)],
      scalars: ["float32"],
      outputs: [
        { buffer: 1, type: f32(4) },
        { buffer: 1, type: f32(2, 2) },
      ],
    });
    const [a, b] = run(compiled, [upload(1, 2, 3, 4)], 2);
    a?.release();
    expect([b?.freed, b?.type, b && numbers(b)]).toEqual([false, f32(2, 2), [2, 4, 6, 8]]);
  });

  test("an output may be an input seen as another type", () => {
    const x = upload(1, 2, 3, 4);
    const [y] = run(planOf({ buffers: [{}], steps: [], outputs: [{ buffer: 0, type: f32(2, 2) }] }), [x]);
    x.release();
    expect(y && numbers(y)).toEqual([1, 2, 3, 4]);
  });

  test("what was counted", () => {
    run(scalePlan, [upload(1, 2, 3, 4)], 2).forEach(numbers);
    expect(counters).toMatchObject({
      plansRun: 1,
      kernelsLaunched: 1,
      buffersAllocated: 2,
      bytesAllocated: 32,
      bytesUploaded: 16,
      bytesRead: 16,
      donations: 0,
    });
  });
});

describe("donation", () => {
  test("the output takes the memory of the input, whose handle is freed", () => {
    const x = upload(1, 2, 3, 4);
    const { position } = x;
    const [y] = run(inPlace, [x], 10);
    expect([y?.position, y && numbers(y), x.freed, device.memory().current, counters.donations]).toEqual([position, [10, 20, 30, 40], true, 16, 1]);
  });

  test("memory that others own is copied instead", () => {
    const x = upload(1, 2, 3, 4);
    const other = x.view(f32(2, 2));
    const [y] = run(inPlace, [x], 10);
    expect([y && numbers(y), numbers(other), other.owners]).toEqual([[10, 20, 30, 40], [1, 2, 3, 4], 1]);
  });

  test("a full heap consumes nothing", () => {
    device = new CpuDevice({ maximumBytes: 2 ** 20 });
    const x = upload(1, 2, 3, 4);
    const big = planOf({ buffers: [{}, { role: "output", donates: 0 }, { role: "output", type: f32(2 ** 20) }], steps: [launch(0, 1)], scalars: ["float32"] });
    expect(() => run(big, [x], 10)).toThrow("cpu: no room for 4.0 MiB");
    expect([numbers(x), device.memory().current]).toEqual([[1, 2, 3, 4], 16]);
  });
});

describe("buffers", () => {
  test("the last release gives the bytes back, and later use throws", () => {
    const x = upload(1, 2, 3, 4);
    const y = x.view(f32(2, 2));
    x.release();
    expect(device.memory()).toMatchObject({ current: 16, peak: 16 });
    y.release();
    expect(device.memory().current).toBe(0);
    expect(() => run(scalePlan, [x], 1)).toThrow("a buffer of f32[4] was used after it was freed");
    expect(() => device.readSync(y)).toThrow("a buffer of f32[2,2] was read after it was freed");
    expect(() => x.release()).toThrow("was released after it was freed");
  });

  test("a view needs as many bytes", () => expect(() => upload(1, 2).view(f32(3))).toThrow("f32[2] has 8 bytes and cannot be seen as f32[3]"));

  test("reading copies", async () => {
    const x = upload(1, 2);
    const copy = await device.read(x);
    copy[0] = 9;
    expect(numbers(x)).toEqual([1, 2]);
  });

  test("empty buffers", () => expect(numbers(device.upload(new Float32Array(0), f32(0, 3)))).toEqual([]));

  test.each([
    [Uint8Array.of(1, 0), "bool"],
    [Int32Array.of(-1, 5), "int32"],
    [Uint32Array.of(4294967295, 5), "uint32"],
    [Float64Array.of(0.1, NaN), "float64"],
  ] as const)("%s come back", (data, dtype) => expect(device.readSync(device.upload(data, tensorType(dtype, [2])))).toEqual(data));

  test("upload checks length and dtype", () => {
    expect(() => device.upload(new Float32Array(3), f32(4))).toThrow("Float32Array of 3 elements is no f32[4]");
    expect(() => device.upload(new Float64Array(4), f32(4))).toThrow("Float64Array of 4 elements is no f32[4]");
  });
});

describe("what cannot run", () => {
  const plain: Given = { buffers: [{}], steps: [] };
  test("source that does not load", () =>
    expect(() => device.prepare(planOf({ ...plain, source: "return [" }))).toThrow("plan test: its JavaScript does not load"));
  test("source without the kernels", () => expect(() => device.prepare(planOf({ ...plain, source: "return [];" }))).toThrow("does not give 1 kernels"));
  test("another language", () => expect(() => device.prepare({ ...planOf(plain), language: "wgsl" })).toThrow("cpu: runs wasm and js plans, not wgsl"));
  test("too few inputs", () => expect(() => run(scalePlan, [], 1)).toThrow("plan test takes 1 buffers and 1 scalars, not 0 and 1"));
  test("an input of another size", () => expect(() => run(scalePlan, [upload(1)], 1)).toThrow("was given f32[1]"));
});
