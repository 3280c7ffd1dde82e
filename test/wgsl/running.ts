/** Programs of graphs, compiled and run on the software GPU against the interpreter. */
import { expect } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { wgsl } from "../../compiler/target.ts";
import { numbers } from "../ops/samples.ts";
import { differences, outputsOf, scriptOf, shadersOf } from "./plan.ts";
import type { Runner } from "./run.ts";
import type { Tint } from "./tint.ts";

/** As WebGPU, but vectors and lanes are worth it from the first elements on. */
export const eager: Target = { ...wgsl, lanes: 2 };

export interface Program {
  readonly inputs: readonly (readonly [DType, Shape])[];
  readonly build: (values: readonly Value[]) => readonly Value[];
  readonly donated?: readonly number[];
}

export const f32s = (...shapes: readonly Shape[]): Program["inputs"] => shapes.map((shape) => ["float32", shape] as const);
export const one = (dtype: DType, shape: Shape, f: (x: Value) => readonly Value[]): Program => ({ inputs: [[dtype, shape]], build: (v) => f(at(v, 0)) });
export const two = (inputs: Program["inputs"], f: (x: Value, y: Value) => readonly Value[]): Program => ({ inputs, build: (v) => f(at(v, 0), at(v, 1)) });

export interface Planned {
  readonly plan: Plan;
  readonly inputs: readonly HostData[];
  readonly wanted: readonly HostData[];
}

export interface Options {
  readonly target?: Target;
  readonly fusion?: boolean;
}

export function planned(program: Program, { target = eager, fusion = true }: Options = {}): Planned {
  const inputs = program.inputs.map(([dtype, shape], i) => numbers(tensorType(dtype, shape), i + 1, dtype === "uint32" ? 0 : -20, 20));
  const params = inputs.map((d, i) => paramValue(`x${i}`, d.type, "buffer"));
  const graph = { name: "program", params, outputs: program.build(params) };
  const { plan } = compileGraph(graph, target, { verify: true, fusion, donated: program.donated ?? [] });
  return { plan, inputs, wanted: interpretGraph(graph, inputs) };
}

export const shaderList = (program: Program, options?: Options): readonly WgslKernel[] => [...shadersOf(planned(program, options).plan).values()];

/** Compiles and runs a program, and compares what it gives. */
export async function expectValues(
  program: Program,
  { tint, runner }: { readonly tint: Tint | null; readonly runner: Runner | null },
  options?: Options,
): Promise<void> {
  const { plan, inputs, wanted } = planned(program, options);
  const sources = [...shadersOf(plan).values()].map((s) => s.source);
  for (const shader of shadersOf(plan).values()) expect({ source: shader.source, errors: (await tint?.check(shader)) ?? [] }).toMatchObject({ errors: [] });
  const after = await runner?.play(scriptOf(plan, inputs, []));
  if (after !== undefined) expect({ sources, bad: differences(outputsOf(plan, after), wanted) }).toMatchObject({ bad: [] });
}
