/**
 * scaling: how a value changes when a scalar in it does, so that sums of it need not be begun again.
 *
 *   exp(%s - %m)  as %m goes from %m_old to %m_new:   times exp(%m_old - %m_new)
 *   %e / %l       may be summed as %e, and divided by %l at the end
 *
 * The rescaling of a running sum under a running maximum is that of M. Milakov, N. Gimelshein, "Online normalizer calculation for
 * softmax" (2018); nothing here knows a softmax.
 */
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { s, withOperands } from "../../ir/expr.ts";
import { keyOf } from "../../ir/indexing.ts";
import { exprMapper } from "../../ir/loop-walk.ts";

/** A scalar before and after a step. */
export interface Step {
  readonly old: Expr;
  readonly next: Expr;
}

/** What a value is multiplied with, and divided by, after the last step. */
export interface Later {
  readonly times: readonly Expr[];
  readonly over: readonly Expr[];
}

/** A difference. */
interface Shift {
  readonly plus: Expr;
  readonly minus: Expr;
}

/** A value as it is after a step, without what is left for later. */
export interface Scaled {
  readonly value: Expr;
  readonly later: Later;
  /** What it is multiplied with in a step; `same` where it does not change, null where there is no such factor. */
  readonly ratio: Expr | "same" | null;
  /** What is added to it in a step. */
  readonly shift: Shift | "same" | null;
}

export interface Scalars {
  /** What a scalar that changes from step to step is before and after one. */
  readonly step: (name: string) => Step | undefined;
  /** Scalars that are known only after the last step. */
  readonly final: ReadonlySet<string>;
  /** What is known of a name, or of an element of a row. */
  readonly known: (e: Expr) => Scaled | undefined;
  /** Whether all elements of a row share a value. */
  readonly isShared: (e: Expr) => boolean;
}

const nothingLater: Later = { times: [], over: [] };
export const isLeft = ({ times, over }: Later): boolean => times.length + over.length > 0;
const plain = (value: Expr): Scaled => ({ value, later: nothingLater, ratio: "same", shift: "same" });

/** A value as it can be summed step by step; null where it cannot. */
export function scaled(root: Expr, scalars: Scalars): Scaled | null {
  const done = new Map<Expr, Scaled | null>();
  const visit = (e: Expr): Scaled | null => {
    const known = done.get(e);
    if (known !== undefined) return known;
    const out = scalars.known(e) ?? ofScalar(e, scalars) ?? setAside(e, scalars, visit) ?? ofOperation(e, visit, scalars);
    done.set(e, out === null || out.shift !== null ? out : { ...out, shift: between(e, scalars) });
    return done.get(e) ?? null;
  };
  return visit(root);
}

function ofScalar(e: Expr, scalars: Scalars): Scaled | undefined {
  const step = e.op === "var" ? scalars.step(e.name) : undefined;
  return step === undefined ? undefined : { value: step.next, later: nothingLater, ratio: null, shift: { plus: step.next, minus: step.old } };
}

/** Before and after a step, what all elements share of scalars that change, whatever is done with them. */
function between(e: Expr, scalars: Scalars): Shift | null {
  if (!scalars.isShared(e)) return null;
  let isOpen = true;
  const stepOf = (part: Expr): Step | undefined => {
    const known = part.op === "var" ? scalars.known(part) : undefined;
    const shift = known?.shift;
    if (known !== undefined && (shift === null || shift === undefined || shift === "same" || shift.plus !== known.value)) isOpen = false;
    return shift === null || shift === undefined || shift === "same" ? scalars.step(part.name) : { old: shift.minus, next: shift.plus };
  };
  const at = (when: keyof Step): Expr => exprMapper((part) => (part.op === "var" ? (stepOf(part)?.[when] ?? part) : part))(e);
  const shift = { plus: at("next"), minus: at("old") };
  return isOpen && !exprOrder([e]).some((part) => part.op === "var" && scalars.final.has(part.name)) ? shift : null;
}

/** A factor that is known only at the end, and that all elements share, waits until then. */
function setAside(e: Expr, { final, isShared }: Scalars, visit: (e: Expr) => Scaled | null): Scaled | null {
  const waits = (a: Expr): boolean => isShared(a) && exprOrder([a]).some((part) => part.op === "var" && final.has(part.name));
  const [a, b] = e.args;
  if (a === undefined || b === undefined || (e.op !== "mul" && e.op !== "div")) return null;
  const [factor, rest] = e.op === "mul" && waits(a) ? [a, b] : [b, a];
  const inner = waits(factor) ? visit(rest) : null;
  if (inner === null) return null;
  const { times, over } = inner.later;
  return { ...inner, later: e.op === "mul" ? { times: [...times, factor], over } : { times, over: [...over, factor] } };
}

