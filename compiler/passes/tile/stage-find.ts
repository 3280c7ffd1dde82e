/**
 * What `stage` needs to know of a kernel: which grid axes are rows and which columns of its tiles, and what its points share.
 *
 * An axis is told by the loads of the reduction that depend on it: on some, and not on others. Axes of the last such kind are
 * columns, those that no column's load depends on are rows, and the rest (a batch, say) stay outside.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { isScalarOp } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { addIndex, keyOf, namesIn } from "../../ir/indexing.ts";
import type { Axis, Kernel, Let, Reduce, Stmt } from "../../ir/loop.ts";
import { expressionsOf, statements } from "../../ir/loop.ts";
import { gridNest, soleReduce, strideOf } from "./nest.ts";

/** The directions of a contraction: two of the grid and the one that is reduced. */
export type Direction = "row" | "column" | "depth";
export type Side = "row" | "column";

/**
 * Axes that are walked as one, in row-major order. Each run is a list of axes through which every index steps as through one, so
 * that their common position stands for the last and the others are 0.
 */
export interface Span {
  readonly runs: readonly (readonly Axis[])[];
  readonly extent: number;
}

/** A value that the points of a tile share. */
export interface Piece {
  readonly value: Expr;
  /** What it depends on: never on both sides. */
  readonly side: Side | null;
  readonly deep: boolean;
  /** Whether its neighbours in depth are neighbours in memory. */
  readonly walksDepth: boolean;
}

export interface Contraction {
  /** Grid axes around the tiles. */
  readonly batch: readonly Axis[];
  readonly spans: Readonly<Record<Direction, Span>>;
  readonly reduce: Reduce;
  /** Names that the reduction's values are made of, in their order. */
  readonly lets: readonly Let[];
  /** By the text of their expression. */
  readonly pieces: ReadonlyMap<string, Piece>;
  /** What stands around the reduction. */
  readonly around: readonly Stmt[];
}

/** Operations from which on a value that loads nothing is worth staging. */
const worthStaging = 8;
/** A step of the reduction with more operations, staged values aside, does not fit into registers times the points of a lane. */
const maxOperations = 16;

export function findContraction(kernel: Kernel): Contraction | null {
  const nest = gridNest(kernel.body);
  const inner = nest.at(-1);
  const reduce = inner === undefined ? null : soleReduce(inner.body);
  if (inner === undefined || reduce === null || reduce.init.some((e) => e.op !== "const")) return null;
  const grid = nest.map((f) => f.axis);
  if (![...grid, ...reduce.axes].every(isPlain)) return null;
  const lets = [...inner.body, ...reduce.body].filter((s) => s.kind === "let");
  const reach = new Reach(lets);
  const sides = sidesOf(grid, reduce, reach);
  if (sides === null) return null;
  const kinds: Record<Direction, readonly Axis[]> = { ...sides, depth: reduce.axes };
  const pieces = piecesOf(reduce, kinds, reach);
  if (pieces === null) return null;
  const uses = usesOf(inner.body);
  const spans = { row: spanOf(kinds.row, uses), column: spanOf(kinds.column, uses), depth: spanOf(kinds.depth, uses) };
  const batch = grid.filter((a) => !sides.row.includes(a) && !sides.column.includes(a));
  return { batch, spans, reduce, lets, pieces, around: inner.body.filter((s) => s !== reduce && s.kind !== "reduce") };
}

const isPlain = (a: Axis): boolean => a.lo.op === "const" && a.lo.value === 0 && a.hi.op === "const" && a.step === 1;

/** What an expression depends on, through the lets that it names. */
interface Facts {
  readonly axes: ReadonlySet<string>;
  readonly loads: readonly Expr[];
  readonly operations: number;
}

class Reach {
  readonly #lets = new Map<string, Expr>();
  readonly #known = new Map<Expr, Facts>();

  constructor(lets: readonly Let[]) {
    for (const s of lets) this.#lets.set(s.name, s.value);
  }

  definition(e: Expr): Expr | undefined {
    return e.op === "var" ? this.#lets.get(e.name) : undefined;
  }

  of(e: Expr): Facts {
    const known = this.#known.get(e);
    if (known !== undefined) return known;
    const below = this.#below(e);
    const facts = {
      axes: new Set(below.filter((x) => x.op === "axis").map((x) => x.name)),
      loads: below.filter((x) => x.op === "load"),
      operations: below.filter((x) => isScalarOp(x.op) && x.dtype !== "int32").length,
    };
    this.#known.set(e, facts);
    return facts;
  }

  /** All that an expression is made of. */
  #below(e: Expr): Expr[] {
    const roots = [e];
    const named = new Set<string>();
    for (const root of roots) {
      for (const part of exprOrder([root])) {
        const value = this.definition(part);
        if (value === undefined || named.has(part.name)) continue;
        named.add(part.name);
        roots.push(value);
      }
    }
    return exprOrder(roots);
  }
}

