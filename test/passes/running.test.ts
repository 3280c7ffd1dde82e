/** Running values whose elements, or what is made of them, are computed in strips by vectors; and several results of one walk. */
import { describe, expect, test } from "vitest";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wasm } from "../../compiler/target.ts";
import { argmax, argmin, cummax, cumprod, cumsum, flip, logcumsumexp, where } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";
import { expectSame } from "./same.ts";

describe.each([15, 16, 33, 100, 257, 1000, 1024, 1025, 1536, 2500])("rows of %i", (length) => {
  const rows = length > 1000 ? 2 : 5;
  const x = (): Tensor => data(rows, length);
  const y = (): Tensor => data(rows, length);
  const along = { axis: 1 };

  test("elements that are computed before", () => {
    expectSame(cumsum(x().exp(), along), "functions");
    expectSame(cumsum(where(x().less(y()), x(), y()), along), "choices");
    expectSame(cumsum(x().less(y()), along), "counts");
    expectSame(cumprod(x().mul(0.01).add(1), along), "products");
    expectSame(cummax(x().abs().sub(y()), along), "largest so far");
    expectSame(cumsum(x().mul(10).astype("int16").add(y().mul(5).astype("int16")), along), "narrow integers");
    expectSame(cumsum(x().mul(10).astype("int64").mul(3), along), "wide integers");
  });

  test("what is made of them", () => {
    expectSame(cumsum(x(), along).abs().add(1).log(), "functions");
    expectSame(cumsum(x(), along).mul(y()).add(x()), "sums of products");
    expectSame(cumsum(x().tanh(), along).mul(0.01).exp().mul(x()), "before and behind");
    expectSame([cumsum(x().exp(), along), cumsum(x().exp(), along).sqrt(), x().exp()], "several results");
    expectSame(cumsum(x().astype("float16"), along).mul(2), "halves");
    expectSame(cumsum(x().astype("float64").mul(y().astype("float64")), along).exp(), "doubles");
  });

  test("from the end, of rows and of what else is found out of them", () => {
    expectSame(flip(cumsum(flip(x().exp(), along), along), along), "from the end");
    expectSame(
      cumsum(
        x()
          .sub(x().max({ axis: 1, keepdims: true }))
          .exp(),
        along,
      ),
      "less the largest",
    );
    expectSame(cumsum(x().exp(), along).div(x().exp().sum({ axis: 1, keepdims: true })), "a distribution");
    expectSame(logcumsumexp(x().mul(2), along), "functions of what runs");
    expectSame(cumsum(cumsum(x().abs(), along).mul(0.1).add(y()), along), "of one another");
    expectSame(cumsum(x().reshape(-1).sin(), { axis: 0 }), "one row");
  });

  test("several results of one walk", () => {
    for (const axis of [1, null]) {
      const over = { axis };
      expectSame([x().max(over), x().abs().sum(over)], "two");
      expectSame([x().min(over), x().max(over), x().add(9).sum(over), x().square().sum(over), x().abs().sum(over)], "five");
      expectSame([argmax(x(), over), x().max(over)], "where and what");
      expectSame([argmax(x(), over), argmin(x(), over), x().abs().sum(over)], "both ends");
      expectSame([argmax(x().mul(9).astype("int32"), over), x().astype("float64").sum(over)], "of other widths");
    }
  });
});

test("what does not wait for a running value stands in vector loops", () => {
  const { kernels } = compileGraph(recorded(cumsum(data(4, 500).exp(), { axis: 1 }).log1p()).graph, wasm).plan;
  expect(kernels.length).toBe(1);
  const loops = kernels.flatMap((k) => statements(k.body)).filter((s) => s.kind === "for");
  const functions = loops.filter((s) => s.axis.kind === "vector");
  expect(functions.length).toBeGreaterThanOrEqual(2);
  const running = loops.filter((s) => s.axis.kind === "serial" && s.body.some((one) => one.kind === "assign"));
  expect(running.length).toBe(1);
  expect(running[0]?.body.length).toBeLessThanOrEqual(4);
});
