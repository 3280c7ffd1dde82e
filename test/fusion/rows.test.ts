/** Every fusion case on both targets: kernels, bytes, scratch, and values. */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { compileGraph, kernelCount } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";
import { at } from "../../compiler/ir/errors.ts";
import { nodesOf } from "../../compiler/ir/graph.ts";
import { softmax, tensor } from "../../src/index.ts";
import { data } from "./row.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { expectClose } from "../filetests/close.ts";
import { recorded } from "../recorded.ts";
import { bytesMoved, bytesNeeded, onlyKernel, operationsRun, reductionsIn, scratchBytes } from "./measure.ts";
import { fusionRows } from "./rows.ts";

const targets: readonly Target[] = [js, wasm, wgsl];

describe.each(fusionRows)("row $row: $expression", ({ row, outputs, aim, today = {}, operationsBelow, reductions, moves = 0, slack, keepsRows = false }) => {
  const { graph, inputs } = recorded(...outputs());

  test.each(targets)("$name", (target) => {
    const { plan, lowered } = compileGraph(graph, target, { verify: true });
    const known = today[target.name === "wgsl" ? "wgsl" : "js"];
    if (known === undefined) expect(kernelCount(plan)).toBeLessThanOrEqual(aim);
    else expect(kernelCount(plan)).toBe(known);
    if (reductions !== undefined) expect(reductionsIn(lowered)).toBe(reductions);
    if (aim !== 1 || kernelCount(plan) !== 1) return;
    const kernel = onlyKernel(plan.kernels);
    expect(bytesMoved(kernel) / bytesNeeded(graph)).toBeLessThanOrEqual(moves > 0 ? 1.6 : 1.1);
    expect(scratchBytes(kernel)).toBeLessThanOrEqual(keepsRows ? Math.max(32768, target.rowBytes) : 32768);
    expect(plan.steps.filter((s) => s.kind === "copy" || s.kind === "fill")).toHaveLength(moves);
    if (operationsBelow !== undefined) expect(operationsRun(kernel)).toBeLessThan(operationsBelow);
  });

  test("values", () => {
    const expected = interpretGraph(graph, inputs);
    for (const target of [js, wasm]) expectClose(runCompiled(graph, inputs, { target }), expected, `row ${row} on ${target.name}`, slack);
  });
});

test("every row of the list whose ops exist is here", () => {
  const listed = [
    2, 4, 6, 8, 10, 12, 14, 16, 18, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 54, 56, 58, 60, 62, 64, 66, 68, 70, 72, 74, 76, 78, 80,
  ];
  expect([...new Set(fusionRows.map((r) => r.row))].filter((r) => r < 100)).toEqual(listed);
});

describe("row 52: softmax of float16 (4,12,64,64), computed in float32", () => {
  const { graph, inputs } = recorded(
    softmax(
      tensor(data(4, 12, 64, 64).dataSync(), { shape: [4, 12, 64, 64] })
        .astype("float16")
        .evalSync()
        .astype("float32"),
    ),
  );
  // WGSL has no float16 among its dtypes yet
  const able = targets.filter((t) => t.dtypes.has("float16"));

  test.each(able)("one kernel on $name, whose max is one of float16", (target) => {
    const { plan, graphs } = compileGraph(graph, target, { verify: true });
    const maxima = nodesOf(at(graphs, graphs.length - 1).graph).filter((n) => n.op.name === "reduce max");
    expect(maxima.map((n) => at(n.args, 0).dtype)).toEqual(["float16"]);
    expect(kernelCount(plan)).toBe(1);
    expect(bytesMoved(onlyKernel(plan.kernels)) / bytesNeeded(graph)).toBeLessThanOrEqual(1.1);
    expectClose(runCompiled(graph, inputs, { target }), interpretGraph(graph, inputs), "row 52");
  });

  test("is tried on the CPU at least", () => expect(able.length).toBeGreaterThanOrEqual(2));
});
