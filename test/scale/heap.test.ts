/** Evaluations by the hundred thousand leave the heap as it was. HEAP_RUNS=1000000 makes it a million. */
import { expect, test } from "vitest";
import { memory, tensor } from "../../src/index.ts";

const runs = Number(process.env["HEAP_RUNS"] ?? 100_000);
const minutes = 60_000;

test(
  "whose results are disposed of keep nothing",
  () => {
    const x = tensor([1, 2, 3, 4]);
    const step = (i: number): void => x.mul(i).add(x).evalSync().dispose();
    step(0);
    const before = memory();
    for (let i = 1; i < runs; i++) step(i);
    const after = memory();
    expect([after.current, after.heap]).toEqual([before.current, before.heap]);
  },
  5 * minutes,
);

test(
  "whose results are dropped stay below what the collection waits for",
  async () => {
    const x = tensor(new Float32Array(1024));
    // a million of these would be 4 GiB
    for (let i = 0; i < runs; i++) await x.mul(i).eval();
    expect(memory().current).toBeLessThan(160 * 2 ** 20);
    expect(memory().heap).toBeLessThan(320 * 2 ** 20);
  },
  10 * minutes,
);
