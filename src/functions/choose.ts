/** Choosing between several arrays. */
import { isBool } from "../../compiler/ir/dtype.ts";
import { at, DTypeError, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { where } from "../../compiler/ops/arithmetic.ts";
import { gatherAlong } from "../../compiler/ops/gather.ts";
import { broadcastTo, concat, reshape } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import type { IndexMode } from "../indexing/modes.ts";
import { positionsAlong } from "../indexing/modes.ts";
import type { Operand } from "../operands.ts";
import { commonShape, faceOf, unifyDTypes, userNumber, valueOf } from "../operands.ts";

function boolOf(op: string, c: Lazy): Value {
  const v = valueOf(op, c);
  if (isBool(v.dtype)) return v;
  throw new DTypeError(`${op}: a condition is ${c.typeName}, not bool. Compare it with something first.`);
}

/**
 * For each element the choice of the first condition that is true, `fallback` (0) where none is; all of them broadcast.
 *
 * @example
 * const x = tensor([1, 2, 3, 4]);
 * select([x.less(2), x.greater(3)], [x.mul(10), 0], -1); // → tensor([10, -1, -1,  0])
 */
export function select<T extends Lazy>(conditions: readonly T[], choices: readonly Operand<T>[], fallback: Operand<T> = 0): T {
  if (conditions.length === 0 || conditions.length !== choices.length)
    throw new ShapeError(`select: ${conditions.length} conditions and ${choices.length} choices. Give one choice for each, one at least.`);
  const face = faceOf("select", [...conditions, ...choices, fallback]);
  const bools = conditions.map((c) => boolOf("select", c));
  const values = choiceValues(face, [...choices, fallback]);
  const shape = commonShape(
    "select",
    [...bools, ...values].map((v) => v.type),
  );
  const wide = (v: Value): Value => broadcastTo(v, shape);
  return face.wrap(bools.reduceRight((rest, c, i) => where(wide(c), wide(at(values, i)), rest), wide(at(values, choices.length))));
}

/** Numbers alone are of the face's own float. */
function choiceValues<T extends Lazy>(face: T, choices: readonly Operand<T>[]): readonly Value[] {
  if (choices.some((c) => typeof c === "object")) return unifyDTypes("select", choices).values;
  return choices.map((c) => userNumber("select", Number(c), face.floatDType));
}

export interface ChooseOptions {
  /** What becomes of indices out of range; "raise" where none is given. */
  readonly mode?: IndexMode;
}

/**
 * Each element from the array in the list that its index names; all of them broadcast. An IndexError where an index is out of range,
 * unless `mode` is "wrap" or "clip".
 *
 * @example
 * choose(tensor([0, 1, 0], { dtype: "int32" }), [tensor([1, 2, 3]), tensor([10, 20, 30])]); // → tensor([ 1, 20,  3])
 */
export function choose<T extends Lazy>(indices: T, choices: readonly T[], options: ChooseOptions = {}): T {
  const { face, values } = unifyDTypes("choose", choices);
  const positions = positionsAlong({ op: "choose", x: face, axis: 0, length: values.length }, indices, options.mode);
  const shape = commonShape(
    "choose",
    [...values, positions].map((v) => v.type),
  );
  const stacked = concat(
    values.map((v) => reshape(broadcastTo(v, shape), [1, ...shape])),
    0,
  );
  return face.wrap(reshape(gatherAlong(stacked, reshape(broadcastTo(positions, shape), [1, ...shape]), 0), shape));
}
