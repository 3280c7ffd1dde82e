/** Which operands meet ragged rows, and what is said where they do not. */
import { describe, expect, it } from "vitest";
import { add, array, clip, concat, fromRows, lerp, maskedFill, nn, ones, softmax, sum, tensor, where } from "../../src/index.ts";
import { deep, pairs, rows, said } from "./samples.ts";

const x = rows();

describe("operands of ragged rows", () => {
  it.each([
    ["numbers", () => x.mul(10).add(true), [[11, 21, 31], [41, 51], [], [61]]],
    ["numbers in front", () => add(1, x), [[2, 3, 4], [5, 6], [], [7]]],
    ["arrays without axes", () => x.add(array(1)), [[2, 3, 4], [5, 6], [], [7]]],
    ["arrays of length 1", () => array([1]).add(x), [[2, 3, 4], [5, 6], [], [7]]],
    ["the same rows", () => x.sub(array([[1, 2, 3], [4, 5], [], [6]])), [[0, 0, 0], [0, 0], [], [0]]],
    ["the same rows in another dtype", () => x.sub(array([[1, 2, 3], [4, 5], [], [6]], { dtype: "int32" })), [[0, 0, 0], [0, 0], [], [0]]],
    ["one value a row", () => x.mul(array([[1], [10], [100], [1000]])), [[1, 2, 3], [40, 50], [], [6000]]],
    ["one value a row in front", () => array([[1], [10], [100], [1000]]).mul(x), [[1, 2, 3], [40, 50], [], [6000]]],
    ["what was reduced with keepdims", () => x.sub(x.min({ axis: 1, keepdims: true })), [[0, 1, 2], [0, 1], [], [0]]],
    [
      "a dense array of the same rows",
      () =>
        fromRows([
          [1, 2],
          [3, 4],
        ]).add(
          array([
            [1, 1],
            [2, 2],
          ]),
        ),
      [
        [2, 3],
        [5, 6],
      ],
    ],
    [
      "inner axes",
      () => pairs.mul(array([1, 10])),
      [
        [
          [1, 20],
          [3, 40],
        ],
        [[5, 60]],
      ],
    ],
    [
      "inner axes of length 1",
      () => pairs.add(pairs.sum({ axis: 2, keepdims: true })),
      [
        [
          [4, 5],
          [10, 11],
        ],
        [[16, 17]],
      ],
    ],
    [
      "inner axes that grow",
      () => pairs.sum({ axis: 2, keepdims: true }).mul(ones([2])),
      [
        [
          [3, 3],
          [7, 7],
        ],
        [[11, 11]],
      ],
    ],
    [
      "one pair a row",
      () => pairs.add(array([[[0, 100]], [[200, 300]]])),
      [
        [
          [1, 102],
          [3, 104],
        ],
        [[205, 306]],
      ],
    ],
    ["one value a row of rows", () => deep.mul(array([[[1]], [[10]], [[100]]])), [[[1], [2, 3]], [[40, 50, 60]], []]],
    ["one value for each inner row", () => deep.sub(deep.max({ axis: 2, keepdims: true })), [[[0], [-1, 0]], [[-2, -1, 0]], []]],
    ["conditions", () => where(x.greater(2), x, 0), [[0, 0, 3], [4, 5], [], [6]]],
    ["conditions a row", () => where(array([[true], [false], [true], [true]]), x, x.negative()), [[1, 2, 3], [-4, -5], [], [6]]],
    ["choices between numbers", () => where(x.greater(2), 1, 0), [[0, 0, 1], [1, 1], [], [1]]],
    ["bounds", () => clip(x, array([[2], [5], [0], [0]]), 5), [[2, 2, 3], [5, 5], [], [5]]],
    ["no bounds", () => clip(x), [[1, 2, 3], [4, 5], [], [6]]],
    ["masks", () => maskedFill(x, x.greater(4), -1), [[1, 2, 3], [4, -1], [], [-1]]],
    ["weights", () => lerp(x, 0, 0.5), [[0.5, 1, 1.5], [2, 2.5], [], [3]]],
    ["comparisons with a number that the dtype lacks", () => array([[1], [2, 3]], { dtype: "int32" }).less(2.5), [[true], [true, false]]],
    ["another dtype", () => x.div(2).astype("int32"), [[0, 1, 1], [2, 2], [], [3]]],
    ["losses", () => nn.mseLoss(x, x.add(1), { reduction: "none" }), [[1, 1, 1], [1, 1], [], [1]]],
  ])("%s", (_, f, list) => expect(f().tolist()).toEqual(list));

  it.each([
    [
      () => x.add(array([[1, 2, 3], [4], [], [5, 6]])),
      "ShapeError: add: row 1 has 2 elements in one operand and 1 in the other. Both need rows of the same lengths.",
    ],
    [() => x.add(array([[1, 2], [3]])), "ShapeError: add: one operand has 4 ragged rows, the other 2. Both need the same rows."],
    [() => deep.add(array([[[1], [2, 3]], [[4, 5]], []])), "ShapeError: add: row 1, 0 has 3 elements in one operand and 2 in the other."],
    [
      () => x.mul(array([1, 2, 3, 4])),
      "ShapeError: multiply: f64[4] does not broadcast to f64[4,~]. Rows meet the same rows, or lengths of 1. One value a row has the shape [4, 1]",
    ],
    [() => x.mul(ones([4, 3])), "ShapeError: multiply: f64[4,3] does not broadcast to f64[4,~]"],
    [() => x.mul(ones([2, 4, 1])), "ShapeError: multiply: f64[2,4,1] does not broadcast to f64[4,~]"],
    [() => x.mul(ones([5, 1])), "ShapeError: multiply: f64[5,1] does not broadcast to f64[4,~]"],
    [() => pairs.mul(ones([3])), "ShapeError: multiply: f64[3,2] and f64[3] do not broadcast"],
    [() => deep.add(x), "ShapeError: add: one operand has 3 ragged rows, the other 4"],
    [() => deep.add(array([[1, 2], [3], []])), "ShapeError: add: f64[3,~] does not broadcast to f64[3,~,~]"],
    [() => maskedFill(array([[1], [2], [3], [4]]), x.greater(2), 0), "ShapeError: maskedFill: the mask bool[4,~] does not broadcast to f64[4,1]"],
    [() => maskedFill(x, x, 0), "DTypeError: maskedFill: the condition is f64[6], not bool"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => x.add(tensor([[1], [2], [3], [4]])), "UnsupportedError: add: mixes an array and a tensor"],
    [() => x.matmul(x), "UnsupportedError: matmul: f64[4,~] has rows of different lengths, which matmul does not take. Pad them first: toPadded(x, fill)."],
    [() => x.reshape(6), "UnsupportedError: reshape: f64[4,~] has rows of different lengths"],
    [() => x.transpose(), "UnsupportedError: permuteDims: f64[4,~] has rows of different lengths"],
    [() => x.sort({ axis: 0 }), "UnsupportedError: sort: axis 0 of f64[4,~] runs across rows of different lengths. Pad them first: toPadded(x, fill)."],
    [() => x.cumsum(0), "UnsupportedError: cumsum: axis 0 of f64[4,~] runs across rows"],
    [() => concat([x, ones([2, 2, 2])]), "ShapeError: concat: operand 1 is f64[2,2,2], another f64[4,~]. All need the same number of axes."],
    [() => concat([pairs, ones([1, 2, 3])]), "ShapeError: concat: operand 1 is f64[1,2,3], the first f64[2,~,2]. Their inner axes differ."],
    [() => concat([x, x.at("1:")], { axis: 1 }), "ShapeError: concat: 4 rows and 3 rows do not join along axis 1"],
    [() => x.argmax({ axis: 1 }), "ShapeError: argmax: row 2 has no elements, so there is none to find"],
  ])("%#", (f, message) => {
    expect(said(f)).toContain(message);
  });

  it("dense rows join ragged ones", () => {
    expect(concat([array([[7, 8]]), x]).tolist()).toEqual([[7, 8], [1, 2, 3], [4, 5], [], [6]]);
    expect(concat([pairs, ones([2, 1, 2])], { axis: 1 }).tolist()).toEqual([
      [
        [1, 2],
        [3, 4],
        [1, 1],
      ],
      [
        [5, 6],
        [1, 1],
      ],
    ]);
    expect(concat([pairs, pairs], { axis: 2 }).tolist()).toEqual([
      [
        [1, 2, 1, 2],
        [3, 4, 3, 4],
      ],
      [[5, 6, 5, 6]],
    ]);
    expect(concat([x, x], { axis: null }).size).toBe(12);
    expect(concat([x, array([[1], [2], [3], [4]], { dtype: "int32" })], { axis: 1 }).tolist()).toEqual([[1, 2, 3, 1], [4, 5, 2], [3], [6, 4]]);
  });
});

