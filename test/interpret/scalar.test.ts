import { describe, expect, test } from "vitest";
import type { DType } from "../../compiler/ir/dtype.ts";
import type { ScalarOp } from "../../compiler/ir/expr.ts";
import { scalarFunction } from "../../compiler/interpret-scalar.ts";

const minInt = -2147483648;
const f = Math.fround;

/** op, dtype of the result, operands, result; and the operand's dtype where it differs. */
const facts: readonly (readonly [ScalarOp, DType, readonly number[], number, DType?])[] = [
  ["div", "float32", [1, 3], f(1 / 3)],
  ["idiv", "int32", [7, -2], -3],
  ["idiv", "int32", [7, 0], 0],
  ["idiv", "int32", [minInt, -1], minInt],
  ["idiv", "uint32", [4294967295, 2], 2147483647],
  ["irem", "int32", [-7, 2], -1],
  ["irem", "int32", [-4, 2], 0],
  ["irem", "int32", [7, 0], 0],
  ["irem", "int32", [minInt, -1], 0],
  ["mul", "int32", [65537, 65537], 131073],
  ["mul", "uint32", [4294967295, 4294967295], 1],
  ["neg", "int32", [minInt], minInt],
  ["neg", "int32", [0], 0],
  ["neg", "uint32", [1], 4294967295],
  ["neg", "float32", [0], -0],
  ["abs", "int32", [minInt], minInt],
  ["min", "float32", [0, -0], -0],
  ["min", "float32", [-0, 0], -0],
  ["max", "float64", [-0, 0], 0],
  ["max", "float64", [NaN, 1], NaN],
  ["min", "float64", [1, NaN], NaN],
  ["round", "float64", [0.5], 0],
  ["round", "float64", [1.5], 2],
  ["round", "float64", [2.5], 2],
  ["round", "float64", [-0.5], -0],
  ["round", "float64", [-2.5], -2],
  ["round", "float64", [4503599627370497.5], 4503599627370498],
  ["round", "float64", [0.49999999999999994], 0],
  ["round", "float32", [-Infinity], -Infinity],
  ["round", "float32", [NaN], NaN],
  ["fmod", "float64", [-5.5, 2], -1.5],
  ["fmod", "float64", [-4, 2], -0],
  ["fmod", "float64", [5, Infinity], 5],
  ["fmod", "float64", [1e300, 3], 1e300 % 3],
  ["pow", "float64", [1, NaN], 1],
  ["pow", "float64", [-1, Infinity], 1],
  ["pow", "float64", [NaN, 0], 1],
  ["pow", "float64", [-8, 1 / 3], NaN],
  ["copysign", "float32", [3, -0], -3],
  ["copysign", "float32", [-3, 0], 3],
  ["nextafter", "float64", [1, 2], 1 + 2 ** -52],
  ["nextafter", "float64", [1, 0], 1 - 2 ** -53],
  ["nextafter", "float64", [4294967296, 0], 4294967296 - 2 ** -21],
  ["nextafter", "float64", [0, -1], -5e-324],
  ["nextafter", "float64", [-5e-324, 1], -0],
  ["nextafter", "float64", [Number.MAX_VALUE, Infinity], Infinity],
  ["nextafter", "float32", [1, 2], 1 + 2 ** -23],
  ["nextafter", "float32", [-1, -2], -1 - 2 ** -23],
  ["nextafter", "float32", [0, 1], 2 ** -149],
  ["nextafter", "float32", [0, -0], -0],
  ["nextafter", "float32", [1, NaN], NaN],
  ["eq", "bool", [NaN, NaN], 0, "float32"],
  ["ne", "bool", [NaN, 1], 1, "float32"],
  ["eq", "bool", [0, -0], 1, "float32"],
  ["isnan", "bool", [NaN], 1, "float32"],
  ["and", "uint32", [4294967295, 2147483648], 2147483648],
  ["not", "uint32", [0], 4294967295],
  ["not", "int32", [0], -1],
  ["not", "bool", [1], 0],
  ["xor", "bool", [1, 1], 0],
  ["shl", "int32", [1, 31], minInt],
  ["shl", "int32", [1, 32], 0],
  ["shl", "int32", [1, -1], 0],
  ["shl", "uint32", [3, 31], 2147483648],
  ["shr", "int32", [-8, 1], -4],
  ["shr", "int32", [-8, 40], -1],
  ["shr", "uint32", [4294967295, 31], 1],
  ["shr", "uint32", [4294967295, 32], 0],
  ["select", "float32", [1, 2, 3], 2],
  ["select", "float32", [0, 2, 3], 3],
  ["cast", "int32", [NaN], 0, "float32"],
  ["cast", "int32", [3e9], 2147483647, "float32"],
  ["cast", "int32", [-1.9], -1, "float64"],
  ["cast", "int32", [-0.5], 0, "float64"],
  ["cast", "uint32", [-5], 0, "float64"],
  ["cast", "uint32", [-1], 4294967295, "int32"],
  ["cast", "int32", [4294967295], -1, "uint32"],
  ["cast", "float32", [16777217], 16777216, "int32"],
  ["cast", "float32", [0.1], f(0.1), "float64"],
  ["cast", "bool", [NaN], 1, "float32"],
  ["cast", "bool", [-0], 0, "float32"],
  ["bitcast", "int32", [1], 1065353216, "float32"],
  ["bitcast", "float32", [minInt], -0, "int32"],
  ["bitcast", "uint32", [-1], 4294967295, "int32"],
  ["exp", "float32", [1], f(Math.E)],
  ["expm1", "float64", [1e-20], 1e-20],
];

describe("the meaning of scalar operations", () => {
  for (const [op, dtype, args, want, from] of facts) {
    test(`${op} ${dtype} ${args.map((a) => (Object.is(a, -0) ? "-0" : String(a))).join(", ")}`, () => {
      const [a = 0, b = 0, c = 0] = args;
      expect(scalarFunction(op, dtype, from ?? dtype)(a, b, c)).toBe(want);
    });
  }

  test("what a dtype has not is a CompilerBug that names both", () =>
    expect(() => scalarFunction("exp", "int32")).toThrow("scalar exp does not compute with int32 to int32"));
  test("tests know no dtype that does not compute", () => expect(() => scalarFunction("add", "complex64")).toThrow("complex64"));
});
