/**
 * From what a user passes to the values that rows take: numbers become constants of the array's dtype, dtypes are promoted, shapes
 * broadcast. Every function of `functions/` goes through here, so errors about operands read alike.
 */
import type { DType, Numeric } from "../compiler/ir/dtype.ts";
import { dtypeInfo, integerRange, isBool, isFloat, isInteger, isWide, promote, requireComputes, roundWide } from "../compiler/ir/dtype.ts";
import { at, DTypeError, ShapeError, UnsupportedError } from "../compiler/ir/errors.ts";
import type { Value } from "../compiler/ir/node.ts";
import type { Shape, TensorType } from "../compiler/ir/shape.ts";
import { broadcastShapes, typeText } from "../compiler/ir/shape.ts";
import { cast, maximum, minimum } from "../compiler/ops/arithmetic.ts";
import { constantValue } from "../compiler/ops/source.ts";
import { broadcastTo, fill } from "../compiler/ops/views.ts";
import { Lazy } from "./handle.ts";
import { alignRows } from "./ragged/align.ts";
import { requireOn } from "./slots.ts";
import { tracked } from "./tracking.ts";

/** A number that takes the dtype of the array beside it; a bigint where it is a 64-bit integer beyond 2^53. */
export type Plain = number | boolean | bigint;
/** An operand of a function of several: a handle, or a number or boolean that takes the handle's dtype. */
export type Operand<T extends Lazy> = T | Plain;
const isHandle = <T extends Lazy>(x: Operand<T>): x is T => typeof x === "object";
/** Whether it is a number, a boolean or a bigint. */
export const isPlain = (x: unknown): x is Plain => typeof x === "number" || typeof x === "boolean" || typeof x === "bigint";

/** The handle's value, each of whose axes has one length: what an op takes that knows nothing of ragged rows, as `requireDense` says. */
export function valueOf(op: string, x: Lazy): Value {
  return tracked(handleOf(op, x).value);
}

/** `x`, checked as `valueOf` does; it is not read. */
export function handleOf<T extends Lazy>(op: string, x: T): T {
  requireHandle(op, x);
  requireDense(op, x);
  return x;
}

/** Throws an UnsupportedError where rows differ in length, so that nothing takes their elements for something else. */
export function requireDense(op: string, x: Lazy): void {
  if (x.rows === null) return;
  throw new UnsupportedError(`${op}: ${x.typeName} has rows of different lengths, which ${op} does not take. Pad them first: toPadded(x, fill).`);
}

/** The elements of a handle, one after another where it has ragged rows; checked to be one. */
export function elementsOf(op: string, x: Lazy): Value {
  requireHandle(op, x);
  return tracked(x.value);
}

/** Throws an UnsupportedError unless `x` is an array or tensor: JavaScript callers get a named error. */
export function requireHandle(op: string, x: Lazy): void {
  if (!Lazy.isHandle(x)) throw new UnsupportedError(`${op}: ${describe(x)} is no array or tensor. Make one with array(x) or tensor(x).`);
}

function describe(x: unknown): string {
  if (Array.isArray(x)) return "a list";
  return x === null || typeof x !== "object" ? String(x) : `an object (${Object.prototype.toString.call(x)})`;
}

/** The first handle among operands; they must be of one face. */
export function faceOf<T extends Lazy>(op: string, operands: readonly Operand<T>[]): T {
  const handles = operands.filter(isHandle);
  const first = handles[0];
  if (first === undefined) throw new UnsupportedError(`${op}: none of the operands is an array or a tensor. Make one with array(x) or tensor(x).`);
  for (const h of handles) {
    requireHandle(op, h);
    if (h.face !== first.face) throw new UnsupportedError(`${op}: mixes an array and a tensor. Convert one of them: tensor(x) or array(x).`);
  }
  return first;
}

/**
 * Whether `dtype` holds this number: integers need whole numbers in range, bool 0 and 1, floats take any. What a JavaScript number does
 * not hold exactly, beyond 2^53, must be a bigint for 64-bit integers.
 */
export function represents(dtype: DType, x: Numeric): boolean {
  if (isFloat(dtype) || dtypeInfo(dtype).kind === "complex") return true;
  if (isWide(dtype)) return (typeof x === "bigint" || Number.isSafeInteger(x)) && roundWide(dtype, x) === BigInt(x);
  const { lo, hi } = integerRange(dtype);
  return (typeof x === "bigint" || Number.isInteger(x)) && x >= lo && x <= hi;
}

