/**
 * Transforms of functions: gradients, Jacobians, products with them. A transform calls the function on fresh names for its inputs,
 * and differentiates the graph that this records; so transforms nest, and reading values inside the function works.
 */
import { jvp as pushForward } from "../compiler/autodiff/jvp.ts";
import { vjp as pullBack } from "../compiler/autodiff/vjp.ts";
import { isFloat } from "../compiler/ir/dtype.ts";
import { at, DTypeError, ShapeError, UnsupportedError } from "../compiler/ir/errors.ts";
import type { Value } from "../compiler/ir/node.ts";
import { sizeOf, tensorType } from "../compiler/ir/shape.ts";
import { cast, equal } from "../compiler/ops/arithmetic.ts";
import { iotaValue } from "../compiler/ops/source.ts";
import { concat, fill, reshape, zerosLike } from "../compiler/ops/views.ts";
import { closeDerivative, closeResult, cotangentOf, differentiate, openInput, requireSameShape, withoutHistory } from "./differentiate.ts";
import { Lazy } from "./handle.ts";
import type { Tensor } from "./tensor.ts";
import { requireDense } from "./operands.ts";
import { recording } from "./tracking.ts";

export { noGrad } from "./tracking.ts";

/** A function of arrays or tensors. */
export type Differentiable<T extends Lazy> = (...xs: readonly T[]) => T;

export interface OneArgument {
  /** Which argument to differentiate by; the first where none is given. */
  readonly argnums?: number;
}
export interface SeveralArguments {
  /** Which arguments to differentiate by. */
  readonly argnums: readonly number[];
}
type Argnums = OneArgument | SeveralArguments;

/** The function's result on fresh names for the inputs. */
interface Opened<T extends Lazy> {
  readonly output: T;
  /** The inputs to differentiate by, in the order of argnums. */
  readonly inputs: readonly Value[];
}

const argnumsOf = (options: Argnums): readonly number[] => (typeof options.argnums === "object" ? options.argnums : [options.argnums ?? 0]);

function open<T extends Lazy>(op: string, f: Differentiable<T>, xs: readonly T[], argnums: readonly number[]): Opened<T> {
  const inputs = argnums.map((i) => {
    const x = xs[i];
    if (!(x instanceof Lazy))
      throw new UnsupportedError(`${op}: argument ${i} is no array or tensor. Give one, or say which to differentiate by with { argnums }.`);
    if (!isFloat(x.dtype)) throw new DTypeError(`${op}: argument ${i} is ${x.typeName}: only floats are differentiated. Convert with astype first.`);
    return openInput(x.value);
  });
  const named = xs.map((x, i) => (argnums.includes(i) ? x.alike(at(inputs, argnums.indexOf(i))) : x));
  const output = recording(() => f(...named));
  if (!(output instanceof Lazy)) throw new UnsupportedError(`${op}: the function returned ${typeof output}, not an array or tensor. Return one, unread.`);
  return { output, inputs };
}

/** One result for one argument, a list for a list. */
function shaped<T extends Lazy>(options: Argnums, results: readonly T[]): T | T[] {
  return typeof options.argnums === "object" ? [...results] : at(results, 0);
}

/**
 * The function that gives the gradient of `f`, whose result is a single number, with respect to its first argument or those of
 * `argnums`. Throws a DTypeError for integers, a ShapeError where the result has more elements, an UnsupportedError where it does
 * not depend on the argument.
 *
 * @example
 * grad((x) => x.square().sum())(tensor([1, 2])); // → tensor([2, 4])
 */
export function grad<T extends Lazy = Tensor>(f: Differentiable<T>, options: SeveralArguments): (...xs: readonly T[]) => T[];
export function grad<T extends Lazy = Tensor>(f: Differentiable<T>, options?: OneArgument): (...xs: readonly T[]) => T;
export function grad<T extends Lazy>(f: Differentiable<T>, options: Argnums = {}): (...xs: readonly T[]) => T | T[] {
  return (...xs) => shaped(options, valueAndGradients("grad", f, xs, options).gradients);
}

/**
 * As `grad`, with the value of `f` before the gradient.
 *
 * @example
 * valueAndGrad((x) => x.square().sum())(tensor([1, 2]))[0]; // → tensor(5)
 */
export function valueAndGrad<T extends Lazy = Tensor>(f: Differentiable<T>, options: SeveralArguments): (...xs: readonly T[]) => [T, T[]];
export function valueAndGrad<T extends Lazy = Tensor>(f: Differentiable<T>, options?: OneArgument): (...xs: readonly T[]) => [T, T];
export function valueAndGrad<T extends Lazy>(f: Differentiable<T>, options: Argnums = {}): (...xs: readonly T[]) => [T, T | T[]] {
  return (...xs) => {
    const { value, gradients } = valueAndGradients("valueAndGrad", f, xs, options);
    return [value, shaped(options, gradients)];
  };
}

function valueAndGradients<T extends Lazy>(
  op: string,
  f: Differentiable<T>,
  xs: readonly T[],
  options: Argnums,
): { readonly value: T; readonly gradients: readonly T[] } {
  const { output, inputs } = open(op, f, xs, argnumsOf(options));
  const gradients = differentiate(op, output, inputs, { createGraph: true });
  const arguments_ = argnumsOf(options).map((i) => at(xs, i));
  return {
    value: output.alike(closeResult(output.value, inputs)),
    gradients: gradients.map((g, i) => at(arguments_, i).alike(closeDerivative(g, inputs))),
  };
}

