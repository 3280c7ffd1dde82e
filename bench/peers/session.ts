/** One peer's run, in a process or a page of its own: what is asked for and what is said on the way. */
import { configure } from "../../src/index.ts";
import type { Settings } from "../../src/index.ts";
import { openLazuli } from "./lazuli.ts";
import type { Open } from "./peer.ts";
import { problemsNamed } from "./problems.ts";
import type { CaseResult, Effort } from "./race.ts";
import { race } from "./race.ts";

export interface Spec {
  readonly peer: string;
  /** None: all. */
  readonly cases: readonly string[];
  readonly threads: number;
  /** What lazuli generates code for; null: its default. */
  readonly target: Settings["target"] | null;
  readonly effort: Effort;
  readonly shrink: number;
}

/** What runs lazuli. */
export interface Engine {
  /** As in the name of a file: node20, chromium150. */
  readonly name: string;
  readonly version: string;
}

export interface Opened {
  readonly version: string;
  readonly threads: number;
  readonly engine: Engine;
  /** What lazuli generates code for, and on how many threads it runs. */
  readonly target: string;
  readonly lazuliThreads: number;
}

export type Message =
  | { readonly kind: "opened"; readonly opened: Opened }
  | { readonly kind: "case"; readonly result: CaseResult }
  | { readonly kind: "failed"; readonly reason: string };

export interface Place {
  readonly engine: Engine;
  readonly base: string | null;
  readonly send: (message: Message) => void;
}

/** Opens the peer beside lazuli and times every case; what goes wrong is said, not thrown. */
export async function session(spec: Spec, open: Open, { engine, base, send }: Place): Promise<void> {
  try {
    const { target, threads: lazuliThreads } = configure({ threads: spec.threads, ...(spec.target === null ? {} : { target: spec.target }) });
    const lazuli = openLazuli("lazuli", { target, threads: lazuliThreads });
    const peer = await open({ threads: spec.threads, base });
    send({ kind: "opened", opened: { version: peer.version, threads: peer.threads, engine, target, lazuliThreads } });
    for (const problem of problemsNamed(spec.cases)) {
      send({ kind: "case", result: await race(problem, { lazuli, peer }, spec.effort, spec.shrink) });
    }
    peer.close();
  } catch (error) {
    send({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
}
