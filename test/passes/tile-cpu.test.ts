/**
 * The schedule of the CPU. With vectors and without, in JavaScript and in WebAssembly, kernels give the same bits, because the order of sums follows from shapes; and both
 * give what the interpreter does: exactly where order does not matter, else as far as another order of sums allows.
 */
import { describe, expect, it } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { hostArray } from "../../compiler/ir/host.ts";
import type { Stmt } from "../../compiler/ir/loop.ts";
import { statements } from "../../compiler/ir/loop.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { js, wasm } from "../../compiler/target.ts";
import { graphsFromText } from "../../compiler/text.ts";
import { CpuDevice } from "../../runtime/cpu/device.ts";
import { expectClose } from "../filetests/close.ts";

/** The schedule for vectors, spelled in JavaScript. */
const wide: Target = { ...js, vectors: true };

const device = new CpuDevice();
/** As the heap is: shared where threads are. */
const real: Target = { ...wasm, sharedMemory: device.heap.memory?.buffer instanceof SharedArrayBuffer };

function run(graph: Graph, inputs: readonly HostData[], target: Target): { readonly outputs: readonly HostData[]; readonly loops: readonly Stmt[] } {
  const { compiled, plan } = compileGraph(graph, target, { verify: true });
  const buffers = inputs.map((d) => device.upload(d.data, d.type));
  const outputs = device.run(device.prepare(compiled), buffers, []);
  return {
    outputs: outputs.map((o, i) => ({ type: at(graph.outputs, i).type, data: device.readSync(o) })),
    loops: plan.kernels.flatMap((k) => [...statements(k.body)]),
  };
}

/** Numbers from -2 to 2 of no pattern; where they are exact, sums and products of them are too. */
function numbers(type: TensorType, seed: number, kind: "any" | "exact"): HostData {
  const data = hostArray(type.dtype, sizeOf(type.shape));
  let state = seed * 2654435761;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const x = state / 2 ** 30 - 2;
    const isFloat = type.dtype === "float32" || type.dtype === "float64";
    data[i] = isFloat && kind === "any" ? x : Math.round(x * 8) / (isFloat ? 8 : 1);
  }
  return { type, data };
}

const isVector = (s: Stmt): boolean => (s.kind === "for" ? s.axis.kind === "vector" : s.kind === "reduce" && s.axes.some((a) => a.kind === "vector"));

/** Rows of a few numbers only: of zeros of both signs, of infinities, and of either with NaN here and there. */
function specials(type: TensorType, seed: number): HostData {
  const data = hostArray(type.dtype, sizeOf(type.shape));
  const kinds = [[0, -0], [-Infinity], [Infinity, -1], [-0, 0, -0, NaN], [1, 2, 2, -3], [NaN], [-Infinity, NaN], [3, NaN, 4, 0]];
  const width = type.shape.at(-1) ?? 1;
  let state = seed * 2654435761;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const kind = at(kinds, Math.floor(i / width) % kinds.length);
    data[i] = at(kind, (state >>> 8) % kind.length);
  }
  return { type, data };
}

/** Runs a graph on both and on the interpreter; the vectors that there are in the loops. */
function check(text: string, slack: number = 1): { readonly wide: number; readonly plain: number } {
  const graph = at(graphsFromText(text), 0);
  const inputs = (kind: "any" | "exact"): HostData[] => graph.params.map((p, i) => numbers(at(p.node.results, 0).type, i + 1, kind));
  const [vectors, plain] = [run(graph, inputs("any"), wide), run(graph, inputs("any"), js)];
  vectors.outputs.forEach((o, i) => expect(o.data).toEqual(at(plain.outputs, i).data));
  // functions that JavaScript engines compute are theirs to round
  if (compileGraph(graph, real).compiled.wasm?.imports.length === 0)
    run(graph, inputs("any"), real).outputs.forEach((o, i) => expect(o.data).toEqual(at(plain.outputs, i).data));
  expectClose(run(graph, inputs("exact"), wide).outputs, interpretGraph(graph, inputs("exact")), "against the interpreter", slack);
  return { wide: vectors.loops.filter(isVector).length, plain: plain.loops.filter(isVector).length };
}

