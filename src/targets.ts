/** What code is generated: for the CPU by what is set and what the page allows, for a GPU by what its adapter has. */
import type { Target } from "../compiler/target.ts";
import { js, wasm, wgsl } from "../compiler/target.ts";
import { runsRelaxed, runsScript, runsWasm } from "../runtime/cpu/engine.ts";
import type { DeviceName } from "./devices.ts";
import { cpu, openedGpu } from "./devices.ts";
import type { CpuTarget, Settings } from "./settings.ts";
import { settings } from "./settings.ts";

/** What runs on the CPU now. */
export interface CpuCode {
  readonly runs: CpuTarget;
  /** What is generated: where the interpreter runs, what would be if it could. */
  readonly target: Target;
  /** Why it is not what was asked for; null where it is. */
  readonly instead: string | null;
}

const noWasm = "WebAssembly with vectors may not be compiled here (does the page's policy lack 'wasm-unsafe-eval'?)";
const noScript = "JavaScript may not be generated here (does the page's policy lack 'unsafe-eval'?)";

function choose({ target, deterministic }: Settings): CpuCode {
  const reasons: string[] = [];
  if (target === "wasm") {
    const { kind } = cpu.heap;
    if (kind !== "array" && runsWasm()) {
      return { runs: "wasm", target: { ...wasm, sharedMemory: kind === "shared", relaxed: !deterministic && runsRelaxed() }, instead: null };
    }
    reasons.push(noWasm);
  }
  if (target !== "interpreter") {
    if (runsScript()) return { runs: "js", target: js, instead: reasons.length === 0 ? null : `${reasons.join(", and ")}: js runs instead` };
    reasons.push(noScript);
  }
  return { runs: "interpreter", target: js, instead: reasons.length === 0 ? null : `${reasons.join(", and ")}: the interpreter's closures run instead` };
}

let chosenFor: Settings | null = null;
let chosen: CpuCode | null = null;

/** What runs on the CPU under the settings of now. */
export function cpuCode(): CpuCode {
  const now = settings();
  if (chosen === null || chosenFor !== now) [chosenFor, chosen] = [now, choose(now)];
  return chosen;
}

/** More bindings than this help no fusion, and cost at each launch. */
const mostBindings = 32;

/** What is generated for a device: for a GPU by what its adapter has, once that is known. */
export function targetFor(device: DeviceName): Target {
  if (device === "cpu") return cpuCode().target;
  const info = openedGpu()?.info;
  if (info === undefined) return wgsl;
  const bindings = info.limits["maxStorageBuffersPerShaderStage"] ?? wgsl.maxBindings;
  // lanes that a CPU plays take long to meet, and its workgroup memory is no faster than other memory
  return { ...wgsl, maxBindings: Math.min(bindings, mostBindings), groupMemoryPays: !info.isSoftware };
}
