/**
 * register tile: a contraction by blocks of results that stay in registers, on CPUs with vectors.
 *
 *   for %i [grid] { for %j [grid] { reduce over %k { load %a[%i,%k] * load %b[%k,%j] } … } }
 *     → for %j step 8 { for %i step 4 { for %jv in 0..8 [vector] { reduce of 4 sums over %k { 4 single loads, one vector } … } } }
 *
 * Sums keep their order, so this changes no bit. Where an operand does not lie as tiles read it, `pack` copies it first.
 */
import { dtypeInfo } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Expr } from "../../ir/expr.ts";
import { apply, axisIndex } from "../../ir/expr.ts";
import { addIndex, ix, namesIn, subIndex } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Local, Reduce, Stmt } from "../../ir/loop.ts";
import { tidy, tidyPart } from "../lower/tidy.ts";
import type { Around } from "./behind.ts";
import { rowByRow } from "./behind.ts";
import type { Place as CopyPlace } from "./copy.ts";
import { copied, loop, minOf, vector } from "./copy.ts";
import { registerBytes, tupleBytes } from "./cost.ts";
import { flattenWalks } from "./flat.ts";
import { goesTogether } from "./independent.ts";
import type { Line } from "./line.ts";
import { lineAround, lineOf, partsAt, storeStride } from "./line.ts";
import { isPlain, nested } from "./nest.ts";
import type { Contractions } from "./order.ts";
import { contractionsOf } from "./order.ts";
import type { BlockSize, Contraction, Packing, Slots, TileShape } from "./pack.ts";
import { packing, slotsOf, waitingIn } from "./pack.ts";
import type { Given } from "./part.ts";
import type { Phases } from "./phases.ts";
import { phasesOf } from "./phases.ts";
import { equalBlocks } from "./strip.ts";
import { widenLoops } from "./widen.ts";

/** Bytes of a register. */
const register = 16;
/** Vectors side by side in a tile. */
const across = 2;
/** Bytes that stay in a cache near by while a tile goes down the rows. */
const nearby = 1 << 18;
/** Columns of a strip, where operands stay in place and much is done with each result. */
const longestStrip = 128;
/** Bytes of what phases of a block give to the last. */
const mostWaiting = 1 << 18;

/** `nest`: the grid loops of a contraction. */
export function registerTile(kernel: Kernel, nest: readonly For[], given: Given): Kernel {
  const found = contractionsOf(nest);
  if (found === null) return kernel;
  const tiling: Tiling = { kernel, nest, ...found, reduce: at(found.reduces, 0), ...given };
  return packedTiles(tiling) ?? tilesInPlace(tiling);
}

interface Tiling extends Contractions, Around {
  readonly nest: readonly For[];
  /** The first of them, which stands for all. */
  readonly reduce: Reduce;
}

/** Elements of the widest dtype in a register, and the tile for so many rows and columns. */
const perRegister = (r: Reduce): number => register / Math.max(...r.init.map((e) => registerBytes(e.dtype)), ...loadedBytes(r));

function tileOf({ reduce: r, target }: Tiling, rows: number, columns: number): { readonly lanes: number; readonly times: number } {
  const most = perRegister(r) * across;
  // fewer columns than fill the registers are one tile
  const lanes = Math.max(4, columns > perRegister(r) ? Math.min(columns, most) : perRegister(r));
  const tuple = tupleBytes(r.init.map((e) => e.dtype));
  const held = Math.ceil(lanes / 4) * 4;
  return { lanes, times: Math.min(rows, Math.max(1, Math.floor((target.sumVectors * register) / (held * tuple)))) };
}

