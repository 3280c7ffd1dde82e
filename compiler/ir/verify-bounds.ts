/**
 * Whether an index stays inside its buffer. Four ways, cheapest first: the interval of the index; the interval with what the
 * conditions around it say; the same for the index as a sum; trying iterations (all of them where they are few, else corners and a
 * fixed random choice).
 * Where values are not known (a loaded index, say) a condition must stand around the access.
 */
import { at } from "./errors.ts";
import type { Expr } from "./expr.ts";
import { apply, axisIndex, isScalarOp } from "./expr.ts";
import type { Comparison } from "./index-values.ts";
import { Evaluation, isComparison, mirrored, opposite } from "./index-values.ts";
import { keyOf } from "./indexing.ts";
import type { Axis } from "./loop.ts";
import type { Range } from "./ranges.ts";
import { rangeOf } from "./ranges.ts";
import { stridesOf } from "./shape.ts";
import { rangeOfSum } from "./verify-linear.ts";

/** What a condition is, where the access happens; the bounds of a loop say something and guard nothing. */
export interface Fact {
  readonly from: "guard" | "loop";
  readonly condition: Expr;
  readonly holds: boolean;
}

/** What a name of an int32 means: an axis or an unknown scalar of some range, or a let's value. */
export type IndexName = { readonly range: Range; readonly axis?: Axis; readonly value?: Expr };
export type IndexNames = (name: string) => IndexName | undefined;

/** Undefined where the index is inside 0 … size - 1 whenever the facts hold, else what is wrong. */
export function boundsProblem(index: Expr, size: number, facts: readonly Fact[], names: IndexNames): string | undefined {
  const plain = new Ranges(names, new Map()).of(index);
  if (isInside(plain, size)) return undefined;
  const known: Known = { ranges: new Map(), exprs: new Map() };
  for (const f of facts) learn(f.condition, f.holds, names, known);
  const refined = new Ranges(names, known.ranges);
  if (isInside(refined.of(index), size)) return undefined;
  const bounded = [...known.exprs.values()].map((expr) => ({ expr, range: refined.of(expr) }));
  const meaning = { valueOf: (name: string) => names(name)?.value, rangeOf: (e: Expr) => refined.of(e) };
  if (isInside(rangeOfSum(index, bounded, meaning), size)) return undefined;
  return counterexample(index, size, facts, names, plain);
}

/** What an int32 expression can be. */
export const rangeIn = (e: Expr, names: IndexNames): Range => new Ranges(names, new Map()).of(e);

/** The values that a loop's index has; its last one where the bounds are known. */
export function axisRange(a: Axis, names: IndexNames): Range {
  const [lo, end] = [rangeIn(a.lo, names), rangeIn(a.hi, names).hi];
  const known = lo.lo === lo.hi && end > lo.lo && Number.isFinite(end);
  return { lo: lo.lo, hi: known ? lo.lo + Math.floor((end - 1 - lo.lo) / a.step) * a.step : end - 1 };
}

/** What holds inside of a loop whose bounds are no constants. */
export function boundFacts(a: Axis): Fact[] {
  const index = axisIndex(a.name, -Infinity, Infinity);
  const tests = [a.lo.op === "const" ? [] : [apply("ge", [index, a.lo])], a.hi.op === "const" ? [] : [apply("lt", [index, a.hi])]].flat();
  return tests.map((condition) => ({ from: "loop", condition, holds: true }));
}

/** Intervals of expressions, names and equal sub-expressions of known range looked up. */
class Ranges {
  readonly #names: IndexNames;
  readonly #known: ReadonlyMap<string, Range>;
  readonly #done = new Map<Expr, Range>();

  constructor(names: IndexNames, known: ReadonlyMap<string, Range>) {
    this.#names = names;
    this.#known = known;
  }

  of(e: Expr): Range {
    const done = this.#done.get(e);
    if (done !== undefined) return done;
    const computed = this.#compute(e);
    const known = e.dtype === "int32" && this.#known.size > 0 ? this.#known.get(keyOf(e)) : undefined;
    const range = known === undefined ? computed : intersect(computed, known);
    this.#done.set(e, range);
    return range;
  }

