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
import { argument, substitute, withName } from "../../ir/expr.ts";
import { keyOf } from "../../ir/indexing.ts";
import type { Axis, For, Reduce, Stmt } from "../../ir/loop.ts";
import { expressionsOf, statements } from "../../ir/loop.ts";
import { exprMapper, mapBodies, mapStatements } from "../../ir/loop-walk.ts";
import { Sharing } from "./sharing.ts";

export function tidy(list: readonly Stmt[]): Stmt[] {
  return dropUnread(share(mergeLoops(dropEmpty(list))));
}

const isEmpty = (a: Axis): boolean => a.lo.op === "const" && a.hi.op === "const" && a.hi.value <= a.lo.value;

/** Without loops that never run; a reduction over nothing is its neutral element. */
function dropEmpty(list: readonly Stmt[]): Stmt[] {
  const out: Stmt[] = [];
  for (const s of list) {
    if (s.kind === "for" && isEmpty(s.axis)) continue;
    if (s.kind === "reduce" && s.axes.some(isEmpty)) s.names.forEach((name, i) => out.push({ kind: "let", name, value: at(s.init, i) }));
    else out.push(mapBodies(s, dropEmpty));
  }
  return out;
}

/** A loop nest that can be merged: its serial axes between bounds that are known before it, and what runs inside. */
interface Nest {
  readonly axes: readonly Axis[];
  readonly body: readonly Stmt[];
  readonly reduce: Reduce | null;
}

function nestOf(s: Stmt): Nest | null {
  if (s.kind === "reduce") return s.axes.every(isSimple) && s.axes.length > 0 ? { axes: s.axes, body: s.body, reduce: s } : null;
  if (s.kind !== "for" || !isSimple(s.axis)) return null;
  const only = s.body.length === 1 ? s.body[0] : undefined;
  const inner = only?.kind === "for" ? nestOf(only) : null;
  return inner === null ? { axes: [s.axis], body: s.body, reduce: null } : { ...inner, axes: [s.axis, ...inner.axes] };
}

const isPlain = (bound: Expr): boolean => bound.op === "const" || bound.op === "var";
const isSimple = (a: Axis): boolean => a.kind === "serial" && isPlain(a.lo) && isPlain(a.hi) && a.step === 1;
const rangeText = (n: Nest): string => n.axes.map((a) => `${keyOf(a.lo)}..${keyOf(a.hi)}`).join("x");

function mergeLoops(list: readonly Stmt[]): Stmt[] {
  const out: Stmt[] = [];
  for (const original of list) {
    const s = mapBodies(original, mergeLoops);
    const nest = nestOf(s);
    const place = nest === null ? -1 : findHost(out, s, nest);
    const host = nestOf(out[place] ?? s);
    if (nest === null || place < 0 || host === null) out.push(s);
    else out[place] = mergeNests(host, nest);
  }
  return out;
}

/** The position of an earlier loop over the same range, nothing after it or in it being read by `s`; -1 where there is none. */
function findHost(out: readonly Stmt[], s: Stmt, nest: Nest): number {
  const needs = readsOf(s);
  for (let i = out.length - 1; i >= 0; i--) {
    const candidate = at(out, i);
    const other = nestOf(candidate);
    const free = !intersects(needs, writesOf(candidate));
    if (other !== null && free && rangeText(other) === rangeText(nest)) return i;
    if (!free) return -1;
  }
  return -1;
}

function mergeNests(host: Nest, guest: Nest): For | Reduce {
  const rename = new Map(guest.axes.map((a, i) => [a.name, at(host.axes, i)]));
  const f = exprMapper((e) => {
    const axis = e.op === "axis" ? rename.get(e.name) : undefined;
    return axis === undefined ? e : withName(e, axis.name);
  });
  const body = [...host.body, ...mapStatements(guest.body, f)];
  const joined = joinReduces(host.reduce, guest.reduce, f);
  if (joined !== null) return { ...joined, axes: host.axes, body };
  return nestFors(host.axes, body);
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

/** Names of scalars and buffers that a statement and its bodies read. */
function readsOf(s: Stmt): Set<string> {
  const into = new Set<string>();
  const seen = new Set<Expr>();
  for (const inner of statements([s])) {
    for (const e of expressionsOf(inner)) collectNames(e, into, seen);
    if (inner.kind === "assign") into.add(inner.name);
  }
  return into;
}

function collectNames(e: Expr, into: Set<string>, seen: Set<Expr>): void {
  if (e.op === "var" || e.op === "load") into.add(e.name);
  if (e.args.length === 0 || seen.has(e)) return;
  seen.add(e);
  for (const a of e.args) collectNames(a, into, seen);
}

/** Names of scalars and buffers that a statement and its bodies define or write. */
function writesOf(s: Stmt): Set<string> {
  const into = new Set<string>();
  for (const inner of statements([s])) {
    if (inner.kind === "reduce") inner.names.forEach((n) => into.add(n));
    else if (inner.kind === "store") into.add(inner.buffer);
    else if (inner.kind === "let" || inner.kind === "carry" || inner.kind === "assign" || inner.kind === "local") into.add(inner.name);
  }
  return into;
}

function intersects(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const x of b) if (a.has(x)) return true;
  return false;
}

/** Values may change between two reads of a mutable name, so what reads one is never shared. */
function mutableNames(list: readonly Stmt[]): Set<string> {
  const names = new Set<string>();
  for (const s of statements(list)) if (s.kind === "assign" || s.kind === "store") names.add(s.kind === "assign" ? s.name : s.buffer);
  return names;
}

function share(list: readonly Stmt[]): Stmt[] {
  return new Sharing(mutableNames(list)).list(list);
}

/** Without lets that nothing reads. Names are unique in a kernel, so one set serves all levels. */
function dropUnread(list: Stmt[]): Stmt[] {
  const read = new Set<string>();
  const seen = new Set<Expr>();
  const all = statements(list);
  for (const s of all) for (const e of expressionsOf(s)) collectNames(e, read, seen);
  const isKept = (s: Stmt): boolean => s.kind !== "let" || read.has(s.name);
  if (all.every(isKept)) return list;
  const keep = (inner: readonly Stmt[]): Stmt[] => inner.filter(isKept).map((s) => mapBodies(s, keep));
  return dropUnread(keep(list));
}
