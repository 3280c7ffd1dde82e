/**
 * A walk over the op table on the GPU: every sample of every row, fused and unfused, gives what the reference interpreter gives.
 * Float64 samples run in float32; as they are they are refused, by name.
 */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { nodesOf } from "../../compiler/ir/graph.ts";
import { makeNode } from "../../compiler/ir/node.ts";
import type { Primitive } from "../../compiler/ir/primitive.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { divide, multiply } from "../../compiler/ops/arithmetic.ts";
import { fill } from "../../compiler/ops/views.ts";
import { opTable } from "../../compiler/ops/table.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { targetFor } from "../../src/targets.ts";
import type { Sample } from "../ops/samples.ts";
import { narrowed, samplesOf } from "../ops/samples.ts";
import { gpu } from "./adapter.ts";
import { runBothWays } from "./run.ts";
import { differences, toleranceOf } from "./row-tolerances.ts";

function graphOf(op: Primitive, { operands, attrs }: Sample): Graph {
  const params = operands.map((d, i) => paramValue(`x${i}`, d.type, "buffer"));
  return { name: "sample", params, outputs: makeNode(op, params, attrs).results };
}

const rows = opTable.filter((op) => op.kind !== "param").flatMap((op) => samplesOf(op).map((sample) => ({ op, name: op.name, title: sample.title, sample })));
const isLacking = (graph: Graph): boolean => nodesOf(graph).some((n) => n.results.some((r) => !targetFor("webgpu").dtypes.has(r.dtype)));
const lacking = rows.filter(({ op, sample }) => isLacking(graphOf(op, sample)));

describe.skipIf(gpu === null)("rows on webgpu", () => {
  test.each(rows)("$name: $title", async ({ op, sample }) => {
    const small = narrowed(sample);
    const graph = graphOf(op, small);
    const wanted = interpretGraph(graph, small.operands);
    const found = await runBothWays(graph, small.operands);
    expect(found.map((f) => differences(f, wanted, toleranceOf(op)))).toEqual(found.map(() => []));
  });

  test("products and quotients of a zero that the shader compiler sees keep NaN", async () => {
    const data = { type: tensorType("float32", [8]), data: Float32Array.of(Infinity, -Infinity, Number.NaN, 1, -1, 0, 2, 3) };
    const x = paramValue("x", data.type, "buffer");
    const zero = fill(0, x.type);
    const graph = { name: "zeros", params: [x], outputs: [multiply(x, zero), multiply(zero, x), divide(zero, x), multiply(x, fill(-0, x.type))] };
    for (const found of await runBothWays(graph, [data])) expect(differences(found, interpretGraph(graph, [data]), { own: 0, largest: 0 })).toEqual([]);
  });

  test("what WGSL lacks is refused by name, in whatever row", () => {
    expect(new Set(lacking.map((r) => r.name)).size).toBeGreaterThan(80);
    for (const { op, sample } of lacking) {
      const compile = (): unknown => compileGraph(graphOf(op, sample), targetFor("webgpu"));
      expect(compile).toThrow(UnsupportedError);
      expect(compile).toThrow(/is float64, which wgsl does not have\. Convert with astype\("float32"\), or evaluate on the cpu\./);
    }
  });
});
