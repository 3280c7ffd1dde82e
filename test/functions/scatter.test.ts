import { describe, expect, it } from "vitest";
import { arange, array, choose, gather, grad, indexAdd, indexCopy, oneHot, scatter, scatterAdd, segmentSum, select, take, tensor } from "../../src/index.ts";
import type { NDArray } from "../../src/index.ts";

const m = arange(12).reshape(3, 4);
const ints = (data: readonly number[]): NDArray => array([...data], { dtype: "int32" });

describe("take", () => {
  it("wraps and clips where told", () => {
    const x = array([10, 20, 30]);
    expect(take(x, [4, -1, -4], { mode: "wrap" }).tolist()).toEqual([20, 30, 30]);
    expect(take(x, [4, -1, 1], { mode: "clip" }).tolist()).toEqual([30, 10, 20]);
    expect(take(x, ints([4, -1, -4]).add(0), { mode: "wrap" }).tolist()).toEqual([20, 30, 30]);
    expect(take(x, ints([4, -1, 1]), { mode: "clip" }).tolist()).toEqual([30, 10, 20]);
    expect([take(x, 5, { mode: "wrap" }).item(), take(x, -5, { mode: "clip" }).item(), take(x, -1).item()]).toEqual([30, 10, 30]);
  });
  it("takes lists of any shape", () => expect(take(m, [[0, -1]], { axis: 1 }).tolist()).toEqual([[[0, 3]], [[4, 7]], [[8, 11]]]));
  it.each<[() => unknown, string, string]>([
    [() => take(m, [0, 3], { axis: 0 }), "IndexError", "take: index 3 is out of range for axis 0 with 3 elements."],
    [() => take(m, -13), "IndexError", "take: index -13 is out of range for axis 0 with 12 elements."],
    [() => take(m, [true]), "DTypeError", "take: indices are integers, not bool[1]"],
    [() => take(array([]), [0], { mode: "clip" }), "IndexError", "with 0 elements"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => take(m, 0, { mode: "round" }), "UnsupportedError", "take: there is no mode round"],
    // @ts-expect-error faces do not mix
    [() => take(m, tensor([0], { dtype: "int32" })), "UnsupportedError", "mixes an array and a tensor"],
  ])("bad call %#", (f, name, text) => expect(f).toThrow(expect.objectContaining({ name, message: expect.stringContaining(text) })));
});

describe("gather and scatter", () => {
  it("read with fewer indices than elements", () => expect(gather(m, [[2, 0]], 0).tolist()).toEqual([[8, 1]]));
  it("write with fewer indices than elements", () => {
    expect(scatter(m, [[2, 0]], array([[-1, -2]]), 0).tolist()).toEqual([
      [0, -2, 2, 3],
      [4, 5, 6, 7],
      [-1, 9, 10, 11],
    ]);
    expect(scatter(array([1, 2, 3]), ints([-1]), 9, 0).tolist()).toEqual([1, 2, 9]);
    expect(scatter(array([1, 2, 3]), [1, 1], array([5, 6, 7]), 0).tolist()).toEqual([1, 6, 3]);
    expect(scatterAdd(array([1, 2, 3]), [1, 1], 10, 0).tolist()).toEqual([1, 22, 3]);
  });
  it("write whole slices", () => {
    expect(indexAdd(m, [0, 0], 1, 0).at(0).tolist()).toEqual([2, 3, 4, 5]);
    expect(indexCopy(array([[1, 2]]), [1], array([[9]]), 1).tolist()).toEqual([[1, 9]]);
  });
  it("differentiate in what is read and in what is written", () => {
    const weights = array([1, 10, 100]);
    const [gx, gu] = grad<NDArray>((x, u) => scatter(x, [2, 2], u, 0).mul(weights).sum(), { argnums: [0, 1] })(array([1, 2, 3]), array([4, 5]));
    expect([gx?.tolist(), gu?.tolist()]).toEqual([
      [1, 10, 0],
      [0, 100],
    ]);
    expect(
      grad<NDArray>((x) =>
        segmentSum(x, [1, 0, 1], { numSegments: 2 })
          .mul(array([1, 10]))
          .sum(),
      )(array([1, 2, 3])).tolist(),
    ).toEqual([10, 1, 10]);
  });
  it("sum segments, and spread classes", () => {
    expect(segmentSum(m, [2, 0, 2], { numSegments: 3 }).tolist()).toEqual([
      [4, 5, 6, 7],
      [0, 0, 0, 0],
      [8, 10, 12, 14],
    ]);
    expect(oneHot(ints([1, -1, 3]), { numClasses: 3 }).tolist()).toEqual([
      [0, 1, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(oneHot(ints([1]), { numClasses: 2 }).dtype).toBe("float64");
  });
  it.each<[() => unknown, string, string]>([
    [() => gather(m, [[3]], 0), "IndexError", "gather: index 3 is out of range for axis 0 with 3 elements."],
    [() => gather(m, [0], 0), "ShapeError", "gather: i32[1] for f64[3,4]: ranks are equal"],
    [() => scatter(m, [[0, 0, 0, 0, 0]], 1, 0), "ShapeError", "only axis 0 may be longer"],
    [() => scatter(m, [[0, 0]], array([[1]]), 0), "ShapeError", "scatter: f64[1,1] holds fewer elements than the indices [1,2]"],
    [() => scatter(ints([1]), [0], 0.5, 0), "DTypeError", "0.5 cannot be represented as int32"],
    [() => indexAdd(m, [[0]], 1, 0), "ShapeError", "indexAdd: the indices are i32[1,1]"],
    [() => segmentSum(m, [0, 1, 3], { numSegments: 3 }), "IndexError", "segmentSum: index 3 is out of range for axis 0 with 3 elements."],
    [() => segmentSum(m, [0, 1], { numSegments: 3 }), "ShapeError", "Give one for each of its 3 slices"],
    [() => segmentSum(m, [0, 1, 2], { numSegments: -1 }), "ShapeError", "numSegments is -1"],
    [() => oneHot(ints([0]), { numClasses: 0.5 }), "ShapeError", "numClasses is 0.5"],
  ])("bad call %#", (f, name, text) => expect(f).toThrow(expect.objectContaining({ name, message: expect.stringContaining(text) })));
});

describe("select and choose", () => {
  const x = array([1, 2, 3, 4]);
  it("select takes the first condition that holds", () => {
    expect(select([x.less(3), x.less(4)], [x, x.mul(10)], -1).tolist()).toEqual([1, 2, 30, -1]);
    expect(select([x.less(3)], [array([[1], [2]])]).tolist()).toEqual([
      [1, 1, 0, 0],
      [2, 2, 0, 0],
    ]);
    expect(select([x.less(3)], [1]).dtype).toBe("float64");
  });
  it("choose takes from a list", () => {
    expect(choose(ints([0, 1, 1, 0]), [x, x.mul(10)]).tolist()).toEqual([1, 20, 30, 4]);
    expect(choose(ints([2, -1]), [array([1]), array([10])], { mode: "clip" }).tolist()).toEqual([10, 1]);
  });
  it.each<[() => unknown, string, string]>([
    [() => select([], []), "ShapeError", "select: 0 conditions and 0 choices"],
    [() => select([x], [1]), "DTypeError", "select: a condition is f64[4], not bool"],
    [() => choose(ints([2]), [x, x]), "IndexError", "choose: index 2 is out of range for axis 0 with 2 elements."],
  ])("bad call %#", (f, name, text) => expect(f).toThrow(expect.objectContaining({ name, message: expect.stringContaining(text) })));
});
