/** Evaluating several values in one plan, so that what they share is computed once. */
import { evaluate, evaluateSync } from "./evaluate.ts";
import type { Lazy } from "./handle.ts";
import type { Nesting } from "./nesting.ts";
import { handlesIn } from "./nesting.ts";

/** All handles below. Nothing is evaluated before all are found. */
const handlesOf = (roots: readonly unknown[]): Lazy[] => roots.flatMap((x, i) => handlesIn("evalAll", x, `argument ${i}`));

/**
 * Computes everything given, in one plan. Throws an UnsupportedError for a leaf that is no array or tensor.
 *
 * @example
 * const x = tensor([1, 2]);
 * const parts = { sum: x.sum(), max: x.max() };
 * await evalAll(parts);
 * parts.max.item(); // → 2
 */
export async function evalAll(...values: readonly Nesting[]): Promise<void> {
  await evaluate(handlesOf(values));
}

/**
 * `evalAll` without waiting; throws a DeviceError on devices that cannot.
 *
 * @example
 * const x = tensor([1, 2]);
 * const [sum, max] = [x.sum(), x.max()];
 * evalAllSync(sum, max);
 * max.item(); // → 2
 */
export function evalAllSync(...values: readonly Nesting[]): void {
  evaluateSync(handlesOf(values), { call: "evalAllSync", instead: "await evalAll(…)" });
}