/**
 * The value of `f`, and the function from a cotangent of it to the cotangents of the arguments.
 *
 * @example
 * const [y, pull] = vjp((x) => x.square(), tensor([1, 2]));
 * pull(tensor([1, 1]))[0]; // → tensor([2, 4])
 */
export function vjp<T extends Lazy>(f: Differentiable<T>, ...xs: readonly T[]): [T, (cotangent: T) => T[]] {
  const { output, inputs } = open(
    "vjp",
    f,
    xs,
    xs.map((_, i) => i),
  );
  const back = (cotangent: T): T[] => {
    const found = pullBack([output.value], inputs, [cotangentOf("vjp", output, cotangent)]);
    return inputs.map((x, i) => at(xs, i).alike(closeDerivative(found[i] ?? zerosLike(x), inputs)));
  };
  return [output.alike(closeResult(output.value, inputs)), back];
}

/**
 * The value of `f`, and its derivative in the direction of the tangents, one for each argument.
 *
 * @example
 * const [y, dy] = jvp((x) => x.square(), [tensor([1, 2])], [tensor([1, 0])]);
 * dy; // → tensor([2, 0])
 */
export function jvp<T extends Lazy>(f: Differentiable<T>, xs: readonly T[], tangents: readonly T[]): [T, T] {
  if (xs.length !== tangents.length) throw new ShapeError(`jvp: ${xs.length} arguments and ${tangents.length} tangents. Give one tangent an argument.`);
  const { output, inputs } = open(
    "jvp",
    f,
    xs,
    xs.map((_, i) => i),
  );
  inputs.forEach((_, i) => {
    const t = at(tangents, i);
    requireSameShape("jvp", `tangent ${i}`, t, at(xs, i));
  });
  const [tangent] = pushForward(
    [output.value],
    inputs,
    tangents.map((t) => t.value),
  );
  return [output.alike(closeResult(output.value, inputs)), output.alike(closeDerivative(tangent ?? zerosLike(output.value), inputs))];
}

/**
 * The gradients of a single number with respect to tensors it was computed from; recorded where `createGraph`.
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true });
 * gradients(x.square().sum(), [x])[0]; // → tensor([2, 4])
 */
export function gradients<T extends Lazy>(loss: T, xs: readonly T[], options: { readonly createGraph?: boolean; readonly gradient?: T } = {}): T[] {
  const inputs = xs.map((x) => x.value);
  const found = differentiate("gradients", loss, inputs, { ...options, createGraph: options.createGraph ?? false, relation: "connected" });
  return xs.map((x, i) => x.alike(at(found, i)));
}

/**
 * The function that gives the Jacobian of `f`, of shape y.shape + x.shape.
 *
 * @example
 * jacobian((x) => x.square())(tensor([1, 2])); // → tensor([[2, 0], [0, 4]])
 */
export function jacobian<T extends Lazy = Tensor>(f: Differentiable<T>, options: SeveralArguments): (...xs: readonly T[]) => T[];
export function jacobian<T extends Lazy = Tensor>(f: Differentiable<T>, options?: OneArgument): (...xs: readonly T[]) => T;
export function jacobian<T extends Lazy>(f: Differentiable<T>, options: Argnums = {}): (...xs: readonly T[]) => T | T[] {
  return (...xs) => shaped(options, jacobians("jacobian", f, xs, options));
}

function jacobians<T extends Lazy>(op: string, f: Differentiable<T>, xs: readonly T[], options: Argnums): T[] {
  const { output, inputs } = open(op, f, xs, argnumsOf(options));
  for (const x of [output, ...argnumsOf(options).map((i) => at(xs, i))]) requireDense(op, x);
  const y = output.value;
  const size = sizeOf(y.shape);
  const rows = Array.from({ length: size }, (_, i) => {
    const basis = reshape(cast(equal(iotaValue([size], 0, "int32"), i), y.dtype), y.shape);
    return pullBack([y], inputs, [cotangentOf(op, output, output.wrap(basis))]);
  });
  return inputs.map((x, k) => {
    const flat = rows.map((row) => reshape(row[k] ?? zerosLike(x), [1, ...x.shape]));
    const shape = [...y.shape, ...x.shape];
    const whole = flat.length === 0 ? fill(0, tensorType(x.dtype, shape)) : reshape(concat(flat, 0), shape);
    return output.wrap(closeDerivative(whole, inputs));
  });
}

/**
 * The function that gives the Hessian of `f`, whose result is a single number; of shape x.shape + x.shape.
 *
 * @example
 * hessian((x) => x.square().sum())(tensor([1, 2])); // → tensor([[2, 0], [0, 2]])
 */
export function hessian<T extends Lazy = Tensor>(f: Differentiable<T>, options: OneArgument = {}): (...xs: readonly T[]) => T {
  return jacobian<T>(grad<T>(f, options), options);
}

/**
 * x, as a constant of differentiation.
 *
 * @example
 * grad((x) => stopGradient(x).mul(x).sum())(tensor([3])); // → tensor([3])
 */
export const stopGradient = <T extends Lazy>(x: T): T => x.alike(withoutHistory(x.value));
