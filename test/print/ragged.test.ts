import { describe, expect, it } from "vitest";
import { standardOptions } from "../../src/print/options.ts";
import { formatRagged } from "../../src/print/ragged.ts";

describe("ragged rows", () => {
  const rows = (...offsets: readonly number[]): { readonly offsets: readonly number[][]; readonly innerShape: readonly number[] } => ({
    offsets: [[...offsets]],
    innerShape: [],
  });

  it.each([
    ["each as long as it is", [1, 2, 3, 4, 5], rows(0, 3, 5), "array([[1, 2, 3],\n       [4, 5]])"],
    ["aligned with each other", [1.5, -20, 3, 4.25], rows(0, 1, 4), "array([[  1.5 ],\n       [-20.  ,   3.  ,   4.25]])"],
    ["that are empty", [1, 2], rows(0, 0, 2, 2), "array([[],\n       [1, 2],\n       []])"],
    ["that are all empty", [], rows(0, 0, 0), "array([[],\n       []])"],
    ["that are not there", [], rows(0), "array([], shape=(0, ~))"],
    ["of one row", [7], rows(0, 1), "array([[7]])"],
  ])("%s", (_, data, shape, text) => expect(formatRagged("array", data, "float64", shape)).toBe(text));

  it("show their dtype", () => {
    expect(formatRagged("array", Int32Array.of(1, 20, 3), "int32", rows(0, 2, 3))).toBe("array([[ 1, 20],\n       [ 3]], dtype=int32)");
  });
  it("may hold rows that are ragged, with a blank line between them", () => {
    const shape = { offsets: [Int32Array.of(0, 2, 2, 3), Int32Array.of(0, 2, 3, 5)], innerShape: [] };
    expect(formatRagged("array", [1, 2, 3, 4, 5], "float64", shape)).toBe("array([[[1, 2],\n        [3]],\n\n       [],\n\n       [[4, 5]]])");
  });
  it("may hold items with axes of their own", () => {
    const shape = { offsets: [Int32Array.of(0, 2, 3)], innerShape: [2] };
    expect(formatRagged("array", [1, 2, 3, 4, 5, 6], "float64", shape)).toBe("array([[[1, 2],\n        [3, 4]],\n\n       [[5, 6]]])");
  });
  it("are summarised along both axes, and break their lines", () => {
    const lengths = [10, 2, 8, 1, 1, 1, 3, 9];
    const offsets = lengths.reduce<number[]>((starts, n) => [...starts, (starts.at(-1) ?? 0) + n], [0]);
    const data = Float64Array.from({ length: 35 }, (_, i) => i);
    const options = { ...standardOptions.array, threshold: 20 };
    expect(formatRagged("array", data, "float64", rows(...offsets), options)).toBe(
      [
        "array([[ 0,  1,  2, ...,  7,  8,  9],",
        "       [10, 11],",
        "       [12, 13, 14, ..., 17, 18, 19],",
        "       ...,",
        "       [22],",
        "       [23, 24, 25],",
        "       [26, 27, 28, ..., 32, 33, 34]])",
      ].join("\n"),
    );
    expect(formatRagged("array", data, "float64", rows(0, 10, 12), { ...standardOptions.array, linewidth: 30 })).toBe(
      "array([[ 0,  1,  2,  3,  4,\n         5,  6,  7,  8,  9],\n       [10, 11]])",
    );
  });
});
