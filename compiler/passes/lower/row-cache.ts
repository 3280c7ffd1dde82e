/**
 * Rows kept in scratch. Stages that walk the same row may need the same costly value of every element (the exponentials of a
 * softmax, for its sum and for its result). The first stage stores them into a scratch of the grid point, later ones load them.
 *
 * Lowering runs once with nothing cached and this class watching; if some value is worth keeping, it runs again with those.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { load, s } from "../../ir/expr.ts";
import { flatten, keyOf, namesIn, subIndex } from "../../ir/indexing.ts";
import type { Stmt } from "../../ir/loop.ts";
import type { Node, Value } from "../../ir/node.ts";
import { dtypeInfo } from "../../ir/dtype.ts";
import { sizeOf } from "../../ir/shape.ts";
import type { Target } from "../../target.ts";
import { collects } from "../region.ts";
import type { Loop } from "./loop.ts";
import type { Scope } from "./scope.ts";

/** From this cost an element on, a store and a load are cheaper than computing it again. */
export const worthKeeping: number = 8;

/** Of a row whose length is not known this share of the scratch holds the front; what lies behind it is computed again. */
const share = 0.5;

/** What an element costs, in additions: of a view that chooses between several operands, the costliest of these. */
function worthOf(node: Node): number {
  const { op, args } = node;
  if (collects(node)) return Infinity;
  if (op.kind === "elementwise") return op.cost;
  return op.kind === "view" ? Math.max(0, ...args.map(({ node: { op: own } }) => (own.kind === "elementwise" ? own.cost : 0))) : 0;
}

/** Whether an element is costly by itself. */
export const takesLong = ({ op }: Node): boolean => op.kind === "elementwise" && op.cost >= worthKeeping;

/** Whether rows of a node's elements may be kept: what is computed, choices between what is, and sums. */
export const isCacheable = (node: Node): boolean => node.op.kind === "elementwise" || (node.op.kind === "view" && node.args.length > 1) || collects(node);

/** Where an element is in its row. */
interface InRow {
  readonly walk: readonly Expr[];
  readonly extents: readonly number[];
  /** Where the elements of a row start whose length is not known: `walk` has their position first, out of all rows. */
  readonly first: Expr | null;
}

/** How an index splits into what is fixed in a grid point, or in a loop around, and what walks the row. */
interface RowIndex extends InRow {
  readonly pattern: Pattern;
}

/** By position what is fixed, or what is walked: all of an axis, or the elements of one row. */
type Pattern = readonly { readonly walks: "nothing" | "axis" | "row"; readonly key: string }[];

const isSame = (a: Pattern, b: Pattern): boolean => a.every((p, i) => p.walks === b[i]?.walks && p.key === b[i].key);

/** A place in scratch, and when there is one. */
interface Place {
  readonly index: Expr;
  readonly guard: Expr | undefined;
}

/** An element that was kept; where the guard does not hold it must be computed. */
export interface Kept {
  readonly value: Expr;
  readonly guard: Expr | undefined;
}

interface Row {
  readonly name: string;
  readonly pattern: Pattern;
  readonly home: Scope;
  complete: boolean;
  /** Axes that walk through it while others wait: until that walk is over only what is at its place is there. */
  around: readonly Loop[];
}

interface Seen {
  readonly pattern: Pattern;
  readonly size: number;
  /** Elements beside each position of a row of unknown length; 0 where the length is known. */
  readonly beside: number;
  readonly homes: Set<Scope>;
}

/** What a target has for rows. */
type Room = Pick<Target, "lanes" | "rowBytes" | "scratchBytes">;

export class RowCache {
  /** Values to keep, and how many elements of each. */
  readonly #wanted: Map<Value, number>;
  readonly #loops = new Map<Scope, readonly Loop[]>();
  /** Loops of the walks that fill held values. */
  readonly #held = new Map<Value, readonly Loop[]>();
  readonly #walkers = new Map<string, Loop>();
  readonly #target: Room;
  readonly #rows = new Map<Value, Row>();
  readonly #locals: Stmt[] = [];
  readonly #seen = new Map<Value, Seen>();

  constructor(wanted: ReadonlyMap<Value, number>, target: Room) {
    this.#wanted = new Map(wanted);
    this.#target = target;
  }