  #compute(e: Expr): Range {
    if (e.op === "axis" || e.op === "var") {
      const name = this.#names(e.name);
      // a variable may carry a range that its maker promises; an axis has that of its loop
      const own = e.op === "var" ? e : { lo: -Infinity, hi: Infinity };
      return name === undefined ? own : intersect(name.value === undefined ? name.range : this.of(name.value), own);
    }
    if (!isScalarOp(e.op)) return e;
    const args = e.args.map((a) => this.of(a));
    return rangeOf(e.op, args, e.dtype, e.args[0]?.dtype ?? e.dtype);
  }
}

const intersect = (a: Range, b: Range): Range => ({ lo: Math.max(a.lo, b.lo), hi: Math.min(a.hi, b.hi) });

/** What an expression is compared with, as a range. */
function allowed(op: Comparison, other: Range): Range {
  switch (op) {
    case "lt":
      return { lo: -Infinity, hi: other.hi - 1 };
    case "le":
      return { lo: -Infinity, hi: other.hi };
    case "gt":
      return { lo: other.lo + 1, hi: Infinity };
    case "ge":
      return { lo: other.lo, hi: Infinity };
    case "eq":
      return other;
    case "ne":
      return { lo: -Infinity, hi: Infinity };
  }
}

/** What conditions say of expressions, by their text. */
interface Known {
  readonly ranges: Map<string, Range>;
  readonly exprs: Map<string, Expr>;
}

function learn(condition: Expr, holds: boolean, names: IndexNames, known: Known): void {
  const { op, args } = condition;
  if (op === "not") return learn(at(args, 0), !holds, names, known);
  if ((op === "and" && holds) || (op === "or" && !holds)) return args.forEach((a) => learn(a, holds, names, known));
  if (op === "var" && condition.dtype === "bool") {
    const value = names(condition.name)?.value;
    return value === undefined ? undefined : learn(value, holds, names, known);
  }
  if (!isComparison(op) || at(args, 0).dtype !== "int32") return;
  const [a, b] = [at(args, 0), at(args, 1)];
  const test = holds ? op : opposite[op];
  const ranges = new Ranges(names, known.ranges);
  const note = (e: Expr, range: Range): void => {
    const key = keyOf(e);
    known.ranges.set(key, intersect(known.ranges.get(key) ?? range, range));
    if (e.op !== "const") known.exprs.set(key, e);
  };
  const [ofA, ofB] = [ranges.of(a), ranges.of(b)];
  note(a, allowed(test, ofB));
  note(b, allowed(mirrored[test], ofA));
}

/** How many iterations are tried. */
const tries = 4096;

function counterexample(index: Expr, size: number, facts: readonly Fact[], names: IndexNames, plain: Range): string | undefined {
  // behind a guard an index counts only where its value is known
  if (facts.some((f) => f.from === "guard") && isAlwaysData(index, names)) return undefined;
  const axes = axesOf([index, ...facts.map((f) => f.condition)], names);
  for (const point of points(axes, names)) {
    const values = new Evaluation((name) => names(name)?.value, point);
    const tests = facts.map((f) => ({ value: values.of(f.condition), holds: f.holds, from: f.from }));
    if (tests.some((t) => t.value !== undefined && (t.value !== 0) !== t.holds)) continue;
    // the range of a loop whose bounds are data holds all that it may walk
    const unknown = tests.some((t) => t.value === undefined && t.from === "guard");
    const value = values.of(index);
    const free = value === undefined && facts.every((f) => f.from === "loop");
    if (free && isInside(new Ranges(pinned(names, point), new Map()).of(index), size)) continue;
    if (free) return `may be ${plain.lo} to ${plain.hi}, has no guard, and should be 0 to ${size - 1}`;
    if (value === undefined || unknown || (value >= 0 && value < size)) continue;
    const where = [...point].map(([name, v]) => `%${name} = ${v}`).join(", ");
    return `is ${value}${where === "" ? "" : ` where ${where}`}, and should be 0 to ${size - 1}`;
  }
  return undefined;
}

