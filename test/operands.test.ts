import { describe, expect, it } from "vitest";
import type { DType } from "../src/index.ts";
import {
  add,
  array,
  clip,
  concat,
  divide,
  equal,
  exp,
  greater,
  hypot,
  maskedFill,
  mean,
  multiply,
  noGrad,
  pad,
  pow,
  reshape,
  roll,
  split,
  stack,
  subtract,
  sum,
  tensor,
  where,
} from "../src/index.ts";

const i32 = (data: number[]) => array(data, { dtype: "int32" });
const i64 = (data: bigint[]) => array(data);
const message = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    return String(error);
  }
  return "no error";
};

describe("dtypes", () => {
  it.each<[DType, DType, DType]>([
    ["int32", "float32", "float32"],
    ["float32", "float64", "float64"],
    ["bool", "int32", "int32"],
    ["bool", "bool", "bool"],
  ])("%s and %s give %s", (a, b, both) => expect(add(array([1], { dtype: a }), array([1], { dtype: b })).dtype).toBe(both));

  it("a number takes the array's dtype", () => {
    expect([add(i32([1]), 2).dtype, add(2, tensor([1])).dtype, multiply(array([1]), true).dtype]).toEqual(["int32", "float32", "float64"]);
  });
  it("floats come from integers in the face's own width", () => {
    expect([exp(i32([1])).dtype, exp(tensor([1], { dtype: "int32" })).dtype, divide(i32([1]), 2).dtype, mean(tensor([true, false])).dtype]).toEqual([
      "float64",
      "float32",
      "float64",
      "float32",
    ]);
    expect(divide(i32([1]), 0.5).tolist()).toEqual([2]);
    expect(exp(array([1], { dtype: "float32" })).dtype).toBe("float32");
  });
  it("comparisons take any number", () => {
    expect(greater(i32([0, 1]), 0.5).tolist()).toEqual([false, true]);
    expect(equal(i32([2]), 3e9).tolist()).toEqual([false]);
    expect(equal(array([true]), 1).tolist()).toEqual([true]);
  });
  it("sums of bool count", () => expect([sum(array([true, true])).item(), sum(array([true])).dtype]).toEqual([2, "int32"]));
  it("sums take a dtype", () => expect(sum(i32([1, 2]), { dtype: "float64" }).dtype).toBe("float64"));
  it("powers of integers are integers", () => expect(pow(i32([2, 3]), 2).tolist()).toEqual([4, 9]));
});

