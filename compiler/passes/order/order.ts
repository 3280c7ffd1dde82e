/**
 * order: which step comes when, so that little lives at the same time.
 *
 *   %0 = k0(x)  %1 = k1(x)  %2 = k2(%0)  %3 = k3(%1)     →     k0 k2 k1 k3: %0 is dead before %1 is born
 *
 * What a step reads must have been made before; the graph's order is one that works. Others come from lists of what is ready, of which
 * that comes next which frees most. Counting the bytes that live tells which is best; where none is much better, the graph's stays: what
 * is read soon after it was made is still in caches. Within a byte budget that is all. Beyond it every order counts, and the search is wider.
 */
import { at } from "../../ir/errors.ts";
import type { Graph } from "../../ir/graph.ts";
import type { Kernel } from "../../ir/loop.ts";
import type { Plan } from "../../ir/plan.ts";
import { peakBytes } from "../../ir/print-plan.ts";
import type { Fragment } from "../../routines/fragment.ts";
import type { BufferOptions } from "../buffers.ts";
import { assignBuffers } from "../buffers.ts";
import type { Replacement } from "../in-place.ts";
import { replaceable } from "../in-place.ts";
import { bufferParams } from "../region.ts";
import { storageOf } from "../storage.ts";
import type { Order } from "./lists.ts";
import { backwards, forwards, widely } from "./lists.ts";
import type { Piece } from "./pieces.ts";
import { liveBytes } from "./progress.ts";
import type { Task } from "./tasks.ts";
import { tasksOf } from "./tasks.ts";

/** Beyond this many steps lists take too long, and searches beyond this many. */
const [mostListed, mostSearched] = [1024, 512];
/** An order is taken where it saves one part in so many. */
const worthwhile = 32;

export interface PlanOptions extends BufferOptions {
  /** Bytes that inputs, outputs and temporaries may take together; null: as many as they take. */
  readonly budget: number | null;
}

/** The plan with its steps in a good order. */
export function orderedPlan(graph: Graph, pieces: readonly Piece[], options: PlanOptions): Plan {
  const fragments = pieces.map((p) => p.fragment);
  const inPlace = remembered(replaceable);
  const own = assignBuffers(graph, fragments, { ...options, inPlace });
  const best = isWorthwhile(own, fragments, options) ? (reordered(graph, pieces, { ...options, inPlace, own }) ?? own) : own;
  return options.budget === null ? best : { ...best, budget: options.budget };
}

/** By what kernels share that are alike. */
function remembered(find: (kernel: Kernel) => readonly Replacement[]): (kernel: Kernel) => readonly Replacement[] {
  const known = new Map<Kernel["body"], readonly Replacement[]>();
  return (kernel) => {
    const found = known.get(kernel.body) ?? find(kernel);
    known.set(kernel.body, found);
    return found;
  };
}

const isOver = (bytes: number, budget: number | null): boolean => budget !== null && bytes > budget;

/** Whether an order could save what is worth looking for: temporaries, or outputs that find no place in a donated input. */
function isWorthwhile(own: Plan, { length }: readonly Fragment[], { budget, donated }: PlanOptions): boolean {
  if (length < 3 || length > mostListed) return false;
  const peak = peakBytes(own);
  const taken = new Set(own.buffers.map((b) => b.donates));
  const bytesOf = new Map(own.buffers.map((b) => [b.id, b.bytes]));
  const apart = donated.map((i) => at(own.inputs, i)).reduce((n, id) => (taken.has(id) ? n : n + (bytesOf.get(id) ?? 0)), 0);
  return own.arenaBytes + apart > (isOver(peak, budget) ? 0 : peak / worthwhile);
}

interface Given extends PlanOptions {
  readonly inPlace: (kernel: Kernel) => readonly Replacement[];
  readonly own: Plan;
}

/** The plan in a better order; null where there is none. */
function reordered(graph: Graph, pieces: readonly Piece[], given: Given): Plan | null {
  const { target, budget, inPlace, own } = given;
  const inputs = bufferParams(graph);
  const donated = new Set(given.donated.map((i) => at(inputs, i)));
  const tasks = tasksOf(pieces, { target, donated, outputs: new Set(graph.outputs.map(storageOf)), inPlace });
  const peak = peakBytes(own);
  const order = orderFor(tasks, budget, peak - own.arenaBytes);
  if (order === null) return null;
  const plan = assignBuffers(
    graph,
    order.map((i) => at(pieces, i).fragment),
    given,
  );
  return peakBytes(plan) < peak ? plan : null;
}

/** An order that may be better than the graph's; `others` are the bytes that a plan needs beside its shared temporaries. */
export function orderFor(tasks: readonly Task[], budget: number | null, others: number): Order | null {
  const live = (order: Order): number => liveBytes(tasks, order);
  const own = live(tasks.map((t) => t.index));
  const limit = isOver(others + own, budget) ? own : own - (own + others) / worthwhile;
  const lists = [forwards(tasks, (growth) => growth), forwards(tasks, (growth) => Math.min(growth, 0)), backwards(tasks)];
  let best: Order | null = null;
  let least = own;
  for (const order of lists) {
    const bytes = live(order);
    if (bytes < least) [best, least] = [order, bytes];
  }
  if (isOver(others + least, budget) && tasks.length <= mostSearched) {
    const wide = widely(tasks);
    if (live(wide) < least) return wide;
  }
  return least < limit ? best : null;
}
