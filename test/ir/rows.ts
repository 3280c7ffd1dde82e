/** A small op table for tests of the IR, so that they do not depend on the real one. */
import { at } from "../../compiler/ir/errors.ts";
import type { Expr } from "../../compiler/ir/expr.ts";
import { s } from "../../compiler/ir/expr.ts";
import { int, ints, make, result } from "../../compiler/ir/node.ts";
import type { Node, Value } from "../../compiler/ir/node.ts";
import type { ElementwisePrimitive, Primitive, ReductionPrimitive, RoutinePrimitive } from "../../compiler/ir/primitive.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { copyOp } from "../../compiler/ops/barrier.ts";
import { elementwise } from "../../compiler/ops/define.ts";
import { constantOp, iota, param } from "../../compiler/ops/source.ts";

const first = (list: readonly Expr[]): Expr => at(list, 0);

export const add: ElementwisePrimitive = elementwise({
  name: "add",
  doc: "Sum.",
  arity: 2,
  takes: "numeric",
  scalar: ([a, b]) => s.add(first([a ?? fail()]), b ?? fail()),
  partials: "zero",
});
export const negative: ElementwisePrimitive = elementwise({
  name: "negative",
  doc: "Minus.",
  takes: "numeric",
  scalar: (args) => s.neg(first(args)),
  partials: "zero",
});

function fail(): never {
  throw new Error("a template without its operands");
}

/** An attribute of every form, `note` and `dtype` optional. */
export const everyForm: ElementwisePrimitive = {
  ...negative,
  name: "every form",
  attrs: { count: "int", scale: "number", axes: "ints", pairs: "intLists", on: "flag", "note?": "text", "dtype?": "dtype" },
};

export const reduceMax: ReductionPrimitive = {
  kind: "reduction",
  name: "reduce max",
  doc: "The largest.",
  arity: 1,
  attrs: { axes: "ints" },
  infer: ([x], attrs) => [
    tensorType(
      x?.dtype ?? fail(),
      (x?.shape ?? []).filter((_, i) => !ints(attrs, "axes").includes(i)),
    ),
  ],
  monoid: () => fail(),
  derivative: { by: "none", reason: "a row for tests" },
};

export const sort: RoutinePrimitive = {
  kind: "routine",
  routine: "sort",
  name: "sort",
  doc: "Values and positions in order.",
  arity: 1,
  attrs: { axis: "int", descending: "flag" },
  infer: ([x], attrs) => (int(attrs, "axis") < 0 ? fail() : [x ?? fail(), tensorType("int32", x?.shape ?? [])]),
  derivative: { by: "none", reason: "a row for tests" },
};

export const rows: readonly Primitive[] = [param, constantOp, iota, copyOp, add, negative, everyForm, reduceMax, sort];

export const input = (name: string, shape: readonly number[], dtype: string = "float32", space: string = "buffer"): Value =>
  make(param, [], { name, dtype, shape, space });
export const results = (node: Node): Value[] => node.results.map((_, i) => result(node, i));
