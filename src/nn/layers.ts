/** Layers as functions: what has parameters takes them as operands. */
import { at, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { normalizeAxis, typeText } from "../../compiler/ir/shape.ts";
import { absolute, add, divide, equal, greater, lessEqual, maximum, multiply, square, where } from "../../compiler/ops/arithmetic.ts";
import { detach } from "../../compiler/ops/barrier.ts";
import { pow, sqrt } from "../../compiler/ops/exponential.ts";
import { gather } from "../../compiler/ops/gather.ts";
import { reduceMax } from "../../compiler/ops/reductions.ts";
import { broadcastTo, reduceSum } from "../../compiler/ops/views.ts";
import { tensordotValue } from "../functions/products.ts";
import type { Lazy } from "../handle.ts";
import { faceOf, floating, integral, unify, unifyDTypes, valueOf } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { axisOption } from "../options.ts";
import { spreadOver } from "./axes.ts";
import type { Given } from "./given.ts";
import { handleOf, optionsOf } from "./given.ts";
import { requireIndices } from "./host-indices.ts";

export interface LinearOptions<T extends Lazy> {
  /** Added to each result, (out). */
  readonly bias?: T | null;
}

/**
 * x · weightᵀ + bias: (…, in), (out, in), (out) → (…, out). Throws a ShapeError where the shapes do not fit.
 *
 * @example
 * linear(tensor([1, 2]), tensor([[3, 4]])); // → tensor([11])
 */
export function linear<T extends Lazy>(x: T, weight: T, bias?: Given<T, LinearOptions<T>>, options?: LinearOptions<T>): T {
  const op = "linear";
  const named = optionsOf<T, LinearOptions<T>>({}, bias, options);
  const shift = handleOf(bias, named.bias);
  const { face, values } = unifyDTypes(op, shift === null ? [x, weight] : [x, weight, shift], "float");
  const [v, w, b] = [at(values, 0), at(values, 1), values[2]];
  const types = `${typeText(v.type)} and the weight ${typeText(w.type)}`;
  if (v.shape.length === 0 || w.shape.length < 1 || w.shape.length > 2) throw new ShapeError(`${op}: got ${types}; they are (…, in) and (out, in).`);
  if (v.shape.at(-1) !== w.shape.at(-1))
    throw new ShapeError(`${op}: inner axes differ: ${types} (${v.shape.at(-1)} ≠ ${w.shape.at(-1)}). The weight is (out, in).`);
  const y = tensordotValue(op, v, w, [-1], [-1]);
  if (b === undefined) return face.wrap(y);
  const fits = b.shape.length <= 1 && (b.shape.length === 0 || at(b.shape, 0) === y.shape.at(-1));
  if (!fits) throw new ShapeError(`${op}: the bias is ${typeText(b.type)}; it has one number for each of the ${y.shape.at(-1)} results.`);
  return face.wrap(add(y, broadcastTo(b, y.shape)));
}

export interface EmbeddingOptions {
  /** A row of the table that is not trained. */
  readonly paddingIdx?: number | null;
}

/**
 * Rows of a table: indices of any shape, weight (rows, width) → indices.shape + (width).
 * Indices are 0 to rows - 1. Throws a DTypeError where indices are no integers, an IndexError
 * where one is known to be out of range, a ShapeError where the table is not of rank 2.
 *
 * @example
 * embedding(tensor([1, 0], { dtype: "int32" }), tensor([[1, 2], [3, 4]])); // → tensor([[3, 4], [1, 2]])
 */
export function embedding<T extends Lazy>(indices: T, weight: T, options: EmbeddingOptions = {}): T {
  const op = "embedding";
  const face = faceOf(op, [indices, weight]);
  const [rows, table] = [integral(op, indices), valueOf(op, weight)];
  if (table.shape.length !== 2) throw new ShapeError(`${op}: the table is ${typeText(table.type)}; it is (rows, width).`);
  requireIndices(op, "row", indices.value, at(table.shape, 0));
  const picked = gather(table, rows, 0);
  if (options.paddingIdx === undefined || options.paddingIdx === null) return face.wrap(picked);
  const padding = options.paddingIdx < 0 ? options.paddingIdx + at(table.shape, 0) : options.paddingIdx;
  const isPadding = spreadOver(equal(rows, padding), picked.shape, [picked.shape.length - 1]);
  return face.wrap(where(isPadding, detach(picked), picked));
}

interface AxisEps extends AxisOption {
  /** Lengths below it count as it. */
  readonly eps?: number;
}

/** The Euclidean length along `axis`, at least eps. The root is taken of what is bounded, so that a zero vector has gradient 0. */
const boundedLength = (x: Value, axis: number, eps: number): Value => sqrt(maximum(reduceSum(square(x), [axis]), eps * eps));

/**
 * x · y / (‖x‖ · ‖y‖) along `axis` (1 by default), each length at least eps (1e-8). Shapes broadcast; the axis is gone.
 *
 * @example
 * cosineSimilarity(tensor([[1, 0]]), tensor([[1, 1]])); // → tensor([0.7071])
 */
export function cosineSimilarity<T extends Lazy>(x: T, y: T, options: AxisEps = {}): T {
  const op = "cosineSimilarity";
  const { face, values } = unify(op, [x, y], "float");
  const [a, b] = [at(values, 0), at(values, 1)];
  const axis = normalizeAxis(op, axisOption(op, x, options) ?? 1, a.shape.length);
  const eps = options.eps ?? 1e-8;
  const lengths = multiply(boundedLength(a, axis, eps), boundedLength(b, axis, eps));
  return face.wrap(divide(reduceSum(multiply(a, b), [axis]), lengths));
}

/** The `ord`-norm along an axis, with gradient 0 where it is 0. */
function vectorNorm(x: Value, ord: number, axis: number): Value {
  const size = absolute(x);
  if (ord === Number.POSITIVE_INFINITY) return reduceMax(size, [axis]);
  if (ord === 1) return reduceSum(size, [axis]);
  // pow has no harmless derivative at 0; an element that is NaN stays NaN through the other branch.
  const positive = greater(size, 0);
  const powers = reduceSum(where(positive, pow(where(positive, size, 1), ord), size), [axis]);
  const zero = lessEqual(powers, 0);
  return where(zero, 0, pow(where(zero, 1, powers), 1 / ord));
}

/**
 * x / max(‖x‖, eps) along `axis` (1 by default), the norm of order `ord` (2), eps 1e-12. Same shape.
 *
 * @example
 * normalize(tensor([[3, 4]])); // → tensor([[0.6000, 0.8000]])
 */
export function normalize<T extends Lazy>(x: T, options: AxisEps & { readonly ord?: number } = {}): T {
  const op = "normalize";
  const v = floating(op, x);
  const axis = normalizeAxis(op, axisOption(op, x, options) ?? 1, v.shape.length);
  const eps = options.eps ?? 1e-12;
  const ord = options.ord ?? 2;
  const length = ord === 2 ? boundedLength(v, axis, eps) : maximum(vectorNorm(v, ord, axis), eps);
  return x.wrap(divide(v, spreadOver(length, v.shape, [axis])));
}
