/**
 * Keys of random numbers. A key is two words on the host; drawing from it is a pure function of key and shape, so the same key gives
 * the same numbers on every target, and using one key twice gives the same numbers twice. `split` and `fold` make fresh ones.
 */
import { at, UnsupportedError } from "../../compiler/ir/errors.ts";

/** Two words of 32 bits. */
export interface Key {
  readonly words: readonly [number, number];
}

/** Left rotations of the eight rounds that repeat. */
const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/**
 * Threefry-2x32 with 20 rounds on the host, as the compiler's own row does it on a device: Salmon, Moraes, Dror, Shaw, "Parallel
 * random numbers: as easy as 1, 2, 3" (SC11).
 */
export function threefryWords(key: readonly [number, number], counter: readonly [number, number]): readonly [number, number] {
  const [k0, k1] = key;
  const keys = [k0, k1, k0 ^ k1 ^ 0x1bd11bda] as const;
  const keyWord = (i: number): number => at(keys, i % 3);
  let x = (counter[0] + k0) | 0;
  let y = (counter[1] + k1) | 0;
  for (let block = 0; block < 5; block++) {
    for (const by of block % 2 === 0 ? rotations.slice(0, 4) : rotations.slice(4)) {
      x = (x + y) | 0;
      y = ((y << by) | (y >>> (32 - by))) ^ x;
    }
    x = (x + keyWord(block + 1)) | 0;
    y = (y + keyWord(block + 2) + block + 1) | 0;
  }
  return [x >>> 0, y >>> 0];
}

function words(op: string, what: string, n: number): readonly [number, number] {
  if (!Number.isSafeInteger(n) || n < 0) throw new UnsupportedError(`${op}: the ${what} ${n} is no whole number from 0 to 2^53 - 1.`);
  return [Math.floor(n / 2 ** 32), n >>> 0];
}

/**
 * The key of a seed, a whole number from 0 on; throws an UnsupportedError for others.
 *
 * @example
 * random.normal(random.key(1), [2, 3]).shape; // → [ 2, 3 ]
 */
export const key = (seed: number): Key => ({ words: words("random.key", "seed", seed) });

/**
 * A key of its own for each number: for step counters, layers, workers. Throws an UnsupportedError unless it is whole and not negative.
 *
 * @example
 * const key = random.key(1);
 * equal(random.bits(random.fold(key, 7), [1]), random.bits(random.fold(key, 8), [1])); // → tensor([False])
 */
export const fold = (from: Key, number: number): Key => ({ words: threefryWords(from.words, words("random.fold", "number", number)) });

/**
 * `count` fresh keys (2 by default).
 *
 * @example
 * const [first, second] = random.split(random.key(1));
 */
export const split = (from: Key, count: number = 2): Key[] => Array.from({ length: count }, (_, i) => ({ words: threefryWords(from.words, [0, i]) }));
