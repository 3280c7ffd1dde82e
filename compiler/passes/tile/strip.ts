/** Strips of a row: what is computed for some neighbours is kept in scratch before more is done with it. */
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex, withRange } from "../../ir/expr.ts";
import { addIndex, ix, mulIndex, namesIn, subIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Let, Local, Stmt, Store } from "../../ir/loop.ts";
import { tidy } from "../lower/tidy.ts";
import { copied, loop, minOf, moved } from "./copy.ts";
import { loopsOver, readsAny, shortRow } from "./nest.ts";

/** Elements of a strip, at the most: it stays in the nearest cache. */
const longest = 256;

/** Strips are whole vectors, of as many registers as go side by side. */
const whole = 16;

/** Fewer turns leave threads idle. */
const fewestTurns = 16;

/** How long strips of a row are: the largest that divide it, or equal ones of which the last is shorter; 0 where a row is too short for one. */
export function stripOf(length: number, most: number = longest): number {
  if (length <= most) return length < shortRow ? 0 : length;
  for (let n = most; n > most / 4; n -= whole) if (length % n === 0) return n;
  return equalBlocks(length, whole, most);
}

/** How long the fewest equal blocks are that are at most so long and whole multiples of a grain. */
export function equalBlocks(length: number, grain: number, most: number): number {
  const grains = Math.ceil(length / grain);
  return Math.ceil(grains / Math.ceil((grains * grain) / most)) * grain;
}

/** How many rows a turn has of so many, at the most: a power of two, as these divide most lengths, so that threads have turns to share. */
export const rowsOfTurn = (length: number, most: number): number => 2 ** Math.floor(Math.log2(Math.min(most, length / fewestTurns)));

/** So many of an axis, or a few more where that divides it. */
export function countOf(length: number, wanted: number): number {
  for (let n = wanted; n <= Math.min(length, 2 * wanted); n++) if (length % n === 0) return n;
  return Math.min(length, wanted);
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
  return readsAny(body, stored) || lets.length + stores.length < body.length ? null : { lets, stores };
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

/** What is done for the strips of an axis, one a turn, of which one starts at `first`: the last may be shorter. */
export function eachStrip(axis: Axis, size: number, make: (strip: Strip) => readonly Stmt[], first: Expr = firstOfTurn(axis, size)): readonly Stmt[] {
  const n = axis.hi.value;
  const rest = n % size;
  const inside = withRange(first, 0, n - rest - size);
  const list = n < size ? [] : make({ axis, size, first: inside });
  if (rest === 0) return list;
  const { body } = copied({ body: make({ axis, size: rest, first: ix(n - rest) }), values: [] }, { suffix: "_z", axes: new Map() });
  return n < size ? body : [{ kind: "if", condition: apply("le", [first, ix(n - size)]), then: list, otherwise: body }];
}

/** Where the strip of a turn starts. */
const firstOfTurn = ({ name, hi }: Axis, size: number): Expr => axisIndex(name, 0, hi.value - (hi.value % size || size));

/** A loop over a strip: `make` gives what is done for an element from its place in the strip. */
export function overStrip({ axis, size, first }: Strip, suffix: string, make: (index: Expr) => readonly Stmt[]): For {
  const index = axisIndex(`${axis.name}${suffix}`, 0, size - 1);
  const { body } = copied({ body: make(index), values: [] }, { suffix: `_${suffix}`, axes: new Map([[axis.name, addIndex(first, index)]]) });
  return loop("serial", { name: index.name, lo: ix(0), hi: ix(size) }, 1, body);
}

/** Some rows of a turn: so many points of an axis. */
export interface RowsOfTurn {
  readonly axis: Axis;
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
  const first = firstOfTurn(axis, count);
  const row = axisIndex(`${axis.name}${name}`, 0, count - 1);
  const { body } = copied({ body: list, values: [] }, { suffix, axes: new Map([[axis.name, addIndex(first, row)]]) });
  const hi = n % count === 0 ? ix(count) : minOf(ix(count), subIndex(ix(n), first));
  const sizes = new Map(scratch.map((l) => [l.name, l.size]));
  const ofRow = moved(body, new Set(sizes.keys()), (own, index) => addIndex(mulIndex(row, sizes.get(own) ?? 0), index));
  return loop("serial", { name: row.name, lo: ix(0), hi }, 1, ofRow);
}

/** The kernel with another body for so many neighbours along the innermost of its loops. */
export const withStrips = (kernel: Kernel, nest: readonly For[], size: number, body: readonly Stmt[]): Kernel => ({
  ...kernel,
  body: tidy(stripLoops(nest, size, body)),
});

/** Loops of which the innermost has another body for so many neighbours. */
export function stripLoops(nest: readonly For[], size: number, body: readonly Stmt[]): readonly Stmt[] {
  const axes = nest.map(({ axis }, i) => (i === nest.length - 1 ? { ...axis, step: size } : axis));
  return loopsOver(axes, body);
}
