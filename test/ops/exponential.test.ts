import { describe, expect, test } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { cbrt, exp, exp2, expm1, hypot, log, log10, log1p, log2, logaddexp, pow, rsqrt, sigmoid, sqrt, xlogy } from "../../compiler/ops/exponential.ts";
import { evaluate, f32, f64, i32, partial, slopeOf, u32 } from "./evaluate.ts";

const [inf, nan] = [Infinity, NaN];
const both = (y: Value): (readonly number[])[] => [slopeOf(y, 0), slopeOf(y, 1)];

describe("values", () => {
  test("exp", () => expect(evaluate(exp(f64(0, 1, -inf, inf, nan)))).toEqual([1, Math.E, 0, inf, nan]));
  test("exp overflows float32 beyond 88.8", () => expect(evaluate(exp(f32(89)))).toEqual([inf]));
  test("exp2 of whole numbers is exact", () => expect(evaluate(exp2(f64(-1074, 10, 1023, 1024)))).toEqual([5e-324, 1024, 2 ** 1023, inf]));
  test("expm1 near 0", () => expect(evaluate(expm1(f64(1e-10, -0)))).toEqual([1.00000000005e-10, -0]));
  test("log", () => expect(evaluate(log(f64(1, 0, -1, inf)))).toEqual([0, -inf, nan, inf]));
  test("log1p near 0", () => expect(evaluate(log1p(f64(1e-20, -1)))).toEqual([1e-20, -inf]));
  test("log2", () => expect(evaluate(log2(f64(8, 0.125)))).toEqual([3, -3]));
  test("log10", () => expect(evaluate(log10(f64(1000)))).toEqual([3]));
  test("sqrt", () => expect(evaluate(sqrt(f64(9, -0, -1)))).toEqual([3, -0, nan]));
  test("rsqrt", () => expect(evaluate(rsqrt(f64(4, 0, inf)))).toEqual([0.5, inf, 0]));
  test("cbrt", () => expect(evaluate(cbrt(f64(-8, 27)))).toEqual([-2, 3]));
  test("sigmoid", () => expect(evaluate(sigmoid(f64(0, inf, -inf, 1000, -1000)))).toEqual([0.5, 1, 0, 1, 0]));
});

describe("hypot", () => {
  test("by Pythagoras", () => expect(evaluate(hypot(f64(3, -5), f64(4, 12)))).toEqual([5, 13]));
  test("does not overflow", () => expect(at(evaluate(hypot(f32(3e38), f32(1e38))), 0) / Math.hypot(3e38, 1e38)).toBeCloseTo(1, 6));
  test("does not vanish", () => expect(evaluate(hypot(f64(3e-200), f64(4e-200)))).toEqual([5e-200]));
  test("infinite beside NaN", () => expect(evaluate(hypot(f64(inf, nan, nan, 0), f64(nan, -inf, 1, -0)))).toEqual([inf, inf, nan, 0]));
  test("derivative", () => expect(both(hypot(f64(3), f64(4)))).toEqual([[0.6], [0.8]]));
  test("derivative at the origin is 0", () => expect(both(hypot(f64(0), f64(0)))).toEqual([[0], [0]]));
});

