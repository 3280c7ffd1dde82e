/** What writes cost: recording one costs nothing, evaluating it moves its part alone, and many of them are one plan. */
import { beforeEach, describe, expect, it, test } from "vitest";
import { arange, array, configure, counters, evalAllSync, inspect, matmul, resetCounters, slice, tensor, zeros } from "../../src/index.ts";
import type { NDArray } from "../../src/index.ts";

const base = (n: number = 100): NDArray => arange(n, { dtype: "int32" }).evalSync();

/** What an evaluation launches and writes, after what `record` records. */
function costOf(record: () => { evalSync(): unknown }): { readonly kernels: number; readonly written: number; readonly allocated: number } {
  resetCounters();
  const x = record();
  expect(counters().plansRun).toBe(0);
  x.evalSync();
  const { kernelsLaunched: kernels, bytesWritten: written, bytesAllocated: allocated } = counters();
  return { kernels, written, allocated };
}

beforeEach(() => configure({ target: "js", debug: true }));

describe("a write moves its part alone", () => {
  test("a number", () => {
    const x = base();
    expect(costOf(() => x.at(slice(20, 50)).set(3))).toEqual({ kernels: 1, written: 120, allocated: 0 });
    expect(inspect(x.at(slice(20, 50)).set(4)).bytes).toBe(120);
  });
  test("an array", () => {
    const [x, v] = [base(), base(30)];
    x.at(slice(20, 50)).set(v);
    expect(inspect(x).bytes).toBe(240);
    expect(costOf(() => x)).toEqual({ kernels: 1, written: 120, allocated: 0 });
  });
  test("all of it", () => {
    const x = base();
    expect(costOf(() => x.at().set(3))).toMatchObject({ kernels: 1, written: 400 });
  });
  test("in-place arithmetic", () => {
    const x = base();
    expect(costOf(() => x.at(slice(20, 50)).add(1))).toEqual({ kernels: 1, written: 120, allocated: 0 });
    expect(costOf(() => x.at().mul(2))).toEqual({ kernels: 1, written: 400, allocated: 0 });
  });
  test("steps, columns, diagonals, transposes, rows of a reshape", () => {
    const x = arange(36).reshape(6, 6).evalSync();
    const bytes: readonly (readonly [number, () => NDArray])[] = [
      [3 * 8, () => x.at(0, "::-2").set(1)],
      [6 * 8, () => x.at(":", 2).set(2)],
      [6 * 8, () => x.diagonal().set(3)],
      [6 * 8, () => x.T.at(1).set(4)],
      [4 * 8, () => x.reshape(9, 4).at(5).set(5)],
      [4 * 8, () => x.at("1:3", "1:3").set(6)],
      [8, () => x.at(3, 3).set(7)],
      [2 * 8, () => x.at([0, 1], [5, 5]).add(8)],
    ];
    for (const [written, record] of bytes) {
      record();
      expect(costOf(() => x)).toEqual({ kernels: 1, written, allocated: 0 });
    }
  });
  test("parts that overlap go by a buffer of their own", () => {
    const x = base(24).reshape(6, 4);
    expect(costOf(() => x.at("1:3").set(x.get("2:4").add(1)))).toEqual({ kernels: 2, written: 64, allocated: 32 });
    expect(x.at("1:3").tolist()).toEqual([
      [9, 10, 11, 12],
      [13, 14, 15, 16],
    ]);
  });
  test("two rows exchanged", () => {
    const x = base(8).reshape(2, 4);
    const [first, second] = [x.get(0).copy(), x.get(1).copy()];
    x.at(0).set(second);
    x.at(1).set(first);
    x.evalSync();
    expect(x.tolist()).toEqual([
      [4, 5, 6, 7],
      [0, 1, 2, 3],
    ]);
  });
  test("what was read and not computed keeps its memory: then the write copies", () => {
    const x = base();
    const before = x.get(slice(0, 3)).mul(2);
    expect(costOf(() => x.at(0).set(7))).toMatchObject({ written: 400 });
    expect([before.tolist(), x.get(0).item()]).toEqual([[0, 2, 4], 7]);
    expect(costOf(() => x.at(0).set(8))).toMatchObject({ written: 4, allocated: 0 });
  });
  test("handles of the same elements keep them", () => {
    const x = base(4);
    const same = x.copy();
    x.at(0).set(9).evalSync();
    expect([x.tolist(), same.tolist()]).toEqual([
      [9, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
  });
  test("data that was handed out is a copy", () => {
    const x = base(3);
    const data = x.dataSync();
    x.at(0).set(9).evalSync();
    expect([[...data], x.tolist()]).toEqual([
      [0, 1, 2],
      [9, 1, 2],
    ]);
  });
  test("an index that fails changes nothing", () => {
    const x = base(3);
    const i = base(2).mul(5);
    x.at(i).set(1);
    expect(() => x.evalSync()).toThrow("index 5 is out of range for axis 0 with 3 elements");
  });
  test("computed indices that hold are written in place", () => {
    const x = base(1000);
    const i = base(2).add(5);
    x.at(i).set(1);
    x.evalSync();
    expect([counters().donations > 0, x.get("4:8").tolist()]).toEqual([true, [4, 1, 1, 7]]);
  });
});

describe("an array that a factor of 1 leaves as it is", () => {
  test.each<readonly [string, (x: NDArray) => NDArray]>([
    ["a = a / 1", (x) => x.at().div(1)],
    ["a *= 1", (x) => x.at().mul(1)],
    ["a[:] = a", (x) => x.set(x)],
    ["a = a / 1, written out", (x) => x.set(x.div(1))],
    ["a part of it", (x) => x.at("1:").div(1)],
  ])("%s costs nothing", (_, write) => {
    const x = array([1, 2, 3]).evalSync();
    resetCounters();
    expect(write(x)).toBe(x);
    x.evalSync();
    expect([counters().kernelsLaunched, counters().plansRun, x.tolist()]).toEqual([0, 0, [1, 2, 3]]);
  });
});

describe("10,000 writes at places that move", () => {
  const write = (x: NDArray, i: number): NDArray => x.at(i % 50, slice(i % 7, (i % 7) + 3)).set(i);
  const expected = (): number[] => {
    const out = Array.from({ length: 500 }, () => 0);
    for (let i = 0; i < 10_000; i++) for (let k = 0; k < 3; k++) out[(i % 50) * 10 + (i % 7) + k] = i;
    return out;
  };
  test.each<readonly [string, (x: NDArray, i: number) => void]>([
    ["each evaluated", (x, i) => void write(x, i).evalSync()],
    ["evaluated at the end", (x, i) => void write(x, i)],
    ["evaluated now and then", (x, i) => void (i % 37 === 0 ? write(x, i).evalSync() : write(x, i))],
    ["part of it read now and then", (x, i) => void (i % 37 === 0 ? write(x, i).get(0).tolist() : write(x, i))],
  ])("%s: one plan, their own bytes", (_, step) => {
    configure({ debug: false });
    const x = array(new Float64Array(500)).reshape(50, 10);
    write(x, 0).evalSync();
    x.get(0).tolist();
    write(x, 0).get(0).tolist();
    resetCounters();
    for (let i = 0; i < 10_000; i++) step(x, i);
    x.evalSync();
    const { plansCompiled, donations, bytesWritten } = counters();
    expect([...x.dataSync()]).toEqual(expected());
    // three numbers a write, and the rows that are read
    expect({ plansCompiled, donations }).toEqual({ plansCompiled: 0, donations: 10_000 });
    expect(bytesWritten).toBeLessThanOrEqual(10_000 * 24 + 271 * 80);
  });
});

test("a cache of 16 layers, written one position a step for 1,000 steps: one plan, one position a step", () => {
  configure({ debug: false });
  const [layers, steps, width] = [16, 1000, 8];
  const w = Array.from({ length: layers }, (_, i) => tensorLike(width, 2 * width, i));
  const caches = Array.from({ length: layers }, () => array(new Float32Array(steps * width), { shape: [steps, width] }).evalSync());
  const step = (t: number): void => {
    let x = array(new Float32Array(width).fill(t / steps)).reshape(1, width);
    for (const [i, cache] of caches.entries()) {
      const s = matmul(x, w[i] ?? x);
      cache.at(slice(t, t + 1)).set(s.get(":", slice(0, width)));
      x = s.get(":", slice(width, 2 * width)).add(cache.get(slice(t, t + 1)));
    }
    x.evalSync();
  };
  step(0);
  step(1);
  resetCounters();
  for (let t = 2; t < steps; t++) step(t);
  const { plansCompiled, donations, bytesAllocated, bytesWritten } = counters();
  expect({ plansCompiled, donations }).toEqual({ plansCompiled: 0, donations: (steps - 2) * layers });
  // what goes in and what comes out, and nothing of the caches
  expect(bytesAllocated).toBe((steps - 2) * 2 * width * 4);
  // a position of each cache, and the two results of each layer
  expect(bytesWritten).toBeLessThanOrEqual((steps - 2) * layers * width * 4 * 5);
  expect(caches.every((c) => c.evaluated)).toBe(true);
});

test("16 layers that share their matmul between a cache and the next layer: two kernels a layer, and the last cache's position", () => {
  const width = 16;
  const weights = Array.from({ length: 16 }, (_, i) => tensorLike(width, 2 * width, i));
  const caches = weights.map((_, i) => tensorLike(4, width, i));
  const want = caches.map((c) => [...c.dataSync()]);
  const first = tensorLike(1, width, 3);
  let [x, row] = [first, [...first.dataSync()]];
  for (const [i, cache] of caches.entries()) {
    const s = matmul(x, weights[i] ?? x);
    cache.at(slice(0, 1)).set(s.get(":", slice(0, width)));
    x = s.get(":", slice(width, 2 * width)).add(cache.get(slice(0, 1)));
    const w = [...(weights[i] ?? x).dataSync()];
    const product = Array.from({ length: 2 * width }, (_, j) => row.reduce((sum, a, k) => sum + a * (w[k * 2 * width + j] ?? NaN), 0));
    want[i]?.splice(0, width, ...product.slice(0, width));
    row = product.slice(width).map((a, j) => a + (product[j] ?? NaN));
  }
  const last = caches.at(-1) ?? first;
  resetCounters();
  last.evalSync();
  const { kernelsLaunched, plansRun } = counters();
  expect(plansRun).toBe(1);
  expect(kernelsLaunched).toBeLessThanOrEqual(33);
  const scale = Math.max(...(want.at(-1) ?? []).map(Math.abs));
  for (const [i, values] of [...last.dataSync()].entries()) expect(Math.abs(values - (want.at(-1)?.[i] ?? NaN))).toBeLessThan(1e-5 * scale);
});

function tensorLike(rows: number, columns: number, seed: number): NDArray {
  const data = Float32Array.from({ length: rows * columns }, (_, i) => (((i * 7 + seed) % 11) - 5) / 16);
  return array(data, { shape: [rows, columns] }).evalSync();
}

test("a tensor that is assigned what was made of it is written in place", () => {
  const t = tensor([1, 2, 3, 4]);
  const next = t.at("1:3").mul(10);
  t.assign(next);
  next.dispose();
  evalAllSync(t);
  expect(t.tolist()).toEqual([1, 20, 30, 4]);
});

it("zeros that were never computed are written in one go", () => {
  const z = zeros([4, 4]);
  z.at(0).set(1);
  z.at(":", 1).set(2);
  expect(costOf(() => z)).toMatchObject({ kernels: 1, written: 128 });
});
