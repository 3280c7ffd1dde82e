/** Whether two arrays have memory in common. */
import { NDArray } from "../array.ts";
import type { Lazy } from "../handle.ts";
import { requireHandle } from "../operands.ts";
import type { Layout } from "./layout.ts";
import { mayOverlap, overlap } from "./overlap.ts";

function compared(op: string, x: Lazy, y: Lazy, compare: (a: Layout, b: Layout) => boolean): boolean {
  for (const z of [x, y]) requireHandle(op, z);
  if (!(x instanceof NDArray) || !(y instanceof NDArray)) return false;
  if (x === y) return x.size > 0;
  const [a, b] = [x.memory, y.memory];
  return a !== null && b !== null && a.cell === b.cell && compare(a.layout, b.layout);
}

/**
 * Whether some element of x is an element of y, so that a write to one changes the other. Exact, as NumPy's. Tensors are
 * immutable: never.
 *
 * @example
 * const x = array([1, 2, 3, 4]);
 * sharesMemory(x.at("::2"), x.at("1:")); // → true
 * sharesMemory(x.at("::2"), x.at("1::2")); // → false
 */
export const sharesMemory = (x: Lazy, y: Lazy): boolean => compared("sharesMemory", x, y, overlap);

/**
 * As `sharesMemory`, by the first and last place of each only: quicker, and sometimes true where they lie between each other.
 *
 * @example
 * const x = array([1, 2, 3, 4]);
 * mayShareMemory(x.at("::2"), x.at("1::2")); // → true
 */
export const mayShareMemory = (x: Lazy, y: Lazy): boolean => compared("mayShareMemory", x, y, mayOverlap);
