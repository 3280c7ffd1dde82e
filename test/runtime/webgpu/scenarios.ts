/** What is asked of a WebGPU device, by name: each scenario throws where the device does not do it. Run in a process of its own. */
import assert from "node:assert/strict";
import { interpretGraph } from "../../../compiler/interpret.ts";
import type { DType } from "../../../compiler/ir/dtype.ts";
import { at } from "../../../compiler/ir/errors.ts";
import type { HostArray, HostData } from "../../../compiler/ir/host.ts";
import { hostArrayOf } from "../../../compiler/ir/host.ts";
import type { Value } from "../../../compiler/ir/node.ts";
import type { CompiledPlan } from "../../../compiler/ir/plan.ts";
import { tensorType } from "../../../compiler/ir/shape.ts";
import { add, multiply } from "../../../compiler/ops/arithmetic.ts";
import { exp } from "../../../compiler/ops/exponential.ts";
import { reduceSum } from "../../../compiler/ops/layout.ts";
import { paramValue } from "../../../compiler/ops/source.ts";
import { compileGraph } from "../../../compiler/pipeline.ts";
import { wgsl } from "../../../compiler/target.ts";
import { counters, resetCounters } from "../../../runtime/counters.ts";
import type { WebGpuDevice } from "../../../runtime/webgpu/device.ts";
import { numbers } from "../../ops/samples.ts";
import { differences } from "../../wgsl/plan.ts";
import type { Sample } from "./graphs.ts";
import { lossScenarios } from "./loss-scenarios.ts";
import { memoryScenarios } from "./memory-scenarios.ts";
import type { Scenario } from "./scenario.ts";
import { f32, list, planOf, refused, refuses } from "./scenario.ts";
import { timeScenarios } from "./time-scenarios.ts";
import { samples } from "./graphs.ts";

interface Built {
  readonly compiled: CompiledPlan;
  readonly wanted: HostData[];
}

const scalarsOf = (sample: Sample): HostData[] =>
  (sample.scalars ?? []).map(({ dtype, value }) => ({ type: tensorType(dtype, []), data: hostArrayOf(dtype, [value]) }));

function build(sample: Sample, fusion: boolean): Built {
  const scalars = scalarsOf(sample);
  const params: Value[] = [
    ...sample.inputs.map((d, i) => paramValue(`x${i}`, d.type, "buffer")),
    ...scalars.map((d, i) => paramValue(`s${i}`, d.type, "scalar")),
  ];
  const graph = { name: "sample", params, outputs: sample.build(...params) };
  const { compiled } = compileGraph(graph, wgsl, { verify: true, fusion, donated: sample.donated ?? [] });
  return { compiled, wanted: interpretGraph(graph, [...sample.inputs, ...scalars]) };
}

async function runsTwice(device: WebGpuDevice, { sample, fusion }: { sample: Sample; fusion: boolean }): Promise<void> {
  const { compiled, wanted } = build(sample, fusion);
  const executable = device.prepare(compiled);
  for (let round = 0; round < 2; round++) {
    const inputs = sample.inputs.map((d) => device.upload(d.data, d.type));
    const { outputs, finished } = device.run(
      executable,
      inputs,
      (sample.scalars ?? []).map((s) => s.value),
    );
    const data = await Promise.all(outputs.map((b) => device.read(b)));
    await finished;
    const found = outputs.map((b, i) => ({ type: b.type, data: at(data, i) }));
    assert.deepEqual(
      found.map((d) => d.type),
      wanted.map((d) => d.type),
    );
    assert.deepEqual(differences(found, wanted), []);
    for (const buffer of [...inputs, ...outputs]) if (!buffer.freed) buffer.release();
  }
  assert.deepEqual(device.complaints, []);
}

async function roundTrip(device: WebGpuDevice, dtype: DType, data: HostArray): Promise<void> {
  const buffer = device.upload(data, tensorType(dtype, [data.length]));
  assert.equal(buffer.bytes, 4 * data.length);
  const back = await device.read(buffer);
  assert.equal(back.constructor, data.constructor);
  assert.ok(
    data.every((x, i) => Object.is(x, back[i])),
    String(back),
  );
  const seen = buffer.view(tensorType(dtype, [1, data.length]));
  buffer.release();
  assert.equal((await device.read(seen)).length, data.length);
  seen.release();
  assert.ok(seen.freed && buffer.freed);
  await refused(device.read(buffer), /freed/);
}

const graphScenarios = Object.entries(samples).flatMap(([name, sample]): [string, Scenario][] => [
  [`runs ${name}, fused, twice`, (device) => runsTwice(device, { sample, fusion: true })],
  [`runs ${name}, unfused, twice`, (device) => runsTwice(device, { sample, fusion: false })],
]);

