import { expect, test } from "vitest";
import { ConstantPool } from "../../../runtime/cpu/constants.ts";
import { CpuHeap, pageBytes } from "../../../runtime/cpu/heap.ts";

const vectors = (...values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values.flatMap((v) => [v, v, v, v])).buffer);

test("equal vectors lie once", () => {
  const pool = new ConstantPool(new CpuHeap());
  const first = pool.place(vectors(1, 2, 3));
  expect(pool.place(vectors(1, 2, 3))).toEqual(first);
  expect(pool.place(vectors(2, 3))).toEqual({ at: first.at + 16, block: null });
  expect(pool.used).toBe(48);
});

test("the last vectors may be the first of the next", () => {
  const heap = new CpuHeap();
  const pool = new ConstantPool(heap);
  const first = pool.place(vectors(1, 2));
  const second = pool.place(vectors(2, 3));
  expect([second.at - first.at, pool.used]).toEqual([16, 48]);
  expect(Array.from(heap.views.f32.subarray(first.at / 4, first.at / 4 + 12))).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
});

test("vectors are equal by their bits", () => {
  const pool = new ConstantPool(new CpuHeap());
  expect(pool.place(vectors(-0)).at).not.toBe(pool.place(vectors(0)).at);
  expect(pool.place(vectors(NaN)).at).toBe(pool.place(vectors(NaN)).at);
});

test("a full page sends the next ones into a block", () => {
  const heap = new CpuHeap();
  const pool = new ConstantPool(heap);
  pool.place(vectors(...Array.from({ length: pageBytes / 16 - 5 }, (_, i) => i)));
  const { at, block } = pool.place(vectors(-1, -2, -3));
  expect([at >= pageBytes, block?.at]).toEqual([true, at]);
  expect(Array.from(heap.views.f32.subarray(at / 4, at / 4 + 12))).toEqual([-1, -1, -1, -1, -2, -2, -2, -2, -3, -3, -3, -3]);
  expect(pool.place(vectors(-9)).block).toBeNull();
});
