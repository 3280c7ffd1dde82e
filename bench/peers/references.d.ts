/** Types of references.js. */
import type { Input } from "./peer.ts";

/** What a result must be, at all its elements or at some. */
export interface Expected {
  readonly length: number;
  /** The elements that are known; null: all. */
  readonly positions: Int32Array | null;
  readonly values: Float64Array;
}

export const references: Readonly<Record<string, (inputs: readonly Input[]) => readonly Expected[]>>;
