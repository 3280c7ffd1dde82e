import { describe, expect, it } from "vitest";
import { arange, array, arrayToString, tensor } from "../../src/index.ts";

describe("arrayToString", () => {
  const m = [
    [1, 2],
    [3, 4.5],
  ];
  it("prints elements as NumPy's str does, and tensors' as PyTorch lays them out", () => {
    expect(arrayToString(array(m))).toBe("[[1.  2. ]\n [3.  4.5]]");
    expect(arrayToString(tensor(m))).toBe("[[1.0000, 2.0000],\n [3.0000, 4.5000]]");
    expect(arrayToString(array([true, false]))).toBe("[ True False]");
    expect(arrayToString(array([[], []]))).toBe("[]");
  });
  it("takes options for this call, and a separator", () => {
    expect(arrayToString(array(m), { separator: "; ", floatmode: "fixed", precision: 1 })).toBe("[[1.0; 2.0];\n [3.0; 4.5]]");
    expect(arrayToString(array(1 / 3), { precision: 3 })).toBe("0.333");
    expect(arrayToString(array(m))).toBe("[[1.  2. ]\n [3.  4.5]]");
  });
  it("breaks lines at the width, with nothing kept for a name", () => {
    const lines = arrayToString(arange(40)).split("\n");
    expect(lines.map((line) => line.length)).toEqual([72, 49]);
  });
  it("names what it does not take", () => {
    const wrong: { readonly separator?: string } = Object.fromEntries([["separator", 3]]);
    expect(() => arrayToString(array(m), wrong)).toThrow("arrayToString: separator is a string, not 3.");
    expect(() => arrayToString(array(m), { precision: -1 })).toThrow("arrayToString: precision is");
  });
});
