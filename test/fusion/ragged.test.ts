/** Rows of differing lengths: what people compute of each row takes the kernels that it takes of rows of one length. */
import { describe, expect, test } from "vitest";
import { vjp } from "../../compiler/autodiff/vjp.ts";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { asNumbers, hostArrayOf } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { add, cast, divide, equal, multiply, square, subtract } from "../../compiler/ops/arithmetic.ts";
import { detach } from "../../compiler/ops/barrier.ts";
import { exp, log, sqrt } from "../../compiler/ops/exponential.ts";
import { broadcast, fill, reduceSum } from "../../compiler/ops/layout.ts";
import { reduceMax } from "../../compiler/ops/reductions.ts";
import * as segments from "../../compiler/ops/segments.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { slice } from "../../compiler/ops/views.ts";
import { compileGraph, kernelCount } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { js, wgsl } from "../../compiler/target.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { expectClose } from "../filetests/close.ts";
import { numbers } from "../ops/samples.ts";
import { scratchBytes } from "./measure.ts";

/** Reductions of rows, and what spreads them over the rows again. */
interface Rows {
  readonly max: (x: Value) => Value;
  readonly sum: (x: Value) => Value;
  readonly mean: (x: Value) => Value;
  readonly over: (rows: Value) => Value;
}

const lengthsOf = (offsets: Value): Value => {
  const rows = at(offsets.shape, 0) - 1;
  return cast(subtract(slice(offsets, [1], [rows]), slice(offsets, [0], [rows])), "float32");
};

const raggedRows = (offsets: Value, size: number, lengths: Value = lengthsOf(offsets)): Rows => {
  const sum = (x: Value): Value => segments.segmentReduceSum(x, offsets);
  const counts = (like: Value): Value => broadcast(lengths, like.shape, [0]);
  return {
    max: (x) => segments.segmentReduceMax(x, offsets),
    sum,
    mean: (x) => divide(sum(x), counts(sum(x))),
    over: (x) => segments.segmentBroadcast(x, offsets, size),
  };
};

const denseRows = (length: number): Rows => ({
  max: (x) => reduceMax(x, [1]),
  sum: (x) => reduceSum(x, [1]),
  mean: (x) => divide(reduceSum(x, [1]), length),
  over: (x) => broadcast(x, [at(x.shape, 0), length], [0]),
});

type Function = (x: Value, rows: Rows) => Value;
/** The greatest of a row shifts its exponents, which changes no derivative. */
const shifted: Function = (x, { max, over }) => subtract(x, over(detach(max(x))));
const softmax: Function = (x, rows) => {
  const e = exp(shifted(x, rows));
  return divide(e, rows.over(rows.sum(e)));
};
const logSoftmax: Function = (x, rows) => {
  const d = shifted(x, rows);
  return subtract(d, rows.over(log(rows.sum(exp(d)))));
};
const logsumexp: Function = (x, rows) => add(detach(rows.max(x)), log(rows.sum(exp(shifted(x, rows)))));
const variance: Function = (x, { mean, over }) => mean(square(subtract(x, over(mean(x)))));
const layerNorm: Function = (x, rows) => {
  const centred = subtract(x, rows.over(rows.mean(x)));
  const spread = sqrt(add(rows.mean(square(centred)), 1e-5));
  return multiply(centred, rows.over(divide(1, spread)));
};
const isGreatest: Function = (x, { max, over }) => cast(equal(x, over(max(x))), "float32");

const functions: readonly { readonly name: string; readonly f: Function }[] = [
  { name: "softmax", f: softmax },
  { name: "log softmax", f: logSoftmax },
  { name: "logsumexp", f: logsumexp },
  { name: "variance", f: variance },
  { name: "layer norm", f: layerNorm },
  { name: "layer norm of a softmax", f: (x, rows) => layerNorm(softmax(x, rows), rows) },
  { name: "the greatest of each row", f: isGreatest },
];

type Part = "value" | "gradient" | "both";

function outputsOf(f: Function, { x, weights }: { readonly x: Value; readonly weights: Value }, rows: Rows, part: Part): Value[] {
  const y = f(x, rows);
  const ct = y.shape.length === x.shape.length && at(y.shape, 0) === at(x.shape, 0) ? weights : fill(0.5, y.type);
  const slope = vjp([y], [x], [ct])[0] ?? fill(0, x.type);
  return { value: [y], gradient: [slope], both: [y, slope] }[part];
}

const param = (name: string, dtype: DType, shape: readonly number[]): Value => paramValue(name, tensorType(dtype, shape), "buffer");
const given = (value: Value, list: readonly number[]): HostData => ({ type: value.type, data: hostArrayOf(value.dtype, list) });

/** Rows of these lengths, and values that fill them. */
function ragged(f: Function, part: Part, lengths: readonly number[], inner: readonly number[] = []): { graph: Graph; inputs: HostData[] } {
  const offsets = [0];
  for (const n of lengths) offsets.push(at(offsets, offsets.length - 1) + n);
  const size = at(offsets, lengths.length);
  const [x, weights] = [param("x", "float32", [size, ...inner]), param("weights", "float32", [size, ...inner])];
  const [o, l] = [param("offsets", "int32", [lengths.length + 1]), param("lengths", "float32", [lengths.length])];
  const inputs = [numbers(x.type, 5, -2, 2), numbers(x.type, 6, -2, 2), given(o, offsets), given(l, lengths)];
  return { graph: { name: "ragged", params: [x, weights, o, l], outputs: outputsOf(f, { x, weights }, raggedRows(o, size, l), part) }, inputs };
}

