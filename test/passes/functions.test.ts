/**
 * Functions in loops of their own: along strips of elements, behind the tiles of contractions, down columns and along rows. Whatever the
 * lengths, JavaScript and WebAssembly give the same bits, and what the interpreter gives.
 */
import { describe, expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import { statements } from "../../compiler/ir/loop.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js, wasm } from "../../compiler/target.ts";
import { conv2d, logSoftmax, logsumexp, softmax } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { expectClose } from "../filetests/close.ts";
import { data } from "../fusion/row.ts";
import { recorded } from "../recorded.ts";

const chain = (y: Tensor): Tensor => y.mul(y.exp().log1p().tanh());
const beside = (y: Tensor): Tensor => y.tanh().mul(y.exp()).add(y.sin().mul(y.cos()));

/** Scratch of the kernels of a program on wasm, by the beginning of its names. */
function scratchOf(outputs: readonly Tensor[], prefix: string): number {
  const { kernels } = compileGraph(recorded(...outputs).graph, wasm).plan;
  return kernels.flatMap((k) => statements(k.body)).filter((s) => s.kind === "local" && s.name.startsWith(prefix)).length;
}

/** The bits are the same on both, after passes that are verified; `slack`: for what is added up in another order than the interpreter's. */
function check(make: () => readonly Tensor[], slack: number = 1): void {
  const { graph, inputs } = recorded(...make());
  compileGraph(graph, wasm, { verify: true });
  const [plain, wide] = [runCompiled(graph, inputs, { target: js }), runCompiled(graph, inputs, { target: wasm })];
  wide.forEach((o, i) => expect(o.data).toEqual(at(plain, i).data));
  expectClose(wide, interpretGraph(graph, inputs), "against the interpreter", slack);
}

describe("strips of elements", () => {
  test.each([1, 15, 16, 17, 255, 256, 257, 300, 1000, 7919])("%i", (n) => {
    check(() => [chain(data(n)), beside(data(n))]);
  });
  test("rows, and what is the same for all of one", () => {
    check(() => [data(9, 1).exp().mul(data(9, 300).tanh()).add(data(300).sin())]);
    expect(scratchOf([data(9, 1).exp().mul(data(9, 300).tanh())], "chain_")).toBe(0);
  });
  test("float64", () => check(() => [beside(data(13, 33).astype("float64"))]));
  test("transposed operands are computed in the order in which they lie, others go crosswise", () => {
    check(() => [chain(data(40, 70).T)]);
    expect(scratchOf([chain(data(40, 70).T)], "chain_")).toBe(2);
    const mixed = (): Tensor[] => [chain(data(40, 70).T.add(data(70, 40)))];
    check(mixed);
    expect(scratchOf(mixed(), "chain_")).toBe(0);
  });
  test("functions with much in common stay together", () => {
    const y = data(4096);
    expect(scratchOf([y.sin().mul(y.cos())], "chain_")).toBe(0);
    expect(scratchOf([y.exp().mul(y.tanh())], "chain_")).toBe(1);
  });
});

describe("behind tiles", () => {
  const rows = [1, 3, 4, 9, 34];
  const columns = [5, 8, 13, 24, 130, 257];
  const sizes = rows.flatMap((m) => columns.map((n) => [m, n] as const));
  test.each(sizes)("%i by %i", (m, n) => {
    check(() => [beside(data(m, 7).matmul(data(7, n)).add(data(n)))]);
    check(() => [chain(data(m, 130).matmul(data(n, 130).T))]);
  });
  test("they are there", () => {
    expect(scratchOf([chain(data(34, 7).matmul(data(7, 32)))], "chain_")).toBe(2);
    expect(scratchOf([chain(data(36, 7).matmul(data(7, 24)))], "chain_")).toBe(2);
    expect(scratchOf([data(34, 7).matmul(data(7, 24)).relu()], "sum0")).toBe(0);
  });
  test.each([
    [40, 5000, 9],
    [5, 4500, 40],
  ])("a walk in chunks: %i by %i by %i", (m, k, n) => {
    check(() => [chain(data(m, k).matmul(data(k, n)).mul(0.01))], 64);
  });
  test.each([
    [33, 64, 40],
    [20, 300, 130],
  ])("rows that lie across: %i by %i by %i", (m, k, n) => {
    check(() => [chain(data(k, m).T.matmul(data(k, n)).mul(0.1))], 8);
  });
  test.each([
    [16, 32, 24],
    [9, 40, 70],
    [130, 128, 130],
  ])("two contractions: %i by %i by %i", (m, k, n) => {
    check(
      () => [
        data(m, k)
          .matmul(data(k, n))
          .tanh()
          .mul(data(m, k).matmul(data(k, n)).sigmoid()),
      ],
      4,
    );
  });
  test.each([6, 9, 24, 30])("a convolution of %i by %i", (n) => {
    check(() => [chain(conv2d(data(2, 3, n, n), data(7, 3, 3, 3), { padding: 1 }))]);
  });
  test("what is stored beside it", () => {
    check(() => {
      const y = data(17, 20).matmul(data(20, 40));
      return [y, beside(y), chain(y).add(data(17, 1))];
    });
  });
  test("batches, and float64", () => {
    check(() => [chain(data(3, 9, 12).matmul(data(3, 12, 20)))]);
    check(() => [chain(data(9, 12).astype("float64").matmul(data(12, 21).astype("float64")))]);
  });
});

describe("down columns", () => {
  test.each([
    [1, 40],
    [30, 17],
    [64, 300],
    [700, 33],
    [1300, 24],
  ])("%i by %i", (k, n) => {
    check(() => [beside(data(k, n)).sum({ axis: 0 }), chain(data(k, n)).sum({ axis: 0 }).mul(2)], 8);
  });
  test("with what is stored on the way", () => {
    check(() => {
      const p = beside(data(60, 70));
      return [p, p.sum({ axis: 0 })];
    }, 4);
  });
  test("several sums", () => {
    check(() => {
      const p = beside(data(60, 70));
      return [p.sum({ axis: 0 }), p.square().sum({ axis: 0 }), p.max({ axis: 0 })];
    }, 4);
  });
});

describe("along rows", () => {
  test.each([
    [3, 40],
    [2, 5000],
    [1, 20_000],
  ])("%i by %i", (m, n) => {
    check(() => [beside(data(m, n)).mean({ axis: 1 }), chain(data(m, n)).sum()], 16);
  });
});

describe("of short sums", () => {
  test.each([
    [1, 16, 3],
    [50, 20, 3],
    [67, 33, 2],
    [300, 16, 1],
    [128, 100, 3],
  ])("products %i by %i by %i", (m, k, n) => {
    check(() => [chain(data(m, k).matmul(data(k, n))), data(m, k).matmul(data(k, n)).add(data(n)).tanh()], 4);
  });
  test.each([
    [5, 16],
    [64, 32],
    [97, 40],
    [600, 17],
  ])("rows: %i of %i", (m, n) => {
    check(() => [logsumexp(data(m, n), { axis: 1 }), data(m, n).sum({ axis: 1 }).add(data(m)).sigmoid()], 4);
    check(() => [softmax(data(m, n), { axis: 1 }), logSoftmax(data(m, n), { axis: 1 }), data(m, n).max({ axis: 1 }).exp()], 4);
  });
  test("they are there", () => {
    expect(scratchOf([data(64, 32).sum({ axis: 1 }).tanh()], "sum_")).toBeGreaterThan(1);
    expect(scratchOf([data(128, 16).matmul(data(16)).tanh()], "dot_1_of")).toBe(1);
    expect(scratchOf([data(128, 16).matmul(data(16)).relu()], "dot_1_of")).toBe(0);
  });
});
