import { describe, expect, test } from "vitest";
import type { DType } from "../../../compiler/ir/dtype.ts";
import type { Expr } from "../../../compiler/ir/expr.ts";
import { apply, argument, axisIndex, constant, load, s, variable } from "../../../compiler/ir/expr.ts";
import { addIndex, divIndex, ix, modIndex, mulIndex, subIndex } from "../../../compiler/ir/indexing.ts";
import type { Axis, AxisKind, Kernel, KernelBuffer, Stmt, Store } from "../../../compiler/ir/loop.ts";
import { emitJs } from "../../../compiler/codegen/js/emit.ts";
import { runKernel } from "./run.ts";

const axis = (name: string, n: number | Expr, kind: AxisKind = "serial"): Axis => ({ name, kind, lo: ix(0), hi: typeof n === "number" ? ix(n) : n, step: 1 });
const loop = (name: string, n: number | Expr, ...body: readonly Stmt[]): Stmt => ({ kind: "for", axis: axis(name, n), body });
const put = (buffer: string, index: Expr, value: Expr, more: Partial<Store> = {}): Store => ({ kind: "store", buffer, index, value, ...more });
const reads = (name: string, size: number, dtype: DType = "float32"): KernelBuffer => ({ name, dtype, size, access: "read" });
const writes = (name: string, size: number, dtype: DType = "float32"): KernelBuffer => ({ name, dtype, size, access: "write" });
const kernel = (name: string, buffers: readonly KernelBuffer[], body: readonly Stmt[], scalars: Kernel["scalars"] = []): Kernel => ({
  name,
  buffers,
  scalars,
  body,
});
const zero = constant(0, "float32");
const x = (index: Expr): Expr => load("x", "float32", index);

/** The lines between a kernel's head and its end. */
const bodyText = (body: readonly Stmt[], buffers: readonly KernelBuffer[] = [reads("x", 64), writes("y", 64)]): string =>
  emitJs([kernel("k", buffers, body)])
    .split("\n")
    .slice(3, -3)
    .map((line) => line.slice(2))
    .join("\n");

const [i, j] = [axisIndex("i", 0, 7), axisIndex("j", 0, 7)];

describe("the text", () => {
  test("of a kernel", () => {
    const scale = kernel(
      "scale",
      [reads("x", 8), writes("y", 8)],
      [loop("i", 8, put("y", i, s.mul(x(i), variable("s", "float32"))))],
      [{ name: "s", dtype: "float32" }],
    );
    expect(emitJs([scale])).toBe(`"use strict";
function scale(h, x, y, s) {
  const F32 = h.f32;
  for (let i = 0; i < 8; i++) {
    F32[y + i] = Math.fround(F32[x + i] * s);
  }
}
return [scale];
`);
  });

  test("is the same for the same kernels", () => {
    const make = (): Kernel => kernel("k", [reads("x", 8), writes("y", 8)], [loop("i", 8, put("y", i, s.exp(s.round(x(i)))))]);
    expect(emitJs([make(), make()])).toBe(emitJs([make(), make()]));
  });

  test("kernels of one name are told apart, and helpers come once", () => {
    const k = kernel("round.0", [reads("x", 8), writes("y", 8)], [loop("i", 8, put("y", i, s.round(x(i))))]);
    const text = emitJs([k, k]);
    expect(text.match(/^function.*/gm)).toEqual(["function roundEven(x) {", "function round_0(h, x, y) {", "function round_0_2(h, x, y) {"]);
    expect(text.trimEnd().endsWith("return [round_0, round_0_2];")).toBe(true);
  });

  test("index arithmetic of known bounds carries no conversions", () => {
    const index = addIndex(mulIndex(i, 8), j);
    const flipped = addIndex(mulIndex(i, 8), subIndex(ix(7), j));
    expect(bodyText([loop("i", 8, loop("j", 8, put("y", index, x(flipped))))])).toBe(`for (let i = 0; i < 8; i++) {
  for (let j = 0; j < 8; j++) {
    F32[y + (i * 8 + j)] = F32[x + (i * 8 - j + 7)];
  }
}`);
  });

  test("divided indices", () => {
    const k = axisIndex("k", 0, 63);
    expect(bodyText([loop("k", 64, put("y", k, x(addIndex(mulIndex(modIndex(k, 7), 9), divIndex(k, 7)))))])).toContain("F32[x + (k % 7 * 9 + ((k / 7) | 0))]");
  });

  test("what is used twice is computed once, in front of the statement", () => {
    const e = s.exp(x(i));
    expect(bodyText([loop("i", 8, put("y", i, s.div(e, s.add(e, 1))))])).toBe(`for (let i = 0; i < 8; i++) {
  const t1 = Math.fround(Math.exp(F32[x + i]));
  F32[y + i] = Math.fround(t1 / Math.fround(t1 + 1));
}`);
  });

  test("guarded loads, bool and select", () => {
    const buffers = [reads("b", 8, "bool"), writes("c", 8, "bool"), reads("x", 8), writes("y", 8)];
    const [first, flag] = [s.lt(i, 4), load("b", "bool", i)];
    const body = [put("y", i, s.select(flag, load("x", "float32", i, first), -0)), put("c", i, s.or(s.not(flag), s.and(flag, load("b", "bool", i, first))))];
    expect(bodyText([loop("i", 8, ...body)], buffers)).toBe(`const U8 = h.u8;
for (let i = 0; i < 8; i++) {
  F32[y + i] = U8[b + i] !== 0 ? (i < 4 ? F32[x + i] : 0) : -0;
  const t1 = U8[b + i] !== 0;
  U8[c + i] = !t1 || t1 && i < 4 && U8[b + i] !== 0 ? 1 : 0;
}`);
  });

  test("names that JavaScript keeps for itself, or that the module uses", () => {
    const k = kernel(
      "return",
      [reads("Math", 8), writes("h", 8)],
      [
        loop(
          "for",
          8,
          { kind: "let", name: "roundEven", value: s.round(load("Math", "float32", axisIndex("for", 0, 7))) },
          put("h", axisIndex("for", 0, 7), variable("roundEven", "float32")),
        ),
      ],
    );
    expect(runKernel(k, { Math: [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5] })["h"]).toEqual([0, 2, 2, 4, 4, 6, 6, 8]);
  });

  test("2,000 operations deep", () => {
    let e = x(i);
    for (let n = 0; n < 2000; n++) e = n % 2 === 0 ? s.add(e, 1) : s.select(s.lt(e, 0), e, s.abs(e));
    const text = emitJs([kernel("k", [reads("x", 8), writes("y", 8)], [loop("i", 8, put("y", i, e))])]);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(200);
    expect(
      runKernel(kernel("k", [reads("x", 8), writes("y", 8)], [loop("i", 8, put("y", i, e))]), { x: [1, 2, 3, 4, 5, 6, 7, -1000.5] })["y"]?.slice(6),
    ).toEqual([1007, -0.5]);
  });

  test("100,000 operations in a chain without sharing", () => {
    let e = x(i);
    for (let n = 0; n < 100_000; n++) e = s.add(e, 1);
    expect(runKernel(kernel("k", [reads("x", 8), writes("y", 8)], [loop("i", 8, put("y", i, e))]), { x: [1] })["y"]?.[0]).toBe(100_001);
  });
});

