/**
 * stage: a contraction by workgroups, whose lanes share what they load.
 *
 *   for %i [grid] { for %j [grid] { reduce %s over %k { load %a[%i,%k] * load %b[%k,%j] } store %y[%i,%j] = … %s … } }
 *     → for %row0 step 64 [grid] { for %column0 step 64 [grid] {
 *         for %depth0 step 16 [serial] {
 *           lanes store 64 × 16 of %a and 16 × 64 of %b into group memory; barrier
 *           lanes multiply: 4 × 4 sums each, in registers; barrier
 *         }
 *         lanes store their 4 × 4 results
 *       } }
 *
 * Any reduction will do in which loads are shared both ways, with any expression around them: what depends on one side only is
 * computed as it is staged, once a tile. What comes after the reduction stays with its point.
 *
 * A lane's results stand 16 apart, so that neighbouring lanes read neighbouring elements of group memory and store neighbouring
 * results. Lanes that stage follow the operand's order in memory; where that is the depth, rows of group memory are one element
 * longer, so that lanes do not write to one bank. Beyond the edge of a side its last element is staged again, and nothing stored.
 * The steps that no whole block holds have a block of their own: no neutral element is needed, and no step is guarded.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex, load, substitute, variable, withRange } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import { addIndex, conjoin, ix, mulIndex } from "../../ir/indexing.ts";
import type { Kernel, Let, Stmt } from "../../ir/loop.ts";
import { mapStatement } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { loopsOver } from "./nest.ts";
import { copier, copyLets, decoded, onlyRead } from "./stage-copy.ts";
import type { Contraction, Piece, Side, Span } from "./stage-find.ts";
import { findContraction } from "./stage-find.ts";
import { Frame, let_, loop, store, turns } from "./stage-frame.ts";
import type { TileSize } from "./stage-size.ts";
import { chooseSize, elementsOf, lanesInAll, pitchOf } from "./stage-size.ts";

/** The kernel with staged tiles, or the kernel itself where they gain nothing. */
export function stage(kernel: Kernel, target: Target): Kernel {
  const found = target.groupMemoryPays ? findContraction(kernel) : null;
  const size = found === null ? null : chooseSize(found, target);
  return found === null || size === null ? kernel : stageAs(kernel, found, size);
}

/** The kernel with tiles of this size. */
export const stageAs = (kernel: Kernel, found: Contraction, size: TileSize): Kernel => new Staging(kernel, found, size).kernel();

/** A piece and the group memory that it is staged in. */
interface Tile extends Piece {
  readonly key: string;
  /** What its names are made of. */
  readonly hint: string;
  readonly name: string;
}

/** Steps of the reduction that are staged together: from `from` on, `length` of them. */
interface Block {
  readonly from: Expr;
  readonly length: number;
}

class Staging {
  readonly #kernel: Kernel;
  readonly #found: Contraction;
  readonly #size: TileSize;
  readonly #frame: Frame;
  readonly #tiles: readonly Tile[];
  /** The lanes' own results, an array for each part of the tuple. */
  readonly #sums: readonly string[];
  /** Values that all points share: names in front of everything. */
  readonly #uniform: { readonly lets: readonly Let[]; readonly values: ReadonlyMap<string, Expr> };

  constructor(kernel: Kernel, found: Contraction, size: TileSize) {
    this.#kernel = kernel;
    this.#found = found;
    this.#size = size;
    this.#frame = new Frame(kernel, found, size);
    const { fresh } = this.#frame;
    const pieces = [...found.pieces].map(([key, p]) => {
      const hint = hintFor(p);
      return { ...p, key, hint, name: fresh.of(`${hint}_tile`) };
    });
    this.#tiles = pieces.filter((p) => p.side !== null || p.deep);
    this.#sums = found.reduce.names.map((name) => fresh.of(`${name}_own`));
    this.#uniform = this.#uniformLets(pieces.filter((p) => p.side === null && !p.deep));
  }

