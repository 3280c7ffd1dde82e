/**
 * pack: the operands of a contraction copied, block by block, to where a register tile reads one after another what it needs.
 *
 *   for %j step 8 [grid] { for %i step 4 [grid] { … reduce over %k { load %a[%i * K + %k] * load %b[%k * N + %j + %jv] } … } }
 *     → for %jb step 64 [grid] { local %b_pack: f32[K * 64]; for %k { for %j … { store %b_pack[%j * K + %k * 8 + %jv] = load %b[…] } }
 *         for %i step 4 { for %j step 8 { … reduce over %k { load %a[%i * K + %k] * load %b_pack[%j * K + %k * 8 + %jv] } … } } }
 *
 * What is copied is the largest expression that one side decides: work on an operand is done once a block, not once a result. In the
 * scheme of Goto and van de Geijn (Anatomy of High-Performance Matrix Multiplication, 2008), with rows of `a` left where they are
 * unless they lie across.
 */
import { at } from "../../ir/errors.ts";
import type { DType } from "../../ir/dtype.ts";
import { dtypeInfo } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex, load } from "../../ir/expr.ts";
import { addIndex, flatten, ix, modIndex, mulIndex, subIndex } from "../../ir/indexing.ts";
import type { Axis, Kernel, Local, Reduce, Stmt } from "../../ir/loop.ts";
import type { Chunk, Sums } from "./chunk.ts";
import { alongChunk, chunkOf, chunkTurn, overChunks, sumsOf } from "./chunk.ts";
import type { Place } from "./copy.ts";
import { loop, vector } from "./copy.ts";
import { tupleBytes } from "./cost.ts";
import type { Line } from "./line.ts";
import { partsAt, partsInLine } from "./line.ts";
import { isPlain, loopsOver, pointsOf, soleReduce } from "./nest.ts";
import type { Waiting } from "./phases.ts";
import { inlined, isAlong, isPlainLoad, movedTo, namesBefore, replaced, sideOf } from "./sides.ts";
import { equalBlocks } from "./strip.ts";

/** Columns of a block, and bytes that a block of them may have: they stay in a core's second cache. */
const mostColumns = 64;
const mostBytes = 1 << 20;
/** As many where rows are packed too: that is done once for each block. */
const mostBesideRows = 256;
/** Operands of up to so many bytes that lie along the columns are near by anyway. */
const nearby = 1 << 15;
/** Rows that make a copy worth it; and where whole vectors of an operand far larger than near caches are copied. */
const fewestRows = 16;
const fewestBesideMuch = 4;
const much = 1 << 18;
/** Rows of a block where columns alone give too few blocks to share out. */
const blockRows = 256;
const manyBlocks = 8;
/** Bytes of rows that are packed at once. */
const mostRowBytes = 1 << 18;
/** Bytes of sums that wait for the next chunk of a walk. */
const mostSums = 1 << 18;

/** How a register tile asks for packed operands: the position of its columns within the block, and of a lane and a row within the tile. */
export interface Slots {
  readonly panel: string;
  readonly lane: string;
  readonly row: string;
  /** The positions of the tile's rows, and of those that were packed at once, within the block. */
  readonly tile: string;
  readonly group: string;
}

/** How a long walk is cut. */
export interface Chunks {
  readonly sums: Sums;
  readonly around: (body: readonly Stmt[]) => readonly Stmt[];
  /** One chunk of the walk for the results at some points, and what follows all of it. */
  readonly turn: (points: readonly Place[]) => Stmt[];
  readonly behind: readonly Stmt[];
}

export interface Packing {
  /** The statements of a grid point, reading packed operands at the slots. */
  readonly body: readonly Stmt[];
  readonly slots: Slots;
  /** Columns and rows of a block. */
  readonly columns: number;
  readonly rows: number;
  readonly locals: readonly Local[];
  /** Copies the columns of a block; the rows of a tile. */
  readonly packColumns: (block: Expr, width: Expr) => readonly Stmt[];
  readonly packRows: (corner: Expr, height: Expr) => readonly Stmt[];
  /** Rows that are packed at once; 0: none. */
  readonly group: number;
  readonly chunks: Chunks | null;
}

export interface Contraction {
  readonly kernel: Kernel;
  readonly body: readonly Stmt[];
  readonly row: Axis;
  readonly line: Line;
  readonly lanes: number;
  readonly times: number;
  /** Grid points around. */
  readonly around: number;
  /** How large blocks are, where that is settled. */
  readonly block?: BlockSize;
}

