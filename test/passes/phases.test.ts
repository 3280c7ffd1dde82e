/** Several contractions in one kernel: each has tiles of its own, and gives the bits it would give alone. */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph, kernelCount } from "../../compiler/pipeline.ts";
import { js, wasm } from "../../compiler/target.ts";
import { conv2d } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { expectClose } from "../filetests/close.ts";
import { data, drawn, placed } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";

interface Program {
  readonly name: string;
  readonly outputs: () => Tensor[];
  /** Long sums, which the interpreter adds up one by one. */
  readonly slack?: number;
}

function sumOfTwo(rows: number, depths: readonly [number, number], columns: number): Tensor[] {
  const [k, l] = depths;
  return [
    data(rows, k)
      .matmul(data(k, columns))
      .add(data(rows, l).matmul(data(l, columns)))
      .tanh(),
  ];
}

/** A product of integers beside one of floats: what is packed for them is of two dtypes. */
function sumOfDTypes(dtype: DType, rows: number, depth: number, columns: number): Tensor[] {
  const whole = (...shape: readonly number[]): Tensor => placed(drawn(shape).mul(3).astype(dtype));
  return [
    whole(rows, depth)
      .matmul(whole(depth, columns))
      .astype("float32")
      .add(data(rows, 128).matmul(data(128, columns))),
  ];
}

function halves(rows: number, depth: number, columns: number): Tensor[] {
  const y = data(rows, depth).matmul(data(depth, 2 * columns));
  return [y.get(":", `:${columns}`).mul(y.get(":", `${columns}:`).sigmoid())];
}

function shortcut(): Tensor[] {
  const x = data(1, 6, 9, 9);
  return [
    conv2d(x, data(8, 6, 3, 3), { padding: 1 })
      .add(conv2d(x, data(8, 6, 1, 1)))
      .relu(),
  ];
}

const programs: readonly Program[] = [
  { name: "whole tiles", outputs: () => sumOfTwo(24, [64, 64], 32) },
  { name: "walks of two lengths", outputs: () => sumOfTwo(24, [64, 40], 32) },
  { name: "edges of tiles", outputs: () => sumOfTwo(23, [33, 17], 45) },
  { name: "packed blocks", outputs: () => sumOfTwo(70, [300, 128], 150) },
  { name: "a walk in chunks", outputs: () => sumOfTwo(20, [5000, 60], 40), slack: 100 },
  { name: "packed int8 and float32", outputs: () => sumOfDTypes("int8", 70, 300, 150) },
  { name: "packed int32 in chunks and float32", outputs: () => sumOfDTypes("int32", 64, 5000, 72) },
  { name: "float64 and float32", outputs: () => sumOfDTypes("float64", 40, 130, 72) },
  { name: "halves", outputs: () => halves(24, 64, 32) },
  { name: "halves with edges", outputs: () => halves(23, 130, 45) },
  { name: "packed halves", outputs: () => halves(64, 256, 136) },
  { name: "convolutions of two windows", outputs: shortcut },
];

describe.each(programs)("$name", ({ outputs, slack }) => {
  const { graph, inputs } = recorded(...outputs());

  test("one kernel", () => expect(kernelCount(compileGraph(graph, wasm, { verify: true }).plan)).toBeLessThanOrEqual(countOf(graph)));

  test.each([js, wasm])("the bits of one kernel an op on $name", (target) => {
    const fused = runCompiled(graph, inputs, { target });
    expect(fused).toEqual(runCompiled(graph, inputs, { target, fusion: false }));
    expectClose(fused, interpretGraph(graph, inputs), "values", slack);
  });
});

/** A border that a convolution reads beyond takes a copy of its own. */
const countOf = (graph: Graph): number => (at(graph.params, 0).shape.length === 4 ? 2 : 1);

test("what is loaded by one sum only is in no other's loop", () => {
  const x = data(16, 64);
  const { graph } = recorded(x.matmul(data(64, 32)).mul(x.matmul(data(64, 32))));
  const { plan } = compileGraph(graph, wasm, { verify: true });
  const loops = statements(at(plan.kernels, 0).body).filter((s) => s.kind === "reduce");
  expect(loops).toHaveLength(2);
  expect(plan.kernels).toHaveLength(1);
});
