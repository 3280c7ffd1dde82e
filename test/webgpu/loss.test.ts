/** A GPU that is lost in the middle of training, what is refused then, and how training goes on. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeviceError } from "../../src/index.ts";
import type { HostArray, Tensor } from "../../src/index.ts";
import { closeDevice, configure, evalAll, memory, ones, openDevice, optim, recover, tensor } from "../../src/index.ts";
import { sequence } from "../ops/samples.ts";
import { complaints, gpu } from "./adapter.ts";
import { theGpu } from "./run.ts";

const numbers = (size: number, seed: number): Float32Array => {
  const next = sequence(seed);
  return Float32Array.from({ length: size }, () => 2 * next() - 1);
};

class Training {
  readonly x: Tensor = tensor(numbers(64, 1), { shape: [16, 4] });
  readonly y: Tensor = tensor(numbers(16, 2), { shape: [16, 1] });
  readonly w: Tensor = tensor(numbers(32, 3), { shape: [4, 8], requiresGrad: true });
  readonly v: Tensor = tensor(numbers(8, 4), { shape: [8, 1], requiresGrad: true });
  readonly optimizer: optim.Optimizer = optim.sgd([this.w, this.v], { lr: 0.1, momentum: 0.9 });

  step(): Tensor {
    this.optimizer.zeroGrad();
    const loss = this.x.matmul(this.w).tanh().matmul(this.v).sub(this.y).square().mean();
    loss.backward();
    this.optimizer.step();
    return loss;
  }

  async run(steps: number): Promise<number> {
    let last = Number.NaN;
    for (let i = 0; i < steps; i++) {
      const loss = this.step();
      await evalAll(loss, ...this.optimizer.state);
      last = (await loss.data())[0] ?? Number.NaN;
    }
    return last;
  }

  save(): Promise<HostArray[]> {
    return Promise.all(this.optimizer.state.map((t) => t.data()));
  }

  restore(saved: readonly HostArray[]): void {
    this.optimizer.state.forEach((t, i) => void t.assign(tensor(saved[i] ?? [], { shape: t.shape })));
  }
}

/** The error that a promise rejects with. */
async function refusal(pending: Promise<unknown>): Promise<string> {
  const error: unknown = await pending.then(
    () => null,
    (e: unknown) => e,
  );
  if (error instanceof DeviceError) return error.message;
  throw new Error(`no DeviceError: ${String(error)}`);
}

const lost = /^webgpu: plan main: the device is lost: it was destroyed\. recover\(\) makes a new one; data that only it held is gone\.$/;
const gone = /on a GPU device that is gone\. Only data from the host is uploaded again: make it from a copy that you kept, as `await x\.data\(\)` gives it\.$/;

/** A GPU as pages have it, whose device the test can destroy where nobody expects it. */
async function openInPage(): Promise<{ readonly destroy: () => void }> {
  const { create } = await import("webgpu");
  const dawn = create([]);
  const devices: GPUDevice[] = [];
  const requestAdapter = async (options?: GPURequestAdapterOptions): Promise<GPUAdapter | null> => {
    const adapter = await dawn.requestAdapter(options);
    const request = adapter?.requestDevice.bind(adapter);
    const requestDevice = async (descriptor?: GPUDeviceDescriptor): Promise<GPUDevice | undefined> => {
      const device = await request?.(descriptor);
      if (device !== undefined) devices.push(device);
      return device;
    };
    return adapter === null ? null : Object.assign(adapter, { requestDevice });
  };
  Object.defineProperty(globalThis, "navigator", { value: { gpu: { requestAdapter } }, configurable: true });
  await openDevice("webgpu");
  return { destroy: () => devices.pop()?.destroy() };
}