const lengths = [1, 3, 4, 5, 8, 15, 16, 17, 31, 63, 64, 67, 100, 129];

describe("elementwise", () => {
  it.each(lengths)("%i elements", (n) => {
    const vectors = check(`graph @g(%x: f32[${n}], %y: f32[${n}]) -> f32[${n}] { %0 = multiply %x, %y : f32[${n}]  return %0 }`);
    expect(vectors.wide > 0).toBe(n >= 4);
    expect(vectors.plain).toBe(0);
  });
  it.each(["f32", "f64", "i32", "u32"])("of %s, heavy and light", (d) => {
    check(`graph @g(%x: ${d}[7,33], %y: ${d}[33]) -> (${d}[7,33], bool[7,33]) {
      %0 = broadcast %y {shape=[7,33], axes=[1]} : ${d}[7,33]
      %1 = multiply %x, %0 : ${d}[7,33]
      %2 = add %1, %x : ${d}[7,33]
      %3 = less %2, %0 : bool[7,33]
      return %2, %3 }`);
  });
  it.each([
    [32, 50],
    [33, 16],
    [15, 40],
  ])("transposed: %i by %i", (m, n) => {
    check(`graph @g(%x: f32[${m},${n}]) -> f32[${n},${m}] { %0 = permute %x {axes=[1,0]} : f32[${n},${m}]  %1 = exp %0 : f32[${n},${m}]  return %1 }`);
  });
  it("transposed, shifted and padded", () => {
    check(`graph @g(%x: f32[37,21], %y: f32[21,37]) -> (f32[37,21], f32[40,25]) {
      %0 = permute %y {axes=[1,0]} : f32[37,21]
      %1 = tanh %0 : f32[37,21]
      %2 = add %1, %x : f32[37,21]
      %c = const {value=3, dtype=f32} : f32[]
      %3 = pad %2, %c {low=[1,2], high=[2,2], interior=[0,0]} : f32[40,25]
      return %2, %3 }`);
  });
});