/** By blocks whose operands are packed, where that pays: columns are on the side whose neighbours are stored side by side. */
function packedTiles(t: Tiling): Kernel | null {
  const { kernel, nest, body, reduce, reduces, row, column } = t;
  const lanes = perRegister(reduce) * across;
  const lines = [lineAround(column, { nest, row, reduce, lanes }), lineAround(row, { nest, row: column, reduce, lanes })] as const;
  const isTurned = storeStride(lines[1], nest) < storeStride(lines[0], nest);
  const choices = (isTurned ? lines.toReversed() : lines.slice(0, 1)).map((line) => ({ line, row: line === lines[0] ? row : column }));
  for (const choice of choices) {
    const isBeside = ({ axis }: For): boolean => axis.name === choice.row.name || choice.line.parts.some((p) => p.name === axis.name);
    const around = nest.filter((f) => !isBeside(f));
    const points = around.reduce((n, f) => n * f.axis.hi.value, 1);
    const contraction: Contraction = { kernel, body, ...choice, ...tileOf(t, choice.row.hi.value, choice.line.axis.hi.value), around: points };
    const packed = choice.line.parts.every((p) => goesTogether(body, p.name)) ? packings(contraction, reduces) : null;
    if (packed === null) continue;
    const { blocks, isApart } = packedBlocks(contraction, packed, t);
    const loops = nested(around, blocks);
    // tidied last: that joins loops that there are no vectors in
    return isApart ? widenLoops({ ...kernel, body: loops }) : { ...kernel, body: tidy(loops) };
  }
  return null;
}

function tilesInPlace(t: Tiling): Kernel {
  const { kernel, nest, body, reduce, reduces, row, column } = t;
  if (!goesTogether(body, column.name)) return kernel;
  const { lanes, times } = tileOf(t, row.hi.value, column.hi.value);
  const line = lineOf(column);
  const shape: TileShape = { row, line, lanes, times };
  const ordered = inOrder(nest, { row, column, reduce, kernel });
  const phasesIn = (columns: number): Phases => phasesOf(body, reduces, waitingIn(shape, { rows: times, columns }));
  const width = equalBlocks(column.hi.value, lanes, longestStrip);
  const strips = stripsInPlace(shape, phasesIn(width), width, t);
  if (strips !== null) {
    const loops = ordered.map((f) =>
      f.axis === column ? { ...f, axis: strips.axis } : { ...f, axis: { ...f.axis, step: f.axis === row ? times : f.axis.step } },
    );
    return widenLoops({ ...kernel, body: nested(loops, strips.body) });
  }
  const corner = { row: axisIndex(row.name, 0, row.hi.value - 1), column: axisIndex(column.name, 0, column.hi.value - 1) };
  const slots = { names: slotsOf(shape), panel: ix(0), tile: ix(0), group: ix(0) };
  // loops of vectors keep apart what the phases add up
  const { bodies, locals } = phasesIn(lanes);
  const tiles = [...locals, ...bodies.flatMap((own) => blockOf({ ...shape, turn: copiesOf(own), corner, slots }))];
  const step = new Map([
    [row.name, times],
    [column.name, lanes],
  ]);
  const loops = ordered.map((f) => ({ ...f, axis: { ...f.axis, step: step.get(f.axis.name) ?? f.axis.step } }));
  return { ...kernel, body: tidy(nested(loops, tiles)) };
}

/** Strips of tiles side by side, with what takes long after their sums behind them; null where nothing does. */
function stripsInPlace(
  shape: TileShape,
  { bodies, locals }: Phases,
  width: number,
  around: Around,
): { readonly axis: Axis; readonly body: readonly Stmt[] } | null {
  const { row, line, lanes } = shape;
  const apart = rowByRow(at(bodies, bodies.length - 1), shape, width, around);
  if (apart === null) return null;
  const columns = blocksAlong(line.axis, lanes, width);
  const corner = { row: axisIndex(row.name, 0, row.hi.value - 1), column: columns.corner };
  const slots = { names: slotsOf(shape), panel: columns.offset, tile: ix(0), group: ix(0) };
  const tiles = [...bodies.slice(0, -1), apart.sums].map((own) => columns.loop(tidyPart(blockOf({ ...shape, turn: copiesOf(own), corner, slots }))));
  const behind = apart.rows({ row: corner.row, column: columns.block, tile: ix(0), group: ix(0) });
  return { axis: columns.axis, body: [...locals, ...apart.locals, ...behind.locals, ...tiles, ...behind.body] };
}

