/** What is put together of pieces, cheap or costly, in memory of results or between kernels: the values are the interpreter's. */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph, kernelCount } from "../../compiler/pipeline.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";
import { concat, conv2d, cumsum, flip, matmul, pad, roll, softmax, stack } from "../../src/index.ts";
import type { PadMode, Tensor } from "../../src/index.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { expectClose } from "../filetests/close.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";

interface Program {
  readonly name: string;
  readonly outputs: () => Tensor[];
  /** Launches on one lane. */
  readonly kernels: number;
}

const rows = { axis: 1 } as const;
const fromBehind = (x: Tensor): Tensor => flip(cumsum(flip(x, rows), rows), rows);

/** Sums that are a piece themselves, and of which another piece is made. */
function sumsAmongPieces(): Tensor[] {
  const s = data(7, 24).sum(rows);
  return [concat([data(14), s.add(s), softmax(s, { axis: 0 })]).mul(2)];
}

/** A whole that is asked for, of whose parts and pieces another one is made. */
function wholesOfWholes(): Tensor[] {
  const pieces = concat([data(5, 3), data(4, 3)]);
  const pair = stack([pieces, data(9, 3)], rows);
  const sum = pair.add(data(9, 2, 3));
  return [stack([concat([sum, pair], { axis: 2 }), data(9, 2, 6)], { axis: 2 }), sum];
}

/** One border around another: the choices of an element multiply. */
function manyBorders(): Tensor[] {
  const modes: readonly PadMode[] = ["reflect", "edge", "wrap", "symmetric", "reflect", "wrap"];
  const widths = [
    [1, 2],
    [2, 1],
  ] as const;
  return [modes.reduce((x, mode) => pad(x, widths, { mode }), data(6, 7))];
}

const both = (): Tensor => concat([data(24, 20), data(24, 12)], rows);

const programs: readonly Program[] = [
  { name: "a running sum from behind beside a piece", outputs: () => [concat([data(3, 4).exp(), fromBehind(data(3, 6))], rows)], kernels: 1 },
  { name: "sums among pieces", outputs: sumsAmongPieces, kernels: 1 },
  { name: "wholes of wholes", outputs: wholesOfWholes, kernels: 2 },
  { name: "borders around borders", outputs: manyBorders, kernels: 3 },
  { name: "a ring", outputs: () => [roll(data(5, 40), 3, rows).sub(data(5, 40))], kernels: 1 },
  { name: "both operands of a product", outputs: () => [matmul(both(), concat([data(20, 16), data(12, 16)]))], kernels: 2 },
  { name: "rows of a product", outputs: () => [matmul(concat([data(20, 24), data(12, 24)]), data(24, 16))], kernels: 2 },
  { name: "what a product and others need together", outputs: () => ((x) => [x, matmul(x, data(32, 16))])(both()), kernels: 2 },
  { name: "pictures over one another", outputs: () => [conv2d(concat([data(2, 3, 9, 9), data(2, 2, 9, 9)], rows), data(4, 5, 3, 3))], kernels: 1 },
  {
    name: "groups of pictures",
    outputs: () => [conv2d(concat([data(2, 4, 9, 9), data(2, 4, 9, 9)], rows), data(6, 4, 3, 3), undefined, { groups: 2 })],
    kernels: 2,
  },
];

describe.each(programs)("$name", ({ outputs, kernels }) => {
  const { graph, inputs } = recorded(...outputs());

  test.each([js, wasm])("on $name", (target) => {
    expect(kernelCount(compileGraph(graph, target, { verify: true }).plan)).toBe(kernels);
    expectClose(runCompiled(graph, inputs, { target }), interpretGraph(graph, inputs), target.name);
  });

  test("kernels stay small, and shaders compile to loops", () => {
    for (const target of [js, wasm, wgsl]) {
      const lengths = compileGraph(graph, target, { verify: true }).plan.kernels.map((k) => statements(k.body).length);
      expect(Math.max(...lengths)).toBeLessThan(2000);
    }
  });
});
