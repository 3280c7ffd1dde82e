/** What the tests of generated operations make their operands and expressions from. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Expr, ScalarOp } from "../../compiler/ir/expr.ts";
import { apply, scalarArity } from "../../compiler/ir/expr.ts";

/** All combinations, one list an operand. */
export function combinations<T>(lists: readonly (readonly T[])[]): T[][] {
  const rows = lists.reduce<T[][]>((done, list) => done.flatMap((row) => list.map((x) => [...row, x])), [[]]);
  return lists.map((_, k) => rows.map((row) => at(row, k)));
}

interface Soil {
  readonly ops: readonly ScalarOp[];
  readonly dtypes: readonly DType[];
  /** What the first operations take. */
  readonly leaves: readonly Expr[];
  /** Whether an operation on operands of this dtype may be a part. */
  readonly takes: (op: ScalarOp, made: DType, first: DType) => boolean;
}

/** An expression DAG grown from a seed: later nodes take any earlier ones, so parts are shared. */
export function grownExpression(seed: number, { ops, dtypes, leaves, takes }: Soil): Expr {
  let state = seed * 2654435761 + 1;
  const pick = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const pool = [...leaves];
  for (let n = 0; n < 40; n++) {
    const op = at(ops, pick(ops.length));
    const first = at(pool, pick(pool.length));
    const alike = pool.filter((e) => e.dtype === first.dtype);
    const args = [first, at(alike, pick(alike.length)), at(alike, pick(alike.length))].slice(0, scalarArity(op));
    const given = at(dtypes, pick(dtypes.length));
    const bools = pool.filter((e) => e.dtype === "bool");
    const operands = op === "select" || op === "rare" ? [at(bools, pick(bools.length)), ...args.slice(1)] : args;
    const made = apply(op, operands, given);
    if (takes(op, made.dtype, at(operands, 0).dtype)) pool.push(made);
  }
  return at(pool, pool.length - 1);
}
