/** Every fusion case on the GPU through the public functions: launches as they are counted for shaders, values as the CPU has them. */
import { afterAll, describe, expect, test } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { hostArrayOf } from "../../compiler/ir/host.ts";
import { canonicalize } from "../../compiler/passes/canonicalize.ts";
import { runCompiled } from "../../src/cli/run.ts";
import type { Tensor } from "../../src/index.ts";
import { configure, counters, evalAll, inspect, resetCounters } from "../../src/index.ts";
import { readValue } from "../../src/slots.ts";
import { expectClose } from "../filetests/close.ts";
import { outputsOn } from "../fusion/row.ts";
import { fusionRows } from "../fusion/rows.ts";
import { gpu } from "./adapter.ts";

/** What the CPU makes of the same graph and data. */
async function onCpu(outputs: readonly Tensor[]): Promise<readonly HostData[]> {
  const { buffers, scalars, build } = canonicalize(outputs.map((o) => o.value));
  const data = await Promise.all(buffers.map(readValue));
  const graph = build();
  const [given, numbers] = [[...data], [...scalars]];
  const inputs = graph.params.map(({ node, type }): HostData => {
    const isScalar = node.attrs["space"] === "scalar";
    return { type, data: isScalar ? hostArrayOf(type.dtype, [at(numbers.splice(0, 1), 0)]) : at(given.splice(0, 1), 0) };
  });
  return runCompiled(graph, inputs);
}

describe.skipIf(gpu === null)("fusion on webgpu", () => {
  afterAll(() => void configure({ device: "cpu" }));

  test.each(fusionRows)("row $row: $expression", async (row) => {
    configure({ device: "cpu" });
    const outputs = outputsOn("webgpu", row);
    const wanted = await onCpu(outputs);
    configure({ device: "webgpu" });
    const kernels = inspect([...outputs]).kernels.length;
    const known = (gpu?.isSoftware === true ? row.today?.played : undefined) ?? row.today?.webgpu ?? row.today?.wgsl;
    if (known === undefined) expect(kernels).toBeLessThanOrEqual(row.aim);
    else expect(kernels).toBe(known);
    resetCounters();
    await evalAll(...outputs);
    const { kernelsLaunched, plansRun, bytesRead } = counters();
    expect({ kernelsLaunched, plansRun, bytesRead }).toEqual({ kernelsLaunched: kernels, plansRun: 1, bytesRead: 0 });
    const found = await Promise.all(outputs.map(async (o): Promise<HostData> => ({ type: o.type, data: await o.data() })));
    expectClose(found, wanted, `row ${row.row}`, row.slack);
    for (const o of outputs) o.dispose();
  });
});
