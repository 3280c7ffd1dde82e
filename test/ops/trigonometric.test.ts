import { describe, expect, test } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { acos, acosh, asin, asinh, atan, atan2, atanh, cos, cosh, sin, sinh, tan, tanh } from "../../compiler/ops/trigonometric.ts";
import { evaluate, f32, f64, slopeOf } from "./evaluate.ts";

const inf = Infinity;
type Case = readonly [name: string, f: (x: Value) => Value, x: number, value: number, slope: number];
const cases: readonly Case[] = [
  ["sin", sin, 0.5, Math.sin(0.5), Math.cos(0.5)],
  ["cos", cos, 0.5, Math.cos(0.5), -Math.sin(0.5)],
  ["tan", tan, 0.5, Math.tan(0.5), 1 / Math.cos(0.5) ** 2],
  ["asin", asin, 0.6, Math.asin(0.6), 1.25],
  ["acos", acos, 0.6, Math.acos(0.6), -1.25],
  ["atan", atan, 2, Math.atan(2), 0.2],
  ["sinh", sinh, 1, Math.sinh(1), Math.cosh(1)],
  ["cosh", cosh, 1, Math.cosh(1), Math.sinh(1)],
  ["tanh", tanh, 1, Math.tanh(1), 1 / Math.cosh(1) ** 2],
  ["asinh", asinh, 0.75, Math.asinh(0.75), 0.8],
  ["acosh", acosh, 1.25, Math.acosh(1.25), 1 / 0.75],
  ["atanh", atanh, 0.5, Math.atanh(0.5), 1 / 0.75],
];

describe.each(cases)("%s", (_, f, x, value, slope) => {
  test("float64", () => expect(evaluate(f(f64(x)))).toEqual([value]));
  test("float32", () => expect(at(evaluate(f(f32(x))), 0)).toBeCloseTo(value, 6));
  test("derivative", () => expect(at(slopeOf(f(f64(x))), 0)).toBeCloseTo(slope, 14));
});

describe("atan2", () => {
  test("quadrants", () => expect(evaluate(atan2(f64(1, 1, -1, -1), f64(1, -1, -1, 1)))).toEqual([0.25, 0.75, -0.75, -0.25].map((q) => q * Math.PI)));
  test("zeros", () => expect(evaluate(atan2(f64(0, -0, 0, -0), f64(0, 0, -0, -0)))).toEqual([0, -0, Math.PI, -Math.PI]));
  test("derivatives", () => expect([0, 1].map((i) => slopeOf(atan2(f64(3), f64(4)), i))).toEqual([[4 / 25], [-3 / 25]]));
});

describe("edges", () => {
  test("asin at 1 is steep", () => expect(slopeOf(asin(f64(1, -1)))).toEqual([inf, inf]));
  test("acosh at 1 is steep", () => expect(slopeOf(acosh(f64(1)))).toEqual([inf]));
  test("atanh at ±1", () => expect(evaluate(atanh(f64(1, -1, 2)))).toEqual([inf, -inf, NaN]));
  test("tanh is flat at Infinity", () => expect(slopeOf(tanh(f64(inf, -inf)))).toEqual([0, 0]));
  test("derivatives near ±1 keep their digits", () => expect(at(slopeOf(asin(f64(1 - 2 ** -40))), 0) * Math.sqrt(2 ** -39 - 2 ** -80)).toBeCloseTo(1, 15));
});