/** How the operands of each phase are packed, in blocks of one size; null where one of them reads well from where they are. */
function packings(c: Contraction, reduces: readonly Reduce[]): Packed | null {
  if (reduces.length === 1) {
    const only = packing(c);
    return only === null ? null : { phases: [only], waiting: [] };
  }
  const phasesIn = (block: BlockSize): Phases => phasesOf(c.body, reduces, waitingIn(c, block));
  const whole = { columns: c.line.axis.hi.value, rows: c.row.hi.value };
  const alone = phasesIn(whole).bodies.flatMap((body) => packing({ ...c, body }) ?? []);
  if (alone.length < reduces.length || reduces.some((r) => perRegister(r) !== perRegister(at(reduces, 0)))) return null;
  const columns = Math.min(...alone.map((p) => p.columns));
  const sums = tupleBytes(reduces.flatMap((r) => r.init.map((e) => e.dtype)));
  const most = Math.max(1, Math.floor(mostWaiting / (columns * sums) / c.times)) * c.times;
  const block = { columns, rows: Math.min(most, ...alone.map((p) => p.rows)) };
  const { bodies, locals } = phasesIn(block);
  const phases = bodies.flatMap((body) => packing({ ...c, body, block }) ?? []);
  return phases.length < reduces.length ? null : { phases, waiting: locals };
}

interface Packed {
  readonly phases: readonly Packing[];
  /** What waits for the last of them. */
  readonly waiting: readonly Local[];
}

/** Blocks of rows and columns; in each the columns are packed, and tiles go across them, once a phase. */
function packedBlocks(c: Contraction, { phases, waiting }: Packed, around: Around): { readonly blocks: readonly Stmt[]; readonly isApart: boolean } {
  const first = at(phases, 0);
  const [columns, rows] = [blocksAlong(c.line.axis, c.lanes, first.columns), blocksAlong(c.row, c.times, first.rows)];
  const inside = phases.map((p) => inBlock(c, p, { columns, rows, size: first.columns, around }));
  const apart = inside.flatMap((one) => one.apart);
  const locals = [...phases.flatMap((p) => [...p.locals, ...(p.chunks?.sums.locals ?? [])]), ...waiting, ...apart];
  return { blocks: [rows.grid([columns.grid([...largest(locals), ...inside.flatMap((one) => one.body)])])], isApart: apart.length > 0 };
}

/** Phases use memory one after the other: of one name, what is largest. */
function largest(locals: readonly Local[]): Local[] {
  const found = new Map<string, Local>();
  for (const l of locals) if (l.size > (found.get(l.name)?.size ?? 0)) found.set(l.name, l);
  return [...found.values()];
}

/** The blocks of a phase, and how many columns they have. */
interface InBlocks {
  readonly columns: Blocks;
  readonly rows: Blocks;
  readonly size: number;
  readonly around: Around;
}