  /** Whether so many elements of a value may be kept, which loops are about to compute. Lanes compute fast, and have no room. */
  reserve(v: Value, elements: number): boolean {
    const free = this.#free() - elements * dtypeInfo(v.dtype).bytes;
    if (this.#target.lanes > 1 || free < 0 || this.#wanted.has(v)) return false;
    this.#wanted.set(v, elements);
    return true;
  }

  /** Bytes that wanted values leave of what rows may take. */
  #free(): number {
    return [...this.#wanted].reduce((left, [v, room]) => left - room * dtypeInfo(v.dtype).bytes, this.#target.rowBytes);
  }

  /** Loops that fill a row of a value together. */
  hold(v: Value, loops: readonly Loop[]): void {
    this.#held.set(v, loops);
  }

  /** A loop body over these axes is being built. */
  enter(body: Scope, loops: readonly Loop[]): void {
    this.#loops.set(body, loops);
    for (const l of loops) this.#walkers.set(l.index.name, l);
  }

  /** The body is complete: what it stored may be read by what follows, at the place of the loops around where these go on. */
  leave(body: Scope, around: readonly Loop[] = []): void {
    for (const row of this.#rows.values()) {
      if (row.home !== body) continue;
      row.complete = true;
      row.around = around;
    }
  }

  read(v: Value, index: readonly Expr[]): Kept | null {
    const row = this.#rows.get(v);
    if (row === undefined || !row.complete || !row.around.every((l) => index.some((e) => e.op === "axis" && e.name === l.index.name))) return null;
    const found = this.#find(row.pattern, index, v.shape);
    if (found === null) return null;
    const place = this.#place(v, found);
    return { value: load(row.name, v.dtype, place.index, place.guard), guard: place.guard };
  }

  /** Notes that `v` was computed in `home`; stores it where it is wanted and this loop covers the whole row. */
  write(v: Value, index: readonly Expr[], value: Expr, home: Scope): void {
    const split = this.#split(v, index, home);
    if (split === null) return;
    const size = sizeOf(split.extents);
    const beside = split.first === null ? 0 : sizeOf(split.extents.slice(1));
    const seen = this.#seen.get(v) ?? { pattern: split.pattern, size, beside, homes: new Set() };
    if (isSame(seen.pattern, split.pattern)) seen.homes.add(home);
    this.#seen.set(v, seen);
    const room = this.#wanted.get(v);
    if (room === undefined || this.#rows.has(v)) return;
    const name = `row${this.#rows.size}`;
    this.#rows.set(v, { name, pattern: split.pattern, home, complete: false, around: [] });
    this.#locals.push({ kind: "local", name, dtype: v.dtype, size: room, space: "scratch" });
    const { index: flat, guard } = this.#place(v, split);
    home.statements.push({ kind: "store", buffer: name, index: flat, value, ...(guard === undefined ? {} : { guard }) });
  }

  /** Puts the scratch declarations in front of a grid point's statements. */
  declare(statements: Stmt[]): void {
    statements.unshift(...this.#locals);
  }

  /** Costly values that several loops computed for one row, as long as they fit, with the elements that are kept of each. */
  worthwhile(): Map<Value, number> {
    const chosen = new Map<Value, number>();
    let left = this.#free();
    for (const [v, { size, beside, homes }] of this.#seen) {
      const { bytes } = dtypeInfo(v.dtype);
      // lanes with a row each have no room, and compute fast
      const mayKeep = beside === 0 || this.#target.lanes === 1;
      if (size === 0 || this.#wanted.has(v) || homes.size < 2 || worthOf(v.node) < worthKeeping || !mayKeep) continue;
      const fitting = Math.floor((this.#target.scratchBytes * share) / (bytes * Math.max(1, beside))) * beside;
      const room = beside === 0 || size < fitting ? size : fitting;
      if (room === 0 || room * bytes > left) continue;
      chosen.set(v, room);
      left -= room * bytes;
    }
    return chosen;
  }

  /** Where an element is kept: of rows longer than what there is room for only the front is. */
  #place(v: Value, { walk, extents, first }: InRow): Place {
    const room = this.#wanted.get(v) ?? 0;
    const whole = { index: flatten(walk, extents), guard: undefined };
    const position = walk[0];
    if (first === null || position === undefined || room >= sizeOf(extents)) return whole;
    const inRow = subIndex(position, first);
    return { index: flatten([inRow, ...walk.slice(1)], extents), guard: s.lt(inRow, room / sizeOf(extents.slice(1))) };
  }

  /** The row index, or null where the loops of `home` do not walk the row element by element. */
  #split(v: Value, index: readonly Expr[], home: Scope): RowIndex | null {
    const loops = this.#held.get(v) ?? this.#loops.get(home);
    if (loops === undefined || loops.length === 0) return null;
    const own = new Map(loops.map((l) => [l.index.name, l]));
    const pattern: Pattern[number][] = [];
    for (const [i, e] of index.entries()) {
      const loop = e.op === "axis" ? own.get(e.name) : undefined;
      if (loop !== undefined && e.hi + 1 === at(v.shape, i)) {
        own.delete(e.name);
        pattern.push(loop.segment === undefined ? { walks: "axis", key: "" } : { walks: "row", key: keyOf(loop.segment.row) });
      } else if (!this.#isFixed(e, own)) return null;
      else pattern.push({ walks: "nothing", key: keyOf(e) });
    }
    const found = own.size > 0 ? null : this.#find(pattern, index, v.shape);
    return found === null ? null : { ...found, pattern };
  }

  /** Where an element is in a row of this pattern; null for what is of another row. */
  #find(pattern: Pattern, index: readonly Expr[], shape: readonly number[]): InRow | null {
    const [walk, extents]: [Expr[], number[]] = [[], []];
    let first: Expr | null = null;
    for (const [i, e] of index.entries()) {
      const { walks, key } = at(pattern, i);
      if (walks === "nothing") {
        if (keyOf(e) !== key) return null;
        continue;
      }
      const length = at(shape, i);
      if (e.op !== "axis" || e.hi + 1 !== length) return null;
      if (walks === "axis") {
        walk.push(e);
        extents.push(length);
        continue;
      }
      const loop = this.#walkers.get(e.name);
      if (first !== null || loop?.segment === undefined || keyOf(loop.segment.row) !== key) return null;
      walk.unshift(e);
      extents.unshift(length);
      first = loop.lo;
    }
    return { walk, extents, first };
  }

  /** Whether an index is the same for all of a row: in the grid point, or in an iteration of the loops around. */
  #isFixed(e: Expr, own: ReadonlyMap<string, Loop>): boolean {
    const names = namesIn(e).filter((n) => this.#walkers.has(n));
    // iterations that come one after another keep what they keep in one place
    return names.length === 0 || (this.#target.lanes === 1 && names.every((n) => !own.has(n)));
  }
}
