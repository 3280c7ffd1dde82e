/**
 * Elements of four bytes that go down, or lie two apart: whole registers and a shuffle, which touch no more memory than they do.
 *
 *   elements 6 4 2 0     v128.load of 0 to 3, v128.load of 3 to 6  →  lanes 3 and 1 of the second, 2 and 0 of the first
 */

/** How four lanes are loaded. */
export interface Shuffle {
  /** The lane whose element comes first in memory. */
  readonly first: number;
  /** Where the registers start, in bytes from there. */
  readonly loads: readonly number[];
  /** The bytes that are taken of two registers. */
  readonly bytes: Uint8Array;
}

/** Lanes of the first register are 0 to 3, those of the second 4 to 7. */
const bytesOf = (lanes: readonly number[]): Uint8Array => Uint8Array.from(lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)));

const shuffles: ReadonlyMap<number, Shuffle> = new Map([
  [-1, { first: 3, loads: [0], bytes: bytesOf([3, 2, 1, 0]) }],
  [2, { first: 0, loads: [0, 12], bytes: bytesOf([0, 2, 5, 7]) }],
  [-2, { first: 3, loads: [0, 12], bytes: bytesOf([7, 5, 2, 0]) }],
]);

/** How elements so far apart are loaded; null where lane by lane. */
export const shuffleFor = (stride: number): Shuffle | null => shuffles.get(stride) ?? null;
