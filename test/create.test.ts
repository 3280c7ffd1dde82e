import { describe, expect, it } from "vitest";
import { arange, array, eye, full, fullLike, indices, linspace, logspace, meshgrid, ones, tensor, tri, zeros, zerosLike } from "../src/index.ts";

describe("array and tensor", () => {
  it("take nested lists, numbers and booleans", () => {
    expect(
      array([
        [1, 2],
        [3, 4],
      ]).shape,
    ).toEqual([2, 2]);
    expect(array([]).shape).toEqual([0]);
    expect(array([[], []]).shape).toEqual([2, 0]);
    expect([array(1).dtype, tensor(1).dtype, tensor(true).dtype, tensor([true, false]).dtype]).toEqual(["float64", "float32", "bool", "bool"]);
  });
  it("take the dtype of typed arrays", () => {
    expect([array(new Float32Array(2)).dtype, tensor(new Float64Array(2)).dtype, tensor(new Int32Array(2)).dtype, tensor(new Uint32Array(2)).dtype]).toEqual([
      "float32",
      "float64",
      "int32",
      "uint32",
    ]);
    expect(tensor([new Float64Array([1, 2]), new Float64Array([3, 4])]).tolist()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
  it("take flat data with a shape", () => {
    expect(array(new Float64Array([1, 2, 3, 4]), { shape: [2, 2] }).tolist()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(tensor([1, 0], { dtype: "bool", shape: [1, 2] }).tolist()).toEqual([[true, false]]);
    expect(() => array([1, 2, 3], { shape: [2, 2] })).toThrow("array: 3 elements do not fill [2,2], which has 4");
    expect(() => array([1], { shape: [-1] })).toThrow("[-1] is no shape");
  });
  it("convert into each other", () => {
    expect([tensor(array([1])).face, tensor(array([1])).dtype, array(tensor([1]), { dtype: "float64" }).dtype]).toEqual(["tensor", "float64", "float64"]);
  });
  it.each([
    [
      () => tensor([[1, 2], [3]]),
      "ShapeError: tensor: row 1 has 1 elements, the rows before it 2. Only arrays have rows of different lengths; pad them to one length first: toPadded",
    ],
    [
      () =>
        tensor([
          [[1], [2]],
          [[3], [4, 5]],
        ]),
      "row 1, 1 has 2 elements, the rows before it 1",
    ],
    [() => tensor([[1, 2], 3]), "row 1 is a number where others are lists"],
    [() => tensor([1, [2]]), "an element is a list where others are numbers"],
    [() => array([[1, 2], 3]), "ShapeError: array: item 1 of list 0 at depth 1 is a number where others are lists. Nest all lists equally deep."],
    [
      () => tensor([1, 0.5], { dtype: "int32" }),
      'DTypeError: tensor: 0.5 cannot be represented as int32. Make it with a float dtype and convert with astype("int32")',
    ],
    [() => tensor([-1], { dtype: "uint32" }), "DTypeError: tensor: -1 cannot be represented as uint32"],
    [() => tensor([Number.NaN], { dtype: "int32" }), "NaN cannot be represented as int32"],
    [() => tensor([2], { dtype: "bool" }), "2 cannot be represented as bool"],
    [() => tensor([1], { dtype: "complex64" }), "DTypeError: tensor: dtype complex64 is known but does not compute yet"],
    [() => tensor([1, 2n]), "DTypeError: tensor: the data mixes float32 and int64"],
    [() => tensor([2n ** 63n]), "DTypeError: tensor: 9223372036854775808 cannot be represented as int64"],
    [
      () => tensor([2 ** 53], { dtype: "int64" }),
      "9007199254740992 is beyond the integers that JavaScript numbers hold exactly. Give int64 bigints: 9007199254740992n.",
    ],
    [() => tensor([256], { dtype: "uint8" }), "256 cannot be represented as uint8"],
    [() => tensor([-1n], { dtype: "uint64" }), "-1 cannot be represented as uint64"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => tensor([1], { dtype: "float" }), 'DTypeError: tensor: "float" is no dtype'],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => tensor("abc"), "UnsupportedError: tensor: abc is no data"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => tensor([[1, {}]]), "an object ([object Object]) is no data"],
    [() => tensor([new Float32Array(1), new Int32Array(1)]), "the data mixes"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => tensor([1], { device: "tpu" }), 'DeviceError: tensor: there is no device "tpu"'],
    [() => tensor([1], { dtype: "int32", requiresGrad: true }), "DTypeError: requiresGrad: i32[1] has no gradient"],
  ])("bad input %#", (make, message) => {
    let text = "";
    try {
      make();
    } catch (error) {
      text = String(error);
    }
    expect(text).toContain(message);
  });
});

describe("creation", () => {
  it("makes arrays, or tensors where the face says so", () => {
    expect([zeros(2).face, zeros(2).dtype, ones([2], { face: "tensor" }).face, ones([2], { face: "tensor" }).dtype]).toEqual([
      "array",
      "float64",
      "tensor",
      "float32",
    ]);
    expect(full([2], true).tolist()).toEqual([true, true]);
    expect(full([1, 2], 3, { dtype: "int32" }).tolist()).toEqual([[3, 3]]);
    expect(fullLike(tensor([1, 2], { dtype: "int32" }), 7).dtype).toBe("int32");
    expect(() => fullLike(tensor([1], { dtype: "int32" }), 0.5)).toThrow("0.5 cannot be represented as int32");
    expect(zerosLike(tensor([[1, 2]])).tolist()).toEqual([[0, 0]]);
  });
  it("counts", () => {
    expect(arange(3).tolist()).toEqual([0, 1, 2]);
    expect(arange(5, 1, -2).tolist()).toEqual([5, 3]);
    expect(arange(1, 4, { dtype: "int32" }).tolist()).toEqual([1, 2, 3]);
    expect(arange(3, { face: "tensor" }).dtype).toBe("float32");
    expect(arange(3, 1).shape).toEqual([0]);
    expect(() => arange(0, 1, 0)).toThrow("step that is not 0");
    expect(linspace(0, 1, 3).tolist()).toEqual([0, 0.5, 1]);
    expect(linspace(0, 1, 2, { endpoint: false }).tolist()).toEqual([0, 0.5]);
    expect(logspace(0, 2, 3).tolist()).toEqual([1, 10, 100]);
  });
  it("makes matrices and grids", () => {
    expect(eye(2).tolist()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(eye(2, 3, { k: 1 }).tolist()).toEqual([
      [0, 1, 0],
      [0, 0, 1],
    ]);
    expect(eye(1, { face: "tensor" }).face).toBe("tensor");
    expect(tri(2, 3).tolist()).toEqual([
      [1, 0, 0],
      [1, 1, 0],
    ]);
    expect(indices([1, 2]).tolist()).toEqual([[[0, 0]], [[0, 1]]]);
    expect(meshgrid(array([1, 2]), array([3, 4, 5])).map((x) => x.shape)).toEqual([
      [3, 2],
      [3, 2],
    ]);
  });
});
