/**
 * abreast: rows that a grid point holds, several in step, on CPUs without vectors.
 *
 *   for %i [grid] { for %j step 4 { reduce of 4 sums over %d { load %q[%i,%d], 4 loads of %k }  4 stores } … }
 *     → for %i step 4 [grid] { for %j step 4 { reduce of 16 sums over %d { 4 loads of %q, 4 of %k }  16 stores } … }
 *
 * The grid point is copied for each of the rows, and loops of the copies that run over the same range are walked once: what all rows walk
 * over is loaded once for all of them. Each row's sums keep their order, so this changes no bit.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex, withRange } from "../../ir/expr.ts";
import { addIndex, ix, keyOf } from "../../ir/indexing.ts";
import type { Axis, For, If, Stmt } from "../../ir/loop.ts";
import type { Place } from "./copy.ts";
import { copied, loop } from "./copy.ts";
import { goesTogether } from "./independent.ts";
import { firstOf } from "./skip.ts";

/** Whether rows may be walked in step: nothing that decides where a loop ends differs from row to row. */
export const canGoAbreast = (list: readonly Stmt[], row: Axis): boolean => goesTogether(list, row.name);

/** Turns of the row's axis, of which each takes so many rows; what is left at the end goes one by one. */
export function abreast(axis: Axis, list: readonly Stmt[], rows: number): readonly Stmt[] {
  const n = axis.hi.value;
  const from = axisIndex(axis.name, 0, n - 1);
  const locals = list.filter((s) => s.kind === "local");
  const body = list.filter((s) => s.kind !== "local");
  const places = Array.from({ length: rows }, (_, i) => {
    const index = i === 0 ? from : addIndex(withRange(from, 0, n - 1 - i), i);
    return placeOf(axis, { suffix: i === 0 ? "" : `_r${i}`, index, first: from });
  });
  const copies = places.map((p) => copied({ body: [...locals, ...body], values: [] }, p).body);
  const own = copies.flatMap((c) => c.filter((s) => s.kind === "local"));
  const turn = inStep(copies.map((c) => c.filter((s) => s.kind !== "local")));
  if (n % rows === 0) return [...own, ...turn];
  const single = axisIndex(`${axis.name}e`, 0, n - 1);
  const one = copied({ body, values: [] }, placeOf(axis, { suffix: "", index: single, first: single })).body;
  const rest = loop("serial", { name: single.name, lo: from, hi: ix(n) }, 1, one);
  return [...own, { kind: "if", condition: apply("le", [addIndex(from, rows), ix(n)]), then: turn, otherwise: [rest] }];
}

/** Where a row stands, of a block that begins with the first one. */
const placeOf = ({ name }: Axis, { suffix, index, first }: { readonly suffix: string; readonly index: Expr; readonly first: Expr }): Place => ({
  suffix,
  axes: new Map([
    [name, index],
    [firstOf(name), first],
  ]),
});

/** Copies of one list, statement by statement; loops over one range and conditions that are the same become one. */
function inStep(copies: readonly (readonly Stmt[])[]): Stmt[] {
  const first = at(copies, 0);
  if (copies.some((c) => c.length !== first.length)) return copies.flat();
  return first.flatMap((s, i): readonly Stmt[] => {
    const heads = copies.map((c) => at(c, i));
    if (s.kind === "for") return loopsInStep(s, heads) ?? heads;
    return s.kind === "if" ? (choicesInStep(s, heads) ?? heads) : heads;
  });
}

function loopsInStep(first: For, heads: readonly Stmt[]): readonly Stmt[] | null {
  const same = heads.flatMap((s) => (s.kind === "for" && isSame(s.axis, first.axis) ? [s.body] : []));
  return same.length < heads.length ? null : [{ ...first, body: inStep(same) }];
}

function choicesInStep(first: If, heads: readonly Stmt[]): readonly Stmt[] | null {
  const same = heads.flatMap((s) => (s.kind === "if" && keyOf(s.condition) === keyOf(first.condition) ? [s] : []));
  return same.length < heads.length ? null : [{ ...first, then: inStep(same.map((s) => s.then)), otherwise: inStep(same.map((s) => s.otherwise)) }];
}

const isSame = (a: Axis, b: Axis): boolean => a.name === b.name && a.step === b.step && keyOf(a.lo) === keyOf(b.lo) && keyOf(a.hi) === keyOf(b.hi);
