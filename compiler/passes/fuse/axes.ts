/**
 * The axes of a fusion run. Most are dense: an extent is all there is to know of them. The elements of a ragged value lie in one flat
 * axis; seen by rows, that axis is a loop over the positions of one row, below an axis that walks the rows:
 *
 *   %k over 7 elements     →     %r over 3 rows, %k from offsets[%r] to offsets[%r + 1]
 *
 * `rowOf` is the row that a position lies in: the row's axis where the loop stands below it, else something to be searched for.
 */
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { axisIndex, load, withRange } from "../../ir/expr.ts";
import { freeNames, ix } from "../../ir/indexing.ts";
import type { Value } from "../../ir/node.ts";
import type { Cluster, Demand } from "./cluster.ts";

/** What an axis walks: the positions of one row, between its offsets. */
export interface Segment {
  readonly offsets: Value;
  /** The axis of the rows. */
  readonly row: string;
}

/** A flat axis, and the offsets of the rows that lie in it. */
export interface Ragged {
  readonly axis: string;
  readonly offsets: Value;
}

/** An index, and how often it was walked when that was asked last. */
interface Counted {
  /** The names that it depends on. */
  readonly names: readonly string[];
  grid: readonly string[] | null;
  inner: readonly string[] | null;
  times: number;
}

function namesOf(index: readonly Expr[]): readonly string[] {
  const names = new Set<string>();
  for (const e of index) freeNames(e, names);
  return [...names];
}

/** Extents of all axes of a fusion run by name. */
export class Axes {
  readonly #extents: Map<string, number> = new Map();
  readonly #segments: Map<string, Segment> = new Map();
  /** The loops over rows below each axis of rows. */
  readonly #below: Map<string, string[]> = new Map();
  /** The names under which rows are searched for. */
  readonly #searches: Map<string, { readonly offsets: Value; readonly size: number }> = new Map();
  readonly #numbers: Map<Value, number> = new Map();
  /** What is known of indices, which many demands share. */
  readonly #counted: Map<readonly Expr[], Counted> = new Map();
  #fresh = 0;

  /** Whether anything is known of rows of differing lengths. */
  get isRagged(): boolean {
    return this.#segments.size + this.#searches.size > 0;
  }

  add(extent: number): Expr {
    const name = `a${this.#fresh++}`;
    this.#extents.set(name, extent);
    return axisIndex(name, 0, extent - 1);
  }

  /** A new axis by its name. */
  freshName(extent: number): string {
    return this.add(extent).name;
  }

  has(name: string): boolean {
    return this.#extents.has(name);
  }

  extent(name: string): number {
    const n = this.#extents.get(name);
    if (n === undefined) throw new CompilerBug(`no axis ${name}`);
    return n;
  }

  expr(name: string): Expr {
    return axisIndex(name, 0, this.extent(name) - 1);
  }

  /** From here on the axis walks the rows of `offsets` one at a time. */
  setSegment(name: string, segment: Segment): void {
    this.#segments.set(name, segment);
    const below = this.#below.get(segment.row);
    if (below === undefined) this.#below.set(segment.row, [name]);
    else below.push(name);
  }

  segment(name: string): Segment | undefined {
    return this.#segments.get(name);
  }

  /** The axes that an index runs through: of a row's elements, the rows too. */
  walked(name: string): readonly string[] {
    const segment = this.#segments.get(name);
    return segment === undefined ? [name] : [segment.row, name];
  }

  /** The rows are walked by this axis now; its name. */
  renameRow(from: string, to: Expr | undefined): string {
    if (to === undefined) return from;
    if (to.op !== "axis") throw new CompilerBug(`rows are walked at ${to.op}`);
    const below = this.#below.get(from) ?? [];
    this.#below.delete(from);
    for (const name of below) {
      const segment = this.#segments.get(name);
      if (segment !== undefined) this.setSegment(name, { offsets: segment.offsets, row: to.name });
    }
    return to.name;
  }

