/** Whole kernels, their vector axes in every form that schedules give them: WebAssembly against JavaScript, bit for bit. */
import { describe, expect, test } from "vitest";
import { emitWasm } from "../../../compiler/codegen/wasm/emit.ts";
import type { DType } from "../../../compiler/ir/dtype.ts";
import { at } from "../../../compiler/ir/errors.ts";
import { axisIndex, s, wideningLoad } from "../../../compiler/ir/expr.ts";
import { addIndex, ix, subIndex } from "../../../compiler/ir/indexing.ts";
import type { Kernel, KernelBuffer, Stmt } from "../../../compiler/ir/loop.ts";
import { parseKernel } from "../../../compiler/ir/parse-loop.ts";
import { printKernel } from "../../../compiler/ir/print-loop.ts";
import { check, checkKernel, numbers, textOf } from "./check.ts";

const dtypes = ["f32", "f64", "i32", "u32", "i64", "u64"] as const;

describe("elementwise", () => {
  const chain = (t: string, n: number, lanes: number): string => `kernel @chain(%x: ${t}[${n}] read, %y: ${t}[${n}] read, %z: ${t}[${n}] write, %a: ${t}) {
    for %i in 0..${n} step ${lanes} [grid] {
      if %i + ${lanes} <= ${n} {
        for %v in 0..${lanes} [vector] {
          let %t = %i + %v
          let %p = load %x[%t] * %a
          store %z[%t] = min(%p + load %y[%t], %p)
        }
      } else {
        for %t2 in %i..${n} [serial] {
          let %p2 = load %x[%t2] * %a
          store %z[%t2] = min(%p2 + load %y[%t2], %p2)
        }
      }
    }
  }`;
  for (const t of dtypes)
    for (const lanes of [4, 8, 16, 6, 2]) {
      test(`${t}, ${lanes} lanes`, () => {
        const kernel = check(chain(t, 100, lanes), {}, [t === "i64" || t === "u64" ? 3n : 3]);
        expect(textOf(kernel)).toMatch(t === "f32" || t === "f64" ? /f(32x4|64x2)\.mul/ : /i(32x4|64x2)\.mul/);
      });
    }

  test("a scalar parameter and a constant are vectors made in front of the loop, once", () => {
    const text = textOf(parseKernel(chain("f32", 128, 16)));
    const [before = "", ...vectors] = text.slice(0, text.indexOf("else")).split("loop");
    expect(before.match(/f32x4\.splat/g)).toHaveLength(1);
    expect(vectors.join("")).not.toContain("splat");
    expect(text.match(/v128\.load/g)).toHaveLength(8);
    expect(text).toContain("v128.load offset=48");
  });

  test.each(["f32", "f64"])("selects of %s that are one instruction, with zeros and NaN", (t) => {
    const special = [NaN, 0, -0, 1, -1, 2, -2, Infinity, -Infinity, 0.5, 3, -3];
    const kernel = check(
      `kernel @clamp(%x: ${t}[12] read, %y: ${t}[12] read, %z: ${t}[48] write) {
        for %v in 0..12 [vector] {
          let %a = load %x[%v]
          let %b = load %y[%v]
          store %z[%v] = select(%a < %b, %a, %b)
          store %z[%v + 12] = select(%a < %b, %b, %a)
          store %z[%v + 24] = select(%a > %b, %a, %b)
          store %z[%v + 36] = select(0${t} < %a, 0${t}, %a)
        }
      }`,
      { x: special, y: special.toReversed() },
    );
    expect(textOf(kernel).match(/pmin|pmax/g)?.length).toBe(t === "f32" ? 12 : 24);
    for (const turn of [1, 2, 5, 11]) check(printKernel(kernel), { x: special, y: [...special.slice(turn), ...special.slice(0, turn)] });
  });

  test.each(["f32", "f64", "i32", "u32", "i64"])("selects of %s between a value and nothing", (t) => {
    const text = textOf(
      check(`kernel @taken(%x: ${t}[24] read, %y: ${t}[24] read, %z: ${t}[96] write) {
        for %v in 0..24 [vector] {
          let %a = load %x[%v]
          let %b = load %y[%v]
          store %z[%v] = select(%a < %b, %a, 0${t === "i32" ? "" : t})
          store %z[%v + 24] = select(%a < %b, 0${t === "i32" ? "" : t}, %b)
          store %z[%v + 48] = select(%a == %b, 0${t === "i32" ? "" : t}, 0${t === "i32" ? "" : t})
          store %z[%v + 72] = select(%a < %b, %b, ${t.startsWith("f") ? "-0" : "1"}${t === "i32" ? "" : t})
        }
      }`),
    );
    const registers = t.endsWith("64") ? 12 : 6;
    expect(text.match(/v128\.bitselect/g)).toHaveLength(registers);
    expect(text.match(/v128\.andnot/g)).toHaveLength(registers);
  });

  test("masks between values of different widths", () =>
    void check(`kernel @masks(%x: f32[40] read, %d: f64[40] read, %b: bool[40] read, %y: f64[40] write, %z: f32[40] write, %c: bool[40] write) {
      for %i in 0..40 step 20 [grid] {
        for %v in 0..20 [vector] {
          let %t = %i + %v
          let %wide = load %d[%t] < 1f64
          let %narrow = load %x[%t] < 1f32
          let %both = %wide and %narrow or load %b[%t]
          store %y[%t] = select(%narrow, load %d[%t], -load %d[%t])
          store %z[%t] = select(%wide, load %x[%t], 5f32)
          store %c[%t] = not(%both)
        }
      }
    }`));

  const narrow = (t: DType): Kernel => {
    const [i, v] = [axisIndex("i", 0, 23), axisIndex("v", 0, 22)];
    const register = t === "float16" ? "float32" : "int32";
    const index = addIndex(i, v);
    const value = s.add(s.mul(wideningLoad("x", register, index), 3), 1);
    const body: Stmt[] = [
      { kind: "store", buffer: "y", index, value },
      { kind: "store", buffer: "w", index, value: wideningLoad("x", register, subIndex(ix(45), index), s.lt(v, 20)) },
      { kind: "store", buffer: "z", index, value, guard: s.ne(s.irem(v, 5), 0) },
    ];
    const out = (name: string, dtype: DType): KernelBuffer => ({ name, dtype, size: 46, access: "write" });
    const vector: Stmt = { kind: "for", axis: { name: "v", kind: "vector", lo: ix(0), hi: ix(23), step: 1 }, body };
    const grid: Stmt = { kind: "for", axis: { name: "i", kind: "grid", lo: ix(0), hi: ix(46), step: 23 }, body: [vector] };
    return { name: "narrow", buffers: [{ ...out("x", t), access: "read" }, out("y", t), out("w", register), out("z", t)], scalars: [], body: [grid] };
  };
  test.each<DType>(["int8", "uint8", "int16", "uint16", "float16"])("%s is converted on its way", (t) => {
    const given = t === "float16" ? [65504, 1e-8, -6e-8, 0.1, 5.96e-8, 6.1e-5, 6e-5, -0, Infinity, NaN, -1000.5, 22000, 1 / 3] : [];
    checkKernel(narrow(t), { x: [...given, ...numbers(t, 46 - given.length, 3)] });
  });
});

