/** Sums whose rows a kernel holds: one kernel gives the bits that kernels of their own give, several rows a turn or not. */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import type { Stmt } from "../../compiler/ir/loop.ts";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph, kernelCount } from "../../compiler/pipeline.ts";
import { js, wasm } from "../../compiler/target.ts";
import { gradients, logSoftmax, logsumexp, softmax } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { expectClose } from "../filetests/close.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";

interface Program {
  readonly name: string;
  readonly outputs: () => Tensor[];
  /** Whether several rows go together through the stages: their step. */
  readonly together: boolean;
}

const last = { axis: 2 } as const;
const rows = { axis: 1 } as const;

function twoResults(): Tensor[] {
  const x = data(70, 24, 18);
  const [m, d] = [x.mean(last), x.std(last)];
  return [m.div(d.add(1)).max(rows), d];
}

const programs: readonly Program[] = [
  { name: "rows of sums by accumulators", outputs: () => [softmax(data(256, 40, 16).sum(last))], together: true },
  { name: "rows that are no whole number of turns", outputs: () => [data(131, 33, 20).mean(last).max(rows)], together: true },
  { name: "rows of stages", outputs: () => [logsumexp(data(96, 48, 30), last).sum(rows)], together: true },
  { name: "short sums side by side", outputs: () => [data(200, 6, 5).sum(last).max(rows)], together: true },
  { name: "sums down columns", outputs: () => [data(64, 20, 24).sum(rows).max(rows)], together: true },
  { name: "one row of sums", outputs: () => [softmax(data(90, 40).sum(rows), { axis: 0 })], together: false },
  { name: "few rows", outputs: () => [softmax(data(12, 40, 16).sum(last))], together: false },
  { name: "two results of one walk, one of them asked for", outputs: twoResults, together: true },
  {
    name: "rows of two axes",
    outputs: () => [
      data(50, 4, 6, 17)
        .sum({ axis: 3 })
        .max({ axis: [1, 2] }),
    ],
    together: true,
  },
];

describe.each(programs)("$name", ({ outputs, together }) => {
  const { graph, inputs } = recorded(...outputs());
  const plan = (target: typeof js): Plan => compileGraph(graph, target, { verify: true }).plan;

  test.each([js, wasm])("are one kernel on $name", (target) => expect(kernelCount(plan(target))).toBe(1));

  test("go together where that pays", () => {
    const [kernel] = plan(wasm).kernels;
    const grid = statements(kernel?.body ?? []).filter((s) => s.kind === "for" && s.axis.kind === "grid" && s.axis.step > 1);
    // two short rows go in step anyway, each with memory of its own
    const isPair = (s: Stmt): boolean => s.kind === "for" && s.body.some((one) => one.kind === "local" && one.name.endsWith("_r1"));
    expect(grid.some((s) => !isPair(s))).toBe(together);
  });

  test.each([js, wasm])("give the bits of kernels of their own on $name", (target) => {
    const found = runCompiled(graph, inputs, { target });
    expect(found).toEqual(runCompiled(graph, inputs, { target: js, fusion: false }));
    expectClose(found, interpretGraph(graph, inputs), "values");
  });
});

test.each([js, wasm])("two held rows of one form have loops of their own on $name", (target) => {
  const x = data(8, 3, 3, 2).requireGrad();
  const y = logSoftmax(logSoftmax(x, { axis: 1 }).abs().add(1).log().tanh(), { axis: 3 });
  const loss = y.mul(data(8, 3, 3, 2)).sum();
  const { graph, inputs } = recorded(loss, ...gradients(loss, [x]));
  compileGraph(graph, target, { verify: true });
  expectClose(runCompiled(graph, inputs, { target }), interpretGraph(graph, inputs), "values", 10);
});
