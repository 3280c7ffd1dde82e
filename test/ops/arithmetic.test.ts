import { describe, expect, test } from "vitest";
import type { DType } from "../../compiler/ir/dtype.ts";
import { DTypeError } from "../../compiler/ir/errors.ts";
import type { ElementwisePrimitive } from "../../compiler/ir/primitive.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import {
  absolute,
  add,
  arithmeticOps,
  bitcast,
  cast,
  divide,
  equal,
  greater,
  greaterEqual,
  isNaN,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  multiply,
  negative,
  notEqual,
  quotient,
  reciprocal,
  remainderTrunc,
  sign,
  square,
  subtract,
  where,
} from "../../compiler/ops/arithmetic.ts";
import { bool, evaluate, f32, f64, i32, pulledBack, slopeOf, u32 } from "./evaluate.ts";

const [inf, nan] = [Infinity, NaN];
const min32 = -2147483648;

describe("values", () => {
  test("add", () => expect(evaluate(add(f64(1, -0, inf), f64(2, -0, -inf)))).toEqual([3, -0, nan]));
  test("a number on the right", () => expect(evaluate(subtract(i32(5, 7), 2))).toEqual([3, 5]));
  test("a number on the left", () => expect(evaluate(subtract(1, f64(5, 7)))).toEqual([-4, -6]));
  test("a number rounds to the value's dtype", () => expect(evaluate(add(f32(0), 0.1))).toEqual([Math.fround(0.1)]));
  test("int32 wraps", () => expect(evaluate(multiply(i32(65536, -3), i32(65536, 5)))).toEqual([0, -15]));
  test("divide", () => expect(evaluate(divide(f64(1, -1, 0), f64(0, 0, 0)))).toEqual([inf, -inf, nan]));
  test("negative zero", () => expect(evaluate(negative(f64(0, -0)))).toEqual([-0, 0]));
  test("absolute", () => expect(evaluate(absolute(f64(-0, -inf, nan)))).toEqual([0, inf, nan]));
  test("absolute of the least integer wraps", () => expect(evaluate(absolute(i32(min32)))).toEqual([min32]));
  test("sign", () => expect(evaluate(sign(f64(-3, 0, -0, 7, nan)))).toEqual([-1, 0, -0, 1, nan]));
  test("sign of integers", () => expect(evaluate(sign(i32(-3, 0, 9)))).toEqual([-1, 0, 1]));
  test("sign of unsigned integers", () => expect(evaluate(sign(u32(0, 4294967295)))).toEqual([0, 1]));
  test("maximum propagates NaN", () => expect(evaluate(maximum(f64(1, nan, 2, -0), f64(3, 1, nan, 0)))).toEqual([3, nan, nan, 0]));
  test("minimum propagates NaN", () => expect(evaluate(minimum(f64(1, nan, 2, -0), f64(3, 1, nan, 0)))).toEqual([1, nan, nan, -0]));
  test("quotient truncates, by zero 0, wraps", () => expect(evaluate(quotient(i32(-7, 7, min32), i32(2, 0, -1)))).toEqual([-3, 0, min32]));
  test("remainderTrunc has the dividend's sign, by zero 0", () => expect(evaluate(remainderTrunc(i32(-7, 7, 7), i32(2, -2, 0)))).toEqual([-1, 1, 0]));
  test("square", () => expect(evaluate(square(f64(-3)))).toEqual([9]));
  test("reciprocal", () => expect(evaluate(reciprocal(f64(4, 0, -0)))).toEqual([0.25, inf, -inf]));
});

describe("bool arithmetic is logic", () => {
  const [a, b] = [bool(0, 0, 1, 1), bool(0, 1, 0, 1)];
  test("add", () => expect(evaluate(add(a, b))).toEqual([0, 1, 1, 1]));
  test("multiply", () => expect(evaluate(multiply(a, b))).toEqual([0, 0, 0, 1]));
  test("maximum", () => expect(evaluate(maximum(a, b))).toEqual([0, 1, 1, 1]));
  test("minimum", () => expect(evaluate(minimum(a, b))).toEqual([0, 0, 0, 1]));
});

