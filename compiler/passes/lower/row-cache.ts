/**
 * Rows kept in scratch. Stages that walk the same row may need the same costly value of every element (the exponentials of a
 * softmax, for its sum and for its result). The first stage stores them into a scratch of the grid point, later ones load them.
 *
 * Lowering runs once with nothing cached and this class watching; if some value is worth keeping, it runs again with those.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { load } from "../../ir/expr.ts";
import { flatten, freeNames, keyOf } from "../../ir/indexing.ts";
import type { Stmt } from "../../ir/loop.ts";
import type { Value } from "../../ir/node.ts";
import { dtypeInfo } from "../../ir/dtype.ts";
import type { Scope } from "./scope.ts";

/** From this cost an element on, a store and a load are cheaper than computing it again. */
const worthKeeping = 8;

/** How an index splits into what is fixed in a grid point and what walks the row. */
interface RowIndex {
  readonly fixed: string;
  readonly walk: readonly Expr[];
  readonly extents: readonly number[];
}

interface Row {
  readonly name: string;
  readonly fixed: string;
  readonly home: Scope;
  complete: boolean;
}

export class RowCache {
  readonly #wanted: ReadonlySet<Value>;
  readonly #loops = new Map<Scope, readonly Expr[]>();
  readonly #walkers = new Set<string>();
  readonly #rows = new Map<Value, Row>();
  readonly #locals: Stmt[] = [];
  readonly #seen = new Map<Value, { readonly fixed: string; readonly size: number; readonly homes: Set<Scope> }>();

  constructor(wanted: ReadonlySet<Value>) {
    this.#wanted = wanted;
  }

  /** A loop body over these axes is being built. */
  enter(body: Scope, loops: readonly Expr[]): void {
    this.#loops.set(body, loops);
    for (const l of loops) this.#walkers.add(l.name);
  }

  /** The body is complete: what it stored may be read by what follows. */
  leave(body: Scope): void {
    for (const row of this.#rows.values()) if (row.home === body) row.complete = true;
  }

  read(v: Value, index: readonly Expr[], home: Scope): Expr | null {
    const row = this.#rows.get(v);
    if (row === undefined || !row.complete) return null;
    const at = this.#split(v, index, home);
    if (at === null || at.fixed !== row.fixed) return null;
    return load(row.name, v.dtype, flatten(at.walk, at.extents));
  }

  /** Notes that `v` was computed in `home`; stores it where it is wanted and this loop covers the whole row. */
  write(v: Value, index: readonly Expr[], value: Expr, home: Scope): void {
    const split = this.#split(v, index, home);
    if (split === null) return;
    const size = split.extents.reduce((a, b) => a * b, 1);
    const seen = this.#seen.get(v) ?? { fixed: split.fixed, size, homes: new Set() };
    if (seen.fixed === split.fixed) seen.homes.add(home);
    this.#seen.set(v, seen);
    if (!this.#wanted.has(v) || this.#rows.has(v)) return;
    const name = `row${this.#rows.size}`;
    this.#rows.set(v, { name, fixed: split.fixed, home, complete: false });
    this.#locals.push({ kind: "local", name, dtype: v.dtype, size, space: "scratch" });
    home.statements.push({ kind: "store", buffer: name, index: flatten(split.walk, split.extents), value });
  }

  /** Puts the scratch declarations in front of a grid point's statements. */
  declare(statements: Stmt[]): void {
    statements.unshift(...this.#locals);
  }

  /** Costly values that several loops computed for one row, largest rows first as long as they fit. */
  worthwhile(scratchBytes: number): Set<Value> {
    const chosen = new Set<Value>();
    let left = scratchBytes;
    for (const [v, { size, homes }] of this.#seen) {
      const op = v.node.op;
      const bytes = size * dtypeInfo(v.dtype).bytes;
      if (size === 0 || homes.size < 2 || op.kind !== "elementwise" || op.cost < worthKeeping || bytes > left) continue;
      chosen.add(v);
      left -= bytes;
    }
    return chosen;
  }

  /** The row index, or null where the loops of `home` do not walk the row element by element. */
  #split(v: Value, index: readonly Expr[], home: Scope): RowIndex | null {
    const loops = this.#loops.get(home);
    if (loops === undefined || loops.length === 0) return null;
    const own = new Set(loops.map((l) => l.name));
    const walk: Expr[] = [];
    const extents: number[] = [];
    const fixed: string[] = [];
    for (const [i, e] of index.entries()) {
      const names = [...freeNames(e)];
      if (e.op === "axis" && own.has(e.name) && e.hi + 1 === at(v.shape, i)) {
        walk.push(e);
        extents.push(at(v.shape, i));
        own.delete(e.name);
        fixed.push("*");
      } else if (names.some((n) => this.#walkers.has(n))) return null;
      else fixed.push(keyOf(e));
    }
    return own.size === 0 ? { fixed: fixed.join(","), walk, extents } : null;
  }
}
