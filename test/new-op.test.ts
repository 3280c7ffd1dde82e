/** A new elementwise op is one row: gradient, text, both targets and fusion follow, with no other edit. */
import { grad, inspect, jvp, tensor } from "lazuli";
import type { Tensor } from "lazuli";
import { afterAll, describe, expect, test } from "vitest";
import { s } from "../compiler/ir/expr.ts";
import type { Graph } from "../compiler/ir/graph.ts";
import { parseGraph } from "../compiler/ir/parse.ts";
import { printGraph } from "../compiler/ir/print.ts";
import { tensorType } from "../compiler/ir/shape.ts";
import { multiply } from "../compiler/ops/arithmetic.ts";
import { elementwise } from "../compiler/ops/define.ts";
import { scalar1, slope, unary } from "../compiler/ops/operands.ts";
import { paramValue } from "../compiler/ops/source.ts";
import { opTable } from "../compiler/ops/table.ts";
import { openTint } from "./wgsl/tint.ts";

const cubeOp = elementwise({
  name: "cube",
  doc: "x³.",
  takes: "float",
  cost: 2,
  scalar: scalar1((x) => s.mul(s.mul(x, x), x)),
  partials: slope((x) => multiply(multiply(x, x), 3)),
});
const cube = unary(cubeOp);
const cubed = (x: Tensor): Tensor => x.wrap(cube(x.value));
const x = tensor([-2, 0.5, 3]);

const shader = inspect(cubed(x), { target: "wgsl" }).text("source");
const tint = await openTint();
afterAll(() => tint?.close());

describe("one row", () => {
  test("computes in generated JavaScript", () => {
    expect(cubed(x).tolist()).toEqual([-8, 0.125, 27]);
  });
  test("is differentiated backward, forward, and twice", () => {
    const slopeOf = grad((t: Tensor) => cubed(t).sum());
    expect(slopeOf(x).tolist()).toEqual([12, 0.75, 27]);
    expect(grad((t: Tensor) => slopeOf(t).sum())(x).tolist()).toEqual([-12, 3, 18]);
    expect(jvp(cubed, [x], [tensor([1, 0, 1])])[1].tolist()).toEqual([12, 0, 27]);
  });
  test("refuses what its row does not take", () => {
    expect(() => cubed(tensor([1], { dtype: "int32" }))).toThrow("cube: takes float, not i32");
  });
  test("prints, and parses back", () => {
    const input = paramValue("x", tensorType("float32", [3]), "buffer");
    const graph: Graph = { name: "main", params: [input], outputs: [cube(input)] };
    const text = printGraph(graph);
    expect(text).toBe("graph @main(%x: f32[3]) -> f32[3] {\n  %0 = cube %x : f32[3]\n  return %0\n}");
    expect(printGraph(parseGraph(text, [...opTable, cubeOp]))).toBe(text);
  });
  test("fuses with its neighbours", () => {
    expect(inspect(cubed(x.add(1)).mul(2).sum()).kernels.length).toBe(1);
  });
  test("becomes a shader", () => {
    expect(shader).toMatch(/@compute/);
  });
  test.skipIf(tint === null)("that Tint compiles", async () => {
    expect(await tint?.checkSource(shader)).toEqual([]);
  });
});
