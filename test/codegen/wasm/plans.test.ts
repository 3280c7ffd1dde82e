/** Plans of random graphs: WebAssembly gives the bits that JavaScript gives. */
import { expect, test } from "vitest";
import type { Numeric } from "../../../compiler/ir/dtype.ts";
import { at } from "../../../compiler/ir/errors.ts";
import type { HostData } from "../../../compiler/ir/host.ts";
import { compileGraph } from "../../../compiler/pipeline.ts";
import type { Target } from "../../../compiler/target.ts";
import { js, wasm } from "../../../compiler/target.ts";
import { CpuDevice } from "../../../runtime/cpu/device.ts";
import { checkPrograms, expectEqualBits } from "../../fuzz/check.ts";
import type { Program, World } from "../../fuzz/program.ts";
import { halves, inRows, lengthy, wide } from "../../fuzz/worlds.ts";

const device = new CpuDevice();
/** As the heap is: shared where threads are. */
const target: Target = { ...wasm, sharedMemory: device.heap.memory?.buffer instanceof SharedArrayBuffer };

function run({ graph, inputs }: Program, on: Target, fusion: boolean): HostData[] {
  const { compiled } = compileGraph(graph, on, { verify: true, fusion });
  const isScalar = graph.params.map((p) => p.node.attrs["space"] === "scalar");
  const buffers = inputs.filter((_, i) => isScalar[i] === false).map((d) => device.upload(d.data, d.type));
  const scalars = inputs.filter((_, i) => isScalar[i] === true).map((d) => Number(at<Numeric>(d.data, 0)));
  return device.run(device.prepare(compiled), buffers, scalars).map((o, i) => ({ type: at(graph.outputs, i).type, data: device.readSync(o) }));
}

test.each<{ sizes: string; world: World; runs: number }>([
  { sizes: "odd", world: wide, runs: 150 },
  { sizes: "long", world: lengthy(wide), runs: 60 },
  { sizes: "odd", world: halves, runs: 100 },
  { sizes: "odd", world: inRows(wide), runs: 100 },
  { sizes: "long", world: inRows(lengthy(wide)), runs: 40 },
])("generated WebAssembly gives the bits of generated JavaScript, at $sizes sizes", ({ world, runs }) => {
  let ran = 0;
  checkPrograms(world, runs, (program) => {
    // functions of the host are the host's affair
    if ((compileGraph(program.graph, target).compiled.wasm?.imports.length ?? 0) > 0) return;
    for (const fusion of [true, false]) expectEqualBits(program, run(program, js, fusion), run(program, target, fusion), "WebAssembly against JavaScript");
    ran++;
  });
  expect(ran).toBeGreaterThan(runs / 4);
});
