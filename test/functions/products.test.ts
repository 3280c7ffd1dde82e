import { afterEach, describe, expect, it } from "vitest";
import { array, configure, dot, einsum, inner, kron, matmul, matrixPower, outer, tensor, tensordot, trace, vecdot } from "../../src/index.ts";

afterEach(() => configure({ target: "wasm", fusion: true }));

// the values are NumPy's
describe.each(["js", "wasm"] as const)("products of bools on %s: whether both are true anywhere", (target) => {
  const a = array([
    [true, false, true],
    [false, false, true],
  ]);
  const b = array([
    [false, true],
    [true, true],
    [false, false],
  ]);
  it.each([true, false])("fusion %s", (fusion) => {
    configure({ target, fusion });
    const product = [
      [false, true],
      [false, false],
    ];
    for (const x of [matmul(a, b), dot(a, b), einsum("ij,jk->ik", a, b), tensordot(a, b, 1), inner(a, b.transpose())]) {
      expect(x.dtype).toBe("bool");
      expect(x.tolist()).toEqual(product);
    }
    expect(matmul(a, array([false, true, true])).tolist()).toEqual([true, true]);
    expect(vecdot(a, array([true, true, false])).tolist()).toEqual([true, false]);
    expect(einsum("ij->j", a).tolist()).toEqual([true, false, true]);
    expect(einsum("ij,jk,kl->il", a, b, a).tolist()).toEqual([
      [false, false, true],
      [false, false, false],
    ]);
    expect(matrixPower(b.get(":2"), 2).tolist()).toEqual([
      [true, true],
      [true, true],
    ]);
    expect(outer(array([true, false]), array([false, true])).tolist()).toEqual([
      [false, true],
      [false, false],
    ]);
    expect(kron(array([true, false]), array([true, true])).tolist()).toEqual([true, true, false, false]);
  });
  it("of many", () => {
    configure({ target });
    const n = 70;
    const x = array(Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i * 7 + j * 3) % 31 === 0)));
    const y = array(Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i * 5 + j) % 37 === 0)));
    const counted = matmul(x.astype("int32"), y.astype("int32"));
    expect(matmul(x, y).tolist()).toEqual(counted.notEqual(0).tolist());
  });
});

describe("trace", () => {
  it.each([
    ["bool", "int32"],
    ["int8", "int32"],
    ["uint8", "uint32"],
    ["int64", "int64"],
    ["float16", "float16"],
  ] as const)("of %s is %s, as the sum is", (dtype, sums) => {
    const x = tensor([
      [1, 2],
      [3, 100],
    ]).astype(dtype);
    expect(trace(x).dtype).toBe(sums);
    expect(Number(trace(x).item())).toBe(dtype === "bool" ? 2 : 101);
  });
  it("does not run over where elements are narrow", () => {
    expect(
      trace(
        array([100, 100, 100])
          .astype("int8")
          .reshape(3, 1)
          .mul(array([[1, 1, 1]]).astype("int8")),
      ).item(),
    ).toBe(300);
  });
});
