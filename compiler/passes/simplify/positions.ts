/**
 * Laws of reductions over positions: what picks one element reads it, and what counts or adds up positions is computed at once.
 *
 *   reduce sum (where (iota = %i), %x, 0)     →     where (0 <= %i < length), (gather along %x, %i), 0
 *
 * A product with a float 0 is no such choice: 0 times infinity is NaN.
 */
import type { DType } from "../../ir/dtype.ts";
import { isFloat } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Definition, Value } from "../../ir/node.ts";
import { intLists, ints, make } from "../../ir/node.ts";
import type { ReductionPrimitive } from "../../ir/primitive.ts";
import * as a from "../../ops/arithmetic.ts";
import { dotOp } from "../../ops/contraction.ts";
import * as layout from "../../ops/layout.ts";
import * as reductions from "../../ops/reductions.ts";
import { iotaValue } from "../../ops/source.ts";
import { constantOf } from "../storage.ts";
import type { Bounded } from "./along.ts";
import { along, difference, sumOf, wholeNumbers, without } from "./along.ts";
import { elementAt, isOfRows, readAt } from "./element.ts";
import type { Range } from "./ranges.ts";
import { folded } from "./fold.ts";
import { rangeOf } from "./ranges.ts";
import type { Rule } from "./rule.ts";
import { rule } from "./rule.ts";

/** Elements where a condition holds; elsewhere what the reduction does not notice. */
interface Choice {
  readonly condition: Value;
  readonly wanted: "holds" | "fails";
  readonly chosen: (() => Value) | null;
}

/** One axis of a reduction. */
interface Reduced {
  readonly op: ReductionPrimitive;
  readonly x: Value;
  readonly axis: number;
  /** Whether no other axis is reduced. */
  readonly isLast: boolean;
}

/** The value that stands for the whole axis, or null. */
type Collapse = (reduced: Reduced) => Value | null;

/** Reductions of which one axis can go at once. */
function collapsing(node: Definition, collapse: Collapse): Value | null {
  const { op } = node;
  if (op.kind !== "reduction") return null;
  const [x, axes] = [at(node.args, 0), ints(node.attrs, "axes")];
  for (const axis of axes) {
    if (at(x.shape, axis) === 0) return null;
    const value = collapse({ op, x, axis, isLast: axes.length === 1 });
    if (value === null) continue;
    const left = axes.filter((b) => b !== axis).map((b) => (b > axis ? b - 1 : b));
    return left.length === 0 ? value : make(op, [value], { ...node.attrs, axes: left });
  }
  return null;
}

// ---- choices

/** What is chosen where, if the reduction does not notice the rest. */
function choiceOf({ op, x }: Reduced): Choice | null {
  const { node } = x;
  if (op === reductions.reduceAnyOp) return { condition: x, wanted: "holds", chosen: null };
  if (op === reductions.reduceAllOp) return { condition: x, wanted: "fails", chosen: null };
  if (node.op === a.whereOp) {
    const [condition, yes, no] = [at(node.args, 0), at(node.args, 1), at(node.args, 2)];
    if (isNeutral(op, no)) return { condition, wanted: "holds", chosen: () => yes };
    return isNeutral(op, yes) ? { condition, wanted: "fails", chosen: () => no } : null;
  }
  const applied = ofEach(op, x);
  if (applied !== null) return applied;
  if (op !== layout.reduceSumOp) return null;
  const own = truthOf(x);
  if (own !== null) return { condition: own, wanted: "holds", chosen: () => layout.onesLike(x) };
  if (node.op !== a.multiplyOp || isFloat(x.dtype)) return null;
  for (const k of [0, 1]) {
    const condition = truthOf(at(node.args, k));
    if (condition !== null) return { condition, wanted: "holds", chosen: () => at(node.args, 1 - k) };
  }
  return null;
}

/** A function of a choice, as the choice of what the function makes of either side. */
function ofEach(op: ReductionPrimitive, { node }: Value): Choice | null {
  const inner = node.op.kind === "elementwise" && node.args.length === 1 ? at(node.args, 0).node : null;
  if (inner === null || inner.op !== a.whereOp) return null;
  const [condition, yes, no] = [at(inner.args, 0), at(inner.args, 1), at(inner.args, 2)];
  const applied = (x: Value): Value => make(node.op, [x], node.attrs);
  if (becomesNeutral(op, applied, no)) return { condition, wanted: "holds", chosen: () => applied(yes) };
  return becomesNeutral(op, applied, yes) ? { condition, wanted: "fails", chosen: () => applied(no) } : null;
}

function becomesNeutral(op: ReductionPrimitive, applied: (x: Value) => Value, v: Value): boolean {
  if (constantOf(v) === null) return false;
  const made = applied(v);
  const number = folded(made.node);
  return number !== null && isNeutral(op, layout.fill(number, made.type));
}

