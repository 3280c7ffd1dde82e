/**
 * Rows that a grid point holds between two contractions: one kernel, the same bits in JavaScript, with vectors and in WebAssembly, and the
 * interpreter's values.
 */
import { describe, expect, it } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { hostArray } from "../../compiler/ir/host.ts";
import { statements } from "../../compiler/ir/loop.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import type { Compilation } from "../../compiler/pipeline.ts";
import { compileGraph, kernelCount } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";
import { graphsFromText } from "../../compiler/text.ts";
import { CpuDevice } from "../../runtime/cpu/device.ts";
import { expectClose } from "../filetests/close.ts";

const device = new CpuDevice();
/** The schedule for vectors, spelled in JavaScript; and WebAssembly on the heap as it is. */
const wide: Target = { ...js, vectors: true };
const real: Target = { ...wasm, sharedMemory: device.heap.memory?.buffer instanceof SharedArrayBuffer };

interface Size {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly depth: number;
  readonly width: number;
}

/** Attention with a score expression between its products: lines that make `%s` of `%d`, all of them [batch, queries, keys]. */
function attention({ batch: b, queries: m, keys: n, depth: d, width: f }: Size, score: string, dtype: string): Graph {
  const square = `${dtype}[${b},${m},${n}]`;
  return at(
    graphsFromText(`graph @g(%q: ${dtype}[${b},${m},${d}], %k: ${dtype}[${b},${n},${d}], %v: ${dtype}[${b},${n},${f}], %w: ${square}) -> ${dtype}[${b},${m},${f}] {
      %d = dot %q, %k {contract=[[2],[2]], batch=[[0],[0]]} : ${square}
      ${score.replaceAll("SQUARE", square)}
      %m = reduce max %s {axes=[2]} : ${dtype}[${b},${m}]
      %mb = broadcast %m {shape=[${b},${m},${n}], axes=[0,1]} : ${square}
      %x = subtract %s, %mb : ${square}
      %e = exp %x : ${square}
      %t = reduce sum %e {axes=[2]} : ${dtype}[${b},${m}]
      %tb = broadcast %t {shape=[${b},${m},${n}], axes=[0,1]} : ${square}
      %p = divide %e, %tb : ${square}
      %o = dot %p, %v {contract=[[2],[1]], batch=[[0],[0]]} : ${dtype}[${b},${m},${f}]
      return %o }`),
    0,
  );
}

const shifted = "%s = add %d, %w : SQUARE";
const causal = ({ batch: b, queries: m, keys: n }: Size, comparison: string, arms: readonly [string, string]): string => `
  %i = iota {shape=[${b},${m},${n}], axis=1, dtype=i32} : i32[${b},${m},${n}]
  %j = iota {shape=[${b},${m},${n}], axis=2, dtype=i32} : i32[${b},${m},${n}]
  %c = ${comparison} %j, %i : bool[${b},${m},${n}]
  %n = const {value=-1000, dtype=f32} : f32[]
  %l = broadcast %n {shape=[${b},${m},${n}], axes=[]} : SQUARE
  %s = where %c, ${arms.join(", ")} : SQUARE`;

function numbers(graph: Graph): HostData[] {
  let state = 7;
  return graph.params.map(({ type }): HostData => {
    const data = hostArray(type.dtype, sizeOf(type.shape));
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[i] = state / 2 ** 31 - 1;
    }
    return { type, data };
  });
}

function run(graph: Graph, inputs: readonly HostData[], target: Target): { readonly outputs: readonly HostData[]; readonly compilation: Compilation } {
  const compilation = compileGraph(graph, target, { verify: true });
  const buffers = inputs.map((d) => device.upload(d.data, d.type));
  const outputs = device.run(device.prepare(compilation.compiled), buffers, []);
  return { outputs: outputs.map((o, i) => ({ type: at(graph.outputs, i).type, data: device.readSync(o) })), compilation };
}

/** Runs it on all of them; the kernel with vectors. */
function check(graph: Graph): Compilation {
  const inputs = numbers(graph);
  const [vectors, plain, bytes] = [run(graph, inputs, wide), run(graph, inputs, js), run(graph, inputs, real)];
  expect(kernelCount(vectors.compilation.plan)).toBe(1);
  const { data } = at(plain.outputs, 0);
  expect(at(vectors.outputs, 0).data).toEqual(data);
  expect(at(bytes.outputs, 0).data).toEqual(data);
  expectClose(plain.outputs, interpretGraph(graph, inputs), "against the interpreter", 4);
  return vectors.compilation;
}

