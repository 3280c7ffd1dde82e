/** Results in short rows: several rows at once, and numbers of rows before what is made of them; the same bits on every CPU. */
import { describe, expect, test } from "vitest";
import type { For, Kernel } from "../../compiler/ir/loop.ts";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wasm } from "../../compiler/target.ts";
import { maximum, minimum, where } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";
import { expectSame } from "./same.ts";

interface Rows {
  readonly name: string;
  readonly of: (rows: number, length: number) => Tensor;
}

const overRow = { axis: -1, keepdims: true };

const grids: readonly Rows[] = [
  { name: "a number a column", of: (n, m) => data(n, m).mul(data(m)).add(data(m)) },
  { name: "a number a row", of: (n, m) => data(n, m).mul(data(n, 1)) },
  { name: "a choice by row", of: (n, m) => where(data(n, 1).greater(0), data(n, m), data(m)) },
  { name: "bounds of columns", of: (n, m) => minimum(maximum(data(n, m), data(m)), data(m).add(1)) },
  { name: "a function", of: (n, m) => data(n, m).add(data(m)).tanh() },
  {
    name: "rows of longer ones",
    of: (n, m) =>
      data(n, m + 1)
        .get(":", `:${m}`)
        .add(data(m)),
  },
  { name: "rows that lie across", of: (n, m) => data(m, n).transpose().add(data(m)) },
  { name: "several axes", of: (n, m) => data(n, 1, m).sub(data(1, 5, m)) },
  { name: "of double precision", of: (n, m) => data(n, m).astype("float64").add(data(m).astype("float64")) },
  { name: "of half precision", of: (n, m) => data(n, m).astype("float16").add(data(m).astype("float16")) },
  { name: "of whole numbers", of: (n, m) => data(n, m).mul(9).astype("int32").add(data(m).mul(9).astype("int32")) },
  { name: "of bytes", of: (n, m) => data(n, m).mul(9).astype("int8").add(data(m).mul(9).astype("int8")) },
  { name: "comparisons", of: (n, m) => data(n, m).greater(data(m)) },
];

const blocks: readonly Rows[] = [
  { name: "less the largest", of: (n, m) => data(n, m).sub(data(n, m).max(overRow)) },
  { name: "over the length", of: (n, m) => data(n, m).div(data(n, m).square().sum(overRow).sqrt().add(0.5)) },
  { name: "standardised", of: (n, m) => standardised(data(n, m)).mul(data(m)).add(data(m)) },
  { name: "of two planes", of: (n, m) => standardised(data(2, n, m)) },
  { name: "of double precision", of: (n, m) => standardised(data(n, m).astype("float64")) },
  { name: "logarithms of sums", of: (n, m) => data(n, m).logsumexp({ axis: -1 }) },
  { name: "less logarithms of sums", of: (n, m) => data(n, m).logSoftmax(-1) },
  { name: "of two planes, less logarithms", of: (n, m) => data(2, n, m).mul(3).logSoftmax(-1).mul(data(m)) },
  { name: "functions of a number a row", of: (n, m) => standardised(data(n, m)).mul(data(n, m).square().mean(overRow).add(0.1).log()) },
  { name: "whole numbers", of: (n, m) => lessLeast(data(n, m).mul(9).astype("int32")) },
];

const lessLeast = (x: Tensor): Tensor => x.sub(x.min(overRow));

function standardised(x: Tensor): Tensor {
  const centred = x.sub(x.mean(overRow));
  return centred.div(centred.square().mean(overRow).add(1e-3).sqrt());
}

const products: readonly Rows[] = [
  {
    name: "a function",
    of: (n, m) => data(n, 9).matmul(data(9, m)).add(data(m)).sigmoid(),
  },
  {
    name: "a function and a number a row",
    of: (n, m) => data(n, 9).matmul(data(9, m)).mul(data(n, 1)).tanh(),
  },
];

const results = [...grids.map((r) => ({ ...r, kind: "grid" })), ...blocks.map((r) => ({ ...r, kind: "blocks" }))];
const all = [...results, ...products.map((r) => ({ ...r, kind: "behind products" }))];

describe.each(all)("$kind: $name", ({ of }) => {
  test.each([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 20, 22, 31, 48])("rows of %i", (length) => {
    for (const rows of [3, 64, 65, 130]) {
      expectSame(of(rows, length), `${rows} rows of ${length}`);
    }
  });
});

const lanesOf = ({ axis }: For): number => axis.hi.value;
const vectorsOf = ({ body }: Kernel): number[] => statements(body).flatMap((s) => (s.kind === "for" && s.axis.kind === "vector" ? [lanesOf(s)] : []));

test.each(results)("vectors fill registers: $kind, $name", ({ of }) => {
  const found = Array.from({ length: 14 }, (_, i) => {
    const { kernels } = compileGraph(recorded(of(128, i + 2)).graph, wasm, { verify: true }).plan;
    return kernels.flatMap(vectorsOf);
  });
  expect(found.filter((lanes) => lanes.length === 0 || lanes.some((n) => n % 4 !== 0))).toEqual([]);
});