/** Whether no iteration tells the value: it is computed from data, with no choice between that and something else. */
function isAlwaysData(index: Expr, names: IndexNames): boolean {
  let found = false;
  const seen = new Set<Expr>();
  const visit = (e: Expr): boolean => {
    if (seen.has(e)) return true;
    seen.add(e);
    if (e.op === "select" || e.dtype === "bool") return false;
    const name = e.op === "var" ? names(e.name) : undefined;
    if (e.op === "load" || (e.op === "var" && name?.value === undefined)) {
      found = true;
      return true;
    }
    return (name?.value === undefined || visit(name.value)) && e.args.every(visit);
  };
  return visit(index) && found;
}

const isInside = (r: Range, size: number): boolean => r.lo >= 0 && r.hi < size;

/** Names in one iteration: what depends on data keeps its range. */
const pinned =
  (names: IndexNames, point: ReadonlyMap<string, number>): IndexNames =>
  (name) => {
    const value = point.get(name);
    return value === undefined ? names(name) : { range: { lo: value, hi: value } };
  };

/** The axes that expressions depend on, through lets and through the bounds of axes; outer ones first. */
function axesOf(roots: readonly Expr[], names: IndexNames): Map<string, IndexName> {
  const axes = new Map<string, IndexName>();
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    const name = e.op === "axis" || e.op === "var" ? names(e.name) : undefined;
    for (const part of [name?.value, name?.axis?.lo, name?.axis?.hi]) if (part !== undefined) visit(part);
    if (e.op === "axis" && name !== undefined) axes.set(e.name, name);
    e.args.forEach(visit);
  };
  roots.forEach(visit);
  return axes;
}

/** Bounds that are not known are tried up to here. */
const far = 1e6;

/** The first value of an axis, its step and the number of its values, in an iteration of the axes around it. */
interface Span {
  readonly lo: number;
  readonly step: number;
  readonly count: number;
}

function spanAt({ range, axis }: IndexName, names: IndexNames, around: ReadonlyMap<string, number>): Span {
  const values = new Evaluation((name) => names(name)?.value, around);
  const [lo, hi] = axis === undefined ? [] : [values.of(axis.lo), values.of(axis.hi)];
  if (axis !== undefined && lo !== undefined && hi !== undefined) return { lo, step: axis.step, count: Math.ceil((hi - lo) / axis.step) };
  const from = Math.max(range.lo, -far);
  return { lo: from, step: 1, count: Math.min(range.hi, far) - from + 1 };
}

/** Iterations to try: all where they are few, else corners first, then a fixed random choice. */
function* points(axes: ReadonlyMap<string, IndexName>, names: IndexNames): Generator<ReadonlyMap<string, number>> {
  const list = [...axes];
  const most = list.map(([, { range }]) => Math.min(range.hi, far) - Math.max(range.lo, -far) + 1);
  const total = most.reduce((n, count) => n * Math.max(0, count), 1);
  const choose = total <= tries ? counting(most) : drawing();
  for (let turn = 0; turn < Math.min(total, tries); turn++) {
    const point = new Map<string, number>();
    const complete = list.every(([name, meaning], i) => {
      const span = spanAt(meaning, names, point);
      const k = choose(turn, i, span.count);
      point.set(name, span.lo + span.step * k);
      return k >= 0 && k < span.count;
    });
    if (complete) yield point;
  }
}

/** Which value axis `i` of `count` values takes in a turn. */
type Choice = (turn: number, i: number, count: number) => number;

/** Every combination once. */
function counting(most: readonly number[]): Choice {
  const strides = stridesOf(most);
  return (turn, i) => Math.floor(turn / at(strides, i)) % at(most, i);
}

/** First and last values in the first turns, then any. */
function drawing(): Choice {
  let random = 1;
  return (turn, _, count) => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const share = random / 4294967296;
    if (turn < tries / 16) return share < 0.5 ? 0 : count - 1;
    return Math.floor(share * count);
  };
}