/** One phase of a block, and the memory of what follows its tiles. */
function inBlock(c: Contraction, p: Packing, { columns, rows, size, around }: InBlocks): { readonly body: readonly Stmt[]; readonly apart: readonly Local[] } {
  const corner = { row: rows.corner, column: columns.corner };
  const group = p.group === 0 || p.group >= p.rows ? ix(0) : axisIndex(p.slots.group, 0, p.rows - p.group);
  const slots = { names: p.slots, panel: columns.offset, tile: rows.offset, group };
  // by itself: here nobody writes what was packed, so that rows share what they load of it
  const tiles = (turn: Block["turn"]): Stmt => columns.loop(flattenWalks(tidyPart(blockOf({ ...c, turn, corner, slots }))));
  const last = p.chunks?.behind ?? p.body;
  const apart = rowByRow(last, c, size, around);
  const rest = apart?.rows({ row: rows.corner, column: columns.block, tile: rows.offset, group });
  const sums = apart?.sums ?? last;
  const lasts = [...(sums.length === 0 ? [] : [tiles(copiesOf(sums))]), ...(rest?.body ?? [])];
  const packed = p.packColumns(columns.block, columns.width);
  const byRows = (list: readonly Stmt[]): Stmt[] => {
    if (group.op !== "axis") return [...p.packRows(rows.block, rows.width), rows.loop(list)];
    const height = minOf(ix(p.group), subIndex(rows.width, group));
    const inside = loop("serial", { name: rows.offset.name, lo: group, hi: addIndex(group, height) }, c.times, list);
    return [loop("serial", { name: group.name, lo: ix(0), hi: rows.width }, p.group, [...p.packRows(addIndex(rows.block, group), height), inside])];
  };
  const body =
    p.chunks === null
      ? [...packed, ...byRows(lasts)]
      : [...p.chunks.sums.fill, ...p.chunks.around([...packed, ...byRows([tiles(p.chunks.turn)])]), rows.loop(lasts)];
  return { body, apart: [...(apart?.locals ?? []), ...(rest?.locals ?? [])] };
}

/** An axis in blocks, `name` + b, and within a block the offset of a tile, `name` + o. */
interface Blocks {
  readonly block: Expr;
  readonly offset: Expr;
  readonly corner: Expr;
  readonly width: Expr;
  /** The axis over the blocks. */
  readonly axis: Axis;
  readonly grid: (body: readonly Stmt[]) => Stmt;
  readonly loop: (body: readonly Stmt[]) => Stmt;
}

function blocksAlong(axis: Axis, step: number, size: number): Blocks {
  const n = axis.hi.value;
  const from = Math.floor((n - 1) / size) * size;
  const block = axisIndex(`${axis.name}b`, 0, from);
  const offset = axisIndex(`${axis.name}o`, 0, Math.min(size, Math.ceil(n / step) * step) - step);
  const width = n % size === 0 || n <= size ? ix(Math.min(n, size)) : minOf(ix(size), subIndex(ix(n), block));
  const blocks = loop("grid", { name: block.name, lo: ix(0), hi: ix(n) }, size, []);
  return {
    block,
    offset,
    corner: addIndex(block, offset),
    width,
    axis: blocks.axis,
    grid: (body) => ({ ...blocks, body }),
    loop: (body) => loop("serial", { name: offset.name, lo: ix(0), hi: width }, step, body),
  };
}

const loadedBytes = (r: Reduce): number[] => exprOrder([...r.values]).flatMap((e) => (e.op === "load" ? [Math.min(8, dtypeInfo(e.dtype).bytes)] : []));

interface Block {
  /** What is done for the results at some points at once. */
  readonly turn: (points: readonly CopyPlace[]) => readonly Stmt[];
  readonly row: Axis;
  readonly line: Line;
  readonly lanes: number;
  readonly times: number;
  /** Where the block is. */
  readonly corner: { readonly row: Expr; readonly column: Expr };
  /** Where packed operands, and results that wait, are asked for, and the offset of the block among the packed columns. */
  readonly slots: { readonly names: Slots; readonly panel: Expr; readonly tile: Expr; readonly group: Expr };
}

/** The statements of a grid point once for each of some points. */
const copiesOf =
  (body: readonly Stmt[]): Block["turn"] =>
  (points) =>
    points.flatMap((p) => copied({ body, values: [] }, p).body);

/** The block at the corner that the grid axes are at, less of it at the edges. */
function blockOf(b: Block): readonly Stmt[] {
  const { row, times, corner } = b;
  const rows = row.hi.value;
  const whole = Math.floor(rows / times) * times;
  const from = bounded(corner.row, whole - times);
  const all = columnsOf(
    b,
    Array.from({ length: times }, (_, i) => ({ at: addIndex(from, i), slot: ix(i) })),
    "",
  );
  if (whole === rows) return all;
  const single = axisIndex(`${row.name}e`, whole, rows - 1);
  const rest = columnsOf(b, [{ at: single, slot: subIndex(single, whole) }], "_e");
  const edge = loop("serial", { name: single.name, lo: ix(whole), hi: ix(rows) }, 1, rest);
  return [{ kind: "if", condition: apply("le", [corner.row, ix(whole - times)]), then: all, otherwise: [edge] }];
}

