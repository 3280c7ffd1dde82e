/** Which parts of expressions are computed apart and kept: a stack machine has no names for what it holds. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";

/** Expressions nested deeper than this are cut into locals, so that depth costs no stack. */
const deepest = 24;

export interface Cuts {
  /** All parts that are looked at, operands first. */
  readonly order: readonly Expr[];
  /** Those that are kept: used more than once, or as deep as expressions may get. */
  readonly kept: readonly Expr[];
}

/** `operandsOf`: what of a part is computed on the stack, nothing where the part is known already. */
export function cutsOf(roots: readonly Expr[], operandsOf: (e: Expr) => readonly Expr[], mayKeep: (e: Expr) => boolean): Cuts {
  const found = new Map<Expr, readonly Expr[]>();
  const note = (e: Expr): readonly Expr[] => {
    const own = operandsOf(e);
    found.set(e, own);
    return own;
  };
  const order = exprOrder(roots, note);
  // what has no operands was not asked
  const operands = order.map((e) => found.get(e) ?? e.args);
  const uses = new Map<Expr, number>();
  const count = (e: Expr): void => void uses.set(e, (uses.get(e) ?? 0) + 1);
  for (const list of operands) list.forEach(count);
  roots.forEach(count);
  const depths = new Map<Expr, number>();
  const kept = order.filter((e, i) => {
    const depth = 1 + deepestOf(at(operands, i), depths);
    const isCut = e.args.length > 0 && mayKeep(e) && ((uses.get(e) ?? 0) > 1 || (depth > deepest && !roots.includes(e)));
    depths.set(e, isCut ? 0 : depth);
    return isCut;
  });
  return { order, kept };
}

function deepestOf(operands: readonly Expr[], depths: ReadonlyMap<Expr, number>): number {
  let depth = 0;
  for (const e of operands) depth = Math.max(depth, depths.get(e) ?? 0);
  return depth;
}
