/**
 * Reading ragged rows by position. Entries are about one axis after the other, and each leaves an array that the next reads on:
 *
 *   [[1, 2, 3], [4, 5], []]     at(0)         one row, dense               [1, 2, 3]
 *                               at("1:")      rows                         [[4, 5], []]
 *                               at(":", "1:") the same slice of each row   [[2, 3], [5], []]
 *                               at("0:2", 1)  one element of each row      [2, 5]
 *
 * Which elements these are is known on the host at once; masks and computed indices are evaluated for it.
 */
import { asNumbers } from "../../compiler/ir/host.ts";
import { at, IndexError, UnsupportedError } from "../../compiler/ir/errors.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { Lazy } from "../handle.ts";
import { entriesOf } from "../indexing/entries.ts";
import type { IndexList } from "../indexing/entries.ts";
import type { IndexMode } from "../indexing/modes.ts";
import { boundPosition } from "../indexing/modes.ts";
import type { Index } from "../indexing/parse.ts";
import { parseIndex } from "../indexing/parse.ts";
import { maskElements, truePositions } from "../indexing/picks.ts";
import { position } from "../indexing/position.ts";
import { parseSlice, resolveSlice, Slice, slice } from "../indexing/slice.ts";
import { elementsOf } from "../operands.ts";
import { offsetsOf, positions, requireSameRows, Rows, rowText } from "./rows.ts";
import { copyFrom, joinInts, steps, viewFrom } from "./take.ts";

/** Reads on where what is left has no ragged rows. */
export type ReadDense = <T extends Lazy>(x: T, ...index: readonly Index<T>[]) => T;

/** What has been read so far, and how many of its first axes are done with. */
interface Reading<T extends Lazy> {
  readonly x: T;
  readonly kept: number;
}

/** An index that is no number. */
type Several<T extends Lazy> = boolean | Slice | string | null | T | IndexList;

const whole = slice(null, null);

/**
 * The elements of ragged `x` at an index. Rows by number, and slices of them that step by 1, are views; what takes some of the elements
 * of rows, or rows by lists and masks, is a copy.
 */
export function readRows<T extends Lazy>(x: T, index: readonly Index<T>[], read: ReadDense): T {
  const [mask, ...others] = index;
  if (mask instanceof Lazy && mask.rows !== null && others.length === 0) return maskedElements(x, mask);
  let entries = withoutGap(x, index);
  let reading: Reading<T> = { x, kept: 0 };
  for (;;) {
    const [entry, ...rest] = entries;
    const { rows } = reading.x;
    if (rows === null) return read(reading.x, ...Array.from({ length: reading.kept }, () => whole), ...entries);
    if (entry === undefined) return reading.x === x ? viewFrom(x, positions(rows.size), rows) : reading.x;
    if (reading.kept > rows.levels) return readInner(reading.x, entries, read);
    entries = rest;
    if (typeof entry === "number") reading = single(reading, rows, entry);
    else reading = isWhole(entry) ? { ...reading, kept: reading.kept + 1 } : several(reading, rows, entry);
  }
}

/** One item of the axis, or one of each item of the axis before: the axis goes. */
function single<T extends Lazy>({ x, kept }: Reading<T>, rows: Rows, entry: number): Reading<T> {
  const items = kept === 0 ? Int32Array.of(position("at", entry, 0, rows.length)) : oneOfEach(rows, kept, entry);
  const { offsets, elements } = rows.pick(kept, items);
  // of the first axis there is one item: what it holds are the rows that are left
  const levels = kept === 0 ? offsets.slice(1) : [...rows.offsets.slice(0, kept - 1), ...offsets];
  const take = kept === 0 ? viewFrom : copyFrom;
  return { x: take(x, elements, levels.length === 0 ? null : new Rows(levels)), kept };
}

function requireRows(x: Lazy): Rows {
  if (x.rows === null) throw new UnsupportedError(`at: ${x.typeName} has no ragged rows.`);
  return x.rows;
}

/** The entries with whole axes where "..." stood. */
function withoutGap<T extends Lazy>(x: T, index: readonly Index<T>[]): readonly Index<T>[] {
  const axes = index.filter((e) => e !== null && e !== "...").length;
  if (axes > x.ndim) throw new IndexError(`at: ${axes} indices for ${x.typeName}, which has ${x.ndim} axes.`);
  if (index.filter((e) => e === "...").length > 1) throw new IndexError('at: "..." stands twice. Write it once.');
  return index.flatMap((e) => (e === "..." ? Array.from({ length: x.ndim - axes }, () => whole) : [e]));
}

/** Entries about inner axes: where an index array stands alone among slices, what it picks stays in its place. */
function readInner<T extends Lazy>(x: T, entries: readonly Index<T>[], read: ReadDense): T {
  const isArray = (e: Index): boolean => typeof e === "object" && e !== null && !(e instanceof Slice);
  const arrays = entries.filter(isArray).length;
  if (arrays > 0 && entries.some((e) => typeof e === "number" || typeof e === "boolean" || e === null || (arrays > 1 && isArray(e))))
    throw new UnsupportedError("at: an index array behind ragged rows goes with slices only. Take along one axis after the other.");
  const flat = copyFrom(x, positions(requireRows(x).size), null);
  const taken = read(flat, whole, ...entries);
  return x.onRows(taken.value, requireRows(x));
}

