/** Short loops of vector axes, written out: each turn has its index as a number, so that arrays of registers are registers. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { withOperands } from "../../ir/expr.ts";
import { addIndex, ix } from "../../ir/indexing.ts";
import type { For, Stmt } from "../../ir/loop.ts";
import { exprMapper, mapStatement } from "../../ir/loop-walk.ts";
import { tripsOf } from "./lanes.ts";
import { block } from "./loops.ts";

/** Loops of more turns stay loops. */
const mostTurns = 8;
/** Written out, loops may come to this many statements. */
const mostStatements = 512;

/** Statements that a list comes to when its vector loops are written out. */
const weightOf = (list: readonly Stmt[]): number => list.reduce((n, s) => n + (s.kind === "for" ? weightOf(s.body) * turnsOf(s) : 1), 0);

function turnsOf(s: For): number {
  const trips = tripsOf(s.axis);
  return s.axis.kind === "vector" && trips <= mostTurns ? trips : 1;
}

export const unrolls = (s: For): boolean => turnsOf(s) > 1 && turnsOf(s) * weightOf(s.body) <= mostStatements;

/** The lines of all turns, one block a turn where it has names of its own. */
export function unrolled(s: For, write: (body: readonly Stmt[]) => readonly string[]): string[] {
  return Array.from({ length: turnsOf(s) }, (_, turn) => {
    const lines = write(withIndex(s.body, s.axis.name, s.axis.lo.value + turn * s.axis.step));
    return lines.some((line) => line.startsWith("let ") || line.startsWith("var ")) ? block("", lines) : [...lines];
  }).flat();
}

/** A body with a number in the place of an axis. */
function withIndex(body: readonly Stmt[], axis: string, value: number): Stmt[] {
  const f = exprMapper((e) => (e.op === "axis" && e.name === axis ? ix(value) : folded(e)));
  const map = (list: readonly Stmt[]): Stmt[] =>
    list.map((s) => {
      const mapped = mapStatement(s, f, map);
      return mapped.kind === "store" ? { ...mapped, index: addIndex(mapped.index, 0) } : mapped;
    });
  return map(body);
}

/** Without index arithmetic on numbers alone. */
function folded(e: Expr): Expr {
  const [a, b] = e.args;
  if (e.op === "load") return withOperands(e, [addIndex(at(e.args, 0), 0), ...e.args.slice(1)]);
  if (e.dtype !== "int32" || a === undefined || b === undefined) return e;
  if (e.op === "add" && a.op === "const" && a.value === 0) return b;
  if (e.op === "add" && b.op === "const" && b.value === 0) return a;
  if (a.op !== "const" || b.op !== "const") return e;
  if (e.op === "add") return ix((a.value + b.value) | 0);
  return e.op === "mul" ? ix(Math.imul(a.value, b.value)) : e;
}
