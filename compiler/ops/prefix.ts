/**
 * Running combinations along one axis, the element itself included; `reverse` runs from the end.
 *
 * Derivatives of products and of log-sum-exps are first-order recurrences d[k] = a[k]·d[k-1] + b[k], a running combination of two
 * operands: no division, so that zeros are exact, and every factor of a log-sum-exp is at most 1.
 */
import { isFloat } from "../ir/dtype.ts";
import { at } from "../ir/errors.ts";
import { constant, s } from "../ir/expr.ts";
import type { Attrs, Node, Value } from "../ir/node.ts";
import { flag, int, make, makeNode } from "../ir/node.ts";
import type { Differentiation, Monoid, PrefixPrimitive, Primitive } from "../ir/primitive.ts";
import type { TensorType } from "../ir/shape.ts";
import { normalizeAxis, tensorType } from "../ir/shape.ts";
import { add, equal, multiply, subtract, where } from "./arithmetic.ts";
import type { DTypeClass } from "./define.ts";
import { requireClass, sameTypes } from "./define.ts";
import { exp } from "./exponential.ts";
import type { Extreme } from "./extremes.ts";
import { positionMonoid } from "./extremes.ts";
import { gatherAlong, scatterAlong } from "./gather.ts";
import { foldMonoid, zerosLike } from "./layout.ts";
import { pad, slice } from "./views.ts";

type Maybe = Value | null;

interface PrefixRow {
  readonly name: string;
  readonly doc: string;
  /** Operands, of one type; 1 unless told. */
  readonly arity?: number;
  readonly takes: DTypeClass;
  readonly monoid: (operand: TensorType, attrs: Attrs) => Monoid;
  /** The results beside the first, whose type is the operand's. */
  readonly more?: (x: TensorType) => readonly TensorType[];
  readonly derivative: Differentiation;
}

const prefixRow = ({ name, doc, arity = 1, takes, monoid, more, derivative }: PrefixRow): PrefixPrimitive => ({
  kind: "prefix",
  name,
  doc,
  arity,
  attrs: { axis: "int", reverse: "flag" },
  infer: (args, attrs) => {
    const x = sameTypes(name, args);
    requireClass(name, x.dtype, takes);
    normalizeAxis(name, int(attrs, "axis"), x.shape.length);
    flag(attrs, "reverse");
    return [x, ...(more?.(x) ?? [])];
  },
  monoid,
  derivative,
});

/** `x` moved `by` places along the run, so that place k holds what was at k - by; `value` comes in. */
function shifted(x: Value, by: number, value: number, run: Run): Value {
  const { axis, reverse } = run;
  const only = (n: number): number[] => x.shape.map((_, i) => (i === axis ? n : 0));
  const kept = slice(
    x,
    only(reverse ? by : 0),
    x.shape.map((n, i) => (i === axis ? n - by : n)),
  );
  return reverse ? pad(kept, value, only(0), only(by)) : pad(kept, value, only(by), only(0));
}

/** An axis and the direction in which it is run through. */
interface Run {
  readonly axis: number;
  readonly reverse: boolean;
}
const runOf = (attrs: Attrs): Run => ({ axis: int(attrs, "axis"), reverse: flag(attrs, "reverse") });
const turned = (run: Run): Run => ({ axis: run.axis, reverse: !run.reverse });

/** d with d[k] = a[k]·d[k-1] + b[k] along the run, d before the first being 0. */
const recurrence = (a: Value, b: Value, run: Run): Value => make(recurrenceOp, [a, b], { ...run });

/** Rules from the vjp and jvp of a row with one operand and one differentiable result; nothing moves on an empty axis. */
function oneOperand(vjp: (ct: Value, x: Value, y: Value, node: Node) => Value, jvp: (t: Value, x: Value, y: Value, node: Node) => Value): Differentiation {
  const through =
    (rule: typeof vjp) =>
    (node: Node, [d]: readonly Maybe[]): readonly Maybe[] => {
      if (d === undefined || d === null) return [];
      const [x, y] = [at(node.args, 0), at(node.results, 0)];
      return [x.shape.includes(0) ? zerosLike(x) : rule(d, x, y, node)];
    };
  return { by: "rules", vjp: through(vjp), jvp: through(jvp) };
}