  /** The row in which a position lies, of `size` positions. */
  rowOf(offsets: Value, position: Expr, size: number): Expr {
    const rows = at(offsets.shape, 0) - 1;
    if (rows <= 1) return ix(0);
    const segment = position.op === "axis" && this.extent(position.name) === size ? this.#segments.get(position.name) : undefined;
    if (segment?.offsets === offsets) return this.expr(segment.row);
    const number = this.#numbers.get(offsets) ?? this.#numbers.size;
    this.#numbers.set(offsets, number);
    const name = `rows${number} of ${size}`;
    this.#searches.set(name, { offsets, size });
    return withRange(load(name, "int32", position), 0, rows - 1);
  }

  /** The flat axis whose row is searched for, where an index is that. */
  searched(e: Expr): Ragged | null {
    const search = e.op === "load" ? this.#searches.get(e.name) : undefined;
    const position = e.args[0];
    if (search === undefined || position?.op !== "axis") return null;
    const { name } = position;
    return this.#segments.has(name) || this.extent(name) !== search.size ? null : { axis: name, offsets: search.offsets };
  }

  /** How many combinations of values some axes have; rows count by their elements where these are walked too. */
  volume(names: readonly string[]): number {
    if (this.#segments.size === 0) return names.reduce((n, name) => n * this.extent(name), 1);
    const rowsOf = names.map((name) => this.#segments.get(name)?.row).filter((row) => row !== undefined && names.includes(row));
    const seen = new Set<string>();
    return names.reduce((n, name) => {
      const row = this.#segments.get(name)?.row;
      if (rowsOf.includes(name)) return n;
      if (row === undefined || !seen.has(row)) {
        if (row !== undefined && names.includes(row)) seen.add(row);
        return n * this.extent(name);
      }
      return (n * this.extent(name)) / Math.max(1, this.extent(row));
    }, 1);
  }

  /**
   * How often a demand's value is computed in its cluster: all loops down to the innermost one that its index needs. What is asked
   * for once a row is computed once a row, as a cluster that may will come to walk rows.
   */
  iterations(cluster: Cluster, demand: Demand): number {
    return this.isRagged ? this.#raggedIterations(cluster, demand) : this.#denseIterations(cluster.grid, demand) * demand.share;
  }

  #denseIterations(grid: readonly string[], { index, inner }: Demand): number {
    if (index === null) return 1;
    let counted = this.#counted.get(index);
    if (counted === undefined) {
      counted = { names: namesOf(index), grid: null, inner: null, times: 1 };
      this.#counted.set(index, counted);
    }
    if (counted.grid === grid && counted.inner === inner) return counted.times;
    counted.grid = grid;
    counted.inner = inner;
    counted.times = this.#count(counted.names, grid, inner);
    return counted.times;
  }

  #count(names: readonly string[], grid: readonly string[], inner: readonly string[]): number {
    if (names.length === 0) return 1;
    let all = 1;
    let needed = 1;
    for (const name of grid) {
      all *= this.extent(name);
      if (names.includes(name)) needed = all;
    }
    for (const name of inner) {
      if (grid.includes(name)) continue;
      all *= this.extent(name);
      if (names.includes(name)) needed = all;
    }
    let reads = false;
    for (const name of names) {
      if (grid.includes(name) || inner.includes(name)) continue;
      if (this.has(name)) needed = all *= this.extent(name);
      else reads = true;
    }
    return reads ? all : needed;
  }

  #raggedIterations(cluster: Cluster, demand: Demand): number {
    const names = new Set<string>();
    const byRow = new Map<string, number>();
    for (const e of demand.index ?? []) {
      const searched = this.searched(e);
      if (searched !== null && cluster.mayTurn(searched.axis)) byRow.set(searched.axis, e.hi + 1);
      else freeNames(e, names);
    }
    const inner = [...demand.inner, ...[...names].filter((a) => this.#extents.has(a) && !demand.inner.includes(a))];
    const nest = [...cluster.grid, ...inner.filter((a) => !cluster.grid.includes(a))];
    let last = -1;
    nest.forEach((a, i) => {
      if (names.has(a) || byRow.has(a)) last = i;
    });
    const reads = [...names].some((n) => !this.#extents.has(n));
    if (reads) last = nest.length - 1;
    let n = this.volume(nest.slice(0, last + 1)) * demand.share;
    for (const [axis, rows] of byRow) if (!names.has(axis)) n *= rows / Math.max(1, this.extent(axis));
    return n;
  }
}