function isNeutral(op: ReductionPrimitive, v: Value): boolean {
  const n = constantOf(v);
  const { dtypes, init } = op.monoid(v.type, {});
  return typeof n === "number" && dtypes.length === 1 && at(init, 0).op === "const" && at(init, 0).value === n;
}

/** The bool that a number of 0 or 1 was made from. */
function truthOf(x: Value): Value | null {
  const from = x.node.op === a.castOp ? at(x.node.args, 0) : null;
  return from?.dtype === "bool" ? from : null;
}

/** Whether the position is there; null where that is known. */
function isThere({ value, lo, hi }: Bounded, length: number): Value | null {
  const low = lo >= 0 ? null : a.greaterEqual(value(), 0);
  const high = hi < length ? null : a.less(value(), length);
  return low !== null && high !== null ? a.logicalAnd(low, high) : (low ?? high);
}

const isEither = (op: ReductionPrimitive): boolean => op === reductions.reduceAnyOp || op === reductions.reduceAllOp;

/** One position at most is chosen: its element. */
const picked: Collapse = (reduced) => {
  const { op, x, axis, isLast } = reduced;
  const choice = choiceOf(reduced);
  const range = choice === null ? null : rangeOf(choice.condition, axis, choice.wanted);
  if (choice === null || range === null || range.only === null) return null;
  const { only, others } = range;
  const chosen = choice.chosen?.() ?? null;
  const element = chosen === null ? null : readAt(chosen, axis, only);
  if (chosen !== null && element === null) return null;
  const conditions = [isThere(only, at(x.shape, axis)), ...others.map((c) => elementAt(c, axis, only))].flatMap((c) => c ?? []);
  const condition = conditions.length === 0 ? null : conditions.reduce((c, d) => a.logicalAnd(c, d));
  if (element === null) {
    const found = condition ?? layout.fill(1, { dtype: "bool", shape: without(x.shape, axis) });
    return op === reductions.reduceAllOp ? a.logicalNot(found) : found;
  }
  const value = condition === null ? element : a.where(condition, element, neutralLike(op, element));
  // a sum that begins with 0 is never -0
  return isLast && op === layout.reduceSumOp && isFloat(x.dtype) ? a.add(value, 0) : value;
};

function neutralLike(op: ReductionPrimitive, v: Value): Value {
  return layout.fill(at(op.monoid(v.type, {}).init, 0).value, v.type);
}

/** A run of positions is chosen, each with the same number: it counts. */
const counted: Collapse = (reduced) => {
  const { op, x, axis } = reduced;
  const choice = choiceOf(reduced);
  const range = choice === null ? null : rangeOf(choice.condition, axis, choice.wanted);
  if (choice === null || range === null || range.others.length > 0) return null;
  const count = countOf(range);
  if (isEither(op)) {
    const some = a.greater(count, 0);
    return op === reductions.reduceAllOp ? a.logicalNot(some) : some;
  }
  const moved = choice.chosen === null ? null : along(choice.chosen(), axis);
  if (moved === null || moved.coefficient !== 0) return null;
  const { rest } = moved;
  if (op !== layout.reduceSumOp) return isExtreme(op) ? a.where(a.greater(count, 0), rest.value(), neutralLike(op, rest.value())) : null;
  if (x.dtype === "int32") return rest.lo === 1 && rest.hi === 1 ? count : a.multiply(count, rest.value());
  const isWhole = rest.lo === rest.hi && Number.isInteger(rest.lo) && rest.lo > 0 && rest.lo * at(x.shape, axis) <= wholeNumbers(x.dtype);
  return isWhole ? a.multiply(a.cast(count, x.dtype), rest.lo) : null;
};

function countOf({ from, to }: Range): Value {
  const count = difference(to, from);
  return count.lo >= 0 ? count.value() : a.maximum(count.value(), 0);
}

const isExtreme = (op: ReductionPrimitive): boolean => op === reductions.reduceMaxOp || op === reductions.reduceMinOp || op === reductions.reduceFirstMaxOp;

// ---- positions themselves

/** Sums and extremes of what moves evenly along the axis. */
const closed: Collapse = ({ op, x, axis, isLast }) => {
  const moved = along(x, axis);
  if (moved === null) return null;
  const { coefficient, rest } = moved;
  const steps = at(x.shape, axis) - 1;
  if (op === layout.reduceSumOp) return sumAlong(x, axis, coefficient, rest);
  if (isEither(op)) return rest.value();
  const isCalm = coefficient === 0 || (rest.lo > -Infinity && rest.hi < Infinity);
  if (!isCalm) return null;
  if (isExtreme(op)) {
    const atEnd = op === reductions.reduceMinOp ? coefficient < 0 : coefficient > 0;
    return sumOf(rest, numberLike(atEnd ? coefficient * steps : 0, x, axis)).value();
  }
  const isPosition = op === reductions.argmaxOp || op === reductions.argminOp;
  if (!isPosition || !isLast) return null;
  const atEnd = op === reductions.argmaxOp ? coefficient > 0 : coefficient < 0;
  return layout.fill(atEnd ? steps : 0, { dtype: "int32", shape: without(x.shape, axis) });
};

