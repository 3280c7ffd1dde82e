/**
 * Laws of updates: what is written to one place of each row of a fill is a choice by position.
 *
 *   scatter along add (const 0), %i, %u {axis=1}     →     where (iota = %i), (add 0, %u), 0
 *
 * All of a fill is written anyway, and a choice is computed where it is used; memory that holds something is better written to in place.
 */
import type { DType } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Definition, Value } from "../../ir/node.ts";
import { int } from "../../ir/node.ts";
import { sameShape, sizeOf } from "../../ir/shape.ts";
import * as a from "../../ops/arithmetic.ts";
import type { ScatterMode } from "../../ops/gather.ts";
import { indexedScatters, scatter, scatterAlong } from "../../ops/gather.ts";
import * as layout from "../../ops/layout.ts";
import { reduceMax } from "../../ops/reductions.ts";
import { iotaValue } from "../../ops/source.ts";
import { constantOf } from "../storage.ts";
import { without } from "./along.ts";
import type { Rule } from "./rule.ts";
import { rule } from "./rule.ts";

const combined: Readonly<Record<ScatterMode, (x: Value, update: Value) => Value>> = {
  set: (_, update) => update,
  add: a.add,
  mul: a.multiply,
  min: a.minimum,
  max: a.maximum,
};

/** The only index along the axis, for each row, in the shape of the operand with 1 element there; null where there are several. */
function onlyIndex(x: Value, indices: Value, update: Value, axis: number): Value | null {
  const single = x.shape.with(axis, 1);
  // element by element, or a whole slice at the only index of all
  if (sameShape(indices.shape, single) && sameShape(update.shape, single)) return indices;
  return sizeOf(indices.shape) === 1 ? layout.broadcast(layout.reshape(indices, []), single, []) : null;
}

function chosen({ op, args, attrs }: Definition): Value | null {
  if (op.kind !== "scatter") return null;
  const [x, indices, update, axis] = [at(args, 0), at(args, 1), at(args, 2), int(attrs, "axis")];
  const [same, length] = [constantOf(x), at(x.shape, axis)];
  if (same === null || length === 0) return null;
  const index = onlyIndex(x, indices, update, axis);
  if (index === null) return null;
  const others = without(x.shape, axis);
  const along = (v: Value): Value => layout.broadcast(v, x.shape, [...x.shape.keys()].toSpliced(axis, 1));
  const position = a.minimum(a.maximum(layout.reshape(index, others), 0), length - 1);
  const written = combined[op.mode](layout.fill(same, { dtype: x.dtype, shape: others }), layout.reshape(update, others));
  return a.where(a.equal(iotaValue(x.shape, axis, "int32"), along(position)), along(written), x);
}

const numbers: readonly DType[] = ["int32", "float32", "float64"];
/** A position for each row of a matrix, which may lie outside. */
const places = (y: Value): Value => layout.reshape(a.cast(reduceMax(y, [1]), "int32"), [at(y.shape, 0), 1]);
const firsts = (x: Value): Value => layout.reshape(reduceMax(x, [1]), [at(x.shape, 0), 1]);
const like = (n: number, x: Value): Value => layout.fill(n, x.type);
const modes: readonly ScatterMode[] = ["set", "add", "mul", "min", "max"];

export const updates: readonly Rule[] = [
  rule({
    name: "scatter(same, k, x) -> where(position = k, x, same)",
    of: indexedScatters,
    opens: true,
    dtypes: numbers,
    examples: (x, y) => [
      ...modes.map((mode) => scatterAlong(like(2, x), places(y), firsts(x), 1, mode)),
      scatter(like(0, x), layout.fill(1, { dtype: "int32", shape: [1] }), layout.reshape(reduceMax(x, [0]), [1, at(x.shape, 1)]), 0, "add"),
    ],
    rewrite: chosen,
  }),
];
