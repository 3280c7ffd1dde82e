/**
 * skip: contractions that are computed only to be masked away, as the scores of keys behind a causal query are.
 *
 *   for %j { reduce %s … store %row[%j] = select(%j <= %i, %s, -inf) }
 *     → for %j { if %j <= %i { … } else { store %row[%j] = -inf } }
 *
 * For a block of rows and columns the condition is asked at the corner where it is met first. What is not selected is not computed,
 * so this changes no bit.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex } from "../../ir/expr.ts";
import { addIndex, keyOf, subIndex } from "../../ir/indexing.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Axis, Stmt, Store } from "../../ir/loop.ts";
import { strideOf } from "./nest.ts";

/** An axis, and how many of its points a turn takes. */
export interface Side {
  readonly axis: Axis;
  readonly count: number;
}

/** The name under which a block of rows knows its first one. */
export const firstOf = (axis: string): string => `${axis}first`;

export const firstIndex = ({ axis }: Side): Expr => axisIndex(firstOf(axis.name), 0, axis.hi.value - 1);

export interface Skip {
  /** Whether some result of a block is needed, by the first row of the block and the column axis. */
  readonly condition: (columns: number) => Expr;
  /** What is stored where none is. */
  readonly idle: readonly Store[];
}

/** A comparison of two indices where it is met first in a block of an axis; itself where it does not go evenly along it. */
export function atCorner(condition: Expr, { axis, count }: Side, first: Expr): Expr {
  const [low, high] = [at(condition.args, 0), at(condition.args, 1)];
  const along = strideOf(subIndex(high, low), axis.name);
  const corner = addIndex(first, along > 0 ? count - 1 : 0);
  const f = exprMapper((e) => (e.op === "axis" && e.name === axis.name ? corner : e));
  return Number.isNaN(along) ? condition : apply(condition.op === "lt" ? "lt" : "le", [addIndex(f(low), 0), addIndex(f(high), 0)]);
}

/** When the results of a stage are needed; null where they may always be. */
export function skipOf(body: readonly Stmt[], row: Side, column: Axis): Skip | null {
  const lets = new Map(body.flatMap((s) => (s.kind === "let" ? [[s.name, s.value] as const] : [])));
  const stores = body.filter((s) => s.kind === "store");
  const choices = stores.map((s) => choiceOf(lets.get(s.value.name) ?? s.value));
  const [first] = choices;
  if (!first || choices.some((c) => c === null || keyOf(c.condition) !== keyOf(first.condition))) return null;
  const [low, high] = [at(first.condition.args, 0), at(first.condition.args, 1)];
  const slack = subIndex(high, low);
  const [down, along] = [strideOf(slack, row.axis.name), strideOf(slack, column.name)];
  if (Number.isNaN(down) || Number.isNaN(along) || (down === 0 && along === 0)) return null;
  const inRow = atCorner(first.condition, row, firstIndex(row));
  const condition = (columns: number): Expr => atCorner(inRow, { axis: column, count: columns }, axisIndex(column.name, 0, column.hi.value - 1));
  return { condition, idle: stores.map((s, i) => ({ ...s, value: choices[i]?.idle ?? s.value })) };
}

export interface Choice {
  /** An index that is at most, or below, another one: only there the value is needed. */
  readonly condition: Expr & { readonly op: "le" | "lt" };
  readonly idle: Expr;
}

/** A value or a number, as two indices compare. */
export function choiceOf(e: Expr): Choice | null {
  const [condition, yes, no] = e.args;
  if (e.op !== "select" || condition === undefined || yes === undefined || no === undefined) return null;
  const [a, b] = condition.args;
  if (a?.dtype !== "int32" || b?.dtype !== "int32") return null;
  const idle = [no, yes].find((arm) => arm.op === "const");
  const rising = idle === undefined ? null : risingOf(condition.op, idle === no, [a, b]);
  return rising === null || idle === undefined ? null : { condition: rising, idle };
}

/** A comparison, or its opposite, as one by which the first index is the smaller one. */
function risingOf(op: string, isWanted: boolean, [a, b]: readonly [Expr, Expr]): (Expr & { readonly op: "le" | "lt" }) | null {
  switch (op) {
    case "le":
      return isWanted ? below("le", a, b) : below("lt", b, a);
    case "lt":
      return isWanted ? below("lt", a, b) : below("le", b, a);
    case "ge":
      return isWanted ? below("le", b, a) : below("lt", a, b);
    case "gt":
      return isWanted ? below("lt", b, a) : below("le", a, b);
    default:
      return null;
  }
}

const below = <Op extends "le" | "lt">(op: Op, a: Expr, b: Expr): Expr & { readonly op: Op } => ({ ...apply(op, [a, b]), op });
