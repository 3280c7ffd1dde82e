/** From an elementwise builder of values to a function of handles: what it makes has the rows of its operands. */
import { isFloat } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sameType } from "../../compiler/ir/shape.ts";
import type { Lazy } from "../handle.ts";
import type { DTypeRule, Operand, Prepare } from "../operands.ts";
import { elementsOf, floatElements, numberElements, numberLike, unifyElements } from "../operands.ts";

/** A function of one array or tensor. */
export type Unary = <T extends Lazy>(x: T) => T;

/** A function of two, which broadcast; one of them may be a number or a boolean, which takes the other's dtype. */
export interface Binary {
  <T extends Lazy>(x: T, y: Operand<T>): T;
  <T extends Lazy>(x: number | boolean, y: T): T;
}

/** Lifts a builder of floats; integers and bool become the face's own float first. */
export const liftFloat = (op: string, build: (x: Value) => Value): Unary => liftUnary(op, build, floatElements);
/** Lifts a builder of numbers; bool becomes int32 first. */
export const liftNumeric = (op: string, build: (x: Value) => Value): Unary => liftUnary(op, build, numberElements);
/** Lifts a builder of any dtype. */
export const liftAny = (op: string, build: (x: Value) => Value): Unary => liftUnary(op, build, elementsOf);

function liftUnary(op: string, build: (x: Value) => Value, prepare: Prepare): Unary {
  return (x) => x.alike(build(prepare(op, x)));
}

/** Lifts a builder of two values of one type. */
export function liftBinary(op: string, build: (x: Value, y: Value) => Value, rule: DTypeRule = "promote"): Binary {
  function run<T extends Lazy>(x: Operand<T>, y: Operand<T>): T {
    // the usual operands without the lists of `unify`: training loops record many nodes
    if (typeof x === "object" && typeof y === "object") {
      const a = elementsOf(op, x);
      const b = elementsOf(op, y);
      if (x.face === y.face && x.rows === y.rows && sameType(a.type, b.type) && (rule !== "float" || isFloat(a.dtype))) return x.alike(build(a, b));
    } else if (typeof x === "object" && typeof y === "number") {
      const a = elementsOf(op, x);
      if (isFloat(a.dtype)) return x.alike(build(a, numberLike(op, y, a)));
    } else if (typeof x === "number" && typeof y === "object") {
      const b = elementsOf(op, y);
      if (isFloat(b.dtype)) return y.alike(build(numberLike(op, x, b), b));
    }
    const { like, values } = unifyElements(op, [x, y], rule);
    return like.alike(build(at(values, 0), at(values, 1)));
  }
  return run;
}