describe("statements", () => {
  const y8 = [reads("x", 8), writes("y", 8)];
  const data = { x: [5, 3, 8, -2, 8, 1, NaN, 4] };

  test("reduce over two axes, the row in scratch: a softmax", () => {
    const at4 = (k: Expr): Expr => addIndex(mulIndex(i, 4), k);
    const [j4, k4, l4] = [axisIndex("j", 0, 3), axisIndex("k", 0, 3), axisIndex("l", 0, 3)];
    const e = s.exp(s.sub(x(at4(j4)), variable("m", "float32")));
    const add = s.add(argument(0, "float32"), argument(1, "float32"));
    const max = s.max(argument(0, "float32"), argument(1, "float32"));
    const softmax = kernel(
      "softmax",
      [reads("x", 8), writes("y", 8)],
      [
        {
          kind: "for",
          axis: axis("i", 2, "grid"),
          body: [
            { kind: "local", name: "row", dtype: "float32", size: 4, space: "scratch" },
            {
              kind: "reduce",
              names: ["m"],
              init: [constant(-Infinity, "float32")],
              axes: [axis("k", 4)],
              body: [],
              values: [x(at4(k4))],
              combine: [max],
              exact: true,
            },
            {
              kind: "reduce",
              names: ["s"],
              init: [zero],
              axes: [axis("j", 4)],
              body: [{ kind: "let", name: "e", value: e }, put("row", j4, variable("e", "float32"))],
              values: [variable("e", "float32")],
              combine: [add],
              exact: false,
            },
            { kind: "for", axis: axis("l", 4, "vector"), body: [put("y", at4(l4), s.div(load("row", "float32", l4), variable("s", "float32")))] },
          ],
        },
      ],
    );
    const row = [1, 2, 3, 4].map((v) => Math.fround(Math.exp(v - 4)));
    const sum = row.reduce((a, b) => Math.fround(a + b));
    const want = row.map((v) => Math.fround(v / sum));
    expect(runKernel(softmax, { x: [1, 2, 3, 4, 1, 2, 3, 4] })["y"]).toEqual([...want, ...want]);
  });

  test("a tuple is combined whole before it is assigned", () => {
    // the tuple (a, b) becomes (b, a + value): a Fibonacci sequence that a premature assignment would break
    const [a, b, v] = [argument(0, "float32"), argument(1, "float32"), argument(2, "float32")];
    const fibonacci: Stmt = {
      kind: "reduce",
      names: ["p", "q"],
      init: [zero, constant(1, "float32")],
      axes: [axis("i", 8)],
      body: [],
      values: [zero, zero],
      combine: [b, s.add(s.add(a, b), v)],
      exact: true,
    };
    expect(
      runKernel(kernel("k", y8, [fibonacci, put("y", ix(0), variable("p", "float32")), put("y", ix(1), variable("q", "float32"))]), data)["y"]?.slice(0, 2),
    ).toEqual([21, 34]);
  });

  test("carries are carried", () => {
    const body: Stmt[] = [
      { kind: "carry", name: "n", init: ix(0) },
      loop("i", 8, {
        kind: "if",
        condition: s.gt(x(i), 3),
        then: [{ kind: "assign", name: "n", value: s.add(variable("n", "int32"), 1) }],
        otherwise: [put("y", i, constant(-1, "float32"))],
      }),
      put("y", ix(0), s.cast(variable("n", "int32"), "float32")),
    ];
    expect(runKernel(kernel("k", y8, body), data)["y"]).toEqual([4, -1, 0, -1, 0, -1, -1, 0]);
  });

  test("a loop's bound is read once", () => {
    const n = variable("n", "int32");
    const body: Stmt[] = [
      { kind: "carry", name: "n", init: ix(3) },
      loop("i", n, { kind: "assign", name: "n", value: s.add(n, 1) }, put("y", i, constant(1, "float32"))),
    ];
    expect(runKernel(kernel("k", y8, body), {})["y"]).toEqual([1, 1, 1, 0, 0, 0, 0, 0]);
  });

  test("loaded bounds, and steps", () => {
    const body: Stmt[] = [
      {
        kind: "for",
        axis: { name: "i", kind: "serial", lo: load("o", "int32", ix(0)), hi: load("o", "int32", ix(1)), step: 2 },
        body: [put("y", i, constant(1, "float32"))],
      },
    ];
    expect(runKernel(kernel("k", [reads("o", 2, "int32"), writes("y", 8)], body), { o: [1, 6] })["y"]).toEqual([0, 1, 0, 1, 0, 1, 0, 0]);
  });

  test.each([
    ["add", [1, 31, 2.5, 1]],
    ["mul", [1, 200, 1.5, 1]],
    ["max", [1, 20, 1.5, 1]],
    ["min", [1, 1, 1, 1]],
  ] as const)("an atomic %s combines with what is there", (atomic, want) => {
    const k = axisIndex("i", 0, 2);
    const body = [loop("i", 3, put("y", load("n", "int32", k), x(k), { atomic }))];
    expect(
      runKernel(kernel("k", [reads("x", 3), reads("n", 3, "int32"), { ...writes("y", 4), access: "update" }], body), {
        x: [10, 20, 1.5],
        n: [1, 1, 2],
        y: [1, 1, 1, 1],
      })["y"],
    ).toEqual(want);
  });

  test("guarded stores", () => {
    expect(runKernel(kernel("k", y8, [loop("i", 8, put("y", i, x(i), { guard: s.gt(x(i), 4) }))]), data)["y"]).toEqual([5, 0, 8, 0, 8, 0, 0, 0]);
  });

  test("names of inner scopes hide those of outer ones, and scopes may use a name again", () => {
    const v = variable("v", "float32");
    const body: Stmt[] = [
      { kind: "let", name: "v", value: constant(1, "float32") },
      loop("i", 2, { kind: "let", name: "v", value: s.add(v, 10) }, put("y", i, v)),
      loop("i", 2, put("y", addIndex(i, 2), v)),
    ];
    expect(runKernel(kernel("k", y8, body), {})["y"]?.slice(0, 4)).toEqual([11, 11, 1, 1]);
  });

  test("two scratch arrays of one name", () => {
    const scratch = (dtype: DType, value: Expr, where: number): Stmt =>
      loop(
        "i",
        1,
        { kind: "local", name: "t", dtype, size: 2, space: "scratch" },
        put("t", ix(1), value),
        put("y", ix(where), s.cast(load("t", dtype, ix(1)), "float32")),
      );
    expect(runKernel(kernel("k", y8, [scratch("int32", ix(7), 0), scratch("bool", constant(1, "bool"), 1)]), {})["y"]?.slice(0, 2)).toEqual([7, 1]);
  });

  test("bool scalars come as 0 or 1", () => {
    const k = kernel("k", y8, [put("y", ix(0), s.select(variable("on", "bool"), constant(1, "float32"), 2))], [{ name: "on", dtype: "bool" }]);
    expect([runKernel(k, {}, [1])["y"]?.[0], runKernel(k, {}, [0])["y"]?.[0]]).toEqual([1, 2]);
  });

  test("a product that is -0 in JavaScript is 0 in int32", () => {
    const body = [loop("i", 8, put("y", i, s.cast(mulIndex(i, -1), "float32")))];
    expect(runKernel(kernel("k", y8, body), {})["y"]?.[0]).toBe(0);
  });

  test("a barrier between lanes is refused", () => {
    const k = kernel("k", y8, [{ kind: "for", axis: axis("i", 8, "lane"), body: [{ kind: "barrier" }] }]);
    expect(() => emitJs([k])).toThrow("a barrier between lanes");
  });

  test("an operand of a template is refused", () =>
    expect(() => emitJs([kernel("k", y8, [put("y", ix(0), argument(1, "float32"))])])).toThrow("a kernel holds operand 1 of a template"));
  test("an unknown scalar is refused", () => expect(() => emitJs([kernel("k", y8, [put("y", ix(0), apply("exp", [variable("q", "float32")]))])])).toThrow("q"));
});
