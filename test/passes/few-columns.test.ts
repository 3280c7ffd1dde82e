/** Sums of few columns, of lengths that nothing divides, and elements that lie two apart: the same bits on every CPU, few walks. */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { countPlan } from "../../compiler/ir/count.ts";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wasm } from "../../compiler/target.ts";
import { flip, random } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { expectClose } from "../filetests/close.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";
import { expectSame } from "./same.ts";

const softplus = (x: Tensor): Tensor => x.abs().neg().exp().log1p();

describe.each([2, 3, 4, 5, 6, 7, 9, 10, 13, 15, 17, 18, 19, 31, 32, 33, 35])("%i columns", (columns) => {
  const rows = 600;
  const many = 33_500;

  test("sums, extremes and functions of them", () => {
    expectSame(data(rows, columns).abs().sum({ axis: 0 }), "sums");
    expectSame(data(rows, columns).max({ axis: 0 }), "largest");
    expectSame(data(rows, columns).exp().mul(data(columns).abs()).sum({ axis: 0 }), "sums of functions");
    expectSame(data(rows, columns).softmax(0), "softmax");
    if (columns < 8) expectSame(data(many, columns).exp().sum({ axis: 0 }), "sums of sums of sums");
    expectSame(data(2, rows, columns).argmin({ axis: 1 }), "positions");
  });
});

test("no more than 35 cheap columns are walked more than twice", () => {
  for (let columns = 4; columns <= 35; columns++) {
    const { kernels } = compileGraph(recorded(data(600, columns).sum({ axis: 0 })).graph, wasm, { verify: true }).plan;
    const walks = kernels.flatMap((k) => statements(k.body)).filter((s) => s.kind === "for" && s.axis.kind === "serial" && s.axis.name.startsWith("k0s"));
    expect(walks.length).toBeLessThanOrEqual(2);
  }
});

describe.each([199, 1025, 5003, 16_411, 40_009])("%i elements", (length) => {
  test("sums of one function and of two", () => {
    expectSame(data(length).abs().tanh().sum(), "one function");
    expectSame(softplus(data(length)).mean(), "two functions");
    expectSame(softplus(data(3, length)).sum({ axis: 1 }), "of rows");
  });

  test("two apart, and backwards", () => {
    expectSame(
      data(2 * length)
        .get("::2")
        .mul(data(2 * length).get("1::2")),
      "two apart",
    );
    expectSame(flip(data(length), { axis: 0 }).sub(data(length).get("::-1").mul(2)), "backwards");
  });
});

test("what a normal number's two functions share is computed once", () => {
  const drawn = (count: number): Tensor => random.normal(random.key(9), [count]);
  const { graph, inputs } = recorded(data(4096).add(drawn(4096).mul(0.1)));
  const operationsOf = (fusion: boolean): number => countPlan(compileGraph(graph, wasm, { fusion, verify: true }).plan).operations;
  expect(operationsOf(true)).toBeLessThan(1.1 * operationsOf(false));
  expectClose(runCompiled(graph, inputs, { target: wasm }), interpretGraph(graph, inputs), "noise", 4);
});
