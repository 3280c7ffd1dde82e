/** Repeatable inputs. */

/** Numbers from `low` to `high`: a linear congruential generator. */
export function numbers(count: number, low: number, high: number, seed: number = 1): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + (state / 2 ** 32) * (high - low);
  });
}
