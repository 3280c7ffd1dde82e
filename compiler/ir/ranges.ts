/** Intervals of integers: what an index expression can be, from what its parts can be. Bounds are inclusive. */
import type { DType } from "./dtype.ts";
import { at } from "./errors.ts";
import type { ScalarOp } from "./expr.ts";

export interface Range {
  readonly lo: number;
  readonly hi: number;
}

export const unbounded: Range = { lo: -Infinity, hi: Infinity };
export const point = (n: number): Range => ({ lo: n, hi: n });
const [least, largest] = [-2147483648, 2147483647];

/** The least range that holds all of these numbers. */
function hull(numbers: readonly number[]): Range {
  return numbers.some(Number.isNaN) ? unbounded : { lo: Math.min(...numbers), hi: Math.max(...numbers) };
}

const corners = (a: Range, b: Range, f: (x: number, y: number) => number): Range => hull([f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi)]);
/** 0 · Infinity is 0 here: a bound that is not known, times zero. */
const times = (x: number, y: number): number => (x === 0 || y === 0 ? 0 : x * y);

function remainder(a: Range, b: Range): Range {
  if (b.lo <= 0) return unbounded;
  const most = Math.min(b.hi - 1, Math.max(Math.abs(a.lo), Math.abs(a.hi)));
  return { lo: a.lo >= 0 ? 0 : -most, hi: a.hi <= 0 ? 0 : most };
}

type Rule = (args: readonly Range[]) => Range;
const unary =
  (f: (a: Range) => Range): Rule =>
  (args) =>
    f(at(args, 0));
const binary =
  (f: (a: Range, b: Range) => Range): Rule =>
  (args) =>
    f(at(args, 0), at(args, 1));

const rules: Readonly<Partial<Record<ScalarOp, Rule>>> = {
  add: binary((a, b) => ({ lo: a.lo + b.lo, hi: a.hi + b.hi })),
  sub: binary((a, b) => ({ lo: a.lo - b.hi, hi: a.hi - b.lo })),
  mul: binary((a, b) => corners(a, b, times)),
  idiv: binary((a, b) => (b.lo > 0 ? corners(a, b, (x, y) => Math.trunc(x / y)) : unbounded)),
  irem: binary(remainder),
  neg: unary((a) => ({ lo: -a.hi, hi: -a.lo })),
  abs: unary((a) => ({ lo: a.lo > 0 ? a.lo : Math.max(0, -a.hi), hi: Math.max(Math.abs(a.lo), Math.abs(a.hi)) })),
  min: binary((a, b) => ({ lo: Math.min(a.lo, b.lo), hi: Math.min(a.hi, b.hi) })),
  max: binary((a, b) => ({ lo: Math.max(a.lo, b.lo), hi: Math.max(a.hi, b.hi) })),
  and: binary((a, b) => (a.lo >= 0 && b.lo >= 0 ? { lo: 0, hi: Math.min(a.hi, b.hi) } : unbounded)),
  shr: binary((a, b) => (a.lo >= 0 && b.lo >= 0 ? { lo: 0, hi: a.hi } : unbounded)),
  select: (args) => ({ lo: Math.min(at(args, 1).lo, at(args, 2).lo), hi: Math.max(at(args, 1).hi, at(args, 2).hi) }),
  cast: unary((a) => a),
};

/** An int32 of which nothing is known still is one, so that a clamp of it is bounded. */
const inWord = (r: Range): Range => ({ lo: Math.max(r.lo, least), hi: Math.min(r.hi, largest) });

/** What an operation that gives an int32 can be; unbounded where it may wrap or is not known. `from` is the dtype of its first operand. */
export function rangeOf(op: ScalarOp, args: readonly Range[], dtype: DType, from: DType): Range {
  if (dtype !== "int32") return unbounded;
  if (op === "cast" && from === "bool") return { lo: 0, hi: 1 };
  if (op === "cast" && from !== "uint32") return unbounded;
  const range = rules[op]?.(op === "cast" ? args : args.map(inWord)) ?? unbounded;
  return range.lo >= least && range.hi <= largest ? range : unbounded;
}
