import { describe, expect, test } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { digamma, erf, erfc, erfinv, i0, i1, lgamma, ndtr, polygamma } from "../../compiler/ops/special.ts";
import { evaluate, f32, f64, i32, slopeOf, vector } from "./evaluate.ts";
import { reference } from "./special-reference.ts";

/**
 * Per function: relative bounds for float64 and float32, and an absolute one in units of the precision where the function has
 * zeros that its formula meets by cancellation.
 */
const functions: readonly {
  readonly name: string;
  readonly f: (x: Value) => Value;
  readonly relative: readonly [number, number];
  readonly absolute: number;
}[] = [
  { name: "erf", f: erf, relative: [1e-15, 4e-7], absolute: 0 },
  { name: "erfc", f: erfc, relative: [2e-15, 5e-7], absolute: 0 },
  { name: "erfc far", f: erfc, relative: [2e-15, 5e-7], absolute: 0 },
  { name: "erfinv", f: erfinv, relative: [2e-15, 5e-7], absolute: 0 },
  { name: "lgamma", f: lgamma, relative: [4e-15, 1e-6], absolute: 20 },
  { name: "digamma", f: digamma, relative: [2e-15, 1e-6], absolute: 20 },
  { name: "polygamma 1", f: (x) => polygamma(1, x), relative: [2e-15, 1e-6], absolute: 0 },
  { name: "polygamma 2", f: (x) => polygamma(2, x), relative: [2e-14, 2e-6], absolute: 600 },
  { name: "polygamma 3", f: (x) => polygamma(3, x), relative: [4e-15, 2e-6], absolute: 0 },
  { name: "polygamma 4", f: (x) => polygamma(4, x), relative: [2e-13, 2e-5], absolute: 10_000 },
  { name: "polygamma 7", f: (x) => polygamma(7, x), relative: [4e-15, 3e-6], absolute: 0 },
  { name: "i0", f: i0, relative: [2e-15, 1e-6], absolute: 0 },
  { name: "i1", f: i1, relative: [2e-15, 1e-6], absolute: 0 },
];

/** The samples beyond their bound, as text. */
function misses(name: string, f: (x: Value) => Value, dtype: "float64" | "float32", relative: number, absolute: number): string[] {
  const samples = reference[name] ?? { x: [], y: [] };
  const got = evaluate(f(vector(dtype, samples.x)));
  return samples.x.flatMap((x, i) => {
    const want = dtype === "float32" ? Math.fround(at(samples.y, i)) : at(samples.y, i);
    // float32 results below the normal range keep fewer digits
    const tiny = dtype === "float32" ? 1.5e-45 * 2 : 0;
    const bound = relative * Math.abs(want) + absolute * (dtype === "float32" ? 6e-8 : 1.1e-16) + tiny;
    return at(got, i) === want || Math.abs(at(got, i) - want) <= bound ? [] : [`${name}(${x}) is ${want}, not ${at(got, i)}`];
  });
}

describe.each(functions)("$name against 40 digits", ({ name, f, relative, absolute }) => {
  test("there are samples", () => expect(reference[name]?.x.length).toBeGreaterThanOrEqual(14));
  test("float64", () => expect(misses(name, f, "float64", relative[0], absolute)).toEqual([]));
  test("float32", () => expect(misses(name, f, "float32", relative[1], absolute)).toEqual([]));
});

const [inf, nan] = [Infinity, NaN];

describe.each([{ dtype: "float64" as const }, { dtype: "float32" as const }])("special values in $dtype", ({ dtype }) => {
  const v = (...xs: readonly number[]): Value => vector(dtype, xs);
  test("erf", () => expect(evaluate(erf(v(0, -0, inf, -inf, nan, 30, -30)))).toEqual([0, -0, 1, -1, nan, 1, -1]));
  test("erfc", () => expect(evaluate(erfc(v(0, -0, inf, -inf, nan, 30, -30)))).toEqual([1, 1, 0, 2, nan, 0, 2]));
  test("erfinv", () => expect(evaluate(erfinv(v(0, -0, 1, -1, nan, 1.5, -2)))).toEqual([0, -0, inf, -inf, nan, nan, nan]));
  test("ndtr", () => expect(evaluate(ndtr(v(0, inf, -inf, nan)))).toEqual([0.5, 1, 0, nan]));
  test("lgamma", () => expect(evaluate(lgamma(v(0, -0, 1, 2, -1, -2, -40, inf, -inf, nan)))).toEqual([inf, inf, 0, 0, inf, inf, inf, inf, inf, nan]));
  test("digamma", () => expect(evaluate(digamma(v(0, -1, -7, inf, -inf, nan)))).toEqual([-inf, nan, nan, inf, nan, nan]));
  test("polygamma", () => expect(evaluate(polygamma(1, v(0, -1, inf, nan)))).toEqual([inf, inf, 0, nan]));
  test("i0", () => expect(evaluate(i0(v(0, -0, inf, -inf, nan)))).toEqual([1, 1, inf, inf, nan]));
  test("i1", () => expect(evaluate(i1(v(0, -0, inf, -inf, nan)))).toEqual([0, -0, inf, -inf, nan]));
});

describe("range", () => {
  test("i0 where e^x alone overflows", () => expect(at(evaluate(i0(f64(711))), 0) / 9.087162727263793e306).toBeCloseTo(1, 12));
  test("ndtr keeps the digits of the far tail", () => expect(at(evaluate(ndtr(f64(-30))), 0) / 4.906713927148187e-198).toBeCloseTo(1, 12));
  test("lgamma near the largest float32 is Infinity, not NaN", () => expect(evaluate(lgamma(f32(3e38)))).toEqual([inf]));
  test("polygamma 0 is digamma", () => expect(evaluate(polygamma(0, f64(1.5)))).toEqual(evaluate(digamma(f64(1.5)))));
});

describe("derivatives", () => {
  test("erf at 0 is 2/√π", () => expect(slopeOf(erf(f64(0)))).toEqual([2 / Math.sqrt(Math.PI)]));
  test("erfc is the opposite", () => expect(slopeOf(erfc(f64(0.5)))).toEqual(slopeOf(erf(f64(0.5))).map((x) => -x)));
  test("erfinv at 0 is √π/2", () => expect(slopeOf(erfinv(f64(0)))).toEqual([Math.sqrt(Math.PI) / 2]));
  test("lgamma gives digamma", () => expect(slopeOf(lgamma(f64(2.5, -0.5)))).toEqual(evaluate(digamma(f64(2.5, -0.5)))));
  test("digamma gives polygamma 1", () => expect(slopeOf(digamma(f64(2.5)))).toEqual(evaluate(polygamma(1, f64(2.5)))));
  test("polygamma gives the next order", () => expect(slopeOf(polygamma(2, f64(2.5)))).toEqual(evaluate(polygamma(3, f64(2.5)))));
  test("i0 gives i1", () => expect(slopeOf(i0(f64(2.5, 0)))).toEqual(evaluate(i1(f64(2.5, 0)))));
  test("i1 at 0 is 1/2", () => expect(slopeOf(i1(f64(0, -0)))).toEqual([0.5, 0.5]));
});

describe("errors", () => {
  test("an integer operand", () => expect(() => erf(i32(1))).toThrow("erf: takes float, not i32. Convert with astype first."));
  test.each([1.5, -1, 101, NaN])("polygamma of order %d", (n) =>
    expect(() => polygamma(n, f64(1))).toThrow(`polygamma: the order ${n} is no whole number from 0 to 100.`),
  );
});
