/** Functions of a row, of a column or of one number beside whole rows: computed as often as there are such numbers, on every CPU with the same bits. */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import type { Stmt } from "../../compiler/ir/loop.ts";
import { bodiesOf, expressionsOf } from "../../compiler/ir/loop.ts";
import { exprOrder } from "../../compiler/ir/expr-order.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js, wasm } from "../../compiler/target.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { minimum, where } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { expectClose } from "../filetests/close.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";

function expectSame(what: string, ...x: readonly Tensor[]): void {
  const { graph, inputs } = recorded(...x);
  const found = runCompiled(graph, inputs, { target: wasm });
  expect(found).toEqual(runCompiled(graph, inputs, { target: js }));
  for (const target of [js, wasm]) compileGraph(graph, target, { verify: true });
  expectClose(found, interpretGraph(graph, inputs), what, 4);
}

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
    expectSame("a power of a row", x().mul(row().abs().pow(1.5)));
    expectSame("of one number", x().sub(one().exp()));
    expectSame("of columns", x().mul(data(length).tanh()));
    expectSame("functions of functions", x().mul(row().exp().mul(2).add(1).log().add(3)), x().add(row()));
    expectSame("several", where(x().greater(row().exp()), x(), row().tanh().mul(one().sin())));
    expectSame("beside functions of elements", x().exp().log1p().mul(row().abs().add(1).log()));
    expectSame(
      "of rows and stacks",
      data(2, rows, length)
        .mul(data(2, rows, 1).exp())
        .add(data(2, 1, 1).cos()),
    );
    expectSame("doubles", x().astype("float64").mul(row().astype("float64").exp()));
    expectSame("two results", x().mul(row().exp()), x().add(row().exp()));
    expectSame("transposed", x().transpose().mul(row().transpose().exp()));
  });

  test("added up", () => {
    expectSame("along rows", x().abs().mul(row().abs().pow(1.5)).sum({ axis: 1 }));
    expectSame("down columns", x().abs().mul(row().abs().pow(1.5)).sum({ axis: 0 }));
    expectSame("functions of functions", x().abs().mul(row().exp().mul(2).add(1).log().add(3)).sum({ axis: 1 }));
    expectSame("the largest", x().mul(row().exp()).max({ axis: 1 }));
    expectSame("a softmax with a temperature", x().div(row().exp()).softmax(1));
    expectSame("all of it", x().sub(one().exp()).square().mean());
    expectSame("a norm", x().mul(minimum(x().square().sum().sqrt().pow(-1), 1)));
    expectSame("a norm a row", x().mul(x().square().sum({ axis: 1, keepdims: true }).pow(-0.5)));
  });
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
