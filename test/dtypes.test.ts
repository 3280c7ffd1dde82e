/** Narrow and 64-bit integers and float16 as users meet them: made, computed, read, printed, written and differentiated. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DType, HostArray } from "../src/index.ts";
import {
  add,
  arange,
  argmax,
  argsort,
  array,
  bitwiseXor,
  configure,
  cumprod,
  cumsum,
  equal,
  evalAll,
  full,
  gcd,
  greater,
  less,
  matmul,
  max,
  mean,
  min,
  nanToNum,
  ones,
  pow,
  prod,
  sort,
  std,
  sum,
  take,
  tensor,
  where,
  zeros,
} from "../src/index.ts";

const before = configure().target;
const narrow = ["int8", "uint8", "int16", "uint16"] as const;
const most = 2n ** 63n - 1n;
const message = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    return String(error);
  }
  return "no error";
};

describe.each(["wasm", "js", "interpreter"] as const)("on %s", (target) => {
  beforeEach(() => configure({ target }));
  afterEach(() => configure({ target: before }));

  describe("made and read", () => {
    it.each<[HostArray | Uint8ClampedArray, DType]>([
      [Int8Array.of(1, -128), "int8"],
      [Uint8Array.of(1, 255), "uint8"],
      [Uint8ClampedArray.of(1, 255), "uint8"],
      [Int16Array.of(1, -32768), "int16"],
      [Uint16Array.of(1, 65535), "uint16"],
      [BigInt64Array.of(1n, -most), "int64"],
      [BigUint64Array.of(1n, 2n ** 64n - 1n), "uint64"],
    ])("%o keeps its dtype", (data, dtype) => {
      for (const x of [array(data), tensor(data)]) {
        expect(x.dtype).toBe(dtype);
        const read = x.dataSync<HostArray>();
        expect(read.constructor.name).toBe(data.constructor.name.replace("Clamped", ""));
        expect([...read]).toEqual([...data]);
      }
    });
    it("float16 is read as a Float32Array of exact values", () => {
      const x = array([1 / 3, 65519, 65520, 2 ** -24, NaN], { dtype: "float16" });
      expect(x.dataSync()).toEqual(Float32Array.of(0.333251953125, 65504, Infinity, 2 ** -24, NaN));
      expect(array([1 + 2 ** -11 + 2 ** -40], { dtype: "float16" }).item()).toBe(1 + 2 ** -10);
    });
    it("64-bit integers are bigints in lists and as items", () => {
      expect(array([[1n], [most]]).tolist()).toEqual([[1n], [most]]);
      expect(array(most).item()).toBe(most);
      expect(array([3], { dtype: "uint64" }).at(0).item()).toBe(3n);
    });
    it("reads into memory of the user's", () => {
      const into = new BigInt64Array(2);
      expect(array([1n, 2n]).dataSync({ into })).toBe(into);
      expect([...into]).toEqual([1n, 2n]);
      expect(message(() => array([1n, 2n]).dataSync({ into: new Float64Array(2) }))).toContain("needs a BigInt64Array of 2 elements");
    });
    it("fills and counts", () => {
      expect(zeros([2], { dtype: "int64" }).tolist()).toEqual([0n, 0n]);
      expect(ones([2], { dtype: "float16" }).tolist()).toEqual([1, 1]);
      expect(full([2], 2n ** 60n, { dtype: "int64" }).tolist()).toEqual([2n ** 60n, 2n ** 60n]);
      expect(full([1], 5n).dtype).toBe("int64");
      expect(full([2], 7, { dtype: "int8" }).add(1).tolist()).toEqual([8, 8]);
      expect(arange(3, { dtype: "uint64" }).tolist()).toEqual([0n, 1n, 2n]);
    });
    it("prints the dtype", () => {
      expect(String(array([1, -2], { dtype: "int8" }))).toBe("array([ 1, -2], dtype=int8)");
      expect(String(array([[1n, -20n]]))).toBe("array([[  1, -20]], dtype=int64)");
      expect(String(tensor([2n ** 53n + 1n]))).toBe("tensor([9007199254740993], dtype=int64)");
      expect(String(array(5n))).toBe("array(5, dtype=int64)");
      expect(String(array([0.1, 2], { dtype: "float16" }))).toBe("array([0.1, 2. ], dtype=float16)");
      expect(String(tensor([0.1, 2], { dtype: "float16" }))).toBe("tensor([0.1000, 2.0000], dtype=float16)");
    });
  });

  describe("converted", () => {
    const x = (): ReturnType<typeof array> => array([-1.7, 300.2, 1e20, NaN, -Infinity]);
    it.each<[DType, readonly (number | bigint)[]]>([
      ["int8", [-1, 127, 127, 0, -128]],
      ["uint8", [0, 255, 255, 0, 0]],
      ["int16", [-1, 300, 32767, 0, -32768]],
      ["uint16", [0, 300, 65535, 0, 0]],
      ["int64", [-1n, 300n, most, 0n, -most - 1n]],
      ["uint64", [0n, 300n, 2n ** 64n - 1n, 0n, 0n]],
    ])("floats saturate to %s", (dtype, want) => expect(x().astype(dtype).tolist()).toEqual(want));
    it("integers wrap", () => {
      expect(array([300, -1], { dtype: "int32" }).astype("uint8").tolist()).toEqual([44, 255]);
      expect(
        array([2n ** 32n + 1n])
          .astype("int32")
          .tolist(),
      ).toEqual([1]);
      expect(array([-1], { dtype: "int8" }).astype("uint64").tolist()).toEqual([2n ** 64n - 1n]);
      expect(
        array([2n ** 40n])
          .astype("bool")
          .tolist(),
      ).toEqual([true]);
    });
    it("float64 becomes float16 in one rounding, also where nothing else is done", () => {
      expect(
        array([1 + 2 ** -11 + 2 ** -40, 1 + 2 ** -11, 65519.9])
          .astype("float16")
          .tolist(),
      ).toEqual([1 + 2 ** -10, 1, 65504]);
    });
  });

  describe("computed", () => {
    it.each(narrow)("%s wraps in every step of a chain", (dtype) => {
      const { lo, hi } = { int8: { lo: -128, hi: 127 }, uint8: { lo: 0, hi: 255 }, int16: { lo: -32768, hi: 32767 }, uint16: { lo: 0, hi: 65535 } }[dtype];
      const x = array([hi, lo, 3], { dtype });
      expect(x.add(1).tolist()).toEqual([lo, lo + 1, 4]);
      // the division sees what the sum wrapped to
      expect(x.add(1).floorDivide(2).tolist()).toEqual([Math.floor(lo / 2), Math.floor((lo + 1) / 2), 2]);
      expect(greater(x.add(1), 0).tolist()).toEqual([false, lo + 1 > 0, true]);
      expect(x.mul(x).tolist()).toEqual([1, 0, 9]);
    });
    it("64 bits are exact", () => {
      const x = array([most, 2n ** 53n + 1n, -7n]);
      expect(x.add(1).tolist()).toEqual([-most - 1n, 2n ** 53n + 2n, -6n]);
      expect(x.mul(3n).tolist()).toEqual([BigInt.asIntN(64, most * 3n), 3n * (2n ** 53n + 1n), -21n]);
      expect(x.floorDivide(2).tolist()).toEqual([most / 2n, 2n ** 52n, -4n]);
      expect(x.remainder(2).tolist()).toEqual([1n, 1n, 1n]);
      expect(bitwiseXor(x, array([-1n])).tolist()).toEqual([-most - 1n, -(2n ** 53n) - 2n, 6n]);
      expect(less(array([2n ** 53n]), array([2n ** 53n + 1n])).tolist()).toEqual([true]);
      expect(pow(array([3n]), 39).tolist()).toEqual([4052555153018976267n]);
      expect(gcd(array([2n ** 62n]), array([6n ** 20n])).tolist()).toEqual([2n ** 20n]);
      expect(gcd(array([-128], { dtype: "int8" }), array([-96], { dtype: "int8" })).tolist()).toEqual([32]);
    });
    it("comparisons take any number", () => {
      expect(equal(array([1n, 2n]), 1.5).tolist()).toEqual([false, false]);
      expect(greater(array([100], { dtype: "int8" }), 1000).tolist()).toEqual([false]);
      expect(less(array([1n]), 2n ** 70n).tolist()).toEqual([true]);
    });
    it("arrays promote as the standard says", () => {
      const of = (a: DType, b: DType): string => add(array([1], { dtype: a }), array([1], { dtype: b })).dtype;
      expect([of("int8", "uint8"), of("uint8", "uint16"), of("int32", "uint32"), of("int64", "int8"), of("uint64", "float16")]).toEqual([
        "int16",
        "uint16",
        "int64",
        "int64",
        "float16",
      ]);
      expect(message(() => of("int64", "uint64"))).toBe("DTypeError: add: no dtype holds both int64 and uint64. Convert one with astype.");
    });
    it("functions of floats make floats of integers, and leave float16", () => {
      expect([array([1n]).sqrt().dtype, tensor([1], { dtype: "int8" }).exp().dtype, array([1], { dtype: "float16" }).sin().dtype]).toEqual([
        "float64",
        "float32",
        "float16",
      ]);
    });
  });

  describe("reduced, sorted, picked", () => {
    it("sums and products of narrow integers are 32 bits wide, others keep their dtype", () => {
      const x = array([100, 100, 100], { dtype: "int8" });
      expect([sum(x).dtype, sum(x).item(), cumsum(x).tolist(), cumsum(x).dtype]).toEqual(["int32", 300, [100, 200, 300], "int32"]);
      expect([prod(x.astype("uint16")).dtype, prod(x.astype("uint16")).item(), cumprod(x.astype("uint8")).dtype]).toEqual(["uint32", 1000000, "uint32"]);
      expect([sum(x, { dtype: "int8" }).dtype, sum(x, { dtype: "int8" }).item()]).toEqual(["int8", 44]);
      expect(sum(array([most, 1n, 1n])).item()).toBe(-most);
      expect([sum(array([1, 2], { dtype: "uint64" })).dtype, mean(array([1n, 2n])).item()]).toEqual(["uint64", 1.5]);
    });
    it("extremes keep it, positions are int32", () => {
      const x = array([3n, -(2n ** 60n), 2n ** 60n + 1n, 2n ** 60n]);
      expect([max(x).item(), min(x).item(), argmax(x).item(), argmax(x).dtype]).toEqual([2n ** 60n + 1n, -(2n ** 60n), 2, "int32"]);
      expect([max(array([-3, -5], { dtype: "int8" })).item(), min(array([200, 255], { dtype: "uint8" })).item()]).toEqual([-3, 200]);
      expect([sort(x).tolist(), argsort(x).tolist()]).toEqual([
        [-(2n ** 60n), 3n, 2n ** 60n, 2n ** 60n + 1n],
        [1, 0, 3, 2],
      ]);
    });
    it("float16 is reduced in float32", () => {
      const x = ones([100_000], { dtype: "float16" });
      expect([sum(x).item(), mean(x).item(), std(x).item()]).toEqual([Infinity, 1, 0]);
      expect(sum(array([2048, 1, 1, 1], { dtype: "float16" })).item()).toBe(2052);
    });
    it("matrices of integers multiply in their dtype", () => {
      const x = array(
        [
          [100, 2],
          [3, 4],
        ],
        { dtype: "int8" },
      );
      expect([matmul(x, x).dtype, matmul(x, x).tolist()]).toEqual([
        "int8",
        [
          [22, -48],
          [56, 22],
        ],
      ]);
      const big = array([[2n ** 32n, 1n]]);
      expect(matmul(big, big.transpose()).tolist()).toEqual([[1n]]);
      expect(matmul(array([[256, 1]], { dtype: "float16" }), array([[256], [1]], { dtype: "float16" })).item()).toBe(Infinity);
    });
    it("any integer dtype indexes; what no int32 holds is out of range", () => {
      const x = array([10, 20, 30]);
      for (const dtype of ["int8", "uint8", "int16", "uint16", "uint32", "int64", "uint64"] as const)
        expect(x.at(array([2, 0], { dtype })).tolist()).toEqual([30, 10]);
      expect(take(x, array([-1n])).tolist()).toEqual([30]);
      for (const list of [Int8Array.of(2, 0), Uint16Array.of(2, 0), BigInt64Array.of(2n, 0n), [2n, 0n]]) expect(x.at(list).tolist()).toEqual([30, 10]);
      expect(message(() => x.at([2 ** 32]).tolist())).toContain("IndexError");
      expect(message(() => x.at(array([2n ** 32n])).tolist())).toContain("IndexError");
      expect(message(() => x.at(array([2 ** 32 - 1], { dtype: "uint32" })).tolist())).toContain("IndexError");
    });
    it("chooses and writes", () => {
      expect(where(array([true, false]), array([1n, 2n]), 5).tolist()).toEqual([1n, 5n]);
      for (const dtype of [...narrow, "int64", "uint64", "float16"] as const) {
        const x = zeros([4], { dtype });
        x.at("1:3").set(5);
        x.at(0).add(2);
        x.at([3, 3]).add(1);
        expect(x.astype("float64").tolist()).toEqual([2, 5, 5, 2]);
      }
      const big = zeros([2], { dtype: "int64" });
      big.at(0).set(2n ** 60n + 1n);
      big.at(1).set(3);
      expect(big.tolist()).toEqual([2n ** 60n + 1n, 3n]);
    });
  });

  describe("differentiated", () => {
    it("float16 has gradients, in float16", async () => {
      const x = tensor([1, 2, 0.1], { dtype: "float16", requiresGrad: true });
      const y = x.mul(x).sum();
      y.backward();
      await evalAll(y, x.grad);
      expect([x.grad?.dtype, x.grad?.tolist()]).toEqual(["float16", [2, 4, 0.199951171875]]);
    });
    it("integers have none", () => {
      expect(message(() => tensor([1n], { requiresGrad: true }))).toContain("only floats are differentiated");
    });
  });

  it("the largest finite float16 stands for infinity", () =>
    expect(nanToNum(array([Infinity, -Infinity, NaN], { dtype: "float16" })).tolist()).toEqual([65504, -65504, 0]));
});

describe("bad numbers", () => {
  it.each([
    [() => array([1], { dtype: "int8" }).add(200), "DTypeError: add: 200 cannot be represented as int8"],
    [() => array([1], { dtype: "uint8" }).mul(-1), "DTypeError: multiply: -1 cannot be represented as uint8"],
    [() => array([1n]).add(0.5), "DTypeError: add: 0.5 cannot be represented as int64"],
    [() => array([1n]).add(2 ** 53), "DTypeError: add: 9007199254740992 is beyond the integers that JavaScript numbers hold exactly. Give int64 a bigint."],
    [() => array([1], { dtype: "uint64" }).add(-1n), "DTypeError: add: -1 cannot be represented as uint64"],
    [() => zeros([2], { dtype: "int8" }).at(0).set(128), "128 cannot be represented as int8"],
    [() => tensor([1, 2], { dtype: "int64", device: "webgpu" }), "DTypeError: tensor: int64 does not exist on webgpu"],
    [() => tensor([1, 2], { dtype: "uint8", device: "webgpu" }), 'Use astype("int32"), or x.toDevice("cpu") first.'],
    [() => tensor([1, 2], { dtype: "float16", device: "webgpu" }), 'Use astype("float32"), or x.toDevice("cpu") first.'],
  ])("%#", (f, text) => expect(message(f)).toContain(text));
});
