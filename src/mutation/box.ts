/**
 * A strided view as a box of the base in another shape, which dynamic slices read and dynamic updates write.
 *
 *   base f64[3,4], view offset 1, shape [2,3], strides [2,4]    (every second column from 1 on, transposed)
 *   grid [3,4], starts [0,1], sizes [3,2], steps [1,2]; then the axes exchanged
 *
 * Each axis of the view walks one axis of the grid, so a row is a box of the flat base, and a diagonal of [b,n,n] one of [b,n·n] in
 * steps of n + 1. The grid depends on where a view starts only if it must, and starts become operands: a view that moves is one plan.
 */
import { at } from "../../compiler/ir/errors.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf, stridesOf } from "../../compiler/ir/shape.ts";
import { extentOf } from "./overlap.ts";
import type { Layout } from "./layout.ts";

export interface GridAxis {
  readonly extent: number;
  readonly start: number;
  readonly size: number;
  readonly step: number;
}

export interface Box {
  readonly grid: readonly GridAxis[];
  /** For each axis of the view that is longer than 1: its grid axis, and whether it runs backwards. */
  readonly walks: readonly { readonly axis: number; readonly grid: number; readonly reversed: boolean }[];
}

interface Walk {
  readonly axis: number;
  readonly length: number;
  /** Positive. */
  readonly stride: number;
  readonly reversed: boolean;
}

/** The box that a view of a base of this shape is; null where there is none (windows that overlap, rows that no shape of the base has). */
export function boxOf(base: Shape, layout: Layout): Box | null {
  const walks = layout.shape
    .flatMap((length, axis): Walk[] => {
      const stride = at(layout.strides, axis);
      return length === 1 ? [] : [{ axis, length, stride: Math.abs(stride), reversed: stride < 0 }];
    })
    .sort((a, b) => b.stride - a.stride);
  if (walks.some((w) => w.stride === 0)) return null;
  const units = unitsOf(base, walks, extentOf(layout).low);
  return units === null ? null : assemble(base, walks, units, extentOf(layout).low);
}

/** The stride of the grid axis that each walk takes, outermost first: what is inside of it stays below one such stride. */
function unitsOf(base: Shape, walks: readonly Walk[], start: number): number[] | null {
  const size = sizeOf(base);
  const own = [...new Set(stridesOf(base))];
  const units: number[] = walks.map(() => 0);
  let [inner, span] = [1, 0];
  for (let k = walks.length - 1; k >= 0; k--) {
    const { stride, length } = at(walks, k);
    const fits = (unit: number): boolean => stride % unit === 0 && unit % inner === 0 && size % unit === 0 && (start % unit) + span < unit;
    const taken = k + 1 < walks.length ? at(units, k + 1) : 0;
    const unit = [...own, stride].find((u) => u > taken && fits(u));
    if (unit === undefined) return null;
    units[k] = unit;
    inner = unit;
    span += (length - 1) * stride;
  }
  return units;
}

/** Grid axes with those strides, and one more inside where the innermost walk does not take single elements. */
function assemble(base: Shape, walks: readonly Walk[], units: readonly number[], start: number): Box {
  const strides = units.at(-1) === 1 ? units : [...units, 1];
  const grid: GridAxis[] = [];
  let [outer, rest] = [sizeOf(base), start];
  strides.forEach((unit, k) => {
    const walk = walks[k];
    const place = Math.floor(rest / unit);
    grid.push({ extent: outer / unit, start: place, size: walk?.length ?? 1, step: walk === undefined ? 1 : walk.stride / unit });
    rest -= place * unit;
    outer = unit;
  });
  return { grid, walks: walks.map((w, k) => ({ axis: w.axis, grid: k, reversed: w.reversed })) };
}
