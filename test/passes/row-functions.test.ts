/** Functions of a row, of a column or of one number beside whole rows: computed as often as there are such numbers, on every CPU with the same bits. */
import { describe, expect, test } from "vitest";
import type { Stmt } from "../../compiler/ir/loop.ts";
import { bodiesOf, expressionsOf } from "../../compiler/ir/loop.ts";
import { exprOrder } from "../../compiler/ir/expr-order.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wasm } from "../../compiler/target.ts";
import { minimum, where } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";
import { expectSame } from "./same.ts";

const shapes = [
  [3, 5000],
  [70, 3],
  [130, 20],
  [100, 33],
  [67, 64],
  [64, 100],
  [1, 9001],
  [17, 1500],
] as const;

describe.each(shapes)("%i rows of %i", (rows, length) => {
  const x = (): Tensor => data(rows, length);
  const row = (): Tensor => data(rows, 1);
  const one = (): Tensor => data(1);

  test("elementwise", () => {
    expectSame(x().mul(row().abs().pow(1.5)), "a power of a row");
    expectSame(x().sub(one().exp()), "of one number");
    expectSame(x().mul(data(length).tanh()), "of columns");
    expectSame([x().mul(row().exp().mul(2).add(1).log().add(3)), x().add(row())], "functions of functions");
    expectSame(where(x().greater(row().exp()), x(), row().tanh().mul(one().sin())), "several");
    expectSame(x().exp().log1p().mul(row().abs().add(1).log()), "beside functions of elements");
    expectSame(
      data(2, rows, length)
        .mul(data(2, rows, 1).exp())
        .add(data(2, 1, 1).cos()),
      "of rows and stacks",
    );
    expectSame(x().astype("float64").mul(row().astype("float64").exp()), "doubles");
    expectSame([x().mul(row().exp()), x().add(row().exp())], "two results");
    expectSame(x().transpose().mul(row().transpose().exp()), "transposed");
  });

  test("added up", () => {
    expectSame(x().abs().mul(row().abs().pow(1.5)).sum({ axis: 1 }), "along rows");
    expectSame(x().abs().mul(row().abs().pow(1.5)).sum({ axis: 0 }), "down columns");
    expectSame(x().abs().mul(row().exp().mul(2).add(1).log().add(3)).sum({ axis: 1 }), "functions of functions");
    expectSame(x().mul(row().exp()).max({ axis: 1 }), "the largest");
    expectSame(x().div(row().exp()).softmax(1), "a softmax with a temperature");
    expectSame(x().sub(one().exp()).square().mean(), "all of it");
    expectSame(x().mul(minimum(x().square().sum().sqrt().pow(-1), 1)), "a norm");
    expectSame(x().mul(x().square().sum({ axis: 1, keepdims: true }).pow(-0.5)), "a norm a row");
  });
});

test.each([20, 100, 300])("rows of %i take a number of theirs, and a function of it", (width) => {
  const r = data(300, 1);
  expectSame(data(300, width).mul(r.exp()).add(r).sum({ axis: 1 }), "sums");
  expectSame(data(300, width).mul(r.tanh()).sub(r).max({ axis: 1 }), "the largest");
});

/** How deep in loops functions stand that a kernel computes: the grid aside. */
function depths(list: readonly Stmt[], name: string, depth = 0): number[] {
  return list.flatMap((s) => {
    const here = exprOrder(expressionsOf(s)).some((e) => e.op === name) ? [depth] : [];
    const below = s.kind === "for" && s.axis.kind !== "grid" && s.axis.kind !== "vector" ? 1 : 0;
    return [...here, ...bodiesOf(s).flatMap((body) => depths(body, name, depth + below))];
  });
}

test("a function of one number stands in front of the loops, one of rows in a loop over rows", () => {
  // the exponential is spelled with shifts by then
  const shifts = (x: Tensor): Set<number> =>
    new Set(
      depths(
        compileGraph(recorded(x).graph, wasm).plan.kernels.flatMap((k) => k.body),
        "shl",
      ),
    );
  expect(shifts(data(100_000).mul(data(1).exp()))).toEqual(new Set([0]));
  expect(shifts(data(640, 100).mul(data(640, 1).exp()))).toEqual(new Set([1]));
  expect(shifts(data(640, 100).mul(data(640, 1).exp()).sum({ axis: 1 }))).toEqual(new Set([1]));
  expect(shifts(data(640, 100).exp())).toEqual(new Set([0]));
});
