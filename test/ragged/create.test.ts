/** Making ragged arrays, what they say of themselves, and what they refuse. */
import { inspect as show } from "node:util";
import { describe, expect, it } from "vitest";
import {
  array,
  arrayToString,
  evalAllSync,
  flatValues,
  fromPadded,
  fromRows,
  isRagged,
  NDArray,
  ragged,
  rowLengths,
  rowOffsets,
  tensor,
  toPadded,
  zerosLike,
} from "../../src/index.ts";

const messageOf = (f: () => unknown): string => {
  try {
    return String(f());
  } catch (error) {
    return String(error);
  }
};

describe("making", () => {
  it.each([
    [
      "rows",
      () =>
        array([
          [1, 2, 3],
          [4, 5],
        ]),
      "f64[2,~]",
      [
        [1, 2, 3],
        [4, 5],
      ],
    ],
    ["rows of rows", () => array([[[1], [2, 3]], [], [[4]]]), "f64[3,~,~]", [[[1], [2, 3]], [], [[4]]]],
    [
      "rows of pairs",
      () =>
        array([
          [
            [1, 2],
            [3, 4],
          ],
          [[5, 6]],
        ]),
      "f64[2,~,2]",
      [
        [
          [1, 2],
          [3, 4],
        ],
        [[5, 6]],
      ],
    ],
    [
      "an even axis around ragged ones",
      () =>
        array([
          [[1], [2, 3]],
          [[4], []],
        ]),
      "f64[2,~,~]",
      [
        [[1], [2, 3]],
        [[4], []],
      ],
    ],
    ["empty rows first", () => array([[], [[1, 2]]]), "f64[2,~,2]", [[], [[1, 2]]]],
    ["booleans", () => array([[true], [false, true]]), "bool[2,~]", [[true], [false, true]]],
    ["typed arrays", () => array([Int32Array.of(1, 2), Int32Array.of(3)]), "i32[2,~]", [[1, 2], [3]]],
    ["a dtype", () => array([[1, 2], [3]], { dtype: "float32" }), "f32[2,~]", [[1, 2], [3]]],
    ["lengths", () => ragged([1, 2, 3, 4], { rowLengths: [3, 0, 1] }), "f64[3,~]", [[1, 2, 3], [], [4]]],
    ["offsets", () => ragged(Int32Array.of(7, 8), { offsets: Int32Array.of(0, 2, 2) }), "i32[2,~]", [[7, 8], []]],
    [
      "lengths that are an array",
      () =>
        ragged([1, 2], {
          rowLengths: array([[1], [2]], { dtype: "int32" })
            .sum({ axis: 1 })
            .sub(1),
        }),
      "f64[2,~]",
      null,
    ],
    ["rows of ragged rows", () => ragged(ragged([1, 2, 3], { rowLengths: [1, 2] }), { rowLengths: [0, 2] }), "f64[2,~,~]", [[], [[1], [2, 3]]]],
    [
      "elements with axes of their own",
      () =>
        ragged(
          [
            [1, 2],
            [3, 4],
          ],
          { rowLengths: [0, 2] },
        ),
      "f64[2,~,2]",
      [
        [],
        [
          [1, 2],
          [3, 4],
        ],
      ],
    ],
    [
      "a list of rows of one length",
      () =>
        fromRows([
          [1, 2],
          [3, 4],
        ]),
      "f64[2,~]",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["a list of arrays", () => fromRows([array([1, 2]), [3]]), "f64[2,~]", [[1, 2], [3]]],
    ["a list of ragged rows", () => fromRows([array([[1], [2, 3]]), array([[4, 5]])]), "f64[2,~,~]", [[[1], [2, 3]], [[4, 5]]]],
    ["integers beside an empty row", () => fromRows([array([1], { dtype: "int32" }), []]), "i32[2,~]", [[1], []]],
    ["no rows", () => fromRows([]), "f64[0,~]", []],
    ["empty rows", () => fromRows([[], []]), "f64[2,~]", [[], []]],
    [
      "a dense array, cut",
      () =>
        fromPadded(
          [
            [1, 2],
            [3, 4],
          ],
          [0, 2],
        ),
      "f64[2,~]",
      [[], [3, 4]],
    ],
    ["a copy in another dtype", () => array(array([[1], [2, 3]]), { dtype: "int32" }), "i32[2,~]", [[1], [2, 3]]],
  ] as const)("%s", (_, make, type, list) => {
    if (list === null) {
      expect(messageOf(make)).toContain("ragged: rows from 0 to 1 for 2 elements of f64[2]");
      return;
    }
    const x = make();
    expect(x).toBeInstanceOf(NDArray);
    expect([isRagged(x), x.typeName, x.tolist()]).toEqual([true, type, list]);
  });

  it("lists of one length stay dense", () => {
    const dense = [
      array([
        [1, 2],
        [3, 4],
      ]),
      array([[], []]),
      array([[]]),
      array([[[1]], [[2]]]),
    ];
    expect(dense.map(isRagged)).toEqual([false, false, false, false]);
    expect(dense.map((x) => x.shape)).toEqual([
      [2, 2],
      [2, 0],
      [1, 0],
      [2, 1, 1],
    ]);
  });

  it.each([
    [
      () =>
        tensor([
          [1, 2, 3],
          [4, 5],
        ]),
      "ShapeError: tensor: row 1 has 2 elements, the rows before it 3. Only arrays have rows of different lengths; pad them to one length first: toPadded",
    ],
    [
      () =>
        tensor(
          array([
            [1, 2, 3],
            [4, 5],
          ]),
        ),
      "ShapeError: tensor: row 1 has 2 elements, the rows before it 3. Only arrays have rows of different lengths; pad them to one length first: toPadded",
    ],
    [() => tensor(array([[[1], [2, 3]], [[4, 5]]])), "ShapeError: tensor: row 1 has 1 elements, the rows before it 2."],
    [
      () =>
        tensor(
          array([
            [[1], [2, 3]],
            [[4], [5]],
          ]),
        ),
      "ShapeError: tensor: row 0, 1 has 2 elements, the rows before it 1.",
    ],
    [
      () =>
        tensor([
          [[1], [2]],
          [[3], [4, 5]],
        ]),
      "ShapeError: tensor: row 1, 1 has 2 elements, the rows before it 1.",
    ],
    [() => tensor(array([[1], [2, 3]]).toPadded()), "tensor([[1, 0],\n        [2, 3]]"],
    [
      () =>
        tensor(
          fromRows([
            [1, 2],
            [3, 4],
          ]),
        ),
      "tensor([[1, 2],\n        [3, 4]], dtype=float64)",
    ],
    [() => array([[1, 2], 3]), "ShapeError: array: item 1 of list 0 at depth 1 is a number where others are lists"],
    [() => array([[1], [[2]]]), "is a number where others are lists"],
    [() => array([[1, 2], [3]], { shape: [3] }), "ShapeError: array: a shape is for flat data"],
    [() => array(array([[1, 2], [3]]), { shape: [3] }), "ShapeError: array: f64[2,~] has no other shape"],
    [() => array([[1, 0.5], [3]], { dtype: "int32" }), "DTypeError: array: 0.5 cannot be represented as int32"],
    [() => ragged([1, 2], { rowLengths: [1] }), "ShapeError: ragged: rows from 0 to 1 for 2 elements of f64[2]"],
    [() => ragged([1, 2], { offsets: [0, 2, 1] }), "ShapeError: ragged: row 1 would have -1 elements. Offsets rise."],
    [() => ragged([1, 2], { rowLengths: [0.5] }), "ShapeError: ragged: rowLengths has 0.5"],
    [() => ragged([1, 2], { rowLengths: array([1, 1]) }), "DTypeError: ragged: rowLengths are f64[2], they must be integers"],
    [() => ragged(1, { rowLengths: [1] }), "ShapeError: ragged: f64[] has no axis"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => ragged([1, 2], { lengths: [2] }), "UnsupportedError: ragged: there is no option lengths. There are rowLengths, offsets, dtype."],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => fromRows(3), "ShapeError: fromRows: 3 is no list of rows"],
    [() => fromRows([[1], 2]), "where others are lists"],
    [() => fromRows([array([1]), array([[1]])]), "ShapeError: fromRows: row 1 is f64[1,1]. Rows have an axis or more, all as many."],
    [() => fromRows([array([[1]]), array([[1, 2]])]), "ShapeError: fromRows: row 1 is f64[1,2], row 0 f64[1,1]"],
    [() => fromPadded([[1, 2]], [3]), "ShapeError: fromPadded: row 0 of f64[1,2] has no 3 elements, but 2."],
    [() => fromPadded([[1, 2]], [1, 1]), "ShapeError: fromPadded: 2 lengths for 1 rows"],
    [() => fromPadded([1, 2], [1, 1]), "ShapeError: fromPadded: f64[2] has no rows"],
    [() => array([[1], [2, 3]]).toPadded(0.5).dtype, "float64"],
    [() => array([[true], [false, true]]).toPadded(2), "DTypeError: toPadded: 2 cannot be represented as bool"],
  ])("%#", (f, message) => expect(messageOf(f)).toContain(message));
});