/** Throws a DTypeError that names astype where `dtype` cannot hold the number. */
export function requireRepresents(op: string, dtype: DType, x: Numeric): void {
  if (represents(dtype, x)) return;
  if (isWide(dtype) && Number.isInteger(x))
    throw new DTypeError(`${op}: ${x} is beyond the integers that JavaScript numbers hold exactly. Give ${dtype} a bigint.`);
  throw new DTypeError(`${op}: ${x} cannot be represented as ${dtype}. Convert the array with astype("float64") or astype("float32") first.`);
}

/**
 * A number that the user passed, as a rank-0 constant of `dtype`. Floats may be lifted into parameters; integers stay so that they
 * simplify, and so do 0 and infinities: sums and extremes do not notice them, which is no matter of size.
 */
export function userNumber(op: string, x: Plain, dtype: DType): Value {
  const number = typeof x === "boolean" ? Number(x) : x;
  requireRepresents(op, dtype, number);
  const isNeutral = Object.is(number, 0) || number === Infinity || number === -Infinity;
  return constantValue(number, dtype, isFloat(dtype) && !isNeutral ? "user" : "compiler");
}

/** A number option in the type of `like`: what the user gave may be lifted into a parameter, the default is a plain constant. */
export function parameter(op: string, given: number | null, fallback: number, like: Value): Value {
  if (given === null) return fill(fallback, like.type);
  return numberLike(op, given, like);
}

/** A number that the user passed, in the type of `like`. */
export const numberLike = (op: string, x: Plain, like: Value): Value => broadcastTo(userNumber(op, x, like.dtype), like.shape);

/** The dtype that all of these have in common; a DTypeError where there is none, or where it does not compute yet. */
export function commonDType(op: string, types: readonly TensorType[]): DType {
  let dtype = at(types, 0).dtype;
  for (const t of types) {
    const both = promote(dtype, t.dtype);
    if (both === undefined) throw new DTypeError(`${op}: no dtype holds both ${dtype} and ${t.dtype}. Convert one with astype.`);
    dtype = both;
  }
  requireComputes(op, dtype);
  return dtype;
}

/** The shape that all of these broadcast to; a ShapeError that names the axis where they do not fit. */
export function commonShape(op: string, types: readonly TensorType[]): Shape {
  let shape = at(types, 0).shape;
  for (const t of types) {
    const both = broadcastShapes(shape, t.shape);
    if (both === undefined) throw new ShapeError(`${op}: ${types.map(typeText).join(" and ")} do not broadcast: ${misfit(shape, t.shape)}.`);
    shape = both;
  }
  return shape;
}

function misfit(a: Shape, b: Shape): string {
  for (let i = 1; i <= Math.min(a.length, b.length); i++) {
    const [x, y] = [at(a, a.length - i), at(b, b.length - i)];
    if (x !== y && x !== 1 && y !== 1) return `axis -${i} has ${x} and ${y} elements. Lengths must be equal or 1`;
  }
  return "lengths must be equal or 1";
}

/** What operands become before their dtype is settled. */
export type DTypeRule =
  /** Promoted. */
  | "promote"
  /** Promoted, and integers and bool become the face's own float. */
  | "float"
  /** Promoted; a number that the common dtype cannot hold makes both float64 (comparisons take any number). */
  | "compare";

/** Operands of one dtype and one shape. Ragged rows are an UnsupportedError. */
export function unify<T extends Lazy>(
  op: string,
  operands: readonly Operand<T>[],
  rule: DTypeRule = "promote",
): { readonly face: T; readonly values: readonly Value[] } {
  const { face, values } = unifyDTypes(op, operands, rule);
  return { face, values: broadcastAll(op, values) };
}

/** Operands of one dtype; numbers are rank-0 constants. Ragged rows are an UnsupportedError. */
export function unifyDTypes<T extends Lazy>(
  op: string,
  operands: readonly Operand<T>[],
  rule: DTypeRule = "promote",
): { readonly face: T; readonly values: readonly Value[] } {
  for (const x of operands) if (typeof x === "object") valueOf(op, x);
  return ofOneDType(op, operands, rule);
}

/**
 * Operands of an elementwise function, in one dtype and laid over one another: shapes broadcast, ragged rows meet equal ones. The
 * result is `like.alike(value)`.
 */
