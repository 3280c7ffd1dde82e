/** Runs the graphs of an IR file. */
import { interpretGraph } from "../../compiler/interpret.ts";
import type { Numeric } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { typeText } from "../../compiler/ir/shape.ts";
import type { CompileOptions } from "../../compiler/pipeline.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js } from "../../compiler/target.ts";
import { CpuDevice } from "../../runtime/cpu/device.ts";
import { formatValues } from "../print/format.ts";

/** The outputs of a graph, computed by generated JavaScript. */
export function runCompiled(graph: Graph, inputs: readonly HostData[], options: CompileOptions = {}): HostData[] {
  const device = new CpuDevice();
  const { compiled } = compileGraph(graph, js, options);
  const scalar = graph.params.map((p) => p.node.attrs["space"] === "scalar");
  const buffers = inputs.filter((_, i) => scalar[i] === false).map((d) => device.upload(d.data, d.type));
  const scalars = inputs.filter((_, i) => scalar[i] === true).map((d) => Number(at<Numeric>(d.data, 0)));
  const outputs = device.run(device.prepare(compiled), buffers, scalars);
  return outputs.map((o, i) => ({ type: at(graph.outputs, i).type, data: device.readSync(o) }));
}

/** The outputs of a graph as text, computed on this target. */
export function runText(graph: Graph, inputs: readonly HostData[], target: "js" | "interpreter"): string {
  const outputs = target === "js" ? runCompiled(graph, inputs) : interpretGraph(graph, inputs);
  return outputs.map((o, i) => `@${graph.name} ${i}: ${typeText(o.type)}\n${formatValues("tensor", o.data, o.type)}\n`).join("");
}
