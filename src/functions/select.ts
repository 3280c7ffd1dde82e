/** Choosing between elements. */
import { isBool } from "../../compiler/ir/dtype.ts";
import { at, DTypeError, ShapeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sameShape, typeText } from "../../compiler/ir/shape.ts";
import { add, cast, greater, isNaN, less, multiply, subtract, where as whereValue } from "../../compiler/ops/arithmetic.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import type { Lazy } from "../handle.ts";
import type { Operand } from "../operands.ts";
import { elementsOf, faceOf, ofOneDType, overlay, unifyElements, userNumber } from "../operands.ts";
import { nonzero } from "./nonzero.ts";

/** A condition as bool: numbers are true where they are not 0. */
function condition(op: string, c: Lazy): Value {
  const v = elementsOf(op, c);
  if (isBool(v.dtype)) return v;
  throw new DTypeError(`${op}: the condition is ${typeText(v.type)}, not bool. Compare it with something first.`);
}

/**
 * x where the condition is true, else y; all three broadcast. The branch not taken adds nothing to derivatives. With a condition only,
 * the positions where it is true, as `nonzero` gives them.
 *
 * @example
 * where(tensor([true, false]), tensor([1, 2]), 0); // → tensor([1, 0])
 * where(tensor([false, true, true]))[0]; // → tensor([1, 2], dtype=int32)
 */
export function where<T extends Lazy>(cond: T): T[];
export function where<T extends Lazy>(cond: T, x: Operand<T>, y: Operand<T>): T;
export function where<T extends Lazy>(cond: T, x?: Operand<T>, y?: Operand<T>): T | T[] {
  if (x === undefined && y === undefined) return nonzero(cond);
  if (x === undefined || y === undefined) throw new UnsupportedError("where: takes a condition, or a condition and both of what to choose from.");
  const face = faceOf("where", [cond, x, y]);
  const c = condition("where", cond);
  const { like, values } = overlay("where", face, [cond, x, y], [c, ...branches(face, x, y)]);
  return like.alike(whereValue(at(values, 0), at(values, 1), at(values, 2)));
}

/** Two numbers are of the face's own float, two booleans are bool. */
function branches<T extends Lazy>(face: T, x: Operand<T>, y: Operand<T>): readonly [Value, Value] {
  if (typeof x === "object" || typeof y === "object") {
    const { values } = ofOneDType("where", [x, y]);
    return [at(values, 0), at(values, 1)];
  }
  const dtype = typeof x === "boolean" && typeof y === "boolean" ? "bool" : face.floatDType;
  return [userNumber("where", x, dtype), userNumber("where", y, dtype)];
}

export interface ClipOptions<T extends Lazy> {
  readonly min?: Operand<T> | null;
  readonly max?: Operand<T> | null;
}

/**
 * x with what is below `min` or above `max` replaced by them; NaN stays NaN, the derivative at a bound is 1.
 *
 * @example
 * clip(tensor([-1, 0.5, 2]), 0, 1); // → tensor([0.0000, 0.5000, 1.0000])
 */
export function clip<T extends Lazy>(x: T, min?: Operand<T> | null | ClipOptions<T>, max?: Operand<T> | null): T {
  const bounds = isBounds(min) ? min : { min: min ?? null, max: max ?? null };
  let out = x;
  if (bounds.min !== undefined && bounds.min !== null) out = bounded(out, bounds.min, less);
  if (bounds.max !== undefined && bounds.max !== null) out = bounded(out, bounds.max, greater);
  return out === x ? x.alike(elementsOf("clip", x)) : out;
}

function isBounds<T extends Lazy>(min: Operand<T> | null | undefined | ClipOptions<T>): min is ClipOptions<T> {
  return typeof min === "object" && min !== null && !("value" in min);
}

/** A bound that is NaN gives NaN, as in NumPy. */
function bounded<T extends Lazy>(x: T, bound: Operand<T>, outside: (v: Value, b: Value) => Value): T {
  const { like, values } = unifyElements("clip", [x, bound]);
  const [v, b] = [at(values, 0), at(values, 1)];
  const inside = whereValue(outside(v, b), b, v);
  return like.alike(isFloat(b.dtype) && typeof bound === "object" ? whereValue(isNaN(b), b, inside) : inside);
}

/**
 * x + weight · (y - x), of floats; from y for weights of a half and more, so that weight 1 is y exactly.
 *
 * @example
 * lerp(tensor([0]), tensor([10]), 0.25); // → tensor([2.5000])
 */
export function lerp<T extends Lazy>(x: T, y: Operand<T>, weight: Operand<T>): T {
  const { like, values } = unifyElements("lerp", [x, y, weight], "float");
  const [a, b, w] = [at(values, 0), at(values, 1), at(values, 2)];
  const gap = subtract(b, a);
  const fromY = subtract(b, multiply(gap, subtract(1, w)));
  return like.alike(whereValue(less(w, 0.5), add(a, multiply(w, gap)), fromY));
}

/**
 * `value` where the mask is true, else x; the mask broadcasts to x.
 *
 * @example
 * maskedFill(tensor([1, 2]), tensor([true, false]), 0); // → tensor([0, 2])
 */
export function maskedFill<T extends Lazy>(x: T, mask: T, value: Operand<T>): T {
  const m = condition("maskedFill", mask);
  const face = faceOf("maskedFill", [x, mask, value]);
  const v = elementsOf("maskedFill", x);
  const by = typeof value === "object" ? cast(elementsOf("maskedFill", value), v.dtype) : userNumber("maskedFill", value, v.dtype);
  const { like, values } = overlay("maskedFill", face, [x, mask, value], [v, m, by]);
  const filled = whereValue(at(values, 1), at(values, 2), at(values, 0));
  if (sameShape(filled.shape, v.shape)) return like.alike(filled);
  throw new ShapeError(`maskedFill: the mask ${mask.typeName} does not broadcast to ${x.typeName}. Lengths must be equal or 1.`);
}
