/** Reading and writing ragged rows by position: what shares memory, what is said of wrong indices. Random ones: properties.test.ts. */
import { beforeEach, describe, expect, it } from "vitest";
import type { NDArray } from "../../src/index.ts";
import { array, evalAllSync, fromRows, resetCounters, counters, sharesMemory, slice, split, take, unstack } from "../../src/index.ts";
import { deep, pairs, rows, said } from "./samples.ts";

let x: NDArray;
beforeEach(() => {
  x = rows();
});

describe("reading", () => {
  it.each([
    ["a row", () => x.at(0), [1, 2, 3]],
    ["the last row", () => x.at(-1), [6]],
    ["an empty row", () => x.at(2), []],
    ["an element", () => x.at(0, 1), 2],
    ["some of a row", () => x.at(0, "::2"), [1, 3]],
    ["picked elements of a row", () => x.at(0, [2, 0]), [3, 1]],
    ["rows", () => x.at("1:3"), [[4, 5], []]],
    ["rows backwards", () => x.at("::-1"), [[6], [], [4, 5], [1, 2, 3]]],
    ["listed rows", () => x.at([3, 0, 3]), [[6], [1, 2, 3], [6]]],
    ["rows by an array", () => x.at(array([3, -4], { dtype: "int32" })), [[6], [1, 2, 3]]],
    ["rows by a mask", () => x.at([true, false, false, true]), [[1, 2, 3], [6]]],
    [
      "rows by a computed mask",
      () => x.at(x.rowLengths().greater(1)),
      [
        [1, 2, 3],
        [4, 5],
      ],
    ],
    ["elements by a mask", () => x.at(x.greater(2)), [[3], [4, 5], [], [6]]],
    ["the first of some rows", () => x.at([0, 1, 3], 0), [1, 4, 6]],
    ["the last of some rows", () => x.at([0, 1, 3], -1), [3, 5, 6]],
    ["the first two of each row", () => x.at(":", slice(2)), [[1, 2], [4, 5], [], [6]]],
    ["each row backwards", () => x.at("...", "::-1"), [[3, 2, 1], [5, 4], [], [6]]],
    ["all", () => x.at("..."), [[1, 2, 3], [4, 5], [], [6]]],
    [
      "a row of pairs",
      () => pairs.at(0),
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["the second of each pair", () => pairs.at("...", 1), [[2, 4], [6]]],
    [
      "picked of each pair",
      () => pairs.at(":", ":", [1, 1]),
      [
        [
          [2, 2],
          [4, 4],
        ],
        [[6, 6]],
      ],
    ],
    [
      "the first pair of each row",
      () => pairs.at(":", 0),
      [
        [1, 2],
        [5, 6],
      ],
    ],
    ["the second of the first pair of each row", () => pairs.at(":", 0, 1), [2, 6]],
    ["a new axis behind the rows", () => pairs.at(":", ":", null, 0), [[[1], [3]], [[5]]]],
    ["rows of rows", () => deep.at(0), [[1], [2, 3]]],
    ["a row of rows of rows", () => deep.at(0, 1), [2, 3]],
    ["an element of rows of rows", () => deep.at(0, 1, 0), 2],
    ["the first rows", () => deep.at("0:2", 0), [[1], [4, 5, 6]]],
    ["the last of all inner rows", () => deep.at(":", ":", -1), [[1, 3], [6], []]],
    ["slices of inner rows", () => deep.at(":", "1:", ":1"), [[[2]], [], []]],
    ["elements of inner rows by a mask", () => deep.at(deep.greater(2)), [[[], [3]], [[4, 5, 6]], []]],
    ["taken rows", () => take(x, [1, -1], { axis: 0 }), [[4, 5], [6]]],
    ["one taken row", () => take(x, 1, { axis: 0 }), [4, 5]],
    ["taken rows that wrap", () => take(x, [5], { axis: 0, mode: "wrap" }), [[4, 5]]],
  ])("%s", (_, f, list) => expect(f().tolist()).toEqual(list));

  it("splits rows, and gives them one by one", () => {
    expect(split(x, 2).map((part) => part.tolist())).toEqual([
      [
        [1, 2, 3],
        [4, 5],
      ],
      [[], [6]],
    ]);
    expect(split(x, [1, 3]).map((part) => part.length)).toEqual([1, 2, 1]);
    expect(unstack(x).map((row) => row.tolist())).toEqual([[1, 2, 3], [4, 5], [], [6]]);
  });

  it.each([
    [() => x.at(4), "IndexError: at: index 4 is out of range for axis 0 with 4 elements"],
    [() => x.at(0, 3), "IndexError: at: index 3 is out of range for axis 0 with 3 elements"],
    [() => x.at(":", 0), "IndexError: at: index 0 is out of range for row 2 with 0 elements"],
    [() => deep.at("0:2", 1), "IndexError: at: index 1 is out of range for row 1 with 1 elements"],
    [() => deep.at(":", ":", 2), "IndexError: at: index 2 is out of range for row 0, 0 with 1 elements"],
    [() => x.at([9]), "IndexError: at: index 9 is out of range for axis 0 with 4 elements"],
    [() => x.at(array([9], { dtype: "int32" })), "IndexError: at: index 9 is out of range for axis 0 with 4 elements"],
    [() => x.at(0, 0, 0), "IndexError: at: 3 indices for f64[4,~], which has 2 axes"],
    [() => x.at("...", "..."), 'IndexError: at: "..." stands twice'],
    [() => x.at([true, false]), "IndexError: at: a mask [2] at axis 0 of bool[4]"],
    [() => x.at(x.astype("int32")), "IndexError: at: ragged indices are masks"],
    [() => x.at(array([[true, false, true], [true], [], [true, true]])), "ShapeError: at: row 1 has 2 elements in one operand and 1 in the other"],
    [() => x.at(":", [0, 1]), "UnsupportedError: at: within the rows of f64[4,~] an index is a number or a slice"],
    [() => x.at(null), "UnsupportedError: at: rows of f64[4,~] are named by a number, a slice, one list of numbers or a mask"],
    [() => x.at([[0], [1]]), "UnsupportedError: at: rows of f64[4,~] are named by"],
    [() => pairs.at(":", ":", [0], null), "UnsupportedError: at: an index array behind ragged rows goes with slices only"],
    [() => take(x, [[0]], { axis: 0 }), "UnsupportedError: take: rows of f64[4,~] are named by one list of numbers"],
    [() => take(x, [0]), "UnsupportedError: take: f64[4,~] has rows of different lengths"],
  ])("%#", (f, message) => {
    expect(said(f)).toContain(message);
  });
});

describe("memory", () => {
  it("is shared by what follows one another in it, and by nothing else", () => {
    const views = [x.at(1), x.at("1:3"), x.at(0, "1:"), x.flatValues(), deep.at(0), x.at()];
    expect(views.map((v) => sharesMemory(v, x) || sharesMemory(v, deep))).toEqual([true, true, true, true, true, true]);
    const copies = [x.at("::-1"), x.at([0, 3]), x.at(":", "1:"), x.add(0), x.at(x.greater(1)), array(x), x.toPadded()];
    expect(copies.map((v) => sharesMemory(v, x))).toEqual([false, false, false, false, false, false, false]);
  });
  it("of offsets is the array's own", () => {
    x.rowOffsets().dispose();
    const offsets = x.rowOffsets();
    offsets.at().mul(0);
    expect([offsets.tolist(), x.rowOffsets().tolist(), x.sum({ axis: 1 }).tolist()]).toEqual([
      [0, 0, 0, 0, 0],
      [0, 3, 5, 5, 6],
      [6, 9, 0, 6],
    ]);
    expect(x.mean({ axis: 1, keepdims: true }).mul(x).sum().item()).toBe(12 + 40.5 + 36);
  });
  it("is written through views, which see later writes", () => {
    const [row, rows, flat] = [x.at(0), x.at("1:"), x.flatValues()];
    const before = x.sum({ axis: 1 });
    row.set([7, 8, 9]);
    expect([x.tolist(), flat.tolist()]).toEqual([
      [[7, 8, 9], [4, 5], [], [6]],
      [7, 8, 9, 4, 5, 6],
    ]);
    x.at(1).mul(10);
    flat.at(-1).set(60);
    expect([rows.tolist(), before.tolist()]).toEqual([
      [[40, 50], [], [60]],
      [6, 9, 0, 6],
    ]);
    rows.at(0).add(1);
    expect(x.tolist()).toEqual([[7, 8, 9], [41, 51], [], [60]]);
  });
});

describe("writing", () => {
  it.each([
    ["all", () => x.set(0), [[0, 0, 0], [0, 0], [], [0]]],
    ["all at once", () => x.at().mul(2), [[2, 4, 6], [8, 10], [], [12]]],
    ["one value a row", () => x.set([[1], [2], [3], [4]]), [[1, 1, 1], [2, 2], [], [4]]],
    ["the same rows", () => x.set([[3, 2, 1], [5, 4], [], [0]]), [[3, 2, 1], [5, 4], [], [0]]],
    ["an element", () => x.at(0, 1).set(9), [[1, 9, 3], [4, 5], [], [6]]],
    ["a row", () => x.at(0).set([9, 8, 7]), [[9, 8, 7], [4, 5], [], [6]]],
    ["the first of some rows", () => x.at([0, 1, 3], 0).set([9, 8, 7]), [[9, 2, 3], [8, 5], [], [7]]],
    ["the ends of rows", () => x.at(":", "1:").set(0), [[1, 0, 0], [4, 0], [], [6]]],
    ["every other row", () => x.at("::2").add(1), [[2, 3, 4], [4, 5], [], [6]]],
    ["rows, each as often as it is named", () => x.at([0, 0, 3]).add(10), [[21, 22, 23], [4, 5], [], [16]]],
    ["where it is true", () => x.at(x.greater(3)).set(0), [[1, 2, 3], [0, 0], [], [0]]],
    ["other rows where it is true", () => x.at(x.greater(3)).set([[], [1, 2], [], [3]]), [[1, 2, 3], [1, 2], [], [3]]],
    ["the larger", () => x.at("2:").max(9), [[1, 2, 3], [4, 5], [], [9]]],
  ])("%s", (_, f, list) => {
    expect([f().tolist(), x.tolist()]).toEqual([list, list]);
  });
  it("applies functions, and keeps what was read before", () => {
    const before = x.mul(1);
    expect(
      x
        .at("0:2")
        .apply((rows) => rows.sub(rows.mean({ axis: 1, keepdims: true })))
        .tolist(),
    ).toEqual([[-1, 0, 1], [-0.5, 0.5], [], [6]]);
    expect(before.tolist()).toEqual([[1, 2, 3], [4, 5], [], [6]]);
  });
  it.each([
    [() => x.set([[1, 2], [3], [], [4]]), "ShapeError: set: row 0 has 3 elements in one operand and 2 in the other"],
    [() => x.set(array([1, 2, 3, 4, 5, 6])), "ShapeError: set: f64[6] does not broadcast to f64[4,~]"],
    [() => x.at(0).set([1, 2]), "ShapeError: set: f64[2] does not broadcast into f64[3]"],
    [() => x.at(0).set(x), "UnsupportedError: set: f64[4,~] has rows of different lengths"],
    [() => x.at("1:").add(x), "ShapeError: add: one operand has"],
    [() => array([[1], [2, 3]], { dtype: "int32" }).set(0.5), "DTypeError: set: 0.5 cannot be represented as int32"],
    [() => pairs.at(":", ":", 0).set(pairs), "ShapeError: set: f64[2,~] does not broadcast"],
  ])("%#", (f, message) => {
    expect(said(f)).toContain(message);
  });
});

describe("plans", () => {
  it("are found again for other rows of as many elements", () => {
    const run = (lengths: readonly number[][]): void => evalAllSync(fromRows(lengths).softmax().sum({ axis: 1 }));
    run([[1, 2, 3], [4], []]);
    resetCounters();
    run([[1], [], [2, 3, 4]]);
    expect([counters().plansCompiled, counters().planHits]).toEqual([0, 1]);
  });
  it("are one for each length of a row, wherever it begins", () => {
    const rows = fromRows([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ]);
    evalAllSync(rows.at(1).mul(2));
    resetCounters();
    evalAllSync(rows.at(2).mul(2));
    expect([counters().plansCompiled, counters().planHits]).toEqual([0, 1]);
  });
});