describe("comparisons", () => {
  const [a, b] = [f64(1, 2, 2, nan, 0), f64(2, 1, 2, nan, -0)];
  test("equal", () => expect(evaluate(equal(a, b))).toEqual([0, 0, 1, 0, 1]));
  test("not equal", () => expect(evaluate(notEqual(a, b))).toEqual([1, 1, 0, 1, 0]));
  test("less", () => expect(evaluate(less(a, b))).toEqual([1, 0, 0, 0, 0]));
  test("less equal", () => expect(evaluate(lessEqual(a, b))).toEqual([1, 0, 1, 0, 1]));
  test("greater", () => expect(evaluate(greater(a, b))).toEqual([0, 1, 0, 0, 0]));
  test("greater equal", () => expect(evaluate(greaterEqual(a, b))).toEqual([0, 1, 1, 0, 1]));
  test("give bool", () => expect(less(a, b).dtype).toBe("bool"));
  test("is NaN", () => expect(evaluate(isNaN(f32(nan, inf, 0)))).toEqual([1, 0, 0]));
  test("no integer is NaN", () => expect(evaluate(isNaN(i32(1, 2)))).toEqual([0, 0]));
  const [p, q] = [bool(0, 0, 1, 1), bool(0, 1, 0, 1)];
  test("equal of bool", () => expect(evaluate(equal(p, q))).toEqual([1, 0, 0, 1]));
  test("not equal of bool", () => expect(evaluate(notEqual(p, q))).toEqual([0, 1, 1, 0]));
  test("less of bool", () => expect(evaluate(less(p, q))).toEqual([0, 1, 0, 0]));
  test("less equal of bool", () => expect(evaluate(lessEqual(p, q))).toEqual([1, 1, 0, 1]));
  test("greater of bool", () => expect(evaluate(greater(p, q))).toEqual([0, 0, 1, 0]));
  test("greater equal of bool", () => expect(evaluate(greaterEqual(p, q))).toEqual([1, 0, 1, 1]));
});

describe("logic", () => {
  const [a, b] = [bool(0, 0, 1, 1), bool(0, 1, 0, 1)];
  test("and", () => expect(evaluate(logicalAnd(a, b))).toEqual([0, 0, 0, 1]));
  test("or", () => expect(evaluate(logicalOr(a, b))).toEqual([0, 1, 1, 1]));
  test("xor", () => expect(evaluate(logicalXor(a, b))).toEqual([0, 1, 1, 0]));
  test("not", () => expect(evaluate(logicalNot(a))).toEqual([1, 1, 0, 0]));
  test("numbers count as bool, NaN as true", () => expect(evaluate(logicalNot(f64(0, -0, nan, -2.5)))).toEqual([1, 1, 0, 0]));
  test("a number beside bool", () => expect(evaluate(logicalAnd(a, 1))).toEqual([0, 0, 1, 1]));
});

describe("selection and casts", () => {
  test("where", () => expect(evaluate(where(bool(1, 0), f64(1, 2), f64(3, 4)))).toEqual([1, 4]));
  test("where with numbers", () =>
    expect([evaluate(where(bool(1, 0), 9, f64(3, 4))), evaluate(where(bool(1, 0), f64(3, 4), 9))]).toEqual([
      [9, 4],
      [3, 9],
    ]));
  test("float to integer truncates and saturates", () => expect(evaluate(cast(f64(-1.9, 3e9, -inf, nan), "int32"))).toEqual([-1, 2147483647, min32, 0]));
  test("integer to integer wraps", () => expect(evaluate(cast(i32(-1), "uint32"))).toEqual([4294967295]));
  test("to bool", () => expect(evaluate(cast(f64(0, -0, 0.5, nan), "bool"))).toEqual([0, 0, 1, 1]));
  test("from bool", () => expect(evaluate(cast(bool(1, 0), "float32"))).toEqual([1, 0]));
  test("to its own dtype is the value itself", () => {
    const x = f64(1);
    expect(cast(x, "float64")).toBe(x);
  });
  test("bitcast", () => expect(evaluate(bitcast(f32(1, -2), "uint32"))).toEqual([0x3f800000, 0xc0000000]));
  test("bitcast back", () => expect(evaluate(bitcast(u32(0x3f800000), "float32"))).toEqual([1]));
});

