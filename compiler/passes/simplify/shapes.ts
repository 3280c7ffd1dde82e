/** Laws of views and reductions. */
import type { DType, Numeric } from "../../ir/dtype.ts";
import { isBool } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Definition, Value } from "../../ir/node.ts";
import { flag, int, ints, make } from "../../ir/node.ts";
import { sameShape, sizeOf } from "../../ir/shape.ts";
import { cast, castOp } from "../../ops/arithmetic.ts";
import * as layout from "../../ops/layout.ts";
import { prefixProd, prefixSum } from "../../ops/prefix.ts";
import { reduceFirstMaxOp, reduceMax, reduceMaxOp, reduceMin, reduceMinOp } from "../../ops/reductions.ts";
import { constantValue } from "../../ops/source.ts";
import * as views from "../../ops/views.ts";
import { constantOf } from "../storage.ts";
import type { Rule } from "./rule.ts";
import { definedBy, holdsAll, rule } from "./rule.ts";

const some: readonly DType[] = ["float32", "int32"];
const everyAxis = (x: Value): number[] => x.shape.map((_, i) => i);
const reversed = (x: Value): number[] => everyAxis(x).reverse();
/** No row of a value. */
const nothingOf = (x: Value): Value => make(views.sliceOp, [x], { start: x.shape.map(() => 0), size: x.shape.with(0, 0), step: x.shape.map(() => 1) });

// a view of a view of the same kind is one view
const compositions: readonly Rule[] = [
  rule({
    name: "reshape(reshape(x)) -> reshape(x)",
    of: [layout.reshapeOp],
    dtypes: some,
    examples: (x) => [make(layout.reshapeOp, [make(layout.reshapeOp, [x], { shape: [sizeOf(x.shape)] })], { shape: [1, sizeOf(x.shape)] })],
    rewrite: ({ args, attrs }) => {
      const inner = definedBy(at(args, 0), layout.reshapeOp);
      return inner === null ? null : layout.reshape(at(inner.args, 0), ints(attrs, "shape"));
    },
  }),
  rule({
    name: "permute(permute(x)) -> permute(x)",
    of: [layout.permuteOp],
    dtypes: some,
    examples: (x) => [make(layout.permuteOp, [make(layout.permuteOp, [x], { axes: reversed(x) })], { axes: reversed(x) })],
    rewrite: ({ args, attrs }) => {
      const inner = definedBy(at(args, 0), layout.permuteOp);
      if (inner === null) return null;
      const first = ints(inner.attrs, "axes");
      return layout.permute(
        at(inner.args, 0),
        ints(attrs, "axes").map((a) => at(first, a)),
      );
    },
  }),
  rule({
    name: "broadcast(broadcast(x)) -> broadcast(x)",
    of: [layout.broadcastOp],
    dtypes: some,
    examples: (x) => [
      layout.broadcast(
        layout.broadcast(
          x,
          [2, ...x.shape],
          everyAxis(x).map((a) => a + 1),
        ),
        [3, 2, ...x.shape],
        [0, ...everyAxis(x).map((a) => a + 1)].map((a) => a + 1),
      ),
    ],
    rewrite: ({ args, attrs }) => {
      const inner = definedBy(at(args, 0), layout.broadcastOp);
      if (inner === null) return null;
      const outer = ints(attrs, "axes");
      return layout.broadcast(
        at(inner.args, 0),
        ints(attrs, "shape"),
        ints(inner.attrs, "axes").map((a) => at(outer, a)),
      );
    },
  }),
  rule({
    name: "flip(flip(x)) -> x",
    of: [views.flipOp],
    dtypes: some,
    examples: (x) => [views.flip(views.flip(x, everyAxis(x)), everyAxis(x))],
    rewrite: ({ args, attrs }) => {
      const inner = definedBy(at(args, 0), views.flipOp);
      const sameAxes = inner !== null && sameShape(ints(inner.attrs, "axes"), ints(attrs, "axes"));
      return inner !== null && sameAxes ? at(inner.args, 0) : null;
    },
  }),
];

