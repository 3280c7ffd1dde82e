/**
 * rising: a reduction that picks elements and keeps where they stood, walked from the first position to the last.
 *
 *   reduce %m, %p = -inf, 2147483647 by (… or $2 == $0 and $3 < $1 …) over %k { yield load %x[%k], %k }
 *     → reduce %m, %p = load %x[0], 0 by (select(isnan($0) or $2 <= $0, $0, $2), …) over %k { … }
 *
 * An element that comes later stands at no earlier position than what is kept, so the tests of positions are decided. What is kept at
 * first must be an element then; that it comes again picks the same. Nothing of this holds where accumulators meet.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { constant, s } from "../../ir/expr.ts";
import { addIndex, ix, keyOf } from "../../ir/indexing.ts";
import type { Reduce, Stmt } from "../../ir/loop.ts";
import { exprMapper, mapBodies, replaceEach } from "../../ir/loop-walk.ts";
import { argumentsOf } from "./combine.ts";
import { copied } from "./copy.ts";
import { isPlain, isStraight, readsAny, strideOf } from "./nest.ts";
import { letsFor } from "./strip.ts";

export interface Rising {
  /** The parts of the tuple that are picked, by what is picked together; others are what they were. */
  readonly picked: readonly (readonly number[])[];
  /** What the first element is computed from. */
  readonly lets: readonly Stmt[];
  readonly init: readonly Expr[];
  /** How a later element, the second tuple, is brought into what is kept. */
  readonly combine: readonly Expr[];
}

/** What a reduction may be walked with from its first element on; null where that decides nothing. */
export function risingFrom(r: Reduce): Rising | null {
  const [axis] = r.axes;
  const size = r.names.length;
  if (axis?.kind !== "serial" || r.axes.length > 1 || !isPlain(axis) || axis.hi.value === 0 || size < 2) return null;
  // what is stored on the way is no matter, unless it is read again
  const stored = new Set(r.body.flatMap((one) => (one.kind === "store" ? [one.buffer] : [])));
  if (!r.body.every(isStraight) || readsAny([r], stored)) return null;
  const positions = new Set(r.values.flatMap((e, i) => (e.dtype === "int32" && strideOf(addIndex(e, 0), axis.name) > 0 ? [i] : [])));
  if (positions.size === 0) return null;
  const decided = exprMapper((e) => simpler(decide(e, positions, size)));
  const combine = r.combine.map(decided);
  const isDecided = (parts: readonly number[]): boolean =>
    parts.every((i) => picks(at(r.combine, i), i, size)) && parts.some((i) => combine[i] !== r.combine[i]);
  const picked = partsTogether(r).filter(isDecided);
  if (picked.length === 0) return null;
  const all = new Set(picked.flat());
  const { body, values } = copied(r, { suffix: "_first", axes: new Map([[axis.name, ix(0)]]) });
  const chosen = (some: readonly Expr[], others: readonly Expr[]): Expr[] => others.map((e, i) => (all.has(i) ? at(some, i) : e));
  const init = chosen(values, r.init);
  return {
    picked,
    lets: letsFor(
      init,
      body.filter((one) => one.kind === "let"),
    ),
    init,
    combine: chosen(combine, r.combine),
  };
}

/** The parts of a tuple by what is combined with one another. */
function partsTogether(r: Reduce): number[][] {
  const size = r.names.length;
  const groups: number[][] = [];
  r.combine.forEach((e, i) => {
    const met = new Set([i, ...[...argumentsOf(e)].map((k) => k % size)]);
    const [own, others] = [groups.filter((g) => g.some((k) => met.has(k))), groups.filter((g) => !g.some((k) => met.has(k)))];
    groups.splice(0, groups.length, ...others, [...new Set([...own.flat(), ...met])]);
  });
  return groups;
}

/** Reductions of a scheduled kernel: they run from the first element to the last. */
export function startRising(list: readonly Stmt[]): readonly Stmt[] {
  return replaceEach(list, (one) => {
    const inner = mapBodies(one, startRising);
    const found = inner.kind === "reduce" ? risingFrom(inner) : null;
    return inner.kind === "reduce" && found !== null ? [...found.lets, { ...inner, init: found.init, combine: found.combine }] : inner;
  });
}

/** Whether part `i` of a combination is that part of one of both tuples. */
function picks(e: Expr, i: number, size: number): boolean {
  if (e.op === "arg") return e.value === i || e.value === i + size;
  return e.op === "select" && e.args.slice(1).every((one) => picks(one, i, size));
}

const yes = constant(1, "bool");
const no = constant(0, "bool");
const isLater: ReadonlySet<string> = new Set(["gt", "ge", "ne"]);
const isEarlier: ReadonlySet<string> = new Set(["lt", "le", "ne"]);

/** Tests of the second tuple's positions against those of the first, which are before it. */
function decide(e: Expr, positions: ReadonlySet<number>, size: number): Expr {
  const a = e.args[0];
  const b = e.args[1];
  if (e.dtype !== "bool" || a?.op !== "arg" || b?.op !== "arg" || e.args.length !== 2) return e;
  if (positions.has(b.value) && a.value === b.value + size) return isLater.has(e.op) ? yes : no;
  if (positions.has(a.value) && b.value === a.value + size) return isEarlier.has(e.op) ? yes : no;
  return e;
}

function simpler(e: Expr): Expr {
  const a = e.args[0];
  const b = e.args[1];
  const c = e.args[2];
  if (e.op === "select" && a?.op === "not" && b !== undefined && c !== undefined) return s.select(at(a.args, 0), c, b);
  if (e.dtype !== "bool" || a?.dtype !== "bool") return e;
  if (e.op === "not" && a.op === "const") return a.value === 0 ? yes : no;
  if (b === undefined || (e.op !== "and" && e.op !== "or")) return e;
  for (const [one, other] of [[a, b] as const, [b, a] as const]) {
    if (one.op === "const") return (one.value === 0) === (e.op === "or") ? other : one;
  }
  return e.op === "or" ? sharedPart(e, a, b) : e;
}

/** `p and q or r and q` is `q and (p or r)`. */
function sharedPart(e: Expr, a: Expr, b: Expr): Expr {
  if (a.op !== "and" || b.op !== "and") return e;
  const theirs = new Map(b.args.map((x) => [keyOf(x), x]));
  const shared = a.args.find((x) => theirs.has(keyOf(x)));
  if (shared === undefined) return e;
  const rest = (of: Expr): Expr => of.args.find((x) => keyOf(x) !== keyOf(shared)) ?? shared;
  return notLess(shared, rest(a), rest(b)) ?? s.and(shared, s.or(rest(a), rest(b)));
}

const opposite: ReadonlyMap<string, (a: Expr, b: Expr) => Expr> = new Map([
  ["gt", s.le],
  ["lt", s.ge],
]);

/** `not isnan(x) and (isnan(y) or y > x)` is `not (isnan(x) or y <= x)`. */
function notLess(known: Expr, nan: Expr, test: Expr): Expr | null {
  const flipped = opposite.get(test.op);
  const y = test.args[0];
  const x = test.args[1];
  if (flipped === undefined || x === undefined || y === undefined || known.op !== "not" || nan.op !== "isnan") return null;
  const isOfX = keyOf(known) === keyOf(s.not(s.isnan(x)));
  return isOfX && keyOf(nan) === keyOf(s.isnan(y)) ? s.not(s.or(s.isnan(x), flipped(y, x))) : null;
}