describe("derivatives", () => {
  test("absolute at 0 is 0", () => expect(slopeOf(absolute(f64(-2, 0, 2)))).toEqual([-1, 0, 1]));
  test("multiply", () => expect([0, 1].map((i) => slopeOf(multiply(f64(2), f64(3)), i))).toEqual([[3], [2]]));
  test("divide", () => expect([0, 1].map((i) => slopeOf(divide(f64(3), f64(2)), i))).toEqual([[0.5], [-0.75]]));
  test("maximum, half at ties", () =>
    expect([0, 1].map((i) => slopeOf(maximum(f64(1, 2, 3), f64(2, 2, 2)), i))).toEqual([
      [0, 0.5, 1],
      [1, 0.5, 0],
    ]));
  test("minimum, half at ties", () =>
    expect([0, 1].map((i) => slopeOf(minimum(f64(1, 2, 3), f64(2, 2, 2)), i))).toEqual([
      [1, 0.5, 0],
      [0, 0.5, 1],
    ]));
  test("where keeps the branch not taken clean of infinite cotangents", () => {
    const y = where(bool(1, 0), f64(1, 2), f64(3, 4));
    expect([1, 2].map((i) => pulledBack(y, f64(inf, inf), i))).toEqual([
      [inf, 0],
      [0, inf],
    ]);
  });
  test("where has none for its condition", () => expect(pulledBack(where(bool(1), f64(1), f64(2)), f64(1), 0)).toBeNull());
  test("cast between floats", () => expect(pulledBack(cast(f32(1), "float64"), f64(0.1), 0)).toEqual([Math.fround(0.1)]));
  test("none through an integer", () => expect(pulledBack(cast(f32(1), "int32"), i32(1), 0)).toBeNull());
  test("subtract", () => expect([0, 1].map((i) => pulledBack(subtract(f64(3), f64(2)), f64(5), i))).toEqual([[5], [-5]]));
  test("tangents that are missing add nothing", () => {
    const y = subtract(f64(3), f64(2));
    const rule = y.node.op.derivative;
    const tangents = rule.by === "rules" ? rule.jvp(y.node, [null, f64(5)]) : [];
    expect(tangents.map((t) => t && evaluate(t))).toEqual([[-5]]);
  });
});

describe("errors", () => {
  test("shapes that differ", () => expect(() => add(f64(1), f64(1, 2))).toThrow("add: operands differ in shape: f64[1], f64[2]. Broadcast one to the other."));
  test("dtypes that differ", () => expect(() => add(f64(1), f32(1))).toThrow("add: operands differ in dtype: f64[1], f32[1]. Convert one with astype."));
  test("divide takes floats", () => expect(() => divide(i32(1), i32(2))).toThrow("divide: takes float, not i32"));
  test("quotient takes integers", () => expect(() => quotient(f64(1), f64(2))).toThrow("quotient: takes integer, not f64"));
  test("negative takes no bool", () => expect(() => negative(bool(1))).toThrow("negative: takes numbers, not bool"));
  test("a condition that is no bool", () => expect(() => where(f64(1), f64(1), f64(2))).toThrow("where: the condition is f64, not bool."));
  test("a condition of another shape", () => expect(() => where(bool(1, 0), f64(1), f64(2))).toThrow("where: operands differ in shape"));
  test("a dtype that does not compute yet", () => expect(() => cast(f64(1), "complex64")).toThrow("cast: dtype complex64 is known but does not compute yet."));
  test("bitcast to another width", () => expect(() => bitcast(f64(1), "int32")).toThrow("bitcast: f64 has 64 bits and i32 32."));
});

/** The dtypes that a row takes for all operands alike. */
function taken(op: ElementwisePrimitive): readonly DType[] {
  return (["bool", "int32", "uint32", "float32", "float64"] as const).filter((dtype) => {
    const args = [0, 1, 2].slice(0, op.arity === "any" ? 1 : op.arity).map(() => tensorType(dtype, [0, 2]));
    try {
      return op.infer(args, { dtype: "float32" }).every((t) => t.shape.join() === "0,2");
    } catch (error) {
      if (error instanceof DTypeError) return false;
      throw error;
    }
  });
}

describe("dtypes", () => {
  const [numbers, all] = [
    ["int32", "uint32", "float32", "float64"],
    ["bool", "int32", "uint32", "float32", "float64"],
  ];
  const named = (...names: readonly string[]): readonly ElementwisePrimitive[] => arithmeticOps.filter((op) => names.includes(op.name));
  const comparisons = ["equal", "not equal", "less", "less equal", "greater", "greater equal"];
  test.each(named("add", "multiply", "maximum", "minimum", "cast", ...comparisons))("$name takes all", (op) => expect(taken(op)).toEqual(all));
  test.each(named("subtract", "negative", "absolute", "sign"))("$name takes numbers", (op) => expect(taken(op)).toEqual(numbers));
  test.each(named("divide", "is nan"))("$name takes floats", (op) => expect(taken(op)).toEqual(["float32", "float64"]));
  test.each(named("quotient", "remainder trunc"))("$name takes integers", (op) => expect(taken(op)).toEqual(["int32", "uint32"]));
  test.each(named("logical and", "logical or", "logical xor", "logical not", "where"))("$name takes bool alone", (op) => expect(taken(op)).toEqual(["bool"]));
  test.each(named("bitcast"))("$name to float32 takes 32 bits", (op) => expect(taken(op)).toEqual(["int32", "uint32", "float32"]));
});
