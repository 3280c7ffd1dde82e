/**
 * strips: rows that a grid point fills element by element, and then reads by vectors, several of them a turn, on CPUs with vectors.
 *
 *   for %i in 0..512 [grid] { local %row: f32[64]  for %j { reduce %s …  store %row[%j] = %s }  reduce %m over %j { load %row[%j] } … }
 *     → for %i in 0..512 step 4 [grid] { local %row: f32[256]
 *         for %ir in 0..4 { for %j { reduce %s …  store %row[%ir * 64 + %j] = %s } }
 *         for %in in 0..4 { reduce %m over %j { load %row[%in * 64 + %j] } … } }
 *
 * A processor hands on what it has just stored to a load of the same width only: a vector of single stores waits until all of them have
 * reached the cache. By the time a strip is read, they have. No sum changes its order, so no bit changes.
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { addIndex } from "../../ir/indexing.ts";
import type { For, Kernel, Local, Stmt } from "../../ir/loop.ts";
import { expressionsIn, expressionsOf, statements } from "../../ir/loop.ts";
import { isPlain, strideOf } from "./nest.ts";
import { innermost, isOverColumns } from "./order.ts";
import { eachRow, rowsOfTurn, withStrips } from "./strip.ts";

/** Stores until the first of them have reached the cache, with room to spare. */
const underway = 512;

/** The kernel with several rows a turn, or the kernel itself where none is read soon after it was filled. */
export function inStrips(kernel: Kernel, nest: readonly For[]): Kernel {
  const inner = nest.at(-1);
  if (inner === undefined || !isPlain(inner.axis)) return kernel;
  const rows = inner.body.filter((s) => s.kind === "local");
  const body = inner.body.filter((s) => s.kind !== "local");
  const cut = body.findLastIndex((s) => s.kind === "for" && filledBy(s).some((name) => rows.some((r) => r.name === name))) + 1;
  const filling = body.slice(0, cut);
  const reading = withLets(filling, body.slice(cut));
  if (cut === 0 || reading === null) return kernel;
  const filled = new Set(filling.flatMap(filledBy));
  const shortest = Math.min(...rows.filter((r) => filled.has(r.name) && reading.some((s) => readsByVectors(s, r.name))).map((r) => r.size));
  const count = rowsOfTurn(inner.axis.hi.value, (2 * underway) / shortest);
  if (shortest === Infinity || count < 2) return kernel;
  const turn = [
    ...rows.map((r): Local => ({ ...r, size: r.size * count })),
    eachRow(filling, { axis: inner.axis, count, scratch: rows, name: "r", suffix: "" }),
    eachRow(reading, { axis: inner.axis, count, scratch: rows, name: "n", suffix: "_n" }),
  ];
  return withStrips(kernel, nest, count, turn);
}

/** What a loop stores sums into, one after another. */
function filledBy(s: Stmt): string[] {
  if (s.kind !== "for") return [];
  const own = s.body.some((one) => one.kind === "reduce") ? s.body.flatMap((one) => (one.kind === "store" ? [one.buffer] : [])) : [];
  return [...own, ...s.body.flatMap(filledBy)];
}

/** Whether a loop walks along a row: down columns, it is a scalar that all of them need. */
function readsByVectors(s: Stmt, row: string): boolean {
  const axis = isOverColumns(s) ? s.axis : innermost(s);
  const loads = exprOrder([s, ...statements([s])].flatMap(expressionsOf)).filter((e) => e.op === "load" && e.name === row);
  return axis !== undefined && loads.some((e) => strideOf(addIndex(at(e.args, 0), 0), axis.name) === 1);
}

/** What reads the rows with the lets that it shares with what fills them; null where it needs a sum of the same row. */
function withLets(filling: readonly Stmt[], reading: readonly Stmt[]): readonly Stmt[] | null {
  const sums = new Set(filling.flatMap((s) => (s.kind === "reduce" ? s.names : [])));
  const needsSum = (list: readonly Stmt[]): boolean => exprOrder(expressionsIn(list)).some((e) => e.op === "var" && sums.has(e.name));
  const shared: Stmt[] = [];
  for (const one of filling) {
    if (one.kind === "carry") sums.add(one.name);
    if (one.kind !== "let") continue;
    if (needsSum([one])) sums.add(one.name);
    else shared.push(one);
  }
  return needsSum(reading) ? null : [...shared, ...reading];
}
