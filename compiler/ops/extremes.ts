/** Monoids of extremes, shared by reductions and prefixes. */
import type { DType } from "../ir/dtype.ts";
import { isFloat } from "../ir/dtype.ts";
import { at } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { constant, s } from "../ir/expr.ts";
import type { Monoid } from "../ir/primitive.ts";

export type Extreme = "max" | "min";

/** What every number beats: an infinity, which saturates to the least or the greatest integer of a dtype. */
export const neutral = (extreme: Extreme): number => (extreme === "max" ? -Infinity : Infinity);

/**
 * The extreme and its position; among equals, and among NaNs, the first or the last. A NaN beats every number. Comparing positions
 * makes the combination commutative, so that no order of evaluation changes a bit.
 */
export function positionMonoid(dtype: DType, extreme: Extreme, among: "first" | "last"): Monoid {
  const better = extreme === "max" ? s.gt : s.lt;
  const earlier = among === "first" ? s.lt : s.gt;
  const beats = (b: Expr, pb: Expr, a: Expr, pa: Expr): Expr => {
    const byValue = s.or(better(b, a), s.and(s.eq(b, a), earlier(pb, pa)));
    if (!isFloat(dtype)) return byValue;
    return s.or(s.and(s.isnan(b), s.or(s.not(s.isnan(a)), earlier(pb, pa))), s.and(s.not(s.isnan(a)), byValue));
  };
  return {
    dtypes: [dtype, "int32"],
    init: [constant(neutral(extreme), dtype), constant(neutral(among === "first" ? "min" : "max"), "int32")],
    seed: (elements, position) => [...elements, position],
    combine: (a, b) => {
      const [x, px, y, py] = [at(a, 0), at(a, 1), at(b, 0), at(b, 1)];
      const second = beats(y, py, x, px);
      return [s.select(second, y, x), s.select(second, py, px)];
    },
    finish: (tuple) => tuple,
    exact: true,
  };
}
