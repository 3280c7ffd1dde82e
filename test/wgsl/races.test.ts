/** Every shader with barriers that the op table's samples and the fusion cases compile to: no lanes of a workgroup race. */
import { describe, expect, test } from "vitest";
import { at, lookup } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { makeNode } from "../../compiler/ir/node.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { opTable } from "../../compiler/ops/table.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wgsl } from "../../compiler/target.ts";
import { fusionRows } from "../fusion/rows.ts";
import { samplesOf } from "../ops/samples.ts";
import { recorded } from "../recorded.ts";
import type { Placement } from "./reflect.ts";
import { racesInPlan } from "./reflect.ts";

interface Shader {
  readonly shader: WgslKernel;
  readonly placement: Placement;
}

const hasBarriers = (s: WgslKernel): boolean => /Barrier\(\)|workgroupUniformLoad/.test(s.source);

/** The shaders with barriers of a graph, and where a run of the plan has their buffers. */
function shadersOf(graph: Graph): Shader[] {
  const { plan, compiled } = compileGraph(graph, wgsl);
  const buffers = new Map(plan.buffers.map((b) => [b.id, b]));
  return plan.steps.flatMap((step): Shader[] => {
    if (step.kind !== "kernel") return [];
    const shader = at(compiled.shaders, step.kernel);
    if (!hasBarriers(shader)) return [];
    const bound = new Map(at(plan.kernels, step.kernel).buffers.map((b, i) => [b.name, lookup(buffers, at(step.buffers, i), "a buffer")]));
    const base = (name: string): number => {
      const buffer = lookup(bound, name, "a buffer");
      return buffer.role === "temp" ? buffer.offset / 4 : 0;
    };
    const words: Placement["words"] = (b) => Math.max(4, ...b.buffers.map((name) => base(name) + lookup(bound, name, "a buffer").bytes / 4));
    return [{ shader, placement: { base, words } }];
  });
}

const inFloat32 = (dtype: string): dtype is "float64" => dtype === "float64";

function sampleGraphs(): (readonly [string, Graph])[] {
  const computed = opTable.filter((op) => op.kind !== "param");
  return computed.flatMap((op) =>
    samplesOf(op).flatMap(({ title, operands, attrs }) => {
      const params = operands.map((d, i) => paramValue(`x${i}`, { ...d.type, dtype: inFloat32(d.type.dtype) ? "float32" : d.type.dtype }, "buffer"));
      if (attrs["dtype"] === "float64") return [];
      return [[`${op.name}: ${title}`, { name: "sample", params, outputs: makeNode(op, params, attrs).results }] as const];
    }),
  );
}

const cases = [
  ...sampleGraphs(),
  ...fusionRows.map(({ row, expression, outputs, smaller = outputs }) => [`row ${row}: ${expression}`, recorded(...smaller()).graph] as const),
]
  .map(([name, graph]) => ({ name, shaders: shadersOf(graph) }))
  .filter(({ shaders }) => shaders.length > 0);

test("there are shaders with barriers to look at", () => expect(cases.length).toBeGreaterThan(15));

describe("no lanes race", () => {
  // every lane is played one statement at a time
  test.each(cases)("$name", { timeout: 120_000 }, ({ shaders }) => {
    expect(shaders.flatMap(({ shader, placement }) => racesInPlan(shader, placement))).toEqual([]);
  });
});
