/** Bytes that plans stored. Counting a plan's loops takes as long as a pass over it, so it waits until somebody asks. */
import { countPlan } from "../compiler/ir/count.ts";
import type { Plan } from "../compiler/ir/plan.ts";
import { counters } from "../runtime/counters.ts";

/** How often a plan ran since its bytes were last counted. */
export class Runs {
  readonly plan: Plan;
  times: number = 0;
  /** Bytes of one run, NaN until they are counted. */
  bytes: number = Number.NaN;
  constructor(plan: Plan) {
    this.plan = plan;
  }
}

/** Those with runs to count; plans that left the cache stay here until then, so there are not many. */
const uncounted: Runs[] = [];
const most = 512;

/** One more run of a plan. */
export function noteRun(runs: Runs): void {
  runs.times++;
  if (runs.times > 1) return;
  uncounted.push(runs);
  if (uncounted.length > most) countWritten();
}

/** Brings `counters.bytesWritten` up to date. */
export function countWritten(): void {
  for (const runs of uncounted.splice(0)) {
    if (Number.isNaN(runs.bytes)) runs.bytes = countPlan(runs.plan).bytesWritten;
    counters.bytesWritten += runs.times * runs.bytes;
    runs.times = 0;
  }
}
