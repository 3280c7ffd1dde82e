import { afterEach, describe, expect, test } from "vitest";
import { array, configure, counters, evalAll, exp, grad, inspect, ones, resetCounters, softmax, tensor, UnsupportedError } from "lazuli";
import type { Tensor } from "lazuli";
import { at } from "../../compiler/ir/errors.ts";
import { parseKernel } from "../../compiler/ir/parse-loop.ts";
import { graphFromText } from "../../compiler/text.ts";
import { printGraph } from "../../compiler/ir/print.ts";

const x: Tensor = tensor(
  Float32Array.from({ length: 640 }, (_, i) => i % 7),
  { shape: [64, 10] },
);

afterEach(() => configure({ fusion: true, debug: false }));

describe("inspecting", () => {
  test("evaluates nothing, fills no slot and compiles nothing into the cache", () => {
    const y = x.mul(2).sum();
    resetCounters();
    const found = inspect(y);
    expect(found.kernels).toHaveLength(1);
    expect(y.evaluated).toBe(false);
    const { kernelsLaunched, plansCompiled, plansRun, buffersAllocated } = counters();
    expect({ kernelsLaunched, plansCompiled, plansRun, buffersAllocated }).toEqual({ kernelsLaunched: 0, plansCompiled: 0, plansRun: 0, buffersAllocated: 0 });
  });

  test("tells what evaluating then does", async () => {
    const h = x.matmul(ones([10, 4], { dtype: "float32", face: "tensor" })).relu();
    const [y, z] = [h.sum(), h.max()];
    const planned = inspect([y, z]).kernels.length;
    resetCounters();
    await evalAll(y, z);
    expect(counters().kernelsLaunched).toBe(planned);
  });

  test("what is evaluated launches nothing", () => {
    const y = x.add(1).evalSync();
    expect(inspect(y).kernels).toEqual([]);
    expect(inspect([y, x.sub(1)]).kernels).toHaveLength(1);
    expect(inspect([]).text("graph")).toContain("return");
    expect(inspect(y).explain()).toBe("0 kernels for wasm: 0 operations, 0 bytes read, 0 written, peak 0 bytes\n");
  });

  test("a handle given twice is computed once", () => {
    const y = x.add(1);
    expect(inspect([y, { again: y }]).plan.outputs).toHaveLength(1);
  });

  test("sees the settings", () => {
    const y = x.mul(2).add(1);
    expect(inspect(y).kernels).toHaveLength(1);
    configure({ fusion: false });
    expect(inspect(y).kernels.map((k) => k.nodes.length)).toEqual([1, 1, 1, 1]);
  });
});

