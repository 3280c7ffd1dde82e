/** Strips of a row: what is computed for some neighbours is kept in scratch before more is done with it. */
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { addIndex, ix, mulIndex, namesIn, subIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Let, Local, Stmt, Store } from "../../ir/loop.ts";
import { expressionsIn } from "../../ir/loop.ts";
import { tidy } from "../lower/tidy.ts";
import { copied, loop, minOf, moved } from "./copy.ts";
import { shortRow } from "./nest.ts";

/** Elements of a strip, at the most: it stays in the nearest cache. */
const longest = 256;

/** The longest strip that divides a row; 0 where none does. */
export function stripOf(length: number): number {
  for (let n = Math.min(longest, length); n >= shortRow; n--) if (length % n === 0) return n;
  return 0;
}

/** A body of names and stores, of which parts may be done before others. */
export interface Straight {
  readonly lets: readonly Let[];
  readonly stores: readonly Store[];
}

/** The same as lists; null where a body has more than that, or reads what it stores. */
export function straight(body: readonly Stmt[]): Straight | null {
  const lets = body.filter((s) => s.kind === "let");
  const stores = body.filter((s) => s.kind === "store");
  const stored = new Set(stores.map((s) => s.buffer));
  const readsThem = exprOrder(expressionsIn(body)).some((e) => e.op === "load" && stored.has(e.name));
  return readsThem || lets.length + stores.length < body.length ? null : { lets, stores };
}

/** What of the lets some values are made of. */
export function letsFor(values: readonly Expr[], lets: readonly Let[]): Let[] {
  const needed = new Set(values.flatMap((e) => [...namesIn(e)]));
  const found: Let[] = [];
  for (const l of lets.toReversed()) {
    if (!needed.has(l.name)) continue;
    found.push(l);
    for (const name of namesIn(l.value)) needed.add(name);
  }
  return found.toReversed();
}

/** So many neighbours along an axis, from `first` on. */
export interface Strip {
  readonly axis: Axis;
  readonly size: number;
  readonly first: Expr;
}

/** A strip in each turn of a loop. */
export const turnsOf = (axis: Axis & { readonly hi: { readonly value: number } }, size: number): Strip => ({
  axis,
  size,
  first: axisIndex(axis.name, 0, axis.hi.value - size),
});

/** A loop over a strip: `make` gives what is done for an element from its place in the strip. */
export function overStrip({ axis, size, first }: Strip, suffix: string, make: (index: Expr) => readonly Stmt[]): For {
  const index = axisIndex(`${axis.name}${suffix}`, 0, size - 1);
  const { body } = copied({ body: make(index), values: [] }, { suffix: `_${suffix}`, axes: new Map([[axis.name, addIndex(first, index)]]) });
  return loop("serial", { name: index.name, lo: ix(0), hi: ix(size) }, 1, body);
}

/** Some rows of a turn: so many points of an axis. */
export interface RowsOfTurn {
  readonly axis: Axis & { readonly hi: { readonly value: number } };
  readonly count: number;
  /** Scratch of one row, beside which that of the others lies. */
  readonly scratch: readonly Local[];
  /** What the name of the loop ends in, and names of what it computes. */
  readonly name: string;
  readonly suffix: string;
}

/** What is done for each row of a turn, one after another; of the last turn, for as many as there are. */
export function eachRow(list: readonly Stmt[], { axis, count, scratch, name, suffix }: RowsOfTurn): For {
  const n = axis.hi.value;
  const first = axisIndex(axis.name, 0, n % count === 0 ? n - count : n - (n % count));
  const row = axisIndex(`${axis.name}${name}`, 0, count - 1);
  const { body } = copied({ body: list, values: [] }, { suffix, axes: new Map([[axis.name, addIndex(first, row)]]) });
  const hi = n % count === 0 ? ix(count) : minOf(ix(count), subIndex(ix(n), first));
  const sizes = new Map(scratch.map((l) => [l.name, l.size]));
  const ofRow = moved(body, new Set(sizes.keys()), (own, index) => addIndex(mulIndex(row, sizes.get(own) ?? 0), index));
  return loop("serial", { name: row.name, lo: ix(0), hi }, 1, ofRow);
}

/** The kernel with another body for so many neighbours along the innermost of its loops. */
export function withStrips(kernel: Kernel, nest: readonly For[], size: number, body: readonly Stmt[]): Kernel {
  const loops = nest.map((f, i) => (i === nest.length - 1 ? { ...f, axis: { ...f.axis, step: size } } : f));
  return { ...kernel, body: tidy(loops.reduceRight<readonly Stmt[]>((below, f) => [{ ...f, body: below }], body)) };
}
