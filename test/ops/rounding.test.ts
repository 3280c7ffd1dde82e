import { describe, expect, test } from "vitest";
import { ceil, copysign, floor, fmod, nextafter, round, trunc } from "../../compiler/ops/rounding.ts";
import { evaluate, f32, f64, i32, slopeOf } from "./evaluate.ts";

const [inf, nan] = [Infinity, NaN];
const x = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, -0, inf, nan];

describe("rounding", () => {
  test("floor", () => expect(evaluate(floor(f64(...x)))).toEqual([-3, -2, -1, 0, 1, 2, -0, inf, nan]));
  test("ceil", () => expect(evaluate(ceil(f64(...x)))).toEqual([-2, -1, -0, 1, 2, 3, -0, inf, nan]));
  test("trunc", () => expect(evaluate(trunc(f64(...x)))).toEqual([-2, -1, -0, 0, 1, 2, -0, inf, nan]));
  test("round, half to even", () => expect(evaluate(round(f64(...x)))).toEqual([-2, -2, -0, 0, 2, 2, -0, inf, nan]));
  test("an integer is itself", () => {
    const i = i32(3);
    expect([floor(i), ceil(i), trunc(i), round(i)]).toEqual([i, i, i, i]);
  });
  test("is flat", () => expect(round(f64(1)).node.op.derivative.by).toBe("zero"));
});

describe("fmod", () => {
  test("has the dividend's sign", () =>
    expect(evaluate(fmod(f64(5.5, -5.5, 5.5, -4, 1, inf, 5), f64(2, 2, -2, 2, 0, 2, inf)))).toEqual([1.5, -1.5, 1.5, -0, nan, nan, 5]));
  test("is exact", () => expect(evaluate(fmod(f64(1e300), f64(3)))).toEqual([1e300 % 3]));
  test("derivative by x is 1", () => expect(slopeOf(fmod(f64(5.5), f64(2)), 0)).toEqual([1]));
  test("derivative by y is the quotient taken off", () => expect(slopeOf(fmod(f64(5.5, -5.5), f64(2, 2)), 1)).toEqual([-2, 2]));
  // 1 / 0.1 rounds to 10, but 0.1 is a little more than a tenth and goes 9 times into 1
  test("derivative by y where the division rounds up", () => expect(slopeOf(fmod(f64(1), f64(0.1)), 1)).toEqual([-9]));
});

describe("copysign", () => {
  test("takes the sign of zeros", () =>
    expect(evaluate(copysign(f64(3, 3, -3, 0), f64(-0, 0, 1, -1)))).toEqual([3, 3, 3, 0].map((v, i) => (i === 0 || i === 3 ? -v : v))));
  test("derivative", () => expect(slopeOf(copysign(f64(3, -3, 0), f64(-1, -1, -1)))).toEqual([-1, 1, -0]));
  test("no derivative by the sign", () => expect(slopeOf(copysign(f64(3), f64(-1)), 1)).toEqual([0]));
});

describe("nextafter", () => {
  test("float64", () => expect(evaluate(nextafter(f64(1, 1, 0, -1), f64(2, 0, 1, -1)))).toEqual([1 + 2 ** -52, 1 - 2 ** -53, 5e-324, -1]));
  test("float32", () => expect(evaluate(nextafter(f32(1, 0), f32(2, -1)))).toEqual([1 + 2 ** -23, -(2 ** -149)]));
});
