/** What running values carry from one iteration to the next. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { namesIn } from "../../ir/indexing.ts";

/** Which parts of a running tuple a result needs, by way of what they are combined to. */
export function partsNeeded(names: readonly string[], combined: readonly Expr[], result: Expr): readonly number[] {
  const needed = new Set<number>();
  const open = [result];
  for (const e of open) {
    for (const name of namesIn(e)) {
      const i = names.indexOf(name);
      if (i < 0 || needed.has(i)) continue;
      needed.add(i);
      open.push(at(combined, i));
    }
  }
  return names.map((_, i) => i).filter((i) => needed.has(i));
}
