/** What is written, made to fit: cast as NumPy's `same_kind` allows, broadcast to the shape of the place. */
import type { DType, DTypeKind } from "../../compiler/ir/dtype.ts";
import { dtypeInfo } from "../../compiler/ir/dtype.ts";
import { DTypeError, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { broadcastShapes, sameShape, typeText } from "../../compiler/ir/shape.ts";
import { cast } from "../../compiler/ops/arithmetic.ts";
import { constantValue } from "../../compiler/ops/source.ts";
import { broadcastTo, reshape } from "../../compiler/ops/views.ts";
import type { Plain } from "../operands.ts";
import { requireRepresents } from "../operands.ts";

const rank: Readonly<Record<DTypeKind, number>> = { bool: 0, uint: 1, int: 2, float: 3, complex: 4 };

/** Whether a cast loses no kind: within a kind, and from bool to integers to floats. */
const sameKind = (from: DType, to: DType): boolean => from === to || rank[dtypeInfo(from).kind] <= rank[dtypeInfo(to).kind];

/** A number as it is written. It may be lifted into a parameter: another number at the same place is the same plan. */
export function writtenNumber(op: string, x: Plain, dtype: DType): Value {
  const number = typeof x === "boolean" ? Number(x) : x;
  requireRepresents(op, dtype, number);
  return constantValue(number, dtype, "user");
}

/** A value cast to the dtype of what it is written into; a DTypeError that names astype where its kind would be lost. */
export function castFor(op: string, value: Value, type: TensorType): Value {
  if (sameKind(value.dtype, type.dtype)) return cast(value, type.dtype);
  throw new DTypeError(`${op}: ${typeText(value.type)} into ${typeText(type)} loses what ${value.dtype} holds. Say so with astype("${type.dtype}").`);
}

/** A value as it is written into a place of `type`: cast by `castFor`; a ShapeError where it does not broadcast. */
export function writtenValue(op: string, value: Value, type: TensorType): Value {
  const fitted = withoutLeadingOnes(castFor(op, value, type), type);
  const both = broadcastShapes(fitted.shape, type.shape);
  if (both !== undefined && sameShape(both, type.shape)) return broadcastTo(fitted, type.shape);
  throw new ShapeError(`${op}: ${typeText(value.type)} does not broadcast into ${typeText(type)}. Lengths must be equal or 1.`);
}

/** NumPy writes [1,1,3] into [3]: leading axes of length 1 go. */
function withoutLeadingOnes(value: Value, type: TensorType): Value {
  const extra = value.shape.length - type.shape.length;
  if (extra <= 0 || value.shape.slice(0, extra).some((n) => n !== 1)) return value;
  return reshape(value, value.shape.slice(extra));
}
