/** Every operation on every dtype: generated JavaScript gives the bits of the interpreter. */
import { describe, expect, test } from "vitest";
import type { DType, Numeric } from "../../../compiler/ir/dtype.ts";
import { computingDTypes, isWide, rounded, roundTo } from "../../../compiler/ir/dtype.ts";
import { at } from "../../../compiler/ir/errors.ts";
import type { Expr, ScalarOp } from "../../../compiler/ir/expr.ts";
import { apply, axisIndex, constant, load, scalarArity, scalarOps } from "../../../compiler/ir/expr.ts";
import { ix } from "../../../compiler/ir/indexing.ts";
import type { Kernel } from "../../../compiler/ir/loop.ts";
import { supports } from "../../../compiler/interpret-scalar.ts";
import type { AnyColumn } from "../../../compiler/interpret-program.ts";
import { columnFor, compileProgram } from "../../../compiler/interpret-program.ts";
import { supportsWide } from "../../../compiler/interpret-wide.ts";
import { setElement } from "../../../compiler/ir/host.ts";
import { widen } from "../../../compiler/passes/legalize-narrow.ts";
import { combinations, grownExpression } from "../expressions.ts";
import { runKernel } from "./run.ts";

const dtypes: readonly DType[] = computingDTypes();
const floats = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  3.7,
  -3.7,
  1e-3,
  0.1,
  123456.789,
  -7,
  8,
  NaN,
  Infinity,
  -Infinity,
  1e-45,
  -1e-40,
  5e-324,
  3.4e38,
  1e308,
  2147483648,
  4294967295.5,
  -2147483649,
  4503599627370497.5,
  16777217,
  0.49999999999999994,
  0.49999997,
];
const halves = [...floats, 65504, 65519.99, 65520, 65536, 2049, 2051, 5.9604644775390625e-8, 2.98e-8, 6.103515625e-5, 6.1e-5, -0.00005].map((x) =>
  roundTo("float16", x),
);
const special: Readonly<Record<string, readonly Numeric[]>> = {
  int8: [0, 1, -1, 2, -2, 7, -7, 8, 100, 127, -128],
  uint8: [0, 1, 2, 7, 8, 9, 100, 128, 255],
  int16: [0, 1, -1, 2, -2, 7, 15, 16, 17, 182, 300, 32767, -32768, 31744, -1024, 15360],
  uint16: [0, 1, 2, 7, 15, 16, 17, 256, 300, 32767, 32768, 65535, 31744, 31745, 1, 1023, 1024, 64512],
  int64: [
    0n,
    1n,
    -1n,
    2n,
    -2n,
    7n,
    -7n,
    63n,
    64n,
    65n,
    2n ** 53n + 1n,
    2n ** 31n,
    -(2n ** 40n) - 3n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    0x3ff0000000000000n,
    2n ** 54n + 2n ** 30n + 1n,
  ],
  uint64: [0n, 1n, 2n, 7n, 63n, 64n, 65n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n, 0x7ff0000000000000n, 2n ** 63n + 2n ** 39n + 1n],
  float16: halves,
  bool: [0, 1],
  int32: [0, 1, -1, 2, -2, 7, -7, 31, 32, 33, 65537, 46341, 2147483647, -2147483648, 1065353216, -1065353216],
  uint32: [0, 1, 2, 7, 31, 32, 33, 65537, 2147483647, 2147483648, 4294967295, 1065353216],
  float32: floats.map((x) => roundTo("float32", x)),
  float64: floats,
};
const valuesOf = (dtype: DType): readonly Numeric[] => special[dtype] ?? [];

const normal = [1, Math.SQRT1_2, 0.7, 0.72, Math.SQRT2, 1.4, 1.43, 2, 3, 2 ** -1022, 2 ** -1021 * 1.9, 1e308, Number.MAX_VALUE, 1e-300, 12345.678];
/** Operations that promise something of some numbers only. */
const promised: ReadonlyMap<ScalarOp, readonly number[]> = new Map<ScalarOp, readonly number[]>([
  ["pow2", [-1022, -1, 0, 1, 7, 1023].map((n) => 1.5 * 2 ** 52 + 1023 + n)],
  ["exponent", normal],
  ["significand", normal],
]);

/** y[i] = op(a0[i], a1[i], …) by generated code, and what the interpreter says. */
function both(op: ScalarOp, operands: readonly DType[], given: DType, fixed?: Numeric): { got: Numeric[]; want: Numeric[] } {
  const columns = combinations(operands.map((d, k) => (fixed !== undefined && k === 1 ? [fixed] : (promised.get(op) ?? valuesOf(d)))));
  const size = at(columns, 0).length;
  const i = axisIndex("i", 0, size - 1);
  const args = operands.map((d, k) => (fixed !== undefined && k === 1 ? constant(fixed, d) : load(`a${k}`, d, i)));
  const value = apply(op, args, given);
  const kernel: Kernel = {
    name: op,
    buffers: [
      ...operands.map((dtype, k) => ({ name: `a${k}`, dtype, size, access: "read" as const })),
      { name: "y", dtype: value.dtype, size, access: "write" },
    ],
    scalars: [],
    body: [{ kind: "for", axis: { name: "i", kind: "grid", lo: ix(0), hi: ix(size), step: 1 }, body: [{ kind: "store", buffer: "y", index: i, value }] }],
  };
  const data = Object.fromEntries(columns.map((c, k) => [`a${k}`, c]));
  const bufferType = (name: string): DType => at(operands, Number(name.slice(1)));
  return { got: runKernel(widen(kernel), data)["y"] ?? [], want: interpreted(value, size, (name) => column(bufferType(name), data[name] ?? [])) };
}

