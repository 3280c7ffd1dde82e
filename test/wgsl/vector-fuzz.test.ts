/** Random graphs on targets where few elements are vectorised and short rows are shared out to lanes, against the interpreter. */
import { afterAll, expect, test } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import { asNumbers } from "../../compiler/ir/host.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { wgsl } from "../../compiler/target.ts";
import { checkProgramsAsync, expectResults } from "../fuzz/check.ts";
import { alikeOnDevices, loosened, roundsIntegers } from "../fuzz/devices.ts";
import type { Program } from "../fuzz/program.ts";
import { inRows, lengthy } from "../fuzz/worlds.ts";
import { outputsOf, scriptOf, shadersOf } from "./plan.ts";
import { openRunner } from "./run.ts";

const runner = await openRunner();
afterAll(() => runner?.close());

const targets: readonly (readonly [string, Target])[] = [
  ["two lanes", { ...wgsl, lanes: 2 }],
  ["sixteen lanes", { ...wgsl, lanes: 16 }],
  ["lanes that share nothing", { ...wgsl, lanes: 2, groupMemoryPays: false }],
];

test.skipIf(runner === null).each(targets)("%s", { timeout: 120_000 }, async (_, target) => {
  let wide = 0;
  const run = async (program: Program): Promise<void> => {
    if (roundsIntegers(program)) return;
    const { plan } = compileGraph(program.graph, target);
    wide += [...shadersOf(plan).values()].filter((shader) => shader.source.includes("array<vec4<")).length;
    const isScalar = program.graph.params.map((p) => p.node.attrs["space"] === "scalar");
    const inputs = program.inputs.filter((_data, i) => isScalar[i] === false);
    const scalars = program.inputs.filter((_data, i) => isScalar[i] === true).map((d) => at(asNumbers(d.data), 0));
    const memory = await runner?.play(scriptOf(plan, inputs, scalars));
    expectResults(loosened(program), outputsOf(plan, memory ?? {}), "on the device");
  };
  await checkProgramsAsync(alikeOnDevices, 40, run);
  await checkProgramsAsync(inRows(alikeOnDevices), 15, run);
  await checkProgramsAsync(lengthy(alikeOnDevices), 15, run);
  expect(wide).toBeGreaterThan(10);
});