const numberLike = (n: number, x: Value, axis: number): Bounded => ({
  value: () => layout.fill(n, { dtype: x.dtype, shape: without(x.shape, axis) }),
  lo: n,
  hi: n,
});

/** Of whole numbers, in any order: floats only while all sums on the way are whole numbers too. */
function sumAlong(x: Value, axis: number, coefficient: number, rest: Bounded): Value | null {
  const n = at(x.shape, axis);
  const most = Math.max(Math.abs(rest.lo), Math.abs(rest.hi)) + Math.abs(coefficient) * (n - 1);
  const isWhole = x.dtype === "int32" || (coefficient !== 0 || constantWhole(rest) ? most * n <= wholeNumbers(x.dtype) : false);
  if (!isWhole) return null;
  const total = Number(BigInt.asIntN(32, (BigInt(coefficient) * BigInt(n) * BigInt(n - 1)) / 2n));
  const offset = x.dtype === "int32" ? total : (coefficient * n * (n - 1)) / 2;
  const times: Bounded = rest.lo === 0 && rest.hi === 0 ? rest : { value: () => a.multiply(rest.value(), n), lo: -Infinity, hi: Infinity };
  return sumOf(times, numberLike(offset, x, axis)).value();
}

const constantWhole = ({ lo, hi }: Bounded): boolean => lo === hi && Number.isInteger(lo) && lo > 0;

// ---- contractions

/** Shorter sums of products are no more work than what stands for them. */
const shortest = 16;

/** A dot of which one operand is 1 at one position of a contracted axis and 0 elsewhere, as a reduction of a choice. */
function chosenProducts(node: Definition): Value | null {
  if (node.op !== dotOp) return null;
  const [contract, batch] = [intLists(node.attrs, "contract"), intLists(node.attrs, "batch")];
  for (const k of [0, 1]) {
    const [condition, axes] = [truthOf(at(node.args, k)), at(contract, k)];
    const other = at(node.args, 1 - k);
    const chooses = condition !== null && axes.some((axis) => (rangeOf(condition, axis)?.only ?? null) !== null);
    if (condition === null || !chooses || isOfRows(other)) continue;
    const all = (v: Value, side: number): Value => spreadOut(v, side, node, contract, batch);
    const summed = axes.map((_, i) => all(condition, k).shape.length - axes.length + i);
    const chosen = layout.reduceSum(a.where(all(condition, k), all(other, 1 - k), 0), summed);
    if (!isFloat(other.dtype)) return chosen;
    const isLong = axes.length === 1 && at(other.shape, at(at(contract, 1 - k), 0)) >= shortest;
    return isLong ? unlessInfinite(chosen, other, node, 1 - k) : null;
  }
  return null;
}

/** 0 times what is not finite is NaN: so is a sum of products if one of those that were not chosen is not finite. */
function unlessInfinite(chosen: Value, other: Value, { attrs }: Definition, k: number): Value {
  const [contract, batch] = [at(intLists(attrs, "contract"), k), at(intLists(attrs, "batch"), k)];
  const isInfinite = (v: Value): Value => a.where(a.less(a.absolute(v), Infinity), zero(v), one(v));
  const infinite = layout.reduceSum(isInfinite(other), contract);
  const kept = batch.map((b) => b - contract.filter((c) => c < b).length);
  const free = layout.otherAxes(infinite.shape.length, kept);
  const first = k === 0 ? batch.length : chosen.shape.length - free.length;
  const around = layout.broadcast(layout.permute(infinite, [...kept, ...free]), chosen.shape, [...kept.map((_, i) => i), ...free.map((_, i) => first + i)]);
  return a.where(a.equal(around, isInfinite(chosen)), chosen, NaN);
}

const zero = (v: Value): Value => layout.fill(0, { dtype: "int32", shape: v.shape });
const one = (v: Value): Value => layout.fill(1, { dtype: "int32", shape: v.shape });

type Lists = readonly (readonly number[])[];