describe("kernels", () => {
  const [kernel, ...others] = inspect(softmax(x, { axis: 1 })).kernels;
  if (kernel === undefined) throw new Error("softmax has no kernel");

  test("of softmax: one, of three stages", () => {
    expect(others).toEqual([]);
    expect(kernel.stages).toBe(3);
    expect(kernel.nodes.map((n) => n.op)).toEqual(["reduce max", "broadcast", "subtract", "exp", "reduce sum", "broadcast", "divide"]);
    expect(at(kernel.nodes, 3)).toEqual({ name: "%3", op: "exp", kind: "elementwise", types: ["f32[64,10]"], site: null });
  });

  test("name what they read and write, with bytes", () => {
    expect(kernel.inputs).toEqual([{ name: "%0", type: "f32[64,10]", bytes: 2560 }]);
    expect(kernel.outputs).toEqual([{ name: "%1", type: "f32[64,10]", bytes: 2560 }]);
    expect({ bytes: kernel.bytes, read: kernel.bytesRead, written: kernel.bytesWritten }).toEqual({ bytes: 5120, read: 2560, written: 2560 });
  });

  test("count max, subtract, exp, sum and divide of each element", () => {
    expect(kernel.operations).toBe(64 * 10 * 5);
    expect(kernel.flops).toBe(64 * 10 * 5);
  });

  test("show loops that parse and a source that is theirs alone", () => {
    expect(parseKernel(kernel.loops).name).toBe(kernel.name);
    expect(kernel.source).toMatch(/^ *\(func \(export "\w+"\) \(param \$lo i32\)/);
    expect(kernel.source.trimEnd().endsWith(")")).toBe(true);
    const [script] = inspect(softmax(x, { axis: 1 }), { target: "js" }).kernels;
    expect(script?.source).toMatch(/^function \w+\(h, in0, out0\) \{\n/);
    expect(script?.source.endsWith("\n}")).toBe(true);
  });

  test("of several: each its own source", () => {
    const { kernels } = inspect(x.matmul(x.permuteDims([1, 0])).matmul(x));
    expect(kernels.length).toBeGreaterThan(1);
    for (const k of kernels) expect(k.source).toContain(`(func (export "${k.name}")`);
    expect(new Set(kernels.map((k) => k.source)).size).toBe(kernels.length);
  });

  test("of sort", () => {
    const [only] = inspect(x.sort()).kernels;
    expect(only?.nodes.map((n) => n.op)).toEqual(["sort"]);
    expect(only?.outputs.map((o) => o.type)).toContain("f32[64,10]");
  });
});

describe("a function", () => {
  test("of handles", () => {
    expect(inspect((a: Tensor, b: Tensor) => a.add(b), x, x).kernels).toHaveLength(1);
  });

  test("of descriptions, of either face", () => {
    const product = inspect((a: Tensor, b: Tensor) => a.matmul(b).relu(), "f32[64,32]", "tensor float32[32,8]");
    expect(product.kernels.map((k) => k.outputs.map((o) => o.type))).toEqual([["f32[64,8]"]]);
    expect(inspect(exp, "array f64[3]").graph.text()).toContain("%x0: f64[3]");
    expect(inspect((a: Tensor) => a.add(1), "f32[]").graph.text()).toContain("%x0: f32[]");
  });

  test("with other arguments", () => {
    expect(inspect((a: Tensor, axis: number) => a.sum({ axis }), "f32[2,3]", 1).graph.text()).toContain("{axes=[1]}");
  });

  test("with options", () => {
    expect(inspect((a: Tensor) => a.add(1), "f32[4]", { target: "wgsl" }).text("source")).toContain("@compute");
  });

  test("that differentiates", () => {
    const slope = inspect(
      grad((a: Tensor) => a.mul(a).sum()),
      "f32[5]",
    );
    expect(slope.kernels).toHaveLength(1);
  });

  test("that gives several things", () => {
    expect(inspect((a: Tensor) => ({ sum: a.sum(), list: [a.max()] }), "f32[5]").plan.outputs).toHaveLength(2);
  });
});

describe("text", () => {
  const found = inspect(x.mul(2).sum({ axis: 1 }));

  test.each([
    ["graph", "graph @main(%x0: f32[64,10], %s0: scalar f32) -> f32[64] {\n"],
    ["passes", "; canonicalize\ngraph @main"],
    ["fuse", "kernel @"],
    ["plan", "arena 0 bytes, peak 2816 bytes\n"],
    ["loops", "kernel @"],
    ["source", "(module\n"],
  ] as const)("of %s", (stage, text) => {
    expect(found.text(stage)).toContain(text);
  });

  test("adds up", () => {
    expect(found.bytes).toBe(2560 + 256);
    expect(found.operations).toBe(64 * 10 * 2);
    expect(found.peakBytes).toBe(2816);
    expect(found.plan.kernels).toHaveLength(1);
    expect(found.decisions).toContainEqual({ producer: "%1 multiply", consumer: "%2 reduce sum", fused: true, reason: "computed where it is used" });
  });

  test("as shaders", () => {
    expect(found.wgsl()).toContain("fn main(");
    expect(() => inspect(array([1, 2]).add(1)).wgsl()).toThrow("float64");
  });
});

describe("the graph", () => {
  const { graph } = inspect(x.mul(2).sum({ axis: 1 }));

  test("parses back", () => {
    expect(`${printGraph(graphFromText(graph.text()))}\n`).toBe(graph.text());
  });

  test("in other languages", () => {
    expect(graph.dot()).toMatch(/^digraph "main" \{\n[\s\S]*"%1" -> "%2";\n[\s\S]*\}\n$/);
    expect(graph.mermaid()).toMatch(/^flowchart TD\n/);
    expect(graph.json().nodes.map((n) => n.op)).toEqual(["broadcast", "multiply", "reduce sum"]);
    expect(graph.html()).toContain("<summary>why</summary>");
  });
});

test("passes show what they changed", () => {
  const passes = inspect(x.mul(x.sub(x).add(1).sub(0))).passes;
  expect(passes.map((p) => p.name).slice(0, 2)).toEqual(["canonicalize", "simplify"]);
  expect(at(passes, 0).diff()).toBe("");
  const negated = inspect(x.neg().neg().exp()).passes;
  expect(at(negated, 1).diff()).toBe(`- %0' = negative %x0 : f32[64,10]
- %1' = negative %0' : f32[64,10]
- %0 = exp %1' : f32[64,10]
+ %0 = exp %x0 : f32[64,10]
`);
  expect(at(negated, 1).text()).toContain("%0 = exp %x0 : f32[64,10]");
});

describe("measuring", () => {
  test("times each launch, and fills nothing", async () => {
    const y = x.matmul(x.permuteDims([1, 0])).sum({ axis: 0 });
    const found = inspect(y);
    const { runs, ns, kernels } = await found.measure({ runs: 3 });
    expect(runs).toBe(3);
    expect(kernels.map((k) => k.name)).toEqual(found.kernels.map((k) => k.name));
    expect(kernels.every((k) => k.ns > 0)).toBe(true);
    expect(ns).toBeGreaterThanOrEqual(Math.max(...kernels.map((k) => k.ns)));
    expect(y.evaluated).toBe(false);
    expect(y.evalSync().shape).toEqual([64]);
  });

  test("of a description, on zeros", async () => {
    expect((await inspect(exp, "f32[100]").measure({ runs: 1 })).kernels).toHaveLength(1);
  });

  test("needs a count", async () => {
    await expect(inspect(exp, "f32[4]").measure({ runs: 0 })).rejects.toThrow("runs is a count from 1 on, not 0");
  });
});

describe("in debug mode", () => {
  test("nodes know the user's line", () => {
    configure({ debug: true });
    const y = x.neg().exp();
    const sum = y.sum();
    const { nodes } = inspect(sum).graph.json();
    const line = (i: number): number => Number(/inspect\.test\.ts:(\d+):\d+$/.exec(nodes[i]?.site ?? "")?.[1]);
    expect(nodes.map((n) => n.op)).toEqual(["negative", "exp", "reduce sum"]);
    expect([line(1) - line(0), line(2) - line(0)]).toEqual([0, 1]);
    expect(inspect(sum).graph.text()).toMatch(/%0 = negative %x0 : f32\[64,10\] {2,}; .*inspect\.test\.ts:\d+:\d+\n/);
    expect(inspect(sum).kernels.flatMap((k) => k.nodes.map((n) => n.site !== null))).toEqual([true, true, true]);
  });

  test("also what passes make of it", () => {
    configure({ debug: true });
    const last = inspect(x.neg().neg().exp()).passes.at(-1);
    expect(last?.text()).toMatch(/%0 = exp %x0 : f32\[64,10\] {2}; .*inspect\.test\.ts/);
  });

  test("else none does", () => {
    expect(
      inspect(x.exp())
        .graph.json()
        .nodes.map((n) => n.site),
    ).toEqual([null]);
  });
});

describe("what cannot be inspected", () => {
  /** As JavaScript calls it. */
  const anything = (...args: readonly unknown[]): unknown => Reflect.apply(inspect, undefined, args);
  const bad: [string, () => unknown, string][] = [
    ["a number", () => anything(3), "inspect: its argument is 3, not an array or tensor"],
    ["a list with a hole", () => inspect([x, null]), "inspect: its argument[1] is null (a gradient before backward()?)"],
    ["two handles", () => anything(x, x), "Give several handles as one list"],
    ["a function of nothing", () => anything(() => 3), "inspect: the function's result is 3"],
    ["an asynchronous function", () => anything(async () => x), "the function is asynchronous"],
    ["an unknown dtype", () => inspect(exp, "f31[4]"), "there is no dtype f31"],
    ["an unknown target", () => anything(x, { target: "metal" }), 'there is no target "metal"'],
    ["an unknown stage", () => Reflect.apply(inspect(x).text, inspect(x), ["loop"]), 'there is no stage "loop". There are graph,'],
    ["the elements of a description", () => inspect((a: Tensor) => a.mul(Number(a.item())), "f32[1]"), "f32[1] was only described"],
  ];
  test.each(bad)("%s", (_, run, message) => {
    expect(run).toThrow(UnsupportedError);
    expect(run).toThrow(message);
  });
});
