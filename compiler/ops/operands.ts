/** How builders take their operands (a number beside a value is a constant of that value's type), and short forms for rows. */
import { at, CompilerBug } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import type { Value } from "../ir/node.ts";
import { make, numeric } from "../ir/node.ts";
import type { Primitive } from "../ir/primitive.ts";
import type { TensorType } from "../ir/shape.ts";
import { broadcastOp, fill } from "./layout.ts";
import { constantOp } from "./source.ts";

export type Operand = Value | number;

/** A builder of one operand. */
export type Unary = (x: Value) => Value;

/** A builder of two operands, one of which may be a number. */
export interface Binary {
  (a: Value, b: Operand): Value;
  (a: number, b: Value): Value;
}

/** `x` as a value of this type, where it is a number. */
export const asValue = (x: Operand, type: TensorType): Value => (typeof x === "number" ? fill(x, type) : x);

/** Both as values; a number takes the type of the other. */
export function asValues(op: string, a: Operand, b: Operand): readonly [Value, Value] {
  if (typeof a !== "number") return [a, asValue(b, a.type)];
  if (typeof b !== "number") return [fill(a, b.type), b];
  throw new CompilerBug(`${op}: a builder needs a value to take the type from, not two numbers`);
}

/** The number that all elements of `x` are, where its definition says so: a constant or a broadcast of one, that a number holds. */
export function constantOf(x: Value): number | undefined {
  const definition = x.node.definition;
  if (definition?.op === broadcastOp) return constantOf(at(definition.args, 0));
  if (definition?.op !== constantOp) return undefined;
  const value = numeric(definition.attrs, "value");
  return typeof value === "number" ? value : undefined;
}

export const unary =
  (row: Primitive): Unary =>
  (x) =>
    make(row, [x]);

export function binary(row: Primitive): Binary {
  return (a: Operand, b: Operand) => make(row, asValues(row.name, a, b));
}

/** The meaning of a row of one operand. */
export const scalar1 =
  (f: (x: Expr) => Expr) =>
  (args: readonly Expr[]): Expr =>
    f(at(args, 0));
/** The meaning of a row of two operands. */
export const scalar2 =
  (f: (a: Expr, b: Expr) => Expr) =>
  (args: readonly Expr[]): Expr =>
    f(at(args, 0), at(args, 1));

type Partials = (args: readonly Value[], result: Value) => readonly (Value | null)[];
/** The derivative of a row of one operand, from the operand `x` and the result `y`. */
export const slope =
  (f: (x: Value, y: Value) => Value): Partials =>
  (args, y) => [f(at(args, 0), y)];
/** The derivatives of a row of two operands, from the operands and the result. */
export const slopes =
  (f: (a: Value, b: Value, y: Value) => readonly (Value | null)[]): Partials =>
  (args, y) =>
    f(at(args, 0), at(args, 1), y);
