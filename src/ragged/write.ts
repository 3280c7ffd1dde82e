/** Writing into ragged rows. */
import { ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sameShape, sizeOf } from "../../compiler/ir/shape.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { reshape } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import type { WriteMode } from "../indexing/advanced.ts";
import { writeIndex } from "../indexing/advanced.ts";
import { parseIndex } from "../indexing/parse.ts";
import { elementsOf, overlay } from "../operands.ts";

/** The elements of `y` laid over those of ragged `x`, as an elementwise function would; a ShapeError where they do not fit. */
export function laidOverRows(op: string, x: Lazy, y: Lazy): Value {
  const { values } = overlay<Lazy>(op, x, [x, y], [elementsOf(op, x), elementsOf(op, y)]);
  const [under, over] = values;
  if (over !== undefined && under !== undefined && sameShape(under.shape, x.value.shape)) return over;
  throw new ShapeError(`${op}: ${y.typeName} does not broadcast into ${x.typeName}. Rows meet the same rows, or lengths of 1.`);
}

/** The elements of ragged `x` with `update` written or combined where `read` takes its elements from. */
export function writeWhere<T extends Lazy>(op: string, x: T, read: (x: T) => T, update: Value, mode: WriteMode): Value {
  const { value } = x;
  const size = sizeOf(value.shape);
  const flat = reshape(value, [size]);
  const places = read(x.alike(reshape(iotaValue([size], 0, "int32"), value.shape))).value;
  const parsed = parseIndex(op, { face: x.face, type: flat.type, device: x.device }, [x.wrap(reshape(places, [sizeOf(places.shape)]))]);
  return reshape(writeIndex(flat, parsed, reshape(update, [sizeOf(update.shape)]), mode), value.shape);
}
