/** Long loops of lengths that nothing near divides: threads have parts of them, and what these leave is done where they come together. */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js, wasm } from "../../compiler/target.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { argmax } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { expectClose } from "../filetests/close.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";

/** Primes: parts of 2^17 elements, and of 2^14 where much is computed. */
const primes = [262_147, 300_007, 65_537];

function expectSame(what: string, ...x: readonly Tensor[]): void {
  const { graph, inputs } = recorded(...x.map((one) => (one.dtype === "float64" ? one.astype("float32") : one)));
  const found = runCompiled(graph, inputs, { target: wasm });
  expect(found).toEqual(runCompiled(graph, inputs, { target: js }));
  compileGraph(graph, wasm, { verify: true });
  expectClose(found, interpretGraph(graph, inputs), what, 4);
}

const kernelsOf = (...x: readonly Tensor[]): number => compileGraph(recorded(...x).graph, wasm).plan.kernels.length;

describe.each(primes)("%i elements", (n) => {
  test("results", () => {
    // what is rounded in the end: the interpreter adds up one after another, which is less exact
    const x = data(n).astype("float64");
    expectSame("a sum", x.abs().sum());
    expectSame("a sum of functions", x.abs().tanh().sum());
    expectSame("several", x.max(), x.min(), x.abs().sum());
    expectSame("a position", argmax(x));
    expectSame("stages", x.square().sum().sqrt().add(x.abs().mean()));
    expectSame("softmax", x.softmax(0));
    expectSame("of rows", data(2, n).astype("float64").abs().sum({ axis: 1 }));
    expectSame("integers", x.mul(100).astype("int32").sum());
  });
});

test("parts and where they meet are two launches, as of lengths that are divided", () => {
  expect([kernelsOf(data(262_144).sum()), kernelsOf(data(262_147).sum())]).toEqual([2, 2]);
  expect([kernelsOf(data(1009, 512).sum()), kernelsOf(data(1024, 512).sum())]).toEqual([2, 2]);
  expect(kernelsOf(data(1021).sum())).toBe(1);
});
