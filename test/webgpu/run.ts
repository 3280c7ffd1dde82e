/** Graphs on the GPU that is open, as the library compiles and runs them there. */
import { asNumbers } from "../../compiler/ir/host.ts";
import { at, CompilerBug } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { printProgram } from "../../compiler/ir/print-plan.ts";
import type { Compilation } from "../../compiler/pipeline.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import type { GpuDevice } from "../../runtime/device.ts";
import { openedGpu } from "../../src/devices.ts";
import { targetFor } from "../../src/targets.ts";

export function theGpu(): GpuDevice {
  const gpu = openedGpu();
  if (gpu === null) throw new CompilerBug("no GPU was opened");
  return gpu;
}

/** The outputs of a graph compiled for a target of the kind; the data of its params in their order, scalar params included. */
export const runOnGpu = async (graph: Graph, inputs: readonly HostData[], target: Target): Promise<HostData[]> =>
  run(graph, compileGraph(graph, target, { verify: true }), inputs);

/** The outputs fused and unfused; once where that makes no difference. */
export async function runBothWays(graph: Graph, inputs: readonly HostData[]): Promise<readonly HostData[][]> {
  const [fused, unfused] = [true, false].map((fusion) => compileGraph(graph, targetFor("webgpu"), { fusion, verify: true }));
  if (fused === undefined || unfused === undefined) throw new CompilerBug("two compilations");
  const ways = printProgram(fused.plan) === printProgram(unfused.plan) ? [fused] : [fused, unfused];
  return Promise.all(ways.map((way) => run(graph, way, inputs)));
}

async function run(graph: Graph, { compiled }: Compilation, inputs: readonly HostData[]): Promise<HostData[]> {
  const device = theGpu();
  const isScalar = graph.params.map((p) => p.node.attrs["space"] === "scalar");
  const buffers = inputs.filter((_, i) => isScalar[i] === false).map((d) => device.upload(d.data, d.type));
  const scalars = inputs.filter((_, i) => isScalar[i] === true).map((d) => at(asNumbers(d.data), 0));
  const { outputs, finished } = device.run(device.prepare(compiled), buffers, scalars);
  const [, ...read] = await Promise.all([finished, ...outputs.map((o) => device.read(o))]);
  for (const buffer of [...buffers, ...outputs]) buffer.release();
  return read.map((data, i) => ({ type: at(graph.outputs, i).type, data }));
}
