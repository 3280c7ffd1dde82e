/** What users pass as data, read into one flat typed array: nested lists, numbers, booleans, typed arrays. */
import type { DType, Numeric } from "../compiler/ir/dtype.ts";
import { computingDTypes, isDType, isFloat, isWide, requireComputes, rounded } from "../compiler/ir/dtype.ts";
import { at, DTypeError, ShapeError, UnsupportedError } from "../compiler/ir/errors.ts";
import type { HostArray } from "../compiler/ir/host.ts";
import { hostArray, isBig, setElement } from "../compiler/ir/host.ts";
import type { Shape, TensorType } from "../compiler/ir/shape.ts";
import { shapeText, sizeOf, tensorType } from "../compiler/ir/shape.ts";
import { represents } from "./operands.ts";
import { offsetsOf, rowError } from "./ragged/rows.ts";

/** A Float16Array, on engines that have it. */
export interface HalfArray extends ArrayBufferView, ArrayLike<number> {
  readonly [Symbol.toStringTag]: "Float16Array";
  entries(): IterableIterator<[number, number]>;
}

/** Typed arrays of any element type. */
export type AnyTypedArray =
  | HalfArray
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** Numbers, booleans, typed arrays, and lists of lists of them. */
export type ArrayData = number | boolean | bigint | AnyTypedArray | readonly ArrayData[];

export interface LiteralOptions {
  readonly dtype?: DType;
  /** The shape of flat data. */
  readonly shape?: Shape;
}

type Scalar = number | boolean | bigint;
type List = readonly ArrayData[] | AnyTypedArray;

const dtypesOf: readonly (readonly [string, DType])[] = [
  ["Int8Array", "int8"],
  ["Uint8Array", "uint8"],
  ["Uint8ClampedArray", "uint8"],
  ["Int16Array", "int16"],
  ["Uint16Array", "uint16"],
  ["Int32Array", "int32"],
  ["Uint32Array", "uint32"],
  ["Float16Array", "float16"],
  ["Float32Array", "float32"],
  ["Float64Array", "float64"],
  ["BigInt64Array", "int64"],
  ["BigUint64Array", "uint64"],
];
const dtypeByConstructor: ReadonlyMap<string, DType> = new Map(dtypesOf);

function isTyped(x: unknown): x is AnyTypedArray {
  return ArrayBuffer.isView(x) && dtypeByConstructor.has(x.constructor.name);
}
type NumericArray = Exclude<AnyTypedArray, BigInt64Array | BigUint64Array>;
const isBigList = (x: List): x is BigInt64Array | BigUint64Array => x instanceof BigInt64Array || x instanceof BigUint64Array;
const isNumeric = (x: List): x is NumericArray => isTyped(x) && !isBigList(x);
const isList = (x: unknown): x is List => Array.isArray(x) || isTyped(x);
const isScalar = (x: unknown): x is Scalar => typeof x === "number" || typeof x === "boolean" || typeof x === "bigint";

/** Throws unless `name` is a dtype that computes. */
export function requireDType(op: string, name: DType): DType {
  if (!isDType(name)) throw new DTypeError(`${op}: ${JSON.stringify(name)} is no dtype. Use ${computingDTypes().join(", ")}.`);
  requireComputes(op, name);
  return name;
}

/** Throws a ShapeError unless every length is a whole number from 0 on. */
export function requireShape(op: string, shape: Shape | number): Shape {
  const list = typeof shape === "number" ? [shape] : shape;
  if (Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0)) return [...list];
  throw new ShapeError(`${op}: ${Array.isArray(list) ? shapeText(list) : String(shape)} is no shape. Lengths are whole numbers from 0 on.`);
}

