/** Loads and stores of elements of one and two bytes, sixteen bytes at a time where they are neighbours. */
import { describe, expect, test } from "vitest";
import type { DType } from "../../../compiler/ir/dtype.ts";
import type { Expr } from "../../../compiler/ir/expr.ts";
import { axisIndex, load, s, wideningLoad } from "../../../compiler/ir/expr.ts";
import { halfNumber } from "../../../compiler/ir/half.ts";
import { addIndex, ix, mulIndex } from "../../../compiler/ir/indexing.ts";
import type { Kernel, KernelBuffer, Stmt } from "../../../compiler/ir/loop.ts";
import { check, checkKernel, numbers, textOf } from "./check.ts";

describe("sixteen bytes at a time", () => {
  const count = (kernel: Kernel, what: RegExp): number => textOf(kernel).match(what)?.length ?? 0;
  const index = axisIndex("i", 0, 3);
  const inRows = (lanes: number, buffers: readonly KernelBuffer[], body: readonly Stmt[]): Kernel => {
    const vector: Stmt = { kind: "for", axis: { name: "v", kind: "vector", lo: ix(0), hi: ix(lanes), step: 1 }, body };
    return { name: "k", buffers, scalars: [], body: [{ kind: "for", axis: { name: "i", kind: "grid", lo: ix(0), hi: ix(3), step: 1 }, body: [vector] }] };
  };
  const at3 = (lanes: number): Expr => addIndex(mulIndex(index, lanes), axisIndex("v", 0, lanes - 1));
  const buffer = (name: string, dtype: DType, lanes: number, access: "read" | "write"): KernelBuffer => ({ name, dtype, size: 3 * lanes, access });

  for (const lanes of [2, 3, 4, 5, 8, 12, 13, 16, 17, 20, 23, 24, 28, 31, 32, 33, 48, 71])
    test.each<DType>(["bool", "int8", "uint8", "int16", "uint16", "float16"])(`${lanes} lanes of %s`, (t) => {
      const register = t === "float16" ? "float32" : "int32";
      const place = at3(lanes);
      const loaded = t === "bool" ? s.cast(load("x", "bool", place), "int32") : wideningLoad("x", register, place);
      const changed = s.sub(s.mul(loaded, s.like(77, loaded)), s.like(5, loaded));
      const stores: Stmt[] = [
        { kind: "store", buffer: "y", index: place, value: t === "bool" ? s.not(load("x", "bool", place)) : changed },
        { kind: "store", buffer: "z", index: place, value: changed },
        { kind: "store", buffer: "w", index: place, value: s.lt(changed, s.like(9, changed)) },
      ];
      const buffers = [
        buffer("x", t, lanes, "read"),
        buffer("y", t, lanes, "write"),
        buffer("z", register, lanes, "write"),
        buffer("w", "bool", lanes, "write"),
      ];
      checkKernel(inRows(lanes, buffers, stores), { x: numbers(t, 3 * lanes, lanes) });
    });

  test("bools are loaded and stored once", () => {
    const kernel = check(`kernel @both(%a: bool[64] read, %b: bool[64] read, %c: bool[64] write) {
      for %i in 0..64 step 32 [grid] {
        for %v in 0..32 [vector] {
          store %c[%i + %v] = load %a[%i + %v] and not(load %b[%i + %v])
        }
      }
    }`);
    // … and the ones of bools that are stored, in front of the loop
    expect(count(kernel, /v128\.load\b/g)).toBe(5);
    expect(count(kernel, /v128\.store\b/g)).toBe(2);
    expect(textOf(kernel)).not.toMatch(/load8|load32|_lane|shuffle/);
  });

  test("masks of float32 become bytes in one store", () => {
    const kernel = check(`kernel @less(%x: f32[64] read, %y: f32[64] read, %c: bool[64] write) {
      for %i in 0..64 step 16 [grid] {
        for %v in 0..16 [vector] {
          store %c[%i + %v] = load %x[%i + %v] < load %y[%i + %v]
        }
      }
    }`);
    expect(count(kernel, /v128\.store\b/g)).toBe(1);
    expect(count(kernel, /narrow/g)).toBe(3);
  });

  test("what is stored in place is not what was loaded", () =>
    void check(`kernel @place(%a: bool[64] update, %b: bool[64] write, %x: f32[64] read) {
      for %i in 0..64 step 32 [grid] {
        for %v in 0..32 [vector] {
          let %t = %i + %v
          let %before = load %a[%t]
          store %a[%t] = not(%before)
          store %b[%t] = load %a[%t] and load %x[%t] < 1f32
        }
      }
    }`));

  test("long bodies, whose groups are done two at a time", () => {
    const sum = Array.from({ length: 60 }, (_, i) => `select(load %a[%t], load %x[%t] * ${i}f32, ${i}f32)`).join(" + ");
    void check(`kernel @long(%a: bool[96] read, %x: f32[96] read, %y: f32[96] write, %c: bool[96] write) {
      for %i in 0..96 step 24 [grid] {
        for %v in 0..24 [vector] {
          let %t = %i + %v
          let %s = ${sum}
          store %y[%t] = %s
          store %c[%t] = %s < 3f32 or load %a[%t]
        }
      }
    }`);
  });

  test("every float16, and the float32 between two and beside the middle", () => {
    const middles = Array.from({ length: 0x7bff }, (_, h) => (halfNumber(h) + halfNumber(h + 1)) / 2);
    const given = [
      ...Array.from({ length: 0x10000 }, (_, h) => halfNumber(h)),
      ...middles.flatMap((m) => [m, m * (1 - 2 ** -23), m * (1 + 2 ** -23), -m, -m * (1 + 2 ** -23)]),
      ...[65519.996, 65520, 65536, 1e30, 3e38, 2 ** -126, 2 ** -149, 1, 2, 3, 4].flatMap((x) => [x, -x]),
    ].map(Math.fround);
    const size = given.length - (given.length % 16);
    check(
      `kernel @narrowed(%x: f32[${size}] read, %y: f16[${size}] write) {
        for %i in 0..${size} step 16 [grid] {
          for %v in 0..16 [vector] {
            store %y[%i + %v] = load %x[%i + %v]
          }
        }
      }`,
      { x: given.slice(0, size) },
    );
    const place = addIndex(axisIndex("i", 0, 0x10000 - 16), axisIndex("v", 0, 15));
    const widened: Stmt = { kind: "store", buffer: "y", index: place, value: wideningLoad("x", "float32", place) };
    const vector: Stmt = { kind: "for", axis: { name: "v", kind: "vector", lo: ix(0), hi: ix(16), step: 1 }, body: [widened] };
    const grid: Stmt = { kind: "for", axis: { name: "i", kind: "grid", lo: ix(0), hi: ix(0x10000), step: 16 }, body: [vector] };
    const buffers: KernelBuffer[] = [
      { name: "x", dtype: "float16", size: 0x10000, access: "read" },
      { name: "y", dtype: "float32", size: 0x10000, access: "write" },
    ];
    checkKernel({ name: "widened", buffers, scalars: [], body: [grid] }, { x: given.slice(0, 0x10000) });
  });
});
