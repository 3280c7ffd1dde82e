/** Tuples that reductions carry. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { substitute, variable } from "../../ir/expr.ts";
import type { Reduce } from "../../ir/loop.ts";

/** The tuple of a reduction after one more iteration. */
export function combinedTuple(s: Reduce): Expr[] {
  const running = s.names.map((name, i) => variable(name, at(s.init, i).dtype));
  const args = [...running, ...s.values];
  return s.combine.map((template) => substitute(template, args));
}
