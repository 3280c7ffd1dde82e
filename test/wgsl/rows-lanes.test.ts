/** Programs over rows and columns at all lengths: one lane a row, several, and four elements a turn, against the interpreter. */
import { afterAll, describe, expect, it } from "vitest";
import type { Value } from "../../compiler/ir/node.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { add, divide, greater, multiply, subtract } from "../../compiler/ops/arithmetic.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import { exp, log, sqrt } from "../../compiler/ops/exponential.ts";
import { broadcast, permute, reduceSum } from "../../compiler/ops/layout.ts";
import { argmax, reduceAny, reduceMax, reduceMin } from "../../compiler/ops/reductions.ts";
import type { Target } from "../../compiler/target.ts";
import { wgsl } from "../../compiler/target.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import type { Memory } from "./fixtures.ts";
import { numbers as fixed } from "./fixtures.ts";
import { shadersOf } from "./plan.ts";
import { races } from "./reflect.ts";
import { openRunner } from "./run.ts";
import type { Program } from "./running.ts";
import { expectValues, f32s, one, planned, shaderList, two } from "./running.ts";
import { openTint } from "./tint.ts";

const tint = await openTint();
const runner = await openRunner();
const tools = { tint, runner };
afterAll(() => {
  tint?.close();
  runner?.close();
});

/** What was reduced along `axis` of a matrix, beside it. */
const across = (x: Value, like: Value, axis: number): Value => broadcast(x, like.shape, [1 - axis]);

function softmax(x: Value, axis: number): Value {
  const e = exp(subtract(x, across(reduceMax(x, [axis]), x, axis)));
  return divide(e, across(reduceSum(e, [axis]), e, axis));
}

function logSumExp(x: Value, axis: number): Value {
  const m = reduceMax(x, [axis]);
  return add(log(reduceSum(exp(subtract(x, across(m, x, axis))), [axis])), m);
}

function normalised(x: Value, axis: number): Value {
  const n = at(x.shape, axis);
  const mean = (v: Value): Value => across(divide(reduceSum(v, [axis]), n), x, axis);
  const centred = subtract(x, mean(x));
  return divide(centred, sqrt(add(mean(multiply(centred, centred)), 1e-5)));
}

const programs: Readonly<Record<string, (shape: Shape, axis: number) => Program>> = {
  softmax: (shape, axis) => one("float32", shape, (x) => [softmax(x, axis)]),
  "log sum exp": (shape, axis) => one("float32", shape, (x) => [logSumExp(x, axis)]),
  "layer norm with a scale": (shape, axis) => two(f32s(shape, [at(shape, axis)]), (x, g) => [multiply(normalised(x, axis), broadcast(g, shape, [axis]))]),
  "sums, extrema and positions": (shape, axis) =>
    two(f32s(shape, shape), (x, y) => [reduceSum(multiply(x, y), [axis]), reduceMax(x, [axis]), reduceMin(y, [axis]), argmax(x, [axis])]),
  "a test of each row": (shape, axis) => two(f32s(shape, shape), (x, y) => [reduceAny(greater(subtract(x, y), 38), [axis])]),
  "rows of another order": (shape, axis) => one("float32", [at(shape, 1), at(shape, 0)], (x) => [softmax(permute(x, [1, 0]), axis)]),
};

const lengths = [2, 3, 4, 5, 8, 16, 17, 31, 32, 33, 48, 64, 65, 128, 257, 1028];
const counts = (n: number): readonly number[] => (n > 100 ? [3] : [1, 7]);

describe("along rows", () => {
  const cases = lengths.flatMap((n) => Object.entries(programs).map(([name, make]): [string, number, typeof make] => [name, n, make]));
  it.skipIf(tint === null).each(cases)("%s of %i elements", async (_, n, make) => {
    for (const count of counts(n)) await expectValues(make([count, n], 1), tools, { target: wgsl });
    if (n === 128) await expectValues(make([7, n], 1), tools, { target: wgsl, fusion: false });
  });
  it.skipIf(tint === null).each(cases.filter(([, n]) => n < 10))("%s of %i elements, on lanes whatever the length", async (_, n, make) => {
    await expectValues(make([7, n], 1), tools);
  });
});

/** A device whose workgroup memory is emulated. */
const software: Target = { ...wgsl, groupMemoryPays: false };

