/** What index arrays and masks hold: lists that are known at the call, and handles whose elements may be computed later. */
import { isBool, isInteger } from "../../compiler/ir/dtype.ts";
import { DTypeError, IndexError, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape, TensorType } from "../../compiler/ir/shape.ts";
import { sizeOf, tensorType, typeText } from "../../compiler/ir/shape.ts";
import type { DeviceName } from "../devices.ts";
import { Lazy } from "../handle.ts";
import { asPositions, valueOf } from "../operands.ts";
import { given } from "../slots.ts";

/** Whole numbers or booleans in nested lists. */
export type IndexList = readonly (number | boolean | bigint | IndexList)[] | IntegerArray;
type IntegerArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array;

/** The entries of an index array (int32) or of a mask (bool). */
export type Entries =
  | { readonly from: "list"; readonly type: TensorType; readonly data: Int32Array | Uint8Array }
  | { readonly from: "handle"; readonly type: TensorType; readonly value: Value };

const integerArrays = [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array];
const isList = (x: unknown): x is IndexList => Array.isArray(x) || integerArrays.some((kind) => x instanceof kind);
/** What no int32 holds is out of range as the nearest one is. */
const asPosition = (x: number | boolean): number => Math.min(Math.max(Number(x), -2147483648), 2147483647);

/** A nested list as entries; an IndexError where it holds something else, a ShapeError where its rows differ in length. */
export function listEntries(op: string, list: IndexList | boolean): Entries {
  const shape: number[] = [];
  for (let level: unknown = list; isList(level); level = level[0]) shape.push(level.length);
  const flat: (number | boolean)[] = [];
  readLevel(op, list, shape, 0, flat);
  const masks = flat.filter((x) => typeof x === "boolean").length;
  if (masks > 0 && masks < flat.length) throw new IndexError(`${op}: an index list mixes numbers and booleans. Give positions, or a mask.`);
  const type = tensorType(masks > 0 ? "bool" : "int32", shape);
  return { from: "list", type, data: masks > 0 ? Uint8Array.from(flat, Number) : Int32Array.from(flat, asPosition) };
}

function readLevel(op: string, x: unknown, shape: Shape, depth: number, out: (number | boolean)[]): void {
  const length = shape[depth];
  if (length === undefined) {
    if (typeof x === "boolean" || typeof x === "bigint" || Number.isInteger(x)) out.push(typeof x === "boolean" ? x : Number(x));
    else throw new IndexError(`${op}: ${isList(x) ? "a list among numbers" : String(x)} is no index. Lists of indices hold whole numbers, or booleans.`);
    return;
  }
  if (!isList(x) || x.length !== length)
    throw new ShapeError(`${op}: an index list has a row of ${isList(x) ? x.length : 0} elements beside one of ${length}. Rows are of one length.`);
  for (const item of x) readLevel(op, item, shape, depth + 1, out);
}

/** A handle of integers or booleans as entries; a DTypeError where it is neither. */
export function handleEntries(op: string, x: Lazy): Entries {
  const v = valueOf(op, x);
  if (!isBool(v.dtype) && !isInteger(v.dtype))
    throw new DTypeError(`${op}: indices are integers, not ${typeText(v.type)}. Convert with astype("int32"), or compare for a mask.`);
  const value = isBool(v.dtype) ? v : asPositions(v);
  return { from: "handle", type: value.type, value };
}

/** An index array or a mask, as a handle or as lists. */
export const entriesOf = (op: string, x: Lazy | IndexList | boolean): Entries => (x instanceof Lazy ? handleEntries(op, x) : listEntries(op, x));

/** The entries as a value: lists become data on `device`. */
export const entriesValue = (entries: Entries, device: DeviceName): Value =>
  entries.from === "handle" ? entries.value : given(entries.data, entries.type, device);

/** Whether there is nothing to address. */
export const isEmpty = (entries: Entries): boolean => sizeOf(entries.type.shape) === 0;
