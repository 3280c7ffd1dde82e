/** Every operation on every dtype, scalar and in vectors, whole and partly filled: the bits of the interpreter. */
import { describe, expect, test } from "vitest";
import { compileProgram } from "../../../compiler/interpret-program.ts";
import { supports } from "../../../compiler/interpret-scalar.ts";
import type { DType, Numeric } from "../../../compiler/ir/dtype.ts";
import { roundTo } from "../../../compiler/ir/dtype.ts";
import { at } from "../../../compiler/ir/errors.ts";
import type { Expr, ScalarOp } from "../../../compiler/ir/expr.ts";
import { apply, axisIndex, constant, load, scalarArity, scalarOps } from "../../../compiler/ir/expr.ts";
import { addIndex, ix, modIndex, mulIndex } from "../../../compiler/ir/indexing.ts";
import type { Kernel, Stmt } from "../../../compiler/ir/loop.ts";
import { combinations, grownExpression } from "../expressions.ts";
import { runWasm } from "./run.ts";

const dtypes: readonly DType[] = ["bool", "int32", "uint32", "float32", "float64"];
// oxfmt-ignore
const floats = [
  0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.7, -3.7, 1e-3, 0.1, 123456.789, -7, 8, NaN, Infinity, -Infinity, 1e-45, -1e-40, 5e-324, 3.4e38, 1e308,
  2147483648, 4294967295.5, -2147483649, 4503599627370497.5, 16777217, 0.49999999999999994, 0.49999997, 6755399441056792,
];
const special: Readonly<Record<string, readonly number[]>> = {
  bool: [0, 1],
  int32: [0, 1, -1, 2, -2, 7, -7, 31, 32, 33, 65537, 46341, 2147483647, -2147483648, 1065353216, -1065353216],
  uint32: [0, 1, 2, 7, 31, 32, 33, 65537, 2147483647, 2147483648, 4294967295, 1065353216],
  float32: floats.map((x) => roundTo("float32", x)),
  float64: floats,
};
const valuesOf = (dtype: DType): readonly number[] => special[dtype] ?? [];

/** y[i] = value(i) for all i: by scalars, by vectors of so many lanes and a rest, of fewer. */
function bodyOf(size: number, lanes: number, value: (index: Expr) => Expr): Stmt[] {
  const store = (index: Expr): Stmt => ({ kind: "store", buffer: "y", index, value: value(index) });
  if (lanes === 1) return [{ kind: "for", axis: { name: "i", kind: "grid", lo: ix(0), hi: ix(size), step: 1 }, body: [store(axisIndex("i", 0, size - 1))] }];
  const whole = Math.floor(size / lanes) * lanes;
  const body: Stmt[] = [];
  const vector = (name: string, length: number, start: Expr): Stmt => ({
    kind: "for",
    axis: { name, kind: "vector", lo: ix(0), hi: ix(length), step: 1 },
    body: [store(addIndex(start, axisIndex(name, 0, length - 1)))],
  });
  if (whole > 0)
    body.push({
      kind: "for",
      axis: { name: "i", kind: "serial", lo: ix(0), hi: ix(whole), step: lanes },
      body: [vector("v", lanes, axisIndex("i", 0, whole - lanes))],
    });
  if (whole < size) body.push(vector("r", size - whole, ix(whole)));
  return body;
}

interface Case {
  readonly op: ScalarOp;
  readonly operands: readonly DType[];
  readonly given: DType;
  readonly fixed?: number;
}

/** Zeros that a bit apart are different, NaNs are alike. */
function check({ op, operands, given, fixed }: Case, lanes: number): void {
  const isFixed = (k: number): boolean => fixed !== undefined && k === 1;
  const columns = combinations(operands.map((d, k) => (isFixed(k) ? [fixed ?? 0] : valuesOf(d))));
  const size = at(columns, 0).length;
  const valueAt = (i: Expr): Expr =>
    apply(
      op,
      operands.map((d, k) => (isFixed(k) ? constant(fixed ?? 0, d) : load(`a${k}`, d, i))),
      given,
    );
  const value = valueAt(axisIndex("i", 0, size - 1));
  const kernel: Kernel = {
    name: op,
    buffers: [
      ...operands.map((dtype, k) => ({ name: `a${k}`, dtype, size, access: "read" as const })),
      { name: "y", dtype: value.dtype, size, access: "write" },
    ],
    scalars: [],
    body: bodyOf(size, lanes, valueAt),
  };
  const data = Object.fromEntries(columns.map((c, k) => [`a${k}`, c]));
  const index = Float64Array.from({ length: size }, (_, k) => k);
  const program = compileProgram([value], size, { leaf: () => index, buffer: (name) => Float64Array.from(data[name] ?? []) });
  program.run(size);
  expect(runWasm(kernel, data)["y"]).toEqual(Array.from<Numeric>(at(program.results, 0)));
}

