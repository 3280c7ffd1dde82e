/** What `configure` sets: for the whole process, from the next evaluation on. */
import { UnsupportedError } from "../compiler/ir/errors.ts";
import type { DeviceName } from "./devices.ts";
import { cpu, requireDevice } from "./devices.ts";

export interface Settings {
  /** Where new tensors live that no other device was named for; arrays live on the CPU. A GPU is opened by the first evaluation there. */
  readonly device: DeviceName;
  /** What code runs on the CPU. Where a page's policy forbids it, the next one does: wasm, js, interpreter. `explain` says so then. */
  readonly target: CpuTarget;
  /** Whether ops are fused into kernels; without, each takes one. */
  readonly fusion: boolean;
  /** Threads that work together on a large kernel: as many as there are cores, up to eight. 1 turns them off. No result depends on it. */
  readonly threads: number;
  /** Whether results are the same bits on every engine: without, kernels use relaxed vector operations where the engine has them. */
  readonly deterministic: boolean;
  /**
   * Bytes that one plan may need while it runs, for inputs, outputs and temporaries: its steps are ordered to need no more, where that
   * can be, and `inspect(x).text("plan")` says where it cannot. null: as many as it takes.
   */
  readonly budget: number | null;
  /** Checks the IR after every pass, and records the user's line of every node. */
  readonly debug: boolean;
}

/** What code runs on the CPU. */
export type CpuTarget = "wasm" | "js" | "interpreter";

/** In the order in which one stands in for another. */
export const cpuTargets: readonly CpuTarget[] = ["wasm", "js", "interpreter"];

const mostThreads = 64;

const initial: Settings = { device: "cpu", target: "wasm", fusion: true, threads: cpu.threads, deterministic: false, budget: null, debug: false };
let current: Settings = initial;

/** What is set now. */
export const settings = (): Settings => current;

/**
 * Changes settings; gives all of them. Throws where one is unknown or not there yet, and changes nothing then.
 *
 * @example
 * configure({ fusion: false }).fusion; // → false
 * configure({ fusion: true }).fusion; // → true
 */
export function configure(changes: Partial<Settings> = {}): Settings {
  for (const key of Object.keys(changes)) {
    if (!Object.hasOwn(initial, key)) throw new UnsupportedError(`configure: there is no setting ${key}. There are ${Object.keys(initial).join(", ")}.`);
  }
  const next = { ...current, ...changes };
  requireDevice("configure", next.device);
  if (!cpuTargets.includes(next.target))
    throw new UnsupportedError(`configure: there is no target ${JSON.stringify(next.target)}. There are ${cpuTargets.join(", ")}.`);
  if (!Number.isInteger(next.threads) || next.threads < 1 || next.threads > mostThreads)
    throw new UnsupportedError(`configure: threads is a count from 1 to ${mostThreads}, not ${String(next.threads)}.`);
  if (next.budget !== null && !(Number.isSafeInteger(next.budget) && next.budget > 0))
    throw new UnsupportedError(`configure: budget is a number of bytes, or null, not ${String(next.budget)}.`);
  for (const key of ["fusion", "deterministic", "debug"] as const) {
    if (typeof next[key] !== "boolean") throw new UnsupportedError(`configure: ${key} is true or false, not ${String(next[key])}.`);
  }
  cpu.threads = next.threads;
  current = next;
  return current;
}
