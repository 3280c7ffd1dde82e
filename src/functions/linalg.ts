/** Products of vectors, matrices and stacks of them. Operands are promoted to one dtype; nothing is recorded where shapes do not fit. */
import { at, ShapeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { typeText } from "../../compiler/ir/shape.ts";
import type { Lazy } from "../handle.ts";
import { unifyDTypes, valueOf } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { axisOption } from "../options.ts";
import { sum } from "./reduce.ts";
import {
  crossValue,
  dotValue,
  einsumValue,
  innerValue,
  kronValue,
  matmulValue,
  matrixPowerValue,
  multiDotValue,
  outerValue,
  tensordotValue,
  tracedValue,
  vecdotValue,
} from "./products.ts";

function liftPair<T extends Lazy>(op: string, a: T, b: T, build: (a: Value, b: Value) => Value): T {
  const { face, values } = unifyDTypes(op, [a, b]);
  return face.wrap(build(at(values, 0), at(values, 1)));
}

/**
 * The matrix product: (…,m,k) · (…,k,n) → (…,m,n). Batch axes broadcast; a vector counts as a row on the left, as a column on the
 * right, and loses that axis again. The product of bools says whether both are true anywhere. Throws a ShapeError where the shapes do not fit.
 *
 * @example
 * matmul(tensor([[1, 2], [3, 4]]), tensor([[1], [1]])); // → tensor([[3], [7]])
 */
export const matmul = <T extends Lazy>(a: T, b: T): T => liftPair("matmul", a, b, matmulValue);

/**
 * NumPy's dot: (…,k) · (…,k,n) → (…,…,n), without broadcasting; scalars multiply. Throws a ShapeError where lengths differ.
 *
 * @example
 * dot(tensor([1, 2]), tensor([3, 4])); // → tensor(11)
 */
export const dot = <T extends Lazy>(a: T, b: T): T => liftPair("dot", a, b, dotValue);

/**
 * Sums of products over the last axes: (…,k), (…,k) → (…,…). Throws a ShapeError where lengths differ.
 *
 * @example
 * inner(tensor([1, 2]), tensor([3, 4])); // → tensor(11)
 */
export const inner = <T extends Lazy>(a: T, b: T): T => liftPair("inner", a, b, innerValue);

/**
 * All products of two vectors: (m), (n) → (m,n). Operands of other ranks are flattened.
 *
 * @example
 * outer(tensor([1, 2]), tensor([3, 4])); // → tensor([[3, 4], [6, 8]])
 */
export const outer = <T extends Lazy>(a: T, b: T): T => liftPair("outer", a, b, outerValue);

/**
 * The Kronecker product: lengths multiply axis by axis, from the right.
 *
 * @example
 * kron(tensor([1, 2]), tensor([1, 10])); // → tensor([ 1, 10,  2, 20])
 */
export const kron = <T extends Lazy>(a: T, b: T): T => liftPair("kron", a, b, kronValue);

const axisOr = (op: string, x: Lazy, given: number | AxisOption, fallback: number): number =>
  typeof given === "number" ? given : (axisOption(op, x, given) ?? fallback);

/**
 * The sum of products along `axis` (the last by default); the other axes broadcast. Throws a ShapeError where lengths differ.
 *
 * @example
 * vecdot(tensor([[1, 2], [3, 4]]), tensor([1, 1])); // → tensor([3, 7])
 */
export const vecdot = <T extends Lazy>(a: T, b: T, axis: number | AxisOption = {}): T =>
  liftPair("vecdot", a, b, (x, y) => vecdotValue(x, y, axisOr("vecdot", a, axis, -1)));

/**
 * The cross product of vectors of 3 along `axis` (the last by default); the other axes broadcast.
 *
 * @example
 * cross(tensor([1, 0, 0]), tensor([0, 1, 0])); // → tensor([0, 0, 1])
 */
export const cross = <T extends Lazy>(a: T, b: T, axis: number | AxisOption = {}): T =>
  liftPair("cross", a, b, (x, y) => crossValue(x, y, axisOr("cross", a, axis, -1)));

/** How many axes meet (the last of the first operand, the first of the second), or which: [axes of the first, axes of the second]. */
export type TensordotAxes = number | readonly [number | readonly number[], number | readonly number[]];

/**
 * Sums of products over several axes; the result has the rest of `a`, then the rest of `b`. Throws a ShapeError where lengths differ.
 *
 * @example
 * tensordot(ones([2, 3]), ones([3, 2]), { axes: 1 }); // → array([[3, 3], [3, 3]])
 */
export function tensordot<T extends Lazy>(a: T, b: T, axes: TensordotAxes | { readonly axes?: TensordotAxes } = 2): T {
  const choice = typeof axes === "number" || isPair(axes) ? axes : (axes.axes ?? 2);
  return liftPair("tensordot", a, b, (x, y) => {
    if (typeof choice === "number") return tensordotValue("tensordot", x, y, meetingAxes(choice, x, -choice), meetingAxes(choice, y, 0));
    const list = (given: number | readonly number[]): readonly number[] => (typeof given === "number" ? [given] : given);
    return tensordotValue("tensordot", x, y, list(choice[0]), list(choice[1]));
  });
}

const isPair = (axes: TensordotAxes | { readonly axes?: TensordotAxes }): axes is readonly [number | readonly number[], number | readonly number[]] =>
  Array.isArray(axes);

function meetingAxes(count: number, x: Value, from: number): number[] {
  if (!Number.isInteger(count) || count < 0 || count > x.shape.length) throw new ShapeError(`tensordot: ${count} axes cannot meet in ${typeText(x.type)}.`);
  return Array.from({ length: count }, (_, i) => from + i);
}

/**
 * Einstein's summation: `einsum("ij,jk->ik", a, b)`. Labels that are missing on the right are summed over; a label that an operand
 * has twice means its diagonal; `...` stands for the axes that have no label, which broadcast. Without `->`, the result has the
 * labels that occur once, in alphabetical order. Throws a ShapeError that quotes the equation where it does not fit.
 *
 * @example
 * einsum("ij,jk->ik", ones([2, 3]), ones([3, 1])); // → array([[3], [3]])
 */
export function einsum<T extends Lazy>(equation: string, ...operands: readonly T[]): T {
  if (typeof equation !== "string") throw new UnsupportedError('einsum: the equation comes first, as a text: einsum("ij,jk->ik", a, b).');
  if (operands.length === 0) throw new UnsupportedError(`einsum: "${String(equation)}" got no operands.`);
  const { face, values } = unifyDTypes("einsum", operands);
  return face.wrap(einsumValue(equation, values));
}

export interface TraceOptions {
  /** Which diagonal: above the main one where positive. */
  readonly offset?: number;
}

/**
 * The sum of a diagonal of the last two axes, in `sum`'s dtype: (…,m,n) → (…). Throws a ShapeError below rank 2.
 *
 * @example
 * trace(tensor([[1, 2], [3, 4]])); // → tensor(5)
 */
export function trace<T extends Lazy>(x: T, offset: number | TraceOptions = 0): T {
  return sum(x.wrap(tracedValue(valueOf("trace", x), typeof offset === "number" ? offset : (offset.offset ?? 0))), { axis: -1 });
}

/**
 * A square matrix, or each of a stack, times itself `n` times: n = 0 gives the identity. Negative n needs `inv`, which is not there yet.
 *
 * @example
 * matrixPower(tensor([[1, 1], [0, 1]]), 3); // → tensor([[1, 3], [0, 1]])
 */
export function matrixPower<T extends Lazy>(a: T, n: number): T {
  const value = valueOf("matrixPower", a);
  const [rows, columns] = [value.shape.at(-2), value.shape.at(-1)];
  if (rows === undefined || rows !== columns) throw new ShapeError(`matrixPower: ${typeText(value.type)} is not square.`);
  if (!Number.isInteger(n)) throw new UnsupportedError(`matrixPower: ${n} is no whole number.`);
  if (n < 0) throw new UnsupportedError(`matrixPower: the power ${n} needs the inverse of a matrix, which is not there yet.`);
  return a.wrap(matrixPowerValue(value, n));
}

/**
 * The product of a chain of matrices, in the order of fewest multiplications; the first and the last may be vectors.
 *
 * @example
 * multiDot([ones([1, 2]), ones([2, 3]), ones([3, 1])]); // → array([[6]])
 */
export function multiDot<T extends Lazy>(xs: readonly T[]): T {
  if (xs.length < 2) throw new UnsupportedError(`multiDot: takes a list of two matrices or more, got ${xs.length}.`);
  const { face, values } = unifyDTypes("multiDot", xs);
  values.forEach((v, i) => {
    const ends = i === 0 || i === values.length - 1;
    if (v.shape.length !== 2 && !(ends && v.shape.length === 1)) throw new ShapeError(`multiDot: operand ${i} is ${typeText(v.type)}; it must be a matrix.`);
  });
  return face.wrap(multiDotValue(values));
}
