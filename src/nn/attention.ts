/** Attention, as the composite of its definition: the compiler has no rule of its own for it. */
import { at, DTypeError, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { broadcastShapes, sameShape, shapeText, typeText } from "../../compiler/ir/shape.ts";
import { add, cast, lessEqual, multiply, where } from "../../compiler/ops/arithmetic.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { broadcastTo } from "../../compiler/ops/views.ts";
import { isBool, isFloat } from "../../compiler/ir/dtype.ts";
import { matmulValue, swapLastAxes } from "../functions/products.ts";
import type { Lazy } from "../handle.ts";
import { faceOf, unifyDTypes, valueOf } from "../operands.ts";
import { spreadAlong } from "./axes.ts";
import type { Given } from "./given.ts";
import { handleOf, numberValue, optionsOf } from "./given.ts";
import { softmaxValue } from "./softmax.ts";

export interface AttentionOptions<T extends Lazy> {
  /** Broadcasts to (…, queries, keys): bool (true may attend) or float (added to the scores). */
  readonly attnMask?: T | null;
  /** Query i attends to keys 0 … i only. */
  readonly isCausal?: boolean;
  /** Factor of the scores; 1 / √width by default. */
  readonly scale?: number | null;
}

function masked(op: string, scores: Value, mask: Value): Value {
  const shape = broadcastShapes(mask.shape, scores.shape);
  if (shape === undefined || !sameShape(shape, scores.shape)) {
    throw new ShapeError(`${op}: the mask ${typeText(mask.type)} does not broadcast to the scores ${shapeText(scores.shape)}.`);
  }
  const spread = broadcastTo(mask, scores.shape);
  if (isBool(mask.dtype)) return where(spread, scores, Number.NEGATIVE_INFINITY);
  if (isFloat(mask.dtype)) return add(scores, cast(spread, scores.dtype));
  throw new DTypeError(`${op}: the mask is bool or float, not ${typeText(mask.type)}. Convert with astype first.`);
}

function causal(scores: Value): Value {
  const rank = scores.shape.length;
  const position = (axis: number): Value => iotaValue(scores.shape, axis, "int32");
  return where(lessEqual(position(rank - 1), position(rank - 2)), scores, Number.NEGATIVE_INFINITY);
}

function checkShapes(op: string, q: Value, k: Value, v: Value): void {
  const types = [q, k, v].map((x) => typeText(x.type)).join(", ");
  if ([q, k, v].some((x) => x.shape.length < 2)) throw new ShapeError(`${op}: queries, keys and values are (…, length, width), not ${types}.`);
  const last = (x: Value, i: number): number => at(x.shape, x.shape.length - i);
  if (last(q, 1) !== last(k, 1)) throw new ShapeError(`${op}: queries and keys differ in width: ${types} (${last(q, 1)} ≠ ${last(k, 1)}).`);
  if (last(k, 2) !== last(v, 2)) throw new ShapeError(`${op}: keys and values differ in number: ${types} (${last(k, 2)} ≠ ${last(v, 2)}).`);
}

/**
 * softmax(q · kᵀ · scale + mask) · v: (…, l, e), (…, s, e), (…, s, f) → (…, l, f).
 * Throws a ShapeError where the shapes do not fit, a DTypeError where the mask is neither bool nor float.
 *
 * @example
 * scaledDotProductAttention(ones([1, 2]), ones([3, 2]), ones([3, 2])); // → array([[1, 1]])
 */
export function scaledDotProductAttention<T extends Lazy>(q: T, k: T, v: T, attnMask?: Given<T, AttentionOptions<T>>, options?: AttentionOptions<T>): T {
  const op = "scaledDotProductAttention";
  const named = optionsOf<T, AttentionOptions<T>>({}, attnMask, options);
  const mask = handleOf(attnMask, named.attnMask);
  faceOf(op, mask === null ? [q, k, v] : [q, k, v, mask]);
  const { face, values } = unifyDTypes(op, [q, k, v], "float");
  const [queries, keys, contents] = [at(values, 0), at(values, 1), at(values, 2)];
  checkShapes(op, queries, keys, contents);
  const width: Shape = queries.shape.slice(-1);
  const scale = numberValue(op, named.scale ?? undefined, 1 / Math.sqrt(at(width, 0)), queries.dtype);
  let scores = matmulValue(queries, swapLastAxes(keys));
  scores = multiply(scores, spreadAlong(scale, scores.shape, []));
  if (mask !== null) scores = masked(op, scores, valueOf(op, mask));
  if (named.isCausal === true) scores = causal(scores);
  return face.wrap(matmulValue(softmaxValue(scores, scores.shape.length - 1), contents));
}
