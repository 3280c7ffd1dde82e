/** Whole programs on WGSL, at sizes where rows are dealt out to lanes and grids have tails: fused and unfused, against the interpreter. */
import { afterAll, describe, expect, it } from "vitest";
import { vjp } from "../../compiler/autodiff/vjp.ts";
import { interpretGraph } from "../../compiler/interpret.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { divide, maximum, multiply, subtract } from "../../compiler/ops/arithmetic.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import { exp, log, sqrt } from "../../compiler/ops/exponential.ts";
import { broadcast, fill, reduceSum } from "../../compiler/ops/layout.ts";
import { prefixSum } from "../../compiler/ops/prefix.ts";
import { argmax, reduceMax } from "../../compiler/ops/reductions.ts";
import { sort } from "../../compiler/ops/sort.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wgsl } from "../../compiler/target.ts";
import { numbers } from "../ops/samples.ts";
import { differences, outputsOf, scriptOf, shadersOf } from "./plan.ts";
import { openRunner } from "./run.ts";
import { openTint } from "./tint.ts";

const constant = (value: number, like: Value): Value => fill(value, like.type);
/** A column beside the rows of a matrix. */
const across = (column: Value, like: Value): Value => broadcast(column, like.shape, [0]);
const shifted = (x: Value): Value => subtract(x, across(reduceMax(x, [1]), x));

function softmax(x: Value): Value {
  const e = exp(shifted(x));
  return divide(e, across(reduceSum(e, [1]), e));
}

function logSoftmax(x: Value): Value {
  const z = shifted(x);
  return subtract(z, across(log(reduceSum(exp(z), [1])), z));
}

function mean(x: Value): Value {
  const sum = reduceSum(x, [1]);
  return multiply(sum, constant(1 / (x.shape[1] ?? 1), sum));
}

function layerNorm(x: Value): Value {
  const centred = subtract(x, across(mean(x), x));
  return divide(centred, across(sqrt(mean(multiply(centred, centred))), x));
}

const product = (a: Value, b: Value): Value => dot(a, b, [[1], [0]]);
const hidden = (x: Value, w: Value, b: Value): Value => {
  const y = product(x, w);
  const z = divide(y, constant(1, y));
  return maximum(subtract(z, broadcast(b, z.shape, [1])), constant(0, z));
};

/** The loss of a network of two layers and its gradients. */
function training(values: readonly Value[]): Value[] {
  const [x, t, w1, b1, w2, b2] = values;
  if (!x || !t || !w1 || !b1 || !w2 || !b2) throw new Error("six inputs");
  const y = product(hidden(x, w1, b1), w2);
  const loss = reduceSum(multiply(logSoftmax(subtract(y, broadcast(b2, y.shape, [1]))), t), [0, 1]);
  const parameters = [w1, b1, w2, b2];
  return [loss, ...vjp([loss], parameters, [fill(-1, loss.type)]).flatMap((g) => (g === null ? [] : [g]))];
}

interface Program {
  readonly inputs: readonly Shape[];
  readonly build: (values: readonly Value[]) => readonly Value[];
}
const one = (f: (x: Value) => readonly Value[], ...inputs: readonly Shape[]): Program => ({ inputs, build: ([x]) => (x === undefined ? [] : f(x)) });

const programs: Readonly<Record<string, Program>> = {
  "softmax of short rows": one((x) => [softmax(x)], [70, 9]),
  "softmax of long rows": one((x) => [softmax(x)], [5, 333]),
  "softmax of very long rows": one((x) => [softmax(x)], [2, 5000]),
  "layer norm": one((x) => [layerNorm(x)], [7, 100]),
  "sums by row, by column and of all": one((x) => [reduceSum(x, [1]), reduceSum(x, [0]), reduceSum(x, [0, 1])], [130, 77]),
  "a long sum": one((x) => [reduceSum(x, [0])], [50_001]),
  "positions of the largest": one((x) => [argmax(x, [1]), argmax(x, [0])], [33, 150]),
  "running sums": one((x) => [prefixSum(x, 1), prefixSum(x, 0)], [12, 65]),
  "sorted rows": one((x) => [...sort(x, 1)], [6, 75]),
  "a matrix product": {
    inputs: [
      [33, 47],
      [47, 29],
    ],
    build: ([a, b]) => (a && b ? [product(a, b)] : []),
  },
  "a training step": { inputs: [[20, 40], [20, 10], [40, 33], [33], [33, 10], [10]], build: training },
};

function compiled(
  program: Program,
  fusion: boolean,
): { readonly plan: Plan; readonly check: (outputs: ReturnType<typeof outputsOf>) => string[]; readonly script: ReturnType<typeof scriptOf> } {
  const inputs = program.inputs.map((shape, i) => numbers(tensorType("float32", shape), i + 1, -1, 1));
  const params = inputs.map((d, i) => paramValue(`x${i}`, d.type, "buffer"));
  const graph = { name: "program", params, outputs: program.build(params) };
  const { plan } = compileGraph(graph, wgsl, { verify: true, fusion });
  return { plan, script: scriptOf(plan, inputs, []), check: (outputs) => differences(outputs, interpretGraph(graph, inputs)) };
}

const cases = Object.entries(programs).flatMap(([name, program]) =>
  [true, false].map((fusion): [string, Program, boolean] => [`${name}, ${fusion ? "fused" : "unfused"}`, program, fusion]),
);

const tint = await openTint();
const runner = await openRunner();
afterAll(() => {
  tint?.close();
  runner?.close();
});

describe("programs", () => {
  it.skipIf(tint === null).each(cases)("%s: compiles", async (_, program, fusion) => {
    for (const shader of shadersOf(compiled(program, fusion).plan).values()) expect(await tint?.check(shader)).toEqual([]);
  });

  it.skipIf(runner === null).each(cases)("%s: gives the interpreter's values", async (_, program, fusion) => {
    const { plan, script, check } = compiled(program, fusion);
    expect(check(outputsOf(plan, (await runner?.play(script)) ?? {}))).toEqual([]);
  });

  it("with long rows have them dealt out to lanes", () => {
    const lanes = (name: string): number[] =>
      [...shadersOf(compiled(programs[name] ?? one(() => []), true).plan).values()].map((shader) => shader.lanesPerPoint);
    expect(lanes("softmax of long rows")).toEqual([64]);
    expect(lanes("softmax of short rows")).toEqual([1]);
  });
});
