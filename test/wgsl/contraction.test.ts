/** Contractions on WGSL at every size, by both templates (tiles in workgroup memory, tiles in registers), against the interpreter. */
import { afterAll, describe, expect, it } from "vitest";
import { emitWgsl } from "../../compiler/codegen/wgsl/emit.ts";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at, lookup } from "../../compiler/ir/errors.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { wgsl } from "../../compiler/target.ts";
import type { Form, Size } from "./contractions.ts";
import { caseOf, forms, sizes } from "./contractions.ts";
import { differences, outputsOf, scriptOf, shadersOf } from "./plan.ts";
import { races } from "./reflect.ts";
import { openRunner } from "./run.ts";
import { openTint } from "./tint.ts";

/** Hardware's template, and that of adapters whose workgroup memory is slow. */
const templates: Readonly<Record<string, Target>> = { staged: wgsl, registers: { ...wgsl, groupMemoryPays: false } };

const tint = await openTint();
const runner = await openRunner();
afterAll(() => {
  tint?.close();
  runner?.close();
});

const shadersIn = (plan: Plan): WgslKernel[] => [...shadersOf(plan).values()];
const isStaged = (shader: WgslKernel): boolean => /var<workgroup> \w*_tile/.test(shader.source);
const plain = lookup(new Map(Object.entries(forms)), "plain", "a form");

/** What Tint says and which values are wrong; both empty where all is well. */
async function problems(form: Form, size: Size, target: Target): Promise<string[]> {
  const { graph, inputs } = caseOf(form, size, "float32");
  const { plan } = compileGraph(graph, target, { verify: true });
  const said = await Promise.all(shadersIn(plan).map((shader) => tint?.check(shader) ?? []));
  const after = await runner?.play(scriptOf(plan, inputs, []));
  const wrong = after === undefined ? [] : differences(outputsOf(plan, after), interpretGraph(graph, inputs));
  return [...said.flat(), ...wrong];
}

describe.each(Object.entries(templates))("%s", (_, target) => {
  it.skipIf(tint === null).each(sizes)("$m × $n over $k", async (size) => {
    expect(await problems(plain, size, target)).toEqual([]);
  });
  it.skipIf(tint === null).each(Object.entries(forms))("%s", async (_name, form) => {
    expect(await problems(form, { m: 37, n: 50, k: 21 }, target)).toEqual([]);
  });
});

/** The staged kernels of a form, with memory to run them on. */
function stagedOf(form: Form): { readonly shader: WgslKernel; readonly memory: Readonly<Record<string, Float32Array>> }[] {
  const { plan } = compileGraph(caseOf(form, { m: 17, n: 18, k: 9 }, "float32").graph, wgsl);
  return plan.kernels
    .map((kernel) => ({ shader: emitWgsl(kernel, wgsl), memory: Object.fromEntries(kernel.buffers.map((b) => [b.name, new Float32Array(b.size)])) }))
    .filter(({ shader }) => isStaged(shader));
}

describe("no lanes race", () => {
  // wgsl_reflect cannot evaluate operators on bools
  it.each(Object.entries(forms).filter(([name]) => name !== "any of pairs of bools"))("%s", (_, form) => {
    const staged = stagedOf(form);
    expect(staged.length).toBeGreaterThan(0);
    for (const { shader, memory } of staged) expect(races(shader, memory, {})).toEqual([]);
  });
  it("but would without the barrier after staging", () => {
    const { shader, memory } = at(stagedOf(plain), 0);
    const broken = { ...shader, source: shader.source.replace("workgroupBarrier();", "") };
    expect(races(broken, memory, {}).join()).toContain("Data race");
  });
});

describe("shaders", () => {
  const shader = at(stagedOf(plain), 0).shader;
  it("have all of WebGPU's default lanes, two tiles in workgroup memory and results in registers", () => {
    expect(shader.workgroupSize).toEqual([256, 1, 1]);
    expect(shader.source.match(/var<workgroup>/g)).toHaveLength(2);
    expect(shader.source).toMatch(/var dot_\d+_own: array<f32, \d+>;/);
  });
  it("index registers with numbers alone", () => {
    for (const [, index] of shader.source.matchAll(/\bdot_\d+_own\[([^\]]*)\]/g)) expect(index).toMatch(/^\d+i$/);
  });
});
