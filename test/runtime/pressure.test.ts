import { describe, expect, test } from "vitest";
import { tensorType } from "../../compiler/ir/shape.ts";
import { counters, resetCounters } from "../../runtime/counters.ts";
import { CpuDevice } from "../../runtime/cpu/device.ts";

const mib = 2 ** 20;
const page = tensorType("float32", [1024]);
const data = new Float32Array(1024);

describe("dead buffers", () => {
  test("300,000 of 4 KB stay within the budget, none of them disposed", async () => {
    const device = new CpuDevice({ budgetBytes: 64 * mib });
    for (let i = 0; i < 300_000; i++) {
      device.upload(data, page);
      await device.pressure.relieve();
    }
    expect(device.memory().peak).toBeLessThanOrEqual(66 * mib);
    expect(device.memory().reserved).toBeLessThanOrEqual(100 * mib);
  }, 60_000);

  test("what is alive is not collected, and does not provoke again and again", async () => {
    const device = new CpuDevice({ budgetBytes: 8 * mib });
    resetCounters();
    const alive = [];
    const freed: boolean[] = [];
    for (let i = 0; i < 10_000; i++) {
      alive.push(device.upload(data, page));
      freed.push(await device.pressure.relieve());
    }
    expect(device.memory().current).toBe(10_000 * 4096);
    expect(alive.every((b) => !b.freed)).toBe(true);
    expect(freed.includes(true)).toBe(false);
    expect(counters.collections).toBeLessThan(12);
  });

  test("below the budget too, where memory is wanted urgently", async () => {
    const device = new CpuDevice();
    for (let i = 0; i < 100; i++) device.upload(data, page);
    const before = device.memory().current;
    expect(await device.pressure.relieve("urgent")).toBe(true);
    expect(device.memory().current).toBeLessThan(before);
  });

  test("below the budget nothing happens", async () => {
    const device = new CpuDevice();
    resetCounters();
    device.upload(data, page);
    expect([device.pressure.over, await device.pressure.relieve(), device.pressure.relieveSync(), counters.collections]).toEqual([false, false, false, 0]);
  });

  test("releasing lowers what counts as alive", () => {
    const device = new CpuDevice({ budgetBytes: mib });
    const held = Array.from({ length: 512 }, () => device.upload(data, page));
    expect(device.pressure.over).toBe(true);
    for (const b of held) b.release();
    expect(device.pressure.over).toBe(false);
  });
});
