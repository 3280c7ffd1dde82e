/** lazuli and one peer in one process: results are checked first, then both are timed in turns, sample by sample. */
import { median } from "../median.ts";
import type { Contestant, Peer, Results } from "./peer.ts";
import type { Problem, ProblemMaker } from "./problems.ts";
import type { Expected } from "./references.js";

export interface Effort {
  /** Samples of each contestant, at least. */
  readonly samples: number;
  /** Seconds that one sample takes, at least. */
  readonly sampleTime: number;
  /** Seconds for one contestant's samples; those beyond the least number stop here. */
  readonly caseTime: number;
  /** Seconds that a contestant runs before it is timed. */
  readonly warmUp: number;
}

export interface Time {
  readonly name: string;
  /** Seconds for one evaluation. */
  readonly median: number;
  readonly fastest: number;
  readonly slowest: number;
  readonly samples: number;
  /** The largest |got - want| / (atol + rtol · |want|): at most 1. */
  readonly error: number;
}

/** What became of a contestant: a time, or why there is none. */
export type Outcome = Time | { readonly name: string; readonly failure: string };

export interface CaseResult {
  readonly name: string;
  /** None where there is no such function, or nothing to compare with. */
  readonly lazuli: readonly Outcome[];
  /** Each way in which the peer computes it; none where it cannot. */
  readonly peer: readonly Outcome[];
}

/** How far results are from what is right, in units of what is allowed. */
export function errorOf(results: Results, expected: readonly Expected[], { rtol, atol }: { readonly rtol: number; readonly atol: number }): number {
  if (results.length !== expected.length) throw new Error(`${results.length} results instead of ${expected.length}`);
  let worst = 0;
  for (const [k, { length, positions, values }] of expected.entries()) {
    const got = results[k] ?? [];
    if (got.length !== length) throw new Error(`result ${k} has ${got.length} elements instead of ${length}`);
    for (let i = 0; i < values.length; i++) {
      const [a, b] = [Number(got[positions?.[i] ?? i]), values[i] ?? Number.NaN];
      const error = a === b ? 0 : Math.abs(a - b) / (atol + rtol * Math.abs(b));
      if (!(error <= worst)) worst = error;
    }
  }
  return worst;
}

interface Runner {
  readonly contestant: Contestant;
  readonly error: number;
  /** Evaluations a sample. */
  readonly runs: number;
  /** Of a sample. */
  readonly seconds: number;
  readonly samples: number[];
}

/** Lets timers, finalisers and threads that start have a turn. */
const pause = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve);
  });

/** Runs until the code is warm and the length of a sample is known. */
async function warm(contestant: Contestant, error: number, { warmUp, sampleTime }: Effort): Promise<Runner> {
  let [spent, runs, each] = [0, 1, Number.POSITIVE_INFINITY];
  for (let turn = 0; turn < 2 || spent < warmUp; turn++) {
    await pause();
    const seconds = await contestant.sample(runs);
    spent += seconds;
    each = Math.min(each, seconds / runs);
    runs = Math.max(1, Math.min(Math.ceil(sampleTime / Math.max(each, 1e-9)), 4 * runs));
  }
  return { contestant, error, runs, seconds: runs * each, samples: [] };
}

const messageOf = (error: unknown): string => (error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));

/** A contestant whose results are right and whose code is warm, or what is wrong with it. */
async function ready(contestant: Contestant, problem: Problem, expected: readonly Expected[], effort: Effort): Promise<Runner | Outcome> {
  const { name } = contestant;
  try {
    const error = errorOf(await contestant.results(), expected, problem);
    if (!(error <= 1)) return { name, failure: `wrong: off by ${error.toPrecision(3)} times what is allowed` };
    return await warm(contestant, error, effort);
  } catch (error) {
    return { name, failure: messageOf(error) };
  }
}

async function prepared(peer: Peer, problem: Problem): Promise<readonly (Contestant | Outcome)[]> {
  try {
    return await peer.prepare(problem);
  } catch (error) {
    return [{ name: peer.version, failure: messageOf(error) }];
  }
}

function outcomeOf(entry: Runner | Outcome): Outcome {
  if (!("contestant" in entry)) return entry;
  const { contestant, error, samples } = entry;
  return { name: contestant.name, median: median(samples), fastest: Math.min(...samples), slowest: Math.max(...samples), samples: samples.length, error };
}

/** One sample of each in turn, until there are enough. */
async function takeTurns(runners: readonly Runner[], { samples, caseTime }: Effort): Promise<void> {
  const slowest = Math.max(...runners.map((r) => r.seconds));
  const turns = Math.max(samples, Math.min(Math.ceil(caseTime / slowest), 4 * samples));
  for (let turn = 0; turn < turns; turn++) {
    await pause();
    for (const { contestant, runs, samples } of runners) samples.push((await contestant.sample(runs)) / runs);
  }
}

const isContestant = (entry: Contestant | Outcome): entry is Contestant => "sample" in entry;

/** Checks and times one case; where the peer cannot compute it, nothing is done. */
export async function race(maker: ProblemMaker, { lazuli, peer }: { lazuli: Peer; peer: Peer }, effort: Effort, shrink: number = 1): Promise<CaseResult> {
  const problem = maker.make(shrink);
  const theirs = await prepared(peer, problem);
  if (theirs.length === 0) return { name: problem.name, lazuli: [], peer: [] };
  const expected = problem.expected();
  const sides = [await prepared(lazuli, problem), theirs];
  const entries: (readonly (Runner | Outcome)[])[] = [];
  for (const side of sides) {
    const made: (Runner | Outcome)[] = [];
    for (const entry of side) made.push(isContestant(entry) ? await ready(entry, problem, expected, effort) : entry);
    entries.push(made);
  }
  const runners = entries.flat().filter((entry): entry is Runner => "contestant" in entry);
  if (runners.length > 0) await takeTurns(runners, effort);
  for (const entry of sides.flat()) if (isContestant(entry)) entry.release();
  const [ofLazuli = [], ofPeer = []] = entries.map((side) => side.map(outcomeOf));
  return { name: problem.name, lazuli: ofLazuli, peer: ofPeer };
}