/** Reads a literal; `fallback` is the dtype of plain numbers. Throws where rows differ in length, or holds what the dtype cannot. */
export function readLiteral(face: string, data: ArrayData, fallback: DType, options: LiteralOptions): { readonly data: HostArray; readonly type: TensorType } {
  const shape = shapeOf(face, data);
  const found = options.dtype === undefined ? naturalDType(face, data, fallback) : options.dtype;
  const dtype = requireDType(face, found);
  const type = tensorType(dtype, options.shape === undefined ? shape : requireShape(face, options.shape));
  if (sizeOf(type.shape) !== sizeOf(shape))
    throw new ShapeError(`${face}: ${sizeOf(shape)} elements do not fill ${shapeText(type.shape)}, which has ${sizeOf(type.shape)}.`);
  return { data: flatten(face, data, dtype, shape), type };
}

/** Lists that differ in length: their elements one after another, and where the lists of each level begin. */
export interface RaggedLiteral {
  readonly data: HostArray;
  /** The elements along axis 0, and the inner axes. */
  readonly type: TensorType;
  /** The offsets of each ragged level, outermost first. */
  readonly offsets: readonly Int32Array[];
}

/**
 * Reads lists whose lengths differ; null where all lists of a level have one length. So many levels are ragged whatever their lengths
 * are: `atLeast`. Throws where lists are not equally deep, or hold what the dtype cannot.
 */
export function readRagged(op: string, data: ArrayData, fallback: DType, options: LiteralOptions, atLeast: number = 0): RaggedLiteral | null {
  if (!isList(data)) return null;
  const { lengths, lists } = levelsOf(op, data);
  const uneven = lengths.findLastIndex((level) => level.some((n) => n !== level[0]));
  const levels = Math.max(uneven, atLeast);
  if (levels < 1) return null;
  if (options.shape !== undefined) throw new ShapeError(`${op}: a shape is for flat data, not for rows of different lengths.`);
  const dtype = requireDType(op, options.dtype ?? naturalDType(op, data, fallback));
  const offsets = Array.from({ length: levels }, (_, i) => offsetsOf(lengths[i + 1] ?? []));
  const inner = lengths.slice(levels + 1).map((level) => level[0] ?? 0);
  const size = lastOf(at(offsets, levels - 1));
  const out = hostArray(dtype, size * sizeOf(inner));
  const cursor: Cursor = { face: op, dtype, shape: inner, out, path: [], next: 0 };
  for (const list of lists) fillScalars(cursor, list);
  return { data: out, type: tensorType(dtype, [size, ...inner]), offsets };
}

const lastOf = (list: Int32Array): number => at(list, list.length - 1);

/** How long the lists of each level are, and the lists of the last one, which hold no lists. */
function levelsOf(op: string, data: List): { readonly lengths: readonly (readonly number[])[]; readonly lists: readonly List[] } {
  const lengths: number[][] = [];
  let lists: List[] = [data];
  for (;;) {
    lengths.push(lists.map((list) => list.length));
    if (!lists.some((list) => isList(list[0]))) return { lengths, lists };
    const next: List[] = [];
    for (const [i, list] of lists.entries()) {
      for (let k = 0; k < list.length; k++) {
        const item: unknown = list[k];
        if (!isList(item))
          throw uneven(op, `item ${k} of list ${i} at depth ${lengths.length} is ${isScalar(item) ? "a number" : "no list"} where others are lists`);
        next.push(item);
      }
    }
    lists = next;
  }
}

/** The shape by the first element of each level; `flatten` checks the others against it. */
function shapeOf(face: string, data: ArrayData): Shape {
  const shape: number[] = [];
  let level: ArrayData | undefined = data;
  while (isList(level)) {
    shape.push(level.length);
    level = level[0];
  }
  if (level !== undefined && !isScalar(level)) throw foreign(face, level);
  return shape;
}

function foreign(face: string, x: unknown): UnsupportedError {
  const what = x === null || typeof x !== "object" ? String(x) : `an object (${Object.prototype.toString.call(x)})`;
  return new UnsupportedError(`${face}: ${what} is no data. Give numbers, booleans, typed arrays or lists of them; join arrays with stack or concat.`);
}

