/** What operations mean on narrow and on 64-bit integers and on float16: their edges, by numbers worked out by hand. */
import { describe, expect, test } from "vitest";
import type { DType, Numeric } from "../../compiler/ir/dtype.ts";
import { convert, dtypes, promote, roundTo, roundWide, wrapTo } from "../../compiler/ir/dtype.ts";
import type { ScalarOp } from "../../compiler/ir/expr.ts";
import { halfBits, halfNumber } from "../../compiler/ir/half.ts";
import { numericFunction } from "../../compiler/interpret-wide.ts";

const most = 2n ** 63n - 1n;
const least = -(2n ** 63n);
const all = 2n ** 64n - 1n;

describe("integers wrap, and nothing is divided by zero", () => {
  test.each<[ScalarOp, DType, Numeric, Numeric, Numeric]>([
    ["add", "int8", 127, 1, -128],
    ["sub", "int8", -128, 1, 127],
    ["mul", "int8", 16, 16, 0],
    ["mul", "int8", -128, -1, -128],
    ["neg", "int8", -128, 0, -128],
    ["abs", "int8", -128, 0, -128],
    ["idiv", "int8", -128, -1, -128],
    ["idiv", "int8", -7, 2, -3],
    ["idiv", "int8", 7, 0, 0],
    ["irem", "int8", -7, 2, -1],
    ["irem", "int8", 7, 0, 0],
    ["shl", "int8", 1, 7, -128],
    ["shl", "int8", 1, 8, 0],
    ["shl", "int8", 1, -1, 0],
    ["shr", "int8", -128, 9, -1],
    ["shr", "int8", 127, 8, 0],
    ["shr", "int8", -2, -1, -1],
    ["not", "int8", 5, 0, -6],
    ["add", "uint8", 255, 1, 0],
    ["sub", "uint8", 0, 1, 255],
    ["neg", "uint8", 1, 0, 255],
    ["not", "uint8", 5, 0, 250],
    ["shl", "uint8", 255, 1, 254],
    ["shr", "uint8", 255, 8, 0],
    ["idiv", "uint8", 255, 2, 127],
    ["mul", "int16", 256, 256, 0],
    ["mul", "int16", 255, 255, -511],
    ["shl", "int16", 1, 16, 0],
    ["mul", "uint16", 65535, 65535, 1],
    ["add", "uint16", 65535, 65535, 65534],
    ["add", "int64", most, 1n, least],
    ["mul", "int64", 2n ** 32n, 2n ** 31n, least],
    ["neg", "int64", least, 0n, least],
    ["abs", "int64", least, 0n, least],
    ["idiv", "int64", least, -1n, least],
    ["idiv", "int64", -7n, 2n, -3n],
    ["idiv", "int64", 7n, 0n, 0n],
    ["irem", "int64", -7n, 2n, -1n],
    ["irem", "int64", least, -1n, 0n],
    ["irem", "int64", 7n, 0n, 0n],
    ["shl", "int64", 1n, 63n, least],
    ["shl", "int64", 1n, 64n, 0n],
    ["shl", "int64", 1n, -1n, 0n],
    ["shr", "int64", least, 64n, -1n],
    ["shr", "int64", most, 64n, 0n],
    ["min", "int64", least, most, least],
    ["add", "uint64", all, 1n, 0n],
    ["sub", "uint64", 0n, 1n, all],
    ["max", "uint64", most + 1n, most, most + 1n],
    ["shr", "uint64", all, 63n, 1n],
    ["shr", "uint64", all, 64n, 0n],
    ["not", "uint64", 0n, 0n, all],
    ["lt", "uint64", most, most + 1n, 1],
    ["eq", "int64", 2n ** 53n, 2n ** 53n + 1n, 0],
  ])("%s of %s %s, %s is %s", (op, dtype, a, b, want) => expect(numericFunction(op, op === "lt" || op === "eq" ? "bool" : dtype, dtype)(a, b, 0)).toBe(want));
});

