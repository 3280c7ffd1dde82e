/**
 * Random graphs over all kinds of ops, against the interpreter: compiled with and without fusion, to WebAssembly for one thread and two,
 * after each graph pass, after a round trip through text, and as the loops that are made for shaders. Longer, and with other programs:
 * FUZZ_RUNS=20 FUZZ_SEED=7.
 */
import type { Numeric } from "../../compiler/ir/dtype.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { emitJs } from "../../compiler/codegen/js/emit.ts";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import type { CompiledPlan, Plan } from "../../compiler/ir/plan.ts";
import { printGraph } from "../../compiler/ir/print.ts";
import { bytesOf } from "../../compiler/ir/shape.ts";
import { verifyGraph } from "../../compiler/ir/verify.ts";
import { simplify } from "../../compiler/passes/simplify/simplify.ts";
import { split } from "../../compiler/passes/split.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";
import { graphFromText } from "../../compiler/text.ts";
import { counters, resetCounters } from "../../runtime/counters.ts";
import { CpuDevice } from "../../runtime/cpu/device.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { checkPrograms, expectBits, expectEqualBits, expectResults, expectSameBits } from "./check.ts";
import type { Program, World } from "./program.ts";
import { exact, halves, inRows, lengthy, wide } from "./worlds.ts";

test.each<{ sizes: string; world: World; runs: number }>([
  { sizes: "odd", world: wide, runs: 250 },
  { sizes: "long", world: lengthy(wide), runs: 60 },
  { sizes: "odd", world: inRows(wide), runs: 250 },
  { sizes: "long", world: inRows(lengthy(wide)), runs: 60 },
])("compiled JavaScript gives what the interpreter gives, and with fusion the bits that it gives without, at $sizes sizes", ({ world, runs }) => {
  checkPrograms(world, runs, (program) => {
    const fused = runCompiled(program.graph, program.inputs, { verify: true });
    expectResults(program, fused, "fused");
    const apart = runCompiled(program.graph, program.inputs, { verify: true, fusion: false });
    expectResults(program, apart, "not fused");
    expectEqualBits(program, apart, fused, "fused against not fused");
  });
});

test("float16 gives what the interpreter gives, one op a kernel", () => {
  checkPrograms(halves, 200, (program) => expectResults(program, runCompiled(program.graph, program.inputs, { verify: true, fusion: false }), "not fused"));
});

describe("WebAssembly gives the bits of JavaScript", () => {
  const alone = new CpuDevice();
  // everything is worth sharing
  const shared = new CpuDevice({ threads: 2, pool: { leastNs: 0 } });
  beforeAll(async () => {
    await shared.pool?.warm();
    resetCounters();
  });
  afterAll(() => {
    shared.threads = 1;
  });

  test.each<{ sizes: string; world: World; runs: number }>([
    { sizes: "odd", world: wide, runs: 150 },
    { sizes: "long", world: lengthy(wide), runs: 60 },
    { sizes: "odd", world: inRows(wide), runs: 150 },
    { sizes: "long", world: inRows(lengthy(wide)), runs: 60 },
  ])("with one thread and with two, at $sizes sizes", ({ world, runs }) => {
    checkPrograms(world, runs, (program) => {
      const { graph, inputs } = program;
      const expected = runCompiled(graph, inputs, { device: alone });
      expectSameBits(program, expected, runCompiled(graph, inputs, { target: wasm, verify: true, device: alone }), "wasm");
      expectSameBits(program, expected, runCompiled(graph, inputs, { target: wasm, device: shared }), "wasm on two threads");
    });
    expect(counters.launchesShared).toBeGreaterThan(runs / 4);
    resetCounters();
  });
});

test("simplify keeps every bit", () => {
  checkPrograms(wide, 250, (program) => {
    const { graph } = simplify(program.graph);
    verifyGraph(graph);
    expectBits(program, interpretGraph(graph, program.inputs), `simplified to\n${printGraph(graph)}`);
  });
});

test("text reads back as the same graph", () => {
  checkPrograms(wide, 200, (program) => {
    const text = printGraph(program.graph);
    const again = graphFromText(text);
    expect(printGraph(again)).toBe(text);
    expectBits(program, interpretGraph(again, program.inputs), "parsed");
  });
});

test.each([{ world: lengthy(wide) }, { world: inRows(lengthy(wide)) }])("split keeps the values", ({ world }) => {
  checkPrograms(world, 40, (program) => {
    for (const target of [wgsl, js]) {
      const graph = split(program.graph, target);
      verifyGraph(graph);
      expectResults(program, interpretGraph(graph, program.inputs), `split for ${target.name}`);
    }
  });
});

/** The loops of a plan for shaders, as JavaScript; null where a buffer of bools (a word each in shaders, a byte here) is in the way. */
function runShaderLoops({ graph, inputs }: Program): HostData[] | null {
  const made = compileGraph(graph, wgsl, { verify: true }).plan;
  if (made.buffers.some((b) => b.type.dtype === "bool")) return null;
  const plan: Plan = { ...made, buffers: made.buffers.map((b) => ({ ...b, bytes: bytesOf(b.type) })) };
  const compiled: CompiledPlan = { plan, language: "js", sources: [emitJs(plan.kernels)], shaders: [], wasm: null };
  const device = new CpuDevice();
  const isScalar = graph.params.map((p) => p.node.attrs["space"] === "scalar");
  const buffers = inputs.filter((_, i) => isScalar[i] === false).map((d) => device.upload(d.data, d.type));
  const scalars = inputs.filter((_, i) => isScalar[i] === true).map((d) => Number(at<Numeric>(d.data, 0)));
  return device.run(device.prepare(compiled), buffers, scalars).map((o, i) => ({ type: at(graph.outputs, i).type, data: device.readSync(o) }));
}

test.each<{ sizes: string; world: World; runs: number }>([
  { sizes: "odd", world: exact, runs: 150 },
  { sizes: "long", world: lengthy(exact), runs: 50 },
  { sizes: "odd", world: inRows(exact), runs: 150 },
  { sizes: "long", world: inRows(lengthy(exact)), runs: 50 },
])("the loops made for shaders give what the interpreter gives, at $sizes sizes", ({ world, runs }) => {
  let ran = 0;
  checkPrograms(world, runs, (program) => {
    const found = runShaderLoops(program);
    if (found === null) return;
    ran++;
    expectResults(program, found, "loops for shaders");
  });
  expect(ran).toBeGreaterThan(runs / 4);
});
