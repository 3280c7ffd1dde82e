import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DType } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Expr, ScalarOp } from "../../compiler/ir/expr.ts";
import { apply, argument, axisIndex, constant, load, s, scalarArity, scalarOps, variable } from "../../compiler/ir/expr.ts";
import type { Kernel, Stmt } from "../../compiler/ir/loop.ts";
import { expressionsOf, statements } from "../../compiler/ir/loop.ts";
import { parseKernel, parseKernels } from "../../compiler/ir/parse-loop.ts";
import { exprText } from "../../compiler/ir/print-expr.ts";
import { printKernel, printKernels } from "../../compiler/ir/print-loop.ts";

/** What two expressions must have in common: everything but the known bounds. */
const shapeOf = (e: Expr): unknown => [e.op, e.dtype, Object.is(e.value, -0) ? "-0" : e.value, e.name, e.args.map(shapeOf)];

function expectSameKernel(a: Kernel, b: Kernel): void {
  const plain = (k: Kernel): unknown =>
    [...statements(k.body)].map((stmt) => [stmt.kind, expressionsOf(stmt).map(shapeOf), stmt.kind === "reduce" ? stmt.combine.map(shapeOf) : []]);
  expect(plain(b)).toEqual(plain(a));
  expect([b.name, b.buffers, b.scalars]).toEqual([a.name, a.buffers, a.scalars]);
}

const softmax = `kernel @softmax(%x: f32[4096] read, %y: f32[4096] write, %scale: f32) {
  for %i in 0..64 [grid] {
    local %row: f32[64] scratch
    reduce %m = -Infinity_f32 by max($0, $1) over %j in 0..64 [vector] exact {
      yield load %x[%i * 64 + %j]
    }
    reduce %s = 0f32 by $0 + $1 over %j in 0..64 [vector] {
      let %e = exp((load %x[%i * 64 + %j] - %m) * %scale)
      store %row[%j] = %e
      yield %e
    }
    let %r = 1f32 / %s
    for %j in 0..64 [vector] {
      store %y[%i * 64 + %j] = load %row[%j] * %r
    }
  }
}`;

const everything = `kernel @"all kinds"(%x: i32[9] update, %off: i32[4] read, %n: i32) {
  local %t: bool[2] group
  barrier
  carry %c = 0.1f32
  for %i in load %off[0]..min(%n, load %off[1]) step 3 [serial] {
    %c = %c * 2f32
    if %i >= 2 and not(load %t[0]) {
      store atomic add %x[%i rem 9] = i32(%c)
    } else {
      store %x[%i - 1 if %i >= 1] = load %x[%i + 1 if %i < 8]
    }
  }
  if true {
  }
  reduce %one = 0f32 by $0 + $1 {
    yield 2f32
  }
  reduce %v = -1, %p = 0 by select($0 >= $2, $0, $2), select($0 >= $2, $1, $3) over %i in 0..3 [lane], %j in 0..3 [group] exact {
    yield load %x[%i * 3 + %j], %i * 3 + %j
  }
}`;

describe("Loop text", () => {
  for (const [name, text] of [
    ["softmax: three stages over one grid axis", softmax],
    ["every statement", everything],
    ["an empty kernel", "kernel @k() {\n}"],
  ] as const) {
    test(`${name} parses and prints the same`, () => {
      expect(printKernel(parseKernel(text))).toBe(text);
    });
  }

  test("several kernels in one text", () => {
    expect(printKernels(parseKernels(`${softmax}\n; next\n${everything}`))).toBe(`${softmax}\n\n${everything}\n`);
  });

  test("bounds of axes are recovered, and of what is computed from them", () => {
    const kernel = parseKernel("kernel @k(%y: f32[40] write) { for %i in 0..10 [grid] { store %y[%i * 4 + 3] = 1f32 } }");
    const store = [...statements(kernel.body)].find((stmt) => stmt.kind === "store");
    expect(store).toMatchObject({ index: { lo: 3, hi: 39 } });
  });
});