describe("bad operands", () => {
  it.each([
    [() => add(i32([1]), 0.5), "DTypeError: add: 0.5 cannot be represented as int32. Convert the array with astype"],
    [() => add(array([1], { dtype: "uint32" }), -1), "-1 cannot be represented as uint32"],
    [() => add(i64([1n]), array([1], { dtype: "uint64" })), "DTypeError: add: no dtype holds both int64 and uint64. Convert one with astype."],
    [() => i64([1n]).add(2 ** 60), "DTypeError: add: 1152921504606847000 is beyond the integers that JavaScript numbers hold exactly. Give int64 a bigint."],
    [() => i64([1n]).add(2n ** 63n), "DTypeError: add: 9223372036854775808 cannot be represented as int64"],
    [() => array([1], { dtype: "int8" }).add(128), "DTypeError: add: 128 cannot be represented as int8"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => add(array([1]), tensor([1])), "UnsupportedError: add: mixes an array and a tensor. Convert one of them: tensor(x) or array(x)"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => add(1, 2), "UnsupportedError: add: none of the operands is an array or a tensor"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => add(array([1]), [1]), "UnsupportedError: add: a list is no array or tensor"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => exp("x"), "UnsupportedError: exp: x is no array or tensor"],
    [() => add(array([1, 2]), array([1, 2, 3])), "ShapeError: add: f64[2] and f64[3] do not broadcast: axis -1 has 2 and 3 elements"],
    [() => subtract(array([true]), array([true])), "DTypeError: subtract"],
    [() => sum(array([1]), { axis: 1 }), "IndexError: sum: axis 1 is out of range: axes of rank 1 are -1 to 0"],
    [() => sum(array([[1]]), { axis: [0, -2] }), "name one axis twice"],
    [() => sum(array([1]), { dim: 0 }), "UnsupportedError: sum: dim is PyTorch's name and goes with tensors. Arrays take axis"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => sum(array([1]), 0), "sum: options are one object"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => mean(array([1]), { axes: 0 }), "mean: there is no option axes"],
    [() => array([1]).max({ axis: 0 }).max({ axis: 0 }), "a scalar has no axes"],
    [() => array([]).max(), "ShapeError"],
    [() => reshape(array([1, 2, 3]), [2, -1]), "reshape: f64[3] has 3 elements, which [2,-1] does not divide"],
    [() => reshape(array([1, 2]), [3]), "reshape: f64[2] has 2 elements, [3] has 3"],
    [() => array([1, 2]).squeeze(0), "squeeze: axis 0 of f64[2] has 2 elements"],
    [() => array([[1]]).permuteDims(0, 0), "permuteDims: [0,0] is no order of the 2 axes"],
    [() => array([1]).broadcastTo([2, 3]).broadcastTo([3]), "broadcastTo: f64[2,3] does not broadcast to [3]"],
    [() => concat([array([[1]]), array([1])]), "concat: operand 1 is f64[1], the first f64[1,1]"],
    [() => stack([array([1]), array([1, 2])]), "stack: operand 1 is f64[2], the first f64[1]"],
    [() => split(array([1]), 0), "split: 0 parts"],
    [() => pad(array([1]), [[1, -1]]), "widths are whole numbers from 0 on"],
    [() => roll(array([[1]]), [1, 2, 3], { axis: [0, 1] }), "roll: 3 shifts for 2 axes"],
    [() => where(array([1]), array([1]), array([2])), "DTypeError: where: the condition is f64[1], not bool"],
    [() => maskedFill(i32([1]), array([true]), 0.5), "0.5 cannot be represented as int32"],
    [() => array([1]).astype("complex64"), "dtype complex64 is known but does not compute yet"],
    [
      () =>
        tensor([
          [1, 2],
          [3, 4],
        ]).matmul(tensor([[1, 2, 3]])),
      "ShapeError: matmul: inner axes differ: f32[2,2] · f32[1,3] (2 ≠ 1)",
    ],
    [() => noGrad(async () => 1), "noGrad: its function is asynchronous"],
  ])("%#", (f, text) => expect(message(f)).toContain(text));

  it("records nothing that hurts later calls", () => {
    const x = array([1, 2]);
    expect(() => x.add(array([1, 2, 3]))).toThrow("do not broadcast");
    expect(x.add(1).tolist()).toEqual([2, 3]);
  });
});

describe("functions", () => {
  it("methods and free functions are one", () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(x.sum({ dim: 1, keepdim: true }).tolist()).toEqual(sum(x, { axis: 1, keepdims: true }).tolist());
    expect(x.mul(2).tolist()).toEqual(multiply(x, 2).tolist());
    expect(hypot(tensor([3]), 4).item()).toBe(5);
  });
  it("clip takes bounds by position and by name", () => {
    expect(clip(array([1, 5]), 2, 4).tolist()).toEqual([2, 4]);
    expect(clip(array([1, 5]), { max: 4 }).tolist()).toEqual([1, 4]);
    expect(clip(array([1, 5]), null, array([4, 4])).tolist()).toEqual([1, 4]);
    expect(clip(array([1, 5]), array([2, 2])).tolist()).toEqual([2, 5]);
  });
  it("pads in every mode, beyond the length too", () => {
    const x = array([1, 2, 3]);
    expect(pad(x, 4, { mode: "reflect" }).tolist()).toEqual([1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3]);
    expect(pad(x, [[4, 0]], { mode: "symmetric" }).tolist()).toEqual([3, 3, 2, 1, 1, 2, 3]);
    expect(pad(x, [[4, 1]], { mode: "wrap" }).tolist()).toEqual([3, 1, 2, 3, 1, 2, 3, 1]);
    expect(pad(x, [[1, 2]], { mode: "edge" }).tolist()).toEqual([1, 1, 2, 3, 3, 3]);
    expect(pad(x, [[1, 1]], { constantValues: 7 }).tolist()).toEqual([7, 1, 2, 3, 7]);
  });
});