describe("reductions", () => {
  it.each([
    ["of each row", () => sum(x, { axis: 1 }), [6, 9, 0, 6]],
    ["of each row, kept", () => sum(x, { axis: -1, keepdims: true }), [[6], [9], [0], [6]]],
    ["over rows", () => sum(x, { axis: 0 }), [11, 7, 3]],
    ["over rows, kept", () => sum(x, { axis: 0, keepdims: true }), [[11, 7, 3]]],
    ["of everything", () => sum(x), 21],
    ["of everything, kept", () => sum(x, { keepdims: true }), [[21]]],
    ["of the greatest of empty rows", () => x.max({ axis: 1 }), [3, 5, Number.NEGATIVE_INFINITY, 6]],
    ["of the mean of empty rows", () => x.mean({ axis: 1 }), [2, 4.5, Number.NaN, 6]],
    ["with a correction", () => x.var({ axis: 1, correction: 1 }), [1, 0.5, Number.NaN, Number.NaN]],
    ["of integers", () => array([[1, 2], [], [4]], { dtype: "int32" }).min({ axis: 1 }), [1, 2 ** 31 - 1, 4]],
    ["of where the greatest is", () => x.at([0, 1, 3]).argmax({ axis: 1 }), [2, 1, 0]],
    ["of which row has the greatest", () => x.argmax({ axis: 0 }), [3, 1, 0]],
    ["of pairs", () => pairs.sum({ axis: 2 }), [[3, 7], [11]]],
    [
      "of rows of pairs",
      () => pairs.sum({ axis: 1 }),
      [
        [4, 6],
        [5, 6],
      ],
    ],
    ["of rows of pairs, kept", () => pairs.mean({ axis: [1, 2], keepdims: true }), [[[2.5]], [[5.5]]]],
    ["over rows and pairs", () => pairs.sum({ axis: [0, 2] }), [14, 7]],
    ["of inner rows", () => deep.sum({ axis: 2 }), [[1, 5], [15], []]],
    ["of rows of rows", () => deep.sum({ axis: [1, 2] }), [6, 15, 0]],
    ["over middle rows", () => deep.sum({ axis: 1 }), [[3, 3], [4, 5, 6], []]],
    ["of all true", () => x.greater(1).all({ axis: 1 }), [false, true, true, true]],
    ["of no rows", () => fromRows([]).sum({ axis: 1 }), []],
    ["over no rows", () => fromRows([]).sum({ axis: 0 }), []],
    ["of no elements", () => fromRows([[], []]).sum({ axis: 1 }), [0, 0]],
    ["of no elements, over rows", () => fromRows([[], []]).sum({ axis: 0 }), []],
    ["a loss", () => nn.mseLoss(x, x.add(2)), 4],
  ])("%s", (_, f, list) => expect(f().tolist()).toEqual(list));

  it("of no element at all have no greatest", () => expect(() => fromRows([[], []]).max()).toThrow("reduce max"));
  it("within rows of no elements give none", () => {
    for (const empty of [fromRows([]), fromRows([[], []])]) {
      const results = [softmax(empty), empty.sort(), empty.cumsum(1), empty.add(1), empty.at(":", "1:"), concat([empty, empty], { axis: 1 }), empty.flip()];
      for (const y of results) expect(y.tolist()).toEqual(empty.tolist());
      expect(empty.toPadded(1).shape).toEqual([empty.length, 0]);
    }
  });
});
