import { describe, expect, test } from "vitest";
import { bitwiseAnd, bitwiseNot, bitwiseOr, bitwiseXor, gcd, lcm, shiftLeft, shiftRight } from "../../compiler/ops/bits.ts";
import { bool, evaluate, f64, i32, u32 } from "./evaluate.ts";

const min32 = -2147483648;

describe("bitwise", () => {
  const [a, b] = [i32(12, -12, 0), i32(10, 10, -1)];
  test("and", () => expect(evaluate(bitwiseAnd(a, b))).toEqual([8, 0, 0]));
  test("or", () => expect(evaluate(bitwiseOr(a, b))).toEqual([14, -2, -1]));
  test("xor", () => expect(evaluate(bitwiseXor(a, b))).toEqual([6, -2, -1]));
  test("not", () => expect(evaluate(bitwiseNot(a))).toEqual([-13, 11, -1]));
  test("not of uint32", () => expect(evaluate(bitwiseNot(u32(0)))).toEqual([4294967295]));
  test("bool", () => expect(evaluate(bitwiseNot(bitwiseXor(bool(1, 1), bool(1, 0))))).toEqual([1, 0]));
  test("floats have none", () => expect(() => bitwiseAnd(f64(1), f64(1))).toThrow("bitwise and: takes integers or bool, not f64."));
});

describe("shifts", () => {
  test("left", () => expect(evaluate(shiftLeft(i32(1, -1, 1, 1, 1), i32(3, 3, 31, 32, 100)))).toEqual([8, -8, min32, 0, 0]));
  test("right keeps the sign", () => expect(evaluate(shiftRight(i32(16, -16, -1, min32, -5), i32(2, 2, 5, 31, 32)))).toEqual([4, -4, -1, -1, -1]));
  test("right of uint32", () => expect(evaluate(shiftRight(u32(0x80000000, 7), u32(31, 32)))).toEqual([1, 0]));
  test("by a number", () => expect(evaluate(shiftLeft(i32(5, 100), 3))).toEqual([40, 800]));
});

describe("divisors", () => {
  test("gcd", () => expect(evaluate(gcd(i32(12, -12, 0, 0, 7), i32(18, 18, 5, 0, -21)))).toEqual([6, 6, 5, 0, 7]));
  test("gcd of the least integer", () => expect(evaluate(gcd(i32(min32), i32(6)))).toEqual([2]));
  test("gcd of neighbouring Fibonacci numbers takes longest", () =>
    expect(evaluate(gcd(u32(2971215073, 1836311903), u32(1836311903, 2971215073)))).toEqual([1, 1]));
  test("gcd of twice such numbers", () => expect(evaluate(gcd(u32(2 * 1836311903), u32(2 * 1134903170)))).toEqual([2]));
  test("lcm", () => expect(evaluate(lcm(i32(12, -12, 0, 0), i32(18, 18, 5, 0)))).toEqual([36, 36, 0, 0]));
});
