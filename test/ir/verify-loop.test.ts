import { describe, expect, test } from "vitest";
import { CompilerBug } from "../../compiler/ir/errors.ts";
import type { Expr } from "../../compiler/ir/expr.ts";
import { apply, argument, axisIndex, constant, load, s, variable } from "../../compiler/ir/expr.ts";
import type { Kernel, Stmt } from "../../compiler/ir/loop.ts";
import { parseKernel } from "../../compiler/ir/parse-loop.ts";
import { verifyKernel } from "../../compiler/ir/verify-loop.ts";

const header = "kernel @k(%x: f32[64] read, %i: i32[64] read, %y: f32[64] write, %z: f32[64] update, %t: f32[8] scratch, %n: i32)";
const verify = (body: string): void => verifyKernel(parseKernel(`${header} { ${body} }`));
const grid = (body: string): string => `for %a in 0..8 [grid] { for %b in 0..8 [grid] { ${body} } }`;

/** A window of 5 × 5 over an image of `rows` × 8, as its guard says. */
const windowed = (rows: number): string =>
  `for %a in 0..8 [grid] { for %b in 0..8 [grid] { for %k in 0..5 [serial] { for %l in 0..5 [serial] {
    let %p = %a + %k + -2
    let %g = %p >= 0 and %p < ${rows} and (%b + %l + -2 >= 0 and %b + %l + -2 < 8)
    store atomic add %z[%a * 8 + %b] = load %x[%a * 8 + %k * 8 + %b + %l + -18 if %g]
  } } } }`;

describe("verifyKernel accepts", () => {
  const right: readonly (readonly [string, string])[] = [
    ["a store for every iteration", grid("store %y[%a * 8 + %b] = load %x[%a + %b * 8]")],
    ["lets between grid axes", "for %a in 0..8 [grid] { let %c = %a * 8 for %b in 0..8 [grid] { store %y[%c + %b] = 1f32 } }"],
    ["a guard that bounds the index", grid("store %y[%a * 8 + %b] = load %x[%a * 8 + %b - 1 if %a * 8 + %b - 1 >= 0]")],
    ["a guard on one axis of a flat index", grid("store %y[%a * 8 + %b] = load %x[%a * 8 + %b + 8 if %a < 7]")],
    ["a guard on sums that a flat index holds", windowed(8)],
    ["a guard that was let", grid("let %g = %a < 7 store %y[%a * 8 + %b] = load %x[%a * 8 + %b + 8 if %g]")],
    ["a condition around", grid("if %a + %b > 0 { store %y[%a * 8 + %b] = load %x[%a * 8 + %b - 1] } else { store %y[0] = 0f32 }")],
    ["a clamped loaded index", grid("store %y[%a * 8 + %b] = load %x[max(0, min(load %i[%b], 63))]")],
    ["a loaded index with a guard", grid("store %y[%a * 8 + %b] = load %x[load %i[%b] if load %i[%b] >= 0 and load %i[%b] < 64]")],
    ["bounds that depend on an axis", "for %a in 0..64 step 16 [serial] { for %b in %a..min(%a + 16, 64) [serial] { store %y[%b] = load %x[%b - %a] } }"],
    [
      "blocks of a long row",
      "for %a in 0..64 [serial] { for %b in %a * 512..min(%a * 512 + 512, 32768) step 4 [serial] { store atomic add %z[(%b + 3) / 512] = 0f32 } }",
    ],
    ["steps", "for %a in 0..62 step 4 [serial] { store %y[%a + 3] = load %x[%a] store %y[%a] = 0f32 }"],
    ["loaded bounds", "for %a in max(load %i[0], 0)..min(load %i[1], 64) [serial] { store atomic add %z[%a] = load %x[%a] }"],
    ["loops that never run", "for %a in 0..0 [serial] { store %y[%a + 100] = 0f32 }"],
    ["remainders and quotients", grid("store %y[%a * 8 + %b] = load %x[(%a * 8 + %b) rem 5 * 8 + (%a * 8 + %b) / 8]")],
    ["an index that only all iterations show to fit", grid("store %y[%a * 8 + %b] = load %x[%a * 9 - %a * 2 + %b - %b]")],
    ["carries", "carry %c = 0f32 for %a in 0..64 [serial] { %c = %c + load %x[%a] store %y[%a] = %c }"],
    [
      "a reduction and its locals",
      "local %t8: f32[8] scratch reduce %s = 0f32 by $0 + $1 over %a in 0..8 [serial] { store %t8[%a] = load %x[%a] yield load %t8[%a] } store %y[0] = %s",
    ],
    ["scratch", "store %t[0] = 1f32 store %y[0] = load %t[0]"],
    ["names used again side by side", "for %a in 0..8 [serial] { store %y[%a] = 0f32 } for %a in 0..8 [serial] { store %y[%a + 8] = 0f32 }"],
    [
      "barriers between lanes",
      "local %t8: f32[8] group for %l in 0..8 [lane] { store %t8[%l] = 1f32 } if %n > 0 { barrier } for %a in 0..%n [serial] { barrier }",
    ],
    ["updates", grid("store %z[%a] = load %z[%a] + 1f32")],
  ];
  for (const [name, body] of right) test(`${name}`, () => expect(() => verify(body)).not.toThrow());
});

