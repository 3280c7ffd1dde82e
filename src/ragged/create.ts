/** Making ragged arrays other than from nested lists, which `array` takes. */
import type { HostArray } from "../../compiler/ir/host.ts";
import type { Numeric } from "../../compiler/ir/dtype.ts";
import { isInteger } from "../../compiler/ir/dtype.ts";
import { at, DTypeError, ShapeError } from "../../compiler/ir/errors.ts";
import { cast } from "../../compiler/ops/arithmetic.ts";
import { concat } from "../../compiler/ops/views.ts";
import type { NDArray } from "../array.ts";
import type { Source } from "../create.ts";
import { array } from "../create.ts";
import { Lazy } from "../handle.ts";
import type { LiteralOptions } from "../literal.ts";
import { readRagged } from "../literal.ts";
import { requireOptions } from "../options.ts";
import { commonDType, elementsOf, valueOf } from "../operands.ts";
import { given } from "../slots.ts";
import { RaggedArray } from "./array.ts";
import type { Part } from "./join.ts";
import { inLevels } from "./join.ts";
import { unpaddedValue } from "./padded.ts";
import { differences, offsetsOf, Rows } from "./rows.ts";
import { joinInts } from "./take.ts";

/** Whole numbers: a list, a typed array, or an integer array, which is evaluated. */
export type Counts = readonly number[] | Int32Array | Uint32Array | NDArray;

/** Where rows begin, and the end; or how long they are. One of both. */
export type RaggedOptions = Pick<LiteralOptions, "dtype"> & ({ readonly offsets: Counts } | { readonly rowLengths: Counts });

/**
 * Rows of different lengths from their elements, one row after another. Elements may have axes of their own, or be ragged: then rows
 * of rows. Throws a ShapeError where the lengths or offsets do not fit the elements, a DTypeError where they are no integers.
 *
 * @example
 * ragged([1, 2, 3, 4], { rowLengths: [3, 0, 1] }); // → array([[1, 2, 3], [], [4]])
 * ragged([1, 2, 3, 4], { offsets: [0, 3, 3, 4] }); // → array([[1, 2, 3], [], [4]])
 */
export function ragged(values: Source, options: RaggedOptions): NDArray {
  requireOptions("ragged", options, ["rowLengths", "offsets", "dtype"]);
  const { dtype } = options;
  const flat = array(values, dtype === undefined ? {} : { dtype });
  if (flat.ndim === 0) throw new ShapeError(`ragged: ${flat.typeName} has no axis that rows could take their elements from. Give a list.`);
  const offsets = "offsets" in options ? countsOf("ragged", "offsets", options.offsets) : offsetsOf(countsOf("ragged", "rowLengths", options.rowLengths));
  requireOffsets(offsets, flat);
  return new RaggedArray(elementsOf("ragged", flat), new Rows([offsets, ...(flat.rows?.offsets ?? [])]));
}

function countsOf(op: string, what: string, counts: Counts): Int32Array {
  if (counts instanceof Lazy) {
    const v = valueOf(op, counts);
    if (!isInteger(v.dtype) || v.shape.length !== 1)
      throw new DTypeError(`${op}: ${what} are ${counts.typeName}, they must be integers in one axis. Convert with astype("int32").`);
    return Int32Array.from(Array.from<Numeric>(counts.dataSync<HostArray>()), Number);
  }
  if (!Array.isArray(counts) && !ArrayBuffer.isView(counts)) throw new ShapeError(`${op}: ${what} are ${String(counts)}. Give a list of whole numbers.`);
  const odd = Array.from(counts).find((n) => !Number.isInteger(n) || n < 0 || n > 2 ** 31 - 1);
  if (odd === undefined) return Int32Array.from(counts);
  throw new ShapeError(`${op}: ${what} has ${odd}. Lengths and offsets are whole numbers from 0 on.`);
}

function requireOffsets(offsets: Int32Array, flat: NDArray): void {
  const falls = offsets.findIndex((end, i) => i > 0 && end < at(offsets, i - 1));
  if (falls >= 0) throw new ShapeError(`ragged: row ${falls - 1} would have ${at(offsets, falls) - at(offsets, falls - 1)} elements. Offsets rise.`);
  const [first, last] = [offsets[0], offsets.at(-1)];
  if (first === 0 && last === flat.length) return;
  throw new ShapeError(
    `ragged: rows from ${first ?? "nothing"} to ${last ?? "nothing"} for ${flat.length} elements of ${flat.typeName}. They go from 0 to the end.`,
  );
}

