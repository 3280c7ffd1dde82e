/**
 * tidy: statements as a careful programmer would leave them.
 *
 *   reduce %s over %k in 0..8 { load %x[%k] }        reduce %s, %m over %k in 0..8 {
 *   reduce %m over %l in 0..8 { load %x[%l] }    →     let %t = load %x[%k]
 *                                                      yield %t, %t }
 *
 * Sibling loops over the same range that do not need one another become one loop; what a list computes twice gets a name, and what
 * a loop computes again in every iteration moves in front of it; names that nobody reads go.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { argument, substitute, variable, withName } from "../../ir/expr.ts";
import { freeNames, keyOf } from "../../ir/indexing.ts";
import type { Axis, For, Let, Reduce, Stmt } from "../../ir/loop.ts";
import { expressionsOf, statements } from "../../ir/loop.ts";
import { exprMapper, mapBodies, mapStatements, replaceEach } from "../../ir/loop-walk.ts";
import { Sharing } from "./sharing.ts";

/** All of a kernel: what it reads, it defines. */
export function tidy(list: readonly Stmt[]): readonly Stmt[] {
  return tidied(list, noNames);
}

/** A part of a kernel, which may read names of what is around it: they stay what they are. */
export function tidyPart(list: readonly Stmt[]): readonly Stmt[] {
  return tidied(list, readsOf(list));
}

const noNames: ReadonlySet<string> = new Set();

/** `taken`: names that no let may get. */
function tidied(list: readonly Stmt[], taken: ReadonlySet<string>): readonly Stmt[] {
  const merged = mergeLoops(dropEmpty(list));
  return dropUnread(new Sharing(mutableNames(merged)).list(merged, taken));
}

const isEmpty = (a: Axis): boolean => a.lo.op === "const" && a.hi.op === "const" && a.hi.value <= a.lo.value;

/** Without loops that never run; a reduction over nothing is its neutral element. */
function dropEmpty(list: readonly Stmt[]): readonly Stmt[] {
  return replaceEach(list, (s) => {
    if (s.kind === "for" && isEmpty(s.axis)) return none;
    if (s.kind !== "reduce" || !s.axes.some(isEmpty)) return mapBodies(s, dropEmpty);
    return s.names.map((name, i): Stmt => ({ kind: "let", name, value: at(s.init, i) }));
  });
}

const none: readonly Stmt[] = [];

/** A loop nest that can be merged: its serial axes between bounds that are known before it, and what runs inside. */
export interface Nest {
  readonly axes: readonly Axis[];
  readonly body: readonly Stmt[];
  readonly reduce: Reduce | null;
}

export function nestOf(s: Stmt): Nest | null {
  if (s.kind === "reduce") return s.axes.every(isSimple) && s.axes.length > 0 ? { axes: s.axes, body: s.body, reduce: s } : null;
  if (s.kind !== "for" || !isSimple(s.axis)) return null;
  const only = s.body.length === 1 ? s.body[0] : undefined;
  const inner = only?.kind === "for" ? nestOf(only) : null;
  return inner === null ? { axes: [s.axis], body: s.body, reduce: null } : { ...inner, axes: [s.axis, ...inner.axes] };
}

const isPlain = (bound: Expr): boolean => bound.op === "const" || bound.op === "var";
const isSimple = (a: Axis): boolean => a.kind === "serial" && isPlain(a.lo) && isPlain(a.hi) && a.step === 1;
export const rangeText = (n: Nest): string => n.axes.map((a) => `${keyOf(a.lo)}..${keyOf(a.hi)}`).join("x");

function mergeLoops(list: readonly Stmt[]): readonly Stmt[] {
  const out: Stmt[] = [];
  let isSame = true;
  for (let i = 0; i < list.length; i++) {
    const original = at(list, i);
    const s = mapBodies(original, mergeLoops);
    const nest = out.length === 0 ? null : nestOf(s);
    const place = nest === null ? -1 : findHost(out, s, nest);
    const host = place < 0 ? null : nestOf(at(out, place));
    isSame &&= s === original && host === null;
    if (nest === null || host === null) out.push(s);
    else out[place] = mergeNests(host, nest);
  }
  return isSame ? list : out;
}

