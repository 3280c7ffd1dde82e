/** The schedule changes how a kernel runs, never what it computes: at sizes that blocks do not divide, and over long sums. */
import { describe, expect, it } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { numberArray } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sizeOf, tensorType } from "../../compiler/ir/shape.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import { reduceSum } from "../../compiler/ops/layout.ts";
import { argmax, reduceMax } from "../../compiler/ops/reductions.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { runCompiled } from "../../src/cli/run.ts";

/** Whole numbers, so that sums in float64 are exact in any order. */
function whole(shape: readonly number[], seed: number): HostData {
  const type = tensorType("float64", shape);
  const data = numberArray("float64", sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = ((i * 7919 + seed * 104729) % 201) - 100;
  return { type, data };
}

function check(shapes: readonly (readonly number[])[], build: (x: Value, y: Value) => Value): void {
  const inputs = shapes.map(whole);
  const params = inputs.map((d, i) => paramValue(`x${i}`, d.type, "buffer"));
  const graph = { name: "main", params, outputs: [build(at(params, 0), at(params, params.length - 1))] };
  const found = at(runCompiled(graph, inputs, { verify: true }), 0);
  expect([...found.data]).toEqual([...at(interpretGraph(graph, inputs), 0).data]);
}

const sizes = [1, 2, 3, 4, 5, 7, 8, 9];

describe("contractions in blocks", () => {
  it.each(sizes)("%i rows", (m) => {
    for (const n of sizes)
      check(
        [
          [m, 6],
          [6, n],
        ],
        (a, b) => dot(a, b, [[1], [0]]),
      );
  });
  it("along a long axis", () => {
    check(
      [
        [5, 1031],
        [6, 1031],
      ],
      (a, b) => dot(a, b, [[1], [1]]),
    );
  });
});

describe("reductions", () => {
  it.each([1, 15, 16, 17, 511, 512, 513, 1024, 2049, 40_003])("of %i elements", (n) => {
    check([[3, n]], (x) => reduceSum(x, [1]));
    check([[3, n]], (x) => reduceMax(x, [1]));
    check([[3, n]], (x) => argmax(x, [1]));
  });
  it.each([1, 7, 8, 9, 17])("down the columns of %i", (n) => {
    check([[600, n]], (x) => reduceSum(x, [0]));
  });
});

it("a float32 sum of four million numbers stays within 1e-6 of float64", () => {
  const n = 1 << 22;
  const data = numberArray("float32", n);
  let exact = 0;
  for (let i = 0; i < n; i++) {
    data[i] = Math.abs(Math.sin(i * 12.9898) * 43758.5453) % 1;
    exact += Number(data[i] ?? 0);
  }
  const x = paramValue("x", tensorType("float32", [n]), "buffer");
  const [sum] = runCompiled({ name: "main", params: [x], outputs: [reduceSum(x, [0])] }, [{ type: x.type, data }]);
  expect(Math.abs(Number(sum?.data[0] ?? 0) - exact) / exact).toBeLessThan(1e-6);
});
