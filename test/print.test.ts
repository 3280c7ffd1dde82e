import { describe, expect, it } from "vitest";
import { arange, array, tensor, zeros } from "../src/index.ts";

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
    [array([Number.NaN, Infinity, -Infinity, 1]), "array([ nan,  inf, -inf,    1])"],
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
