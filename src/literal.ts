/** What users pass as data, read into one flat typed array: nested lists, numbers, booleans, typed arrays. */
import type { DType } from "../compiler/ir/dtype.ts";
import { isDType, requireComputes } from "../compiler/ir/dtype.ts";
import { at, DTypeError, ShapeError, UnsupportedError } from "../compiler/ir/errors.ts";
import type { HostArray } from "../compiler/ir/host.ts";
import { hostArray } from "../compiler/ir/host.ts";
import type { Shape, TensorType } from "../compiler/ir/shape.ts";
import { shapeText, sizeOf, tensorType } from "../compiler/ir/shape.ts";
import type { Face } from "./handle.ts";
import { represents } from "./operands.ts";

/** Typed arrays of any element type, also of those that do not compute yet. */
export type AnyTypedArray =
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
  ["Float32Array", "float32"],
  ["Float64Array", "float64"],
  ["BigInt64Array", "int64"],
  ["BigUint64Array", "uint64"],
];
const dtypeByConstructor: ReadonlyMap<string, DType> = new Map(dtypesOf);

function isTyped(x: unknown): x is AnyTypedArray {
  return ArrayBuffer.isView(x) && dtypeByConstructor.has(x.constructor.name);
}
const isList = (x: unknown): x is List => Array.isArray(x) || isTyped(x);
const isScalar = (x: unknown): x is Scalar => typeof x === "number" || typeof x === "boolean" || typeof x === "bigint";

/** Throws unless `name` is a dtype that computes. */
export function requireDType(op: string, name: DType): DType {
  if (!isDType(name)) throw new DTypeError(`${op}: ${JSON.stringify(name)} is no dtype. Use bool, int32, uint32, float32 or float64.`);
  requireComputes(op, name);
  return name;
}

/** Throws a ShapeError unless every length is a whole number from 0 on. */
export function requireShape(op: string, shape: Shape | number): Shape {
  const list = typeof shape === "number" ? [shape] : shape;
  if (Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0)) return [...list];
  throw new ShapeError(`${op}: ${Array.isArray(list) ? shapeText(list) : String(shape)} is no shape. Lengths are whole numbers from 0 on.`);
}

/** Reads a literal; `fallback` is the dtype of plain numbers. Throws where it is ragged, or holds what the dtype cannot. */
export function readLiteral(face: Face, data: ArrayData, fallback: DType, options: LiteralOptions): { readonly data: HostArray; readonly type: TensorType } {
  const shape = shapeOf(face, data);
  const found = options.dtype === undefined ? naturalDType(face, data, fallback) : options.dtype;
  const dtype = requireDType(face, found);
  const type = tensorType(dtype, options.shape === undefined ? shape : requireShape(face, options.shape));
  if (sizeOf(type.shape) !== sizeOf(shape))
    throw new ShapeError(`${face}: ${sizeOf(shape)} elements do not fill ${shapeText(type.shape)}, which has ${sizeOf(type.shape)}.`);
  return { data: flatten(face, data, dtype, shape), type };
}

/** The shape by the first element of each level; `flatten` checks the others against it. */
function shapeOf(face: Face, data: ArrayData): Shape {
  const shape: number[] = [];
  let level: ArrayData | undefined = data;
  while (isList(level)) {
    shape.push(level.length);
    level = level[0];
  }
  if (level !== undefined && !isScalar(level)) throw foreign(face, level);
  return shape;
}

function foreign(face: Face, x: unknown): UnsupportedError {
  const what = x === null || typeof x !== "object" ? String(x) : `an object (${Object.prototype.toString.call(x)})`;
  return new UnsupportedError(`${face}: ${what} is no data. Give numbers, booleans, typed arrays or lists of them; join arrays with stack or concat.`);
}

/** Booleans, bigints and typed arrays have a dtype of their own; numbers have the face's. */
function naturalDType(face: Face, data: ArrayData, fallback: DType): DType {
  const kinds = new Set<DType>();
  const pending: ArrayData[] = [data];
  for (let x = pending.pop(); x !== undefined; x = pending.pop()) {
    if (isTyped(x)) kinds.add(dtypeByConstructor.get(x.constructor.name) ?? fallback);
    else if (Array.isArray(x)) for (const item of x) pending.push(item);
    else kinds.add(scalarDType(x, fallback));
  }
  if (kinds.size === 0) return fallback;
  const [only, second] = kinds;
  if (only !== undefined && second === undefined) return only;
  kinds.delete("bool");
  const [rest, another] = kinds;
  if (rest !== undefined && another === undefined) return rest;
  throw new DTypeError(`${face}: the data mixes ${[...kinds].join(" and ")}. Say which with { dtype }.`);
}

function scalarDType(x: unknown, fallback: DType): DType {
  if (typeof x === "boolean") return "bool";
  return typeof x === "bigint" ? "int64" : fallback;
}

function flatten(face: Face, data: ArrayData, dtype: DType, shape: Shape): HostArray {
  const out = hostArray(dtype, sizeOf(shape));
  let next = 0;
  const put = (x: unknown): void => {
    if (!isScalar(x)) throw isList(x) ? raggedness(face, "an element is a list where others are numbers") : foreign(face, x);
    out[next++] = checkedNumber(face, Number(x), dtype);
  };
  const walk = (list: List, axis: number, path: readonly number[]): void => {
    if (list.length !== at(shape, axis)) throw rowError(face, path, list.length, at(shape, axis));
    if (axis === shape.length - 1) {
      for (const x of list) put(x);
      return;
    }
    list.forEach((item: unknown, i: number) => {
      if (!isList(item)) throw raggedness(face, `row ${[...path, i].join(", ")} is a number where others are lists`);
      walk(item, axis + 1, [...path, i]);
    });
  };
  if (isList(data)) walk(data, 0, []);
  else put(data);
  return out;
}

function checkedNumber(face: Face, x: number, dtype: DType): number {
  if (represents(dtype, x)) return x;
  throw new DTypeError(`${face}: ${x} cannot be represented as ${dtype}. Make it with a float dtype and convert with astype("${dtype}").`);
}

function rowError(face: Face, path: readonly number[], length: number, expected: number): Error {
  return raggedness(face, `row ${path.join(", ")} has ${length} elements, the rows before it ${expected}`);
}

function raggedness(face: Face, what: string): Error {
  if (face === "tensor") return new ShapeError(`tensor: rows differ in length: ${what}. Pad them to one length.`);
  return new UnsupportedError(`array: ragged rows are not there yet: ${what}. Pad them to one length.`);
}
