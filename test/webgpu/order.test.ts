/** Order on a GPU: evaluations that overlap, fail, are asked for twice, or outlive their handles. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { OpenOptions, Tensor } from "../../src/index.ts";
import { closeDevice, configure, counters, DeviceError, evalAll, memory, ones, openDevice, resetCounters, synchronize, tensor } from "../../src/index.ts";
import { complaints, gpu } from "./adapter.ts";
import { theGpu } from "./run.ts";

const kib = 2 ** 10;
/** 16 KiB. */
const page = (value: number): Tensor => tensor(new Float32Array(4096).fill(value));
const held = (): number => memory().devices.webgpu?.current ?? 0;
const first = async (x: Tensor): Promise<number | undefined> => (await x.data())[0];

/** The message of the DeviceError that a promise rejects with. */
const refusal = (pending: Promise<unknown>): Promise<string> =>
  pending.then(
    () => "not refused",
    (error: unknown) => (error instanceof DeviceError ? error.message : `no DeviceError: ${String(error)}`),
  );

/** A device of its own, which has compiled nothing yet. */
async function reopen(options: OpenOptions = {}): Promise<void> {
  closeDevice("webgpu");
  await openDevice("webgpu", options);
}

describe.skipIf(gpu === null)("evaluations on webgpu", () => {
  beforeEach(() => void configure({ device: "webgpu" }));
  afterEach(async () => {
    if (complaints().length > 0) throw new Error(complaints().join("\n"));
    configure({ device: "cpu" });
    await reopen();
  });

  describe("that overlap", () => {
    test("are done in call order, from before the device is open and while the first plans compile", async () => {
      closeDevice("webgpu");
      resetCounters();
      const x = tensor([1, 2, 3]);
      const [a, b] = [x.add(1), x.mul(2)];
      const ab = a.mul(b);
      const done = [a.eval(), evalAll(b, ab), ab.sum().eval()];
      const reads = [ab.data(), a.data()];
      const late = ab.add(a);
      done.push(late.eval());
      await Promise.all(done);
      expect([...(await Promise.all(reads)), await late.data()].map((r) => [...r])).toEqual([
        [4, 12, 24],
        [2, 3, 4],
        [6, 15, 28],
      ]);
      expect(counters()).toMatchObject({ plansRun: 4, plansCompiled: 4, bytesUploaded: 12, bytesRead: 36 });
    });

    test("chains of a hundred, each on top of what is still under way", async () => {
      let x = tensor([0, 1]);
      const done: Promise<unknown>[] = [];
      resetCounters();
      for (let i = 0; i < 100; i++) {
        x = x.mul(0.5).add(i % 3);
        done.push(x.eval());
      }
      const data = x.data();
      await Promise.all(done);
      let wanted = [0, 1];
      for (let i = 0; i < 100; i++) wanted = wanted.map((w) => Math.fround(Math.fround(w * 0.5) + (i % 3)));
      expect([...(await data)]).toEqual(wanted);
      // one plan for what came from the host, and one that writes over what the plan before it made
      expect(counters()).toMatchObject({ plansRun: 100, plansCompiled: 2, kernelsLaunched: 100 });
    });

    test("a value asked for twice, thrice, and with others, is computed once", async () => {
      const y = tensor([1, 2]).exp();
      resetCounters();
      await Promise.all([y.eval(), y.eval(), evalAll(y, [y]), y.data()]);
      expect(counters().plansRun).toBe(1);
      await Promise.all([evalAll(y, y.add(1)), y.data()]);
      expect(counters().plansRun).toBe(2);
    });

    test("a value asked for twice before the device is open is computed once", async () => {
      closeDevice("webgpu");
      const y = tensor([1, 2]).exp();
      resetCounters();
      await Promise.all([y.eval(), y.eval(), y.data(), evalAll(y)]);
      expect(counters().plansRun).toBe(1);
    });

    test("with work of the CPU and moves between both", async () => {
      const here = tensor([1, 2], { device: "cpu" });
      const there = tensor([3, 4]);
      const sum = here.mul(10).toDevice("webgpu").add(there.square());
      const back = sum.toDevice("cpu").add(here);
      const [a, b] = [back.eval(), sum.eval()];
      const c = evalAll(sum.mul(2), back.mul(2), here.add(1));
      await Promise.all([a, b, c]);
      expect([[...(await sum.data())], back.tolist()]).toEqual([[19, 36], [20, 38]]); // prettier-ignore
    });

    test("that need the same moves", async () => {
      const [x, y] = [tensor([1, 2]).exp(), tensor([3, 4]).add(1)];
      const [a, b] = [x.toDevice("cpu").mul(0), y.toDevice("cpu")];
      const sums = [a.add(b), b.add(a).mul(2), a.add(b).toDevice("webgpu").add(1)];
      const read = (await Promise.all(sums.map((s) => s.data()))).map((d) => [...d]);
      expect(read).toEqual([[4, 5], [8, 10], [5, 6]]); // prettier-ignore
    });

    test("a handle rebound or disposed while it is computed", async () => {
      for (const isOpen of [true, false]) {
        if (!isOpen) closeDevice("webgpu");
        const cell = tensor([1, 2], { requiresGrad: true });
        cell.assign(cell.mul(3));
        const [evaluated, data] = [cell.eval(), cell.data()];
        const later = tensor([5, 5]).exp();
        cell.assign(later);
        resetCounters();
        const [done, old] = await Promise.all([evaluated, data]);
        expect([done === cell, [...old], later.evaluated]).toEqual([true, [3, 6], false]);
        const gone = tensor([7]).add(1);
        const read = gone.data();
        const reader = gone.mul(2);
        gone.dispose();
        expect([[...(await read)], [...(await reader.data())], String(gone)]).toEqual([[8], [16], "tensor(disposed)"]);
      }
    });
  });

  describe("that fail", () => {
    const tooMuch =
      /^webgpu: plan main: the value f32\[4096\]( that kernel \w+ stores)? takes 16384 bytes, and \d+ bytes are held of a memoryLimit of \d+\. dispose\(\) what/;

    test("for want of memory put everything back: a later evaluation has room and works", async () => {
      await reopen({ memoryLimit: 4 * 16 * kib });
      // held, because memory that runs out collects what is not
      const given = page(1);
      const x = await given.add(0).eval();
      const hogs = await Promise.all([2, 3].map((k) => x.mul(k).eval()));
      const y = x.add(7);
      const z = y.mul(2);
      const [one, two, three] = [refusal(y.eval()), refusal(z.eval()), refusal(z.data())];
      expect(await one).toMatch(tooMuch);
      expect([await two, await three]).toEqual([expect.stringMatching(tooMuch), expect.stringMatching(tooMuch)]);
      expect([y.evaluated, z.evaluated]).toEqual([false, false]);
      for (const h of hogs) h.dispose();
      expect([await first(given), await first(z), await first(y)]).toEqual([1, 16, 8]);
      expect(held()).toBeLessThanOrEqual(4 * 16 * kib);
    });

    test("for want of memory for data of the host: it is uploaded again once there is room", async () => {
      await reopen({ memoryLimit: 2 * 16 * kib });
      const hogs = await Promise.all([1, 2].map((k) => ones([4096], { face: "tensor" }).mul(k).eval()));
      const x = page(5);
      const y = x.sum();
      expect(await refusal(y.eval())).toMatch(/webgpu: (uploading|plan main)/);
      for (const h of hogs) h.dispose();
      await synchronize();
      expect(await first(y)).toBe(5 * 4096);
      expect(await first(x.max())).toBe(5);
    });

    test("what was detached or assigned while it was computed comes back with it", async () => {
      await reopen({ memoryLimit: 4 * 16 * kib });
      const x = page(1).requireGrad();
      const hogs = await Promise.all([1, 2, 3].map((k) => ones([4096], { face: "tensor" }).mul(k).eval()));
      const y = x.mul(2);
      const failing = refusal(y.eval());
      const [detached, cell] = [y.detach(), page(0).requireGrad().assign(y)];
      const below = detached.add(1).sum();
      expect(await failing).toMatch(tooMuch);
      for (const h of hogs) h.dispose();
      await synchronize();
      expect([await first(below), await first(detached), await first(cell)]).toEqual([3 * 4096, 2, 2]);
    });
  });

  test("what is pending pins what it reads, and nothing is held at the end", async () => {
    const before = held();
    const x = page(3);
    const values = Array.from({ length: 20 }, (_, i) => x.mul(i));
    const reads = values.map((v) => v.data());
    for (const v of [...values, x]) v.dispose();
    expect((await Promise.all(reads)).map((d) => d[4095])).toEqual(values.map((_, i) => 3 * i));
    await synchronize();
    expect(held()).toBeLessThanOrEqual(before);
  });

  test("a value of the CPU that waits for the GPU describes itself", async () => {
    const back = tensor([1, 2]).add(1).toDevice("cpu").mul(2);
    resetCounters();
    expect(String(back)).toBe("tensor(f32[2], lazy: 7 nodes, wasm)");
    expect(counters().plansRun).toBe(0);
    await back.eval();
    expect(String(back)).toBe("tensor([4, 6])");
  });

  test("kinds of numbers that a GPU lacks are refused at the call", () => {
    const lacks = /float64 does not exist on webgpu: WGSL has float32, int32, uint32 and bool/;
    expect(() => ones([2], { face: "tensor", dtype: "float64" })).toThrow(lacks);
    expect(() => tensor([1, 2]).astype("float64")).toThrow(lacks);
    expect(() => tensor([1, 2], { dtype: "int32" }).greater(0.5)).toThrow(/^greater: float64 does not exist on webgpu/);
    expect(() => tensor(new BigInt64Array(2))).toThrow(/^tensor: int64 does not exist on webgpu/);
    expect(ones([2], { dtype: "float64" }).tolist()).toEqual([1, 1]);
    expect(theGpu().isLost).toBe(false);
  });
});
