/** Tensors that live on a GPU, as users see them. */
import { inspect as nodeInspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import {
  array,
  configure,
  counters,
  evalAll,
  evalAllSync,
  explain,
  inspect,
  memory,
  ones,
  resetCounters,
  synchronize,
  tensor,
  toDevice,
} from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { gpu } from "./adapter.ts";

const there = { device: "webgpu" } as const;

describe.skipIf(gpu === null)("tensors on webgpu", () => {
  afterEach(() => void configure({ device: "cpu" }));

  test("are computed there, fused, in one dispatch", async () => {
    const x = tensor([[1, 2, 3], [4, 5, 6]], there); // prettier-ignore
    const y = x.mul(2).add(1).tanh().sum({ axis: 1 });
    expect([x.device, y.device]).toEqual(["webgpu", "webgpu"]);
    resetCounters();
    await y.eval();
    expect(counters().kernelsLaunched).toBe(1);
    const data = await y.data();
    expect(data[0]).toBeCloseTo(Math.tanh(3) + Math.tanh(5) + Math.tanh(7), 5);
    expect(data).toBeInstanceOf(Float32Array);
  });

  test("what the setting says holds for new tensors, not for arrays", async () => {
    configure({ device: "webgpu" });
    expect([tensor([1]).device, ones([2], { face: "tensor" }).device, array([1]).device]).toEqual(["webgpu", "webgpu", "cpu"]);
    expect(tensor([1], { device: "cpu" }).device).toBe("cpu");
    const sum = ones([3], { face: "tensor" }).sum();
    expect((await sum.data())[0]).toBe(3);
    expect(sum.device).toBe("webgpu");
  });

  test("numbers without a home go where data is", async () => {
    const y = ones([3], { face: "tensor" }).add(tensor([1, 2, 3], there));
    expect(y.device).toBe("webgpu");
    expect([...(await y.data())]).toEqual([2, 3, 4]);
  });

  test("numbers that were evaluated before they met data come over", async () => {
    const one = ones([3], { face: "tensor" });
    const [y, z] = [one.add(tensor([1, 2, 3], there)), one.add(tensor([1, 2, 3]))];
    await one.eval();
    expect(one.device).toBe("cpu");
    expect([...(await y.data())]).toEqual([2, 3, 4]);
    const two = ones([3], { face: "tensor" }).mul(2);
    const w = two.add(tensor([1, 2, 3]));
    configure({ device: "webgpu" });
    await two.eval();
    expect([two.device, w.device]).toEqual(["webgpu", "cpu"]);
    expect(() => w.evalSync()).toThrow("evalSync: reads what the GPU computed, which answers later. Use await x.eval().");
    expect([...(await w.data()), ...(await z.data())]).toEqual([3, 4, 5, 2, 3, 4]);
  });

  test("moves are recorded, done when needed, and let gradients back", async () => {
    const w = tensor([1, 2, 3], { requiresGrad: true });
    const moved = w.mul(2).toDevice("webgpu");
    const loss = moved.square().toDevice("cpu").sum();
    expect([moved.device, loss.device]).toEqual(["webgpu", "cpu"]);
    expect(() => loss.evalSync()).toThrow(/needs the GPU, which answers later. Use await x.eval\(\)/);
    loss.backward();
    await evalAll(loss, w.grad);
    expect([loss.item(), w.grad?.tolist(), w.grad?.device]).toEqual([56, [8, 16, 24], "cpu"]);
  });

  test("moves in a row, of what is evaluated, of what is there already", async () => {
    const x = tensor([1, 2, 3]);
    const back = x.toDevice("webgpu").add(1).toDevice("cpu").add(1).toDevice("webgpu").add(1);
    expect([...(await back.data())]).toEqual([4, 5, 6]);
    expect(toDevice(back, "webgpu").add(0).device).toBe("webgpu");
    expect((await back.toDevice("cpu").eval()).tolist()).toEqual([4, 5, 6]);
    expect(tensor(x, there).device).toBe("webgpu");
    expect([...(await tensor(array([1, 2]), { device: "webgpu", dtype: "float32" }).data())]).toEqual([1, 2]);
  });

  test("synchronous reads name the asynchronous call", async () => {
    const x = tensor([5], there);
    expect(() => x.item()).toThrow("item: f32[1] lives on webgpu, which answers later. Use (await x.data())[0].");
    expect(() => x.dataSync()).toThrow("Use await x.data().");
    expect(() => x.tolist()).toThrow('Use await x.data(), or (await x.toDevice("cpu").eval()).tolist().');
    expect(() => x.evalSync()).toThrow("Use await x.eval().");
    expect(() => evalAllSync(x.add(1))).toThrow("evalAllSync: f32[1] lives on webgpu, which answers later. Use await evalAll(…).");
  });

  test("printing runs nothing", async () => {
    const y = tensor([1, 2], there).add(1);
    resetCounters();
    expect([String(y), nodeInspect(y)]).toEqual(["tensor(f32[2], lazy: 3 nodes, webgpu)", "tensor(f32[2], lazy: 3 nodes, webgpu)"]);
    await y.eval();
    expect([String(y), nodeInspect(y)]).toEqual(["tensor(f32[2], evaluated, webgpu)", "tensor(f32[2], evaluated, webgpu)"]);
    expect(counters().bytesRead).toBe(0);
  });

  test("bad input is refused at the call", () => {
    const x = tensor([1], there);
    expect(() => x.add(tensor([1], { device: "cpu" }))).toThrow(/add: one operand lives on webgpu, another \(f32\[1\]\) on cpu. Move one/);
    expect(() => x.astype("float64")).toThrow(/cast: float64 does not exist on webgpu/);
    expect(() => tensor([1], { ...there, dtype: "float64" })).toThrow(/tensor: float64 does not exist on webgpu: WGSL has float32, int32, uint32 and bool/);
    expect(() => tensor(array([1]), there)).toThrow(/float64 does not exist on webgpu/);
    expect(() => toDevice(array([1]), "webgpu")).toThrow("toDevice: arrays live on the cpu, not on webgpu. Make a tensor of it first: tensor(x).");
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    expect(() => toDevice(x, "tpu")).toThrow('toDevice: there is no device "tpu". There are cpu, webgpu.');
    const cell = tensor([1], { ...there, requiresGrad: true });
    expect(() => cell.assign(tensor([2]))).toThrow('it lives on cpu, this on webgpu. Move it: x.toDevice("webgpu")');
  });

  test("inspection shows what the GPU would run", () => {
    const y = tensor([1, 2, 3], there).mul(2).exp();
    expect(inspect(y).text("source")).toContain("@compute");
    expect(explain(y)).toMatch(/^1 kernel for wgsl/);
    expect(() => inspect([y, tensor([1]).add(1)])).toThrow("inspect: these are computed on webgpu and cpu, in a plan each. Inspect them one by one.");
  });

  test("inspection takes what is still on another device for an input", () => {
    const y = tensor([1, 2, 3]).add(1).toDevice("webgpu").mul(2);
    expect(inspect(y).kernels.map((k) => k.nodes.map((n) => n.op))).toEqual([["broadcast", "multiply"]]);
  });

  test("measuring runs each kernel there, and fills nothing", async () => {
    const y = tensor(new Float32Array(1000), there).exp().sum();
    const { runs, ns, kernels } = await inspect(y).measure({ runs: 3 });
    expect([runs, ns > 0, kernels.map((k) => k.name), y.evaluated]).toEqual([3, true, inspect(y).kernels.map((k) => k.name), false]);
    const described = await inspect((a: Tensor) => a.exp(), "f32[100]", { target: "wgsl" }).measure({ runs: 1 });
    expect(described.kernels).toHaveLength(1);
  });

  test("memory is counted, and given back", async () => {
    const x = tensor(new Float32Array(100_000), there);
    const before = memory().devices.webgpu?.current ?? 0;
    const y = await x.add(1).eval();
    expect((memory().devices.webgpu?.current ?? 0) - before).toBeGreaterThanOrEqual(400_000);
    x.dispose();
    y.dispose();
    await synchronize();
    expect(memory().devices.webgpu?.current ?? 0).toBeLessThanOrEqual(before);
  });

  test("data given to a tensor is copied", async () => {
    const data = Float32Array.of(1, 2);
    const x = tensor(data, there);
    data[0] = 9;
    const first = await x.data();
    first[1] = 9;
    expect([[...(await x.data())], [...(await x.add(0).data())]]).toEqual([[1, 2], [1, 2]]); // prettier-ignore
    const into = new Float32Array(2);
    expect(await x.data({ into })).toBe(into);
  });
});
