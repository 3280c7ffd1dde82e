/** Products with few columns, or of a number that registers do not divide: the same bits on every CPU, and no column by itself where two are left. */
import { describe, expect, test } from "vitest";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wasm } from "../../compiler/target.ts";
import { conv2d, gelu } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";
import { expectSame } from "./same.ts";

describe.each([2, 3, 5, 7, 9, 10, 18, 63])("%i columns", (columns) => {
  test.each([
    [101, 32],
    [37, 5],
    [3, 260],
    [20, 530],
  ])("products %i by %i", (rows, depth) => {
    const [x, w] = [data(rows, depth), data(depth, columns)];
    expectSame(x.matmul(w), "alone");
    expectSame(x.matmul(w).add(data(columns)).relu(), "with a bias");
    expectSame(gelu(x.matmul(w).add(data(columns))), "with functions");
    expectSame(data(depth, rows).transpose().matmul(w), "of columns");
    expectSame(x.matmul(data(columns, depth).transpose()), "of rows");
    expectSame(x.matmul(w).mul(0.02).softmax(-1), "with rows of their own");
  });
  test("several at once, and of other dtypes", () => {
    expectSame(data(4, 30, 20).matmul(data(4, 20, columns)), "a batch");
    expectSame(data(30, 20).astype("float64").matmul(data(20, columns).astype("float64")), "float64");
    expectSame(data(30, 20).astype("int32").matmul(data(20, columns).astype("int32")), "int32");
    expectSame(data(30, 20).astype("float16").matmul(data(20, columns).astype("float16")), "float16");
  });
  test("distances and convolutions", () => {
    const [x, y] = [data(90, 1, 3), data(1, columns, 3)];
    expectSame(x.sub(y).square().sum({ axis: 2 }), "distances");
    expectSame(conv2d(data(2, 3, 9, 9), data(columns, 3, 3, 3)), "a convolution");
  });
});

/** Loops over single columns in the plan of a product. */
function singleColumns(x: Tensor): number {
  const { kernels } = compileGraph(recorded(x).graph, wasm, { verify: true }).plan;
  return kernels.flatMap((k) => statements(k.body)).filter((s) => s.kind === "for" && s.axis.name === "g1e").length;
}

test("only one column that is left over is by itself", () => {
  for (const columns of [2, 3, 5, 6, 7, 8, 10, 11, 12, 14, 15, 18]) expect(singleColumns(data(200, 64).matmul(data(64, columns)))).toBe(0);
  expect(singleColumns(data(200, 64).matmul(data(64, 9)))).toBe(1);
});
