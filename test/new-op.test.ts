/** A new elementwise op is one row: everything below follows from it, with no other edit. */
import { asNumbers } from "../compiler/ir/host.ts";
import { afterAll, describe, expect, test } from "vitest";
import { jvp } from "../compiler/autodiff/jvp.ts";
import { vjp } from "../compiler/autodiff/vjp.ts";
import { interpretGraph } from "../compiler/interpret.ts";
import { at } from "../compiler/ir/errors.ts";
import { s } from "../compiler/ir/expr.ts";
import type { Graph } from "../compiler/ir/graph.ts";
import type { Value } from "../compiler/ir/node.ts";
import { make } from "../compiler/ir/node.ts";
import { parseGraph } from "../compiler/ir/parse.ts";
import type { ElementwisePrimitive } from "../compiler/ir/primitive.ts";
import { printGraph } from "../compiler/ir/print.ts";
import type { Shape } from "../compiler/ir/shape.ts";
import { tensorType } from "../compiler/ir/shape.ts";
import { verifyGraph } from "../compiler/ir/verify.ts";
import { divide, multiply, negative, sign, subtract } from "../compiler/ops/arithmetic.ts";
import { elementwise } from "../compiler/ops/define.ts";
import { fill, reduceSum, spread } from "../compiler/ops/layout.ts";
import { reduceMax } from "../compiler/ops/reductions.ts";
import { paramValue } from "../compiler/ops/source.ts";
import { opTable } from "../compiler/ops/table.ts";
import { compileGraph, kernelCount } from "../compiler/pipeline.ts";
import { js, wasm, wgsl } from "../compiler/target.ts";
import { runCompiled } from "../src/cli/run.ts";
import { Tensor, tensor } from "../src/index.ts";
import { expectClose } from "./filetests/close.ts";
import { numbers } from "./ops/samples.ts";
import { shadersOf } from "./wgsl/plan.ts";
import { openTint } from "./wgsl/tint.ts";

/** The row. */
const laplaceOp: ElementwisePrimitive = elementwise({
  name: "laplace",
  doc: "e^-|x|.",
  takes: "float",
  cost: 20,
  scalar: (args) => s.exp(s.neg(s.abs(at(args, 0)))),
  partials: ([x], y) => (x === undefined ? [null] : [multiply(negative(sign(x)), y)]),
});

const laplace = (x: Value): Value => make(laplaceOp, [x]);
const tint = await openTint();
afterAll(() => tint?.close());

/** Softmax with the new op in place of exp. */
function weights(x: Value): Value {
  const e = laplace(subtract(x, spread(reduceMax(x, [1]), x.shape, [1])));
  return divide(e, spread(reduceSum(e, [1]), x.shape, [1]));
}

/** The rows, and the gradient of the sum of their cubes by the input. */
function withGradient(x: Value): readonly Value[] {
  const y = weights(x);
  const [g = y] = vjp([y], [x], [multiply(y, y)]).map((found) => found ?? y);
  return [y, g];
}

function graphOf(shape: Shape, build: (x: Value) => readonly Value[]): Graph {
  const x = paramValue("x", tensorType("float32", shape), "buffer");
  return { name: "main", params: [x], outputs: build(x) };
}

const inputOf = (shape: Shape) => numbers(tensorType("float32", shape), 5, -2, 2);
const expected = (x: number): number => Math.exp(-Math.abs(x));

describe("a row of an elementwise op", () => {
  test("computes on js", () => {
    const graph = graphOf([7], (x) => [laplace(x)]);
    const input = inputOf([7]);
    const [found] = runCompiled(graph, [input], { verify: true });
    [...asNumbers(input.data)].forEach((x, i) => expect(found?.data[i]).toBeCloseTo(expected(x), 6));
  });

  test("prints and reads back, the table given", () => {
    const text = printGraph(graphOf([2, 3], (x) => [laplace(x)]));
    expect(text).toContain("%0 = laplace %x : f32[2,3]");
    const again = parseGraph(text, [...opTable, laplaceOp]);
    verifyGraph(again);
    expect(printGraph(again)).toBe(text);
    expect(() => parseGraph(text, opTable)).toThrow(/laplace/);
  });

  test("has derivatives in both modes, and again", () => {
    const graph = graphOf([5], (x) => {
      const one = fill(1, x.type);
      const y = laplace(x);
      const [slope = one] = vjp([y], [x], [one]).map((g) => g ?? one);
      const [pushed = one] = jvp([y], [x], [one]).map((g) => g ?? one);
      const [curve = one] = vjp([slope], [x], [one]).map((g) => g ?? one);
      return [slope, pushed, curve];
    });
    const input = inputOf([5]);
    const [slope, pushed, curve] = interpretGraph(graph, [input]);
    [...asNumbers(input.data)].forEach((x, i) => {
      expect(slope?.data[i]).toBeCloseTo(-Math.sign(x) * expected(x), 5);
      expect(pushed?.data[i]).toBeCloseTo(-Math.sign(x) * expected(x), 5);
      expect(curve?.data[i]).toBeCloseTo(expected(x), 5);
    });
  });

  test("is differentiated by backward()", () => {
    const x = tensor([0.5, -1], { requiresGrad: true });
    const y = new Tensor(laplace(x.value));
    y.sum().backward();
    const got = x.grad?.tolist();
    expect(got).toEqual([Math.fround(-Math.exp(-0.5)), Math.fround(Math.exp(-1))].map((n) => expect.closeTo(n, 6)));
  });

  test.each([js, wasm, wgsl])("fuses into rows on $name: one kernel, its value kept between the sum and the quotient", (target) => {
    const graph = graphOf([8, 100], (x) => [weights(x)]);
    const { plan, lowered } = compileGraph(graph, target, { verify: true });
    expect(kernelCount(plan)).toBe(1);
    const spelled = JSON.stringify(at(lowered, 0).body).split('"op":"exp"').length - 1;
    expect(spelled).toBe(1);
  });

  test.each([js, wasm, wgsl])("fuses into rows with its gradient on $name: one kernel for both", (target) => {
    const { plan } = compileGraph(graphOf([8, 100], withGradient), target, { verify: true });
    expect(kernelCount(plan)).toBe(1);
  });

  test.each([js, wasm])("gives on $name what the interpreter gives, fused, with its gradient", (target) => {
    const graph = graphOf([4, 33], withGradient);
    const input = inputOf([4, 33]);
    expectClose(runCompiled(graph, [input], { verify: true, target }), interpretGraph(graph, [input]), "weights");
  });

  test.skipIf(tint === null)("has shaders that Tint takes", async () => {
    const { plan } = compileGraph(graphOf([8, 100], withGradient), wgsl, { verify: true });
    for (const shader of shadersOf(plan).values()) expect(await tint?.check(shader)).toEqual([]);
  });
});