/** Booleans, bigints and typed arrays have a dtype of their own; numbers have the face's. */
function naturalDType(face: string, data: ArrayData, fallback: DType): DType {
  const kinds = new Set<DType>();
  const visit = (x: ArrayData): void => {
    if (isTyped(x)) kinds.add(dtypeByConstructor.get(x.constructor.name) ?? fallback);
    else if (isRow(x)) kinds.add(fallback);
    else if (Array.isArray(x)) x.forEach(visit);
    else kinds.add(scalarDType(x, fallback));
  };
  visit(data);
  if (kinds.size > 1) kinds.delete("bool");
  const [only = fallback, second] = kinds;
  if (second === undefined) return only;
  throw new DTypeError(`${face}: the data mixes ${[...kinds].join(" and ")}. Say which with { dtype }.`);
}

/** A list of numbers only: most data is. */
const isRow = (x: ArrayData): boolean => Array.isArray(x) && x.length > 0 && x.every((item) => typeof item === "number");

function scalarDType(x: unknown, fallback: DType): DType {
  if (typeof x === "boolean") return "bool";
  return typeof x === "bigint" ? "int64" : fallback;
}

function flatten(face: string, data: ArrayData, dtype: DType, shape: Shape): HostArray {
  const out = hostArray(dtype, sizeOf(shape));
  if (isList(data)) fillRow({ face, dtype, shape, out, path: [], next: 0 }, data);
  else setElement(out, 0, scalarNumber(face, data, dtype));
  return out;
}

/** Where reading has come to. */
interface Cursor {
  readonly face: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly out: HostArray;
  /** The positions of the lists around the one that is read. */
  readonly path: number[];
  next: number;
}

function fillRow(cursor: Cursor, list: List): void {
  const { face, shape, path } = cursor;
  const expected = at(shape, path.length);
  if (list.length !== expected) throw rowError(face, path.join(", "), list.length, expected);
  if (path.length === shape.length - 1) {
    fillScalars(cursor, list);
    return;
  }
  path.push(0);
  for (const [i, item] of list.entries()) {
    path[path.length - 1] = i;
    if (!isList(item)) throw uneven(face, `row ${path.join(", ")} is a number where others are lists`);
    fillRow(cursor, item);
  }
  path.pop();
}

/** Typed arrays whose numbers all fit are copied whole; the others are looked at one by one. */
function fillScalars(cursor: Cursor, list: List): void {
  const { face, dtype, out } = cursor;
  const start = cursor.next;
  cursor.next += list.length;
  if (copied(list, cursor, start)) return;
  for (let i = 0; i < list.length; i++) {
    const x: unknown = list[i];
    if (typeof x === "number" && !isBig(out) && isFloat(dtype) && dtype !== "float16") out[start + i] = x;
    else setElement(out, start + i, scalarNumber(face, x, dtype));
  }
}

/** Copies a typed array whose elements all are elements of the dtype already, or become floats by being stored. */
function copied(list: List, { out, dtype }: Cursor, start: number): boolean {
  if (!isTyped(list)) return false;
  const isSame = dtypeByConstructor.get(list.constructor.name) === dtype;
  if (isBig(out)) {
    if (!isSame || !isBigList(list)) return false;
    out.set(list, start);
    return true;
  }
  if (!isNumeric(list) || !(isSame || (isFloat(dtype) && dtype !== "float16"))) return false;
  out.set(list, start);
  return true;
}

function scalarNumber(face: string, x: unknown, dtype: DType): Numeric {
  if (!isScalar(x)) throw isList(x) ? uneven(face, "an element is a list where others are numbers") : foreign(face, x);
  return checkedNumber(face, typeof x === "boolean" ? Number(x) : x, dtype);
}

function checkedNumber(face: string, x: Numeric, dtype: DType): Numeric {
  if (represents(dtype, x)) return rounded(dtype, x);
  if (isWide(dtype) && Number.isInteger(x))
    throw new DTypeError(`${face}: ${x} is beyond the integers that JavaScript numbers hold exactly. Give ${dtype} bigints: ${x}n.`);
  throw new DTypeError(`${face}: ${x} cannot be represented as ${dtype}. Make it with a float dtype and convert with astype("${dtype}").`);
}

/** Lists that are not equally deep. */
const uneven = (op: string, what: string): Error => new ShapeError(`${op}: ${what}. Nest all lists equally deep.`);
