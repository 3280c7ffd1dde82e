/** Ragged arrays that several tests read, and what calls say of them. */
import type { NDArray } from "../../src/index.ts";
import { array } from "../../src/index.ts";

/** Four rows, of which one is empty. */
export const rows = (): NDArray => array([[1, 2, 3], [4, 5], [], [6]]);

/** Rows of pairs. */
export const pairs: NDArray = array([
  [
    [1, 2],
    [3, 4],
  ],
  [[5, 6]],
]);

/** Rows of rows. */
export const deep: NDArray = array([[[1], [2, 3]], [[4, 5, 6]], []]);

/** What a call gives, as text: its result or its error. */
export function said(call: () => unknown): string {
  try {
    return String(call());
  } catch (error) {
    return String(error);
  }
}
