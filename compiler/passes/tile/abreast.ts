/**
 * abreast: rows several in step: those that a grid point holds, on CPUs without vectors, and short ones on those with vectors.
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
import type { Axis, For, If, Kernel, Stmt } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";
import { localBytes, mapBodies, replaceEach } from "../../ir/loop-walk.ts";
import { tidy } from "../lower/tidy.ts";
import type { Place } from "./copy.ts";
import { copied, loop } from "./copy.ts";
import { goesTogether, updatedBuffers } from "./independent.ts";
import { isPlain, longestWalk } from "./nest.ts";
import { firstOf } from "./skip.ts";

/** Whether rows may be walked in step: nothing that decides where a loop ends differs from row to row. */
export const canGoAbreast = (list: readonly Stmt[], row: Axis): boolean => goesTogether(withoutLanes(list), row.name);

const withoutLanes = (list: readonly Stmt[]): readonly Stmt[] =>
  list.map((s) => {
    const next = mapBodies(s, withoutLanes);
    return next.kind === "for" && next.axis.kind === "vector" ? { ...next, axis: { ...next.axis, kind: "serial" } } : next;
  });

/** Rows up to this length go in step: one is too short to keep a processor busy, and what it waits for, others do not. */
const shortest = 64;
/** So many at least, and as many as have so many accumulators together. */
const fewest = 2;
const accumulators = 16;
/** Bytes of scratch that rows in step may have. */
const mostScratch = 1 << 14;

/** The kernel with several short rows a turn, where each is a point of the grid: those do not meet in memory, unless they update it. */
export function shortRowsInStep(kernel: Kernel): Kernel {
  if (updatedBuffers(kernel).size > 0) return kernel;
  const isGrid = (s: Stmt): s is For => s.kind === "for" && s.axis.kind === "grid" && isOfShortRows(s);
  const visit = (list: readonly Stmt[]): readonly Stmt[] => replaceEach(list, (s) => (isGrid(s) ? loopInStep(s) : mapBodies(s, visit)));
  const body = visit(kernel.body);
  return body === kernel.body ? kernel : { ...kernel, body: tidy(body) };
}

/** A loop over rows that do not meet, short ones several a turn. */
export function loopInStep(f: For): For {
  if (!isOfShortRows(f)) return f;
  const rows = rowsInStep(f);
  return { ...f, axis: { ...f.axis, step: rows }, body: abreast(f.axis, f.body, rows) };
}

/** How many rows go in step: those that have few accumulators each are more. */
function rowsInStep({ axis, body }: For): number {
  const lanes = Math.min(...body.map((s) => (s.kind === "local" ? s.size : Infinity)));
  const rows = Math.max(fewest, Math.floor(accumulators / lanes));
  return rows <= axis.hi.value ? rows : fewest;
}

/** Whether the turns of a loop are rows that accumulators of their own add up, all of them short. */
function isOfShortRows(f: For): boolean {
  const { axis, body } = f;
  const locals = body.filter((s) => s.kind === "local");
  return (
    locals.length > 0 &&
    statements(body).every((s) => s.kind !== "for" || (s.axis.lo.op === "const" && s.axis.hi.op === "const")) &&
    longestWalk(body) <= shortest &&
    isPlain(axis) &&
    axis.hi.value >= fewest &&
    rowsInStep(f) * localBytes(locals) <= mostScratch &&
    body.every(isOpen) &&
    canGoAbreast(body, axis)
  );
}

const isOpen = (s: Stmt): boolean => s.kind === "let" || s.kind === "store" || s.kind === "for" || s.kind === "local";

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