export const prefixSumOp: PrefixPrimitive = prefixRow({
  name: "prefix sum",
  doc: "The sum of all elements up to this one.",
  takes: "numeric",
  monoid: ({ dtype }) => foldMonoid(dtype, { init: 0, combine: s.add, exact: !isFloat(dtype) }),
  derivative: {
    by: "linear",
    operands: [0],
    transpose: (cotangent, node) => [make(prefixSumOp, [cotangent], { ...turned(runOf(node.attrs)) })],
  },
});

/** The product of the elements before each one. */
const before = (y: Value, run: Run): Value => shifted(y, 1, 1, run);

export const prefixProdOp: PrefixPrimitive = prefixRow({
  name: "prefix prod",
  doc: "The product of all elements up to this one.",
  takes: "numeric",
  monoid: ({ dtype }) => foldMonoid(dtype, { init: 1, combine: s.mul, exact: !isFloat(dtype) }),
  derivative: oneOperand(
    (ct, x, y, node) => {
      const run = runOf(node.attrs);
      return multiply(before(y, run), recurrence(shifted(x, 1, 0, turned(run)), ct, turned(run)));
    },
    (t, x, y, node) => recurrence(x, multiply(t, before(y, runOf(node.attrs))), runOf(node.attrs)),
  ),
});

function extremeRow(extreme: Extreme): PrefixPrimitive {
  return prefixRow({
    name: `prefix ${extreme}`,
    doc: `The ${extreme} of all elements up to this one, and its int32 position: the last one reached among equals.`,
    takes: "numeric",
    more: ({ shape }) => [tensorType("int32", shape)],
    monoid: ({ dtype }, attrs) => positionMonoid(dtype, extreme, flag(attrs, "reverse") ? "first" : "last"),
    derivative: oneOperand(
      (ct, x, _, node) => scatterAlong(zerosLike(x), at(node.results, 1), ct, int(node.attrs, "axis"), "add"),
      (t, _x, _y, node) => gatherAlong(t, at(node.results, 1), int(node.attrs, "axis")),
    ),
  });
}
export const prefixMaxOp: PrefixPrimitive = extremeRow("max");
export const prefixMinOp: PrefixPrimitive = extremeRow("min");

/** e^(a - b) for a ≤ b; 1 where they are equal, infinities too. */
const decay = (a: Value, b: Value): Value => exp(where(equal(a, b), 0, subtract(a, b)));

/** The greatest exponent and the sum of e^(x - it): nothing overflows. */
function logSumExpMonoid({ dtype }: TensorType): Monoid {
  return {
    dtypes: [dtype, dtype],
    init: [constant(-Infinity, dtype), constant(0, dtype)],
    seed: (elements) => [...elements, constant(1, dtype)],
    combine: (a, b) => {
      const top = s.max(at(a, 0), at(b, 0));
      const [fromA, fromB] = [a, b].map((t) => s.mul(at(t, 1), s.select(s.eq(at(t, 0), top), constant(1, dtype), s.exp(s.sub(at(t, 0), top)))));
      return fromA && fromB ? [top, s.add(fromA, fromB)] : [];
    },
    finish: (tuple) => [s.add(at(tuple, 0), s.log(at(tuple, 1)))],
    exact: false,
  };
}

export const prefixLogSumExpOp: PrefixPrimitive = prefixRow({
  name: "prefix logsumexp",
  doc: "The logarithm of the sum of e^x over all elements up to this one.",
  takes: "float",
  monoid: logSumExpMonoid,
  derivative: oneOperand(
    (ct, x, y, node) => {
      const back = turned(runOf(node.attrs));
      return multiply(decay(x, y), recurrence(decay(y, shifted(y, 1, Infinity, back)), ct, back));
    },
    (t, x, y, node) => {
      const run = runOf(node.attrs);
      return recurrence(decay(shifted(y, 1, -Infinity, run), y), multiply(t, decay(x, y)), run);
    },
  ),
});