describe("rows", () => {
  it.each([
    [64, 64],
    [70, 40],
    [257, 33],
    [300, 17],
  ])("%i, of %i elements each, of which an operand lies across", (m, n) => {
    const text = `graph @g(%x: f32[${m},${n}], %y: f32[${n},${m}]) -> (f32[${m},${n}], f32[${m}]) {
      %0 = permute %y {axes=[1,0]} : f32[${m},${n}]
      %1 = add %x, %0 : f32[${m},${n}]
      %2 = reduce max %1 {axes=[1]} : f32[${m}]
      %3 = broadcast %2 {shape=[${m},${n}], axes=[0]} : f32[${m},${n}]
      %4 = subtract %1, %3 : f32[${m},${n}]
      %5 = reduce sum %1 {axes=[1]} : f32[${m}]
      return %4, %5 }`;
    const { kernels } = compileGraph(at(graphsFromText(text), 0), wide).plan;
    expect(kernels.flatMap((k) => statements(k.body)).filter((s) => s.kind === "local" && s.name === "turned0")).toHaveLength(1);
    check(text, 4);
  });
  it.each([...lengths, 255, 1023, 1024, 1025, 2049, 5000, 70_001])("of %i elements", (n) => {
    const vectors = check(`graph @g(%x: f32[3,${n}]) -> (f32[3], f32[3], i32[3]) {
      %0 = reduce sum %x {axes=[1]} : f32[3]
      %1 = reduce max %x {axes=[1]} : f32[3]
      %2 = argmax %x {axes=[1]} : i32[3]
      return %0, %1, %2 }`);
    // of one element each they are no rows
    if (n > 1) expect(vectors.wide > 0).toBe(n >= 16);
  });
  describe.each(["f32", "f64"])("extremes of %s among zeros, infinities and NaN", (d) => {
    it.each([16, 37, 64, 131])("rows and columns of %i", (n) => {
      const graph = at(
        graphsFromText(`graph @g(%x: ${d}[16,${n}], %y: ${d}[${n},16]) -> (${d}[16], ${d}[16], i32[16], i32[16], ${d}[16], i32[16]) {
          %0 = reduce max %x {axes=[1]} : ${d}[16]
          %1 = reduce min %x {axes=[1]} : ${d}[16]
          %2 = argmax %x {axes=[1]} : i32[16]
          %3 = argmin %x {axes=[1]} : i32[16]
          %4 = reduce max %y {axes=[0]} : ${d}[16]
          %5 = argmax %y {axes=[0]} : i32[16]
          return %0, %1, %2, %3, %4, %5 }`),
        0,
      );
      const inputs = graph.params.map((p, i) => specials(at(p.node.results, 0).type, n + i));
      const expected = interpretGraph(graph, inputs).map((o) => o.data);
      for (const target of [js, wide, real]) expect(run(graph, inputs, target).outputs.map((o) => o.data)).toEqual(expected);
    });
  });
  it.each(["f64", "i32", "u32"])("of %s", (d) => {
    check(`graph @g(%x: ${d}[5,300]) -> (${d}[5], ${d}[5], i32[5]) {
      %0 = reduce sum %x {axes=[1]} : ${d}[5]
      %1 = reduce min %x {axes=[1]} : ${d}[5]
      %2 = argmin %x {axes=[1]} : i32[5]
      return %0, %1, %2 }`);
  });
  it.each([5, 8, 40, 100, 403])("softmax of %i", (n) => {
    check(`graph @g(%x: f32[6,${n}]) -> f32[6,${n}] {
      %0 = reduce max %x {axes=[1]} : f32[6]
      %1 = broadcast %0 {shape=[6,${n}], axes=[0]} : f32[6,${n}]
      %2 = subtract %x, %1 : f32[6,${n}]
      %3 = exp %2 : f32[6,${n}]
      %4 = reduce sum %3 {axes=[1]} : f32[6]
      %5 = broadcast %4 {shape=[6,${n}], axes=[0]} : f32[6,${n}]
      %6 = divide %3, %5 : f32[6,${n}]
      return %6 }`);
  });
  it.each([
    ["[0,1]", [30, 50]],
    ["[0,1]", [200, 17]],
    ["[0,1]", [3, 70_000]],
  ] as const)("over axes %s of %s", (axes, shape) => {
    check(`graph @g(%x: f32[${shape.join(",")}]) -> f32[] { %0 = reduce sum %x {axes=${axes}} : f32[]  return %0 }`);
  });
  it.each([
    [20, 3, 40],
    [300, 4, 20],
    [3, 5, 3000],
    [40, 2, 7],
  ])("around a channel: %i, %i, %i", (a, b, c) => {
    check(`graph @g(%x: f32[${a},${b},${c}]) -> (f32[${b}], f32[${b}]) {
      %0 = reduce sum %x {axes=[0,2]} : f32[${b}]
      %1 = reduce max %x {axes=[0,2]} : f32[${b}]
      return %0, %1 }`);
  });
  it("of a transposed view", () => {
    check(
      `graph @g(%x: f32[60,70]) -> f32[] { %0 = permute %x {axes=[1,0]} : f32[70,60]  %1 = exp %0 : f32[70,60]  %2 = reduce sum %1 {axes=[0,1]} : f32[]  return %2 }`,
    );
  });
  it("with a result for each element", () => {
    check(`graph @g(%x: f32[4,133]) -> (f32[4,133], f32[4]) { %0 = exp %x : f32[4,133]  %1 = reduce sum %0 {axes=[1]} : f32[4]  return %0, %1 }`);
  });
});

