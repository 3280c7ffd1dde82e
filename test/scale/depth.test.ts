/** Graphs 100,000 nodes deep: recorded, differentiated and evaluated without a stack to overflow. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { canonicalize } from "../../compiler/passes/canonicalize.ts";
import { nodesOf } from "../../compiler/ir/graph.ts";
import { parseGraph } from "../../compiler/ir/parse.ts";
import { printGraph } from "../../compiler/ir/print.ts";
import { verifyGraph } from "../../compiler/ir/verify.ts";
import { opTable } from "../../compiler/ops/table.ts";
import { compileGraph, kernelCount } from "../../compiler/pipeline.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";
import { graphFromText } from "../../compiler/text.ts";
import type { Tensor } from "../../src/index.ts";
import { configure, grad, jvp, tensor } from "../../src/index.ts";

const depth = 100_000;
const timeout = 120_000;
afterEach(() => void configure({ target: "wasm" }));

function deep(x: Tensor, nodes: number): Tensor {
  let y = x;
  for (let i = 0; i < nodes / 2; i++) y = y.mul(x).add(x);
  return y;
}

/** d(y)/d(x) of `deep`, step by step in float64. */
function slopeAt(x: number, nodes: number): { readonly y: number; readonly slope: number } {
  let [y, slope] = [x, 1];
  for (let i = 0; i < nodes / 2; i++) [y, slope] = [y * x + x, slope * x + y + 1];
  return { y, slope };
}

describe.each([
  ["wasm", depth],
  ["js", depth / 4],
  ["interpreter", depth],
] as const)("%s, %d nodes", (target, nodes) => {
  test("evaluate", { timeout }, () => {
    configure({ target });
    const y = deep(tensor([0.5, -0.25], { dtype: "float64" }), nodes);
    const want = [0.5, -0.25].map((x) => slopeAt(x, nodes).y);
    expect(y.tolist()).toEqual(want.map((n) => expect.closeTo(n, 9)));
  });

  test("have gradients", { timeout }, () => {
    configure({ target });
    const x = tensor([0.5, -0.25], { dtype: "float64", requiresGrad: true });
    deep(x, nodes).sum().backward();
    const want = [0.5, -0.25].map((n) => slopeAt(n, nodes).slope);
    expect(x.grad?.tolist()).toEqual(want.map((n) => expect.closeTo(n, 9)));
  });
});

test("numbers of the user, a parameter each", { timeout }, () => {
  let y = tensor([1, 2]);
  for (let i = 0; i < depth / 4; i++) y = y.mul(0.5).add(1.5);
  expect(y.tolist()).toEqual([3, 3]);
});

test("forward mode", { timeout }, () => {
  const x = tensor([0.5], { dtype: "float64" });
  const [, slope] = jvp((t: Tensor) => deep(t, depth / 4), [x], [tensor([1], { dtype: "float64" })]);
  expect(slope.item()).toBeCloseTo(slopeAt(0.5, depth / 4).slope, 9);
});

test("second derivatives", { timeout }, () => {
  const n = 10_000;
  const x = tensor([0.5], { dtype: "float64" });
  const slope = grad((t: Tensor) => deep(t, n).sum());
  const curve = grad((t: Tensor) => slope(t).sum())(x).item();
  const step = 1e-5;
  const difference = (slopeAt(0.5 + step, n).slope - slopeAt(0.5 - step, n).slope) / (2 * step);
  expect(curve).toBeCloseTo(Number(difference), 4);
});

test("text, and back", { timeout }, () => {
  const graph = canonicalize([deep(tensor([0.5]).evalSync(), depth).value]).build();
  expect(nodesOf(graph).length).toBe(depth + 1);
  const text = printGraph(graph);
  const again = parseGraph(text, opTable);
  verifyGraph(again);
  expect(printGraph(again) === text).toBe(true);
});

test("a handle that describes itself", { timeout }, () => {
  const y = deep(tensor([0.5]), depth);
  expect(y.describe()).toContain("lazy: 100000 nodes");
});

test("with less of a stack than a program has", { timeout }, () => {
  const program = fileURLToPath(new URL("on-main-thread.ts", import.meta.url));
  const done = spawnSync(process.execPath, ["--stack-size=700", "--import", "tsx", program], { encoding: "utf8" });
  expect(done.stderr).toBe("");
  expect(done.stdout.trim().split("\n").length).toBe(12);
});

// spelled out, an element of the second is some 2^20 operations long
test.each([js, wasm, wgsl])("random bits of random bits, added up over rows, compile for $name", (target) => {
  const graph = graphFromText(`graph @main(%x: u32[3,3]) -> u32[3] {
  %0:2 = threefry %x, %x, %x, %x : u32[3,3], u32[3,3]
  %1:2 = threefry %0.1, %0.1, %0.0, %0.0 : u32[3,3], u32[3,3]
  %2 = dot %1.0, %x {contract=[[1],[1]], batch=[[0],[0]]} : u32[3]
  return %2
}`);
  expect(kernelCount(compileGraph(graph, target).plan)).toBe(1);
});

test.each([js, wasm])("random bits of what takes functions, in a loop of running values, compile for $name", (target) => {
  const graph = graphFromText(`graph @random(%x0: i8[40,3], %x1: bool[17,64], %x2: u8[64,4,1]) -> (f32[64,4,1], i32[64,4,1], f32[64,4,1], u32[]) {
  %0 = cast %x2 {dtype=f32} : f32[64,4,1]
  %1 = acosh %0 : f32[64,4,1]
  %2:2 = prefix min %x2 {axis=0, reverse=false} : u8[64,4,1], i32[64,4,1]
  %3 = prefix prod %2.1 {axis=1, reverse=true} : i32[64,4,1]
  %4 = cast %3 {dtype=f32} : f32[64,4,1]
  %5 = cast %2.1 {dtype=f32} : f32[64,4,1]
  %6 = fmod %4, %5 : f32[64,4,1]
  %7 = cast %6 {dtype=u32} : u32[64,4,1]
  %8 = cast %6 {dtype=u32} : u32[64,4,1]
  %9 = const {value=1, dtype=f32} : f32[]
  %10 = broadcast %9 {shape=[64,4,1], axes=[]} : f32[64,4,1]
  %11 = cast %10 {dtype=u32} : u32[64,4,1]
  %12 = reduce min %2.1 {axes=[1,2]} : i32[64]
  %13 = broadcast %12 {shape=[64,4,1], axes=[0]} : i32[64,4,1]
  %14 = subtract %2.1, %13 : i32[64,4,1]
  %15 = cast %14 {dtype=f32} : f32[64,4,1]
  %16 = cast %15 {dtype=u32} : u32[64,4,1]
  %17:2 = threefry %7, %8, %11, %16 : u32[64,4,1], u32[64,4,1]
  %18 = dot %17.1, %17.1 {contract=[[0,1,2],[0,1,2]], batch=[[],[]]} : u32[]
  return %1, %2.1, %6, %18
}`);
  expect(kernelCount(compileGraph(graph, target).plan)).toBeGreaterThan(0);
});
