/**
 * A walk over the op table through the whole compiler. Every sample of every row becomes a graph of its own: its text, its plan's
 * text and its kernels' text read back the same, every stage verifies, and the generated loops give what the interpreter gives.
 */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../compiler/interpret.ts";
import type { Graph } from "../compiler/ir/graph.ts";
import type { HostData } from "../compiler/ir/host.ts";
import type { Value } from "../compiler/ir/node.ts";
import { makeNode } from "../compiler/ir/node.ts";
import { parsePlan } from "../compiler/ir/parse-plan.ts";
import type { Primitive } from "../compiler/ir/primitive.ts";
import { printProgram } from "../compiler/ir/print-plan.ts";
import { printGraph } from "../compiler/ir/print.ts";
import { opTable } from "../compiler/ops/table.ts";
import { paramValue } from "../compiler/ops/source.ts";
import { compileGraph } from "../compiler/pipeline.ts";
import { js, wasm, wgsl } from "../compiler/target.ts";
import { graphFromText } from "../compiler/text.ts";
import { CpuDevice } from "../runtime/cpu/device.ts";
import { runCompiled } from "../src/cli/run.ts";
import { expectClose } from "./filetests/close.ts";
import type { Sample } from "./ops/samples.ts";
import { narrowed, rareSamplesOf, samplesOf } from "./ops/samples.ts";

const device = new CpuDevice();

interface Case {
  readonly graph: Graph;
  readonly inputs: readonly HostData[];
}

function caseOf(op: Primitive, sample: Sample, inputs: readonly HostData[]): Case {
  const params = inputs.map((d, i): Value => paramValue(`x${i}`, d.type, "buffer"));
  return { graph: { name: "sample", params, outputs: makeNode(op, params, sample.attrs).results }, inputs };
}

const named = (
  samples: (op: Primitive) => readonly Sample[],
): { readonly op: Primitive; readonly name: string; readonly title: string; readonly sample: Sample }[] =>
  opTable.filter((op) => op.kind !== "param").flatMap((op) => samples(op).map((sample) => ({ op, name: op.name, title: sample.title, sample })));
const rows = named(samplesOf);

describe.each([...rows, ...named(rareSamplesOf)])("$name: $title", ({ op, sample }) => {
  const { graph, inputs } = caseOf(op, sample, sample.operands);

  test("text", () => {
    const text = printGraph(graph);
    expect(printGraph(graphFromText(text))).toBe(text);
  });

  test("js", () => {
    const { plan } = compileGraph(graph, js, { verify: true });
    const text = printProgram(plan);
    expect(printProgram(parsePlan(text))).toBe(text);
    expectClose(runCompiled(graph, inputs), interpretGraph(graph, inputs), op.name);
  });

  test("wasm", () => {
    const compiled = runCompiled(graph, inputs, { target: wasm, verify: true, device });
    expect(compiled.map((c) => c.data)).toEqual(runCompiled(graph, inputs, { device }).map((c) => c.data));
  });
});

test.each(rows)("wgsl, $name: $title", ({ op, sample }) => {
  const small = narrowed(sample);
  const { graph } = caseOf(op, small, small.operands);
  const { plan, compiled } = compileGraph(graph, wgsl, { verify: true });
  expect(compiled.sources.length).toBe(plan.kernels.length);
  const text = printProgram(plan);
  expect(printProgram(parsePlan(text))).toBe(text);
});
