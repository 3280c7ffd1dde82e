/** Sorting: stable, NaN last, first where descending. */
import type { Value } from "../../compiler/ir/node.ts";
import { reshape } from "../../compiler/ops/views.ts";
import { sort as sortValues } from "../../compiler/ops/sort.ts";
import type { Lazy } from "../handle.ts";
import { valueOf } from "../operands.ts";
import type { AxisOption } from "../options.ts";
import { requiredAxis } from "../options.ts";

export interface SortOptions extends AxisOption {
  /** From the greatest down; equal elements keep their order in both directions. */
  readonly descending?: boolean;
}

function sorted<T extends Lazy>(op: string, x: T, options: SortOptions, which: 0 | 1): T {
  const value: Value = valueOf(op, x);
  const scalar = value.shape.length === 0;
  const axis = scalar ? 0 : requiredAxis(op, x, options, -1);
  const [values, positions] = sortValues(scalar ? reshape(value, [1]) : value, axis, options.descending === true ? "descending" : "ascending");
  const result = which === 0 ? values : positions;
  return x.wrap(scalar ? reshape(result, []) : result);
}

/** The elements in order along `axis` (the last by default). Same shape and dtype. */
export const sort = <T extends Lazy>(x: T, options: SortOptions = {}): T => sorted("sort", x, options, 0);

/** The positions that sort x along `axis` (the last by default), int32. */
export const argsort = <T extends Lazy>(x: T, options: SortOptions = {}): T => sorted("argsort", x, options, 1);
