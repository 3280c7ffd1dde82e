/** Offsets in one arena for buffers that live at different times: largest first, each at the lowest place that is free for its life. */

/** First and last step of a life, both included. */
interface Life {
  readonly first: number;
  readonly last: number;
}

/** Every offset is a multiple of this, so that vector loads are aligned and WebGPU may bind it. */
const alignment = 256;

export function packArena<T extends Life>(items: readonly T[], bytesOf: (item: T) => number): { offsets: Map<T, number>; bytes: number } {
  const offsets = new Map<T, number>();
  const placed: { readonly item: T; readonly from: number; readonly to: number }[] = [];
  let bytes = 0;
  for (const item of items.toSorted((a, b) => bytesOf(b) - bytesOf(a) || a.first - b.first)) {
    const size = Math.ceil(Math.max(1, bytesOf(item)) / alignment) * alignment;
    const rivals = placed.filter((p) => p.item.first <= item.last && item.first <= p.item.last).sort((a, b) => a.from - b.from);
    let offset = 0;
    for (const r of rivals) {
      if (offset + size <= r.from) break;
      offset = Math.max(offset, r.to);
    }
    offsets.set(item, offset);
    placed.push({ item, from: offset, to: offset + size });
    bytes = Math.max(bytes, offset + size);
  }
  return { offsets, bytes };
}
