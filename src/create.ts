/**
 * Making arrays and tensors. `array` and `tensor` read data; the others make an array, or a tensor where `{ face: "tensor" }` says
 * so: `zeros([2, 3], { face: "tensor" })`. The dtype is the face's own float where none is given.
 */
import type { DType } from "../compiler/ir/dtype.ts";
import { ShapeError } from "../compiler/ir/errors.ts";
import type { Value } from "../compiler/ir/node.ts";
import type { Shape } from "../compiler/ir/shape.ts";
import { tensorType } from "../compiler/ir/shape.ts";
import { cast } from "../compiler/ops/arithmetic.ts";
import { broadcastTo, fill, reshape } from "../compiler/ops/views.ts";
import { NDArray } from "./array.ts";
import type { DeviceName } from "./devices.ts";
import { requireDevice } from "./devices.ts";
import type { Face } from "./handle.ts";
import { Lazy } from "./handle.ts";
import type { ArrayData, LiteralOptions } from "./literal.ts";
import { readLiteral, readRagged, requireDType, requireShape } from "./literal.ts";
import { moveTo } from "./moves.ts";
import type { Plain } from "./operands.ts";
import { elementsOf, userNumber, valueOf } from "./operands.ts";
import { RaggedArray } from "./ragged/array.ts";
import { evenValue, Rows } from "./ragged/rows.ts";
import { settings } from "./settings.ts";
import { given, requireOn } from "./slots.ts";
import { Tensor } from "./tensor.ts";

/** What `array` and `tensor` are made from: lists, numbers, booleans, typed arrays, or another array or tensor. */
export type Source = ArrayData | Lazy;

function sourceValue(face: Face, data: Source, fallback: DType, options: LiteralOptions, device: DeviceName | null): Value {
  if (!(data instanceof Lazy)) {
    const read = readLiteral(face, data, fallback, options);
    const where = device ?? (face === "tensor" ? settings().device : "cpu");
    requireOn(where, face, read.type);
    return given(read.data, read.type, where);
  }
  const v = data.rows === null ? valueOf(face, data) : evenValue(face, elementsOf(face, data), data.rows);
  const dtype = options.dtype === undefined ? v.dtype : requireDType(face, options.dtype);
  const shape = options.shape === undefined ? v.shape : requireShape(face, options.shape);
  // converted where both dtypes exist: the CPU
  const value = device === "cpu" ? cast(moveTo(v, device), dtype) : cast(v, dtype);
  requireOn(device ?? value.node.device, face, value.type);
  return reshape(device === null ? value : moveTo(value, device), shape);
}

/**
 * A NumPy-like array: float64 for numbers; booleans and typed arrays keep their own dtype. Rows may differ in length.
 *
 * @example
 * array([[1, 2], [3, 4]]); // → array([[1, 2], [3, 4]])
 * array([[1, 2, 3], [4, 5]]); // → array([[1, 2, 3], [4, 5]])
 */
export function array(data: Source, options: LiteralOptions = {}): NDArray {
  const ragged = raggedOf(data, options);
  if (ragged !== null) return ragged;
  return new NDArray(sourceValue("array", data, "float64", options, data instanceof Lazy ? "cpu" : null));
}

/** What an array of ragged rows is made from; null where each axis has one length. */
function raggedOf(data: Source, options: LiteralOptions): NDArray | null {
  if (!(data instanceof Lazy)) {
    const read = readRagged("array", data, "float64", options);
    return read === null ? null : new RaggedArray(given(read.data, read.type, "cpu"), new Rows(read.offsets));
  }
  if (data.rows === null) return null;
  if (options.shape !== undefined) throw new ShapeError(`array: ${data.typeName} has no other shape. Pad it first: toPadded(x, fill).`);
  const v = elementsOf("array", data);
  return new RaggedArray(cast(v, options.dtype === undefined ? v.dtype : requireDType("array", options.dtype)), data.rows);
}

export interface TensorOptions extends LiteralOptions {
  /** Makes it a cell of differentiation: `backward` puts its gradient into `.grad`, `assign` rebinds it. */
  readonly requiresGrad?: boolean;
  /** Where it lives: what `configure({ device })` says unless told; a tensor made from another stays where that is. */
  readonly device?: DeviceName;
}

/**
 * A PyTorch-like tensor: float32 for numbers; booleans and typed arrays keep their own dtype.
 *
 * @example
 * tensor([[1, 2], [3, 4]]); // → tensor([[1, 2], [3, 4]])
 */
export function tensor(data: Source, options: TensorOptions = {}): Tensor {
  const device = options.device === undefined ? null : requireDevice("tensor", options.device);
  const made = new Tensor(sourceValue("tensor", data, "float32", options, device));
  return options.requiresGrad === true ? made.requireGrad() : made;
}

export interface ArrayMaking {
  readonly dtype?: DType;
  readonly face?: "array";
}
export interface TensorMaking {
  readonly dtype?: DType;
  readonly face: "tensor";
}
/** The dtype and the face of what is made: an array where no face is given. */
export type Making = ArrayMaking | TensorMaking;