/** The maps d → a·d + b, one after the other; of what they make of 0, the product is no part. */
function affineMonoid({ dtype }: TensorType): Monoid {
  return {
    dtypes: [dtype, dtype],
    init: [constant(1, dtype), constant(0, dtype)],
    seed: (elements) => elements,
    combine: (first, then) => [s.mul(at(first, 0), at(then, 0)), s.add(s.mul(at(then, 0), at(first, 1)), at(then, 1))],
    finish: (tuple) => [at(tuple, 1)],
    exact: false,
  };
}

/** d before each one. */
const previous = (d: Value, run: Run): Value => shifted(d, 1, 0, run);

export const recurrenceOp: PrefixPrimitive = prefixRow({
  name: "prefix recurrence",
  doc: "d[k] = operand 0 [k] * d[k-1] + operand 1 [k]; d before the first element is 0.",
  arity: 2,
  takes: "float",
  monoid: affineMonoid,
  derivative: {
    by: "rules",
    vjp: ({ args, results, attrs }, [ct]) => {
      if (ct === undefined || ct === null) return [];
      const [a, d, run] = [at(args, 0), at(results, 0), runOf(attrs)];
      const back = turned(run);
      const ofSum = a.shape.includes(0) ? zerosLike(a) : recurrence(shifted(a, 1, 0, back), ct, back);
      return [a.shape.includes(0) ? ofSum : multiply(ofSum, previous(d, run)), ofSum];
    },
    jvp: ({ args, results, attrs }, [ta = null, tb = null]) => {
      const [a, d, run] = [at(args, 0), at(results, 0), runOf(attrs)];
      const moved = ta === null || a.shape.includes(0) ? null : multiply(ta, previous(d, run));
      const change = moved !== null && tb !== null ? add(moved, tb) : (moved ?? tb);
      return change === null ? [] : [recurrence(a, change, run)];
    },
  },
});

// ---- builders: along `axis`, from the front or from the end

export type PrefixOrder = "forward" | "reverse";

export const prefixSum = (x: Value, axis: number, order: PrefixOrder = "forward"): Value => make(prefixSumOp, [x], { axis, reverse: order === "reverse" });
export const prefixProd = (x: Value, axis: number, order: PrefixOrder = "forward"): Value => make(prefixProdOp, [x], { axis, reverse: order === "reverse" });
export const prefixLogSumExp = (x: Value, axis: number, order: PrefixOrder = "forward"): Value =>
  make(prefixLogSumExpOp, [x], { axis, reverse: order === "reverse" });

/** The running extreme and its int32 position, the last one reached among equals. */
export function prefixMax(x: Value, axis: number, order: PrefixOrder = "forward"): readonly [Value, Value] {
  return twoResults(prefixMaxOp, x, axis, order);
}
export function prefixMin(x: Value, axis: number, order: PrefixOrder = "forward"): readonly [Value, Value] {
  return twoResults(prefixMinOp, x, axis, order);
}
function twoResults(op: PrefixPrimitive, x: Value, axis: number, order: PrefixOrder): readonly [Value, Value] {
  const { results } = makeNode(op, [x], { axis, reverse: order === "reverse" });
  return [at(results, 0), at(results, 1)];
}

/** The product of all elements but this one, along `axis`: exact with zeros, and differentiable again. */
export function otherProducts(x: Value, axis: number): Value {
  const [front, back] = [
    { axis, reverse: false },
    { axis, reverse: true },
  ];
  return multiply(before(prefixProd(x, axis), front), before(prefixProd(x, axis, "reverse"), back));
}

/** The rows of this file. */
export const prefixOps: readonly Primitive[] = [prefixSumOp, prefixProdOp, prefixMaxOp, prefixMinOp, prefixLogSumExpOp, recurrenceOp];
