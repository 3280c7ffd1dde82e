/** Numbers that some points find first, and that are kept in scratch for what is made of them. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { load, variable } from "../../ir/expr.ts";
import { freeNames } from "../../ir/indexing.ts";
import type { Local, Stmt } from "../../ir/loop.ts";
import { expressionsIn, statements } from "../../ir/loop.ts";
import { namedBy } from "./independent.ts";

/** What a list finds that others need, and do not name themselves; null where that is more than numbers. */
export function keptOf(filling: readonly Stmt[], storing: readonly Stmt[]): readonly Expr[] | null {
  const asked = namesAskedIn(storing);
  const own = new Set(storing.flatMap(namedBy));
  const found: Expr[] = [];
  for (const s of filling) {
    if (s.kind === "let") found.push(variable(s.name, s.value.dtype));
    if (s.kind === "carry") found.push(variable(s.name, s.init.dtype));
    if (s.kind === "reduce") s.names.forEach((name, i) => found.push(variable(name, at(s.init, i).dtype)));
  }
  const kept = found.filter((e) => asked.has(e.name) && !own.has(e.name));
  const isSimple = statements(filling).every((s) => s.kind !== "barrier" && s.kind !== "if") && kept.every((e) => e.dtype !== "bool");
  return isSimple ? kept : null;
}

/** The names that a list reads. */
export function namesAskedIn(list: readonly Stmt[]): ReadonlySet<string> {
  const asked = new Set<string>();
  for (const e of expressionsIn(list)) freeNames(e, asked);
  return asked;
}

const nameOf = ({ name }: Expr): string => `${name}_of`;

/** Scratch for the numbers of so many points. */
export const keptLocals = (kept: readonly Expr[], size: number): Local[] =>
  kept.map((e) => ({ kind: "local", name: nameOf(e), dtype: e.dtype, size, space: "scratch" }));

/** The numbers of the point at a place, put there … */
export const keeping = (kept: readonly Expr[], index: Expr): Stmt[] => kept.map((e) => ({ kind: "store", buffer: nameOf(e), index, value: e }));

/** … and under their names again. */
export const namedAgain = (kept: readonly Expr[], index: Expr): Stmt[] =>
  kept.map((e) => ({ kind: "let", name: e.name, value: load(nameOf(e), e.dtype, index) }));