describe.skipIf(gpu === null)("a GPU that is lost", () => {
  beforeEach(() => void configure({ device: "webgpu" }));
  afterEach(async () => {
    Reflect.deleteProperty(globalThis, "navigator");
    await recover();
    configure({ device: "cpu" });
  });
  afterAll(() => closeDevice("webgpu"));

  test("in the middle of training: the error, recover(), and the loss of a run that nothing disturbed", async () => {
    const undisturbed = new Training();
    await undisturbed.run(5);
    const training = new Training();
    await training.run(5);
    const saved = await training.save();
    expect(saved).toEqual(await undisturbed.save());
    const wanted = await undisturbed.run(10);

    const device = theGpu();
    const loss = training.step();
    const refused = [evalAll(loss, ...training.optimizer.state), loss.data()].map(refusal);
    device.destroy();
    expect(await refused[0]).toMatch(lost);
    expect(await refused[1]).toMatch(/the device is lost: it was destroyed/);
    expect(await refusal(training.x.add(1).eval())).toMatch(lost);
    expect([await training.x.data(), tensor([1, 2], { device: "cpu" }).add(1).tolist()]).toEqual([numbers(64, 1), [2, 3]]);

    const adapter = await recover();
    expect([adapter.adapter, theGpu() === device]).toEqual([gpu?.adapter, false]);
    expect(await refusal(training.run(1))).toMatch(gone);
    training.restore(saved);
    expect(await training.run(10)).toBe(wanted);
    expect([device.complaints, complaints()]).toEqual([[], []]);
  });

  test("without a word, while plans are still compiled and others wait behind them", async () => {
    closeDevice("webgpu");
    const page = await openInPage();
    const [x, y] = [tensor(numbers(32, 5)), tensor(numbers(32, 6))];
    const before = await x.sub(y).eval();
    const device = theGpu();
    const made = [x.mul(y).exp(), before.mul(x).tanh()];
    const chained = made.map((m) => m.add(0.5).square());
    const refused = [...[...made, ...chained].map((m) => m.eval()), ...chained.map((m) => m.sum().data())].map(refusal);
    page.destroy();
    for (const said of await Promise.all(refused)) expect(said).toMatch(/webgpu: (plan main|reading f32\[\d*\]): the device is lost: it was destroyed/);
    expect(device.isLost).toBe(true);
    await recover();
    const [first, second] = chained;
    const a = (await first?.data())?.[3] ?? 0;
    expect(a).toBeCloseTo((Math.exp((numbers(32, 5)[3] ?? 0) * (numbers(32, 6)[3] ?? 0)) + 0.5) ** 2, 5);
    expect(await refusal(second?.eval() ?? Promise.resolve())).toMatch(gone);
    expect([device.complaints, complaints()]).toEqual([[], []]);
  });

  test("what was recorded from host data, and from nothing, evaluates afterwards; a value that only it held says so wherever it is used", async () => {
    const x = tensor([1, 2, 3, 4]);
    const cell = tensor([1, 2], { requiresGrad: true });
    const computed = await x.mul(2).eval();
    const [view, detached] = [computed.reshape(2, 2), computed.detach()];
    const [waiting, number] = [x.add(1).sum(), ones([3], { face: "tensor" }).mul(2)];
    theGpu().destroy();
    await recover();
    expect([...(await waiting.data()), ...(await number.data()), ...(await cell.mul(3).data())]).toEqual([14, 2, 2, 2, 3, 6]);
    const uses = [computed.data(), view.eval(), detached.data(), computed.add(x).data(), computed.toDevice("cpu").eval()];
    for (const said of await Promise.all(uses.map(refusal))) expect(said).toMatch(gone);
    expect(await refusal(evalAll(x.exp(), computed.exp()))).toMatch(gone);
    expect(String(computed)).toBe("tensor(f32[4], evaluated, webgpu)");
    for (const t of [computed, view, detached, x]) t.dispose();
  });

  test("recover() does nothing where nothing is lost, and one at a time where it is", async () => {
    const device = theGpu();
    await recover();
    expect(theGpu()).toBe(device);
    device.destroy();
    device.destroy();
    await Promise.all([recover(), recover()]);
    const next = theGpu();
    expect(next).not.toBe(device);
    await recover();
    expect(theGpu()).toBe(next);
    expect([...(await tensor([1, 2]).add(1).data())]).toEqual([2, 3]);
  });

  test("closing the device frees its memory; a later use opens it anew", async () => {
    const x = tensor(numbers(1000, 7));
    const held = await x.exp().eval();
    const [device, pending] = [theGpu(), refusal(x.sin().eval())];
    expect(memory().devices.webgpu?.current).toBeGreaterThanOrEqual(8000);
    closeDevice("webgpu");
    expect(memory().devices.webgpu).toBeUndefined();
    expect(await pending).toMatch(lost);
    expect(await refusal(held.add(1).eval())).toMatch(gone);
    expect((await x.add(1).data())[0]).toBeCloseTo((numbers(1, 7)[0] ?? 0) + 1, 6);
    expect([device.isLost, theGpu() === device]).toEqual([true, false]);
    closeDevice("webgpu");
    closeDevice("webgpu");
    expect(() => closeDevice(JSON.parse('"cpu"'))).toThrow("closeDevice: the cpu stays open.");
    expect((await recover()).adapter).toBe(gpu?.adapter);
  });
});