/** The axes of rows and of columns, or null where no load is shared both ways. */
function sidesOf(grid: readonly Axis[], reduce: Reduce, reach: Reach): Readonly<Record<Side, readonly Axis[]>> | null {
  const depth = new Set(reduce.axes.map((a) => a.name));
  const all = [...new Set(reduce.values.flatMap((e) => reach.of(e).loads))];
  const loads = all.filter((l) => [...reach.of(l).axes].some((name) => depth.has(name)));
  const along = (a: Axis): Expr[] => loads.filter((l) => reach.of(l).axes.has(a.name));
  const apart = (a: Axis, others: readonly Expr[]): boolean => !along(a).some((l) => others.includes(l));
  const shared = grid.filter((a) => along(a).length > 0 && along(a).length < loads.length);
  const last = shared.at(-1);
  if (last === undefined) return null;
  const row = shared.filter((a) => apart(a, along(last)));
  const column = shared.filter((a) => apart(a, row.flatMap(along)));
  if (row.length === 0) return null;
  // neighbours in memory along an axis outside are neighbouring lanes of the other schedule
  const inside = new Set([...row, ...column, ...reduce.axes].map((a) => a.name));
  const strided = loads.some((l) => {
    const index = addIndex(at(l.args, 0), 0);
    const next = namesIn(index).filter((name) => strideOf(index, name) === 1);
    return next.length > 0 && next.every((name) => !inside.has(name));
  });
  return strided ? null : { row, column };
}

/** The largest parts of the values that depend on one side only; null where a load depends on both. */
function piecesOf(reduce: Reduce, kinds: Readonly<Record<Direction, readonly Axis[]>>, reach: Reach): Map<string, Piece> | null {
  const pieces = new Map<string, Piece>();
  const touches = (e: Expr, d: Direction): boolean => kinds[d].some((a) => reach.of(e).axes.has(a.name));
  const seen = new Set<Expr>();
  const found = [...reduce.values];
  let inline = 0;
  for (const e of found) {
    if (seen.has(e)) continue;
    seen.add(e);
    const { loads, operations } = reach.of(e);
    const [row, column, deep] = [touches(e, "row"), touches(e, "column"), touches(e, "depth")];
    if (row && column && e.op === "load") return null;
    const side = row ? "row" : "column";
    if (!(row && column) && (loads.length > 0 || operations >= worthStaging)) {
      pieces.set(keyOf(e), {
        value: e,
        side: row || column ? side : null,
        deep,
        walksDepth: walksDepth(
          loads.filter((l) => touches(l, "depth")),
          kinds,
          side,
        ),
      });
      continue;
    }
    if (isScalarOp(e.op) && e.dtype !== "int32") inline++;
    found.push(...(reach.definition(e) === undefined ? e.args : [reach.definition(e) ?? e]));
  }
  return inline > maxOperations * reduce.names.length ? null : pieces;
}

/** Whether loads step by one element along the depth, and not along the side. */
function walksDepth(loads: readonly Expr[], kinds: Readonly<Record<Direction, readonly Axis[]>>, side: Side): boolean {
  const steps = (axes: readonly Axis[]): boolean => {
    const name = axes.at(-1)?.name ?? "";
    return loads.some((l) => strideOf(addIndex(at(l.args, 0), 0), name) === 1);
  };
  return steps(kinds.depth) && !steps(kinds[side]);
}

/** The indices of a body, and the axes that it reads outside of them. */
interface Uses {
  readonly indices: readonly Expr[];
  readonly elsewhere: ReadonlySet<string>;
}

function usesOf(body: readonly Stmt[]): Uses {
  const indices: Expr[] = [];
  const elsewhere = new Set<string>();
  const seen = new Set<Expr>();
  const walk = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op === "axis") elsewhere.add(e.name);
    if (e.op === "load") indices.push(addIndex(at(e.args, 0), 0));
    e.args.slice(e.op === "load" ? 1 : 0).forEach(walk);
  };
  for (const s of statements(body)) {
    const index = s.kind === "store" ? [s.index] : [];
    indices.push(...index.map((e) => addIndex(e, 0)));
    expressionsOf(s)
      .filter((e) => !index.includes(e))
      .forEach(walk);
  }
  return { indices, elsewhere };
}

function spanOf(axes: readonly Axis[], uses: Uses): Span {
  const runs: Axis[][] = [];
  for (const a of axes) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run !== undefined && before !== undefined && continues(before, a, uses)) run.push(a);
    else runs.push([a]);
  }
  return { runs, extent: axes.reduce((n, a) => n * a.hi.value, 1) };
}

/** Whether one step of `outer` is, wherever the two are used, as many steps of `inner` as it has. */
function continues(outer: Axis, inner: Axis, { indices, elsewhere }: Uses): boolean {
  if (elsewhere.has(outer.name) || elsewhere.has(inner.name)) return false;
  return indices.every((e) => strideOf(e, outer.name) === strideOf(e, inner.name) * inner.hi.value);
}
