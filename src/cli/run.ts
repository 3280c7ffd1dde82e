/** Runs the graphs of an IR file. */
import { interpretGraph } from "../../compiler/interpret.ts";
import type { Numeric } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { typeText } from "../../compiler/ir/shape.ts";
import type { CompileOptions } from "../../compiler/pipeline.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { js } from "../../compiler/target.ts";
import { CpuDevice } from "../../runtime/cpu/device.ts";
import { formatValues } from "../print/format.ts";

export interface RunOptions extends CompileOptions {
  /** What code is generated; js unless told. */
  readonly target?: Target;
  /** What it runs on; a device of its own unless told. */
  readonly device?: CpuDevice;
}

/** The outputs of a graph, computed by generated code. */
export function runCompiled(graph: Graph, inputs: readonly HostData[], { target = js, device = new CpuDevice(), ...options }: RunOptions = {}): HostData[] {
  const { compiled } = compileGraph(graph, target.name === "wasm" ? { ...target, sharedMemory: device.heap.kind === "shared" } : target, options);
  const scalar = graph.params.map((p) => p.node.attrs["space"] === "scalar");
  const buffers = inputs.filter((_, i) => scalar[i] === false).map((d) => device.upload(d.data, d.type));
  const scalars = inputs.filter((_, i) => scalar[i] === true).map((d) => Number(at<Numeric>(d.data, 0)));
  const outputs = device.run(device.prepare(compiled), buffers, scalars);
  return outputs.map((o, i) => ({ type: at(graph.outputs, i).type, data: device.readSync(o) }));
}

/** The outputs of a graph as text, computed by code for this target; by the interpreter where it is null. */
export function runText(graph: Graph, inputs: readonly HostData[], target: Target | null): string {
  const outputs = target === null ? interpretGraph(graph, inputs) : runCompiled(graph, inputs, { target });
  return outputs.map((o, i) => `@${graph.name} ${i}: ${typeText(o.type)}\n${formatValues("tensor", o.data, o.type)}\n`).join("");
}
