/** Whether operations are recorded for differentiation. */
import { UnsupportedError } from "../compiler/ir/errors.ts";
import type { Value } from "../compiler/ir/node.ts";
import { detach } from "../compiler/ops/barrier.ts";

let suspended = 0;

/** Whether a `noGrad` is running. */
export const gradSuspended = (): boolean => suspended > 0;

/**
 * Runs `f` without recording for gradients: what it makes has no history. `f` is synchronous.
 *
 * @example
 * noGrad(() => tensor([1], { requiresGrad: true }).mul(2)).requiresGrad; // → false
 */
export function noGrad<R>(f: () => R): R {
  suspended++;
  try {
    const made = f();
    if (made instanceof Promise) throw new UnsupportedError("noGrad: its function is asynchronous. Await outside, and compute inside.");
    return made;
  } finally {
    suspended--;
  }
}

/** Runs `f` recording for gradients, also inside a `noGrad`: a transform differentiates what it is given. */
export function recording<R>(f: () => R): R {
  const outer = suspended;
  suspended = 0;
  try {
    return f();
  } finally {
    suspended = outer;
  }
}

/** `value` as an operand: without its history inside `noGrad`. */
export const tracked = (value: Value): Value => (suspended > 0 && value.node.tracked ? detach(value) : value);
