/** Long reductions in two steps, as targets with many lanes have them. */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { asNumbers } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf, tensorType } from "../../compiler/ir/shape.ts";
import { divide, multiply, square } from "../../compiler/ops/arithmetic.ts";
import { sqrt } from "../../compiler/ops/exponential.ts";
import { argmax, argmin, reduceMax, reduceMin, reduceSum } from "../../compiler/ops/reductions.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { split } from "../../compiler/passes/split.ts";
import { compileGraph, kernelCount } from "../../compiler/pipeline.ts";
import { wgsl } from "../../compiler/target.ts";
import { bytesMoved, bytesNeeded } from "../fusion/measure.ts";

const odd = 66_071;
interface Case {
  readonly name: string;
  readonly shape: Shape;
  readonly f: (x: Value) => Value;
  /** Whether the order of adding is no matter. */
  readonly exact: boolean;
}

const cases: readonly Case[] = [
  { name: "the sum of a length that nothing divides", shape: [odd], f: (x) => reduceSum(x, [0]), exact: false },
  { name: "sums of rows", shape: [3, odd], f: (x) => reduceSum(x, [1]), exact: false },
  { name: "sums of columns", shape: [odd, 4], f: (x) => reduceSum(x, [0]), exact: false },
  { name: "the mean of squares, and its root", shape: [2 * odd], f: (x) => sqrt(divide(reduceSum(square(x), [0]), 2 * odd)), exact: false },
  { name: "the max", shape: [odd], f: (x) => reduceMax(x, [0]), exact: true },
  { name: "the min of columns", shape: [odd, 2], f: (x) => reduceMin(x, [0]), exact: true },
  { name: "the position of the max", shape: [65_536], f: (x) => argmax(x, [0]), exact: true },
  { name: "positions of the min of rows", shape: [3, 70_000], f: (x) => argmin(multiply(x, 2), [1]), exact: true },
  { name: "positions over two axes", shape: [256, 300, 2], f: (x) => argmax(x, [0, 1]), exact: true },
];

const graphOf = ({ shape, f }: Case): Graph => {
  const x = paramValue("x", tensorType("float32", shape), "buffer");
  return { name: "long", params: [x], outputs: [f(x)] };
};

/** Numbers of which many are equal; a NaN somewhere, where that is asked for. */
function inputsOf({ shape }: Case, nan: number | null): HostData[] {
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7919) % 1013) - 506);
  if (nan !== null) data[nan] = NaN;
  return [{ type: tensorType("float32", shape), data }];
}

describe.each(cases)("$name", (given) => {
  const graph = graphOf(given);

  test.each([null, 4097])("is what it is in one step, with a NaN at %s", (nan) => {
    const inputs = inputsOf(given, nan);
    const [whole, parts] = [graph, split(graph, wgsl)].map((g) => asNumbers(at(interpretGraph(g, inputs), 0).data));
    if (whole === undefined || parts === undefined) throw new Error("two graphs");
    if (given.exact || nan !== null) expect([...parts]).toEqual([...whole]);
    else [...parts].forEach((y, i) => expect(Math.abs(y - (whole[i] ?? NaN)) / Math.max(1, Math.abs(whole[i] ?? NaN))).toBeLessThan(1e-3));
  });

  test("is two kernels: what comes before is in the first, what comes behind in the second", () => {
    const { plan } = compileGraph(graph, wgsl, { verify: true });
    expect(kernelCount(plan)).toBe(2);
    expect(plan.kernels.reduce((n, k) => n + bytesMoved(k), 0) / bytesNeeded(graph)).toBeLessThanOrEqual(1.1);
  });
});
