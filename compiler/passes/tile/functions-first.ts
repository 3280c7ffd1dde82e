/**
 * functions first: functions of what short rows or windows add up are computed for a block of them, in the order in which their operands
 * lie in memory, on CPUs with vectors.
 *
 *   for %i in 0..4096 [grid] { reduce %s over %k in 0..3 { exp(load %x[%i * 3 + %k]) }  store %y[%i] = %s }
 *     → for %i in 0..4096 step 256 [grid] { local %first0_0: f32[768]
 *         for %p in 0..768 { store %first0_0[%p] = exp(load %x[%i * 3 + %p]) }
 *         for %ib in 0..256 { reduce %s over %k in 0..3 { load %first0_0[%ib * 3 + %k] }  store %y[%i + %ib] = %s } }
 *
 * A function takes as long for one element as for a register of them, and in a loop of its own several registers go at once. Both
 * parts are scheduled as kernels of their own would be. No bit changes.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load } from "../../ir/expr.ts";
import { addIndex, ix, keyOf } from "../../ir/indexing.ts";
import { exprReplacer, localBytes, mapBodies, mapStatements, replaceEach } from "../../ir/loop-walk.ts";
import type { Axis, For, Kernel, Local, Reduce, Stmt, Store } from "../../ir/loop.ts";
import { expressionsIn, statements } from "../../ir/loop.ts";
import type { Target } from "../../target.ts";
import { tidy } from "../lower/tidy.ts";
import { chainsAlong, chainsIn, withValues } from "./chains.ts";
import { copied } from "./copy.ts";
import type { Piece, Source } from "./in-block.ts";
import { functionsOf, isAlong, letsIn, operandsOf, placeIn, unitOf } from "./in-block.ts";
import { hasFunction } from "./cost.ts";
import { joinNest } from "./join.ts";
import { isPlain, isStraight, pointsOf, readsAny, shortRow } from "./nest.ts";
import type { Given } from "./part.ts";
import { inLoops, scratchApart } from "./part.ts";
import type { Strip } from "./strip.ts";
import { countOf, eachStrip, letsFor, stripLoops } from "./strip.ts";
import { crossedAxis } from "./widen.ts";

/** Longer rows are computed by vectors of their own. */
const longestRow = 256;
/** Elements of longer ones have strips of their own. */
const longestUneven = 64;
/** Bytes of functions of a block, at the most: they stay in the nearest cache. */
const mostBytes = 16384;
/** A block has so many elements of them, at least … */
const fewestElements = 64;
/** … and threads have so many blocks to share, where that is possible. */
const fewestTurns = 16;

/** So many points of the innermost axis fill registers. */
const manyPoints = 64;

/** The kernel with functions first, or the kernel itself where nothing is made of short rows that takes some. */
export function functionsFirst(kernel: Kernel, given: readonly For[], { target, schedule }: Given): Kernel {
  const nest = joinNest(given);
  const inner = nest.at(-1);
  if (inner === undefined || !inner.body.every(isSimple) || !nest.every((f) => isPlain(f.axis))) return kernel;
  const reduces = inner.body.filter((s) => s.kind === "reduce");
  const sources = reduces.length === 0 ? elementsIn(nest, target) : sumsIn(reduces, inner.axis, target);
  if (sources.length === 0) return kernel;
  const last = nest.length - (reduces.length > 0 ? 1 : 2);
  for (let outermost = last; outermost >= 0; outermost--) {
    const pieces = sources.map((source) => functionsOf(source, nest, outermost));
    if (pieces.some((p) => p.kept.length > 0)) return new Block(kernel, nest, { outermost, pieces, schedule }).kernel();
  }
  if (reduces.some((r) => chainsIn(r, target) === null)) return kernel;
  const outermost = nest.findLastIndex((_, i) => i === 0 || (i <= last && pointsOf(nest.slice(i).map((f) => f.axis)) >= fewestElements));
  const pieces = sources.map((source) => operandsOf(source, nest, outermost));
  return pieces.some((p) => p.kept.length > 0) ? new Block(kernel, nest, { outermost, pieces, schedule }).kernel() : kernel;
}

/** Sums of short rows, unless nothing is gained: many points each of which needs one function at the most go side by side. */
const sumsIn = (reduces: readonly Reduce[], points: Axis, target: Target): readonly Source[] =>
  points.hi.hi >= manyPoints && reduces.every((r) => goesBeside(r, target)) ? [] : reduces;

/** Whether a row is short, and leaves a part of a vector. */
export const isUneven = (length: number): boolean => length <= longestUneven && length % shortRow !== 0;

/** The elements of rows that are too short, or too uneven, for strips of their own, if they need several functions. */
function elementsIn(nest: readonly For[], target: Target): readonly Source[] {
  const { axis, body } = at(nest, nest.length - 1);
  if (nest.length < 2 || !isUneven(axis.hi.hi) || crossedAxis(nest, body) !== null || chainsAlong({ axis: axis.name, target }, body, []) === null) return [];
  return [{ axes: [], body: letsIn(body), values: body.flatMap((s) => (s.kind === "store" ? [s.value] : [])) }];
}