/** The position of an earlier loop over the same range, nothing after it or in it being read by `s`, or touching what `s` writes; -1 where there is none. */
function findHost(out: readonly Stmt[], s: Stmt, nest: Nest): number {
  const range = rangeText(nest);
  const isHost = (candidate: Stmt): boolean => {
    const other = nestOf(candidate);
    return other !== null && rangeText(other) === range;
  };
  const first = out.findIndex(isHost);
  if (first < 0) return -1;
  const needs = readsOf([s]);
  const changed = mutableNames([s]);
  for (let i = out.length - 1; i >= first; i--) {
    const candidate = at(out, i);
    if (writesAny(candidate, needs) || (changed.size > 0 && touchesAny(candidate, changed))) return -1;
    if (isHost(candidate)) return i;
  }
  return -1;
}

export function mergeNests(host: Nest, guest: Nest): For | Reduce {
  const rename = new Map(guest.axes.map((a, i) => [a.name, at(host.axes, i)]));
  const f = exprMapper((e) => {
    const axis = e.op === "axis" ? rename.get(e.name) : undefined;
    return axis === undefined ? e : withName(e, axis.name);
  });
  const { list, renamed } = withNamesOf(host.body, mapStatements(guest.body, f));
  const body = [...host.body, ...list];
  const joined = joinReduces(host.reduce, guest.reduce, (e) => renamed(f(e)));
  if (joined !== null) return { ...joined, axes: host.axes, body };
  return nestFors(host.axes, body);
}

/** Statements behind others, without lets of what those have under a name; and expressions with the names that are left. */
function withNamesOf(before: readonly Stmt[], list: readonly Stmt[]): { readonly list: readonly Stmt[]; readonly renamed: (e: Expr) => Expr } {
  const mutable = mutableNames([...before, ...list]);
  const indices = new Map<string, Expr>();
  // what an index is called is no difference
  const keyIn = (s: Let): string => {
    const whole = exprMapper((x) => (x.op === "var" ? (indices.get(x.name) ?? x) : x))(s.value);
    if (whole.dtype === "int32") indices.set(s.name, whole);
    return keyOf(whole);
  };
  const stays = ({ value }: Let): boolean => mutable.size === 0 || [...freeNames(value)].every((name) => !mutable.has(name));
  const known = new Map<string, Expr>();
  for (const s of before) if (s.kind === "let" && stays(s)) known.set(keyIn(s), variable(s.name, s.value.dtype, s.value.lo, s.value.hi));
  const same = new Map<string, Expr>();
  const renamed = (e: Expr): Expr => (same.size === 0 ? e : exprMapper((x) => (x.op === "var" ? (same.get(x.name) ?? x) : x))(e));
  const others = list.flatMap((s) => {
    const next = same.size === 0 ? s : at(mapStatements([s], renamed), 0);
    const name = next.kind === "let" && stays(next) ? known.get(keyIn(next)) : undefined;
    if (next.kind !== "let" || name === undefined) return [next];
    same.set(next.name, name);
    return [];
  });
  return { list: others, renamed };
}

function nestFors(axes: readonly Axis[], body: readonly Stmt[]): For {
  const inner = axes.length === 1 ? body : [nestFors(axes.slice(1), body)];
  return { kind: "for", axis: at(axes, 0), body: inner };
}