describe("reductions", () => {
  test.each(["f32", "f64", "i32"])("rows of %s summed by the lanes of registers, with a rest and a tree", (t) => {
    const kernel = check(`kernel @rows(%x: ${t}[1505] read, %y: ${t}[5] write) {
      for %i in 0..5 [grid] {
        local %acc: ${t}[8] scratch
        for %v in 0..8 [vector] { store %acc[%v] = 0${t} }
        for %k in 0..296 step 8 [serial] {
          for %v in 0..8 [vector] {
            let %x1 = load %x[%i * 301 + %k + %v]
            store %acc[%v] = load %acc[%v] + %x1 * %x1
          }
        }
        for %r in 0..5 [vector] { store %acc[%r] = load %acc[%r] + load %x[%i * 301 + 296 + %r] }
        for %h in 0..4 [vector] { store %acc[%h] = load %acc[%h] + load %acc[%h + 4] }
        store %acc[0] = load %acc[0] + load %acc[2]
        store %acc[1] = load %acc[1] + load %acc[3]
        store %y[%i] = load %acc[0] + load %acc[1]
      }
    }`);
    expect(at(emitWasm([kernel], { sharedMemory: false, relaxed: false }).module.kernels, 0).scratchBytes).toBe(0);
  });

  test("the place of the greatest, by tuples", () =>
    void check(`kernel @argmax(%x: f32[192] read, %y: i32[3] write, %m: f32[3] write) {
      for %i in 0..3 [grid] {
        local %best: f32[8] scratch
        local %place: i32[8] scratch
        for %v in 0..8 [vector] {
          store %best[%v] = -Infinity_f32
          store %place[%v] = 0
        }
        for %k in 0..64 step 8 [serial] {
          for %v in 0..8 [vector] {
            let %x1 = load %x[%i * 64 + %k + %v]
            let %old = load %best[%v]
            let %is = %x1 > %old
            store %best[%v] = select(%is, %x1, %old)
            store %place[%v] = select(%is, %k + %v, load %place[%v])
          }
        }
        carry %b = load %best[0]
        carry %p = load %place[0]
        for %l in 1..8 [serial] {
          let %other = load %best[%l]
          let %is2 = %other > %b or %other == %b and load %place[%l] < %p
          %p = select(%is2, load %place[%l], %p)
          %b = select(%is2, %other, %b)
        }
        store %y[%i] = %p
        store %m[%i] = %b
      }
    }`));

  test("columns: a reduction and a carry in each lane", () =>
    void check(`kernel @columns(%x: f32[300] read, %y: f32[30] write, %z: f32[30] write) {
      for %j in 0..30 step 10 [grid] {
        for %v in 0..10 [vector] {
          reduce %s = 0f32 by $0 + $1 over %k in 0..10 [serial] { yield load %x[%k * 30 + %j + %v] }
          carry %c = %s
          for %k2 in 0..10 [serial] {
            let %x2 = load %x[%k2 * 30 + %j + %v]
            %c = max(%c, %x2 * load %x[%k2])
          }
          store %y[%j + %v] = %s
          store %z[%j + %v] = %c
        }
      }
    }`));

  test("a sum over the vector axis itself stays in order", () =>
    void check(`kernel @sum(%x: f32[32] read, %y: f32[1] write) {
      carry %s = 0f32
      for %v in 0..32 [vector] { %s = %s + load %x[%v] }
      store %y[0] = %s
    }`));

  test("a tuple of two in each lane", () =>
    void check(`kernel @both(%x: f64[120] read, %m: f64[12] write, %n: i32[12] write) {
      for %v in 0..12 [vector] {
        reduce %best = -Infinity_f64, %at = 0 by select($2 > $0, $2, $0), select($2 > $0, $3, $1) over %k in 0..10 [serial] { yield load %x[%v * 10 + %k], %k }
        store %m[%v] = %best
        store %n[%v] = %at
      }
    }`));
});