describe("pow", () => {
  test("IEEE", () => expect(evaluate(pow(f64(1, nan, -1, -1, 0, -2), f64(nan, 0, inf, -inf, -1, 0.5)))).toEqual([1, 1, 1, 1, inf, nan]));
  test("a number to a value", () => expect(evaluate(pow(2, f64(10)))).toEqual([1024]));
  test("float32 rounds once", () => expect(evaluate(pow(f32(1.1), 3))).toEqual([Math.fround(Math.fround(1.1) ** 3)]));
  test("int32", () => expect(evaluate(pow(i32(2, -3, 0, 7, 1), i32(10, 5, 0, 1, 2147483647)))).toEqual([1024, -243, 1, 7, 1]));
  test("int32 wraps", () => expect(evaluate(pow(i32(3, 2), i32(21, 32)))).toEqual([Number((3n ** 21n) & 0xffffffffn), 0]));
  test("int32 to a negative power truncates", () => expect(evaluate(pow(i32(1, -1, -1, 2, 0), i32(-3, -3, -4, -1, -1)))).toEqual([1, -1, 1, 0, 0]));
  test("uint32 uses all bits of the exponent", () => expect(evaluate(pow(u32(3, 4294967295), u32(0x80000000, 0x80000001)))).toEqual([1, 4294967295]));
  test("an integer to a float", () => expect(() => pow(i32(2), f64(2))).toThrow("integer pow: operands differ in dtype"));
  test("derivative", () => expect(both(pow(f64(2), f64(3)))).toEqual([[12], [8 * Math.LN2]]));
  test("derivative at base 0", () =>
    expect(both(pow(f64(0, 0, 0, 0), f64(2, 1, 0, 0.5)))).toEqual([
      [0, 1, 0, inf],
      [0, 0, 0, 0],
    ]));
  test("derivative at exponent 0", () => expect(both(pow(f64(2), f64(0)))).toEqual([[0], [Math.LN2]]));
  test("derivative at a negative base", () => expect(slopeOf(pow(f64(-3), f64(2)))).toEqual([-6]));
  test("derivative with a constant exponent", () =>
    expect([2, 3, 0, 0.5].map((p) => slopeOf(pow(f64(4, 0), p)))).toEqual([
      [8, 0],
      [48, 0],
      [0, 0],
      [0.25, inf],
    ]));
  test("the derivative of a square needs no power", () => {
    const x = f64(4);
    expect(partial(pow(x, 2), 0)?.node.args).toContain(x);
  });
});

describe("logaddexp", () => {
  test("large and small", () => expect(evaluate(logaddexp(f64(1000, -1000, 500), f64(1000, -inf, -500)))).toEqual([1000 + Math.LN2, -1000, 500]));
  test("infinities", () => expect(evaluate(logaddexp(f64(inf, -inf, inf, nan), f64(inf, -inf, -inf, inf)))).toEqual([inf, -inf, inf, nan]));
  test("derivatives add up to 1", () =>
    expect(both(logaddexp(f64(0, 1000), f64(0, -1000)))).toEqual([
      [0.5, 1],
      [0.5, 0],
    ]));
  test("derivatives at equal infinities", () =>
    expect(both(logaddexp(f64(-inf, inf), f64(-inf, inf)))).toEqual([
      [0.5, 0.5],
      [0.5, 0.5],
    ]));
});

describe("xlogy", () => {
  test("0 beats every logarithm", () => expect(evaluate(xlogy(f64(0, 0, 0, 2), f64(0, -1, inf, Math.E)))).toEqual([0, 0, 0, 2]));
  test("NaN beats 0", () => expect(evaluate(xlogy(f64(0), f64(nan)))).toEqual([nan]));
  test("derivatives", () =>
    expect(both(xlogy(f64(2, 0), f64(4, 4)))).toEqual([
      [Math.log(4), Math.log(4)],
      [0.5, 0],
    ]));
  test("derivatives at 0 · log 0", () => expect(both(xlogy(f64(0), f64(0)))).toEqual([[0], [0]]));
  test("derivatives at 2 · log 0", () => expect(both(xlogy(f64(2), f64(0)))).toEqual([[-inf], [inf]]));
});

describe("derivatives", () => {
  test("exp is its own", () => expect(slopeOf(exp(f64(1)))).toEqual([Math.E]));
  test("sqrt at 0 is Infinity", () => expect(slopeOf(sqrt(f64(0, 4)))).toEqual([inf, 0.25]));
  test("cbrt at 0 is Infinity", () => expect(slopeOf(cbrt(f64(0, -8)))).toEqual([inf, 1 / 12]));
  test("log", () => expect(slopeOf(log(f64(4)))).toEqual([0.25]));
  test("log1p", () => expect(slopeOf(log1p(f64(3)))).toEqual([0.25]));
  test("log2", () => expect(slopeOf(log2(f64(2)))).toEqual([Math.LOG2E / 2]));
  test("log10", () => expect(slopeOf(log10(f64(2)))).toEqual([Math.LOG10E / 2]));
  test("exp2", () => expect(slopeOf(exp2(f64(3)))).toEqual([8 * Math.LN2]));
  test("expm1", () => expect(slopeOf(expm1(f64(0)))).toEqual([1]));
  test("sigmoid", () => expect(slopeOf(sigmoid(f64(0, inf)))).toEqual([0.25, 0]));
});
