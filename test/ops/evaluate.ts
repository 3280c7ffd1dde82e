/** Short forms for tests of elementwise rows: values from numbers, and derivatives by the row's own rule. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { data, evaluate } from "../interpret/rows.ts";

export { evaluate } from "../interpret/rows.ts";

/** Vectors. */
export const f64 = (...numbers: readonly number[]): Value => data(numbers, [numbers.length], "float64");
export const f32 = (...numbers: readonly number[]): Value => data(numbers, [numbers.length], "float32");
export const i32 = (...numbers: readonly number[]): Value => data(numbers, [numbers.length], "int32");
export const u32 = (...numbers: readonly number[]): Value => data(numbers, [numbers.length], "uint32");
export const bool = (...flags: readonly (0 | 1)[]): Value => data(flags, [flags.length], "bool");
export const vector = (dtype: DType, numbers: readonly number[]): Value => data(numbers, [numbers.length], dtype);

/** d(y)/d(operand) by the partials of the row that made `y`; 0 where the row gives none. */
export function partial(y: Value, operand: number): Value | null {
  const { op, args, attrs } = y.node;
  if (op.derivative.by !== "partials") throw new Error(`${op.name} has no partials`);
  return op.derivative.partials(args, y, attrs)[operand] ?? null;
}
export function slopeOf(y: Value, operand: number = 0): readonly number[] {
  const d = partial(y, operand);
  return d === null ? evaluate(y).map(() => 0) : evaluate(d);
}

/** What a cotangent becomes for an operand, by the row's own rule (of a row that is not given by partials). */
export function pulledBack(y: Value, cotangent: Value, operand: number): readonly number[] | null {
  const { node } = y;
  const { derivative } = node.op;
  if (derivative.by !== "linear" && derivative.by !== "rules") throw new Error(`${node.op.name} has no rule for cotangents`);
  const back = derivative.by === "linear" ? derivative.transpose(cotangent, node) : derivative.vjp(node, [cotangent]);
  const value = at(back, operand);
  return value === null ? null : evaluate(value);
}
