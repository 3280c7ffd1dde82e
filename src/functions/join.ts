/** Joining and splitting. */
import { at, IndexError, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { normalizeAxis, sameShape, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { cast } from "../../compiler/ops/arithmetic.ts";
import * as views from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { partLayout, reshapeLayout } from "../mutation/layout.ts";
import type { Prepare } from "../operands.ts";
import { commonDType, elementsOf, faceOf, handleOf, valueOf } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { axisOption, requiredAxis } from "../options.ts";
import { concatRows } from "../ragged/join.ts";
import { at as read, slice } from "./indexing.ts";
import { part } from "./shape.ts";

function promoted<T extends Lazy>(op: string, xs: readonly T[], prepare: Prepare = valueOf): { readonly face: T; readonly values: readonly Value[] } {
  const face = faceOf(op, xs);
  const values = xs.map((x) => prepare(op, x));
  const dtype = commonDType(
    op,
    values.map((v) => v.type),
  );
  return { face, values: values.map((v) => cast(v, dtype)) };
}

/**
 * One after another along an axis, promoted to a common dtype; `axis: null` flattens them first. Ragged rows are joined as rows (axis
 * 0) or one by one.
 *
 * @example
 * concat([tensor([1]), tensor([2, 3])]); // → tensor([1, 2, 3])
 */
export function concat<T extends Lazy>(xs: readonly T[], options: AxisOption = {}): T {
  const { face, values } = promoted("concat", xs, elementsOf);
  if (options.axis === null || options.dim === null)
    return face.wrap(
      views.concat(
        values.map((v) => views.reshape(v, [sizeOf(v.shape)])),
        0,
      ),
    );
  if (xs.some((x) => x.rows !== null)) return concatRows("concat", xs, values, axisOption("concat", face, options) ?? 0);
  const first = at(values, 0);
  const axis = normalizeAxis("concat", axisOption("concat", face, options) ?? 0, first.shape.length);
  const odd = values.findIndex((v) => v.shape.length !== first.shape.length || v.shape.some((n, i) => i !== axis && n !== first.shape[i]));
  if (odd > 0)
    throw new ShapeError(
      `concat: operand ${odd} is ${typeText(at(values, odd).type)}, the first ${typeText(first.type)}. Only the length along axis ${axis} may differ.`,
    );
  return face.wrap(views.concat(values, axis));
}

/**
 * Joined along a new axis; all of one shape.
 *
 * @example
 * stack([tensor([1, 2]), tensor([3, 4])]); // → tensor([[1, 2], [3, 4]])
 */
export function stack<T extends Lazy>(xs: readonly T[], options: AxisOption = {}): T {
  const { face, values } = promoted("stack", xs);
  const first = at(values, 0);
  const axis = normalizeAxis("stack", axisOption("stack", face, options) ?? 0, first.shape.length + 1);
  const odd = values.findIndex((v) => !sameShape(v.shape, first.shape));
  if (odd > 0)
    throw new ShapeError(
      `stack: operand ${odd} is ${typeText(at(values, odd).type)}, the first ${typeText(first.type)}. All have one shape; concat joins different ones.`,
    );
  return face.wrap(
    views.concat(
      values.map((v) => views.reshape(v, v.shape.toSpliced(axis, 0, 1))),
      axis,
    ),
  );
}

/**
 * The slices along an axis, which goes.
 *
 * @example
 * unstack(tensor([[1, 2], [3, 4]]))[1]; // → tensor([3, 4])
 */
export function unstack<T extends Lazy>(x: T, options: AxisOption = {}): T[] {
  if (x.rows !== null && isFirstAxis(x, options)) return Array.from({ length: x.length }, (_, i) => read(x, i));
  const axis = requiredAxis("unstack", handleOf("unstack", x), options, 0);
  const shape = x.shape.toSpliced(axis, 1);
  return Array.from({ length: at(x.shape, axis) }, (_, i) =>
    x.alias(
      (v) => views.reshape(part(v, axis, i, 1), shape),
      (layout) => reshapeLayout(partLayout(layout, axis, i, 1), shape),
    ),
  );
}

/**
 * Parts along an axis: their count (as equal as they can be), or the places where to cut.
 *
 * @example
 * split(tensor([1, 2, 3, 4]), 2)[1]; // → tensor([3, 4])
 */
export function split<T extends Lazy>(x: T, indicesOrSections: number | readonly number[], options: AxisOption = {}): T[] {
  const ofRows = x.rows !== null && isFirstAxis(x, options);
  const axis = ofRows ? 0 : requiredAxis("split", handleOf("split", x), options, 0);
  const length = ofRows ? x.length : at(x.shape, axis);
  const cuts = typeof indicesOrSections === "number" ? evenCuts(length, indicesOrSections) : indicesOrSections.map((i) => cutAt(i, length));
  const ends = [...cuts, length];
  return ends.map((end, i) => {
    const start = i === 0 ? 0 : at(ends, i - 1);
    if (ofRows) return read(x, slice(start, Math.max(start, end)));
    const size = Math.max(0, end - start);
    return x.alias(
      (v) => part(v, axis, start, size),
      (layout) => partLayout(layout, axis, start, size),
    );
  });
}

const isFirstAxis = (x: Lazy, options: AxisOption): boolean => requiredAxis("split", x, options, 0) === 0;

/** The first parts are one longer where the length does not divide. */
function evenCuts(length: number, sections: number): number[] {
  if (!Number.isInteger(sections) || sections < 1) throw new IndexError(`split: ${sections} parts. Give a whole number from 1 on.`);
  const [base, longer] = [Math.floor(length / sections), length % sections];
  return Array.from({ length: sections - 1 }, (_, i) => (i + 1) * base + Math.min(i + 1, longer));
}

function cutAt(index: number, length: number): number {
  if (!Number.isInteger(index)) throw new IndexError(`split: ${index} is no place to cut. Give whole numbers.`);
  return Math.min(Math.max(index < 0 ? index + length : index, 0), length);
}