  kernel(): Kernel {
    const { batch, reduce } = this.#found;
    const size = this.#size;
    const locals = [
      ...this.#sums.map((name, i): Stmt => ({
        kind: "local",
        name,
        dtype: at(reduce.init, i).dtype,
        size: lanesInAll * this.#frame.perLane(),
        space: "scratch",
      })),
      ...this.#tiles.map((t): Stmt => ({ kind: "local", name: t.name, dtype: t.value.dtype, size: elementsOf(t, size), space: "group" })),
    ];
    const shallow = this.#tiles.filter((t) => !t.deep).flatMap((t) => this.#fill(t, { from: ix(0), length: 1 }));
    const point = [...locals, ...this.#uniform.lets, ...this.#start(), ...shallow, ...this.#blocks(), ...this.#finish()];
    const down = this.#frame.tiles("row", this.#frame.tiles("column", point));
    const body = loopsOver(batch, down);
    return { ...this.#kernel, body };
  }

  #uniformLets(pieces: readonly Tile[]): { readonly lets: readonly Let[]; readonly values: ReadonlyMap<string, Expr> } {
    const values = new Map<string, Expr>();
    const lets = pieces.flatMap((p) => {
      const { lets: own, map } = this.#copied([p.value], new Map(), new Map());
      values.set(p.key, variable(p.name, p.value.dtype, p.value.lo, p.value.hi));
      return [...own, let_(p.name, map(p.value))];
    });
    return { lets, values };
  }

  /** What these values need, with axes and values replaced. */
  #copied(
    roots: readonly Expr[],
    axes: ReadonlyMap<string, Expr>,
    values: ReadonlyMap<string, Expr>,
  ): { readonly lets: Let[]; readonly map: (e: Expr) => Expr } {
    const copies = copyLets(onlyRead(this.#found.lets, [], roots), { axes, values }, this.#frame.fresh);
    return { ...copies, lets: onlyRead(copies.lets, [], roots.map(copies.map)) };
  }

  #start(): Stmt[] {
    const { init } = this.#found.reduce;
    return [this.#frame.lanes(this.#frame.results((r, c) => this.#sums.map((name, i) => store(name, this.#frame.slot(r, c), at(init, i)))))];
  }

  /** Whole blocks of the depth, then what is left. */
  #blocks(): Stmt[] {
    const { extent } = this.#found.spans.depth;
    const { depth } = this.#size;
    const whole = Math.floor(extent / depth);
    const rest = extent - whole * depth;
    if (whole === 1 && rest === 0) return this.#block({ from: ix(0), length: depth });
    const from = axisIndex(this.#frame.name("depth0"), 0, (whole - 1) * depth);
    const main = loop("serial", this.#frame.name("depth0"), whole * depth, [...this.#block({ from, length: depth }), { kind: "barrier" }], depth);
    return rest === 0 ? [main] : [main, ...this.#block({ from: ix(whole * depth), length: rest })];
  }

  #block(block: Block): Stmt[] {
    const filled = this.#tiles.filter((t) => t.deep).flatMap((t) => this.#fill(t, block));
    return [...filled, { kind: "barrier" }, this.#frame.lanes(this.#multiply(block))];
  }

  /** The lanes share the elements of a tile out, the faster direction to neighbours. */
  #fill(tile: Tile, block: Block): Stmt[] {
    const side = tile.side === null ? 1 : this.#size[tile.side];
    const depth = tile.deep ? block.length : 1;
    const deepFirst = tile.walksDepth || tile.side === null;
    const [fast, slow] = deepFirst ? [depth, side] : [side, depth];
    const together = largestDivisor(slow, Math.floor(lanesInAll / fast));
    const [quick, other] = deepFirst ? [this.#frame.name("k"), this.#frame.name("i")] : [this.#frame.name("i"), this.#frame.name("k")];
    const body = turns(this.#frame.name("t"), slow / together, (t) => {
      const near = fast === 1 ? ix(0) : axisIndex(quick, 0, fast - 1);
      const far = addIndex(together === 1 ? ix(0) : axisIndex(other, 0, together - 1), mulIndex(t, together));
      return this.#stored(tile, block, deepFirst ? { i: far, k: near } : { i: near, k: far });
    });
    const inner = fast === 1 ? body : [loop("lane", quick, fast, body)];
    return together === 1 ? inner : [loop("lane", other, together, inner)];
  }

  /** One element of a tile, at place `i` of its side and step `k` of the block. */
  #stored(tile: Tile, block: Block, { i, k }: { readonly i: Expr; readonly k: Expr }): Stmt[] {
    const { row, column, depth } = this.#found.spans;
    const given: Let[] = [];
    const places: [Span, Expr][] = [];
    if (tile.side !== null) places.push([tile.side === "row" ? row : column, this.#named(tile.side, this.#inside(tile.side, i), given)]);
    if (tile.deep) places.push([depth, this.#named("depth", addIndex(block.from, k), given)]);
    const { lets, axes } = decoded(places, this.#frame.fresh);
    const { lets: own, map } = this.#copied([tile.value], axes, this.#uniform.values);
    const body = [store(tile.name, addIndex(mulIndex(k, pitchOf(tile, this.#size)), i), map(tile.value))];
    return [...onlyRead([...given, ...lets, ...own], body), ...body];
  }

  /** A name for what is more than a constant or an index. */
  #named(hint: string, e: Expr, lets: Let[]): Expr {
    if (e.args.length === 0) return e;
    const name = variable(this.#frame.fresh.of(hint), e.dtype, e.lo, e.hi);
    lets.push(let_(name.name, e));
    return name;
  }

  /** A position on a side; beyond its end the last one. */
  #inside(side: Side, place: Expr): Expr {
    const { extent } = this.#found.spans[side];
    const position = addIndex(this.#frame.corner(side), place);
    return position.hi < extent ? position : withRange(apply("min", [position, ix(extent - 1)]), 0, extent - 1);
  }

  /** One lane's share of a block. */
  #multiply(block: Block): Stmt[] {
    const [k, r, c] = [this.#frame.name("k"), this.#frame.name("r"), this.#frame.name("c")];
    const step = block.length === 1 ? ix(0) : axisIndex(k, 0, block.length - 1);
    const locals: Stmt[] = [];
    const loads: Stmt[] = [];
    const taken = this.#tiles.map((tile) => {
      const n = tile.side === null ? 1 : this.#frame.each(tile.side);
      const own = this.#frame.fresh.of(`${tile.hint}_own`);
      const element = (turn: Expr): Expr => {
        const place = tile.side === null ? ix(0) : this.#frame.place(tile.side, turn);
        return load(tile.name, tile.value.dtype, addIndex(tile.deep ? mulIndex(step, pitchOf(tile, this.#size)) : ix(0), place));
      };
      if (n > 1) locals.push({ kind: "local", name: own, dtype: tile.value.dtype, size: n, space: "scratch" });
      loads.push(...(n > 1 ? turns(tile.side === "row" ? r : c, n, (turn) => [store(own, turn, element(turn))]) : [let_(own, element(ix(0)))]));
      return (turn: Record<Side, Expr>): Expr =>
        n > 1 && tile.side !== null ? load(own, tile.value.dtype, turn[tile.side]) : variable(own, tile.value.dtype, tile.value.lo, tile.value.hi);
    });
    const sums = this.#frame.results((row, column) => {
      const values = new Map(this.#uniform.values);
      this.#tiles.forEach((tile, i) => values.set(tile.key, at(taken, i)({ row, column })));
      return this.#added(values, { row, column, depth: addIndex(block.from, step) });
    });
    const body = [...loads, ...sums];
    return [...locals, ...(block.length === 1 ? body : [loop("serial", k, block.length, body)])];
  }

  /** One step of one result: the values, combined with what is there. */
  #added(values: ReadonlyMap<string, Expr>, turn: Readonly<Record<Side | "depth", Expr>>): Stmt[] {
    const { reduce, spans } = this.#found;
    const position = (side: Side): Expr => addIndex(this.#frame.corner(side), this.#frame.place(side, turn[side]));
    const places = [[spans.row, position("row")] as const, [spans.column, position("column")] as const, [spans.depth, turn.depth] as const];
    const { lets, axes } = decoded(places, this.#frame.fresh);
    const { lets: own, map } = this.#copied(reduce.values, axes, values);
    const slot = this.#frame.slot(turn.row, turn.column);
    const before = this.#sums.map((name, i) => load(name, at(reduce.init, i).dtype, slot));
    const after = reduce.combine.map((e) => substitute(e, [...before, ...reduce.values.map(map)]));
    const body = this.#assigned(slot, after);
    return [...onlyRead([...lets, ...own], body), ...body];
  }

  /** The stores of a tuple; all of it is computed before any of it changes, where its parts need each other. */
  #assigned(slot: Expr, tuple: readonly Expr[]): Stmt[] {
    const reads = (e: Expr, name: string): boolean => exprOrder([e]).some((x) => x.op === "load" && x.name === name);
    const apart = tuple.every((e, i) => this.#sums.every((name, k) => k === i || !reads(e, name)));
    if (apart) return tuple.map((e, i) => store(at(this.#sums, i), slot, e));
    const names = tuple.map((_, i) => this.#frame.fresh.of(`${at(this.#sums, i)}_next`));
    return [...tuple.map((e, i) => let_(at(names, i), e)), ...tuple.map((e, i) => store(at(this.#sums, i), slot, variable(at(names, i), e.dtype)))];
  }

  /** What follows the reduction, for each result that is inside the edges. */
  #finish(): Stmt[] {
    const frame = this.#frame;
    const position = (side: Side, n: Expr): Let => let_(frame.name(side), addIndex(frame.corner(side), frame.place(side, n)));
    const body = turns(frame.name("r"), frame.each("row"), (r) => [
      position("row", r),
      ...turns(frame.name("c"), frame.each("column"), (c) => [position("column", c), ...this.#guarded(this.#point(frame.slot(r, c)))]),
    ]);
    return [this.#frame.lanes(body)];
  }

  #guarded(body: Stmt[]): Stmt[] {
    const limits = (["row", "column"] as const).map((side) => {
      const { extent } = this.#found.spans[side];
      return extent % this.#size[side] === 0 ? undefined : apply("lt", [variable(this.#frame.name(side), "int32"), ix(extent)]);
    });
    const condition = conjoin(limits[0], limits[1]);
    return condition === undefined ? body : [{ kind: "if", condition, then: body, otherwise: [] }];
  }

  /** The statements around the reduction at one point, whose position is named. */
  #point(slot: Expr): Stmt[] {
    const { spans, reduce, around } = this.#found;
    const position = (side: Side): Expr => variable(this.#frame.name(side), "int32", 0, spans[side].extent - 1);
    const places = [[spans.row, position("row")] as const, [spans.column, position("column")] as const];
    const { lets, axes } = decoded(places, this.#frame.fresh);
    const map = copier({ axes, values: new Map() });
    const results = reduce.names.map((name, i) => let_(name, load(at(this.#sums, i), at(reduce.init, i).dtype, slot)));
    const mapped = around.map((s): Stmt => {
      const next = mapStatement(s, map, (inner) => inner);
      return next.kind === "store" ? { ...next, index: addIndex(next.index, 0) } : next;
    });
    const named = [...lets, ...results, ...mapped.filter((s) => s.kind === "let")];
    const read = new Set(
      onlyRead(
        named,
        mapped.filter((s) => s.kind === "store"),
      ),
    );
    return [...lets, ...results, ...mapped].filter((s) => s.kind !== "let" || read.has(s));
  }
}

/** A name for a staged value: that of what it loads. */
function hintFor(p: Piece): string {
  const loaded = exprOrder([p.value]).find((e) => e.op === "load" || e.op === "var");
  return loaded?.name ?? "value";
}

/** The largest divisor of n that is at most `most`. */
function largestDivisor(n: number, most: number): number {
  let d = Math.max(1, Math.min(n, most));
  while (n % d !== 0) d--;
  return d;
}
