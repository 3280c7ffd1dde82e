/** Index arrays and masks of tensors on a GPU, which answers later: what is known on the host is checked, what is computed is clamped. */
import { describe, expect, it } from "vitest";
import { at, flatnonzero, nonzero, put, take, tensor, where } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { gpu } from "./adapter.ts";

const there = { device: "webgpu" } as const;
const ints = (data: readonly number[]): Tensor => tensor([...data], { ...there, dtype: "int32" });
const grid = (): Tensor => tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], { ...there, shape: [3, 4] });
const read = async (x: Tensor): Promise<number[]> => [...(await x.data())];

describe.skipIf(gpu === null)("indices on webgpu", () => {
  it("pick by lists, by data and by what is computed there", async () => {
    const x = grid();
    expect(await read(at(x, [2, 0], [1, -1]))).toEqual([9, 3]);
    expect(await read(at(x, ints([-1, 0]), "1:3"))).toEqual([9, 10, 1, 2]);
    expect(await read(at(x, ints([-2, 0]).add(1), ints([0, 1]).mul(2)))).toEqual([8, 6]);
    expect(await read(at(x, ints([1]).sum(), 0))).toEqual([4]);
  });

  it("that are known are checked at the call, computed ones are clamped, each along its axis", async () => {
    const x = grid();
    expect(() => at(x, ints([3]))).toThrow("at: index 3 is out of range for axis 0 with 3 elements.");
    expect(await read(at(x, ints([8]).add(1), ints([1]).add(8)))).toEqual([11]);
    expect(await read(at(x, ints([0]), ints([8]).add(1)))).toEqual([3]);
    expect(await read(at(x, ints([-8]).add(1), ints([1])))).toEqual([1]);
    expect(await read(take(x, ints([8]).add(9)))).toEqual([11]);
  });

  it("by masks that are known count what is true", async () => {
    expect(await read(at(grid(), [true, false, true], 1))).toEqual([1, 9]);
    expect(await read(at(tensor([5, 6, 7], there), tensor([true, false, true], there)))).toEqual([5, 7]);
  });

  it("by masks that are computed there say what to do instead", () => {
    const x = tensor([5, 6, 7], there);
    for (const f of [() => at(x, x.greater(5)), () => nonzero(x.sub(6)), () => where(x.greater(5)), () => x.at(x.greater(5)).shape])
      expect(f).toThrow(expect.objectContaining({ name: "UnsupportedError", message: expect.stringContaining("nonzero(mask, { size })") }));
  });

  it("with a size need no counting", async () => {
    const x = tensor([0, 5, 0, 7], there);
    expect(await read(flatnonzero(x.mul(2), { size: 3, fillValue: -1 }))).toEqual([1, 3, -1]);
  });

  it("write: masks choose element by element, repeated positions add up", async () => {
    const x = tensor([5, 6, 7], there);
    expect(await read(x.at(x.greater(5)).set(0))).toEqual([5, 0, 0]);
    expect(await read(x.at(x.greater(5)).add(tensor([1, 2, 3], there)))).toEqual([5, 8, 10]);
    expect(await read(x.at([0, 0, 2]).add(tensor([1, 2, 3], there)))).toEqual([8, 6, 10]);
    expect(await read(x.at(ints([1, 1]).add(1)).set(9))).toEqual([5, 6, 9]);
    expect(await read(put(x, [0, -1], 1))).toEqual([1, 6, 1]);
  });
});