function joinReduces(a: Reduce | null, b: Reduce | null, f: (e: Expr) => Expr): Reduce | null {
  if (b === null) return a;
  const moved: Reduce = { ...b, values: b.values.map(f) };
  if (a === null) return moved;
  const [n, m] = [a.names.length, b.names.length];
  const dtypes = [...a.init, ...b.init].map((e) => e.dtype);
  const slots = (first: number, from: number, count: number): Expr[] =>
    Array.from({ length: count }, (_, i) => argument(first + from + i, at(dtypes, from + i)));
  const total = n + m;
  const own = [...slots(0, 0, n), ...slots(total, 0, n)];
  const other = [...slots(0, n, m), ...slots(total, n, m)];
  return {
    ...a,
    names: [...a.names, ...b.names],
    init: [...a.init, ...b.init],
    values: [...a.values, ...moved.values],
    combine: [...a.combine.map((c) => substitute(c, own)), ...b.combine.map((c) => substitute(c, other))],
    exact: a.exact && b.exact,
  };
}

/** Names of scalars and buffers that statements and their bodies read. */
export function readsOf(list: readonly Stmt[]): Set<string> {
  const into = new Set<string>();
  const seen = new Set<Expr>();
  for (const inner of statements(list)) {
    noteNames(inner, into, seen);
    if (inner.kind === "assign") into.add(inner.name);
  }
  return into;
}

function noteNames(s: Stmt, into: Set<string>, seen: Set<Expr>): void {
  if (s.kind === "let") {
    collectNames(s.value, into, seen);
    return;
  }
  const list = expressionsOf(s);
  for (let i = 0; i < list.length; i++) collectNames(at(list, i), into, seen);
}

function collectNames(e: Expr, into: Set<string>, seen: Set<Expr>): void {
  if (e.op === "var" || e.op === "load") into.add(e.name);
  if (e.args.length === 0 || seen.has(e)) return;
  seen.add(e);
  for (let i = 0; i < e.args.length; i++) {
    const a = e.args[i];
    if (a !== undefined && a.op !== "const") collectNames(a, into, seen);
  }
}

/** Whether a statement or its bodies define or write one of these scalars and buffers. */
export function writesAny(s: Stmt, names: ReadonlySet<string>): boolean {
  switch (s.kind) {
    case "reduce":
      return s.names.some((n) => names.has(n)) || s.body.some((inner) => writesAny(inner, names));
    case "for":
      return s.body.some((inner) => writesAny(inner, names));
    case "if":
      return s.then.some((inner) => writesAny(inner, names)) || s.otherwise.some((inner) => writesAny(inner, names));
    case "store":
      return names.has(s.buffer);
    case "barrier":
      return false;
    default:
      return names.has(s.name);
  }
}

/** Whether a statement or its bodies read or write one of these scalars and buffers. */
export const touchesAny = (s: Stmt, names: ReadonlySet<string>): boolean => writesAny(s, names) || [...readsOf([s])].some((name) => names.has(name));

/** Scalars and buffers that statements change: values may differ between two reads of one, so what reads it is never shared. */
export function mutableNames(list: readonly Stmt[]): Set<string> {
  const names = new Set<string>();
  const all = statements(list);
  for (let i = 0; i < all.length; i++) {
    const s = at(all, i);
    if (s.kind === "assign") names.add(s.name);
    else if (s.kind === "store") names.add(s.buffer);
  }
  return names;
}

/** Without lets that nothing reads. Names are unique in a kernel, so one set serves all levels; what reads a let stands behind it. */
function dropUnread(list: readonly Stmt[]): readonly Stmt[] {
  const read = new Set<string>();
  const unread = new Set<Stmt>();
  const visit = (inner: readonly Stmt[]): void => {
    for (let i = inner.length - 1; i >= 0; i--) {
      const s = at(inner, i);
      if (s.kind === "let" && !read.has(s.name)) {
        unread.add(s);
        continue;
      }
      const own = expressionsOf(s);
      for (let k = 0; k < own.length; k++) freeNames(at(own, k), read);
      if (s.kind === "for" || s.kind === "reduce") visit(s.body);
      else if (s.kind === "if") [s.otherwise, s.then].forEach(visit);
    }
  };
  visit(list);
  if (unread.size === 0) return list;
  const keep = (inner: readonly Stmt[]): readonly Stmt[] => replaceEach(inner, (s) => (unread.has(s) ? none : mapBodies(s, keep)));
  return keep(list);
}