describe("verifyKernel rejects", () => {
  const wrong: readonly (readonly [string, string, string])[] = [
    [
      "a load past the end",
      grid("store %y[%a * 8 + %b] = load %x[%a * 9 + %b]"),
      "the load of %x: index %a * 9 + %b is 64 where %a = 7, %b = 1, and should be 0 to 63",
    ],
    ["a store before the start", grid("store %y[%a * 8 + %b - 1] = 1f32"), "the store to %y: index %a * 8 + %b - 1 is -1 where %a = 0, %b = 0"],
    ["a guard that is off by one", grid("store %y[%a * 8 + %b] = load %x[%a * 8 + %b + 1 if %a * 8 + %b <= 63]"), "is 64 where %a = 7, %b = 7"],
    ["a guard on sums that lets one too many in", windowed(9), "and should be 0 to 63"],
    ["a guard the wrong way round", grid("if %a < 7 { } else { store %y[%a * 8 + %b] = load %x[%a * 8 + %b + 8] }"), "is 64 where"],
    [
      "a large index in a large kernel",
      "for %a in 0..4096 [grid] { for %b in 0..4096 [grid] { store %z[%a + %b] = 1f32 } }",
      "the store to %z: index %a + %b is",
    ],
    [
      "a loaded index without a guard",
      grid("store %y[%a * 8 + %b] = load %x[load %i[%b]]"),
      "the load of %x: index load %i[%b] may be -Infinity to Infinity, has no guard, and should be 0 to 63",
    ],
    [
      "loaded bounds of any value",
      "for %a in load %i[0]..min(load %i[1], 64) [serial] { store atomic add %z[%a] = 1f32 }",
      "the store to %z: index %a is -1000000",
    ],
    ["a carry that may shrink", "carry %c = 0 for %a in 0..64 [serial] { store %y[%a] = load %x[min(%c, 63)] %c = %c - 1 }", "index min(%c, 63) may be"],
    [
      "blocks that are one too long",
      "for %a in 0..64 [serial] { for %b in %a * 512..min(%a * 512 + 513, 32769) step 4 [serial] { store atomic add %z[(%b + 3) / 512] = 0f32 } }",
      "is 64 where %a = 63, %b = 32768",
    ],
    ["a scalar index without a guard", "store %y[%n] = 0f32", "index %n may be"],
    ["a store to what is read", "store %x[0] = 0f32", "the store to %x, which is only read"],
    ["a load of what is written", "store %y[0] = load %y[1]", "the load of %y, which is only written"],
    ["an atomic store to what is only written", "store atomic add %y[0] = 0f32", "the store to %y is atomic: its buffer should be declared update"],
    ["a local loaded before it is stored", "local %t8: f32[8] scratch store %y[0] = load %t8[0]", "the load of %t8 stands before any store to it"],
    ["a scratch loaded before it is stored", "store %y[0] = load %t[0]", "the load of %t stands before any store to it"],
    ["a local past its end", "local %t8: f32[8] scratch store %t8[8] = 0f32", "the store to %t8: index 8 is 8, and should be 0 to 7"],
    ["two stores to one element", "store %y[0] = 0f32 for %a in 0..4 [serial] { store %y[%a] = 0f32 }", "element 0 of %y is stored twice"],
    ["grid iterations that meet", grid("store %y[%a + %b] = 0f32"), "element 1 of %y is stored twice"],
    ["a grid axis in a stage", "for %l in 0..8 [serial] { for %a in 0..8 [grid] { } }", "the grid axis %a stands inside of a stage"],
    ["a grid axis that is reduced", "reduce %s = 0f32 by $0 + $1 over %a in 0..8 [grid] { yield 1f32 }", "the grid axis %a stands inside of a stage"],
    ["a store beside a grid axis", "store %y[0] = 0f32 for %a in 0..8 [grid] { }", "beside the grid axis %a stands a store; only lets may"],
    ["a barrier under a lane's condition", "for %l in 0..8 [lane] { if %l < 4 { barrier } }", "a barrier stands where lanes may diverge"],
    ["a barrier in a loop of a lane's length", "for %l in 0..8 [lane] { for %a in 0..%l [serial] { barrier } }", "a barrier stands where lanes may diverge"],
    ["a barrier under a computed condition", "reduce %s = 0f32 by $0 + $1 { yield 1f32 } if %s > 0f32 { barrier }", "a barrier stands where lanes may diverge"],
    ["an assignment to a let", "let %c = 1 %c = 2", "%c is assigned and is no carry"],
    ["a condition that is a number", "if %n { }", "a condition should be bool: %n is int32"],
    ["a guard that is a number", "store %y[0 if %n] = 0f32", "the store to %y: its guard should be bool"],
    ["an index that is a float", "store %y[1f32] = 0f32", "the store to %y: its index should be int32: 1f32 is float32"],
    ["a bound that is a float", "for %a in 0..1f32 [serial] { }", "a bound of axis %a should be int32"],
    ["logic of floats", "let %c = 1f32 and 2f32", "and takes integers or bools: 1f32 and 2f32 has float32"],
    ["exp of an integer", "let %c = exp(%n)", "exp takes floats: exp(%n) has int32"],
  ];
  for (const [name, body, message] of wrong) {
    test(`${name}`, () => {
      expect(() => verify(body)).toThrow(CompilerBug);
      expect(() => verify(body)).toThrow(`verify kernel @k: `);
      expect(() => verify(body)).toThrow(message);
    });
  }

  const kernel = (...body: readonly Stmt[]): Kernel => ({
    name: "k",
    buffers: [{ name: "x", dtype: "float32", size: 8, access: "read" }],
    scalars: [{ name: "n", dtype: "int32" }],
    body,
  });
  const bind = (value: Expr): Stmt => ({ kind: "let", name: "v", value });
  const one = constant(1, "float32");
  const zero = constant(0, "int32");
  const forged: readonly (readonly [string, Kernel, string])[] = [
    ["a name that is not there", kernel(bind(variable("m", "int32"))), "%m is used and not defined here"],
    [
      "a name out of its scope",
      kernel({ kind: "if", condition: constant(1, "bool"), then: [bind(one)], otherwise: [] }, { kind: "let", name: "w", value: variable("v", "float32") }),
      "%v is used and not defined here",
    ],
    ["a name defined twice", kernel(bind(one), bind(one)), "%v is defined twice"],
    ["a buffer's name taken by a let", kernel({ kind: "let", name: "x", value: one }), "%x is defined twice"],
    ["a variable of another dtype", kernel(bind(variable("n", "float32"))), "%n is int32 and used as float32"],
    ["a scalar used as an axis", kernel(bind(axisIndex("n", 0, 3))), "%n is no axis and used as axis"],
    ["a load of another dtype", kernel(bind(load("x", "float64", zero))), "the load of %x, which holds float32, gives float64"],
    ["a load of nothing", kernel(bind(load("w", "float32", zero))), "the load of %w: there is no such buffer here"],
    ["an argument outside of a template", kernel(bind(argument(0, "float32"))), "argument $0 of float32 stands where there is none"],
    ["mixed dtypes", kernel(bind({ ...apply("add", [one, one]), args: [one, zero] })), "scalar add mixes float32 and int32"],
    ["a result of another dtype", kernel(bind({ ...apply("lt", [one, one]), dtype: "float32" })), "1f32 < 1f32 is float32 and should be bool"],
    [
      "a select of two dtypes",
      kernel(bind({ ...apply("select", [constant(1, "bool"), one, one]), args: [constant(1, "bool"), one, zero] })),
      "the other branch of a select should be float32",
    ],
    [
      "a reduction of uneven tuples",
      kernel({
        kind: "reduce",
        names: ["r"],
        init: [one],
        axes: [],
        body: [],
        values: [one, one],
        combine: [s.add(argument(0, "float32"), argument(1, "float32"))],
        exact: true,
      }),
      "reduce %r: 2 expressions for 1 results",
    ],
  ];
  for (const [name, broken, message] of forged) test(`${name}`, () => expect(() => verifyKernel(broken)).toThrow(message));
});