export interface BlockSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a tile is. */
export type TileShape = Pick<Contraction, "row" | "line" | "lanes" | "times">;

export const slotsOf = ({ line: { axis }, row }: TileShape): Slots => ({
  panel: `${axis.name}p`,
  lane: `${axis.name}l`,
  row: `${row.name}s`,
  tile: `${row.name}t`,
  group: `${row.name}q`,
});

/** Where a result of a tile waits among those of its block, row by row. */
export function waitingIn(shape: TileShape, { rows, columns }: BlockSize): Waiting {
  const { times, lanes } = shape;
  const [height, width] = [Math.ceil(rows / times) * times, Math.ceil(columns / lanes) * lanes];
  const tile = axisIndex(slotsOf(shape).tile, 0, height - times);
  return { index: addIndex(mulIndex(tile, width), waitingBeside(shape, width).index), size: height * width };
}

/** The same among those of the tiles beside it, which are so many columns. */
export function waitingBeside(shape: TileShape, width: number): Waiting {
  const { times, lanes } = shape;
  const slots = slotsOf(shape);
  const column = addIndex(axisIndex(slots.panel, 0, width - lanes), axisIndex(slots.lane, 0, lanes - 1));
  return { index: addIndex(mulIndex(axisIndex(slots.row, 0, times - 1), width), column), size: times * width };
}

/** How to pack the operands of a contraction; null where they are read well from where they are. */
export function packing(c: Contraction): Packing | null {
  const sole = soleReduce(c.body);
  if (sole === null || !sole.axes.every(isPlain) || c.row.hi.value < fewestBesideMuch) return null;
  const reduce = inlined(sole);
  const named = namesBefore(c.body);
  const [columns, rows] = [sideOf(reduce, c.line.parts, [c.row], named), sideOf(reduce, [c.row], c.line.parts, named)];
  const walk = pointsOf(reduce.axes);
  const chunk = chunkOf(reduce);
  const depth = chunk?.steps ?? walk;
  const bytes = columns.reduce((n, e) => n + depth * dtypeInfo(e.dtype).bytes, 0);
  const { axis, parts } = c.line;
  const across = columns.filter((e) => parts.length > 1 || !isPlainLoad(e) || !isAlong(e, axis.name));
  if (c.row.hi.value < fewestRows && (across.length > 0 || (bytes / depth) * walk * axis.hi.value <= much)) return null;
  const computed = rows.some((e) => !isPlainLoad(e));
  if (columns.length === 0 || (across.length === 0 && !computed && (bytes / depth) * walk * axis.hi.value <= nearby)) return null;
  const innermost = at(reduce.axes, reduce.axes.length - 1).name;
  const isNear = (e: Expr): boolean => isPlainLoad(e) && isAlong(e, innermost) && (chunk === null || alongChunk(e, chunk) !== null);
  const crosswise = rows.filter((e) => !isNear(e));
  const most = Math.min(c.block?.columns ?? Infinity, crosswise.length > 0 ? mostBesideRows : mostColumns, Math.floor(mostBytes / bytes / c.lanes) * c.lanes);
  if (most < c.lanes) return null;
  const width = equalBlocks(axis.hi.value, c.lanes, most);
  return new Packer(c, { reduce, columns, crosswise, depth, width, chunk }).packing();
}

interface Found {
  readonly reduce: Reduce;
  readonly columns: readonly Expr[];
  /** What rows need, but for what they find along the walk already. */
  readonly crosswise: readonly Expr[];
  /** Steps that are packed at once. */
  readonly depth: number;
  readonly width: number;
  readonly chunk: Chunk | null;
}

class Packer {
  readonly #c: Contraction;
  readonly #found: Found;
  readonly #slots: Slots;
  constructor(c: Contraction, found: Found) {
    this.#c = c;
    this.#found = found;
    this.#slots = slotsOf(c);
  }

