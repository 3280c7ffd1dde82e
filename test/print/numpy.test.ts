import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { array, arrayToString } from "../../src/index.ts";
import { densePrinted, formatElements, formatValues } from "../../src/print/format.ts";
import { numpyScalar } from "../../src/print/numpy.ts";
import { standardOptions } from "../../src/print/options.ts";
import { printedCases } from "./fixtures.ts";

describe("arrays print as NumPy prints them", () => {
  const cases = printedCases("numpy");
  it("whatever they hold, under every option", () => expect(cases.length).toBeGreaterThan(200));
  it.each(cases)("$dtype $shape $options", (c) => {
    const data = c.data.map(Number);
    const options = { ...standardOptions.array, ...c.options };
    expect(formatValues("array", data, c, options)).toBe(c.repr);
    const layout = { separator: " ", indent: 0, closing: 0 };
    const bare = c.shape.length === 0 ? numpyScalar(Number(data[0]), c.dtype) : formatElements(densePrinted("array", data, c), options, layout);
    expect(bare).toBe(c.str);
  });
});

describe("where NumPy changes its mind", () => {
  const f32 = { dtype: "float32" } as const;
  it.each([
    // from 1e8 on, below 1e-4, and beyond a ratio of 1000, with exponents
    [array([99999999.5]), "array([99999999.5])"],
    [array([100000000.5]), "array([1.e+08])"],
    [array([0.0001]), "array([0.0001])"],
    [array([0.00009999]), "array([9.999e-05])"],
    [array([0.5, 500]), "array([  0.5, 500. ])"],
    [array([0.5, 500.5]), "array([5.000e-01, 5.005e+02])"],
    // float32: 0.0001 is stored as less than that
    [array([0.0001], f32), "array([1.e-04], dtype=float32)"],
    // as many digits in all exponents, as many after the point
    [array([1.5e-10, 1e100]), "array([1.5e-010, 1.0e+100])"],
    // ties go to the even digit, at the precision and between two shortest
    [array([2 ** -9, 1.5]), "array([0.00195312, 1.5       ])"],
    [array([3 * 2 ** -9, 1.5]), "array([0.00585938, 1.5       ])"],
    [array([2097152.25], f32), "array([2097152.2], dtype=float32)"],
    // digits that do not read back are exact, not zeros
    [array([99999992, 0.5e6 + 0.5], f32), "array([99999992. ,   500000.5], dtype=float32)"],
    [array([true, true]), "array([ True,  True])"],
    [array(true), "array(True)"],
    [array([Number.NaN, Infinity]), "array([nan, inf])"],
    [array([[], []]), "array([], shape=(2, 0))"],
  ])("%#", (x, text) => expect(String(x)).toBe(text));

  it.each([
    [array(1 / 3), "0.3333333333333333"],
    [array(0.00001), "1e-05"],
    [array(1.5e16), "1.5e+16"],
    [array(1e300), "1e+300"],
    [array(2 ** 53), "9007199254740992"],
    [array(0.1, { dtype: "float32" }), "0.1"],
    [array(3), "3"],
    [array(-Infinity), "-inf"],
    [array(false), "False"],
    [array([1 / 3]), "[0.33333333]"],
  ])("str %#", (x, text) => expect(arrayToString(x)).toBe(text));
});

const numberIn = (token: string): number => Number(token.replace("nan", "NaN").replace("inf", "Infinity"));
const tokensOf = (text: string): string[] => text.split(/[[\]\s,]+/).filter((token) => token !== "");

describe("what is printed reads back as the same elements", () => {
  const whole = { threshold: Infinity, linewidth: Infinity } as const;
  const float64s = fc.array(fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, 5e-324, Number.MAX_VALUE, 2 ** 50 + 0.25)), { minLength: 1, maxLength: 8 });
  const float32s = fc.array(fc.oneof(fc.float(), fc.integer().map(Math.fround), fc.constantFrom(2 ** -149, 2097152.25)), { minLength: 1, maxLength: 8 });

  it("with floatmode unique", () => {
    fc.assert(
      fc.property(float64s, (xs) => {
        const text = arrayToString(array(xs), { ...whole, floatmode: "unique" });
        expect(tokensOf(text).map(numberIn)).toEqual(xs);
      }),
      { numRuns: 300 },
    );
  });
  it("with 17 digits after the first", () => {
    fc.assert(
      fc.property(float64s, (xs) => {
        const text = arrayToString(array(xs), { ...whole, precision: 17, sciMode: true });
        expect(tokensOf(text).map(numberIn)).toEqual(xs);
      }),
      { numRuns: 300 },
    );
  });
  it("as float32, with no more digits than float32 has", () => {
    fc.assert(
      fc.property(float32s, (xs) => {
        const text = arrayToString(array(xs, { dtype: "float32" }), { ...whole, floatmode: "unique", sciMode: true });
        expect(tokensOf(text).map(numberIn).map(Math.fround)).toEqual(xs);
        expect(Math.max(...tokensOf(text).map((t) => t.replace(/e.*/, "").replace(/\D/g, "").length))).toBeLessThanOrEqual(9);
      }),
      { numRuns: 300 },
    );
  });
  it("and every row is as wide as the others", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.double(), fc.double(), fc.integer()), { minLength: 1, maxLength: 6 }), (rows) => {
        const lines = arrayToString(array(rows), whole)
          .slice(1, -1)
          .split("\n")
          .map((line) => line.trimStart());
        expect(new Set(lines.map((line) => line.length)).size).toBe(1);
      }),
    );
  });
});