function dense(f: Function, part: Part, rows: number, length: number): Graph {
  const [x, weights] = [param("x", "float32", [rows, length]), param("weights", "float32", [rows, length])];
  return { name: "dense", params: [x, weights], outputs: outputsOf(f, { x, weights }, denseRows(length), part) };
}

const kernels = (graph: Graph, target: Target): number => kernelCount(compileGraph(graph, target, { verify: true }).plan);
const alike = Array.from({ length: 64 }, () => 40);
const various = Array.from({ length: 50 }, (_, i) => (i * 7919) % 61);
const targets: readonly Target[] = [js, wgsl];
const parts: readonly Part[] = ["value", "gradient", "both"];

describe.each(functions)("$name", ({ f }) => {
  test.each(targets)("takes one kernel on $name", (target) => {
    expect(kernels(ragged(f, "value", various).graph, target)).toBe(1);
  });

  test.each(targets.flatMap((target) => parts.map((part) => ({ target, part, name: target.name }))))(
    "takes what dense rows take, $part on $name",
    ({ target, part }) => {
      expect(kernels(ragged(f, part, alike).graph, target)).toBeLessThanOrEqual(kernels(dense(f, part, 64, 40), target));
    },
  );

  test.each(parts)("gives what the interpreter gives: %s", (part) => {
    const { graph, inputs } = ragged(f, part, various);
    expectClose(runCompiled(graph, inputs, { verify: true }), interpretGraph(graph, inputs), "fused");
  });

  test("elements may have axes of their own", () => {
    const { graph, inputs } = ragged(f, "both", [2, 0, 5, 1], [3, 2]);
    expect(kernels(ragged(f, "value", [2, 0, 5, 1], [3, 2]).graph, js)).toBe(1);
    expectClose(runCompiled(graph, inputs, { verify: true }), interpretGraph(graph, inputs), "fused");
  });

  test.each([
    { title: "one row", lengths: [9] },
    { title: "empty rows only", lengths: [0, 0, 0] },
    { title: "no rows", lengths: [] },
    { title: "one element", lengths: [0, 1, 0] },
  ])("of $title", ({ lengths }) => {
    const { graph, inputs } = ragged(f, "both", lengths);
    for (const fusion of [true, false]) expectClose(runCompiled(graph, inputs, { verify: true, fusion }), interpretGraph(graph, inputs), `fusion ${fusion}`);
    compileGraph(graph, wgsl, { verify: true });
  });
});

describe("a row that is longer than scratch", () => {
  const lengths = [3, 20_000, 0, 5000, 1];

  test("is computed again where it was not kept", () => {
    const { graph, inputs } = ragged(softmax, "value", lengths);
    const { plan } = compileGraph(graph, js, { verify: true });
    const bytes = scratchBytes(at(plan.kernels, 0));
    expect([kernelCount(plan), bytes > 0, bytes <= js.scratchBytes]).toEqual([1, true, true]);
    const found = runCompiled(graph, inputs, { verify: true });
    expectClose(found, interpretGraph(graph, inputs), "fused");
    expect([...asNumbers(at(found, 0).data)].reduce((a, b) => a + b, 0)).toBeCloseTo(4, 3);
  });

  test("has the bits that it has unfused", () => {
    const { graph, inputs } = ragged((x, rows) => subtract(x, rows.over(rows.max(x))), "value", lengths);
    expect(runCompiled(graph, inputs)).toEqual(runCompiled(graph, inputs, { fusion: false }));
  });
});

test("two structures over the same elements meet in memory", () => {
  const x = paramValue("x", tensorType("float32", [12]), "buffer");
  const [a, b] = ["a", "b"].map((name) => paramValue(name, tensorType("int32", [4]), "buffer"));
  if (a === undefined || b === undefined) throw new Error("two offsets");
  const graph: Graph = { name: "two", params: [x, a, b], outputs: [softmax(softmax(x, raggedRows(a, 12)), raggedRows(b, 12))] };
  const inputs: HostData[] = [
    numbers(x.type, 3, -1, 1),
    { type: a.type, data: Int32Array.of(0, 4, 4, 12) },
    { type: b.type, data: Int32Array.of(0, 1, 11, 12) },
  ];
  expect(kernels(graph, js)).toBe(2);
  expectClose(runCompiled(graph, inputs, { verify: true }), interpretGraph(graph, inputs), "fused");
});

test("what no kernel walks by rows is searched for, element by element, where lanes have an element each", () => {
  const x = paramValue("x", tensorType("float32", [1000]), "buffer");
  const rows = paramValue("r", tensorType("float32", [70]), "buffer");
  const o = paramValue("offsets", tensorType("int32", [71]), "buffer");
  const graph: Graph = { name: "shift", params: [x, rows, o], outputs: [add(x, segments.segmentBroadcast(rows, o, 1000))] };
  const loops = (target: Target): number => at(compileGraph(graph, target, { verify: true }).lowered, 0).body.length;
  expect([kernels(graph, js), kernels(graph, wgsl)]).toEqual([1, 1]);
  expect(loops(js)).toBe(1);
  expect(compileGraph(graph, wgsl).compiled.sources.join("\n")).not.toContain("for (");
});
