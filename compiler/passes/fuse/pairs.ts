/** Whether two clusters may be one kernel: what is cheap to find out is asked first. */
import type { Cluster } from "./cluster.ts";
import { heldBytes, scratchRefusal } from "./held-rows.ts";
import type { Alignment } from "./legality.ts";
import { alignment, mergeRefusal, placesOf, sizeRefusal } from "./legality.ts";
import { productRefusal } from "./profit.ts";
import { alignSiblings } from "./siblings.ts";
import type { FusionState } from "./state.ts";
import { between } from "./state.ts";

/** How the axes of a producer and of one that reads its results correspond, or why they stay apart. */
export function readerAlignment(state: FusionState, producer: Cluster, consumer: Cluster): Alignment | string {
  const large = sizeRefusal(producer, consumer, state.target);
  if (large !== null) return large;
  const found = allowed(state, producer, consumer, alignment(producer, consumer, state.axes, state.readersBeside(producer, consumer)));
  return typeof found === "string" ? found : (state.pathRefusal(producer, consumer) ?? found);
}

/** The same of two that read the same memory. */
export function siblingAlignment(state: FusionState, x: Cluster, d: Cluster): Alignment | string {
  const large = sizeRefusal(x, d, state.target);
  if (large !== null) return large;
  const found = allowed(state, x, d, alignSiblings(x, d, state.axes));
  if (typeof found === "string") return found;
  return state.reaches(x, d, "near") || state.reaches(d, x, "near") ? between : found;
}

function allowed(state: FusionState, x: Cluster, d: Cluster, aligned: Alignment | string): Alignment | string {
  if (typeof aligned === "string") return aligned;
  const large = sizeRefusal(x, d, state.target, placesOf(aligned));
  if (large !== null) return large;
  const room = scratchRefusal(heldBytes(x, state) + heldBytes(d, state), state.target, "their");
  return room ?? mergeRefusal(x, d, aligned, state.axes, state.bindings) ?? productRefusal(x, d, state) ?? aligned;
}
