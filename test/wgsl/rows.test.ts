/** A walk over the op table on WGSL: every sample of every row in float32, compiled by Tint, and run against the interpreter. */
import { afterAll, describe, expect, it } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { hostArray } from "../../compiler/ir/host.ts";
import type { Attrs } from "../../compiler/ir/node.ts";
import { makeNode } from "../../compiler/ir/node.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import type { Primitive } from "../../compiler/ir/primitive.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { opTable } from "../../compiler/ops/table.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wgsl } from "../../compiler/target.ts";
import type { Sample } from "../ops/samples.ts";
import { samplesOf } from "../ops/samples.ts";
import { differences, outputsOf, scriptOf, shadersOf } from "./plan.ts";
import { openRunner } from "./run.ts";
import { openTint } from "./tint.ts";

function single(data: HostData): HostData {
  if (data.type.dtype !== "float64") return data;
  const narrow = hostArray("float32", data.data.length);
  narrow.set(data.data);
  return { type: tensorType("float32", data.type.shape), data: narrow };
}

const narrowed = (attrs: Attrs): Attrs => (attrs["dtype"] === "float64" ? { ...attrs, dtype: "float32" } : attrs);

interface Case {
  readonly graph: Graph;
  readonly inputs: readonly HostData[];
  readonly plan: Plan;
}

function caseOf(op: Primitive, sample: Sample): Case {
  const inputs = sample.operands.map(single);
  const params = inputs.map((d, i) => paramValue(`x${i}`, d.type, "buffer"));
  const graph = { name: "sample", params, outputs: makeNode(op, params, narrowed(sample.attrs)).results };
  return { graph, inputs, plan: compileGraph(graph, wgsl, { verify: true }).plan };
}

const rows = opTable
  .filter((op) => op.kind !== "param")
  .flatMap((op) => samplesOf(op).map((sample): [string, Primitive, Sample] => [`${op.name}: ${sample.title}`, op, sample]));

const tint = await openTint();
const runner = await openRunner();
afterAll(() => {
  tint?.close();
  runner?.close();
});

describe("rows", () => {
  it.skipIf(tint === null).each(rows)("%s compiles", async (_, op, sample) => {
    const { plan } = caseOf(op, sample);
    for (const shader of shadersOf(plan).values()) expect(await tint?.check(shader)).toEqual([]);
  });

  it.skipIf(runner === null).each(rows)("%s gives the interpreter's values", async (_, op, sample) => {
    const { graph, inputs, plan } = caseOf(op, sample);
    const after = await runner?.play(scriptOf(plan, inputs, []));
    expect(differences(outputsOf(plan, after ?? {}), interpretGraph(graph, inputs))).toEqual([]);
  });
});