describe("contractions", () => {
  test.each(["f32", "f64"])("a tile of %s in registers", (t) => {
    const rows = [0, 1, 2, 3];
    const kernel = check(`kernel @matmul(%a: ${t}[96] read, %b: ${t}[192] read, %c: ${t}[128] write) {
      for %i in 0..8 step 4 [grid] {
        for %j in 0..16 step 8 [grid] {
          ${rows.map((r) => `local %acc${r}: ${t}[8] scratch`).join("\n")}
          for %v in 0..8 [vector] { ${rows.map((r) => `store %acc${r}[%v] = 0${t}`).join("\n")} }
          for %k in 0..12 [serial] {
            for %v in 0..8 [vector] {
              let %bk = load %b[%k * 16 + %j + %v]
              ${rows.map((r) => `store %acc${r}[%v] = load %acc${r}[%v] + load %a[%i * 12 + ${r * 12} + %k] * %bk`).join("\n")}
            }
          }
          for %v in 0..8 [vector] { ${rows.map((r) => `store %c[%i * 16 + ${r * 16} + %j + %v] = load %acc${r}[%v]`).join("\n")} }
        }
      }
    }`);
    const made = emitWasm([kernel], { sharedMemory: false, relaxed: false });
    expect(at(made.module.kernels, 0)).toMatchObject({ turns: 4, scratchBytes: 0 });
    expect(made.text()).toContain(t === "f32" ? "v128.load32_splat" : "v128.load64_splat");
  });
});

