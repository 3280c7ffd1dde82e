/** What `configure` sets: for the whole process, from the next evaluation on. */
import { UnsupportedError } from "../compiler/ir/errors.ts";
import type { DeviceName } from "./devices.ts";
import { requireDevice } from "./devices.ts";

export interface Settings {
  /** Where new tensors live that no other device was named for; arrays live on the CPU. A GPU is opened by the first evaluation there. */
  readonly device: DeviceName;
  /** What code is generated for the CPU. */
  readonly target: "wasm" | "js" | "interpreter";
  /** Whether ops are fused into kernels; without, each takes one. */
  readonly fusion: boolean;
  readonly threads: number;
  /** Whether results may not depend on scheduling. */
  readonly deterministic: boolean;
  /** Checks the IR after every pass, and records the user's line of every node. */
  readonly debug: boolean;
}

const initial: Settings = { device: "cpu", target: "js", fusion: true, threads: 1, deterministic: true, debug: false };
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
  if (next.target !== "js" && next.target !== "interpreter")
    throw new UnsupportedError(`configure: there is no target ${JSON.stringify(next.target)} yet. Use "js" or "interpreter".`);
  if (next.threads !== 1) throw new UnsupportedError(`configure: ${next.threads} threads are not there yet. Use 1.`);
  for (const key of ["fusion", "deterministic", "debug"] as const) {
    if (typeof next[key] !== "boolean") throw new UnsupportedError(`configure: ${key} is true or false, not ${String(next[key])}.`);
  }
  current = next;
  return current;
}