// a view that changes nothing is its operand
const identities: readonly Rule[] = [
  rule({
    name: "reshape(x) -> x, same shape",
    of: [layout.reshapeOp],
    dtypes: some,
    examples: (x) => [make(layout.reshapeOp, [x], { shape: [...x.shape] })],
    rewrite: ({ args }, x) => (sameShape(at(args, 0).shape, x.shape) ? at(args, 0) : null),
  }),
  rule({
    name: "permute(x) -> x, axes in order",
    of: [layout.permuteOp],
    dtypes: some,
    examples: (x) => [make(layout.permuteOp, [x], { axes: everyAxis(x) })],
    rewrite: ({ args, attrs }) => (ints(attrs, "axes").every((a, i) => a === i) ? at(args, 0) : null),
  }),
  rule({
    name: "broadcast(x) -> x, same shape",
    of: [layout.broadcastOp],
    dtypes: some,
    examples: (x) => [make(layout.broadcastOp, [x], { shape: [...x.shape], axes: everyAxis(x) })],
    rewrite: ({ args }, x) => (sameShape(at(args, 0).shape, x.shape) ? at(args, 0) : null),
  }),
  rule({
    name: "slice(x) -> x, everything",
    of: [views.sliceOp],
    dtypes: some,
    examples: (x) => [make(views.sliceOp, [x], { start: x.shape.map(() => 0), size: [...x.shape], step: x.shape.map(() => 1) })],
    rewrite: ({ args }, x) => (sameShape(at(args, 0).shape, x.shape) ? at(args, 0) : null),
  }),
  rule({
    name: "pad(x) -> x, by nothing",
    of: [views.padOp],
    dtypes: some,
    examples: (x) => [
      make(views.padOp, [x, layout.fill(0, { dtype: x.dtype, shape: [] })], {
        low: x.shape.map(() => 0),
        high: x.shape.map(() => 0),
        interior: x.shape.map(() => 0),
      }),
    ],
    rewrite: ({ args }, x) => (sameShape(at(args, 0).shape, x.shape) ? at(args, 0) : null),
  }),
  rule({
    name: "pad(nothing, value) -> broadcast value",
    of: [views.padOp],
    dtypes: some,
    examples: (x) => [
      views.pad(
        nothingOf(x),
        3,
        x.shape.map(() => 1),
        x.shape.map(() => 2),
      ),
    ],
    rewrite: ({ args }, x) => (sizeOf(at(args, 0).shape) === 0 ? layout.broadcast(at(args, 1), x.shape, []) : null),
  }),
  rule({
    name: "dynamic update(x, nothing) -> x",
    of: [views.dynamicUpdateOp],
    dtypes: some,
    examples: (x) => [make(views.dynamicUpdateOp, [x, nothingOf(x), constantValue(1, "int32")], { axes: [0], steps: [1] })],
    rewrite: ({ args }) => (sizeOf(at(args, 1).shape) === 0 ? at(args, 0) : null),
  }),
  rule({
    name: "concat([x]) -> x",
    of: [views.concatOp],
    dtypes: some,
    examples: (x) => [make(views.concatOp, [x], { axis: 0 })],
    rewrite: ({ args }) => (args.length === 1 ? at(args, 0) : null),
  }),
  rule({
    name: "concat([x, nothing, y]) -> concat([x, y])",
    of: [views.concatOp],
    dtypes: some,
    examples: (x) => [make(views.concatOp, [x, nothingOf(x)], { axis: 0 })],
    rewrite: ({ args, attrs }) => {
      const filled = args.filter((v) => sizeOf(v.shape) > 0);
      return filled.length === 0 || filled.length === args.length ? null : views.concat(filled, int(attrs, "axis"));
    },
  }),
  rule({
    name: "dynamic update(x, y) -> y, all of x",
    of: [views.dynamicUpdateOp],
    dtypes: some,
    examples: (x, y) => [make(views.dynamicUpdateOp, [x, y, constantValue(3, "int32")], { axes: [0], steps: [1] })],
    rewrite: ({ args }, x) => (sameShape(at(args, 1).shape, x.shape) ? at(args, 1) : null),
  }),
];

/** Where a part of operand 0 lies whose starts are constants; null where they are not. */
function placeOf({ args, attrs }: Definition, size: readonly number[], starts: readonly Value[]): views.Place | null {
  const [axes, steps, whole] = [ints(attrs, "axes"), ints(attrs, "steps"), at(args, 0).shape];
  const [start, step] = [whole.map(() => 0), whole.map(() => 1)];
  for (const [k, axis] of axes.entries()) {
    const value = constantOf(at(starts, k));
    if (value === null) return null;
    const last = at(whole, axis) - views.span(at(size, axis), at(steps, k));
    start[axis] = Math.min(Math.max(Number(value), 0), last);
    step[axis] = at(steps, k);
  }
  return { start, step };
}

/** Five rows of zeros, as long as those of a value. */
const zeros = (x: Value): Value => layout.fill(0, { dtype: x.dtype, shape: [5, ...x.shape.slice(1)] });

