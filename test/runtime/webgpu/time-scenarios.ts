/** Measured runs of a WebGPU device, and runs that follow one another without waiting. */
import assert from "node:assert/strict";
import { at } from "../../../compiler/ir/errors.ts";
import { tensorType } from "../../../compiler/ir/shape.ts";
import { add, multiply } from "../../../compiler/ops/arithmetic.ts";
import { dot } from "../../../compiler/ops/contraction.ts";
import { exp } from "../../../compiler/ops/exponential.ts";
import { broadcast } from "../../../compiler/ops/layout.ts";
import { paramValue } from "../../../compiler/ops/source.ts";
import { compileGraph } from "../../../compiler/pipeline.ts";
import { wgsl } from "../../../compiler/target.ts";
import { acquire } from "../../../runtime/webgpu/acquire.ts";
import type { MeasuredRun } from "../../../runtime/webgpu/device.ts";
import { WebGpuDevice } from "../../../runtime/webgpu/device.ts";
import type { Scenario } from "./scenario.ts";
import { dawn, f32, list, planOf, refused } from "./scenario.ts";

const square = f32(64, 64);
const ones = new Float32Array(64 * 64).fill(1);
/** Two products: two kernels at least, and a temporary between them. */
const products = planOf(square, "products", (x) => dot(exp(dot(x, x, [[1], [0]])), x, [[1], [0]]));

/** What holds of every measured run of the plan of products. */
async function checkProducts(device: WebGpuDevice, { outputs, totalNs }: MeasuredRun): Promise<void> {
  const [value] = await device.read(at(outputs, 0));
  assert.ok(Math.abs(Number(value ?? 0) / (64 * Math.exp(64)) - 1) < 1e-4, String(value));
  assert.ok(totalNs > 0);
}

export const timeScenarios: Readonly<Record<string, Scenario>> = {
  "runs of one plan that follow at once have each their own scalars": async (device) => {
    const [x, s] = [paramValue("x", f32(4096), "buffer"), paramValue("s", tensorType("float32", []), "scalar")];
    const graph = { name: "scaled", params: [x, s], outputs: [add(multiply(x, broadcast(s, [4096], [])), broadcast(s, [4096], []))] };
    const plan = device.prepare(compileGraph(graph, wgsl).compiled);
    await plan.ready;
    const ones = device.upload(new Float32Array(4096).fill(1), f32(4096));
    // all are submitted in one task, before the GPU begins or anything is awaited
    const runs = Array.from({ length: 40 }, (_, k) => device.run(plan, [ones], [k]));
    const values = await Promise.all(runs.map(async (run) => (await device.read(at(run.outputs, 0)))[4095]));
    assert.deepEqual(
      values,
      runs.map((_, k) => 2 * k),
    );
  },
  "runs that follow at once share an arena, and each sees its own temporaries": async (device) => {
    const plan = device.prepare(products);
    const other = device.prepare(planOf(square, "others", (x) => dot(add(dot(x, x, [[1], [0]]), 1), x, [[1], [0]])));
    assert.ok([plan, other].every((p) => p.compiled.plan.arenaBytes === ones.byteLength));
    await Promise.all([plan.ready, other.ready]);
    const inputs = Array.from({ length: 12 }, (_, k) => device.upload(new Float32Array(64 * 64).fill(k / 64), square));
    await device.run(plan, inputs.slice(0, 1), []).finished;
    const before = device.memory().reserved;
    const runs = inputs.flatMap((x) => [device.run(plan, [x], []), device.run(other, [x], [])]);
    // what was reserved beyond the outputs is one arena at most
    assert.ok(device.memory().reserved <= before + (runs.length + 1) * ones.byteLength);
    const values = await Promise.all(runs.map(async (run) => (await device.read(at(run.outputs, 0)))[64]));
    const wanted = inputs.flatMap((_, k) => [k * Math.exp((k * k) / 64), k * ((k * k) / 64 + 1)]);
    for (const [i, value] of values.entries()) assert.ok(Math.abs(Number(value ?? NaN) - at(wanted, i)) <= 1e-5 * at(wanted, i), `${i}: ${value}`);
  },
  "a measured run tells what each kernel took": async (device) => {
    const plan = device.prepare(products);
    const x = device.upload(ones, square);
    const run = await device.measure(plan, [x], []);
    await checkProducts(device, run);
    assert.ok(products.plan.kernels.length >= 2);
    assert.equal(run.launchNs?.length, products.plan.kernels.length);
    assert.ok(
      run.launchNs?.every((ns) => Number.isSafeInteger(ns) && ns > 0),
      String(run.launchNs),
    );
    const again = await device.measure(plan, [x], []);
    await checkProducts(device, again);
  },
  "kernels without elements take no time": async (device) => {
    const plan = planOf(f32(0, 4), "nothing", exp);
    const { launchNs } = await device.measure(device.prepare(plan), [device.upload(new Float32Array(0), f32(0, 4))], []);
    assert.deepEqual(
      launchNs,
      plan.plan.kernels.map(() => 0),
    );
  },
  "more launches than a query set holds": async (device) => {
    const one = planOf(f32(4), "many", (x) => add(x, 1), [0]);
    const [kernel] = one.plan.steps.filter((s) => s.kind === "kernel");
    assert.ok(kernel !== undefined);
    const steps = Array.from({ length: 2500 }, () => kernel);
    const many = device.prepare({ ...one, plan: { ...one.plan, steps } });
    const { outputs, launchNs } = await device.measure(many, [device.upload(list(1, 2, 3, 4), f32(4))], []);
    assert.equal(launchNs?.length, 2500);
    assert.ok(launchNs.slice(2048).some((ns) => ns > 0));
    assert.ok((await device.read(at(outputs, 0)))[0] !== 1);
  },
  "without the GPU's clock a measured run tells its whole time only": async () => {
    const acquired = await acquire({ dawn });
    Object.defineProperty(acquired.device, "features", { value: new Set() });
    const device = new WebGpuDevice(acquired);
    const run = await device.measure(device.prepare(products), [device.upload(ones, square)], []);
    await checkProducts(device, run);
    assert.equal(run.launchNs, null);
    device.destroy();
  },
  "a measured run that fails says so": async (device) => {
    const good = planOf(f32(4), "failing", exp);
    const shaders = good.shaders.map((s) => ({ ...s, source: s.source.replace("fn main", "fn main_") }));
    await refused(device.measure(device.prepare({ ...good, shaders }), [device.upload(list(1, 2, 3, 4), f32(4))], []), /failing/);
  },
};