describe("one lane a row", () => {
  const cases = [36, 65, 1028].flatMap((n) => Object.entries(programs).map(([name, make]): [string, number, typeof make] => [name, n, make]));
  it.skipIf(tint === null).each(cases)("%s of %i elements", async (_, n, make) => {
    await expectValues(make([7, n], 1), tools, { target: software });
    await expectValues(make([n, 7], 0), tools, { target: software });
    await expectValues(make([7, n], 1), tools, { target: software, fusion: false });
  });
});

describe("down columns", () => {
  const shapes: readonly Shape[] = [
    [3, 5],
    [7, 8],
    [33, 64],
    [40, 66],
    [100, 36],
  ];
  const cases = shapes.flatMap((shape) => Object.entries(programs).map(([name, make]): [string, Shape, typeof make] => [name, shape, make]));
  it.skipIf(tint === null).each(cases)("%s of %j", async (_, shape, make) => {
    await expectValues(make(shape, 0), tools, { target: wgsl });
    await expectValues(make(shape, 0), tools);
  });
});

/** Memory of numbers for each buffer of a shader's kernel. */
function memoryOf(program: Program): { readonly shader: WgslKernel; readonly memory: Memory } {
  const { plan } = planned(program, { target: wgsl });
  const [shader] = shadersOf(plan).values();
  const [kernel] = plan.kernels;
  if (shader === undefined || kernel === undefined) throw new Error("a program of one kernel");
  return { shader, memory: Object.fromEntries(kernel.buffers.map((b, i) => [b.name, fixed(4 * Math.ceil(b.size / 4), i + 1)])) };
}

describe("no lanes race where a workgroup has several points", () => {
  const cases: readonly (readonly [string, Program, number])[] = [
    ["rows of vectors", one("float32", [6, 32], (x) => [softmax(x, 1)]), 8],
    ["rows of single elements", one("float32", [5, 33], (x) => [softmax(x, 1)]), 1],
    ["columns of vectors", one("float32", [33, 64], (x) => [reduceSum(x, [0])]), 8],
    ["columns of single elements", one("float32", [33, 5], (x) => [softmax(x, 0)]), 8],
  ];
  it.each(cases)("%s", (_, program, points) => {
    const { shader, memory } = memoryOf(program);
    expect(shader.lanesPerPoint).toBeGreaterThan(1);
    expect(shader.workgroupSize[0] / shader.lanesPerPoint).toBe(points);
    expect(races(shader, memory, {})).toEqual([]);
    const broken = { ...shader, source: shader.source.replace("workgroupBarrier();", "") };
    expect(races(broken, memory, {}).join()).toContain("Data race");
  });
});

describe("how rows are shared out", () => {
  const lanes = (shape: Shape): number[] =>
    shaderList(
      one("float32", shape, (x) => [softmax(x, 1)]),
      { target: wgsl },
    ).map((s) => s.lanesPerPoint);

  it("one lane a short row, a lane for every four elements of longer ones", () => {
    expect(lanes([100, 16])).toEqual([1]);
    expect(lanes([100, 128])).toEqual([32]);
    expect(lanes([100, 1024])).toEqual([256]);
    expect(lanes([100, 4096])).toEqual([64]);
  });

  it("contractions of long rows into many results by tiles: rows that are shared have no workgroup of their own", () => {
    const [shader] = shaderList(
      two(f32s([50, 784], [128, 784]), (x, w) => [dot(x, w, [[1], [1]])]),
      { target: wgsl },
    );
    expect(shader?.source).toContain("in0_tile: array<f32");
    expect(shader?.source).not.toContain("partials");
  });

  it("no lanes share a row where workgroup memory is slow, and turns are vectors still", () => {
    const [shader] = shaderList(
      one("float32", [100, 128], (x) => [softmax(x, 1)]),
      { target: software },
    );
    expect(shader?.lanesPerPoint).toBe(1);
    expect(shader?.source).toContain("in0: array<vec4<f32>>");
  });

  it("rows that share a binding with single results are read element by element", () => {
    const program = one("float32", [100, 128], (x) => [exp(exp(reduceSum(exp(x), [1])))]);
    const shaders = shaderList(program, { target: wgsl, fusion: false });
    const sum = shaders.find((s) => s.lanesPerPoint > 1);
    expect(sum?.source).toContain("words: array<u32>");
    expect(sum?.lanesPerPoint).toBe(128);
  });

  it("rows that begin anywhere are read element by element", () => {
    const [shader] = shaderList(
      one("float32", [100, 129], (x) => [softmax(x, 1)]),
      { target: wgsl },
    );
    expect(shader?.source).not.toContain("array<vec4");
    expect(shader?.lanesPerPoint).toBe(256);
  });
});
