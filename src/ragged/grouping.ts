/**
 * Which elements of ragged rows a reduction takes together, for any choice of axes: along an axis that is reduced, items are joined;
 * along one that is kept, those of the same position are, as far as each row reaches.
 *
 * ```
 * [[1, 2, 3], [4, 5]]   axis 1: {1 2 3} {4 5}   axis 0: {1 4} {2 5} {3}   both: {1 2 3 4 5}
 * ```
 */
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Reduction } from "../options.ts";
import type { Rows } from "./rows.ts";
import { hostInts, offsetsOf } from "./rows.ts";

/** An axis of the result, outermost first. */
export interface GroupedAxis {
  /** Its length in each group of the axes before it. */
  readonly lengths: Int32Array;
  /** Whether all lengths are equal whatever the rows are. */
  readonly even: boolean;
}

export interface Grouping {
  /** The number of elements that are grouped. */
  readonly size: number;
  /** Where the elements of each group begin once they are in `order`. */
  readonly offsets: Value;
  /** The positions of the elements, one group after another; null where they lie so already. */
  readonly order: Int32Array | null;
  /** The position of each element along the reduced axis, where it is not that within the group; for a single axis. */
  readonly places: Int32Array | null;
  /** How many elements each group has. */
  readonly counts: Int32Array;
  readonly axes: readonly GroupedAxis[];
}

/** Groups of items, one after another. */
interface Groups {
  readonly items: Int32Array;
  readonly starts: Int32Array;
  /** The position of each item along the axis that was reduced last. */
  readonly places: Int32Array;
}

/** The groups of a reduction over some of the axes of rows, in rising order; reduced ones stay with length 1 where `keepdims`. */
export function grouping(rows: Rows, reduction: Reduction): Grouping {
  const first = at(reduction.axes, 0);
  const isTail = first > 0 && reduction.axes.length === rows.levels + 1 - first;
  return isTail ? tailGrouping(rows, first, reduction) : anyGrouping(rows, reduction);
}

/** The last axes reduced: the elements of an item lie together. */
function tailGrouping(rows: Rows, first: number, { keepdims }: Reduction): Grouping {
  const spans = rows.spans(first - 1);
  const groups = spans.length - 1;
  const kept = Array.from({ length: first }, (_, axis) => ({ lengths: axis === 0 ? Int32Array.of(rows.length) : rows.lengths(axis - 1), even: axis === 0 }));
  const ones = keepdims ? Array.from({ length: rows.levels + 1 - first }, () => evenOnes(groups)) : [];
  const counts = spans.slice(1).map((end, i) => end - at(spans, i));
  return { size: rows.size, offsets: rows.spansValue(first - 1), order: null, places: null, counts, axes: [...kept, ...ones] };
}

const evenOnes = (groups: number): GroupedAxis => ({ lengths: new Int32Array(groups).fill(1), even: true });

function anyGrouping(rows: Rows, { axes: reduced, keepdims }: Reduction): Grouping {
  const levels = [Int32Array.of(0, rows.length), ...rows.offsets];
  let groups: Groups = { items: Int32Array.of(0), starts: Int32Array.of(0, 1), places: Int32Array.of(0) };
  const axes: GroupedAxis[] = [];
  let single = true;
  levels.forEach((level, axis) => {
    if (reduced.includes(axis)) {
      if (keepdims) axes.push(evenOnes(groups.starts.length - 1));
      groups = joined(groups, level);
      return;
    }
    const { lengths, parted } = partedByPosition(groups, level);
    groups = parted;
    // the first axis that is kept has one length: it parts a single group
    axes.push({ lengths, even: single });
    single = false;
  });
  const counts = groups.starts.slice(1).map((end, i) => end - at(groups.starts, i));
  return { size: rows.size, offsets: hostInts(groups.starts), order: groups.items, places: groups.places, counts, axes };
}

/** Each group with the children of all its items. */
function joined({ items, starts }: Groups, level: Int32Array): Groups {
  const total = items.reduce((n, item) => n + at(level, item + 1) - at(level, item), 0);
  const [next, places] = [new Int32Array(total), new Int32Array(total)];
  const ends = new Int32Array(starts.length);
  let k = 0;
  for (let group = 0; group + 1 < starts.length; group++) {
    for (let i = at(starts, group); i < at(starts, group + 1); i++) {
      const first = at(level, at(items, i));
      for (let child = first; child < at(level, at(items, i) + 1); child++, k++) {
        next[k] = child;
        places[k] = child - first;
      }
    }
    ends[group + 1] = k;
  }
  return { items: next, starts: ends, places };
}

/** Each group as several: the first children of its items, their second ones, … */
function partedByPosition({ items, starts, places }: Groups, level: Int32Array): { readonly lengths: Int32Array; readonly parted: Groups } {
  const count = (i: number): number => at(level, at(items, i) + 1) - at(level, at(items, i));
  const lengths = new Int32Array(starts.length - 1);
  const sizes: number[] = [];
  for (let group = 0; group < lengths.length; group++) {
    const own: number[] = [];
    for (let i = at(starts, group); i < at(starts, group + 1); i++) for (let k = 0; k < count(i); k++) own[k] = (own[k] ?? 0) + 1;
    lengths[group] = own.length;
    for (const n of own) sizes.push(n);
  }
  const ends = offsetsOf(sizes);
  const fill = ends.slice();
  const [next, carried] = [new Int32Array(at(ends, sizes.length)), new Int32Array(at(ends, sizes.length))];
  const firsts = offsetsOf(lengths);
  for (let group = 0; group < lengths.length; group++) {
    for (let i = at(starts, group); i < at(starts, group + 1); i++) {
      for (let k = 0; k < count(i); k++) {
        const slot = at(firsts, group) + k;
        const to = at(fill, slot);
        next[to] = at(level, at(items, i)) + k;
        carried[to] = at(places, i);
        fill[slot] = to + 1;
      }
    }
  }
  return { lengths, parted: { items: next, starts: ends, places: carried } };
}

/** Where each element came to stand: the inverse of an order. */
export function inverse(order: Int32Array): Int32Array {
  const back = new Int32Array(order.length);
  order.forEach((from, to) => {
    back[from] = to;
  });
  return back;
}
