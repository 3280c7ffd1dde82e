/** Long loops of lengths that nothing near divides: threads have parts of them, and what these leave is done where they come together. */
import { describe, expect, test } from "vitest";
import { compileGraph } from "../../compiler/pipeline.ts";
import { wasm } from "../../compiler/target.ts";
import { argmax } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";
import { expectSame } from "./same.ts";

/** Primes: parts of 2^17 elements, and of 2^14 where much is computed. */
const primes = [262_147, 300_007, 65_537];

/** What is rounded in the end: the interpreter adds up one after another, which is less exact. */
const rounded = (x: Tensor): Tensor => x.astype("float32");

const kernelsOf = (...x: readonly Tensor[]): number => compileGraph(recorded(...x).graph, wasm).plan.kernels.length;

describe.each(primes)("%i elements", (n) => {
  test("results", () => {
    const x = data(n).astype("float64");
    expectSame(rounded(x.abs().sum()), "a sum");
    expectSame(rounded(x.abs().tanh().sum()), "a sum of functions");
    expectSame([x.max(), x.min(), x.abs().sum()].map(rounded), "several");
    expectSame(argmax(x), "a position");
    expectSame(rounded(x.square().sum().sqrt().add(x.abs().mean())), "stages");
    expectSame(rounded(x.softmax(0)), "softmax");
    expectSame(rounded(data(2, n).astype("float64").abs().sum({ axis: 1 })), "of rows");
    expectSame(x.mul(100).astype("int32").sum(), "integers");
  });
});

test("parts and where they meet are two launches, as of lengths that are divided", () => {
  expect([kernelsOf(data(262_144).sum()), kernelsOf(data(262_147).sum())]).toEqual([2, 2]);
  expect([kernelsOf(data(1009, 512).sum()), kernelsOf(data(1024, 512).sum())]).toEqual([2, 2]);
  expect(kernelsOf(data(1021).sum())).toBe(1);
});