function ofOperation(e: Expr, visit: (e: Expr) => Scaled | null, scalars: Scalars): Scaled | null {
  if (e.op === "var" && scalars.final.has(e.name)) return null;
  const args = e.args.map(visit);
  if (args.includes(null)) return null;
  const given = args.flatMap((a) => a ?? []);
  const value = given.every((a, i) => a.value === e.args[i])
    ? e
    : withOperands(
        e,
        given.map((a) => a.value),
      );
  if (given.every((a) => a.ratio === "same" && !isLeft(a.later))) return plain(value);
  const made = change(e, given, scalars);
  return made === null ? null : { value, ...made };
}

type Change = Omit<Scaled, "value">;

/** What is known of an operation of which an operand changes. */
function change(e: Expr, args: readonly Scaled[], { isShared }: Scalars): Change | null {
  const [a, b, c] = args;
  if (a === undefined) return null;
  const isWhole = args.every((x) => !isLeft(x.later));
  switch (e.op) {
    case "neg":
      return { later: a.later, ratio: a.ratio, shift: swapped(a.shift) };
    case "add":
      return b === undefined || !isWhole ? null : { later: nothingLater, ratio: null, shift: sum(a.shift, b.shift) };
    case "sub":
      return b === undefined || !isWhole ? null : { later: nothingLater, ratio: null, shift: sum(a.shift, swapped(b.shift)) };
    case "mul":
      return b === undefined ? null : { later: both(a.later, b.later), ratio: times(a.ratio, b.ratio), shift: multiple(a, b, isShared) };
    case "div":
      return b === undefined || isLeft(b.later) ? null : { later: a.later, ratio: over(a.ratio, b.ratio), shift: null };
    case "exp":
    case "exp2":
      return isWhole ? { later: nothingLater, ratio: power(e.op, a.shift), shift: null } : null;
    case "select":
      if (b !== undefined && c !== undefined && a.ratio === "same" && !isLeft(a.later)) return choice(b, c);
      return isWhole ? { later: nothingLater, ratio: null, shift: null } : null;
    default:
      return isWhole ? { later: nothingLater, ratio: null, shift: null } : null;
  }
}

const swapped = (x: Scaled["shift"]): Scaled["shift"] => (x === null || x === "same" ? x : { plus: x.minus, minus: x.plus });

function sum(x: Scaled["shift"], y: Scaled["shift"]): Scaled["shift"] {
  if (x === null || y === null) return null;
  if (x === "same") return y;
  return y === "same" ? x : { plus: s.add(x.plus, y.plus), minus: s.add(x.minus, y.minus) };
}

/** A sum times what does not change, and is the same for all. */
function multiple(a: Scaled, b: Scaled, isShared: Scalars["isShared"]): Scaled["shift"] {
  const [x, factor] = b.ratio === "same" ? [a, b] : [b, a];
  if (factor.ratio !== "same" || !isShared(factor.value) || x.shift === null || x.shift === "same") return null;
  return { plus: s.mul(x.shift.plus, factor.value), minus: s.mul(x.shift.minus, factor.value) };
}

function times(x: Scaled["ratio"], y: Scaled["ratio"]): Scaled["ratio"] {
  if (x === null || y === null) return null;
  if (x === "same") return y;
  return y === "same" ? x : s.mul(x, y);
}

function over(x: Scaled["ratio"], y: Scaled["ratio"]): Scaled["ratio"] {
  if (x === null || y === null) return null;
  return y === "same" ? x : s.div(x === "same" ? s.like(1, y) : x, y);
}

const both = (x: Later, y: Later): Later => ({ times: [...x.times, ...y.times], over: [...x.over, ...y.over] });

function power(op: "exp" | "exp2", shift: Scaled["shift"]): Scaled["ratio"] {
  return shift === null || shift === "same" ? shift : s[op](s.sub(shift.plus, shift.minus));
}

/** One of two values that change alike; nothing, that is 0, changes as anything does. */
function choice(x: Scaled, y: Scaled): Change | null {
  const isZero = ({ value }: Scaled): boolean => value.op === "const" && value.value === 0;
  if (isZero(x)) return y;
  if (isZero(y)) return x;
  const textOf = (e: Scaled["ratio"]): string => (e === null || e === "same" ? String(e) : keyOf(e));
  const laterOf = ({ later }: Scaled): string => [...later.times.map(keyOf), "/", ...later.over.map(keyOf)].join();
  return laterOf(x) !== laterOf(y) ? null : { later: x.later, ratio: textOf(x.ratio) === textOf(y.ratio) ? x.ratio : null, shift: null };
}

/** Whether a value is what it is, whatever the scalars are. */
export const isPlainValue = ({ ratio, later }: Scaled): boolean => ratio === "same" && !isLeft(later);

/** The value with what was left for later. */
export function completed(value: Expr, { times: factors, over: divisors }: Later): Expr {
  const product = factors.reduce((e, f) => s.mul(e, f), value);
  return divisors.reduce((e, f) => s.div(e, f), product);
}