/** A handle of the face asked for. */
export function made(options: Making, value: Value): NDArray | Tensor {
  return options.face === "tensor" ? new Tensor(value) : new NDArray(value);
}

/** The dtype asked for, or the float of the face asked for; a DTypeError where it does not compute, or not on the device of new tensors. */
export function makingDType(op: string, options: Making): DType {
  const usual = options.face === "tensor" ? "float32" : "float64";
  const dtype = options.dtype === undefined ? usual : requireDType(op, options.dtype);
  requireOn(options.face === "tensor" ? settings().device : "cpu", op, { dtype });
  return dtype;
}

const filled = (op: string, shape: number | Shape, x: number, options: Making): NDArray | Tensor =>
  made(options, fill(x, tensorType(makingDType(op, options), requireShape(op, shape))));

/**
 * Zeros.
 *
 * @example
 * zeros([2, 3]); // → array([[0, 0, 0], [0, 0, 0]])
 */
export function zeros(shape: number | Shape, options: TensorMaking): Tensor;
export function zeros(shape: number | Shape, options?: ArrayMaking): NDArray;
export function zeros(shape: number | Shape, options: Making = {}): NDArray | Tensor {
  return filled("zeros", shape, 0, options);
}

/**
 * Ones.
 *
 * @example
 * ones([2, 3]); // → array([[1, 1, 1], [1, 1, 1]])
 */
export function ones(shape: number | Shape, options: TensorMaking): Tensor;
export function ones(shape: number | Shape, options?: ArrayMaking): NDArray;
export function ones(shape: number | Shape, options: Making = {}): NDArray | Tensor {
  return filled("ones", shape, 1, options);
}

/**
 * Memory of no particular content; zeros, in fact.
 *
 * @example
 * empty([2]).shape; // → [ 2 ]
 */
export function empty(shape: number | Shape, options: TensorMaking): Tensor;
export function empty(shape: number | Shape, options?: ArrayMaking): NDArray;
export function empty(shape: number | Shape, options: Making = {}): NDArray | Tensor {
  return filled("empty", shape, 0, options);
}

/** The dtype that a boolean and a bigint have of their own. */
function ownDType(x: Plain): DType | undefined {
  if (typeof x === "boolean") return "bool";
  return typeof x === "bigint" ? "int64" : undefined;
}

/**
 * One number or boolean everywhere; booleans give bool, bigints int64. A DTypeError where the dtype cannot represent it.
 *
 * @example
 * full([2, 2], 7); // → array([[7, 7], [7, 7]])
 */
export function full(shape: number | Shape, fillValue: Plain, options: TensorMaking): Tensor;
export function full(shape: number | Shape, fillValue: Plain, options?: ArrayMaking): NDArray;
export function full(shape: number | Shape, fillValue: Plain, options: Making = {}): NDArray | Tensor {
  const dtype = options.dtype ?? ownDType(fillValue) ?? makingDType("full", options);
  requireOn(options.face === "tensor" ? settings().device : "cpu", "full", { dtype: requireDType("full", dtype) });
  return made(options, broadcastTo(userNumber("full", fillValue, dtype), requireShape("full", shape)));
}

export interface LikeOptions {
  readonly dtype?: DType;
}

function like<T extends Lazy>(op: string, x: T, n: number, options: LikeOptions): T {
  const dtype = options.dtype === undefined ? x.dtype : requireDType(op, options.dtype);
  return x.alike(fill(n, tensorType(dtype, elementsOf(op, x).shape)));
}

/**
 * Zeros of the shape, dtype and face of x.
 *
 * @example
 * zerosLike(tensor([1, 2])); // → tensor([0, 0])
 */
export const zerosLike = <T extends Lazy>(x: T, options: LikeOptions = {}): T => like("zerosLike", x, 0, options);
/**
 * Ones of the shape, dtype and face of x.
 *
 * @example
 * onesLike(tensor([1, 2])); // → tensor([1, 1])
 */
export const onesLike = <T extends Lazy>(x: T, options: LikeOptions = {}): T => like("onesLike", x, 1, options);
/**
 * As zerosLike.
 *
 * @example
 * emptyLike(tensor([1, 2])).shape; // → [ 2 ]
 */
export const emptyLike = <T extends Lazy>(x: T, options: LikeOptions = {}): T => like("emptyLike", x, 0, options);
/**
 * One number everywhere, in the shape, dtype and face of x.
 *
 * @example
 * fullLike(tensor([1, 2]), 7); // → tensor([7, 7])
 */
export function fullLike<T extends Lazy>(x: T, fillValue: Plain, options: LikeOptions = {}): T {
  const dtype = options.dtype === undefined ? x.dtype : requireDType("fullLike", options.dtype);
  return x.alike(broadcastTo(userNumber("fullLike", fillValue, dtype), elementsOf("fullLike", x).shape));
}
