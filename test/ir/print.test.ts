import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { nodesOf } from "../../compiler/ir/graph.ts";
import type { Node, Value } from "../../compiler/ir/node.ts";
import { make, makeNode, Node as NodeClass } from "../../compiler/ir/node.ts";
import { parseGraph, parseGraphs } from "../../compiler/ir/parse.ts";
import { printGraph, printGraphs } from "../../compiler/ir/print.ts";
import { sameType, tensorType } from "../../compiler/ir/shape.ts";
import { constantOp } from "../../compiler/ops/source.ts";
import { add, everyForm, input, negative, reduceMax, results, rows, sort } from "./rows.ts";

const x = input("x", [2, 3]);
const rate = input("lr", [], "float32", "scalar");

/** Both graphs have equal nodes in one order; data and identity aside. */
function expectSameStructure(a: Graph, b: Graph): void {
  const [xs, ys] = [nodesOf(a), nodesOf(b)];
  expect(ys.length).toBe(xs.length);
  const place = (nodes: readonly Node[], v: Value): string => `${nodes.indexOf(v.node)}.${v.index}`;
  xs.forEach((n, i) => {
    const m = at(ys, i);
    expect(m.op).toBe(n.op);
    expect(m.attrs).toEqual(n.attrs);
    expect(m.provenance).toBe(n.provenance);
    expect(m.args.map((v) => place(ys, v))).toEqual(n.args.map((v) => place(xs, v)));
    expect(n.results.every((r, k) => sameType(r.type, at(m.results, k).type))).toBe(true);
  });
  expect(b.outputs.map((v) => place(ys, v))).toEqual(a.outputs.map((v) => place(xs, v)));
}

describe("printGraph", () => {
  test("reads as in the design", () => {
    const sum = make(add, [x, x]);
    const largest = make(reduceMax, [sum], { axes: [0, 1] });
    const graph: Graph = { name: "loss", params: [x, rate], outputs: [make(add, [largest, rate])] };
    expect(printGraph(graph)).toBe(`graph @loss(%x: f32[2,3], %lr: scalar f32) -> f32[] {
  %0 = add %x, %x : f32[2,3]
  %1 = reduce max %0 {axes=[0,1]} : f32[]
  %2 = add %1, %lr : f32[]
  return %2
}`);
  });

  test("several results, several outputs, an unused param", () => {
    const [values, positions] = results(makeNode(sort, [x], { axis: 1, descending: false }));
    if (values === undefined || positions === undefined) throw new Error("sort has two results");
    expect(printGraph({ name: "g", params: [rate, x], outputs: [positions, values] })).toBe(`graph @g(%lr: scalar f32, %x: f32[2,3]) -> (i32[2,3], f32[2,3]) {
  %0:2 = sort %x {axis=1, descending=false} : f32[2,3], i32[2,3]
  return %0.1, %0.0
}`);
  });

  test("no outputs", () => {
    const text = "graph @nothing() -> () {\n  return\n}";
    expect(printGraph(parseGraph(text, rows))).toBe(text);
  });

  test("attributes of every form, in the schema's order", () => {
    const y = make(everyForm, [x], { dtype: "float64", on: true, pairs: [[1], []], axes: [], scale: -0, count: -3, note: 'a "b"\n; c' });
    expect(printGraph({ name: "g", params: [x], outputs: [y] })).toContain(
      `every form %x {count=-3, scale=-0, axes=[], pairs=[[1],[]], on=true, note="a \\"b\\"\\n; c", dtype=f64}`,
    );
  });

  test("a constant that the user passed is marked", () => {
    const c = make(constantOp, [], { value: 0.5, dtype: "float32" }, "user");
    expect(printGraph({ name: "g", params: [], outputs: [c] })).toContain("%0 = const {value=0.5, dtype=f32} : f32[] user\n");
  });

  test("names that are no identifiers are quoted, taken ones numbered", () => {
    const graph: Graph = { name: "two words", params: [input("0", [1]), input("a b", [1]), x, input("x", [1])], outputs: [] };
    expect(printGraph(graph)).toBe('graph @"two words"(%"0": f32[1], %"a b": f32[1], %x: f32[2,3], %x_1: f32[1]) -> () {\n  return\n}');
  });

  test("nodes that hold data print as params", () => {
    const leaf = new NodeClass(null, [tensorType("int32", [4])], { tracked: false, provenance: "user" }).results;
    const y = make(add, [at(leaf, 0), at(leaf, 0)]);
    expect(printGraph({ name: "g", params: [], outputs: [y] })).toBe("graph @g(%data: i32[4]) -> i32[4] {\n  %0 = add %data, %data : i32[4]\n  return %0\n}");
  });

  test("a chain of 100,000 nodes prints and parses back", () => {
    let y = x;
    for (let i = 0; i < 100_000; i++) y = make(negative, [y]);
    const text = printGraph({ name: "deep", params: [x], outputs: [y] });
    expect(printGraph(parseGraph(text, rows))).toBe(text);
  });
});

describe("round trip", () => {
  for (const value of [0, -0, 1e-7, 1e21, 5e-324, 0.1, NaN, Infinity, -Infinity, -2147483648]) {
    test(`the number ${Object.is(value, -0) ? "-0" : value}`, () => {
      const text = printGraph({ name: "g", params: [], outputs: [make(constantOp, [], { value, dtype: "float64" })] });
      expect(at(parseGraph(text, rows).outputs, 0).node.attrs["value"]).toBe(value);
    });
  }

  test("several graphs in one text, with comments and a version", () => {
    const texts = ["graph @a() -> () {\n  return\n}", "graph @b(%x: bool[0]) -> bool[0] {\n  return %x\n}"];
    const parsed = parseGraphs(`; two graphs\nversion 1\n${texts.join(" ; between\n")} ; the end`, rows);
    expect(parsed.map(printGraph)).toEqual(texts);
    expect(printGraphs(parsed)).toBe(`${texts.join("\n\n")}\n`);
  });

  /** One random op on values made before; operands are chosen by number. */
  const grow = (values: readonly Value[], [op, a, b, count, user]: readonly [number, number, number, number, boolean]): readonly Value[] => {
    const u = at(values, a % values.length);
    const v = at(values, b % values.length);
    switch (op) {
      case 0:
        return [make(constantOp, [], { value: count / 3, dtype: "float32" }, user ? "user" : "compiler")];
      case 1:
        return sameType(u.type, v.type) ? [make(add, [u, v])] : [make(negative, [u])];
      case 2:
        return u.shape.length > 0 ? [make(reduceMax, [u], { axes: [count % u.shape.length] })] : [];
      case 3:
        return results(makeNode(sort, [u], { axis: 0, descending: user }));
      default:
        return [make(everyForm, [u], { count, scale: 1 / count, axes: [a, b], pairs: [[], [a]], on: user, ...(user ? { note: String(b) } : {}) })];
    }
  };

  test("of random graphs gives the same text and the same structure", () => {
    const step = fc.tuple(fc.nat(4), fc.nat(20), fc.nat(20), fc.integer(), fc.boolean());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.array(fc.nat(20), { maxLength: 3 }), (steps, picks) => {
        const params = [input("x", [2, 3]), input("n", [4], "int32"), rate];
        const values: Value[] = [...params];
        for (const step of steps) values.push(...grow(values, step));
        const graph: Graph = { name: "g", params, outputs: picks.map((p) => at(values, values.length - 1 - (p % values.length))) };
        const text = printGraph(graph);
        const parsed = parseGraph(text, rows);
        expect(printGraph(parsed)).toBe(text);
        expectSameStructure(graph, parsed);
      }),
    );
  });
});
