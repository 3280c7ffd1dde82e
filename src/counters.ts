/** Counts of what happened since the start or the last reset: for assertions on what an expression costs. */
import { nodesCreated } from "../compiler/ir/node.ts";
import type { Counters as RuntimeCounters } from "../runtime/counters.ts";
import { counters as runtimeCounters, resetCounters as resetRuntime } from "../runtime/counters.ts";
import { countWritten } from "./written.ts";

export interface Counters extends Readonly<RuntimeCounters> {
  /** Nodes made, by the user's calls and by transforms and passes. */
  readonly nodesRecorded: number;
}

let nodesBefore = 0;

/**
 * The counts now, as a copy.
 *
 * @example
 * resetCounters();
 * await tensor([1, 2]).mul(3).add(1).eval();
 * counters().kernelsLaunched; // → 1
 */
export function counters(): Counters {
  countWritten();
  return { ...runtimeCounters, nodesRecorded: nodesCreated() - nodesBefore };
}

/**
 * Starts all counts again from 0.
 *
 * @example
 * resetCounters();
 * counters().nodesRecorded; // → 0
 */
export function resetCounters(): void {
  countWritten();
  resetRuntime();
  nodesBefore = nodesCreated();
}
