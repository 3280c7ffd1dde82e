/** Ragged arrays as plain nested lists, computed with plain recursion: what the library must agree with. */
import fc from "fast-check";
import type { NDArray, NestedList } from "../../src/index.ts";
import { ragged } from "../../src/index.ts";

export type Nest = number | readonly Nest[];

export const isList = (x: Nest): x is readonly Nest[] => Array.isArray(x);
export const listOf = (x: Nest): readonly Nest[] => {
  if (isList(x)) return x;
  throw new Error(`${x} is a number where a list is expected`);
};

/** Lengths of the lists of each level: rows, then their items. */
export interface Form {
  readonly rows: readonly number[];
  /** The lengths of what the rows hold; null where they hold numbers. */
  readonly deeper: readonly number[] | null;
}

const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

/** Rows of numbers, or of rows of numbers; empty ones at any place. */
export const forms: fc.Arbitrary<Form> = fc
  .tuple(fc.array(fc.nat({ max: 4 }), { maxLength: 5 }), fc.boolean(), fc.infiniteStream(fc.nat({ max: 3 })))
  .map(([rows, deep, lengths]) => ({ rows, deeper: deep ? Array.from({ length: total(rows) }, () => lengths.next().value) : null }));

/** Numbers that add up exactly, and products and squares of them. */
export const numbers: fc.Arbitrary<(n: number) => number[]> = fc
  .infiniteStream(fc.integer({ min: -8, max: 8 }).map((k) => k / 4))
  .map((stream) => (n: number) => Array.from({ length: n }, () => stream.next().value));

export const sizeOf = ({ rows, deeper }: Form): number => total(deeper ?? rows);
export const depthOf = ({ deeper }: Form): number => (deeper === null ? 2 : 3);

/** The list of this form with these numbers. */
export function nestOf(form: Form, flat: readonly number[]): readonly Nest[] {
  const inner = form.deeper === null ? flat : cut(form.deeper, flat);
  return cut(form.rows, inner);
}

function cut(lengths: readonly number[], items: readonly Nest[]): readonly (readonly Nest[])[] {
  let next = 0;
  return lengths.map((n) => items.slice(next, (next += n)));
}

/** The array of this form with these numbers; ragged at each level whatever the lengths are. */
export function arrayOf(form: Form, flat: readonly number[]): NDArray {
  const inner: NDArray | readonly number[] = form.deeper === null ? flat : ragged(flat, { rowLengths: form.deeper });
  return ragged(inner, { rowLengths: form.rows });
}

export const flatten = (x: Nest): number[] => (isList(x) ? x.flatMap(flatten) : [x]);

/** The numbers of one or two lists of one form, one by one. */
export function mapNest(f: (x: number, y: number) => number, x: Nest, y: Nest = x): Nest {
  if (isList(x)) return x.map((item, i) => mapNest(f, item, listOf(y)[i] ?? []));
  return f(x, Number(y));
}

/** The innermost lists, one by one. */
export function mapRows(f: (row: readonly number[]) => readonly number[], x: Nest, depth: number): Nest {
  return depth === 1 ? f(listOf(x).map(Number)) : listOf(x).map((item) => mapRows(f, item, depth - 1));
}

/** Over a set of axes: items along one that is reduced are joined, those along one that is kept meet by position. */
export function reduceNest(f: (group: readonly number[]) => number, x: Nest, depth: number, axes: readonly number[]): Nest {
  const level = (group: readonly Nest[], axis: number): Nest => {
    if (axis === depth) return f(group.map(Number));
    if (axes.includes(axis)) return level(group.flatMap(listOf), axis + 1);
    const longest = group.reduce<number>((most, item) => Math.max(most, listOf(item).length), 0);
    return Array.from({ length: longest }, (_, i) =>
      level(
        group.flatMap((item) => listOf(item).slice(i, i + 1)),
        axis + 1,
      ),
    );
  };
  return level([x], 0);
}

/** Python's slice of a list. */
export function sliceOf<T>(list: readonly T[], start: number | null, stop: number | null, step: number): T[] {
  const clamp = (n: number, lo: number, hi: number): number => Math.min(Math.max(n < 0 ? n + list.length : n, lo), hi);
  const out: T[] = [];
  if (step > 0) for (let i = clamp(start ?? 0, 0, list.length); i < clamp(stop ?? list.length, 0, list.length); i += step) out.push(...list.slice(i, i + 1));
  else
    for (let i = clamp(start ?? list.length, -1, list.length - 1); i > (stop === null ? -1 : clamp(stop, -1, list.length - 1)); i += step)
      out.push(...list.slice(i, i + 1));
  return out;
}

/** An index entry of the model. */
export type Entry =
  | { readonly kind: "number"; readonly at: number }
  | { readonly kind: "slice"; readonly start: number | null; readonly stop: number | null; readonly step: number }
  | { readonly kind: "list"; readonly items: readonly number[] };

/** What the entries take, or null where a position is out of range. */
export function readNest(x: Nest, entries: readonly Entry[]): Nest | null {
  const [entry, ...rest] = entries;
  if (entry === undefined) return x;
  const list = listOf(x);
  if (entry.kind === "number") {
    const item = list.at(entry.at);
    return item === undefined || entry.at < -list.length ? null : readNest(item, rest);
  }
  const chosen = entry.kind === "slice" ? sliceOf(list, entry.start, entry.stop, entry.step) : entry.items.map((i) => list.at(i) ?? null);
  const read = chosen.map((item) => (item === null ? null : readNest(item, rest)));
  return read.some((item) => item === null) ? null : read.flatMap((item) => (item === null ? [] : [item]));
}

const positions = fc.integer({ min: -3, max: 3 });
const bound = fc.option(positions, { nil: null });
export const slices: fc.Arbitrary<Entry> = fc.record({
  kind: fc.constant("slice" as const),
  start: bound,
  stop: bound,
  step: fc.constantFrom(1, 1, 2, -1, -2),
});
export const numbersAt: fc.Arbitrary<Entry> = fc.record({ kind: fc.constant("number" as const), at: positions });
export const lists: fc.Arbitrary<Entry> = fc.record({ kind: fc.constant("list" as const), items: fc.array(positions, { minLength: 1, maxLength: 4 }) });

/** As `tolist` gives it. */
export const plain = (x: Nest): NestedList => (isList(x) ? x.map(plain) : x);
