/** The frame of a staged kernel: its names, and where in a tile a lane's own results stand. */
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { lookup } from "../../ir/errors.ts";
import { addIndex, ix, mulIndex } from "../../ir/indexing.ts";
import type { AxisKind, Kernel, Let, Stmt, Store } from "../../ir/loop.ts";
import { FreshNames, namesIn } from "./stage-copy.ts";
import type { Contraction, Side } from "./stage-find.ts";
import type { TileSize } from "./stage-size.ts";
import { lanesAcross } from "./stage-size.ts";

export const let_ = (name: string, value: Expr): Let => ({ kind: "let", name, value });
export const store = (buffer: string, index: Expr, value: Expr): Store => ({ kind: "store", buffer, index, value });

export function loop(kind: AxisKind, name: string, extent: number, body: readonly Stmt[], step = 1): Stmt {
  return { kind: "for", axis: { name, kind, lo: ix(0), hi: ix(extent), step }, body };
}

/** A loop of a few turns side by side; none where there is one. */
export function turns(name: string, n: number, body: (index: Expr) => readonly Stmt[]): Stmt[] {
  return n === 1 ? [...body(ix(0))] : [loop("vector", name, n, body(axisIndex(name, 0, n - 1)))];
}

/** Axes and positions of every staged kernel. */
const words = ["row0", "column0", "depth0", "row", "column", "y", "x", "r", "c", "k", "i", "t"] as const;
type Word = (typeof words)[number];

export class Frame {
  readonly fresh: FreshNames;
  readonly #names: ReadonlyMap<Word, string>;
  readonly #found: Contraction;
  readonly #size: TileSize;

  constructor(kernel: Kernel, found: Contraction, size: TileSize) {
    this.#found = found;
    this.#size = size;
    this.fresh = new FreshNames([...kernel.buffers.map((b) => b.name), ...kernel.scalars.map((p) => p.name), ...namesIn(kernel.body)]);
    this.#names = new Map(words.map((word) => [word, this.fresh.of(word)]));
  }

  /** The name that stands for a word in this kernel. */
  name(word: Word): string {
    return lookup(this.#names, word, "a name of the frame");
  }

  /** Workgroups along a side; no loop where there is one. */
  tiles(side: Side, body: Stmt[]): Stmt[] {
    const { extent } = this.#found.spans[side];
    const step = this.#size[side];
    return extent <= step ? body : [loop("grid", this.name(`${side}0`), extent, body, step)];
  }

  /** The first position of the tile on a side. */
  corner(side: Side): Expr {
    const { extent } = this.#found.spans[side];
    const step = this.#size[side];
    return extent <= step ? ix(0) : axisIndex(this.name(`${side}0`), 0, Math.floor((extent - 1) / step) * step);
  }

  /** Results of a lane along a side. */
  each(side: Side): number {
    return this.#size[side] / lanesAcross;
  }

  perLane(): number {
    return this.each("row") * this.each("column");
  }

  /** All lanes, each at its place in the tile. */
  lanes(body: readonly Stmt[]): Stmt {
    return loop("lane", this.name("y"), lanesAcross, [loop("lane", this.name("x"), lanesAcross, body)]);
  }

  /** The lane's own results, down and across. */
  results(body: (r: Expr, c: Expr) => readonly Stmt[]): Stmt[] {
    return turns(this.name("r"), this.each("row"), (r) => turns(this.name("c"), this.each("column"), (c) => body(r, c)));
  }

  /** Where a lane keeps a result. */
  slot(r: Expr, c: Expr): Expr {
    const lane = addIndex(mulIndex(this.#lane("row"), lanesAcross), this.#lane("column"));
    return addIndex(mulIndex(lane, this.perLane()), addIndex(mulIndex(r, this.each("column")), c));
  }

  #lane(side: Side): Expr {
    return axisIndex(side === "row" ? this.name("y") : this.name("x"), 0, lanesAcross - 1);
  }

  /** The place in the tile of a lane's n-th result. */
  place(side: Side, n: Expr): Expr {
    return addIndex(this.#lane(side), mulIndex(n, lanesAcross));
  }
}
