/**
 * Rows in scratch that are not needed at the same time take one place, and those that nobody reads none.
 *
 *   reduce %s over %k { let %e = exp(load %row0[%k] - %m)  store %row1[%k] = %e  yield %e }     →     … store %row0[%k] = %e …
 *
 * Either the last loop that reads one stands in front of the first that fills the other, or that is one loop, which reads an element
 * before it writes the other row's at the same place.
 */
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { freeNames, keyOf } from "../../ir/indexing.ts";
import type { For, Local, Reduce, Stmt, Store } from "../../ir/loop.ts";
import { expressionsOf, statements } from "../../ir/loop.ts";
import { mapBodies, renamedMemory, replaceEach } from "../../ir/loop-walk.ts";
import { at } from "../../ir/errors.ts";

export function shareRows(given: readonly Stmt[]): readonly Stmt[] {
  const list = withoutUnread(given);
  const locals = list.filter((s) => s.kind === "local");
  if (locals.length === 0) return list.map((s) => mapBodies(s, shareRows));
  const spans = new Map(locals.map((l) => [l.name, spanOf(l.name, list)]));
  const places: { readonly local: Local; last: number }[] = [];
  const names = new Map<string, string>();
  for (const local of locals.toSorted((a, b) => (spans.get(a.name)?.first ?? 0) - (spans.get(b.name)?.first ?? 0))) {
    const { first, last } = spans.get(local.name) ?? { first: 0, last: list.length };
    const isFree = (p: { readonly local: Local; readonly last: number }): boolean => {
      if (p.local.dtype !== local.dtype || p.local.size !== local.size || first > list.length) return false;
      const tenants = [p.local.name, ...[...names].flatMap(([from, to]) => (to === p.local.name ? [from] : []))];
      return p.last < first || (p.last === first && tenants.every((name) => isReadBefore(at(list, first), name, local.name)));
    };
    const place = places.find(isFree);
    if (place === undefined) places.push({ local, last });
    else {
      names.set(local.name, place.local.name);
      place.last = last;
    }
  }
  if (names.size === 0) return [...list];
  const placed = list.filter((s) => s.kind !== "local" || !names.has(s.name));
  return renamedMemory(placed, names);
}

/** What is computed of the elements of a row may have been kept in its place. */
function withoutUnread(list: readonly Stmt[]): readonly Stmt[] {
  const unread = new Set(
    list.flatMap((s) => (s.kind === "local" && list.every((one) => statements([one]).every((x) => loadsOf(x, s.name).length === 0)) ? [s.name] : [])),
  );
  if (unread.size === 0) return list;
  const drop = (inner: readonly Stmt[]): readonly Stmt[] =>
    replaceEach(inner, (s) => ((s.kind === "store" && unread.has(s.buffer)) || (s.kind === "local" && unread.has(s.name)) ? [] : mapBodies(s, drop)));
  return drop(list);
}

/** The first and the last statement of a list that touch a memory. */
function spanOf(name: string, list: readonly Stmt[]): { readonly first: number; readonly last: number } {
  const touching = list.flatMap((s, i) => (touches(s, name) ? [i] : []));
  return { first: touching[0] ?? list.length + 1, last: touching.at(-1) ?? list.length + 1 };
}

const touches = (s: Stmt, name: string): boolean =>
  statements([s]).some((one) => (one.kind === "store" && one.buffer === name) || loadsOf(one, name).length > 0);

const loadsOf = (s: Stmt, name: string): Expr[] => exprOrder(expressionsOf(s)).filter((e) => e.op === "load" && e.name === name);

/** Whether each iteration of a loop reads its element of one row, if at all, before it fills the same one of another. */
function isReadBefore(s: Stmt, read: string, filled: string): boolean {
  const loop = insideOf(s);
  if (loop === null) return false;
  const { body, values, axes } = loop;
  const place = body.findIndex((one) => one.kind === "store" && one.buffer === filled);
  const store = body[place];
  if (store?.kind !== "store" || store.guard !== undefined || body.slice(0, place).some((one) => touches(one, filled))) return false;
  const walked = freeNames(store.index);
  const isSame = (e: Expr): boolean => keyOf(at(e.args, 0)) === keyOf(store.index) && e.args.length === 1;
  const before = body.slice(0, place).every((one) => isPlain(one) && loadsOf(one, read).every(isSame));
  const after = body.slice(place + 1).every((one) => isPlain(one) && !touches(one, read)) && exprOrder(values).every((e) => e.op !== "load" || e.name !== read);
  return axes.every((a) => walked.has(a)) && before && after && loadsIn(store, read).every(isSame);
}

const isPlain = (s: Stmt): s is Store | Extract<Stmt, { kind: "let" }> => s.kind === "let" || s.kind === "store";
const loadsIn = (s: Store, name: string): Expr[] => loadsOf(s, name);

/** What runs in every iteration of a loop, or of those that it consists of. */
function insideOf(s: Stmt): { readonly body: readonly Stmt[]; readonly values: readonly Expr[]; readonly axes: readonly string[] } | null {
  if (s.kind === "reduce") return { body: s.body, values: [...s.values, ...boundsOf(s)], axes: s.axes.map((a) => a.name) };
  if (s.kind !== "for") return null;
  const only = s.body.length === 1 ? s.body[0] : undefined;
  const inner = only?.kind === "for" ? insideOf(only) : { body: s.body, values: [], axes: [] };
  return inner === null ? null : { ...inner, values: [...inner.values, ...boundsOf(s)], axes: [s.axis.name, ...inner.axes] };
}

const boundsOf = (s: For | Reduce): Expr[] => (s.kind === "for" ? [s.axis.lo, s.axis.hi] : s.init.concat(s.axes.flatMap((a) => [a.lo, a.hi])));