/** Whether one function at the most is needed for a row that is too short for lanes of its own: neighbouring points go side by side. */
const goesBeside = (r: Reduce, target: Target): boolean => pointsOf(r.axes) < shortRow && chainsIn(r, target) === null;

/** Names, stores, sums of short rows of what is named, and rows that are made of those without a function. */
const isSimple = (s: Stmt): boolean =>
  s.kind === "let" ||
  s.kind === "local" ||
  (s.kind === "for" && s.axis.kind === "serial" && isPlain(s.axis) && s.body.every(isStraight) && !hasFunction(expressionsIn(s.body))) ||
  (s.kind === "store" && s.atomic === undefined) ||
  (s.kind === "reduce" &&
    s.axes.length > 0 &&
    s.body.every(isStraight) &&
    s.axes.every((a) => a.kind === "serial" && isPlain(a)) &&
    pointsOf(s.axes) <= longestRow);

/** A function that is kept, under a name, for all who need it. */
interface Kept {
  readonly local: string;
  readonly piece: Piece;
  readonly value: Expr;
}

/**
 * The rows of a point that are filled with what is kept, element by element, and with nothing else. Where another reduction reads one it
 * stays: the two would become one, which adds up in another order.
 */
function rowsKept(all: readonly Kept[], body: readonly Stmt[]): ReadonlyMap<string, Kept> {
  const rows = new Set(body.flatMap((s) => (s.kind === "local" ? [s.name] : [])));
  const stores = statements(body).filter((s) => s.kind === "store");
  const found = new Map<string, Kept>();
  for (const kept of all) {
    const [axis, ...others] = kept.piece.source.axes;
    if (axis === undefined || others.length > 0 || !kept.piece.isFlat) continue;
    for (const s of kept.piece.source.body) {
      const isFilled = s.kind === "store" && rows.has(s.buffer) && s.index.op === "axis" && s.index.name === axis.name && keyOf(s.value) === keyOf(kept.value);
      if (!isFilled || stores.filter((one) => one.buffer === s.buffer).length > 1) continue;
      if (!body.some((one) => one.kind === "reduce" && readsAny([one], new Set([s.buffer])))) found.set(s.buffer, kept);
    }
  }
  return found;
}

const without = (list: readonly Stmt[], isGone: (s: Stmt) => boolean): readonly Stmt[] =>
  replaceEach(list, (s) => (isGone(s) ? [] : mapBodies(s, (inner) => without(inner, isGone))));

interface Parts {
  /** The position of the grid axis of which a block has several points. */
  readonly outermost: number;
  readonly pieces: readonly Piece[];
  readonly schedule: Given["schedule"];
}

class Block {
  readonly #kernel: Kernel;
  readonly #nest: readonly For[];
  readonly #parts: Parts;
  readonly #kept: readonly Kept[];
  /** Rows of a point that would hold what is kept anyway. */
  readonly #rows: ReadonlyMap<string, Kept>;

  constructor(kernel: Kernel, nest: readonly For[], parts: Parts) {
    this.#kernel = kernel;
    this.#nest = nest;
    this.#parts = parts;
    this.#kept = parts.pieces.flatMap((piece, i) => piece.kept.map((value, k) => ({ local: `${piece.isFlat ? "first" : "operand"}${i}_${k}`, piece, value })));
    this.#rows = rowsKept(this.#kept, at(nest, nest.length - 1).body);
  }

