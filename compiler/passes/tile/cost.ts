/** What a body costs on the CPU, roughly: which schedule pays. */
import type { DType } from "../../ir/dtype.ts";
import { dtypeInfo } from "../../ir/dtype.ts";

import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr, ScalarOp } from "../../ir/expr.ts";
import { isScalarOp } from "../../ir/expr.ts";
import type { Stmt } from "../../ir/loop.ts";
import { expressionsOf, statements } from "../../ir/loop.ts";
import type { Target } from "../../target.ts";
import { spelledLength } from "../legalize.ts";

/** Operations that processors have; others are made of some twenty of these. */
const processors: ReadonlySet<ScalarOp> = new Set<ScalarOp>([
  "add",
  "sub",
  "mul",
  "div",
  "neg",
  "abs",
  "min",
  "max",
  "floor",
  "ceil",
  "trunc",
  "round",
  "sqrt",
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
  "isnan",
  "and",
  "or",
  "xor",
  "not",
  "shl",
  "shr",
  "select",
  "cast",
  "bitcast",
]);
export const costOfFunction = 20;

/** What is more than this for all copies together stays in a loop: JavaScript engines do not optimise functions that are too long. */
export const mostCopied = 256;
/** Operations of a function that they do optimise, with room to spare: V8 stops at 60 KB of bytecode, some 35 bytes an operation. */
export const longestFunction = 1300;

/** Whether an operation is a function that is spelled with others. */
export const isMadeOfOthers = (op: string): boolean => isScalarOp(op) && !processors.has(op);

/** Whether any of the expressions is made of such a function. */
export const hasFunction = (roots: readonly Expr[]): boolean => exprOrder(roots).some((e) => isMadeOfOthers(e.op));

/** Operations of the expressions, without those on the indices of loads. */
export const costOf = (roots: readonly Expr[]): number => weightOf(roots, (e) => (isMadeOfOthers(e.op) ? costOfFunction : 1));

/** What the operations of the expressions weigh together, without those on the indices of loads. */
function weightOf(roots: readonly Expr[], weigh: (e: Expr) => number): number {
  let weight = 0;
  const seen = new Set<Expr>();
  const stack = [...roots];
  for (let e = stack.pop(); e !== undefined; e = stack.pop()) {
    if (seen.has(e)) continue;
    seen.add(e);
    if (isScalarOp(e.op)) weight += weigh(e);
    stack.push(...(e.op === "load" ? e.args.slice(1) : e.args));
  }
  return weight;
}

/** Operations of the expressions as a target spells them, without those on the indices of loads. */
export const spelledOperations = (roots: readonly Expr[], target: Target): number => weightOf(roots, (e) => spelledLength(e, target));

/** Operations of statements, loads, stores and indices included: how long the code is that they become. */
export function lengthOf(list: readonly Stmt[], target: Target): number {
  let length = 0;
  for (const s of statements(list)) {
    if (s.kind === "store") length++;
    for (const e of exprOrder(expressionsOf(s))) if (e.args.length > 0) length += spelledLength(e, target);
  }
  return length;
}

/** The values that statements compute, indices aside. */
export function valuesIn(list: readonly Stmt[]): Expr[] {
  return statements(list).flatMap((s): readonly Expr[] => {
    if (s.kind === "for") return [];
    if (s.kind === "store") return s.guard ? [s.value, s.guard] : [s.value];
    if (s.kind === "reduce") return [...s.values, ...s.combine];
    return expressionsOf(s);
  });
}

/** Bytes of a value in a register: what is narrower than four bytes is widened. */
export const registerBytes = (dtype: DType): number => Math.max(4, dtypeInfo(dtype).bytes);

/** Bytes of the widest value that is loaded, stored or computed, indices aside. */
export function widest(list: readonly Stmt[]): number {
  const dtypes = new Set<DType>();
  for (const e of exprOrder(valuesIn(list))) dtypes.add(e.dtype);
  for (const s of statements(list)) if (s.kind === "reduce") s.init.forEach((e) => dtypes.add(e.dtype));
  return Math.max(4, ...[...dtypes].map(registerBytes));
}

export const tupleBytes = (dtypes: readonly DType[]): number => dtypes.reduce((n, d) => n + registerBytes(d), 0);