describe("casts", () => {
  test.each<[DType, DType, Numeric, Numeric]>([
    ["float64", "int8", 200, 127],
    ["float64", "int8", -200.7, -128],
    ["float64", "int8", -3.9, -3],
    ["float64", "int8", NaN, 0],
    ["float64", "uint8", -1, 0],
    ["float64", "uint8", Infinity, 255],
    ["float32", "int16", 40000, 32767],
    ["float32", "uint16", 65535.9, 65535],
    ["float64", "int64", 1e300, most],
    ["float64", "int64", -Infinity, least],
    ["float64", "int64", NaN, 0n],
    ["float64", "int64", 2 ** 62, 2n ** 62n],
    ["float64", "uint64", -0.5, 0n],
    ["float64", "uint64", 2 ** 64, all],
    ["int32", "int8", 200, -56],
    ["int32", "uint8", -1, 255],
    ["int8", "uint32", -1, 4294967295],
    ["int8", "uint64", -1, all],
    ["int64", "int32", 2n ** 32n + 5n, 5],
    ["int64", "int8", 255n, -1],
    ["int64", "uint64", -1n, all],
    ["uint64", "int64", all, -1n],
    ["uint8", "int8", 255, -1],
    ["int64", "bool", 2n ** 60n, 1],
    ["bool", "int64", 1, 1n],
    ["int64", "float64", 2n ** 53n + 1n, 2 ** 53],
    // between two float32 numbers, a hair above the middle: rounded once
    ["int64", "float32", 2n ** 54n + 2n ** 30n + 1n, 2 ** 54 + 2 ** 31],
    ["int64", "float32", -(2n ** 54n + 2n ** 30n + 1n), -(2 ** 54) - 2 ** 31],
    ["int64", "float32", 2n ** 54n + 2n ** 30n, 2 ** 54],
    ["uint64", "float32", all, 2 ** 64],
    ["int64", "float16", 65519n, 65504],
    ["int64", "float16", 65520n, Infinity],
    ["uint16", "float16", 65535, Infinity],
    // 1 + 2^-11 is the middle of two float16 numbers; what float32 cannot hold is above it
    ["float64", "float16", 1 + 2 ** -11, 1],
    ["float64", "float16", 1 + 2 ** -11 + 2 ** -40, 1 + 2 ** -10],
    ["float64", "float16", 65519.999, 65504],
    ["float64", "float16", 2 ** -25, 0],
    ["float64", "float16", 2 ** -25 + 2 ** -60, 2 ** -24],
    ["float16", "int8", 300, 127],
    ["float16", "uint64", 65504, 65504n],
  ])("%s to %s: %s is %s", (from, to, x, want) => expect(numericFunction("cast", to, from)(x, 0, 0)).toBe(want));
});

describe("float16", () => {
  test("every bit pattern is a number, and that number these bits", () => {
    const odd: number[] = [];
    for (let bits = 0; bits < 65536; bits++) {
      const x = halfNumber(bits);
      if (Number.isNaN(x) ? (bits & 0x7fff) <= 0x7c00 : halfBits(x) !== bits || roundTo("float16", x) !== x) odd.push(bits);
    }
    expect(odd).toEqual([]);
  });
  test("between two of them, half to even", () => {
    const odd: number[] = [];
    for (let bits = 0; bits < 0x7bff; bits++) {
      const middle = (halfNumber(bits) + halfNumber(bits + 1)) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      const found = [halfBits(middle), halfBits(middle * (1 - 2 ** -40)), halfBits(middle * (1 + 2 ** -40))];
      if (String(found) !== String([even, bits, bits + 1])) odd.push(bits);
    }
    expect(odd).toEqual([]);
  });
  test("the next ones", () => {
    const next = numericFunction("nextafter", "float16");
    expect(next(1, 2, 0)).toBe(1 + 2 ** -10);
    expect(next(0, 1, 0)).toBe(2 ** -24);
    expect(next(0, -1, 0)).toBe(-(2 ** -24));
    expect(next(-(2 ** -24), 1, 0)).toBe(-0);
    expect(next(65504, Infinity, 0)).toBe(Infinity);
    expect(next(NaN, 1, 0)).toBeNaN();
  });
});

test("numbers that users give saturate where integers wrap", () => {
  expect([roundTo("int8", 300), wrapTo("int8", 300), convert("int8", "int16", 300)]).toEqual([127, 44, 44]);
  expect([roundWide("uint64", -5), wrapTo("uint64", -5n), roundWide("int64", NaN)]).toEqual([0n, all - 4n, 0n]);
  expect(() => roundTo("int64", 1)).toThrow("cannot be rounded to int64");
});

/** The array API standard's table of mixed integers; "-" where there is no common dtype. Rows and columns: i1 i2 i4 i8 u1 u2 u4 u8. */
const table = `
  i1 i2 i4 i8 i2 i4 i8 -
  i2 i2 i4 i8 i2 i4 i8 -
  i4 i4 i4 i8 i4 i4 i8 -
  i8 i8 i8 i8 i8 i8 i8 -
  i2 i2 i4 i8 u1 u2 u4 u8
  i4 i4 i4 i8 u2 u2 u4 u8
  i8 i8 i8 i8 u4 u4 u4 u8
  -  -  -  -  u8 u8 u8 u8`;
const order: readonly DType[] = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"];
const short = (d: DType | undefined): string => (d === undefined ? "-" : `${d.startsWith("u") ? "u" : "i"}${Number(d.replace(/\D+/, "")) / 8}`);

describe("promotion", () => {
  test("of integers is the array API standard's", () => {
    const found = order.map((a) => order.map((b) => short(promote(a, b))));
    expect(found).toEqual(
      table
        .trim()
        .split("\n")
        .map((line) => line.trim().split(/\s+/)),
    );
  });
  test("floats keep their width beside integers, the wider float wins, bool gives way", () => {
    expect(promote("float16", "int64")).toBe("float16");
    expect(promote("uint8", "float32")).toBe("float32");
    expect(promote("float16", "float32")).toBe("float32");
    expect(promote("float64", "float16")).toBe("float64");
    for (const d of dtypes) expect([promote("bool", d), promote(d, "bool")]).toEqual([d, d]);
  });
});