describe("columns", () => {
  it.each(lengths)("%i of them", (n) => {
    const vectors = check(`graph @g(%x: f32[600,${n}]) -> (f32[${n}], i32[${n}]) {
      %0 = reduce sum %x {axes=[0]} : f32[${n}]
      %1 = argmax %x {axes=[0]} : i32[${n}]
      return %0, %1 }`);
    expect(vectors.wide).toBeGreaterThan(0);
  });
  it.each([4, 31, 64])("softmax down %i", (n) => {
    check(`graph @g(%x: f32[50,${n}]) -> f32[50,${n}] {
      %0 = reduce max %x {axes=[0]} : f32[${n}]
      %1 = broadcast %0 {shape=[50,${n}], axes=[1]} : f32[50,${n}]
      %2 = subtract %x, %1 : f32[50,${n}]
      %3 = exp %2 : f32[50,${n}]
      %4 = reduce sum %3 {axes=[0]} : f32[${n}]
      %5 = broadcast %4 {shape=[50,${n}], axes=[1]} : f32[50,${n}]
      %6 = divide %3, %5 : f32[50,${n}]
      return %6 }`);
  });
  it("a running sum down columns, and along rows", () => {
    check(
      `graph @g(%x: f32[9,21]) -> (f32[9,21], f32[9,21]) { %0 = prefix sum %x {axis=0, reverse=false} : f32[9,21]  %1 = prefix sum %x {axis=1, reverse=false} : f32[9,21]  return %0, %1 }`,
    );
  });
});

describe("contractions", () => {
  it.each([1, 2, 3, 4, 5, 7, 8, 9, 17])("%i rows", (m) => {
    for (const n of [1, 2, 3, 4, 5, 8, 12, 15, 27])
      check(
        `graph @g(%a: f32[${m},19], %b: f32[19,${n}]) -> f32[${m},${n}] { %0 = dot %a, %b {contract=[[1],[0]], batch=[[],[]]} : f32[${m},${n}]  return %0 }`,
      );
  });
  it.each(["f64", "i32", "u32"])("of %s", (d) => {
    check(`graph @g(%a: ${d}[9,70], %b: ${d}[70,21]) -> ${d}[9,21] { %0 = dot %a, %b {contract=[[1],[0]], batch=[[],[]]} : ${d}[9,21]  return %0 }`);
  });
  it("in all layouts, over blocks, in batches", () => {
    for (const [a, b, contract] of [
      ["13,1100", "1100,18", "[[1],[0]]"],
      ["13,1100", "18,1100", "[[1],[1]]"],
      ["1100,13", "1100,18", "[[0],[0]]"],
      ["1100,13", "18,1100", "[[0],[1]]"],
    ] as const)
      check(`graph @g(%a: f32[${a}], %b: f32[${b}]) -> f32[13,18] { %0 = dot %a, %b {contract=${contract}, batch=[[],[]]} : f32[13,18]  return %0 }`);
    check(`graph @g(%a: f32[3,10,64], %b: f32[3,64,11]) -> f32[3,10,11] { %0 = dot %a, %b {contract=[[2],[1]], batch=[[0],[0]]} : f32[3,10,11]  return %0 }`);
  });
  it("with a prologue and an epilogue", () => {
    check(`graph @g(%a: f32[13,70], %b: f32[70,21], %c: f32[21], %d: f32[13,21]) -> f32[13,21] {
      %0 = tanh %a : f32[13,70]
      %1 = dot %0, %b {contract=[[1],[0]], batch=[[],[]]} : f32[13,21]
      %2 = broadcast %c {shape=[13,21], axes=[1]} : f32[13,21]
      %3 = add %1, %2 : f32[13,21]
      %4 = tanh %3 : f32[13,21]
      %5 = add %4, %d : f32[13,21]
      return %5 }`);
  });
  it.each([16, 17, 23, 64])("%i rows by columns that are packed", (m) => {
    for (const n of [8, 9, 13, 30])
      check(
        `graph @g(%a: f32[${m},70], %b: f32[${n},70]) -> f32[${m},${n}] { %0 = dot %a, %b {contract=[[1],[1]], batch=[[],[]]} : f32[${m},${n}]  return %0 }`,
      );
  });
  it("packed in several turns of rows, over blocks, with what is computed on the way", () => {
    const packed = check(`graph @g(%a: f32[70,2100], %b: f32[13,2100], %c: f32[13]) -> f32[70,13] {
      %0 = multiply %b, %b : f32[13,2100]
      %1 = dot %a, %0 {contract=[[1],[1]], batch=[[],[]]} : f32[70,13]
      %2 = broadcast %c {shape=[70,13], axes=[1]} : f32[70,13]
      %3 = add %1, %2 : f32[70,13]
      return %3 }`);
    expect(packed.wide).toBeGreaterThan(0);
    check(`graph @g(%a: f64[3,19,64], %b: f64[3,21,64]) -> f64[3,19,21] { %0 = dot %a, %b {contract=[[2],[2]], batch=[[0],[0]]} : f64[3,19,21]  return %0 }`);
    check(
      `graph @g(%a: f32[20,6,7], %b: f32[6,7,20]) -> f32[20,20] { %0 = exp %b : f32[6,7,20]  %1 = dot %a, %0 {contract=[[1,2],[0,1]], batch=[[],[]]} : f32[20,20]  return %1 }`,
    );
  });
  it("with vectors", () => {
    check(`graph @g(%a: f32[300,1100], %b: f32[1100]) -> f32[300] { %0 = dot %a, %b {contract=[[1],[0]], batch=[[],[]]} : f32[300]  return %0 }`);
    check(`graph @g(%a: f32[1100], %b: f32[1100,300]) -> f32[300] { %0 = dot %a, %b {contract=[[0],[0]], batch=[[],[]]} : f32[300]  return %0 }`);
  });
});