/** An index of which a condition says that it is at most `hi`. */
const bounded = (e: Expr, hi: number): Expr => (e.op === "axis" ? axisIndex(e.name, 0, hi) : e);

/** A row or a column, and its place in the tile. */
interface Place {
  readonly at: Expr;
  readonly slot: Expr;
}

/** Some rows of a block: a vector of columns, or what is left of them. */
function columnsOf(b: Block, rows: readonly Place[], suffix: string): Stmt[] {
  const { lanes, corner } = b;
  const column = b.line.axis;
  const n = column.hi.value;
  const whole = Math.floor(n / lanes) * lanes;
  const piece = (place: Place, own: string): Stmt[] => [...b.turn(rows.map((r, i) => ({ suffix: `${suffix}${own}_${i}`, axes: placesOf(b, r, place) })))];
  const from = bounded(corner.column, whole - lanes);
  const all = vector(`${column.name}v`, lanes, (lane) => piece({ at: addIndex(from, lane), slot: lane }, ""));
  if (whole === n) return [all];
  const left = n - whole;
  const single = axisIndex(`${column.name}e`, whole, n - 1);
  const edge: Stmt[] = [
    left > 1
      ? vector(`${column.name}v`, left, (lane) => piece({ at: addIndex(lane, whole), slot: lane }, "_r"))
      : loop("serial", { name: single.name, lo: ix(whole), hi: ix(n) }, 1, piece({ at: single, slot: subIndex(single, whole) }, "_s")),
  ];
  const fits = apply("le", [corner.column, ix(whole - lanes)]);
  return whole === 0 ? edge : [{ kind: "if", condition: fits, then: [all], otherwise: edge }];
}

/** What the axes, and the slots of packed operands, are at one result of a block. */
function placesOf({ row, line, slots }: Block, r: Place, c: Place): ReadonlyMap<string, Expr> {
  return new Map([[row.name, r.at], ...partsAt(line, c.at)])
    .set(slots.names.group, slots.group)
    .set(slots.names.tile, slots.tile)
    .set(slots.names.panel, slots.panel)
    .set(slots.names.lane, c.slot)
    .set(slots.names.row, r.slot);
}

/**
 * Down the rows first, so that the columns of an operand stay near by; across the columns first where all of that operand does and the
 * other one is best read once. What stands between the two (lines of an image, say) goes around the rows where all rows stay near by.
 */
function inOrder(nest: readonly For[], { row, column, reduce, kernel }: { row: Axis; column: Axis; reduce: Reduce; kernel: Kernel }): readonly For[] {
  const [i, j] = [row, column].map((a) => nest.findIndex((f) => f.axis.name === a.name));
  if (i === undefined || j === undefined || j <= i) return nest;
  const depth = reduce.axes.reduce((n, a) => n * (isPlain(a) ? a.hi.value : 1), 1);
  const bytesAlong = (axis: Axis): number => {
    const read = new Set(exprOrder(reduce.values).flatMap((e) => (e.op === "load" && namesIn(e).includes(axis.name) ? [e.name] : [])));
    return kernel.buffers.reduce((n, b) => n + (read.has(b.name) ? Math.min(b.size, depth * axis.hi.value) * dtypeInfo(b.dtype).bytes : 0), 0);
  };
  if (j > i + 1) return bytesAlong(row) <= nearby ? [...nest.slice(0, i), ...nest.slice(i + 1, j), at(nest, i), ...nest.slice(j)] : nest;
  return bytesAlong(column) <= nearby ? nest : [...nest.slice(0, i), at(nest, j), at(nest, i), ...nest.slice(j + 1)];
}