  kernel(): Kernel {
    const { outermost } = this.#parts;
    const { axis } = at(this.#nest, outermost);
    const size = this.#size(axis.hi.hi, pointsOf(this.#nest.slice(0, outermost).map((f) => f.axis)));
    const locals = this.#locals(size);
    if (size === 0 || localBytes(locals) > 2 * mostBytes) return this.#kernel;
    const { list, scratch } = scratchApart(eachStrip(axis, size, (strip) => [...this.#first(strip), ...this.#points(strip)]));
    return { ...this.#kernel, body: tidy(stripLoops(this.#nest.slice(0, outermost + 1), size, [...locals, ...scratch, ...list])) };
  }

  /** Scratch for what is kept of so many points of the outermost axis. */
  #locals(points: number): readonly Local[] {
    return this.#kept.map(({ local, piece, value }) => ({ kind: "local", name: local, dtype: value.dtype, size: points * unitOf(piece), space: "scratch" }));
  }

  /** How many points of the outermost axis a block has; 0 where it would have too few elements. */
  #size(length: number, others: number): number {
    const unit = Math.max(...this.#parts.pieces.map(unitOf));
    const bytes = localBytes(this.#locals(1));
    const shared = Math.floor((length * others) / fewestTurns);
    const wanted = Math.min(Math.floor(mostBytes / bytes), Math.max(shared, Math.ceil(fewestElements / unit)));
    return wanted < 1 || length * unit < fewestElements ? 0 : countOf(length, wanted);
  }

  /** What is computed first in a block, one after another. */
  #first(strip: Strip): readonly Stmt[] {
    return this.#kept.flatMap((kept) => (kept.piece.isFlat ? this.#inOrder(kept, strip) : this.#byPoints(kept, strip)));
  }

  /** In the order in which it lies there. */
  #inOrder({ local, piece, value }: Kept, strip: Strip): readonly Stmt[] {
    const size = strip.size * unitOf(piece);
    const p = axisIndex(`${strip.axis.name}p`, 0, size - 1);
    const before = this.#kept
      .slice(
        0,
        this.#kept.findIndex((one) => one.local === local),
      )
      .filter((one) => one.piece === piece);
    const loads = new Map(before.map((one) => [keyOf(one.value), load(one.local, one.value.dtype, p)]));
    const operand = (e: Expr): Expr | null => (isAlong(e, piece.axes) ? load(e.name, e.dtype, addIndex(at(e.args, 0), p)) : null);
    const f = exprReplacer((e) => loads.get(keyOf(e)) ?? operand(e));
    const store: Store = { kind: "store", buffer: local, index: p, value };
    const own = [...letsFor([value], letsIn(piece.source.body)), store].map((s) => ({ ...s, value: f(s.value) }));
    const axes = new Map(piece.source.axes.map((a) => [a.name, ix(0)]));
    const { body } = copied({ body: own, values: [] }, { suffix: "", axes: new Map([...axes, ...this.#start(strip)]) });
    return this.#scheduled([{ name: p.name, kind: "grid", lo: ix(0), hi: ix(size), step: 1 }], body, `_${local}`);
  }

  /** Point by point, and row by row. */
  #byPoints({ local, piece, value }: Kept, strip: Strip): readonly Stmt[] {
    const [outer, own] = this.#outermost(strip);
    const store: Store = { kind: "store", buffer: local, index: placeIn(piece, own), value };
    const lets = new Set([...letsIn(this.#body), ...letsIn(piece.source.body)]);
    const body = [...letsFor([value], [...lets]), store];
    const here = copied({ body, values: [] }, { suffix: "", axes: new Map([[strip.axis.name, addIndex(strip.first, own)]]) }).body;
    return this.#scheduled([outer, ...piece.axes.slice(1)], here, `_${local}`);
  }

  /** The points of the outermost axis within a block, and the one that a loop over them is at. */
  #outermost({ axis, size }: Strip): readonly [Axis, Expr] {
    const name = `${axis.name}b`;
    return [{ ...axis, name, hi: ix(size) }, axisIndex(name, 0, size - 1)];
  }

  /** The axes of the grid where a block starts. */
  #start(strip: Strip): ReadonlyMap<string, Expr> {
    return new Map(this.#nest.slice(this.#parts.outermost).map((f, i) => [f.axis.name, i === 0 ? strip.first : ix(0)]));
  }

  /** The points of a block, which read what has been computed. */
  #points(strip: Strip): readonly Stmt[] {
    const axes = this.#nest.slice(this.#parts.outermost).map((f) => f.axis);
    const [outer, own] = this.#outermost(strip);
    const isRow = (s: Stmt): boolean => (s.kind === "local" && this.#rows.has(s.name)) || (s.kind === "store" && this.#rows.has(s.buffer));
    const body = without(
      mapStatements(
        this.#body.map((s) => this.#reading(s, own)),
        this.#inRows(own),
      ),
      isRow,
    );
    const here = copied({ body, values: [] }, { suffix: "", axes: new Map([[strip.axis.name, addIndex(strip.first, own)]]) }).body;
    return this.#scheduled([outer, ...axes.slice(1)], here, "_p");
  }

  get #body(): readonly Stmt[] {
    return at(this.#nest, this.#nest.length - 1).body;
  }

  /** A statement with loads of what has been computed. */
  #reading(s: Stmt, outermost: Expr): Stmt {
    const piece = this.#parts.pieces.find((p) => p.source === s || p.source.axes.length === 0);
    if (piece === undefined) return s;
    const loads = new Map<string, Expr>();
    for (const { local, piece: own, value } of this.#kept) if (own === piece) loads.set(keyOf(value), load(local, value.dtype, placeIn(piece, outermost)));
    const f = exprReplacer((e) => loads.get(keyOf(e)) ?? null);
    if (s.kind === "let" || s.kind === "store") return { ...s, value: f(s.value) };
    return s.kind === "reduce" ? { ...s, body: withValues(s.body, f), values: s.values.map(f) } : s;
  }

  /** What rows held of a point is read where it has been computed. */
  #inRows(outermost: Expr): (e: Expr) => Expr {
    if (this.#rows.size === 0) return (e) => e;
    return exprReplacer((e) => {
      const kept = e.op === "load" ? this.#rows.get(e.name) : undefined;
      if (kept === undefined) return null;
      const { name } = at(kept.piece.source.axes, 0);
      const here = exprReplacer((x) => (x.op === "axis" && x.name === name ? at(e.args, 0) : null));
      return load(kept.local, kept.value.dtype, addIndex(here(placeIn(kept.piece, outermost)), 0));
    });
  }

  /** A part as it would run by itself, in loops. */
  #scheduled(axes: readonly Axis[], body: readonly Stmt[], suffix: string): readonly Stmt[] {
    return inLoops({ kernel: this.#kernel, axes, body, suffix }, this.#parts.schedule);
  }
}
