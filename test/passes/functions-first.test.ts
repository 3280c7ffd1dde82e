/** Functions of what short rows and windows add up: computed for a block of them, with the same bits on every CPU. */
import { describe, expect, test } from "vitest";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wasm } from "../../compiler/target.ts";
import { argmax, avgPool2d, concat, gelu, maxPool2d, softmax } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";
import { expectSame } from "./same.ts";

const softplus = (x: Tensor): Tensor => x.exp().log1p();

/** Scratch whose name begins so. */
function scratchOf(x: Tensor | readonly Tensor[], name: string): number {
  const { kernels } = compileGraph(recorded(...[x].flat()).graph, wasm, { verify: true }).plan;
  return kernels.flatMap((k) => statements(k.body)).filter((s) => s.kind === "local" && s.name.startsWith(name)).length;
}

describe.each([2, 3, 5, 7, 8, 12, 15, 16, 17, 20, 33, 49, 64, 65])("rows of %i", (width) => {
  const rows = 1003;
  const x = (): Tensor => data(rows, width);

  test("two functions", () => {
    expectSame(softplus(x()).sum({ axis: 1 }), "sums");
    expectSame(gelu(x()).max({ axis: 1 }), "largest");
    expectSame(softplus(x()).mean({ axis: 1 }).tanh(), "functions of means");
    expectSame(argmax(softplus(x()), { axis: 1 }), "positions");
  });
  test("one function, and several results", () => {
    expectSame(x().tanh().sum({ axis: 1 }), "one function");
    expectSame([softplus(x()).sum({ axis: 1 }), x().exp().max({ axis: 1 }), x().min({ axis: 1 })], "three results");
    expectSame(x().exp().mul(x().abs().log1p()).sum({ axis: 1 }), "a product of two");
  });
  test("operands that do not lie side by side", () => {
    expectSame(softplus(x().mul(data(width))).sum({ axis: 1 }), "weights of columns");
    expectSame(softplus(x().sub(data(rows, 1))).sum({ axis: 1 }), "numbers of rows");
    expectSame(softplus(x()).mul(data(width).exp()).sum({ axis: 1 }), "functions of columns");
    expectSame(softplus(x().sub(x().max({ axis: 1, keepdims: true }))).sum({ axis: 1 }), "what a row has found out");
    expectSame(softplus(data(width, rows).transpose()).sum({ axis: 1 }), "columns");
  });
});

describe.each([3, 5, 10, 16, 17, 33, 50, 65])("elements of rows of %i", (width) => {
  const rows = 703;
  const x = (): Tensor => data(rows, width);

  test("beside numbers of columns and rows", () => {
    expectSame(softplus(x().mul(data(width))), "weights of columns");
    expectSame(gelu(x().add(data(width))), "a bias");
    expectSame(softplus(x().sub(data(rows, 1))), "numbers of rows");
    expectSame(gelu(x()).mul(data(width)), "weights behind");
    expectSame(softplus(x()).mul(data(rows, 1).exp()), "functions of rows behind");
    expectSame([softplus(x().mul(data(width))), x().mul(data(width)).tanh()], "two results");
    expectSame(softplus(data(7, 40, width).add(data(7, 1, width))), "of each of seven");
  });
});

describe.each([
  [3, 5, 14, 14],
  [2, 3, 28, 28],
  [2, 2, 7, 9],
  [1, 2, 80, 80],
])("pictures %i × %i × %i × %i", (n, c, height, width) => {
  const x = (): Tensor => data(n, c, height, width);
  test("pooled", () => {
    expectSame(maxPool2d(gelu(x()), 2), "windows of two");
    expectSame(avgPool2d(softplus(x().add(data(c, 1, 1))), 2), "with a bias");
    expectSame(maxPool2d(softplus(x()), 3, { stride: 2 }), "windows that overlap");
    expectSame(softplus(x()).mean({ axis: [2, 3] }), "all of a picture");
  });
});

test.each([
  ["an outer and an inner axis", [20, 10, 30, 6], [1, 3]],
  ["the first and the last", [12, 40, 5], [0, 2]],
  ["two in the middle", [7, 4, 6, 33], [1, 2]],
] as const)("sums over %s", (what, shape, axis) => {
  expectSame(softplus(data(...shape)).sum({ axis: [...axis] }), what);
  expectSame(gelu(data(...shape)).max({ axis: [...axis] }), what);
});