describe("memory", () => {
  test("a row kept in scratch", () => {
    const kernel = check(`kernel @row(%x: f32[96] read, %y: f32[96] write) {
      for %i in 0..3 [grid] {
        local %row: f32[32] scratch
        for %k in 0..32 step 8 [serial] { for %v in 0..8 [vector] { store %row[%k + %v] = load %x[%i * 32 + %k + %v] * 2f32 } }
        for %k2 in 0..32 step 8 [serial] { for %w in 0..8 [vector] { store %y[%i * 32 + %k2 + %w] = load %row[31 - (%k2 + %w)] } }
      }
    }`);
    expect(at(emitWasm([kernel], { sharedMemory: false, relaxed: false }).module.kernels, 0).scratchBytes).toBe(128);
  });

  test("by steps, backwards, by quotients, by what is loaded", () =>
    void check(
      `kernel @gather(%x: f32[64] read, %d: f64[64] read, %n: i32[16] read, %y: f32[16] write, %z: f64[16] write, %w: f32[64] write) {
        for %v in 0..16 [vector] {
          let %at = min(max(load %n[%v], 0), 63)
          store %y[%v] = load %x[%v * 3 + 2] + load %x[63 - %v] - load %x[%v / 3 * 7 + %v rem 3] + load %x[%at]
          store %z[%v] = load %d[%at] + load %d[%v * 2 + 1]
          store %w[%v * 4 + 3] = load %x[5]
        }
      }`,
      { n: [3, 60, 0, 63, 12, 5, 5, 7, 9, 11, 30, 31, 2, 1, 62, 33] },
    ));

  test("guards that vary, and that do not", () =>
    void check(
      `kernel @pad(%x: f32[20] read, %d: f64[20] read, %b: bool[20] read, %y: f32[32] write, %z: f64[32] write, %c: bool[32] write, %n: i32) {
      for %i in 0..32 step 8 [grid] {
        for %v in 0..8 [vector] {
          let %t = %i + %v
          store %y[%t] = load %x[%t - 6 if %t >= 6 and %t < 26] + load %x[3 if %n > 2]
          store %z[%t] = load %d[%t - 6 if %t >= 6 and %t < 26]
          store %c[%t if %t < 29] = load %b[%t - 6 if %t >= 6 and %t < 26]
        }
      }
    }`,
      {},
      [3],
    ));

  test("conditions that are the same in all lanes, bounds that are loaded", () =>
    void check(
      `kernel @ifs(%x: f32[32] read, %o: i32[3] read, %y: f32[32] update) {
        for %i in 0..2 [serial] {
          let %from = load %o[%i]
          let %to = load %o[%i + 1]
          for %v in 0..16 [vector] {
            if %i < 1 {
              store %y[%i * 16 + %v] = load %x[%v]
            } else {
              carry %s = 0f32
              for %k in max(%from, 0)..min(%to, 32) [serial] { %s = %s + load %x[%k] * load %x[%v] }
              store %y[%i * 16 + %v] = %s
            }
          }
        }
      }`,
      { o: [0, 5, 17] },
    ));

  test("more lanes than registers hold", () =>
    void check(`kernel @long(%x: f32[105] read, %y: f32[105] write) {
      for %v in 0..105 [vector] { store %y[%v] = load %x[%v] * load %x[%v] }
    }`));

  test("atomic stores", () =>
    void check(
      `kernel @scatter(%x: f32[16] read, %n: i32[16] read, %y: f32[4] update) {
        for %i in 0..16 [grid] { store atomic add %y[min(max(load %n[%i], 0), 3)] = load %x[%i] }
      }`,
      { n: [0, 1, 2, 3, 3, 2, 1, 0, 0, 0, 0, 1, 1, 1, 2, 2] },
    ));
});

