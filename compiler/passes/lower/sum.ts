/** The monoid of contractions. */
import type { DType } from "../../ir/dtype.ts";
import { isFloat } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import { constant, s } from "../../ir/expr.ts";
import type { Monoid } from "../../ir/primitive.ts";

export const sumMonoid = (dtype: DType): Monoid => ({
  dtypes: [dtype],
  init: [constant(0, dtype)],
  seed: (elements) => elements,
  combine: (a, b) => [s.add(at(a, 0), at(b, 0))],
  finish: (tuple) => tuple,
  exact: !isFloat(dtype),
});