const own: Readonly<Record<string, Scenario>> = {
  "uploads and reads every dtype": async (device) => {
    await roundTrip(device, "float32", list(1.5, -0, NaN, Infinity, 1e-40));
    await roundTrip(device, "int32", Int32Array.of(-(2 ** 31), 0, 7));
    await roundTrip(device, "uint32", Uint32Array.of(2 ** 32 - 1, 0, 7));
    await roundTrip(device, "bool", Uint8Array.of(0, 1, 1, 0, 1));
    await roundTrip(device, "float32", new Float32Array(0));
    await roundTrip(
      device,
      "int32",
      Int32Array.from({ length: 100_003 }, (_, i) => i),
    );
  },
  "says why float64 is not there, and which data does not fit": async (device) => {
    await refuses(() => device.upload(new Float64Array(2), tensorType("float64", [2])), /float64 does not exist in WGSL/, /float32/);
    await refuses(() => device.upload(list(1, 2), f32(3)), /Float32Array of 2 elements is no f32\[3\]/);
    await refuses(() => device.readSync(device.upload(list(1), f32(1))), /await x\.data\(\)/);
  },
  "keeps the call order while plans are being prepared": async (device) => {
    const slow = planOf(f32(64, 64), "slow", (x) => reduceSum(exp(multiply(exp(x), 0.125)), [1]));
    const quick = device.prepare(planOf(f32(4), "quick", (x) => add(multiply(x, 2), 1)));
    await quick.ready;
    const done: string[] = [];
    const x = device.upload(list(1, 2, 3, 4), f32(4));
    const big = device.upload(numbers(f32(64, 64), 1, -1, 1).data, f32(64, 64));
    const first = device.run(device.prepare(slow), [big], []);
    let value = device.run(quick, [x], []);
    for (let i = 0; i < 3; i++) value = device.run(quick, [at(value.outputs, 0)], []);
    const reads = [first, value].map(async ({ outputs }, i) => {
      const data = await device.read(at(outputs, 0));
      done.push(["slow", "quick"][i] ?? "");
      return data;
    });
    assert.deepEqual([...(await at(reads, 1))], [31, 47, 63, 79]);
    await Promise.all(reads);
    assert.deepEqual(done, ["slow", "quick"]);
  },
  "runs on one buffer at once give each its own result": async (device) => {
    const plans = [1, 2, 3, 4, 5].map((k) => device.prepare(planOf(f32(4), `times ${k}`, (x) => multiply(x, k))));
    const x = device.upload(list(1, 2, 3, 4), f32(4));
    const outputs = [...plans, ...plans].map((p) => at(device.run(p, [x], []).outputs, 0));
    x.release();
    const data = await Promise.all(outputs.map((b) => device.read(b)));
    assert.deepEqual(
      data.map((d) => d[3]),
      [4, 8, 12, 16, 20, 4, 8, 12, 16, 20],
    );
  },
  "a donated input gives its memory, one that others own too is copied": async (device) => {
    const step = device.prepare(planOf(f32(1000), "step", (x) => add(x, 1), [0]));
    assert.ok(step.compiled.plan.buffers.some((b) => b.donates !== null));
    resetCounters();
    let x = device.upload(new Float32Array(1000), f32(1000));
    const old = x.view(f32(1000));
    for (let i = 0; i < 5; i++) {
      const [next] = device.run(step, [x], []).outputs;
      assert.ok(next !== undefined && x.freed);
      x = next;
    }
    assert.equal((await device.read(x))[999], 5);
    assert.equal((await device.read(old))[999], 0);
    assert.equal(counters.donations, 4);
    assert.equal(counters.buffersAllocated, 2);
    assert.equal(counters.plansRun, 5);
    assert.equal(counters.kernelsLaunched, 5);
    assert.equal(counters.bytesUploaded, 4000);
    assert.equal(counters.bytesRead, 8000);
  },
  "describes itself": async (device) => {
    const { adapter, isSoftware, features, limits } = device.info;
    assert.match(adapter, /swiftshader/i);
    assert.equal(isSoftware, true);
    assert.deepEqual(new Set(features.filter((f) => device.features.has(f))), new Set(features));
    assert.ok(features.includes("timestamp-query"));
    assert.ok((limits["maxBufferSize"] ?? 0) > 2 ** 28);
    assert.equal(limits["maxBufferSize"], device.limits.maxBufferSize);
  },
  "names the limit, the size and the way out": async (device) => {
    await refuses(() => device.prepare(planOf(f32(2 ** 30), "huge", exp)), /plan huge/, /4294967296/, /maxStorageBufferBindingSize/, /slices/);
    assert.ok(device.limits.maxBufferSize > 2 ** 28);
  },
  "a kernel that does not compile fails its runs by name, and what depends on them": async (device) => {
    const good = planOf(f32(4), "broken", exp);
    const shaders = good.shaders.map((s) => ({ ...s, source: s.source.replace("fn main", "fn main_") }));
    const broken = device.prepare({ ...good, shaders });
    const after = device.prepare(planOf(f32(4), "after", exp));
    const x = device.upload(list(1, 2, 3, 4), f32(4));
    const first = device.run(broken, [x], []);
    const second = device.run(after, first.outputs, []);
    const kernel = at(good.plan.kernels, 0).name;
    await refused(broken.ready, new RegExp(`broken/${kernel}`), /main/);
    await refused(first.finished, /broken/);
    await refused(second.finished, /broken/);
    await refused(device.read(at(second.outputs, 0)), /broken/);
    const third = device.run(after, [x], []);
    assert.equal((await device.read(at(third.outputs, 0)))[0], Math.fround(Math.E));
  },
  "work that the GPU refuses fails its run by name": async (device) => {
    const good = planOf(f32(4), "refused", exp);
    // More than any GPU takes, put in after the plan's limits were checked.
    const executable = device.prepare(good);
    for (const action of executable.actions) if (action.kind === "launch") Object.assign(action, { dispatch: [100_000, 1, 1] });
    const x = device.upload(list(1, 2, 3, 4), f32(4));
    const { finished, outputs } = device.run(executable, [x], []);
    const next = device.run(device.prepare(planOf(f32(4), "next", exp)), outputs, []);
    await refused(finished, /plan refused/, /validation/, new RegExp(at(good.plan.kernels, 0).name));
    await refused(next.finished, /plan refused/);
    await refused(device.read(at(outputs, 0)), /plan refused/);
    assert.equal((await device.read(x))[1], 2);
  },
};

export const scenarios: ReadonlyMap<string, Scenario> = new Map([
  ...graphScenarios,
  ...Object.entries({ ...own, ...memoryScenarios, ...lossScenarios, ...timeScenarios }),
]);
