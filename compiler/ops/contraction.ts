/** The general contraction: every matmul, inner and outer product is one; convolutions are in convolution.ts. */
import { isBool } from "../ir/dtype.ts";
import { at, DTypeError, ShapeError } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import type { Attrs, Node, Value } from "../ir/node.ts";
import { intLists, make } from "../ir/node.ts";
import type { ContractionPrimitive, Primitive } from "../ir/primitive.ts";
import type { Shape } from "../ir/shape.ts";
import { normalizeAxes, sameShape, shapeText, tensorType, typeText } from "../ir/shape.ts";
import { otherAxes, permute } from "./layout.ts";

/** Axes of one operand by their part in the contraction. */
interface Side {
  readonly shape: Shape;
  readonly batch: readonly number[];
  readonly contract: readonly number[];
  readonly free: readonly number[];
}

function sideOf(shape: Shape, attrs: Attrs, k: 0 | 1): Side {
  const [batch, contract] = [at(intLists(attrs, "batch"), k), at(intLists(attrs, "contract"), k)];
  return { shape, batch, contract, free: otherAxes(shape.length, [...batch, ...contract]) };
}

const lengths = (side: Side, axes: readonly number[]): number[] => axes.map((a) => at(side.shape, a));
const seq = (n: number, from: number): number[] => Array.from({ length: n }, (_, i) => from + i);

export const dotOp: ContractionPrimitive = {
  kind: "contraction",
  name: "dot",
  doc: "Sums of products over the `contract` axes; the result has the `batch` axes, then the free axes of the left and of the right operand.",
  arity: 2,
  attrs: { contract: "intLists", batch: "intLists" },
  infer: (args, attrs) => {
    const [x, y] = [at(args, 0), at(args, 1)];
    if (x.dtype !== y.dtype) throw new DTypeError(`dot: operands differ in dtype: ${typeText(x)}, ${typeText(y)}. Convert one with astype.`);
    if (isBool(x.dtype)) throw new DTypeError("dot: takes numbers, not bool. Convert with astype first.");
    const [l, r] = [sideOf(x.shape, attrs, 0), sideOf(y.shape, attrs, 1)];
    for (const side of [l, r]) normalizeAxes("dot", [...side.batch, ...side.contract], side.shape.length);
    const pairs = [
      ["batch", l.batch, r.batch],
      ["contracted", l.contract, r.contract],
    ] as const;
    for (const [what, a, b] of pairs) {
      if (sameShape(lengths(l, a), lengths(r, b))) continue;
      throw new ShapeError(`dot: ${what} axes ${shapeText(a)} and ${shapeText(b)} of ${typeText(x)} · ${typeText(y)} differ in length. They pair up.`);
    }
    return [tensorType(x.dtype, [...lengths(l, l.batch), ...lengths(l, l.free), ...lengths(r, r.free)])];
  },
  depth: (args, attrs) => {
    const l = sideOf(at(args, 0).shape, attrs, 0);
    return lengths(l, l.contract);
  },
  factors: (out, depth, { attrs, shape }) => {
    const [l, r] = [sideOf(shape(0), attrs, 0), sideOf(shape(1), attrs, 1)];
    const first = l.batch.length;
    return [
      { index: placeOf(l, { batch: out, contract: depth, free: out.slice(first) }) },
      { index: placeOf(r, { batch: out, contract: depth, free: out.slice(first + l.free.length) }) },
    ];
  },
  derivative: {
    by: "linear",
    operands: [0, 1],
    each: true,
    transpose: (cotangent, node) => [leftTranspose(cotangent, node), rightTranspose(cotangent, node)],
  },
};

/** The index of an element of one operand: for each part of its axes where they stand. */
const placeOf = (side: Side, parts: Readonly<Record<"batch" | "contract" | "free", readonly Expr[]>>): Expr[] =>
  side.shape.map((_, axis) => {
    const part = (["batch", "contract", "free"] as const).find((name) => side[name].includes(axis)) ?? "free";
    return at(parts[part], side[part].indexOf(axis));
  });

/** The axes of `mine` that `theirs` (other axes than batch and free, rising) pair with. */
const partners = (mine: Side, theirs: Side): number[] =>
  theirs.contract.toSorted((a, b) => a - b).map((axis) => at(mine.contract, theirs.contract.indexOf(axis)));

/** A value whose axis i is the axis names[i] of what is wanted, in the wanted order. */
const inOrder = (x: Value, names: readonly number[]): Value =>
  permute(
    x,
    names.map((_, axis) => names.indexOf(axis)),
  );

/** The cotangent's free axes of the right operand are contracted with it. Operand orders are chosen so that a matmul needs no permute. */
function leftTranspose(cotangent: Value, node: Node): Value {
  const [x, y] = [at(node.args, 0), at(node.args, 1)];
  const [l, r] = [sideOf(x.shape, node.attrs, 0), sideOf(y.shape, node.attrs, 1)];
  const batch = seq(l.batch.length, 0);
  const free = seq(r.free.length, l.batch.length + l.free.length);
  return inOrder(dot(cotangent, y, [free, r.free], [batch, r.batch]), [...l.batch, ...l.free, ...partners(l, r)]);
}

function rightTranspose(cotangent: Value, node: Node): Value {
  const [x, y] = [at(node.args, 0), at(node.args, 1)];
  const [l, r] = [sideOf(x.shape, node.attrs, 0), sideOf(y.shape, node.attrs, 1)];
  const batch = seq(l.batch.length, 0);
  const free = seq(l.free.length, l.batch.length);
  return inOrder(dot(x, cotangent, [l.free, free], [l.batch, batch]), [...r.batch, ...partners(r, l), ...r.free]);
}

/**
 * Sums of products over `contract` ([left axes, right axes], pairwise of equal length), axis by axis over `batch`; the result has
 * the batch axes, then the free axes of `a`, then those of `b`. A ShapeError where lengths differ.
 */
export const dot = (a: Value, b: Value, contract: readonly (readonly number[])[], batch: readonly (readonly number[])[] = [[], []]): Value =>
  make(dotOp, [a, b], { contract, batch });

/** The rows of this file. */
export const contractionOps: readonly Primitive[] = [dotOp];
