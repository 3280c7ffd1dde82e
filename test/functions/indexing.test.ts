import { describe, expect, it } from "vitest";
import { arange, array, at, counters, grad, resetCounters, slice, sum, take, takeAlongAxis, tensor } from "../../src/index.ts";

const m = arange(12).reshape(3, 4);
const rows = (x: number[][]): number[][] => x;

describe("at", () => {
  it.each([
    ["one row", m.at(1), [4, 5, 6, 7]],
    ["one element", m.at(-1, -1), 11],
    [
      "a slice",
      m.at(slice(1, 3), slice(null, null, 2)),
      rows([
        [4, 6],
        [8, 10],
      ]),
    ],
    [
      "text",
      m.at("::-1", "1:3"),
      rows([
        [9, 10],
        [5, 6],
        [1, 2],
      ]),
    ],
    ["falling steps", m.at(0, "3:0:-2"), [3, 1]],
    ["bounds beyond the ends", m.at("-9:1", "2:99"), rows([[2, 3]])],
    ["nothing", m.at("2:1").size, 0],
    ["an ellipsis", m.at("...", 0), [0, 4, 8]],
    ["a new axis", m.at(null, 1).shape, [1, 4]],
    ["a new axis at the end", m.at("...", null).shape, [3, 4, 1]],
    [
      "an integer array",
      m.at(array([2, 0, -1], { dtype: "int32" }), "0:2"),
      rows([
        [8, 9],
        [0, 1],
        [8, 9],
      ]),
    ],
    ["an integer array along the second axis", m.at(1, array([3, 3], { dtype: "int32" })), [7, 7]],
  ])("%s", (_, got, want) => expect(typeof got === "object" && "tolist" in got ? got.tolist() : got).toEqual(want));

  it.each([
    [() => m.at(3), "IndexError: at: index 3 is out of range for axis 0 with 3 elements"],
    [() => m.at(0.5), "index 0.5 is out of range"],
    [() => m.at(0, 0, 0), "3 indices for f64[3,4], which has 2 axes"],
    [() => m.at("...", "..."), "stands twice"],
    [() => m.at("a:b"), '"a:b" is no index'],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => m.at({}), "is no index"],
    [() => m.at(m), "indices are integers, not f64[3,4]"],
    [() => slice(0, 1, 0), "a step of 0 goes nowhere"],
    [() => slice(0.5), "0.5 is no whole number"],
    [() => take(m, 9, { axis: 0 }), "index 9 is out of range"],
  ])("bad index %#", (f, text) => expect(f).toThrow(expect.objectContaining({ message: expect.stringContaining(text.replace("IndexError: ", "")) })));

  it("differentiates", () => {
    const g = grad((x) => x.at("1:", 0).sum())(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    );
    expect(g.tolist()).toEqual([
      [0, 0],
      [1, 0],
      [1, 0],
    ]);
  });

  it("is one plan for an offset that moves", () => {
    const data = arange(100);
    resetCounters();
    const sums = [10, 20, 30].map((start) => sum(at(data, slice(start, start + 10))).item());
    expect(sums).toEqual([145, 245, 345]);
    expect([counters().plansCompiled, counters().planHits]).toEqual([1, 2]);
  });
});

describe("take", () => {
  it("takes along an axis, or from the flattened array", () => {
    const i = array([[0, -1]], { dtype: "int32" });
    expect(take(m, i, { axis: 1 }).shape).toEqual([3, 1, 2]);
    expect(take(m, [11, 0]).tolist()).toEqual([11, 0]);
    expect(take(m, 1, { axis: 0 }).tolist()).toEqual([4, 5, 6, 7]);
  });
  it("takes one element for each index", () => expect(takeAlongAxis(m, array([[3], [0], [1]], { dtype: "int32" }), 1).tolist()).toEqual([[3], [4], [9]]));
});