describe("parts of long loops", () => {
  it.each([1 << 18, 300_000])("a sum of %i", (n) => {
    const graph = at(graphsFromText(`graph @g(%x: f32[${n}]) -> f32[] { %0 = reduce sum %x {axes=[0]} : f32[]  return %0 }`), 0);
    expect(compileGraph(graph, wide).plan.kernels.map((k) => k.name)).toEqual(["k0_sum_parts", "k0_sum"]);
    check(`graph @g(%x: f32[${n}]) -> f32[] { %0 = reduce sum %x {axes=[0]} : f32[]  return %0 }`);
  });
  it("a pair", () => {
    check(`graph @g(%x: f32[3,300000]) -> i32[3] { %0 = argmax %x {axes=[1]} : i32[3]  return %0 }`);
  });
  it("stages that need one another, and results for each element", () => {
    const graph = `graph @g(%x: f64[2,40000]) -> (f64[2,40000], f64[2]) {
      %0 = reduce max %x {axes=[1]} : f64[2]
      %1 = broadcast %0 {shape=[2,40000], axes=[0]} : f64[2,40000]
      %2 = subtract %x, %1 : f64[2,40000]
      %3 = exp %2 : f64[2,40000]
      %4 = exp %3 : f64[2,40000]
      %5 = reduce sum %4 {axes=[1]} : f64[2]
      %6 = broadcast %5 {shape=[2,40000], axes=[0]} : f64[2,40000]
      %7 = divide %4, %6 : f64[2,40000]
      return %7, %5 }`;
    // the interpreter adds up one after another
    check(graph, 8);
  });
  it("down columns: they stay columns", () => {
    const text = `graph @g(%x: f32[40000,33]) -> f32[33] { %0 = reduce sum %x {axes=[0]} : f32[33]  return %0 }`;
    const { kernels } = compileGraph(at(graphsFromText(text), 0), wide).plan;
    expect(kernels.map((k) => k.name)).toEqual(["k0_sum_parts", "k0_sum"]);
    expect(kernels.flatMap((k) => [...statements(k.body)]).filter((s) => s.kind === "local")).toEqual([]);
    check(text, 4);
    check(`graph @g(%x: f32[60000,5]) -> f32[5] { %0 = reduce sum %x {axes=[0]} : f32[5]  return %0 }`, 4);
  });
  it("of no length that can be cut", () => {
    check(`graph @g(%x: f32[262147]) -> f32[] { %0 = reduce sum %x {axes=[0]} : f32[]  return %0 }`);
  });
});

it("what is written in place still is", () => {
  const graph = at(graphsFromText(`graph @g(%x: f32[1003]) -> f32[1003] { %0 = multiply %x, %x : f32[1003]  return %0 }`), 0);
  const plan = (target: Target): number => compileGraph(graph, target, { verify: true, donated: [0] }).plan.buffers.filter((b) => b.donates !== null).length;
  expect([plan(js), plan(wide)]).toEqual([1, 1]);
});
