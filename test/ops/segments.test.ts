/** Rows of differing lengths: what empty rows give, which row an element lies in, what is refused. */
import { describe, expect, it, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
import { at, DTypeError, ShapeError } from "../../compiler/ir/errors.ts";
import { asNumbers, hostArrayOf } from "../../compiler/ir/host.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import * as segments from "../../compiler/ops/segments.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { runCompiled } from "../../src/cli/run.ts";

interface Given {
  readonly values: readonly number[];
  readonly offsets: readonly number[];
  readonly dtype?: DType;
  readonly inner?: readonly number[];
}

const dataOf = (value: Value, list: readonly number[]): HostData => ({
  type: value.type,
  data: hostArrayOf(value.dtype, list),
});

/** What the interpreter and the compiled code give of values and offsets, which must be the same. */
function computed(build: (values: Value, offsets: Value) => Value, { values, offsets, dtype = "float64", inner = [] }: Given): number[] {
  const width = inner.reduce((a, b) => a * b, 1);
  const x = paramValue("x", tensorType(dtype, [values.length / width, ...inner]), "buffer");
  const o = paramValue("o", tensorType("int32", [offsets.length]), "buffer");
  const graph = { name: "g", params: [x, o], outputs: [build(x, o)] };
  const inputs = [dataOf(x, values), dataOf(o, offsets)];
  const wanted = [...asNumbers(at(interpretGraph(graph, inputs), 0).data)];
  for (const fusion of [true, false]) expect([...at(runCompiled(graph, inputs, { verify: true, fusion }), 0).data]).toEqual(wanted);
  return wanted;
}

const rows = { values: [3, 1, 2, 5, 4], offsets: [0, 2, 2, 5] };

describe("rows", () => {
  test.each([
    { name: "sum", build: segments.segmentReduceSum, want: [4, 0, 11] },
    { name: "prod", build: segments.segmentReduceProd, want: [3, 1, 40] },
    { name: "max", build: segments.segmentReduceMax, want: [3, -Infinity, 5] },
    { name: "min", build: segments.segmentReduceMin, want: [1, Infinity, 2] },
    { name: "argmax", build: segments.segmentArgmax, want: [0, 0, 1] },
    { name: "argmin", build: segments.segmentArgmin, want: [1, 0, 0] },
  ])("have a $name, empty ones too", ({ build, want }) => {
    expect(computed(build, rows)).toEqual(want);
  });

  it("of integers have the last integers where they are empty", () => {
    expect(computed(segments.segmentReduceMax, { ...rows, dtype: "int32" })).toEqual([3, -2147483648, 5]);
    expect(computed(segments.segmentReduceMin, { ...rows, dtype: "uint32" })).toEqual([1, 4294967295, 2]);
  });

  it("of bools are any and all", () => {
    const bools: Given = { values: [1, 0, 1, 1], offsets: [0, 2, 2, 4], dtype: "bool" };
    expect(computed(segments.segmentReduceAny, bools)).toEqual([1, 0, 1]);
    expect(computed(segments.segmentReduceAll, bools)).toEqual([0, 1, 1]);
  });

  it("find the first NaN, and minus infinity where there is nothing greater", () => {
    expect(computed(segments.segmentArgmax, { values: [1, Number.NaN, Number.NaN, -Infinity, -Infinity], offsets: [0, 3, 5] })).toEqual([1, 0]);
  });

  it("may hold elements with axes of their own", () => {
    expect(computed(segments.segmentReduceSum, { values: [1, 2, 3, 4, 5, 6], offsets: [0, 0, 2, 3], inner: [2] })).toEqual([0, 0, 4, 6, 5, 6]);
  });
});

describe("a value a row", () => {
  it("is repeated over the row's elements, and over none of an empty row", () => {
    expect(computed((x, o) => segments.segmentBroadcast(x, o, 6), { values: [7, 8, 9], offsets: [0, 2, 2, 6] })).toEqual([7, 7, 9, 9, 9, 9]);
    expect(computed((x, o) => segments.segmentBroadcast(x, o, 2), { values: [1, 2, 3, 4], offsets: [0, 0, 1, 2, 2] })).toEqual([2, 3]);
  });

  it.each([1, 2, 3, 4, 5, 8, 13, 100])("is found among %i rows", (count) => {
    const lengths = Array.from({ length: count }, (_, i) => (i * 7) % 4);
    const offsets = lengths.reduce<number[]>((list, n) => [...list, at(list, list.length - 1) + n], [0]);
    const size = at(offsets, count);
    const values = lengths.map((_, i) => i + 1);
    const want = lengths.flatMap((n, i) => Array.from({ length: n }, () => i + 1));
    expect(computed((x, o) => segments.segmentBroadcast(x, o, size), { values, offsets })).toEqual(want);
  });
});

describe("offsets that do not fit", () => {
  const x = paramValue("x", tensorType("float32", [5]), "buffer");
  const offsets = (dtype: DType, ...shape: number[]): Value => paramValue("o", tensorType(dtype, shape), "buffer");

  it.each([
    ["floats", (): Value => segments.segmentReduceSum(x, offsets("float32", 3)), DTypeError, "offsets are int32"],
    ["two axes", (): Value => segments.segmentReduceSum(x, offsets("int32", 3, 1)), ShapeError, "one entry more than there are rows"],
    ["nothing at all", (): Value => segments.segmentReduceSum(x, offsets("int32", 0)), ShapeError, "one entry more than there are rows"],
    ["no rows for elements", (): Value => segments.segmentReduceSum(x, offsets("int32", 1)), ShapeError, "there are no rows for them"],
    ["a scalar", (): Value => segments.segmentReduceSum(paramValue("s", tensorType("float32", []), "scalar"), offsets("int32", 2)), ShapeError, "no axis 0"],
    ["any of floats", (): Value => segments.segmentReduceAny(x, offsets("int32", 3)), DTypeError, "takes bool"],
    ["other rows", (): Value => segments.segmentBroadcast(x, offsets("int32", 3), 9), ShapeError, "one element for each of the 2 rows"],
    ["no length", (): Value => segments.segmentBroadcast(x, offsets("int32", 6), -1), ShapeError, "size -1 is no length"],
  ] as const)("are refused: %s", (_, build, kind, text) => {
    expect(build).toThrow(kind);
    expect(build).toThrow(text);
  });

  it("are read within bounds", () => {
    expect(computed(segments.segmentReduceSum, { values: [1, 2, 3], offsets: [-9, 2, 99] })).toEqual([3, 3]);
  });
});