/** An operand over all axes of a dot: the batch, the free ones of the left, those of the right, the contracted ones. */
function spreadOut(v: Value, k: number, { args }: Definition, contract: Lists, batch: Lists): Value {
  const free = [0, 1].map((i) => layout.otherAxes(at(args, i).shape.length, [...at(batch, i), ...at(contract, i)]));
  const lengths = (i: number, axes: readonly number[]): number[] => axes.map((b) => at(at(args, i).shape, b));
  const shape = [...lengths(0, at(batch, 0)), ...lengths(0, at(free, 0)), ...lengths(1, at(free, 1)), ...lengths(0, at(contract, 0))];
  const own = [...at(batch, k), ...at(free, k), ...at(contract, k)];
  const before = at(batch, 0).length;
  const places = [
    ...at(batch, k).map((_, i) => i),
    ...at(free, k).map((_, i) => before + (k === 0 ? 0 : at(free, 0).length) + i),
    ...at(contract, k).map((_, i) => shape.length - at(contract, 0).length + i),
  ];
  return layout.broadcast(layout.permute(v, own), shape, places);
}

// ---- the rules

const numbers: readonly DType[] = ["int32", "float32", "float64"];
/** A position for each row of a matrix, which may lie outside. */
const wanted = (y: Value): Value => layout.broadcast(a.cast(reductions.reduceMax(y, [1]), "int32"), y.shape, [0]);
const columns = (x: Value): Value => iotaValue(x.shape, 1, "int32");
const rows = (x: Value): Value => iotaValue(x.shape, 0, "int32");
const like = (n: number, x: Value): Value => layout.fill(n, x.type);
const dotOf = (x: Value, y: Value): Value => make(dotOp, [x, y], { contract: [[1], [1]], batch: [[], []] });
const lowest = (x: Value): number => (isFloat(x.dtype) ? -Infinity : -(2 ** 31));

export const positions: readonly Rule[] = [
  rule({
    name: "reduce(where(position = k, x, neutral)) -> x at k",
    of: ["reduction"],
    dtypes: numbers,
    examples: (x, y) => [
      layout.reduceSum(a.where(a.equal(columns(x), wanted(y)), x, 0), [1]),
      layout.reduceSum(a.where(a.notEqual(wanted(y), columns(x)), 0, x), [1]),
      layout.reduceSum(a.where(a.equal(columns(x), rows(x)), x, 0), [0, 1]),
      reductions.reduceMax(a.where(a.logicalAnd(a.equal(a.add(columns(x), 1), wanted(y)), a.less(x, y)), x, lowest(x)), [1]),
      reductions.reduceAny(a.equal(columns(x), wanted(y)), [1]),
      layout.reduceSum(a.negative(a.where(a.equal(columns(x), wanted(y)), x, 0)), [1]),
      layout.reduceSum(a.where(a.equal(columns(x), wanted(y)), a.subtract(x, layout.spread(reductions.reduceMax(x, [1]), x.shape, [1])), 0), [1]),
    ],
    rewrite: (node) => collapsing(node, picked),
  }),
  rule({
    name: "reduce(where(position < k, same, neutral)) -> same, counted",
    of: ["reduction"],
    dtypes: numbers,
    examples: (x, y) => [
      layout.reduceSum(a.cast(a.less(columns(x), wanted(y)), x.dtype), [1]),
      layout.reduceSum(a.where(a.logicalAnd(a.greater(columns(x), rows(x)), a.lessEqual(columns(x), wanted(y))), like(2, x), 0), [1]),
      reductions.reduceAll(a.lessEqual(columns(x), wanted(y)), [1]),
      reductions.reduceMax(a.where(a.greaterEqual(rows(x), columns(x)), layout.spread(reductions.reduceMax(x, [1]), x.shape, [1]), lowest(x)), [1]),
    ],
    rewrite: (node) => collapsing(node, counted),
  }),
  rule({
    name: "reduce(position) -> closed form",
    of: ["reduction"],
    dtypes: numbers,
    examples: (x) => [
      layout.reduceSum(a.add(a.multiply(iotaValue(x.shape, 1, x.dtype), 3), iotaValue(x.shape, 0, x.dtype)), [1]),
      reductions.reduceMax(a.subtract(rows(x), columns(x)), [0, 1]),
      reductions.argmax(iotaValue(x.shape, 1, x.dtype), [1]),
    ],
    rewrite: (node) => collapsing(node, closed),
  }),
  rule({
    name: "dot(one hot, x) -> x at the ones",
    of: [dotOp],
    dtypes: numbers,
    examples: (x, y) => {
      const long = layout.reshape(layout.broadcast(x, [...x.shape, 8], [0, 1]), [at(x.shape, 0), at(x.shape, 1) * 8]);
      const place = layout.broadcast(a.cast(layout.reshape(y, [y.shape.reduce((n, m) => n * m, 1)]), "int32"), [12, 32], [0]);
      const ones = a.cast(a.equal(iotaValue([12, 32], 1, "int32"), place), x.dtype);
      return [dotOf(ones, long), dotOf(long, ones)];
    },
    rewrite: chosenProducts,
  }),
];
