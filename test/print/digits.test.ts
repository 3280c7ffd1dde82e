import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactDecimal, exponentText, positionalText, roundAt, roundTotal, shortestDecimal, withoutZeros } from "../../src/print/digits.ts";
import type { Decimal } from "../../src/print/digits.ts";

const numberOf = (d: Decimal): number => Number(positionalText(d));
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

describe("exactDecimal", () => {
  it.each([
    [0, "0."],
    [-0, "0."],
    [0.1, "0.1000000000000000055511151231257827021181583404541015625"],
    [-2.5, "2.5"],
    [1e23, "99999999999999991611392."],
    [2 ** 53, "9007199254740992."],
  ])("%d", (x, text) => expect(positionalText(exactDecimal(x))).toBe(text));
  it("has all digits of the smallest number", () => {
    expect(exactDecimal(5e-324)).toMatchObject({ scale: 1074, digits: expect.stringMatching(/^4940656458412465.*5$/) });
  });
  it("reads back", () => fc.assert(fc.property(finite, (x) => numberOf(exactDecimal(x)) === Math.abs(x))));
});

describe("rounding", () => {
  it.each([
    [0.5, 0, "0."],
    [1.5, 0, "2."],
    [2.5, 0, "2."],
    [0.125, 2, "0.12"],
    [0.375, 2, "0.38"],
    [0.15, 1, "0.1"],
    [9.96, 1, "10.0"],
    [0.04, 1, "0.0"],
    [0.06, 1, "0.1"],
    [0.006, 1, "0.0"],
    [3, 2, "3.00"],
    [1250, -2, "1200."],
  ])("%d to %d digits after the point: ties to even, of the exact value", (x, scale, text) => {
    expect(positionalText(roundAt(exactDecimal(x), scale))).toBe(text);
  });
  it.each([
    [9.996, 3, "1.00e+01"],
    [0.0012345, 3, "1.23e-03"],
    [1e300, 3, "1.00e+300"],
    [0, 3, "0.00e+00"],
  ])("%d to %d digits in all", (x, count, text) => expect(exponentText(roundTotal(exactDecimal(x), count), count - 1, 2)).toBe(text));

  it("agrees with toFixed wherever that has no tie to break", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e20, max: 1e20, noNaN: true }), fc.integer({ min: 0, max: 20 }), (x, digits) => {
        const exact = exactDecimal(x);
        const tie = exact.scale === digits + 1 && exact.digits.endsWith("5");
        fc.pre(!tie);
        expect(positionalText(roundAt(exact, digits)).replace(/\.$/, "")).toBe(Math.abs(x).toFixed(digits));
      }),
    );
  });
});

describe("shortestDecimal", () => {
  it("of float64 is what JavaScript prints", () => fc.assert(fc.property(finite, (x) => numberOf(shortestDecimal(x, "float64")) === Math.abs(x))));
  it("of float32 reads back, and nothing shorter does", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (x) => {
        const d = shortestDecimal(x, "float32");
        expect(Math.fround(numberOf(d))).toBe(Math.abs(x));
        if (d.digits.length > 1) expect(Math.fround(Number(x.toPrecision(d.digits.length - 1)))).not.toBe(x);
      }),
    );
  });
  it("finds the digits above a power of two, where those below are too far", () => {
    // The 8 digits nearest to 2^-96 read back as the float before it.
    const x = 2 ** -96;
    expect(Math.fround(Number(x.toPrecision(8)))).not.toBe(x);
    expect(Math.fround(numberOf(shortestDecimal(x, "float32")))).toBe(x);
  });
});

it("withoutZeros keeps those before the point", () => {
  expect(
    [exactDecimal(100), roundAt(exactDecimal(1.5), 4), roundAt(exactDecimal(0), 4), roundAt(exactDecimal(1e-3), 2)].map((d) => positionalText(withoutZeros(d))),
  ).toEqual(["100.", "1.5", "0.", "0."]);
});
