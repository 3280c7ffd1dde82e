import { describe, expect, test } from "vitest";
import { at, CompilerBug } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { Attrs, Value } from "../../compiler/ir/node.ts";
import { make, Node } from "../../compiler/ir/node.ts";
import type { Primitive } from "../../compiler/ir/primitive.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { verifyGraph } from "../../compiler/ir/verify.ts";
import { param } from "../../compiler/ops/source.ts";
import { add, everyForm, input, negative, reduceMax } from "./rows.ts";

const x = input("x", [2, 3]);

/** A node as no builder makes it. */
function forged(op: Primitive, args: readonly Value[], attrs: Attrs, type: TensorType): Value {
  return at(new Node({ op, args, attrs }, [type], { tracked: false, provenance: "compiler" }).results, 0);
}
const returning = (...outputs: readonly Value[]): Graph => ({ name: "g", params: [x], outputs });

describe("verifyGraph", () => {
  test("accepts what builders make, with shared operands and unused params", () => {
    const y = make(add, [x, x]);
    verifyGraph({ name: "g", params: [x, input("lr", [], "float32", "scalar")], outputs: [make(add, [y, y]), y, x] });
    expect(() => verifyGraph(returning(y))).not.toThrow();
  });

  test("accepts a chain of 100,000 nodes", () => {
    let y = x;
    for (let i = 0; i < 100_000; i++) y = make(negative, [y]);
    expect(() => verifyGraph(returning(y))).not.toThrow();
  });

  const other = input("other", [2, 3]);
  const loop = forged(negative, [x], {}, x.type);
  loop.node.definition = { op: add, args: [x, loop], attrs: {} };
  loop.node.op = add;
  const data = at(new Node(null, [x.type], { tracked: false, provenance: "user" }).results, 0);
  const types = at(new Node({ op: negative, args: [x], attrs: {} }, [tensorType("float64", [2, 3])], { tracked: false, provenance: "compiler" }).results, 0);
  const broken: readonly (readonly [string, Graph, string])[] = [
    ["a free param", returning(make(add, [other, x])), 'param() {name="other", dtype=f32, shape=[2,3], space="buffer"} : f32[2,3] is no param of the graph'],
    ["a cycle", returning(loop), "add(f32[2,3], f32[2,3]) : f32[2,3] depends on itself"],
    ["data inside", returning(make(negative, [data])), "negative(f32[2,3]) : f32[2,3] uses a value that holds data and is no param"],
    ["data returned", returning(data), "an output (f32[2,3]) holds data and is no param"],
    ["a wrong dtype", returning(types), "negative(f32[2,3]) : f64[2,3]: the row infers f32[2,3]"],
    [
      "a type that the row refuses",
      returning(forged(add, [x, make(reduceMax, [x], { axes: [0] })], {}, x.type)),
      "add(f32[2,3], f32[3]) : f32[2,3]: add: operands differ in shape",
    ],
    ["operands too few", returning(forged(add, [x], {}, x.type)), "add(f32[2,3]) : f32[2,3]: add takes 2 operands, has 1"],
    ["an attribute missing", returning(forged(reduceMax, [x], {}, tensorType("float32", []))), "attribute axes is missing"],
    ["an attribute too many", returning(forged(negative, [x], { axis: 1 }, x.type)), "negative has no attribute axis"],
    ["an attribute of another form", returning(forged(reduceMax, [x], { axes: [0.5] }, x.type)), "attribute axes should be a list of integers"],
    [
      "an optional attribute of another form",
      returning(forged(everyForm, [x], { count: 1, scale: 1, axes: [], pairs: [], on: true, dtype: "float" }, x.type)),
      "attribute dtype should be a dtype",
    ],
    ["a param listed twice", { name: "g", params: [x, x], outputs: [] }, "param x is listed twice"],
    ["two params of one name", { name: "g", params: [x, input("x", [1])], outputs: [] }, "there are two params x"],
    ["a param that is none", { name: "g", params: [make(negative, [x])], outputs: [] }, "a param (f32[2,3]) is no result of a param node"],
    ["a scalar with axes", { name: "g", params: [input("lr", [1], "float32", "scalar")], outputs: [] }, "param lr is a scalar of shape f32[1]"],
    [
      "a param of no space",
      { name: "g", params: [make(param, [], { name: "p", dtype: "bool", shape: [], space: "disk" })], outputs: [] },
      "space should be buffer or scalar, not disk",
    ],
  ];
  for (const [name, graph, message] of broken) {
    test(`rejects ${name}`, () => {
      expect(() => verifyGraph(graph)).toThrow(CompilerBug);
      expect(() => verifyGraph(graph)).toThrow(`verify graph @g: `);
      expect(() => verifyGraph(graph)).toThrow(message);
    });
  }
});
