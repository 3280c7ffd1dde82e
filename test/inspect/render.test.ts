import { describe, expect, test } from "vitest";
import type { Graph } from "../../compiler/ir/graph.ts";
import { at } from "../../compiler/ir/errors.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js, wgsl } from "../../compiler/target.ts";
import { graphFromText } from "../../compiler/text.ts";
import { graphDot, graphJson, graphMermaid } from "../../src/inspect/render/graph.ts";
import { htmlPage } from "../../src/inspect/render/page.ts";
import { difference, isStage, stages, stageText } from "../../src/inspect/render/stages.ts";

const order = graphFromText(`graph @order(%x: f32[4], %"the rate": scalar f32) -> (i32[4], f32[4], f32[4]) {
  %s:2 = sort %x {axis=0, descending=false} : f32[4], i32[4]
  %r = broadcast %"the rate" {shape=[4], axes=[]} : f32[4]
  %y = multiply %s.0, %r : f32[4]
  return %s.1, %y, %x
}`);

describe("a graph", () => {
  test("as Graphviz", () => {
    expect(graphDot(order)).toBe(`digraph "order" {
  node [shape=box];
  "%x" [shape=ellipse, label="%x\\nf32[4]"];
  "%\\"the rate\\"" [shape=ellipse, label="%\\"the rate\\"\\nf32[]"];
  "%0" [label="%0 sort\\n{axis=0, descending=false}\\nf32[4], i32[4]"];
  "%1" [label="%1 broadcast\\n{shape=[4], axes=[]}\\nf32[4]"];
  "%2" [label="%2 multiply\\nf32[4]"];
  "return 0" [shape=plaintext];
  "return 1" [shape=plaintext];
  "return 2" [shape=plaintext];
  "%x" -> "%0";
  "%\\"the rate\\"" -> "%1";
  "%0" -> "%2" [label=".0 0"];
  "%1" -> "%2" [label="1"];
  "%0" -> "return 0" [label=".1"];
  "%2" -> "return 1";
  "%x" -> "return 2";
}
`);
  });

  test("as Mermaid", () => {
    expect(graphMermaid(order)).toBe(`flowchart TD
  n0(["%x<br>f32[4]"])
  n1(["%&quot;the rate&quot;<br>f32[]"])
  n2["%0 sort<br>{axis=0, descending=false}<br>f32[4], i32[4]"]
  n3["%1 broadcast<br>{shape=[4], axes=[]}<br>f32[4]"]
  n4["%2 multiply<br>f32[4]"]
  n5[["return 0"]]
  n6[["return 1"]]
  n7[["return 2"]]
  n0 --> n2
  n1 --> n3
  n2 -->|.0 0| n4
  n3 -->|1| n4
  n2 -->|.1| n5
  n4 --> n6
  n0 --> n7
`);
  });

  test("as data that survives JSON", () => {
    const json = graphJson(order);
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(json.params).toEqual([
      { name: "%x", type: "f32[4]", space: "buffer" },
      { name: '%"the rate"', type: "f32[]", space: "scalar" },
    ]);
    expect(json.nodes[0]).toEqual({ name: "%0", op: "sort", args: ["%x"], attrs: { axis: 0, descending: false }, types: ["f32[4]", "i32[4]"], site: null });
    expect(json.outputs.map((o) => o.value)).toEqual(["%0.1", "%2", "%x"]);
  });

  test.each([
    ["-0", "-0"],
    ["NaN", "NaN"],
    ["-Infinity", "-Infinity"],
    ["0.5", 0.5],
  ])("the constant %s as data", (text, value) => {
    const graph: Graph = graphFromText(`graph @c() -> f64[] { %0 = const {value=${text}, dtype=f64} : f64[] return %0 }`);
    expect(at(graphJson(graph).nodes, 0).attrs["value"]).toBe(value);
  });
});

describe("a page", () => {
  test("holds its texts escaped, and loads nothing", () => {
    const page = htmlPage("a < b", [
      { title: "graph & more", text: "%0 = less <script>", open: true },
      { title: "plan", text: "…", open: false },
    ]);
    expect(page).toContain("<title>a &lt; b</title>");
    expect(page).toContain("<details open>\n<summary>graph &amp; more</summary>\n<pre>%0 = less &lt;script&gt;</pre>\n</details>");
    expect(page).toContain("<details>\n<summary>plan</summary>");
    expect(page).not.toMatch(/<script|src=|href=/);
  });
});

describe("stages", () => {
  const graph = graphFromText(`graph @g(%x: f32[4,8]) -> f32[4] {
  %0 = add %x, %x : f32[4,8]
  %1 = reduce sum %0 {axes=[1]} : f32[4]
  return %1
}`);
  const compiled = compileGraph(graph, js);

  test.each([
    ["graph", "graph @g(%x: f32[4,8]) -> f32[4] {\n  %0 = add %x, %x : f32[4,8]\n"],
    ["passes", "; canonicalize\ngraph @g"],
    ["fuse", "  reads %x\n"],
    ["plan", "plan @g(%0) {\n  input %0: f32[4,8], 128 bytes\n"],
    ["loops", "kernel @"],
    ["source", '"use strict";\nfunction '],
  ] as const)("%s", (stage, text) => {
    expect(stageText(compiled, stage)).toContain(text);
    expect(stageText(compiled, stage)).toMatch(/[^\n]\n$/);
  });

  test("the source of wgsl", () => {
    expect(stageText(compileGraph(graph, wgsl), "source")).toContain("@compute");
  });

  test("are known by their names", () => {
    expect(stages.every(isStage)).toBe(true);
    expect(isStage("graphs")).toBe(false);
  });

  test("differ in the number of ops", () => {
    const negated = graphFromText(
      "graph @g(%x: f32[4,8]) -> f32[4] { %1 = reduce max %x {axes=[1]} : f32[4] %2 = negative %1 : f32[4] %3 = negative %2 : f32[4] return %3 }",
    );
    expect(difference(graph, negated)).toBe("-1 add, +2 negative, +1 reduce max, -1 reduce sum");
    expect(difference(graph, graph)).toBe("same ops, other order or operands");
  });
});
