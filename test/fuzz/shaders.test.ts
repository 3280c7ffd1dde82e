/** Random graphs as shaders: all are compiled by Tint, and run where this machine has a software GPU. */
import { afterAll, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { isInteger } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import { nodesOf } from "../../compiler/ir/graph.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wgsl } from "../../compiler/target.ts";
import { outputsOf, scriptOf, shadersOf } from "../wgsl/plan.ts";
import { openRunner } from "../wgsl/run.ts";
import { openTint } from "../wgsl/tint.ts";
import { checkPrograms, checkProgramsAsync, expectResults } from "./check.ts";
import type { Program, World } from "./program.ts";
import { exact, lengthy, narrow, tame } from "./worlds.ts";

const tint = await openTint();
const runner = await openRunner();
afterAll(() => {
  tint?.close();
  runner?.close();
});

test("every graph has shaders", () => {
  checkPrograms(narrow, 150, (program) => {
    const { plan, compiled } = compileGraph(program.graph, wgsl, { verify: true });
    expect(compiled.sources.length).toBe(plan.kernels.length);
  });
});

test.skipIf(tint === null)("Tint takes every shader", async () => {
  await checkProgramsAsync(narrow, 40, async (program) => {
    const { plan } = compileGraph(program.graph, wgsl);
    for (const shader of shadersOf(plan).values())
      expect({ source: shader.source, errors: await tint?.check(shader) }).toEqual({ source: shader.source, errors: [] });
  });
});

/** The program with room for another order of float sums on the device, and for another sign of a zero, which WGSL does not keep. */
const loosened = (program: Program): Program => ({
  ...program,
  outputs: program.outputs.map((o) => ({ ...o, error: Math.max(o.error * 4, Number.MIN_VALUE) })),
});

/** Integers that are no float32: a device may round them either way. */
function roundsIntegers({ graph, inputs }: Program): boolean {
  const casts = nodesOf(graph).filter((n) => n.op.kind === "elementwise" && at(n.results, 0).dtype === "float32" && n.args.some((a) => isInteger(a.dtype)));
  const given = interpretGraph({ ...graph, outputs: casts.flatMap((n) => n.args) }, inputs);
  return given.some(({ type, data }) => isInteger(type.dtype) && data.some((x) => Math.fround(x) !== x));
}

async function checkOnDevice(program: Program): Promise<void> {
  if (roundsIntegers(program)) return;
  const { plan } = compileGraph(program.graph, wgsl);
  const isScalar = program.graph.params.map((p) => p.node.attrs["space"] === "scalar");
  const inputs = program.inputs.filter((_, i) => isScalar[i] === false);
  const scalars = program.inputs.filter((_, i) => isScalar[i] === true).map((d) => at(d.data, 0));
  const memory = await runner?.play(scriptOf(plan, inputs, scalars));
  expectResults(loosened(program), outputsOf(plan, memory ?? {}), "on the device");
}

test.skipIf(runner === null)("the device gives what the interpreter gives", { timeout: 120_000 }, async () => {
  const world: World = { ...tame(exact), takes: (op) => exact.takes(op) && op.name !== "bitcast" };
  await checkProgramsAsync(world, 40, checkOnDevice);
  await checkProgramsAsync(lengthy(world), 15, checkOnDevice);
});
