/** Rows for tests of the interpreter: one of each kind, so that these tests need no op of the table. */
import { at } from "../../compiler/ir/errors.ts";
import type { DType } from "../../compiler/ir/dtype.ts";
import { argument, constant, s } from "../../compiler/ir/expr.ts";
import { asNumbers, hostArrayOf } from "../../compiler/ir/host.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { ix, subIndex, within } from "../../compiler/ir/indexing.ts";
import { int, intLists, ints, make, Node, result } from "../../compiler/ir/node.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Monoid, Primitive, ReductionPrimitive, ScatterPrimitive } from "../../compiler/ir/primitive.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { interpretValues } from "../../compiler/interpret.ts";
import { dotOp } from "../../compiler/ops/contraction.ts";

const base = { doc: "", attrs: {}, derivative: { by: "zero" } } as const;

/** Data known to the tests, by the value that stands for it. */
const known = new Map<Value, HostData>();

export function data(numbers: readonly number[], shape: Shape = [numbers.length], dtype: DType = "float32"): Value {
  const type = tensorType(dtype, shape);
  const value = result(new Node(null, [type], { tracked: false, provenance: "user" }), 0);
  known.set(value, { type, data: hostArrayOf(dtype, numbers) });
  return value;
}

export const evaluateAll = (...values: readonly Value[]): number[][] =>
  interpretValues(values, (v) => known.get(v) ?? null).map((d) => Array.from(asNumbers(d.data)));
export const evaluate = (value: Value): number[] => at(evaluateAll(value), 0);

const addRow: Primitive = {
  ...base,
  kind: "elementwise",
  name: "add",
  arity: 2,
  cost: 1,
  infer: (a) => [at(a, 0)],
  scalar: (a) => [s.add(at(a, 0), at(a, 1))],
};
export const add = (a: Value, b: Value): Value => make(addRow, [a, b]);

const sumAndProduct: Primitive = {
  ...base,
  kind: "elementwise",
  name: "sum and product",
  arity: 2,
  cost: 1,
  infer: (a) => [at(a, 0), at(a, 1)],
  scalar: (a) => [s.add(at(a, 0), at(a, 1)), s.mul(at(a, 0), at(a, 1))],
};
export const both = (a: Value, b: Value): Node => make(sumAndProduct, [a, b]).node;

const identity: Primitive = { ...base, kind: "elementwise", name: "identity", arity: 1, cost: 1, infer: (a) => [at(a, 0)], scalar: (a) => a };
export const same = (a: Value): Value => make(identity, [a]);

const iota: Primitive = {
  ...base,
  kind: "source",
  name: "iota",
  arity: 0,
  infer: (_, a) => [tensorType("int32", ints(a, "shape"))],
  element: (i, _, a) => s.mul(at(i, int(a, "axis")), 10),
};
export const tens = (shape: Shape, axis: number): Value => make(iota, [], { shape, axis });

/** Shifts right by `by`; what comes in is operand 1. */
const shiftRow: Primitive = {
  ...base,
  kind: "view",
  name: "shift",
  arity: 2,
  infer: (a) => [at(a, 0)],
  pieces: ([i = ix(0)], { attrs, shape }) => {
    const from = subIndex(i, int(attrs, "by"));
    const guard = within(from, 0, at(shape(0), 0));
    return [guard ? { operand: 0, index: [from], guard } : { operand: 0, index: [from] }, { operand: 1, index: [] }];
  },
};
export const shift = (x: Value, by: number, fill: number): Value => make(shiftRow, [x, data([fill], [])], { by });

/** x[i, index[i]], unchecked. */
const pickRow: Primitive = {
  ...base,
  kind: "gather",
  name: "pick",
  arity: 2,
  infer: ([x]) => [tensorType(x?.dtype ?? "float32", [at(x?.shape ?? [], 0)])],
  pieces: (out, { read }) => [{ operand: 0, index: [at(out, 0), read(1, out)] }],
};
export const pick = (x: Value, index: Value): Value => make(pickRow, [x, index]);