// what is known to be at a place is moved there
const places: readonly Rule[] = [
  rule({
    name: "dynamic slice(x, constants) -> slice(x)",
    of: [views.dynamicSliceOp],
    dtypes: some,
    examples: (x) => [views.dynamicSlice(x, [0], [constantValue(1, "int32")], [1]), views.dynamicSlice(x, [0], [constantValue(99, "int32")], [1])],
    rewrite: (node, x) => {
      const place = placeOf(node, x.shape, node.args.slice(1));
      return place === null ? null : views.slice(at(node.args, 0), place.start, x.shape, place.step);
    },
  }),
  rule({
    name: "dynamic update(constant, x, constants) -> pad(x)",
    of: [views.dynamicUpdateOp],
    dtypes: some,
    examples: (x) => {
      const row = layout.reshape(reduceMax(x, [0]), [1, ...x.shape.slice(1)]);
      const starts = (n: number): Value[] => [constantValue(n, "int32")];
      return [views.dynamicUpdate(zeros(x), row, [0], starts(2)), views.dynamicUpdate(zeros(x), views.concat([row, row], 0), [0], starts(9), [3])];
    },
    rewrite: (node, x) => {
      const [same, part] = [constantOf(at(node.args, 0)), at(node.args, 1)];
      const place = same === null ? null : placeOf(node, part.shape, node.args.slice(2));
      return same === null || place === null ? null : views.padTo(x.shape, part, layout.fill(same, { dtype: x.dtype, shape: [] }), place);
    },
  }),
];

/** A view with one operand that is one constant everywhere. */
const ofConstant = (node: Definition): Numeric | null => (node.op.kind === "view" && node.args.length === 1 ? constantOf(at(node.args, 0)) : null);

const constants: readonly Rule[] = [
  rule({
    name: "view(constant) -> broadcast constant",
    of: ["view"],
    dtypes: some,
    examples: (x) => [make(layout.permuteOp, [layout.fill(3, x.type)], { axes: reversed(x) })],
    rewrite: (node, x) => {
      const value = node.op === layout.broadcastOp ? null : ofConstant(node);
      return value === null ? null : layout.fill(value, x.type);
    },
  }),
];

/** The place of a running value whose other end it would start from, seen from there: flip, run, flip. */
const turned: readonly Rule[] = [
  rule({
    name: "flip(prefix(flip(x))) -> prefix from the other end",
    of: [views.flipOp],
    dtypes: some,
    examples: (x) => [views.flip(prefixSum(views.flip(x, [1]), 1), [1]), views.flip(prefixProd(views.flip(x, [1]), 1, "reverse"), [1])],
    rewrite: ({ args, attrs }) => {
      const run = at(args, 0).node;
      if (run.op.kind !== "prefix" || run.args.length > 1 || run.results.length > 1) return null;
      const axis = int(run.attrs, "axis");
      const inner = definedBy(at(run.args, 0), views.flipOp);
      const isAlong = (list: readonly number[]): boolean => list.length === 1 && list[0] === axis;
      if (inner === null || !isAlong(ints(attrs, "axes")) || !isAlong(ints(inner.attrs, "axes"))) return null;
      return make(run.op, [at(inner.args, 0)], { ...run.attrs, reverse: !flag(run.attrs, "reverse") });
    },
  }),
];

// one reduction over the axes of two; only where regrouping keeps every bit
const reductions: readonly Rule[] = [
  rule({
    name: "reduce(reduce(x)) -> reduce(x), exact monoids",
    of: ["reduction"],
    dtypes: ["int32"],
    examples: (x) => [layout.reduceSum(layout.reduceSum(x, [0]), [0])],
    rewrite: (node, { dtype }) => {
      const { op } = node;
      const inner = op.kind === "reduction" ? definedBy(at(node.args, 0), op) : null;
      if (op.kind !== "reduction" || inner === null) return null;
      const x = at(inner.args, 0);
      const monoid = op.monoid(x.type, node.attrs);
      if (!monoid.exact || monoid.dtypes.length > 1 || dtype !== x.dtype) return null;
      const first = ints(inner.attrs, "axes");
      const left = everyAxis(x).filter((i) => !first.includes(i));
      const axes = [...first, ...ints(node.attrs, "axes").map((i) => at(left, i))].sort((a, b) => a - b);
      return make(op, [x], { ...node.attrs, axes });
    },
  }),
];

// reductions whose result is one of the elements: what is chosen among numbers is chosen among the same numbers in a wider dtype
const widenings: readonly Rule[] = [
  rule({
    name: "max(cast(x)) -> cast(max(x)) where nothing is lost",
    of: [reduceMaxOp, reduceMinOp, reduceFirstMaxOp],
    dtypes: ["int32", "uint32", "float32"],
    examples: (x) => [reduceMax(cast(x, "float64"), [1]), reduceMin(cast(x, "float64"), [0, 1])],
    rewrite: ({ op, args, attrs }, { dtype }) => {
      const from = definedBy(at(args, 0), castOp)?.args[0];
      return from !== undefined && !isBool(from.dtype) && holdsAll(dtype, from.dtype) ? cast(make(op, [from], attrs), dtype) : null;
    },
  }),
];

export const shapes: readonly Rule[] = [...compositions, ...identities, ...places, ...constants, ...turned, ...reductions, ...widenings];