describe.each([1, 8, 3])("operations on %i lanes", (lanes) => {
  const computed = scalarOps.filter((op) => op !== "cast" && op !== "bitcast" && op !== "select" && op !== "rare");
  for (const op of computed) {
    for (const dtype of dtypes) {
      const operands = Array.from({ length: scalarArity(op) }, () => dtype);
      const given = apply(
        op,
        operands.map((d) => constant(0, d)),
      ).dtype;
      if (!supports(op, given, dtype)) continue;
      test(`${op} ${dtype}`, () => check({ op, operands, given }, lanes));
      if (scalarArity(op) !== 2) continue;
      test(`${op} ${dtype} with a constant`, () => {
        for (const fixed of valuesOf(dtype)) check({ op, operands, given, fixed }, lanes);
      });
    }
  }
  for (const op of ["select", "rare"] as const)
    for (const dtype of dtypes) test(`${op} ${dtype}`, () => check({ op, operands: ["bool", dtype, dtype], given: dtype }, lanes));
  for (const from of dtypes) for (const given of dtypes) test(`cast ${from} to ${given}`, () => check({ op: "cast", operands: [from], given }, lanes));
  const words: readonly DType[] = ["int32", "uint32", "float32"];
  for (const from of words) for (const given of words) test(`bitcast ${from} to ${given}`, () => check({ op: "bitcast", operands: [from], given }, lanes));
});

/** With loads that leave their buffers behind a guard, gather, or walk by steps. */
function randomExpression(seed: number, i: Expr): Expr {
  const gathered = apply("irem", [apply("abs", [load("int32", "int32", i)]), ix(32)]);
  const leaves = [
    ...dtypes.map((d) => load(d, d, i)),
    i,
    load("float32", "float32", modIndex(mulIndex(i, 7), 64), apply("lt", [i, ix(40)])),
    load("float64", "float64", gathered),
    load("float32", "float32", mulIndex(i, 3), apply("lt", [mulIndex(i, 3), ix(64)])),
    load("uint32", "uint32", ix(7)),
    load("float64", "float64", addIndex(i, 5), apply("lt", [i, ix(59)])),
    load("bool", "bool", addIndex(mulIndex(i, -1), 63)),
  ];
  return grownExpression(seed, { ops: scalarOps, dtypes, leaves, takes: supports });
}

describe.each([1, 16, 12, 5])("expressions on %i lanes", (lanes) => {
  const columns = Object.fromEntries(dtypes.map((d) => [d, Array.from({ length: 64 }, (_, k) => at(valuesOf(d), k % valuesOf(d).length))]));
  test.each(Array.from({ length: 100 }, (_, k) => k))("random DAG %i", (seed) => {
    const value = randomExpression(seed, axisIndex("i", 0, 63));
    const kernel: Kernel = {
      name: "k",
      buffers: [
        ...dtypes.map((dtype) => ({ name: dtype, dtype, size: 64, access: "read" as const })),
        { name: "y", dtype: value.dtype, size: 64, access: "write" },
      ],
      scalars: [],
      body: bodyOf(64, lanes, (i) => randomExpression(seed, i)),
    };
    const index = Float64Array.from({ length: 64 }, (_, k) => k);
    const program = compileProgram([value], 64, { leaf: () => index, buffer: (name) => Float64Array.from(columns[name] ?? []) });
    program.run(64);
    expect(runWasm(kernel, columns)["y"]).toEqual(Array.from<Numeric>(at(program.results, 0)));
  });
});