test("few rows, and parts of others", () => {
  expectSame(softplus(data(5, 3)).sum({ axis: 1 }), "five rows of three");
  expectSame(softplus(data(200, 8).get(":", "1:4")).sum({ axis: 1 }), "a part of each row");
  expectSame(softplus(concat([data(100, 3), data(100, 3)], { axis: 0 })).sum({ axis: 1 }), "two parts");
  expectSame(
    softplus(data(31, 4, 5))
      .sum({ axis: 2 })
      .max({ axis: 1 }),
    "sums of sums",
  );
});

describe.each([3, 16, 20, 48, 65, 190, 300])("rows of %i that are stored too", (length) => {
  const x = (): Tensor => data(70, length);
  test.each([
    ["exp", (): Tensor => x().exp()],
    ["softplus", (): Tensor => softplus(x())],
    ["gelu", (): Tensor => gelu(x())],
    ["a part of it", (): Tensor => x().exp().mul(2).add(1)],
    ["of a row", (): Tensor => x().mul(data(length)).tanh()],
  ] as const)("%s", (what, made) => {
    const t = made();
    expectSame([t, t.sum({ axis: 1 })], `${what} and its sum`);
    expectSame([t, t.max({ axis: 1 }), t.min({ axis: 1 })], `${what} and its extremes`);
    expectSame([t, argmax(t, { axis: 1 })], `${what} and a position`);
    expectSame([t.sum({ axis: 1 }), t.log(), t.square()], `${what}, and more that is made of it`);
    expectSame([t, t.sub(t.mean({ axis: 1, keepdims: true }))], `${what}, and without its mean`);
  });
});

describe.each([3, 9, 17, 20, 33, 48, 64, 100, 190, 250, 256, 257])("rows of %i that wait", (length) => {
  const along = { axis: 1, keepdims: true };
  const centred = (t: Tensor): Tensor => t.sub(t.mean(along));
  test.each([
    ["exp", (x: Tensor): Tensor => x.exp()],
    ["gelu", (x: Tensor): Tensor => gelu(x)],
    ["mish", (x: Tensor): Tensor => x.mul(softplus(x).tanh())],
  ] as const)("%s", (what, f) => {
    const t = f(data(70, length));
    expectSame(centred(t), `${what}, without its mean`);
    expectSame([t, centred(t)], `${what}, and without its mean`);
    expectSame(t.var({ axis: 1 }), `variance of ${what}`);
    expectSame(softmax(t, -1), `softmax of ${what}`);
    expectSame(centred(t).div(t.var(along).add(0.1).sqrt()), `${what}, normal`);
    expectSame([argmax(t, { axis: 1 }), centred(t)], `a position of ${what} and it without its mean`);
    expectSame([t.max({ axis: 1 }), centred(t)], `the largest ${what} and it without its mean`);
    expectSame([t.cumsum({ axis: 1 }), softmax(t, -1)], `${what} running, and its softmax`);
  });
});

test("they are there where that pays", () => {
  expect(scratchOf(softplus(data(1000, 3)).sum({ axis: 1 }), "first")).toBe(1);
  expect(scratchOf(softplus(data(1000, 33)).sum({ axis: 1 }), "first")).toBe(1);
  expect(scratchOf(maxPool2d(gelu(data(4, 3, 28, 28)), 2), "first")).toBe(1);
  expect(scratchOf(softplus(data(1000, 5).mul(data(5))).sum({ axis: 1 }), "operand")).toBe(1);
  expect(scratchOf(softplus(data(1000, 5).mul(data(5))), "operand")).toBe(1);
  expect(scratchOf(softplus(data(1000, 32).mul(data(32))), "operand")).toBe(0);
  expect(scratchOf(data(1000, 3).exp().sum({ axis: 1 }), "first")).toBe(0);
  expect(scratchOf(data(1000, 190).exp().max({ axis: 1 }), "first")).toBe(1);
  expect(scratchOf(softplus(data(1000, 257)).sum({ axis: 1 }), "first")).toBe(0);
});
