/**
 * Offsets in one arena for buffers that live at different times. A few are packed well: largest first, each at the lowest place that
 * is free for its whole life. That looks at all pairs, so many are packed in the order of their births, each into the smallest gap.
 */
import { at } from "../ir/errors.ts";

/** First and last step of a life, both included. */
interface Life {
  readonly first: number;
  readonly last: number;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Packing<T> {
  readonly offsets: Map<T, number>;
  readonly bytes: number;
}

/** Every offset is a multiple of this, so that vector loads are aligned and WebGPU may bind it. */
const alignment = 256;
/** Beyond this many, all pairs are too many. */
const few = 1024;

export function packArena<T extends Life>(items: readonly T[], bytesOf: (item: T) => number): Packing<T> {
  const sizeOf = (item: T): number => Math.ceil(Math.max(1, bytesOf(item)) / alignment) * alignment;
  return items.length <= few ? packBySize(items, sizeOf) : packByBirth(items, sizeOf);
}

function packBySize<T extends Life>(items: readonly T[], sizeOf: (item: T) => number): Packing<T> {
  const offsets = new Map<T, number>();
  /** In the order of their places. */
  const placed: (Range & { readonly item: T })[] = [];
  let bytes = 0;
  const sized = items.map((item) => ({ item, size: sizeOf(item) }));
  for (const { item, size } of sized.sort((a, b) => b.size - a.size || a.item.first - b.item.first)) {
    let offset = 0;
    for (let i = 0; i < placed.length; i++) {
      const r = at(placed, i);
      if (r.item.first > item.last || item.first > r.item.last) continue;
      if (offset + size <= r.from) break;
      offset = Math.max(offset, r.to);
    }
    offsets.set(item, offset);
    const behind = placed.findLastIndex((p) => p.from <= offset) + 1;
    placed.splice(behind, 0, { item, from: offset, to: offset + size });
    bytes = Math.max(bytes, offset + size);
  }
  return { offsets, bytes };
}

function packByBirth<T extends Life>(items: readonly T[], sizeOf: (item: T) => number): Packing<T> {
  const offsets = new Map<T, number>();
  const gaps = new Gaps();
  const byDeath = items.toSorted((a, b) => a.last - b.last);
  let dead = 0;
  for (const item of items.toSorted((a, b) => a.first - b.first || sizeOf(b) - sizeOf(a))) {
    for (let next = byDeath[dead]; next !== undefined && next.last < item.first; next = byDeath[++dead]) gaps.free(offsets.get(next) ?? 0, sizeOf(next));
    offsets.set(item, gaps.take(sizeOf(item)));
  }
  return { offsets, bytes: gaps.end };
}

/** Free ranges in rising order, none touching the next; beyond `end` all is free. */
class Gaps {
  end = 0;
  readonly #ranges: Range[] = [];

  /** The start of the smallest gap that fits, or of new room at the end. */
  take(size: number): number {
    let best = -1;
    const length = (i: number): number => at(this.#ranges, i).to - at(this.#ranges, i).from;
    for (let i = 0; i < this.#ranges.length; i++) if (length(i) >= size && (best < 0 || length(i) < length(best))) best = i;
    if (best >= 0) {
      const { from, to } = at(this.#ranges, best);
      this.#ranges.splice(best, 1, ...(from + size < to ? [{ from: from + size, to }] : []));
      return from;
    }
    const last = this.#ranges.at(-1);
    const from = last?.to === this.end ? last.from : this.end;
    if (from < this.end) this.#ranges.pop();
    this.end = from + size;
    return from;
  }

  free(start: number, size: number): void {
    let [from, to] = [start, start + size];
    let i = this.#after(start);
    const [before, next] = [this.#ranges[i - 1], this.#ranges[i]];
    let joined = 0;
    if (next?.from === to) {
      to = next.to;
      joined++;
    }
    if (before?.to === from) {
      from = before.from;
      i--;
      joined++;
    }
    this.#ranges.splice(i, joined, { from, to });
  }

  /** The number of ranges that begin before a place. */
  #after(place: number): number {
    let [lo, hi] = [0, this.#ranges.length];
    while (lo < hi) {
      const middle = (lo + hi) >> 1;
      if (at(this.#ranges, middle).from < place) lo = middle + 1;
      else hi = middle;
    }
    return lo;
  }
}