const kinds = ({ plan }: Compilation): string[] => plan.kernels.flatMap((k) => [...statements(k.body)]).map((s) => (s.kind === "for" ? s.axis.kind : s.kind));

const usual: Size = { batch: 3, queries: 24, keys: 16, depth: 8, width: 8 };

describe("values and bits", () => {
  it.each([
    usual,
    { batch: 2, queries: 37, keys: 29, depth: 13, width: 11 },
    { batch: 5, queries: 9, keys: 6, depth: 3, width: 5 },
    { batch: 16, queries: 5, keys: 21, depth: 4, width: 6 },
    { batch: 1, queries: 33, keys: 600, depth: 16, width: 9 },
  ])("batch $batch, $queries queries, $keys keys, $depth deep, $width wide", (size) => {
    expect(kinds(check(attention(size, shifted, "f32")))).toContain("vector");
  });

  it("of f64", () => {
    check(attention({ ...usual, queries: 21, keys: 19 }, shifted, "f64"));
  });

  it.each([
    ["less equal", ["%d", "%l"]],
    ["less", ["%d", "%l"]],
    ["greater", ["%l", "%d"]],
    ["greater equal", ["%l", "%d"]],
  ] as const)("%s chooses among %s: what is masked is not computed", (comparison, arms) => {
    const size: Size = { batch: 2, queries: 32, keys: 32, depth: 8, width: 8 };
    expect(kinds(check(attention(size, causal(size, comparison, arms), "f32")))).toContain("if");
    expect(kinds(check(attention(size, shifted, "f32")))).not.toContain("if");
    const odd: Size = { batch: 2, queries: 29, keys: 35, depth: 8, width: 8 };
    check(attention(odd, causal(odd, comparison, arms), "f32"));
  });
});

/** A mask of -inf where `comparison` of key and query plus `shift` is false. */
const masked = ({ batch: b, queries: m, keys: n }: Size, comparison: string, shift: number): string => `
  %i = iota {shape=[${b},${m},${n}], axis=1, dtype=i32} : i32[${b},${m},${n}]
  %j = iota {shape=[${b},${m},${n}], axis=2, dtype=i32} : i32[${b},${m},${n}]
  %h = const {value=${shift}, dtype=i32} : i32[]
  %hb = broadcast %h {shape=[${b},${m},${n}], axes=[]} : i32[${b},${m},${n}]
  %ih = add %i, %hb : i32[${b},${m},${n}]
  %c = ${comparison} %j, %ih : bool[${b},${m},${n}]
  %n = const {value=-Infinity, dtype=f32} : f32[]
  %l = broadcast %n {shape=[${b},${m},${n}], axes=[]} : SQUARE
  %a = add %d, %w : SQUARE
  %s = where %c, %a, %l : SQUARE`;

