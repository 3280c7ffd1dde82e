/**
 * short blocks: points that find numbers of a short row, and store a row made of them, several at once: the numbers first.
 *
 *   for %i in 0..1024 [grid] { reduce %m over %k in 0..4 { load %x[%i * 4 + %k] }  for %j in 0..4 { store %y[%i * 4 + %j] = load %x[%i * 4 + %j] - %m } }
 *     → for %i in 0..1024 step 64 [grid] { local %m_of: f32[64]
 *         for %ir in 0..64 { reduce %m over %k in 0..4 …  store %m_of[%ir] = %m }
 *         for %in in 0..16 { for %jv in 0..16 [vector] { store %y[%i * 4 + %in * 16 + %jv] = load %x[…] - load %m_of[%in * 4 + %jv / 4] } } }
 *
 * What finds the numbers goes side by side (`widen.ts`), and the rows several at once (`short-grid.ts`). No bit changes.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { addIndex, ix } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Stmt } from "../../ir/loop.ts";
import { axesOf, expressionsIn, statements } from "../../ir/loop.ts";
import { copied } from "./copy.ts";
import { keeping, keptLocals, keptOf, namedAgain } from "./kept.ts";
import { inlineIndices, isPlain, readsAny, shortRow } from "./nest.ts";
import type { RowAxes } from "./short-grid.ts";
import { goSeveral, turnsInLoop } from "./short-grid.ts";
import type { Strip } from "./strip.ts";
import { eachStrip, letsFor, overStrip, stripLoops } from "./strip.ts";

/** Points of a turn: numbers of them fill several registers, and their rows stay in the nearest cache. */
const points = 64;

/** The kernel with several points a turn, or the kernel itself where rows are not short, or are not stored as one. */
export function inShortBlocks(kernel: Kernel, nest: readonly For[]): Kernel {
  const inner = nest.at(-1);
  const point = inner === undefined ? null : pointOf(inner.body);
  return point === null ? kernel : (inBlocksOf(kernel, nest, point) ?? kernel);
}

/** The kernel with several such points a turn; null where they do not go so. */
export function inBlocksOf(kernel: Kernel, nest: readonly For[], point: Point): Kernel | null {
  const { axis } = at(nest, nest.length - 1);
  if (!isPlain(axis) || axis.hi.value < points || !goInBlocks(axis, point)) return null;
  const strips = eachStrip(axis, points, (strip) => inBlock(strip, point));
  return { ...kernel, body: stripLoops(nest, points, [...keptLocals(point.kept, points), ...strips]) };
}

/** What a point does: it fills numbers, of which some are kept for its rows. */
export interface Point {
  readonly filling: readonly Stmt[];
  readonly kept: readonly Expr[];
  readonly rows: readonly For[];
}

function pointOf(body: readonly Stmt[]): Point | null {
  const cut = body.findIndex((s) => s.kind === "for");
  const [filling, storing] = [body.slice(0, cut), body.slice(cut)];
  if (cut < 1 || !filling.some((s) => s.kind === "reduce") || !filling.every(isShort) || readsStored(storing)) return null;
  const lets = storing.filter((s) => s.kind === "let");
  const rows = storing.filter((s) => s.kind === "for").map((f): For => ({ ...f, body: [...letsFor(expressionsIn(f.body), lets), ...f.body] }));
  const kept = keptOf(filling, storing);
  return kept === null || lets.length + rows.length < storing.length ? null : { filling, kept, rows };
}

/** Names, and sums of short rows. */
const isShort = (s: Stmt): boolean =>
  s.kind === "let" || (s.kind === "reduce" && statements([s]).every((one) => axesOf(one).every((a) => isPlain(a) && a.hi.value < shortRow)));

/** Whether rows are made of what others are. */
function readsStored(list: readonly Stmt[]): boolean {
  const stored = new Set(statements(list).flatMap((s) => (s.kind === "store" ? [s.buffer] : [])));
  return readsAny(list, stored);
}

/** Whether the rows of some points go several at once. */
const goInBlocks = (axis: Axis, { kept, rows }: Point): boolean =>
  rows.every((f) => {
    const { body, axes } = elementsOf(f, kept, { axis, size: points, first: ix(0) });
    return goSeveral(body, axes);
  });

/** What is done for some points: their numbers, then their rows. */
function inBlock(strip: Strip, { filling, kept, rows }: Point): readonly Stmt[] {
  const found = overStrip(strip, "r", (index) => [...filling, ...keeping(kept, index)]);
  const stored = rows.flatMap((f) => {
    const { body, axes } = elementsOf(f, kept, strip);
    return turnsInLoop(body, axes);
  });
  return [found, ...stored];
}

/** What is done for an element of a strip's rows. */
function elementsOf(f: For, kept: readonly Expr[], { axis, size, first }: Strip): { readonly body: readonly Stmt[]; readonly axes: RowAxes } {
  const outer: Axis = { name: `${axis.name}n`, kind: "serial", lo: ix(0), hi: ix(size), step: 1 };
  const own = axisIndex(outer.name, 0, size - 1);
  const { body } = copied({ body: [...namedAgain(kept, own), ...f.body], values: [] }, { suffix: "_n", axes: new Map([[axis.name, addIndex(first, own)]]) });
  return { body: inlineIndices(body), axes: { outer, inner: f.axis } };
}