describe("an expression", () => {
  const x = variable("x", "float32");
  const n = variable("n", "int32");
  const i = axisIndex("i", 0, 9);
  const facts: readonly (readonly [string, Expr])[] = [
    ["%x - (%x - %x)", s.sub(x, s.sub(x, x))],
    ["%x - %x - %x", s.sub(s.sub(x, x), x)],
    ["(%x + %x) * 2f32", s.mul(s.add(x, x), 2)],
    ["-%x * %x", s.mul(s.neg(x), x)],
    ["-(%x * %x)", s.neg(s.mul(x, x))],
    ["--%x", s.neg(s.neg(x))],
    ["neg(1f32)", s.neg(constant(1, "float32"))],
    ["-1f32", constant(-1, "float32")],
    ["-0f64", constant(-0, "float64")],
    ["0.1f32", constant(0.1, "float32")],
    ["0.10000000149011612f64", constant(Math.fround(0.1), "float64")],
    ["NaN_f32", constant(Number.NaN, "float32")],
    ["-Infinity_f64", constant(-Infinity, "float64")],
    ["4294967295u32", constant(4294967295, "uint32")],
    ["-2147483648", constant(-2147483648, "int32")],
    ["3.4028235e+38f32", constant(3.4028234663852886e38, "float32")],
    ["%n / 2 * (%n / 2)", s.mul(s.idiv(n, 2), s.idiv(n, 2))],
    ["div(%n, 2)", s.div(n, 2)],
    ["%x / 2f32", s.div(x, 2)],
    ["idiv(%x, 2f32)", s.idiv(x, 2)],
    ["(%x < 1f32) == (%n < %i)", s.eq(s.lt(x, 1), s.lt(n, i))],
    ["%n << 2 and 255", s.and(s.shl(n, 2), 255)],
    ["(%n == 1 or %n == 2) and true", s.and(s.or(s.eq(n, 1), s.eq(n, 2)), constant(1, "bool"))],
    ["select(isnan(%x), false, true)", s.select(s.isnan(x), constant(0, "bool"), constant(1, "bool"))],
    ["f32(%i) + bitcast f32(%n)", s.add(s.cast(i, "float32"), s.bitcast(n, "float32"))],
    ["i32(1f32)", apply("cast", [constant(1, "float32")], "int32")],
    ["load %b[%i - 1 if %i >= 1] + load %b[%i]", s.add(load("b", "float32", s.sub(i, 1), s.ge(i, 1)), load("b", "float32", i))],
  ];
  for (const [text, e] of facts) {
    test(`${text}`, () => {
      expect(exprText(e)).toBe(text);
      const kernel = parseKernel(`kernel @k(%b: f32[10] read, %x: f32, %n: i32) { for %i in 0..10 [serial] { let %y = ${text} } }`);
      const [, found] = [...statements(kernel.body)];
      expect(found?.kind === "let" ? shapeOf(found.value) : undefined).toEqual(shapeOf(e));
    });
  }

  test("that is large and used twice is written once, and is one object again", () => {
    let e: Expr = x;
    for (let k = 0; k < 58; k++) e = s.mul(e, e);
    const kernel: Kernel = { name: "power", buffers: [], scalars: [{ name: "x", dtype: "float32" }], body: [{ kind: "let", name: "y", value: e }] };
    const text = printKernel(kernel);
    expect(text.split("\n").slice(1, 3)).toEqual(["  #0 = %x * %x * (%x * %x) * (%x * %x * (%x * %x))", "  #1 = #0 * #0 * (#0 * #0) * (#0 * #0 * (#0 * #0))"]);
    const parsed = parseKernel(text);
    expect(printKernel(parsed)).toBe(text);
    const y = at(parsed.body, 0);
    expect(y.kind === "let" && y.value.args[0] === y.value.args[1]).toBe(true);
  });

  test("that is 4,000 operations deep prints and parses", () => {
    let e: Expr = x;
    for (let k = 0; k < 4000; k++) e = s.neg(e);
    const kernel: Kernel = { name: "deep", buffers: [], scalars: [{ name: "x", dtype: "float32" }], body: [{ kind: "let", name: "y", value: e }] };
    const text = printKernel(kernel);
    expect(printKernel(parseKernel(text))).toBe(text);
    expect(text.split("\n").every((line) => line.length < 160)).toBe(true);
  });
});