describe("what they say of themselves", () => {
  const x = array([[1, 2, 3], [], [4]]);
  const deep = array([
    [
      [1, 2],
      [3, 4],
    ],
    [[5, 6]],
  ]);

  it("counts, types and offsets", () => {
    expect([x.length, x.size, x.ndim, x.dtype, x.device]).toEqual([3, 4, 2, "float64", "cpu"]);
    expect([deep.length, deep.size, deep.ndim]).toEqual([2, 6, 3]);
    expect([rowLengths(x).tolist(), rowOffsets(x).tolist(), flatValues(x).tolist()]).toEqual([
      [3, 0, 1],
      [0, 3, 3, 4],
      [1, 2, 3, 4],
    ]);
    expect([deep.rowLengths().tolist(), deep.rowLengths({ axis: 2 }).tolist(), deep.flatValues().shape]).toEqual([
      [2, 1],
      [[2, 2], [2]],
      [3, 2],
    ]);
    const deeper = array([[[1], [2, 3]], [[4]]]);
    expect([deeper.rowLengths({ axis: 2 }).tolist(), deeper.rowOffsets({ axis: 2 }).tolist()]).toEqual([
      [[1, 2], [1]],
      [0, 1, 3, 4],
    ]);
  });
  it("of dense arrays too", () => {
    const dense = array([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect([dense.rowLengths().tolist(), dense.rowOffsets().tolist(), dense.flatValues().shape, dense.toPadded(9).tolist()]).toEqual([
      [2, 2, 2],
      [0, 2, 4, 6],
      [6],
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    ]);
    expect([rowLengths(tensor([[1, 2]])).tolist(), toPadded(tensor([1])).tolist(), isRagged(tensor([1]))]).toEqual([[2], [1], false]);
  });
  it("have no shape", () => {
    expect(() => x.shape).toThrow(/UnsupportedError|shape: f64\[3,~\] has rows of different lengths.*rowLengths.*toPadded/);
    expect(() => x.rowLengths({ axis: 0 })).toThrow("rowLengths: axis 0 counts the rows of f64[3,~]");
    expect(() => x.item()).toThrow("item: f64[3,~] has 4 elements, not one");
    expect(array([[], [[7]]]).item()).toBe(7);
  });
  it("print as rows, and never compute to do so", () => {
    expect(String(x)).toBe("array([[1, 2, 3],\n       [],\n       [4]])");
    expect(arrayToString(x)).toBe("[[1 2 3]\n []\n [4]]");
    expect(String(deep)).toBe("array([[[1, 2],\n        [3, 4]],\n\n       [[5, 6]]])");
    expect(String(fromRows([]))).toBe("array([], shape=(0, ~))");
    expect(String(array([[1], [2, 3]], { dtype: "int32" }))).toBe("array([[1],\n       [2, 3]], dtype=int32)");
    const sum = x.add(1);
    expect(show(sum)).toMatch(/^array\(f64\[3,~\], lazy: \d+ nodes, \w+\)$/);
    evalAllSync(sum);
    expect(show(sum)).toBe("array([[2, 3, 4],\n       [],\n       [5]])");
  });
  it("give their elements, and are evaluated and disposed as any array", async () => {
    const y = x.mul(2);
    expect([y.evaluated, [...(await y.data())], y.evaluated]).toEqual([false, [2, 4, 6, 8], true]);
    expect([...(await y.eval()).dataSync()]).toEqual([2, 4, 6, 8]);
    const part = y.add(1);
    y.dispose();
    expect([String(y), part.tolist()]).toEqual(["array(disposed)", [[3, 5, 7], [], [9]]]);
  });
  it("are copied by array, and made alike", () => {
    const copy = array(x);
    copy.set(0);
    expect([x.tolist(), copy.tolist(), zerosLike(x).tolist()]).toEqual([
      [[1, 2, 3], [], [4]],
      [[0, 0, 0], [], [0]],
      [[0, 0, 0], [], [0]],
    ]);
  });
});
