import { describe, expect, it } from "vitest";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { formatValues } from "../../src/print/format.ts";
import { standardOptions } from "../../src/print/options.ts";
import { arange, array, tensor, zeros } from "../../src/index.ts";

describe("printing", () => {
  it.each([
    [
      array([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      "array([[1, 2, 3],\n       [4, 5, 6]])",
    ],
    [
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      "tensor([[1, 2, 3],\n        [4, 5, 6]])",
    ],
    [array([1, 2.5, -3]), "array([ 1. ,  2.5, -3. ])"],
    [
      array([
        [1.5, -2.25],
        [10, 0.125],
      ]),
      "array([[ 1.5  , -2.25 ],\n       [10.   ,  0.125]])",
    ],
    [tensor([1, 2.5, -3]), "tensor([ 1.0000,  2.5000, -3.0000])"],
    [array([Number.NaN, Infinity, -Infinity, 1]), "array([ nan,  inf, -inf,   1.])"],
    [array([0, -0, 1]), "array([ 0, -0,  1])"],
    [array([1.5e-10, -2.5e-12]), "array([ 1.5e-10, -2.5e-12])"],
    [array([0.1, 100, -25.75, 3.25159]), "array([  0.1    , 100.     , -25.75   ,   3.25159])"],
    [array([1, 20, -300], { dtype: "int32" }), "array([   1,   20, -300], dtype=int32)"],
    [array([0.1, 0.2, 1 / 3], { dtype: "float32" }), "array([0.1       , 0.2       , 0.33333334], dtype=float32)"],
    [tensor([1 / 3, 2 / 3], { dtype: "float64" }), "tensor([0.3333, 0.6667], dtype=float64)"],
    [array([true, false]), "array([ True, False])"],
    [array(3.5), "array(3.5)"],
    [tensor(7), "tensor(7)"],
    [zeros([0, 3]), "array([], shape=(0, 3))"],
    [tensor([]), "tensor([])"],
    [
      array([
        [[1], [2]],
        [[3], [4]],
      ]),
      "array([[[1],\n        [2]],\n\n       [[3],\n        [4]]])",
    ],
  ])("%#", (x, text) => expect(String(x)).toBe(text));

  it("summarises more than a thousand elements", () => {
    expect(String(arange(1200))).toBe("array([   0,    1,    2, ..., 1197, 1198, 1199])");
    expect(String(arange(1200).reshape(40, 30)).split("\n")).toHaveLength(7);
  });
  it("breaks long lines", () => {
    const lines = String(arange(60)).split("\n");
    expect(lines.length).toBeGreaterThan(1);
    expect(Math.max(...lines.map((l) => l.length))).toBeLessThanOrEqual(75);
    expect(lines[1]).toMatch(/^ {7}\d/);
  });
});

/** Elements that count how often they are read: one is as large as its index. */
function counted(length: number): { readonly data: ArrayLike<number>; readonly reads: () => number } {
  let reads = 0;
  const target: ArrayLike<number> = { length };
  const data = new Proxy(target, {
    get: (_, key) => {
      if (key === "length") return length;
      reads++;
      return Number(key) + 0.5;
    },
  });
  return { data, reads: () => reads };
}

describe("a summary", () => {
  it.each([
    [[1_000_000_000], 6],
    [[50_000, 50_000], 36],
    [[1_000_000, 2], 12],
    [[1000, 1, 1000], 36],
  ])("of %j reads the elements that it shows, and no others", (shape, shown) => {
    for (const face of ["array", "tensor"] as const) {
      const { data, reads } = counted(sizeOf(shape));
      expect(formatValues(face, data, { dtype: "float64", shape })).toContain("...");
      expect(reads()).toBeLessThanOrEqual(2 * shown);
    }
  });
  it("takes digits and widths from what it shows", () => {
    const data = Float64Array.from({ length: 1001 }, (_, i) => (i === 500 ? 1e-9 : i / 2));
    expect(formatValues("array", data, { dtype: "float64", shape: [1001] })).toBe("array([  0. ,   0.5,   1. , ..., 499. , 499.5, 500. ])");
  });
  it("starts above the threshold, and only on axes that are longer than both ends", () => {
    expect(String(arange(1000))).not.toContain("...");
    expect(String(arange(1001))).toContain("...");
    expect(String(arange(1200).reshape(200, 6)).split("\n")[0]).toBe("array([[   0,    1,    2,    3,    4,    5],");
  });
  it("is not made of a million elements where the threshold says so", () => {
    const text = formatValues("array", new Float64Array(200_000), { dtype: "float64", shape: [200_000] }, { ...standardOptions.array, threshold: Infinity });
    expect(text.match(/0/g)).toHaveLength(200_000);
  });
});