  packing(): Packing | null {
    const { body, lanes } = this.#c;
    const { reduce, columns, crosswise, depth, width, chunk } = this.#found;
    const packed = replaced(
      replaced(
        reduce,
        columns,
        columns.map((e, i) => this.#columnAt(e, i)),
      ),
      crosswise,
      crosswise.map((e, i) => this.#rowAt(e, i)),
    );
    const chunks = chunk === null ? null : this.#chunks(packed, chunk);
    if (chunk !== null && chunks === null) return null;
    const local = (name: string, e: Expr, size: number): Local => ({ kind: "local", name, dtype: e.dtype, size, space: "scratch" });
    return {
      body: body.map((s) => (s.kind === "reduce" ? packed : s)),
      slots: this.#slots,
      columns: width,
      rows: this.#rows,
      chunks,
      locals: [
        ...columns.map((e, i) => local(this.#memory("columns", e.dtype, i), e, depth * Math.max(width, lanes))),
        ...crosswise.map((e, i) => local(this.#memory("rows", e.dtype, i), e, depth * this.#group)),
      ],
      packColumns: (block, end) => columns.flatMap((e, i) => this.#copyColumns(e, i, block, end)),
      packRows: (corner, height) => crosswise.flatMap((e, i) => this.#copyRows(e, i, { corner, height })),
      group: this.#group,
    };
  }

  /** Rows of a block: where the walk is cut, those whose sums can be kept. */
  get #rows(): number {
    const { line, row, times, block } = this.#c;
    const { width, reduce, chunk } = this.#found;
    if (block !== undefined) return block.rows;
    const blocks = Math.ceil(line.axis.hi.value / width) * this.#c.around;
    if (chunk === null) return blocks >= manyBlocks ? row.hi.value : Math.min(row.hi.value, Math.ceil(blockRows / times) * times);
    const bytes = width * tupleBytes(reduce.init.map((e) => e.dtype));
    return Math.min(Math.ceil(row.hi.value / times) * times, Math.max(1, Math.floor(mostSums / bytes / times)) * times);
  }

  /** Rows that are packed at once: those of several tiles where they are far apart, so that what lies near them is read while it is near. */
  get #group(): number {
    const { crosswise, depth } = this.#found;
    const { times, row } = this.#c;
    if (crosswise.every((e) => isAlong(e, row.name))) return crosswise.length === 0 ? 0 : times;
    const bytes = crosswise.reduce((n, e) => n + depth * times * dtypeInfo(e.dtype).bytes, 0);
    return times * Math.min(Math.ceil(this.#rows / times), Math.max(1, Math.floor(mostRowBytes / bytes)));
  }

  #chunks(packed: Reduce, chunk: Chunk): Chunks | null {
    const { body, row, lanes } = this.#c;
    const { width } = this.#found;
    const values = packed.values.flatMap((e) => alongChunk(e, chunk) ?? []);
    if (values.length < packed.values.length || namesBefore(body).size > 0) return null;
    const { index, size } = waitingIn(this.#c, { rows: this.#rows, columns: width });
    const sums = sumsOf(packed, index, { size, lanes, name: `${row.name}z`, memory: (dtype, i) => this.#memory("sums", dtype, i) });
    return {
      sums,
      around: (inner) => overChunks(chunk, inner),
      turn: (points) => chunkTurn(packed, values, { chunk, sums, points }),
      behind: body.flatMap((s): Stmt[] => (s.kind === "reduce" ? s.names.map((name, i) => ({ kind: "let", name, value: at(sums.loads, i) })) : [s])),
    };
  }

  /** Scratch of this name. In blocks of several phases one after the other uses it, where it holds the same dtype. */
  #memory(name: string, dtype: DType, i: number): string {
    return `${name}${i === 0 ? "" : i}${this.#c.block === undefined ? "" : `_${dtype}`}`;
  }

  /** The axes along which operands are packed at once. */
  get #axes(): readonly Axis[] {
    return this.#found.chunk?.axes ?? this.#found.reduce.axes;
  }

  /** Where a chunk of the walk is. */
  get #places(): readonly (readonly [string, Expr])[] {
    return this.#found.chunk === null ? [] : [this.#found.chunk.place];
  }

  /** The position among what is packed, counted along all its axes. */
  get #step(): Expr {
    if (this.#found.chunk !== null) return this.#found.chunk.step;
    const { axes } = this.#found.reduce;
    return flatten(
      axes.map((a) => axisIndex(a.name, 0, a.hi.value - 1)),
      axes.map((a) => a.hi.value),
    );
  }

  #columnAt(e: Expr, i: number): Expr {
    const { lanes } = this.#c;
    const { width, depth } = this.#found;
    const panel = axisIndex(this.#slots.panel, 0, width - lanes);
    const lane = axisIndex(this.#slots.lane, 0, lanes - 1);
    return load(this.#memory("columns", e.dtype, i), e.dtype, addIndex(addIndex(mulIndex(panel, depth), mulIndex(this.#step, lanes)), lane));
  }

  #rowAt(e: Expr, i: number): Expr {
    const { times } = this.#c;
    const from = axisIndex(this.#slots.group, 0, this.#rows - times);
    const tile = subIndex(axisIndex(this.#slots.tile, 0, this.#rows - times), from);
    const index = addIndex(mulIndex(tile, this.#found.depth), mulIndex(this.#step, times));
    return load(this.#memory("rows", e.dtype, i), e.dtype, addIndex(index, axisIndex(this.#slots.row, 0, times - 1)));
  }

  /** Panels of as many columns as a tile has, each with what one step of the walk needs side by side. */
  #copyColumns(e: Expr, i: number, block: Expr, width: Expr): readonly Stmt[] {
    const { line, lanes } = this.#c;
    const column = line.axis;
    const panel = axisIndex(`${column.name}o`, 0, this.#found.width - lanes);
    const corner = addIndex(block, panel);
    const lane = axisIndex(`${column.name}v`, 0, lanes - 1);
    const to = addIndex(addIndex(mulIndex(panel, this.#found.depth), mulIndex(this.#step, lanes)), lane);
    const copy = (count: number, places: (lane: Expr) => [string, Expr][]): Stmt =>
      vector(lane.name, count, (v) => [
        {
          kind: "store",
          buffer: this.#memory("columns", e.dtype, i),
          index: movedTo(to, [[lane.name, v]]),
          value: movedTo(e, [...places(v), ...this.#places]),
        },
      ]);
    const each = (v: Expr): [string, Expr][] => partsAt(line, addIndex(corner, v));
    const rest = column.hi.value % lanes;
    const isWhole = apply("le", [corner, ix(column.hi.value - lanes)]);
    const whole = this.#walk([copy(lanes, each)]);
    const panels = (body: readonly Stmt[]): Stmt => loop("serial", { name: panel.name, lo: ix(0), hi: width }, lanes, body);
    const last = at(line.parts, line.parts.length - 1);
    if (line.parts.length > 1) {
      const any: readonly Stmt[] = rest === 0 ? whole : [{ kind: "if", condition: isWhole, then: whole, otherwise: this.#walk([copy(rest, each)]) }];
      const within = apply("le", [modIndex(corner, last.hi.value), ix(last.hi.value - lanes)]);
      // what lies in one line lies side by side
      const near = this.#walk([copy(lanes, (v) => partsInLine(line, corner, v))]);
      return [panels(last.hi.value < lanes || !isAlong(e, last.name) ? any : [{ kind: "if", condition: within, then: near, otherwise: any }])];
    }
    const one: Stmt = rest === 0 ? copy(lanes, each) : { kind: "if", condition: isWhole, then: [copy(lanes, each)], otherwise: [copy(rest, each)] };
    const innermost = at(this.#found.reduce.axes, this.#found.reduce.axes.length - 1).name;
    // along the walk, a panel at a time; else all columns of a step, which lie side by side
    return isAlong(e, innermost) ? [panels(this.#walk([one]))] : this.#walk([panels([one])]);
  }

  #copyRows(e: Expr, i: number, { corner, height }: { readonly corner: Expr; readonly height: Expr }): readonly Stmt[] {
    const { row, times } = this.#c;
    const tile = axisIndex(`${row.name}g`, 0, this.#group - times);
    const lane = axisIndex(`${row.name}v`, 0, times - 1);
    const from = addIndex(corner, tile);
    const to = addIndex(addIndex(mulIndex(tile, this.#found.depth), mulIndex(this.#step, times)), lane);
    const copy = (count: number): Stmt =>
      vector(lane.name, count, (v) => {
        const value = movedTo(e, [[row.name, addIndex(from, v)], ...this.#places]);
        return [{ kind: "store", buffer: this.#memory("rows", e.dtype, i), index: movedTo(to, [[lane.name, v]]), value }];
      });
    const rest = row.hi.value % times;
    const isWhole = apply("le", [from, ix(row.hi.value - times)]);
    const one: Stmt = rest === 0 ? copy(times) : { kind: "if", condition: isWhole, then: [copy(times)], otherwise: [copy(rest)] };
    return this.#walk([loop("serial", { name: tile.name, lo: ix(0), hi: height }, times, [one])]);
  }

  #walk(body: readonly Stmt[]): readonly Stmt[] {
    return loopsOver(this.#axes, body);
  }
}
