/** Keeping elements by a mask. How many there are depends on its values, so it is evaluated at the call, on the CPU. */
import { at, IndexError, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { normalizeAxis, sizeOf, tensorType, typeText } from "../../compiler/ir/shape.ts";
import { truth } from "../../compiler/ops/arithmetic.ts";
import { gather } from "../../compiler/ops/gather.ts";
import { broadcastTo, reshape } from "../../compiler/ops/views.ts";
import { requireDevice } from "../devices.ts";
import { Lazy } from "../handle.ts";
import type { Entries, IndexList } from "../indexing/entries.ts";
import { listEntries } from "../indexing/entries.ts";
import { maskElements, truePositions } from "../indexing/picks.ts";
import { commonShape, faceOf, valueOf } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { axisOption } from "../options.ts";
import { given } from "../slots.ts";

/** A condition; numbers are true where they are not 0. */
function conditionEntries(op: string, x: Lazy, condition: Lazy | IndexList): Entries {
  if (!(condition instanceof Lazy)) return listEntries(op, condition);
  faceOf(op, [x, condition]);
  return valueEntries(truth(valueOf(op, condition)));
}

const valueEntries = (value: Value): Entries => ({ from: "handle", type: value.type, value });

/** The slices of v along an axis where the condition is true. */
function kept(op: string, x: Lazy, v: Value, condition: Entries, axis: number): Value {
  const found = truePositions(maskElements(op, condition));
  const length = at(v.shape, axis);
  const beyond = found.find((i) => i >= length);
  if (beyond !== undefined) throw new IndexError(`${op}: the condition is true at ${beyond}, which is out of range for axis ${axis} with ${length} elements.`);
  return gather(v, given(found, tensorType("int32", [found.length]), requireDevice(op, x.device)), axis);
}

/**
 * The slices of x along an axis where the condition (rank 1) is true; of the flattened array where no axis is given. Evaluates the
 * condition at the call. An IndexError where it is true beyond the axis.
 *
 * @example
 * compress([false, true, true], tensor([[1, 2, 3], [4, 5, 6]]), { axis: 1 }); // → tensor([[2, 3], [5, 6]])
 */
export function compress<T extends Lazy>(condition: T | IndexList, x: T, options: AxisOption = {}): T {
  const along = axisOption("compress", x, options);
  const v = along === null ? reshape(valueOf("compress", x), [x.size]) : valueOf("compress", x);
  const mask = conditionEntries("compress", x, condition);
  if (mask.type.shape.length !== 1) throw new ShapeError(`compress: the condition is ${typeText(mask.type)}. Give one of rank 1, or use extract.`);
  return x.wrap(kept("compress", x, v, mask, along === null ? 0 : normalizeAxis("compress", along, x.ndim)));
}

/**
 * The elements of x where the condition is true, both flattened. Evaluates the condition at the call.
 *
 * @example
 * extract(tensor([[true, false], [false, true]]), tensor([[1, 2], [3, 4]])); // → tensor([1, 4])
 */
export function extract<T extends Lazy>(condition: T | IndexList, x: T): T {
  return x.wrap(kept("extract", x, reshape(valueOf("extract", x), [x.size]), conditionEntries("extract", x, condition), 0));
}

/**
 * The elements of x where the mask is true, flattened; the two broadcast. Evaluates the mask at the call.
 *
 * @example
 * maskedSelect(tensor([[1, 2], [3, 4]]), tensor([true, false])); // → tensor([1, 3])
 */
export function maskedSelect<T extends Lazy>(x: T, mask: T): T {
  faceOf("maskedSelect", [x, mask]);
  const [v, m] = [valueOf("maskedSelect", x), truth(valueOf("maskedSelect", mask))];
  const shape = commonShape("maskedSelect", [v.type, m.type]);
  const wide = broadcastTo(v, shape);
  const flat = reshape(wide, [sizeOf(shape)]);
  return x.wrap(kept("maskedSelect", x, flat, valueEntries(broadcastTo(m, shape)), 0));
}
