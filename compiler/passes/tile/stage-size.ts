/**
 * How large the tiles of `stage` are. A larger tile shares more, a smaller one leaves less of itself over the edges and gives more
 * workgroups; so sizes are compared by what they are expected to take. They depend on shapes only.
 */
import type { Target } from "../../target.ts";
import type { Contraction, Piece } from "./stage-find.ts";

/** Lanes of a workgroup, down and across a tile: WebGPU's default limit in all. */
export const lanesAcross = 16;
export const lanesInAll: number = lanesAcross * lanesAcross;

export interface TileSize {
  readonly row: number;
  readonly column: number;
  /** Steps of the reduction that are staged at once. */
  readonly depth: number;
}

/** Points along a side of a tile. */
const sides = [64, 32, 16];
/** Elements that every lane stages of an operand in one block. */
const stagedEach = 4;
/** Results that a lane can keep in registers. */
const mostRegisters = 48;
/** Kernels with shorter sides, or fewer steps, or fewer points on the whole, have nothing to gain. */
const shortestSide = 8;
const shortestDepth = 8;
const fewestPoints = 256;
/** Workgroups that a device of middling size runs at a time. */
const atOnce = 64;
/** A load from workgroup memory, in multiplications. */
const loadCost = 4;

/** The best size, or null where tiles would gain nothing or do not fit. */
export function chooseSize(c: Contraction, target: Target): TileSize | null {
  const [rows, columns, steps] = [c.spans.row.extent, c.spans.column.extent, c.spans.depth.extent];
  if (Math.min(rows, columns) < shortestSide || steps < shortestDepth || rows * columns < fewestPoints) return null;
  const sizes = sides.flatMap((row) => sides.map((column): TileSize => ({ row, column, depth: depthOf(row, column, steps) })));
  const fitting = sizes.filter((s) => registers(c, s) <= mostRegisters && stagedBytes(c, s) <= target.scratchBytes);
  const times = fitting.map((s) => timeOf(c, s));
  return fitting[times.indexOf(Math.min(...times))] ?? null;
}

const depthOf = (row: number, column: number, steps: number): number => Math.min(steps, (stagedEach * lanesInAll) / Math.max(row, column));
const perLane = (s: TileSize): number => (s.row / lanesAcross) * (s.column / lanesAcross);
const registers = (c: Contraction, s: TileSize): number => perLane(s) * c.reduce.names.length;

/** The elements of one step of a tile's side lie next to each other; with one more in between where they are written one from each step. */
export const pitchOf = (p: Piece, s: TileSize): number => (p.side === null ? 1 : s[p.side] + (p.deep && p.walksDepth ? 1 : 0));
export const elementsOf = (p: Piece, s: TileSize): number => pitchOf(p, s) * (p.deep ? s.depth : 1);

/** Workgroup memory, each array rounded up to 16 bytes as the limit counts it. */
const stagedBytes = (c: Contraction, s: TileSize): number => [...c.pieces.values()].reduce((n, p) => n + 16 * Math.ceil(elementsOf(p, s) / 4), 0);

/** Rounds of workgroups, times what one step of one takes. */
function timeOf(c: Contraction, s: TileSize): number {
  const tiles = c.batch.reduce((n, a) => n * a.hi.value, 1) * Math.ceil(c.spans.row.extent / s.row) * Math.ceil(c.spans.column.extent / s.column);
  const step = perLane(s) + loadCost * (s.row / lanesAcross + s.column / lanesAcross);
  return Math.ceil(tiles / atOnce) * step;
}
