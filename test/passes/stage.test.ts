/**
 * Contractions whose operands are staged in workgroup memory, as the Loop IR says them: run as plain loops, lanes one after the
 * other, over whole numbers, so that the interpreter's values must come to the bit.
 */
import { asNumbers } from "../../compiler/ir/host.ts";
import { describe, expect, it } from "vitest";
import { emitJs } from "../../compiler/codegen/js/emit.ts";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at, lookup } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import type { Kernel } from "../../compiler/ir/loop.ts";
import { statements } from "../../compiler/ir/loop.ts";
import type { CompiledPlan } from "../../compiler/ir/plan.ts";
import { verifyKernel } from "../../compiler/ir/verify-loop.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { multiply } from "../../compiler/ops/arithmetic.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import { broadcast, permute, reduceSum } from "../../compiler/ops/layout.ts";
import { findContraction } from "../../compiler/passes/tile/stage-find.ts";
import type { TileSize } from "../../compiler/passes/tile/stage-size.ts";
import { stageAs } from "../../compiler/passes/tile/stage.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { js, wgsl } from "../../compiler/target.ts";
import { CpuDevice } from "../../runtime/cpu/device.ts";
import type { Case, Form, Size } from "../wgsl/contractions.ts";
import { caseOf, forms, moreSizes, sizes } from "../wgsl/contractions.ts";

const formsByName = new Map(Object.entries(forms));

/** Generated JavaScript, scheduled as for a GPU. */
const laned: Target = { ...js, lanes: wgsl.lanes, groupMemoryPays: true, scratchBytes: wgsl.scratchBytes };

/** Whole numbers in the place of fractions. */
const whole = (d: HostData): HostData => (d.type.dtype === "float64" ? { ...d, data: asNumbers(d.data).map((x) => Math.round(x * 4)) } : d);

const isStaged = (k: Kernel): boolean => [...statements(k.body)].some((s) => s.kind === "local" && s.space === "group");

function runPlan({ graph, inputs }: Case, compiled: CompiledPlan): HostData[] {
  const device = new CpuDevice();
  const given = inputs.map((d) => device.upload(d.data, d.type));
  return device.run(device.prepare(compiled), given, []).map((o, i) => ({ type: at(graph.outputs, i).type, data: device.readSync(o) }));
}

/** Elements that are not the interpreter's, a few of them. */
function wrong({ graph, inputs }: Case, outputs: readonly HostData[]): string[] {
  return interpretGraph(graph, inputs).flatMap((want, i) => {
    const allowed = 1e-13 * [...asNumbers(want.data)].reduce((m, x) => Math.max(m, Math.abs(x)), 1);
    const found = at(outputs, i).data;
    return [...asNumbers(want.data)]
      .flatMap((x, k) => (Math.abs(x - at(asNumbers(found), k)) <= allowed ? [] : [`${i}[${k}]: ${at(asNumbers(found), k)}, not ${x}`]))
      .slice(0, 3);
  });
}

function wholeCase(form: Form, size: Size): Case {
  const { graph, inputs } = caseOf(form, size, "float64");
  return { graph, inputs: inputs.map(whole) };
}

/** How many kernels were staged; their values are right. */
function check(form: Form, size: Size): number {
  const given = wholeCase(form, size);
  const { plan, compiled } = compileGraph(given.graph, laned, { verify: true });
  expect(wrong(given, runPlan(given, compiled))).toEqual([]);
  return plan.kernels.filter(isStaged).length;
}

const plain = lookup(formsByName, "plain", "a form");

describe("staged tiles", () => {
  it.each([...sizes, ...moreSizes])("of $m × $n over $k", (size) => {
    expect(check(plain, size)).toBe(size.m >= 16 && size.n >= 16 && size.k >= 16 ? 1 : 0);
  });

  it.each([...formsByName])("%s", (name, form) => {
    // three products share launches as far as their tiles fit into the memory of a workgroup
    expect(check(form, { m: 37, n: 50, k: 21 })).toBe(name === "three of one left" ? 2 : 1);
    check(form, { m: 64, n: 130, k: 16 });
  });

  const sides = [16, 32, 64].flatMap((row) => [16, 32, 64].flatMap((column) => [1, 7, 16].map((depth): TileSize => ({ row, column, depth }))));
  it.each(sides)("of $row × $column points and $depth steps at once, whatever the shape", (tile) => {
    for (const name of ["plain", "both transposed, result too", "bias, gelu and a residual", "least distances and where"]) {
      const given = wholeCase(lookup(formsByName, name, "a form"), { m: 70, n: 33, k: 16 });
      const { plan, lowered } = compileGraph(given.graph, js);
      const kernels = lowered.map((kernel) => {
        const found = findContraction(kernel);
        return found === null ? kernel : stageAs(kernel, found, tile);
      });
      expect(kernels.some(isStaged)).toBe(true);
      kernels.forEach(verifyKernel);
      const compiled: CompiledPlan = { plan: { ...plan, kernels }, language: "js", sources: [emitJs(kernels)], shaders: [], wasm: null };
      expect(wrong(given, runPlan(given, compiled))).toEqual([]);
    }
  });
});

describe("what is not staged", () => {
  const isStagedOn = (form: Form, size: Size, target: Target): boolean => compileGraph(caseOf(form, size, "float32").graph, target).plan.kernels.some(isStaged);

  it("on targets whose workgroup memory is slow, or that have none", () => {
    const size = { m: 64, n: 64, k: 64 };
    expect(isStagedOn(plain, size, wgsl)).toBe(true);
    expect(isStagedOn(plain, size, { ...wgsl, groupMemoryPays: false })).toBe(false);
    expect(isStagedOn(plain, size, js)).toBe(false);
  });

  it("few results of long sums, whose steps are dealt out to lanes", () => {
    const { plan } = compileGraph(caseOf(plain, { m: 8, n: 16, k: 4096 }, "float32").graph, wgsl);
    expect(plan.kernels.some(isStaged)).toBe(false);
    expect(plan.kernels.some((k) => [...statements(k.body)].some((s) => s.kind === "reduce" && s.axes.some((a) => a.kind === "lane")))).toBe(true);
  });

  it("short sides and short sums", () => {
    for (const size of [
      { m: 4, n: 400, k: 64 },
      { m: 400, n: 4, k: 64 },
      { m: 64, n: 64, k: 4 },
    ])
      expect(isStagedOn(plain, size, wgsl)).toBe(false);
  });

  it("a batch that is the last axis in memory, whose neighbours are neighbouring lanes of the other schedule", () => {
    const form: Form = {
      inputs: ({ m, n, k }) => [{ shape: [m, k, 64] }, { shape: [k, n, 64] }],
      build: (v) => [permute(dot(at(v, 0), at(v, 1), [[1], [0]], [[2], [2]]), [1, 2, 0])],
    };
    expect(isStagedOn(form, { m: 32, n: 32, k: 32 }, wgsl)).toBe(false);
  });

  it("a reduction whose loads depend on both sides", () => {
    const form: Form = { inputs: ({ m, n, k }) => [{ shape: [m, n, k] }, { shape: [m, k] }], build: (v) => [masked(at(v, 0), at(v, 1))] };
    expect(isStagedOn(form, { m: 32, n: 32, k: 32 }, wgsl)).toBe(false);
  });
});

/** The sum of x over its last axis, weighted by y. */
const masked = (x: Value, y: Value): Value => reduceSum(multiply(x, broadcast(y, x.shape, [0, 2])), [2]);