/**
 * The first elements of each row of a dense array, as many as the lengths say: what `toPadded` filled up is left out. x (rows, longest, …)
 * and as many lengths as rows. Throws a ShapeError where a length is beyond the row, or where their number differs.
 *
 * @example
 * fromPadded(array([[1, 2, 0], [3, 0, 0]]), [2, 1]); // → array([[1, 2], [3]])
 */
export function fromPadded(x: Source, lengths: Counts): NDArray {
  const padded = array(x);
  const v = valueOf("fromPadded", padded);
  const counts = countsOf("fromPadded", "lengths", lengths);
  const [rows, longest] = v.shape;
  if (rows === undefined || longest === undefined) throw new ShapeError(`fromPadded: ${padded.typeName} has no rows. It needs two axes or more.`);
  if (counts.length !== rows) throw new ShapeError(`fromPadded: ${counts.length} lengths for ${rows} rows of ${padded.typeName}. Give one a row.`);
  const odd = counts.findIndex((n) => n < 0 || n > longest);
  if (odd >= 0) throw new ShapeError(`fromPadded: row ${odd} of ${padded.typeName} has no ${at(counts, odd)} elements, but ${longest}.`);
  return new RaggedArray(unpaddedValue(v, counts), new Rows([offsetsOf(counts)]));
}

/**
 * Rows of different lengths from a list of rows: lists, or arrays with an axis or more, which are promoted to a common dtype. Unlike
 * `array` it makes ragged rows also where all have one length. Ragged rows give rows of rows. Gradients flow back to the arrays.
 *
 * @example
 * fromRows([array([1, 2]), [3]]); // → array([[1, 2], [3]])
 */
export function fromRows(rows: readonly Source[], options: Pick<LiteralOptions, "dtype"> = {}): NDArray {
  if (!Array.isArray(rows)) throw new ShapeError(`fromRows: ${String(rows)} is no list of rows. Give one.`);
  const lists = rows.flatMap((row) => (row instanceof Lazy ? [] : [row]));
  const read = lists.length === rows.length ? readRagged("fromRows", lists, "float64", options, 1) : null;
  if (read !== null) return new RaggedArray(given(read.data, read.type, "cpu"), new Rows(read.offsets));
  const handles = rows.map((row) => array(row, options));
  const odd = handles.findIndex((x) => x.ndim !== handles[0]?.ndim || x.ndim === 0);
  if (odd >= 0) throw new ShapeError(`fromRows: row ${odd} is ${at(handles, odd).typeName}. Rows have an axis or more, all as many.`);
  const parts = inOneDType(handles);
  const inner = parts.map((p) => p.value.shape.slice(1).join(","));
  const other = inner.findIndex((shape) => shape !== inner[0]);
  if (other > 0)
    throw new ShapeError(`fromRows: row ${other} is ${at(handles, other).typeName}, row 0 ${at(handles, 0).typeName}. Only the lengths of rows differ.`);
  const levels = at(parts, 0).offsets.length;
  const below = Array.from({ length: levels }, (_, level) => offsetsOf(joinInts(parts.map((p) => differences(at(p.offsets, level))))));
  const value = concat(
    parts.map((p) => p.value),
    0,
  );
  return new RaggedArray(value, new Rows([offsetsOf(handles.map((x) => x.length)), ...below]));
}

/** Arrays as elements of one dtype, with the offsets of as many levels each. Empty ones do not count for the dtype. */
function inOneDType(handles: readonly NDArray[]): readonly Part[] {
  const filled = handles.filter((x) => x.size > 0);
  const dtype = commonDType(
    "fromRows",
    (filled.length === 0 ? handles : filled).map((x) => x.value.type),
  );
  const levels = Math.max(...handles.map((x) => x.rows?.levels ?? 0));
  return handles.map((x) => inLevels(cast(elementsOf("fromRows", x), dtype), x.rows, levels));
}