export function unifyElements<T extends Lazy>(
  op: string,
  operands: readonly Operand<T>[],
  rule: DTypeRule = "promote",
): { readonly like: T; readonly values: readonly Value[] } {
  const { face, values } = ofOneDType(op, operands, rule);
  return overlay(op, face, operands, values);
}

/** The values of these operands laid over one another, and a handle that the result is like. */
export function overlay<T extends Lazy>(
  op: string,
  face: T,
  operands: readonly Operand<T>[],
  values: readonly Value[],
): { readonly like: T; readonly values: readonly Value[] } {
  const handles = operands.map((x) => (typeof x === "object" ? x : null));
  const aligned = alignRows(op, handles, values);
  if (aligned === null) return { like: face, values: broadcastAll(op, values) };
  return { like: aligned.like, values: broadcastAll(op, aligned.values) };
}

function broadcastAll(op: string, values: readonly Value[]): readonly Value[] {
  const shape = commonShape(
    op,
    values.map((v) => v.type),
  );
  return values.map((v) => broadcastTo(v, shape));
}

/** Operands of one dtype, in whatever rows they lie; numbers are rank-0 constants. */
export function ofOneDType<T extends Lazy>(
  op: string,
  operands: readonly Operand<T>[],
  rule: DTypeRule = "promote",
): { readonly face: T; readonly values: readonly Value[] } {
  const face = faceOf(op, operands);
  const handles = operands.map((x) => (isPlain(x) ? x : elementsOf(op, x)));
  const arrays = handles.filter((x) => typeof x === "object");
  const dtype = settle(
    face,
    rule,
    commonDType(
      op,
      arrays.map((v) => v.type),
    ),
    handles,
  );
  requireOn(face.device, op, { dtype });
  return { face, values: handles.map((x) => (typeof x === "object" ? cast(x, dtype) : userNumber(op, x, dtype))) };
}

function settle(face: Lazy, rule: DTypeRule, dtype: DType, operands: readonly (Value | Plain)[]): DType {
  if (rule === "float") return isFloat(dtype) ? dtype : face.floatDType;
  const held = operands.every((x) => (typeof x !== "number" && typeof x !== "bigint") || represents(dtype, x));
  return rule === "compare" && !held ? "float64" : dtype;
}

/** How the operand of a function becomes a value. */
export type Prepare = (op: string, x: Lazy) => Value;

/** The handle's value as a float: integers and bool become the face's own float. Ragged rows are an UnsupportedError. */
export const floating: Prepare = (op, x) => asFloat(op, x, valueOf(op, x));
/** `floating` of the elements, whatever rows they lie in. */
export const floatElements: Prepare = (op, x) => asFloat(op, x, elementsOf(op, x));
/** The elements as numbers, whatever rows they lie in: bool becomes int32. */
export const numberElements: Prepare = (op, x) => asNumber(elementsOf(op, x));
/** The elements as sums and products take them: bool and narrow integers become int32 or uint32. */
export const summedElements: Prepare = (op, x) => {
  const v = asNumber(elementsOf(op, x));
  const { kind, bits } = dtypeInfo(v.dtype);
  if (kind !== "int" && kind !== "uint") return v;
  return bits < 32 ? cast(v, kind === "int" ? "int32" : "uint32") : v;
};

function asFloat(op: string, x: Lazy, v: Value): Value {
  requireComputes(op, v.dtype);
  return isFloat(v.dtype) ? v : cast(v, x.floatDType);
}

const asNumber = (v: Value): Value => (isBool(v.dtype) ? cast(v, "int32") : v);

/** The handle's value; a DTypeError unless it is an integer of the kinds that index. */
export function integral(op: string, x: Lazy): Value {
  const v = valueOf(op, x);
  if (!isInteger(v.dtype)) throw new DTypeError(`${op}: indices are integers, not ${typeText(v.type)}. Convert with astype("int32").`);
  return asPositions(v);
}

/** Integers as int32 positions; what no int32 holds saturates, so that it is out of range there too. */
export function asPositions(v: Value): Value {
  const { kind, bits } = dtypeInfo(v.dtype);
  if (bits < 32 || v.dtype === "int32") return cast(v, "int32");
  const { lo, hi } = integerRange("int32");
  const low = kind === "int" ? maximum(v, lo) : v;
  return cast(minimum(low, hi), "int32");
}