describe("turns", () => {
  const grid = (i: number, j: number): string => `kernel @grid(%y: i32[${i * j}] write) {
    for %i in 0..${i} [grid] { for %j in 0..${j} [grid] { store %y[%i * ${j} + %j] = %i * 1000 + %j } }
  }`;
  test.each([
    [100, 7, 100],
    [3, 7, 21],
    [1, 1, 1],
  ])("%i × %i points are %i turns", (i, j, turns) => {
    const kernel = check(grid(i, j));
    expect(at(emitWasm([kernel], { sharedMemory: false, relaxed: false }).module.kernels, 0).turns).toBe(turns);
  });

  test("kernels of one name, and their order", () => {
    const kernel = parseKernel(grid(2, 2));
    expect(emitWasm([kernel, { ...kernel, name: "grid_1" }, kernel], { sharedMemory: true, relaxed: false }).module.kernels.map((k) => k.name)).toEqual([
      "grid",
      "grid_1",
      "grid_2",
    ]);
  });

  test("equal kernels give equal bytes", () => {
    const bytes = (): string => emitWasm([parseKernel(grid(5, 9))], { sharedMemory: true, relaxed: true }).module.binary.join();
    expect(bytes()).toBe(bytes());
  });
});

test("the text of a kernel", () => {
  const kernel = parseKernel(`kernel @scale(%x: f32[64] read, %y: f32[64] write, %s: f32) {
    for %i in 0..64 step 8 [grid] { for %v in 0..8 [vector] { store %y[%i + %v] = load %x[%i + %v] * %s } }
  }`);
  expect(textOf(kernel)).toMatchInlineSnapshot(`
    "(module
      (import "env" "memory" (memory 1))
      (import "env" "constants" (global $constants i32))
      ;; scale: x float32[64], y float32[64], s float32
      (func (export "scale") (param $lo i32) (param $hi i32) (param $scratch i32) (param $x i32) (param $y i32) (param $s f32)
        (local $i i32) (local $end i32) (local $i.x4 i32) (local $x.at i32)
        (local $s.v v128) (local $value v128) (local $value~1 v128) (local $y.at i32)
        local.get $lo
        local.get $hi
        i32.ge_s
        if
          return
        end
        local.get $lo
        i32.const 8
        i32.mul
        local.set $i
        local.get $hi
        i32.const 8
        i32.mul
        local.set $end
        local.get $s
        f32x4.splat
        local.set $s.v
        loop
          local.get $i
          i32.const 2
          i32.shl
          local.set $i.x4
          local.get $x
          local.get $i.x4
          i32.add
          local.set $x.at
          local.get $y
          local.get $i.x4
          i32.add
          local.set $y.at
          local.get $x.at
          v128.load
          local.get $s.v
          f32x4.mul
          local.set $value
          local.get $x.at
          v128.load offset=16
          local.get $s.v
          f32x4.mul
          local.set $value~1
          local.get $y.at
          local.get $value
          v128.store
          local.get $y.at
          local.get $value~1
          v128.store offset=16
          local.get $i
          i32.const 8
          i32.add
          local.tee $i
          local.get $end
          i32.lt_s
          br_if 0
        end
      )
    )
    "
  `);
});

test("products and sums are contracted where that is asked for", () => {
  const kernel = parseKernel(`kernel @fma(%x: f32[4] read, %y: f32[4] write) {
    for %v in 0..4 [vector] { store %y[%v] = load %x[%v] * load %x[%v] + load %x[%v] - load %x[%v] * 3f32 }
  }`);
  const text = emitWasm([kernel], { sharedMemory: false, relaxed: true }).text();
  expect(text).toContain("f32x4.relaxed_madd");
  expect(text).toContain("f32x4.relaxed_nmadd");
  expect(textOf(kernel)).not.toContain("relaxed");
});
