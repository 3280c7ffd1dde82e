/** From a builder of values to a function of handles. */
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Lazy } from "../handle.ts";
import type { DTypeRule, Operand } from "../operands.ts";
import { floating, numeric, unify, valueOf } from "../operands.ts";

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
    const { face, values } = unify(op, [x, y], rule);
    return face.wrap(build(at(values, 0), at(values, 1)));
  }
  return run;
}
