/**
 * Timing, by benny (which is benchmark.js): the one file that knows the library. Variants of one case are measured in turns in one
 * process, so that a drift of the machine meets all of them; medians are taken from the raw samples (benny rounds its `ops`).
 */
import { add, complete, cycle, suite } from "benny";
import { median } from "./median.ts";

/** One way to compute a case. `run` does it once and leaves nothing behind; it is done when the call returns or its promise resolves. */
export interface Variant {
  readonly name: string;
  readonly run: () => void | Promise<void>;
  /** In how many rounds it has a turn; all unless told. */
  readonly rounds?: number;
}

export interface Timing {
  readonly name: string;
  /** Seconds for one run. */
  readonly median: number;
  readonly fastest: number;
  readonly slowest: number;
  readonly samples: number;
  /** The median of each of its turns. */
  readonly turns: readonly number[];
}

export interface Effort {
  /** How often each variant has its turn. */
  readonly rounds: number;
  /** Seconds for one variant in one turn. */
  readonly maxTime: number;
}

/** Runs every variant in turns and pools the samples of each. */
export async function measure(title: string, variants: readonly Variant[], effort: Effort): Promise<readonly Timing[]> {
  const options = { maxTime: effort.maxTime, minSamples: effort.rounds > 1 ? 1 : 3, delay: 0 };
  const turns = Array.from({ length: effort.rounds }, (_, round) => variants.filter((v) => round < (v.rounds ?? effort.rounds))).flat();
  const silent = (): string => "";
  const summary = await suite(title, ...turns.map((v) => add(v.name, v.run, options)), cycle(silent), complete(silent));
  return variants.map(({ name }) => {
    const own = summary.results.filter((_, turn) => turns[turn]?.name === name).map((r) => r.details.sampleResults);
    const samples = own.flat();
    return { name, median: median(samples), fastest: Math.min(...samples), slowest: Math.max(...samples), samples: samples.length, turns: own.map(median) };
  });
}

/** One timing over another: the median of what each round says, so that a drift of the machine meets both. */
export const ratioOf = (a: Timing, b: Timing): number =>
  median(a.turns.slice(0, b.turns.length).map((seconds, round) => seconds / (b.turns[round] ?? Number.NaN)));

/** Milliseconds that `run` takes this one time, until its promise resolves. */
export async function once(run: () => void | Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** The timing of this name; throws where there is none. */
export function timingOf(timings: readonly Timing[], name: string): Timing {
  const timing = timings.find((t) => t.name === name);
  if (timing === undefined) throw new Error(`nothing called ${name} was measured`);
  return timing;
}