/** Random expressions of a dtype over the names of `wrap`. */
function randomExpr(dtype: DType, depth: number): fc.Arbitrary<Expr> {
  const number = dtype === "bool" || dtype === "int32" || dtype === "uint32" ? fc.integer() : fc.double();
  const leaves = [
    number.map((v) => constant(v, dtype)),
    fc.constant(variable(`s_${dtype}`, dtype)),
    fc.constant(load(`b_${dtype}`, dtype, constant(3, "int32"))),
  ];
  if (depth === 0) return fc.oneof(...leaves);
  const floats = dtype === "float32" || dtype === "float64";
  const logic: ScalarOp[] = ["and", "or", "xor", "not"];
  const usable = scalarOps.filter(
    (op) => op !== "bitcast" && op !== "cast" && (dtype !== "bool" || logic.includes(op)) && (!floats || (!logic.includes(op) && op !== "shl" && op !== "shr")),
  );
  const same = fc.constantFrom(...usable).filter(
    (op) =>
      op !== "select" &&
      op !== "rare" &&
      apply(
        op,
        Array.from({ length: scalarArity(op) }, () => constant(0, dtype)),
      ).dtype === dtype,
  );
  const operation = same.chain((op) => fc.tuple(...Array.from({ length: scalarArity(op) }, () => randomExpr(dtype, depth - 1))).map((args) => apply(op, args)));
  const selection = fc
    .tuple(randomExpr("bool", depth - 1), randomExpr(dtype, depth - 1), randomExpr(dtype, depth - 1))
    .map((args) => apply(depth % 2 === 0 ? "select" : "rare", args));
  const converted = fc
    .constantFrom<DType>("bool", "int32", "uint32", "float32", "float64")
    .chain((from) => randomExpr(from, depth - 1).map((e) => apply("cast", [e], dtype)));
  const tested = fc
    .constantFrom<ScalarOp>("eq", "lt", "ge", "ne")
    .chain((op) => fc.tuple(randomExpr("float32", depth - 1), randomExpr("float32", depth - 1)).map((args) => apply(op, args)));
  return fc.oneof(...leaves, operation, operation, operation, selection, converted, ...(dtype === "bool" ? [tested] : []));
}

describe("round trip", () => {
  const types: readonly DType[] = ["bool", "int32", "uint32", "float32", "float64"];
  const kernelOf = (body: readonly Stmt[]): Kernel => ({
    name: "k",
    buffers: types.map((dtype) => ({ name: `b_${dtype}`, dtype, size: 8, access: "update" })),
    scalars: types.map((dtype) => ({ name: `s_${dtype}`, dtype })),
    body,
  });

  test("of random expressions of every dtype", () => {
    const stored = fc.constantFrom(...types).chain((dtype) => fc.tuple(fc.constant(dtype), randomExpr(dtype, 4), randomExpr("bool", 2)));
    fc.assert(
      fc.property(stored, ([dtype, value, guard]) => {
        const kernel = kernelOf([{ kind: "store", buffer: `b_${dtype}`, index: constant(1, "int32"), value, guard }]);
        const text = printKernel(kernel);
        const parsed = parseKernel(text);
        expect(printKernel(parsed)).toBe(text);
        expectSameKernel(kernel, parsed);
      }),
      { numRuns: 300 },
    );
  });

  test("of a reduction over pairs keeps its template", () => {
    const combine = [s.max(argument(0, "float64"), argument(2, "float64")), s.add(argument(1, "int32"), argument(3, "int32"))];
    const axes = [{ name: "i", kind: "serial", lo: constant(0, "int32"), hi: constant(4, "int32"), step: 2 } as const];
    const i = axisIndex("i", 0, 3);
    const kernel = kernelOf([
      {
        kind: "reduce",
        names: ["m", "n"],
        init: [constant(0, "float64"), constant(1, "int32")],
        axes,
        body: [],
        values: [load("b_float64", "float64", i), i],
        combine,
        exact: true,
      },
    ]);
    expectSameKernel(kernel, parseKernel(printKernel(kernel)));
    expect(parseKernel(printKernel(kernel)).body).toMatchObject([{ exact: true, axes: [{ step: 2 }], names: ["m", "n"] }]);
  });
});
