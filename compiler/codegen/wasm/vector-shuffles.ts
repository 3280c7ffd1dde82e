/**
 * Elements of four bytes that are no neighbours, but lie near one another: a register or two of them and a shuffle, which touch no more
 * memory than they do.
 *
 *   elements 6 4 2 0     v128.load of 0 to 3, v128.load of 3 to 6  →  lanes 3 and 1 of the second, 2 and 0 of the first
 *   elements 0 0 0 1     v128.load64_zero of 0 and 1  →  lanes 0, 0, 0 and 1
 *   elements 0 0 0 0     v128.load32_splat of 0
 */

/** How four lanes are loaded. */
export interface Shuffle {
  /** The lane whose element comes first in memory. */
  readonly first: number;
  readonly load: "v128.load" | "v128.load64_zero" | "v128.load32_splat";
  /** Where the registers start, in bytes from there. */
  readonly starts: readonly number[];
  /** The bytes that are taken of both; null where the one that is loaded has them in place. */
  readonly bytes: Uint8Array | null;
}

/** Lanes of the first register are 0 to 3, those of the second 4 to 7. */
const bytesOf = (lanes: readonly number[]): Uint8Array => Uint8Array.from(lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)));

/** What one load brings: all four elements where they lie that far apart, else two, or the only one. */
const loads = [
  { load: "v128.load", elements: 4 },
  { load: "v128.load64_zero", elements: 2 },
  { load: "v128.load32_splat", elements: 1 },
] as const;

/** How four elements are loaded that lie so many elements from some place; null where lane by lane. */
export function shuffleOf(offsets: readonly number[]): Shuffle | null {
  const least = Math.min(...offsets);
  const places = offsets.map((o) => o - least);
  const span = Math.max(...places) + 1;
  const found = loads.find(({ elements }) => elements <= span);
  if (found === undefined || span > 2 * found.elements) return null;
  const { load, elements } = found;
  const second = span - elements;
  const first = places.indexOf(0);
  if (elements === 1) return { first, load, starts: [0], bytes: null };
  const inPlace = second === 0 && elements === offsets.length && places.every((p, lane) => p === lane);
  const bytes = inPlace ? null : bytesOf(places.map((p) => (p < elements ? p : 4 + p - second)));
  return { first, load, starts: second === 0 ? [0] : [0, 4 * second], bytes };
}

/** Of elements further apart than these, four lie in no two registers. */
const evenly = new Map([-2, -1, 0, 1, 2].map((stride) => [stride, shuffleOf([0, 1, 2, 3].map((lane) => lane * stride))] as const));

/** The same of elements so far apart each. */
export const shuffleFor = (stride: number): Shuffle | null => evenly.get(stride) ?? null;
