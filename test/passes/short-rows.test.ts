/** Long sums of short rows: several rows at once, on every CPU in one order, whatever is left over. */
import { describe, expect, test } from "vitest";
import type { Stmt } from "../../compiler/ir/loop.ts";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js, wasm } from "../../compiler/target.ts";
import type { Tensor } from "../../src/index.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";
import { expectSame } from "./same.ts";

interface Sums {
  readonly name: string;
  readonly of: (rows: number, length: number) => Tensor;
}

/** Sums of both signs would leave little of what is added up. */
const positive = (...shape: readonly number[]): Tensor => data(...shape).abs();

const sums: readonly Sums[] = [
  { name: "rows times a number each", of: (n, m) => positive(n, m).mul(positive(n, 1)).sum() },
  { name: "squares around a column's number", of: (n, m) => data(n, m).sub(data(m)).square().sum() },
  { name: "the largest", of: (n, m) => data(n, m).mul(data(n, 1)).max() },
  { name: "of double precision", of: (n, m) => positive(n, m).astype("float64").mul(positive(n, 1).astype("float64")).sum() },
  { name: "of whole numbers", of: (n, m) => data(n, m).mul(9).astype("int32").mul(data(n, 1).mul(5).astype("int32")).sum() },
  {
    name: "of several planes",
    of: (n, m) =>
      positive(3, n, m)
        .mul(positive(3, n, 1))
        .sum({ axis: [1, 2] }),
  },
];

const tripsOf = (s: Stmt): number => (s.kind === "reduce" ? s.axes.reduce((n, a) => n * a.hi.value, 1) : 0);

describe.each(sums)("$name", ({ of }) => {
  test.each([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])("rows of %i", (length) => {
    for (const rows of [64, 65, 127, 403]) {
      expectSame(of(rows, length), `${rows} rows of ${length}`);
    }
  });
});

test.each([js, wasm])("only rows that are left are added up one after another on $name", (target) => {
  for (const { of } of sums)
    for (let length = 2; length < 16; length++) {
      const { kernels } = compileGraph(recorded(of(403, length)).graph, target, { verify: true }).plan;
      expect(Math.max(...kernels.flatMap((k) => statements(k.body).map(tripsOf)))).toBeLessThan(8 * length);
    }
});