describe("rows that are taken a block at a time", () => {
  const long: Size = { batch: 2, queries: 24, keys: 1600, depth: 8, width: 12 };
  const carries = ({ plan }: Compilation): number => plan.kernels.flatMap((k) => statements(k.body)).filter((s) => s.kind === "carry").length;

  it.each([long, { ...long, keys: 1281 }, { ...long, keys: 9001, queries: 9, batch: 1 }, { ...long, queries: 5, keys: 1030 }])(
    "batch $batch, $queries queries, $keys keys",
    (size) => {
      expect(carries(check(attention(size, shifted, "f32")))).toBeGreaterThan(0);
    },
  );

  it("of f64", () => {
    check(attention({ ...long, keys: 700 }, shifted, "f64"));
  });

  it.each([
    ["less equal", 900],
    ["less equal", 0],
    ["greater", 700],
    ["greater equal", 1590],
  ] as const)("where the key is %s the query and %i: nothing of most blocks is needed, or of the first ones", (comparison, shift) => {
    const score = masked(long, comparison, shift);
    check(attention(long, score, "f32"));
  });

  it("masks that a block cannot be asked for, as by a remainder", () => {
    const remainder = masked(long, "less equal", 900)
      .replace(
        "%a = add",
        `%z = const {value=91, dtype=i32} : i32[]
      %zb = broadcast %z {shape=[2,24,1600], axes=[]} : i32[2,24,1600]
      %jr = remainder trunc %j, %zb : i32[2,24,1600]
      %cr = less equal %jr, %ih : bool[2,24,1600]
      %a = add`,
      )
      .replace("where %c", "where %cr");
    check(attention(long, remainder, "f32"));
  });

  it("a row of which nothing is needed is NaN, as it is without blocks", () => {
    const graph = attention(long, masked(long, "less", 0), "f32");
    const [out] = run(graph, numbers(graph), js).outputs;
    const data = [...(out?.data ?? [])].map(Number);
    expect(data.slice(0, long.width).every(Number.isNaN)).toBe(true);
    expect(data.slice(long.width, 24 * long.width).some(Number.isNaN)).toBe(false);
  });

  it("scores that grow from block to block, and such as exp has no number for", () => {
    const rising = `%j = iota {shape=[2,24,1600], axis=2, dtype=f32} : SQUARE
      %f = const {value=0.7, dtype=f32} : f32[]
      %fb = broadcast %f {shape=[2,24,1600], axes=[]} : SQUARE
      %jf = multiply %j, %fb : SQUARE
      %s = add %d, %jf : SQUARE`;
    check(attention(long, rising, "f32"));
    check(attention(long, rising.replace("add %d", "subtract %d"), "f32"));
  });
});

describe("scratch", () => {
  it("rows that follow one another take one place", () => {
    for (const target of [js, wgsl]) {
      const { lowered } = compileGraph(attention(usual, shifted, "f32"), target);
      const locals = lowered.flatMap((k) => [...statements(k.body)]).filter((s) => s.kind === "local");
      expect(locals.map((l) => l.size)).toEqual([usual.keys]);
    }
  });
});

it("takes single queries, each with keys of its own, as sums", () => {
  const { plan, decisions } = compileGraph(attention({ ...usual, batch: 64, queries: 1 }, shifted, "f32"), js);
  expect(kernelCount(plan)).toBe(1);
  expect(decisions.map((d) => d.reason)).toContain("neighbouring rows walk over operands of their own");
});

describe("what stays apart", () => {
  const refusals = (size: Size, target: Target, score = shifted): readonly string[] => {
    const { plan, decisions } = compileGraph(attention(size, score, "f32"), target);
    expect(kernelCount(plan)).toBeGreaterThan(2);
    return decisions.filter((d) => !d.fused).map((d) => d.reason);
  };
  it("rows that scratch has no room for, where a sum of them is needed before the next", () => {
    const centred = `%u = reduce sum %d {axes=[2]} : f32[3,24]
      %ub = broadcast %u {shape=[3,24,5000], axes=[0,1]} : SQUARE
      %s = subtract %d, %ub : SQUARE`;
    expect(refusals({ ...usual, keys: 5000 }, wgsl, centred)).toContain(
      "its rows take more than 15360 bytes of scratch, and cannot be taken a block at a time",
    );
  });
  it("rows that are not held after all are stored once, not computed twice", () => {
    const centred = `%u = reduce sum %d {axes=[2]} : f32[3,24]
      %ub = broadcast %u {shape=[3,24,70000], axes=[0,1]} : SQUARE
      %s = subtract %d, %ub : SQUARE`;
    expect(refusals({ ...usual, keys: 70000 }, js, centred).join("\n")).toContain("it would be computed 2.0 times");
  });
  it("walks over more than the caches hold", () => {
    expect(refusals({ ...usual, queries: 256, keys: 8000, depth: 512, width: 600 }, js)).toContain(
      "each row would walk over 35584000 bytes again, which leave the caches",
    );
  });
  it("products with nothing between them that waits for a row", () => {
    const text = `graph @g(%x: f32[256,16], %w: f32[16,32], %u: f32[32,16]) -> f32[256,16] {
      %h = dot %x, %w {contract=[[1],[0]], batch=[[],[]]} : f32[256,32]
      %t = tanh %h : f32[256,32]
      %o = dot %t, %u {contract=[[1],[0]], batch=[[],[]]} : f32[256,16]
      return %o }`;
    for (const target of [js, wgsl]) expect(kernelCount(compileGraph(at(graphsFromText(text), 0), target).plan)).toBe(2);
  });
});
