import { describe, expect, test } from "vitest";
import { explain, inspect, tensor } from "lazuli";
import type { Tensor } from "lazuli";
import { at } from "../../compiler/ir/errors.ts";
import { nodesOf } from "../../compiler/ir/graph.ts";
import { compileGraph, finalGraph } from "../../compiler/pipeline.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";
import { graphFromText } from "../../compiler/text.ts";
import { explanation } from "../../src/inspect/explain.ts";
import { outputsOn } from "../fusion/row.ts";
import { fusionRows } from "../fusion/rows.ts";
import { recorded } from "../recorded.ts";
import { graphDifference } from "../../src/inspect/render/difference.ts";
import { digits, duration, table, wrapped } from "../../src/inspect/render/table.ts";

/** What stands in the last column of the table, in one line each. */
function endsOf(text: string): string[] {
  const lines = text.split("\n").slice(2);
  if (lines.length === 0) return [];
  const column = at(lines, 0).indexOf("ends because");
  const ends: string[] = [];
  for (const line of lines.slice(1, lines.indexOf(""))) {
    const cell = line.slice(column);
    if (cell.startsWith(" ")) ends[ends.length - 1] += ` ${cell.trim()}`;
    else if (cell !== "") ends.push(cell);
  }
  return ends;
}

const withoutNumbers = (text: string): string => text.replaceAll(/\d[\d.]*/g, "#");

describe("explain", () => {
  test("one kernel, and why it ends", () => {
    const text = explain((x: Tensor) => x.mul(2).exp().sum(), "f32[1000]");
    expect(text).toMatch(/^1 kernel for wasm: 3,00\d operations, 4,000 bytes read, 4 written, peak 4,004 bytes, [\d.]+ [nµ]s predicted\n\n/);
    expect(text).toMatch(/\nkernel +stages +operations +bytes +predicted +writes +computes +ends because\n/);
    expect(text).toMatch(/ [\d.]+ [nµ]s +f32\[\] +multiply, exp, reduce sum; 1 view +%\d reduce sum → result\n$/);
  });

  test("every boundary has its reason, told once", () => {
    const text = explain((x: Tensor, y: Tensor) => x.matmul(y).relu().matmul(y), "f32[64,64]", "f32[64,64]");
    expect(text).toMatch(/^2 kernels/);
    const reasons = endsOf(text).filter((l) => l.includes("→ k1_dot: "));
    expect(reasons).toHaveLength(1);
    expect(at(reasons, 0)).toMatch(/^%\d \S+ → k1_dot: it would be computed 64.0 times/);
    const lines = text.split("\n").filter((l) => l.includes("→"));
    expect(new Set(lines).size).toBe(lines.length);
  });

  test.each([wasm, wgsl])("what is stored for one reader on $name is so because of another", (target) => {
    for (const row of fusionRows) {
      const { graph } = recorded(...outputsOn("cpu", row));
      const ends = endsOf(explanation(compileGraph(graph, target))).map((e) => ({ values: at(e.split(" → "), 0).split(", "), why: at(e.split(" → "), 1) }));
      const told = ends.filter(({ why }) => !why.endsWith("for another reader anyway")).flatMap(({ values }) => values);
      for (const { values, why } of ends) for (const v of values) expect(told, `${row.expression}: ${v} → ${why}`).toContain(v);
    }
  });

  test("a routine stands alone", () => {
    expect(explain((x: Tensor) => x.exp().sort().add(1), "f32[100]")).toContain("sort runs kernels of its own");
  });

  test("takes what inspect takes", () => {
    expect(explain([tensor([1]).add(1), tensor([2]).exp()], { target: "wgsl" })).toMatch(/^1 kernel for wgsl/);
  });

  test("no refusal is left out", () => {
    const graph = graphFromText(`graph @g(%x: f32[300,300]) -> (f32[300], f32[300]) {
  %0 = exp %x : f32[300,300]
  %1 = reduce sum %0 {axes=[0]} : f32[300]
  %2 = reduce sum %0 {axes=[1]} : f32[300]
  return %1, %2
}`);
    const compiled = compileGraph(graph, js);
    const text = explanation(compiled);
    const told = withoutNumbers([...endsOf(text), ...text.split("\n")].join("\n"));
    const refused = compiled.decisions.filter((d) => !d.fused);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.filter((d) => !told.includes(withoutNumbers(d.reason)))).toEqual([]);
  });

  test("refusals for one reason are told together", () => {
    const graph = graphFromText(
      `graph @g(%x: f32[4]) -> f32[4] { ${Array.from({ length: 5 }, (_, i) => `%${i} = exp ${i === 0 ? "%x" : `%${i - 1}`} : f32[4]`).join(" ")} return %4 }`,
    );
    const compiled = compileGraph(graph, js);
    const decisions = nodesOf(finalGraph(compiled))
      .filter((n) => n.op.kind !== "param")
      .map((producer, i) => ({ producer, consumer: null, fused: false, reason: `it would be computed ${i}.5 times` }));
    expect(explanation({ ...compiled, decisions })).toContain("\n  5 × it would be computed 0.5 times: %0 exp, %1 exp, %2 exp and 2 more\n");
  });

  test("what is computed again is told with the bytes that saves", () => {
    const text = explain((x: Tensor) => x.neg().sub(x.neg().max({ axis: 1, keepdims: true })), "f32[4,64]");
    expect(text).toContain("computed again\n  %0 negative: 2 times an element, 256 more operations, 3,072 bytes not moved\n");
  });

  test("times that were measured stand beside those that were predicted", async () => {
    const i = inspect((x: Tensor) => x.mul(2).exp().sum(), "f32[1000]");
    await i.measure({ runs: 2 });
    expect(i.explain()).toMatch(/predicted, [\d.]+ \S+ measured\n\nkernel +stages +operations +bytes +predicted +measured +writes/);
  });
});

