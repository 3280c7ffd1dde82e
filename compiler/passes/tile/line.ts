/**
 * line: neighbouring axes of a grid taken as one, so that a block of columns spans several short lines of an image.
 *
 *   for %oh in 0..7 { for %ow in 0..7 { … } }     →     %oh = %j / 7, %ow = %j rem 7 for %j in 0..49
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { addIndex, divIndex, freeNames, ix, modIndex } from "../../ir/indexing.ts";
import type { Axis, For, Reduce, Stmt } from "../../ir/loop.ts";
import { isPlain, strideOf } from "./nest.ts";
import { loadsIn } from "./sides.ts";

/** An axis of columns, and the axes of the grid that it stands for, from the outermost in. */
export interface Line {
  readonly axis: Axis;
  readonly parts: readonly Axis[];
}

export const lineOf = (axis: Axis): Line => ({ axis, parts: [axis] });

/** Lines from here on are long enough to make blocks of their own. */
const longest = 32;

/** What the parts of a line are at one of its columns. */
export function partsAt({ parts }: Line, column: Expr): [string, Expr][] {
  let below = parts.reduce((n, p) => n * p.hi.value, 1);
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

/**
 * The line that the column is part of: with the axes around it that the other side does not need either, in the order in which all
 * stores have them side by side. The column alone where it is long, or makes whole tiles.
 */
export function lineAround(column: Axis, { nest, row, reduce, lanes }: { nest: readonly For[]; row: Axis; reduce: Reduce; lanes: number }): Line {
  const alone = lineOf(column);
  if (column.hi.value >= longest && column.hi.value % lanes === 0) return alone;
  const loads = loadsIn(reduce).map((e) => freeNames(e));
  const beside = row.name;
  const isApart = ({ name }: Axis): boolean => loads.every((names) => !names.has(name) || !names.has(beside)) && loads.some((names) => names.has(name));
  const others = nest.flatMap(({ axis }) => (axis !== row && axis !== column && isPlain(axis) && isApart(axis) ? [axis] : []));
  const stored = storedIndices(at(nest, nest.length - 1).body);
  const follows = (outer: Axis, inner: Axis): boolean =>
    stored.length > 0 && stored.every((index) => strideOf(index, outer.name) === strideOf(index, inner.name) * inner.hi.value);
  const parts = [column];
  for (let before = 0; before !== parts.length;) {
    before = parts.length;
    for (const a of others) {
      if (parts.includes(a)) continue;
      if (follows(a, at(parts, 0))) parts.unshift(a);
      else if (follows(at(parts, parts.length - 1), a)) parts.push(a);
    }
  }
  if (parts.length === 1) return alone;
  const hi = ix(parts.reduce((n, p) => n * p.hi.value, 1));
  return { axis: { ...column, name: parts.map((p) => p.name).join(""), hi }, parts };
}

const storedIndices = (body: readonly Stmt[]): Expr[] => body.flatMap((s) => (s.kind === "store" ? [addIndex(s.index, 0)] : []));