/** Rows, or the same slice of each row. */
function several<T extends Lazy>({ x, kept }: Reading<T>, rows: Rows, entry: Several<T>): Reading<T> {
  if (kept === 0) {
    const { offsets, elements } = rows.pick(0, itemsOf(x, rows, entry));
    const take = asSlice(entry)?.step === 1 ? viewFrom : copyFrom;
    return { x: take(x, elements, new Rows(offsets)), kept: 1 };
  }
  const each = asSlice(entry);
  if (each === null) throw new UnsupportedError(`at: within the rows of ${x.typeName} an index is a number or a slice. Pad the rows first: toPadded(x, fill).`);
  const level = at(rows.offsets, kept - 1);
  const taken = Array.from(rows.lengths(kept - 1), (length, i) => {
    const { start, size, step } = resolveSlice(each, length);
    return steps(at(level, i) + start, size, step);
  });
  const { offsets, elements } = rows.pick(kept, joinInts(taken));
  const own = offsetsOf(taken.map((list) => list.length));
  return { x: copyFrom(x, elements, new Rows([...rows.offsets.slice(0, kept - 1), own, ...offsets])), kept: kept + 1 };
}

function isWhole(entry: Several<Lazy>): boolean {
  const taken = asSlice(entry);
  return taken !== null && taken.start === null && taken.stop === null && taken.step === 1;
}

function asSlice(entry: Several<Lazy>): Slice | null {
  if (entry instanceof Slice) return entry;
  return typeof entry === "string" ? parseSlice("at", entry) : null;
}

/** One item of each item of the axis before; an IndexError names the first that is too short. */
function oneOfEach(rows: Rows, axis: number, i: number): Int32Array {
  const level = at(rows.offsets, axis - 1);
  return rows.lengths(axis - 1).map((length, item) => {
    const p = i < 0 ? i + length : i;
    if (Number.isInteger(i) && p >= 0 && p < length) return at(level, item) + p;
    throw new IndexError(`at: index ${i} is out of range for row ${rowText(rows, axis - 1, item)} with ${length} elements.`);
  });
}

/** The rows that an entry about axis 0 names, in its order. */
function itemsOf<T extends Lazy>(x: T, rows: Rows, entry: Several<Lazy>): Int32Array {
  const { items } = parseIndex("at", { face: x.face, type: tensorType("bool", [rows.length]), device: x.device }, [entry]);
  const [item, second] = items;
  if (second === undefined && item?.kind === "span") return steps(item.start, item.size, item.step);
  if (second === undefined && item?.kind === "mask" && item.axes.length === 1) return truePositions(maskElements("at", item.entries));
  if (second === undefined && item?.kind === "indices" && item.entries.type.shape.length === 1)
    return Int32Array.from(asNumbers(maskElements("at", item.entries)), (i) => position("at", i, 0, rows.length));
  throw new UnsupportedError(`at: rows of ${x.typeName} are named by a number, a slice, one list of numbers or a mask. Pad them first: toPadded(x, fill).`);
}

/** Rows by their numbers, in any order; a number gives what that row holds. */
export function takeRows<T extends Lazy>(x: T, rows: Rows, indices: T | number | IndexList, read: ReadDense, mode: IndexMode = "raise"): T {
  const bound = (i: number): number => boundPosition({ op: "take", axis: 0, length: rows.length }, i, mode);
  if (typeof indices === "number") {
    const row = readRows(x, [bound(indices)], read);
    return row.alike(row.value);
  }
  const entries = entriesOf("take", indices);
  if (entries.type.dtype === "bool" || entries.type.shape.length !== 1)
    throw new UnsupportedError(`take: rows of ${x.typeName} are named by one list of numbers. Use at for masks.`);
  const items = Int32Array.from(asNumbers(maskElements("take", entries)), bound);
  const { offsets, elements } = rows.pick(0, items);
  return copyFrom(x, elements, new Rows(offsets));
}

/** The elements where a mask in the same rows is true, each in its row. */
function maskedElements<T extends Lazy>(x: T, mask: Lazy): T {
  const rows = requireRows(x);
  const m = elementsOf("at", mask);
  if (m.dtype !== "bool") throw new IndexError(`at: ragged indices are masks, not ${mask.typeName}. Compare it with something first.`);
  requireSameRows("at", rows, requireRows(mask));
  if (mask.rows?.levels !== rows.levels || m.shape.length !== 1)
    throw new UnsupportedError(`at: a mask ${mask.typeName} of ${x.typeName} needs one element for each element of the rows.`);
  const chosen = truePositions(maskElements("at", { from: "handle", type: m.type, value: m }));
  const last = at(rows.offsets, rows.levels - 1);
  const lengths = new Int32Array(last.length - 1);
  let row = 0;
  for (const k of chosen) {
    while (k >= at(last, row + 1)) row++;
    lengths[row] = at(lengths, row) + 1;
  }
  return copyFrom(x, chosen, new Rows([...rows.offsets.slice(0, -1), offsetsOf(lengths)]));
}
