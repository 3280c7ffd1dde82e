/** From a builder of values to a function of handles. */
import { isFloat } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sameType } from "../../compiler/ir/shape.ts";
import type { Lazy } from "../handle.ts";
import type { DTypeRule, Operand } from "../operands.ts";
import { floating, numberLike, numeric, unify, valueOf } from "../operands.ts";

/** A function of one array or tensor. */
export type Unary = <T extends Lazy>(x: T) => T;

/** A function of two, which broadcast; one of them may be a number or a boolean, which takes the other's dtype. */
export interface Binary {
  <T extends Lazy>(x: T, y: Operand<T>): T;
  <T extends Lazy>(x: number | boolean, y: T): T;
}

/** How the operand of a unary function becomes a value. */
export type Prepare = (op: string, x: Lazy) => Value;

/** Lifts a builder of floats; integers and bool become the face's own float first. */
export const liftFloat = (op: string, build: (x: Value) => Value): Unary => liftUnary(op, build, floating);
/** Lifts a builder of numbers; bool becomes int32 first. */
export const liftNumeric = (op: string, build: (x: Value) => Value): Unary => liftUnary(op, build, numeric);
/** Lifts a builder of any dtype. */
export const liftAny = (op: string, build: (x: Value) => Value): Unary => liftUnary(op, build, valueOf);

function liftUnary(op: string, build: (x: Value) => Value, prepare: Prepare): Unary {
  return (x) => x.wrap(build(prepare(op, x)));
}

/** Lifts a builder of two values of one type. */
export function liftBinary(op: string, build: (x: Value, y: Value) => Value, rule: DTypeRule = "promote"): Binary {
  function run<T extends Lazy>(x: Operand<T>, y: Operand<T>): T {
    const usual = usualOperands(op, x, y, rule);
    if (usual !== null) return usual.face.wrap(build(usual.a, usual.b));
    const { face, values } = unify(op, [x, y], rule);
    return face.wrap(build(at(values, 0), at(values, 1)));
  }
  return run;
}

/** Two arrays of one type, or floats and a number, without the lists of `unify`: training loops record many nodes. */
function usualOperands<T extends Lazy>(
  op: string,
  x: Operand<T>,
  y: Operand<T>,
  rule: DTypeRule,
): { readonly face: T; readonly a: Value; readonly b: Value } | null {
  if (typeof x === "object" && typeof y === "object") {
    const [a, b] = [valueOf(op, x), valueOf(op, y)];
    const fits = x.face === y.face && sameType(a.type, b.type) && (rule !== "float" || isFloat(a.dtype));
    return fits ? { face: x, a, b } : null;
  }
  if (typeof x === "object" && typeof y === "number") {
    const a = valueOf(op, x);
    return isFloat(a.dtype) ? { face: x, a, b: numberLike(op, y, a) } : null;
  }
  if (typeof x === "number" && typeof y === "object") {
    const b = valueOf(op, y);
    return isFloat(b.dtype) ? { face: y, a: numberLike(op, x, b), b } : null;
  }
  return null;
}
