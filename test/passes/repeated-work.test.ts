/** Work that several places need: what follows sums is stored by those who add up, as each product would compute it again. */
import { expect, test } from "vitest";
import { parseGraph } from "../../compiler/ir/parse.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import { opTable } from "../../compiler/ops/table.ts";
import { compileGraph, kernelCount, recomputed } from "../../compiler/pipeline.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";
import { conv2d, gradients, groupNorm, logSoftmax, scaledDotProductAttention, silu } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { data } from "../fusion/row.ts";
import { operationsRun } from "../fusion/measure.ts";
import { recorded } from "../recorded.ts";

const normal = silu(groupNorm(data(2, 8, 8, 8), 4, { weight: data(8), bias: data(8) }));
const { graph } = recorded(conv2d(normal, data(4, 8, 3, 3), { padding: 1 }));

const operations = (plan: Plan): number => plan.kernels.reduce((n, k) => n + operationsRun(k), 0);

test.each([js, wasm, wgsl])("a norm in front of a convolution on $name", (target) => {
  const { plan } = compileGraph(graph, target);
  expect(kernelCount(plan)).toBe(2);
  // 36 products need each element
  expect(operations(plan) / operations(compileGraph(graph, target, { fusion: false }).plan)).toBeLessThan(3);
});

test.each([js, wasm, wgsl])("gradients of attention on $name: rows that loops ask for again are held", (target) => {
  const operand = (): Tensor => data(2, 32, 16).requireGrad();
  const [q, k, v] = [operand(), operand(), operand()];
  const attention = recorded(...gradients(scaledDotProductAttention(q, k, v).square().sum(), [q, k, v])).graph;
  const { plan } = compileGraph(attention, target);
  expect(operations(plan) / operations(compileGraph(attention, target, { fusion: false }).plan)).toBeLessThan(1.25);
});

test.each([js, wasm])("gradients of gates on $name: what stands behind places that are found out is stored", (target) => {
  const w = data(64, 256).requireGrad();
  const z = data(32, 64).matmul(w);
  const gate = (place: string): Tensor => z.get(":", place);
  const cell = gate("64:128")
    .sigmoid()
    .mul(data(32, 64))
    .add(gate(":64").sigmoid().mul(gate("192:").tanh()));
  const gates = recorded(...gradients(gate("128:192").sigmoid().mul(cell.tanh()).sum(), [w])).graph;
  const compiled = compileGraph(gates, target);
  const again = recomputed(compiled);
  // 13 where each of the four is computed wherever another one stands
  expect(Math.max(...again.map((r) => r.times))).toBeLessThanOrEqual(4);
});

test.each([js, wasm])("functions of rows in sums over all elements on $name come once a row", (target) => {
  const weighed = data(24, 32, 20)
    .mul(data(24, 32, 1).tanh())
    .mul(data(24, 1, 1).exp());
  const likelihood = logSoftmax(data(24, 100), { axis: 1 }).mul(data(24, 100));
  for (const sum of [weighed.sum(), weighed.max(), likelihood.sum()]) {
    const { graph: all } = recorded(sum);
    const compiled = compileGraph(all, target);
    expect(operations(compiled.plan) / operations(compileGraph(all, target, { fusion: false }).plan)).toBeLessThan(1.1);
    const functions = recomputed(compiled).filter((r) => ["tanh", "exp", "log"].includes(r.value.node.op.name));
    expect(functions).toEqual([]);
  }
});

test.each([js, wasm, wgsl])("what a gradient of norms multiplies for each row is kept on $name for the loops that need it", (target) => {
  const unit = (x: Tensor): Tensor => x.div(x.square().sum({ axis: 1, keepdims: true }).sqrt());
  const [a, b] = [data(32, 16).requireGrad(), data(32, 16).requireGrad()];
  const { graph: cosines } = recorded(
    ...gradients(
      logSoftmax(unit(a).matmul(unit(b).T), { axis: 1 })
        .mul(data(32, 32))
        .sum(),
      [a, b],
    ),
  );
  const compiled = compileGraph(cosines, target);
  const heavy = recomputed(compiled).filter((r) => r.value.node.op.kind === "contraction");
  expect(heavy).toEqual([]);
});

test.each([js, wasm])("functions of rows that have no room in scratch are stored, in front of a sum over all elements, on $name", (target) => {
  const kernels = (rows: number): Plan => {
    const compiled = compileGraph(recorded(data(rows, 8).mul(data(rows, 1).tanh()).sum()).graph, target);
    expect(recomputed(compiled)).toEqual([]);
    return compiled.plan;
  };
  const stores = (plan: Plan, elements: number): boolean => plan.kernels.some((k) => k.buffers.some((b) => b.access === "write" && b.size === elements));
  expect(stores(kernels(1000), 1000)).toBe(false);
  expect(stores(kernels(100_000), 100_000)).toBe(true);
});

test.each([js, wasm])("functions of an array and of its transpose on $name: elements of a point are others", (target) => {
  const both = (e: Tensor): Tensor => e.add(e.transpose());
  const compiled = compileGraph(recorded(both(data(300, 300).exp())).graph, target);
  expect(recomputed(compiled)).toEqual([]);
  expect(kernelCount(compiled.plan)).toBe(2);
  // what is cheap, and small, is not worth a kernel
  expect(kernelCount(compileGraph(recorded(both(data(300, 300).mul(2))).graph, target).plan)).toBe(1);
  expect(kernelCount(compileGraph(recorded(both(data(8, 8).exp())).graph, target).plan)).toBe(1);
});

test.each([js, wasm, wgsl])("sums that are parts of another value on $name are done once, though a kernel holds a row of them", (target) => {
  const several = parseGraph(
    `graph @parts(%x0: f32[130,33]) -> (i32[], i32[99]) {
  %0 = argmax %x0 {axes=[0]} : i32[33]
  %1 = concat %0, %0, %0 {axis=0} : i32[99]
  %2 = reduce sum %1 {axes=[0]} : i32[]
  %3 = reduce sum %0 {axes=[0]} : i32[]
  %4 = scatter set %1, %3, %3 {axis=0} : i32[99]
  return %2, %4
}
`,
    opTable,
  );
  const run = (fusion: boolean): number => operations(compileGraph(several, target, { fusion }).plan);
  expect(run(true)).toBeLessThan(1.25 * run(false));
});
