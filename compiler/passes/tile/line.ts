/**
 * line: neighbouring axes of a grid taken as one, so that a block of columns spans several short lines of an image.
 *
 *   for %oh in 0..7 { for %ow in 0..7 { … } }     →     %oh = %j / 7, %ow = %j rem 7 for %j in 0..49
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { addIndex, divIndex, ix, modIndex, namesIn } from "../../ir/indexing.ts";
import type { Axis, For, Reduce } from "../../ir/loop.ts";
import { isPlain, pointsOf, strideOf } from "./nest.ts";
import { loadsIn } from "./sides.ts";

/** An axis of columns, and the axes of the grid that it stands for, from the outermost in. */
export interface Line {
  readonly axis: Axis;
  readonly parts: readonly Axis[];
}

export const lineOf = (axis: Axis): Line => ({ axis, parts: [axis] });

/** Shorter lines are taken together where they lie side by side; where they do not, up to `enough` tiles if a walk has `deep` steps. */
const shortest = 32;
const enough = 2;
const deep = 64;

/** What the parts of a line are at one of its columns. */
export function partsAt({ parts }: Line, column: Expr): [string, Expr][] {
  let below = pointsOf(parts);
  return parts.map((p, i) => {
    below /= p.hi.value;
    const q = divIndex(column, below);
    return [p.name, i === 0 ? q : modIndex(q, p.hi.value)];
  });
}

/** The same where the next few columns are known to lie in one line: `lane` counts them along it. */
export function partsInLine(line: Line, corner: Expr, lane: Expr): [string, Expr][] {
  const last = line.parts.length - 1;
  return partsAt(line, corner).map(([name, e], i) => [name, i === last ? addIndex(e, lane) : e]);
}

/** The other loops of the column's grid, the axis of the rows, and what a tile would like to be. */
export interface Surroundings {
  readonly nest: readonly For[];
  readonly row: Axis;
  readonly reduce: Reduce;
  readonly lanes: number;
}

/**
 * The line that the column is part of: with the axes inside of it that the other side does not need either, in the order in which all
 * stores have them side by side, and where that is short or makes no whole tiles with those around it too. Other such axes follow where
 * the walk is long enough to outweigh stores here and there.
 */
export function lineAround(column: Axis, s: Surroundings): Line {
  const others = besides(column, s);
  const stored = storedIndices(s.nest);
  const follows = (outer: Axis, inner: Axis): boolean =>
    stored.length > 0 && stored.every((index) => strideOf(index, outer.name) === strideOf(index, inner.name) * inner.hi.value);
  const isDeep = pointsOf(s.reduce.axes) >= deep;
  const isShort = (parts: readonly Axis[]): boolean => pointsOf(parts) < shortest || pointsOf(parts) % s.lanes !== 0;
  let parts: readonly Axis[] = [column];
  const extend = (next: () => readonly Axis[] | null): void => {
    for (let longer = next(); longer !== null; longer = next()) parts = longer;
  };
  const free = (pick: (a: Axis) => boolean): Axis | undefined => others.findLast((a) => !parts.includes(a) && pick(a));
  const inwards = (a: Axis | undefined): readonly Axis[] | null => (a === undefined ? null : [...parts, a]);
  const outwards = (a: Axis | undefined): readonly Axis[] | null => (a === undefined ? null : [a, ...parts]);
  extend(() => (isShort(parts) || !isDeep ? inwards(free((a) => follows(at(parts, parts.length - 1), a))) : null));
  extend(() => (isShort(parts) ? outwards(free((a) => follows(a, at(parts, 0)))) : null));
  extend(() => (isDeep && pointsOf(parts) < enough * s.lanes ? outwards(free(() => true)) : null));
  if (parts.length === 1) return lineOf(column);
  return { axis: { ...column, name: parts.map((p) => p.name).join(""), hi: ix(pointsOf(parts)) }, parts };
}

/** Axes of the grid that the column's side of the walk needs and the other one does not. */
function besides(column: Axis, { nest, row, reduce }: Surroundings): Axis[] {
  const loads = loadsIn(reduce).map(namesIn);
  const own = column.name;
  const other = row.name;
  const isApart = ({ name }: Axis): boolean =>
    loads.every((names) => !names.includes(name) || !names.includes(other)) && loads.some((names) => names.includes(name));
  return nest.flatMap(({ axis }) => (axis.name !== own && axis.name !== other && isPlain(axis) && isApart(axis) ? [axis] : []));
}

const storedIndices = (nest: readonly For[]): Expr[] => at(nest, nest.length - 1).body.flatMap((s) => (s.kind === "store" ? [addIndex(s.index, 0)] : []));

/** How far apart neighbours of a line are stored, at least. */
export const storeStride = (line: Line, nest: readonly For[]): number =>
  Math.min(...storedIndices(nest).map((index) => Math.abs(strideOf(index, at(line.parts, line.parts.length - 1).name))));