describe("the difference of two graphs", () => {
  const difference = (before: string, after: string): string =>
    graphDifference(graphFromText(`graph @g(%x: f32[4], %y: f32[4]) ${before}`), graphFromText(`graph @g(%x: f32[4], %y: f32[4]) ${after}`));
  const long = (n: number): string => Array.from({ length: n }, (_, i) => `%${i + 1} = exp %${i} : f32[4]`).join(" ");

  test("of a graph and itself is empty", () => {
    const text = "-> f32[4] { %0 = add %x, %y : f32[4] return %0 }";
    expect(difference(text, text)).toBe("");
  });

  test("names what is gone by its old name, what stays by its new one", () => {
    expect(
      difference(
        "-> f32[4] { %0 = exp %x : f32[4] %1 = negative %0 : f32[4] %2 = negative %1 : f32[4] %3 = add %2, %y : f32[4] return %3 }",
        "-> f32[4] { %0 = exp %x : f32[4] %1 = add %0, %y : f32[4] return %1 }",
      ),
    ).toBe(`  %0 = exp %x : f32[4]
- %1' = negative %0 : f32[4]
- %2' = negative %1' : f32[4]
- %1 = add %2', %y : f32[4]
+ %1 = add %0, %y : f32[4]
`);
  });

  test("shows new nodes and other results", () => {
    expect(difference("-> f32[4] { return %x }", "-> f32[4] { %0 = exp %x : f32[4] return %0 }")).toBe("+ %0 = exp %x : f32[4]\n- return %x\n+ return %0\n");
  });

  test("leaves out what is far from any change", () => {
    const before = `-> (f32[4], f32[4]) { %0 = sin %x : f32[4] ${long(5)} %6 = tan %5 : f32[4] return %0, %6 }`;
    const after = `-> (f32[4], f32[4]) { %0 = cos %x : f32[4] ${long(5)} %6 = cos %5 : f32[4] return %0, %6 }`;
    expect(difference(before, after)).toBe(`- %0' = sin %x : f32[4]
+ %0 = cos %x : f32[4]
- %1 = exp %0' : f32[4]
+ %1 = exp %0 : f32[4]
  %2 = exp %1 : f32[4]
  …
  %5 = exp %4 : f32[4]
- %6' = tan %5 : f32[4]
+ %6 = cos %5 : f32[4]
- return %0', %6'
+ return %0, %6
`);
  });

  test("of large graphs that share nothing", () => {
    const chain = (op: string): string =>
      `-> f32[4] { %0 = ${op} %x : f32[4] ${Array.from({ length: 3000 }, (_, i) => `%${i + 1} = ${op} %${i} : f32[4]`).join(" ")} return %3000 }`;
    const lines = difference(chain("sin"), chain("cos")).split("\n");
    expect(lines.filter((l) => l.startsWith("- %"))).toHaveLength(3001);
    expect(lines.filter((l) => l.startsWith("+ %"))).toHaveLength(3001);
  });
});

describe("tables", () => {
  test("align", () => {
    expect(
      table(
        ["a", "number"],
        [
          ["long name", "1"],
          ["b", "12"],
        ],
        new Set([1]),
      ),
    ).toBe("a          number\nlong name       1\nb              12\n");
  });
  test.each([
    [7, "7 ns"],
    [1234, "1.23 µs"],
    [56_700_000, "56.7 ms"],
    [2e9, "2 s"],
  ])("%d nanoseconds as %s", (n, text) => {
    expect(duration(n)).toBe(text);
  });
  test("long texts stand in several lines", () => {
    expect(wrapped("one two three four", 8)).toEqual(["one two", "  three", "  four"]);
  });
  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [1234567.25, "1,234,567.3"],
  ])("%d as %s", (n, text) => {
    expect(digits(n)).toBe(text);
  });
});
