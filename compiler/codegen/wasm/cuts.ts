/** Which parts of expressions are computed apart and kept: a stack machine has no names for what it holds. */
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

/** What has operands. */
interface Part {
  readonly operands: readonly Expr[];
  uses: number;
  /** How deep it is nested below the last cut. */
  depth: number;
}

/** `operandsOf`: what of a part is computed on the stack, nothing where the part is known already. */
export function cutsOf(roots: readonly Expr[], operandsOf: (e: Expr) => readonly Expr[], mayKeep: (e: Expr) => boolean): Cuts {
  const parts = new Map<Expr, Part>();
  const order = exprOrder(roots, (e) => {
    const operands = operandsOf(e);
    if (e.args.length > 0) parts.set(e, { operands, uses: 0, depth: 0 });
    return operands;
  });
  const count = (list: readonly Expr[]): void => {
    for (let i = 0; i < list.length; i++) {
      const part = partOf(list[i], parts);
      if (part !== undefined) part.uses++;
    }
  };
  count(roots);
  for (const { operands } of parts.values()) count(operands);
  const kept = order.filter((e) => {
    const part = partOf(e, parts);
    if (part === undefined) return false;
    const depth = 1 + deepestOf(part.operands, parts);
    const isCut = (part.uses > 1 || (depth > deepest && !roots.includes(e))) && mayKeep(e);
    part.depth = isCut ? 0 : depth;
    return isCut;
  });
  return { order, kept };
}

const partOf = (e: Expr | undefined, parts: ReadonlyMap<Expr, Part>): Part | undefined => (e === undefined || e.args.length === 0 ? undefined : parts.get(e));

function deepestOf(operands: readonly Expr[], parts: ReadonlyMap<Expr, Part>): number {
  let depth = 0;
  for (let i = 0; i < operands.length; i++) depth = Math.max(depth, partOf(operands[i], parts)?.depth ?? 1);
  return depth;
}