function column(dtype: DType, elements: readonly Numeric[]): AnyColumn {
  const made = columnFor(dtype, elements.length);
  elements.forEach((x, i) => setElement(made, i, x));
  return made;
}

/** What the interpreter says of the value at every index, as memory holds it. */
function interpreted(value: Expr, size: number, buffer: (name: string) => AnyColumn): Numeric[] {
  const index = Float64Array.from({ length: size }, (_, k) => k);
  const program = compileProgram([value], size, { leaf: () => index, buffer });
  program.run(size);
  return Array.from<Numeric, Numeric>(at(program.results, 0), (x) => rounded(value.dtype, x));
}

const check = (op: ScalarOp, operands: readonly DType[], given: DType, fixed?: Numeric): void => {
  const { got, want } = both(op, operands, given, fixed);
  expect(got).toEqual(want);
};

const computes = (op: ScalarOp, to: DType, from: DType): boolean => (isWide(to) || isWide(from) ? supportsWide(op, to, from) : supports(op, to, from));

describe("operations", () => {
  const computed = scalarOps.filter((op) => op !== "cast" && op !== "bitcast" && op !== "select" && op !== "rare");
  for (const op of computed) {
    for (const dtype of dtypes) {
      const result = apply(
        op,
        Array.from({ length: scalarArity(op) }, () => constant(0, dtype)),
      ).dtype;
      if (!computes(op, result, dtype)) continue;
      test(`${op} ${dtype}`, () =>
        check(
          op,
          Array.from({ length: scalarArity(op) }, () => dtype),
          result,
        ));
      if (scalarArity(op) !== 2) continue;
      test(`${op} ${dtype} with a constant`, () => {
        for (const fixed of valuesOf(dtype)) check(op, [dtype, dtype], result, fixed);
      });
    }
  }
  for (const op of ["select", "rare"] as const) for (const dtype of dtypes) test(`${op} ${dtype}`, () => check(op, ["bool", dtype, dtype], dtype));
  for (const from of dtypes) for (const to of dtypes) test(`cast ${from} to ${to}`, () => check("cast", [from], to));
  const words: readonly DType[] = ["int32", "uint32", "float32"];
  for (const list of [words, ["int64", "uint64", "float64"], ["int16", "uint16", "float16"], ["int8", "uint8"]] as const)
    for (const from of list) for (const to of list) test(`bitcast ${from} to ${to}`, () => check("bitcast", [from], to));
  for (const [op, dtype] of [
    ["add", "bool"],
    ["exp", "int32"],
    ["and", "float32"],
  ] as const) {
    test(`${op} on ${dtype} is spelled by neither`, () =>
      expect(() => check(op, op === "exp" ? [dtype] : [dtype, dtype], dtype)).toThrow(/has no spelling|does not compute/));
  }
});

const total = scalarOps.filter((op) => !promised.has(op));

function randomExpression(seed: number): Expr {
  const i = axisIndex("i", 0, 63);
  const guarded = load("float32", "float32", apply("irem", [apply("mul", [i, ix(7)]), ix(64)]), apply("lt", [i, ix(40)]));
  // float16 is rounded where it is stored: a remainder shows what was not rounded before
  const takes = (op: ScalarOp, made: DType, first: DType): boolean => !(op === "fmod" && made === "float16") && computes(op, made, first);
  return grownExpression(seed, { ops: total, dtypes, leaves: [...dtypes.map((d) => load(d, d, i)), i, guarded], takes });
}

describe("expressions", () => {
  const columns = Object.fromEntries(dtypes.map((d) => [d, Array.from({ length: 64 }, (_, k) => at(valuesOf(d), k % valuesOf(d).length))]));
  test.each(Array.from({ length: 200 }, (_, k) => k))("random DAG %i", (seed) => {
    const value = randomExpression(seed);
    const i = axisIndex("i", 0, 63);
    const kernel: Kernel = {
      name: "k",
      buffers: [
        ...dtypes.map((dtype) => ({ name: dtype, dtype, size: 64, access: "read" as const })),
        { name: "y", dtype: value.dtype, size: 64, access: "write" },
      ],
      scalars: [],
      body: [{ kind: "for", axis: { name: "i", kind: "grid", lo: ix(0), hi: ix(64), step: 1 }, body: [{ kind: "store", buffer: "y", index: i, value }] }],
    };
    const dtypeNamed = (name: string): DType =>
      at(
        dtypes.filter((d) => d === name),
        0,
      );
    expect(runKernel(widen(kernel), columns)["y"]).toEqual(interpreted(value, 64, (name) => column(dtypeNamed(name), columns[name] ?? [])));
  });
});