const sumMonoid = (dtype: DType): Monoid => ({
  dtypes: [dtype],
  init: [constant(0, dtype)],
  seed: (elements) => elements,
  combine: ([a = constant(0, dtype)], [b = constant(0, dtype)]) => [s.add(a, b)],
  finish: (t) => t,
  exact: false,
});

/** A pair: the largest element and where it stood. */
const argmaxMonoid = (dtype: DType): Monoid => ({
  dtypes: [dtype, "int32"],
  init: [constant(-Infinity, dtype), constant(-1, "int32")],
  seed: (elements, position) => [...elements, position],
  combine: ([av = argument(0, dtype), ai = argument(1, "int32")], [bv = argument(2, dtype), bi = argument(3, "int32")]) => {
    const better = s.gt(bv, av);
    return [s.select(better, bv, av), s.select(better, bi, ai)];
  },
  finish: ([, i]) => (i === undefined ? [] : [i]),
  exact: true,
});

const kept = (shape: Shape, axes: readonly number[]): Shape => shape.filter((_, i) => !axes.includes(i));
function reduction(name: string, dtype: (operand: DType) => DType, monoid: (d: DType) => Monoid): ReductionPrimitive {
  return {
    ...base,
    kind: "reduction",
    name,
    arity: 1,
    infer: (a, attrs) => [tensorType(dtype(at(a, 0).dtype), kept(at(a, 0).shape, ints(attrs, "axes")))],
    monoid: (t) => monoid(t.dtype),
  };
}
const sumRow = reduction("sum", (d) => d, sumMonoid);
const argmaxRow = reduction("argmax", () => "int32", argmaxMonoid);
export const sum = (x: Value, axes: readonly number[]): Value => make(sumRow, [x], { axes });
export const argmax = (x: Value, axes: readonly number[]): Value => make(argmaxRow, [x], { axes });

const cumsumRow: Primitive = { ...base, kind: "prefix", name: "cumsum", arity: 1, infer: (a) => [at(a, 0)], monoid: (t) => sumMonoid(t.dtype) };
export const cumsum = (x: Value, axis: number, reverse: "forward" | "reverse"): Value => make(cumsumRow, [x], { axis, reverse: reverse === "reverse" });

const dotRow: Primitive = {
  ...base,
  kind: "contraction",
  name: "dot",
  arity: 2,
  depth: dotOp.depth,
  factors: dotOp.factors,
  infer: ([a, b], attrs) => {
    const [left, right] = [a?.shape ?? [], b?.shape ?? []];
    const [[cl = [], cr = []], [bl = [], br = []]] = [intLists(attrs, "contract"), intLists(attrs, "batch")];
    return [tensorType(a?.dtype ?? "float32", [...bl.map((i) => at(left, i)), ...kept(left, [...cl, ...bl]), ...kept(right, [...cr, ...br])])];
  },
};
export const dot = (a: Value, b: Value, contract: readonly (readonly number[])[], batch: readonly (readonly number[])[]): Value =>
  make(dotRow, [a, b], { contract, batch });

const scatterRow = (mode: ScatterPrimitive["mode"]): Primitive => ({
  ...base,
  kind: "scatter",
  updates: 2,
  distinct: false,
  name: `scatter ${mode}`,
  arity: 3,
  mode,
  infer: (a) => [at(a, 0)],
  target: (update, { read }) => [read(1, update)],
});
export const scatter = (mode: ScatterPrimitive["mode"], x: Value, indices: Value, updates: Value): Value => make(scatterRow(mode), [x, indices, updates]);

const sortRow: Primitive = { ...base, kind: "routine", name: "sort", arity: 1, routine: "sort", infer: (a) => [at(a, 0), tensorType("int32", at(a, 0).shape)] };
export const sort = (x: Value, axis: number, order: "ascending" | "descending"): readonly Value[] =>
  make(sortRow, [x], { axis, descending: order === "descending" }).node.results;
