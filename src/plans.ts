/** Compiled plans: made once for a structure, then found by its key. */
import type { Canonical } from "../compiler/passes/canonicalize.ts";
import type { Compilation } from "../compiler/pipeline.ts";
import { compileGraph } from "../compiler/pipeline.ts";
import type { Target } from "../compiler/target.ts";
import { js, targetKey } from "../compiler/target.ts";
import { counters } from "../runtime/counters.ts";
import type { Executable } from "../runtime/device.ts";
import { PlanCache } from "../runtime/plan-cache.ts";
import { cpu } from "./devices.ts";
import { dumpPlan } from "./inspect/dump.ts";
import { settings } from "./settings.ts";

/** A plan with the stages that it came from, ready to run. */
export interface Prepared {
  readonly compilation: Compilation;
  readonly executable: Executable;
}

const cache = new PlanCache<Prepared>();

/** The target that the settings name. */
export const currentTarget = (): Target => js;

/** Compiles without the cache and without a device: what `inspect` looks at. */
export function compile(canonical: Canonical, target: Target): Compilation {
  const { fusion, debug } = settings();
  return compileGraph(canonical.build(), target, { fusion, verify: debug });
}

/** The plan for this structure under the settings of now. */
export function prepare(canonical: Canonical): Prepared {
  const target = currentTarget();
  const { fusion, debug } = settings();
  const key = `${targetKey(target)}|${String(fusion)}|${String(debug)}|${canonical.key}`;
  const known = cache.get(key);
  if (known !== undefined) {
    counters.planHits++;
    return known;
  }
  counters.plansCompiled++;
  const compilation = compile(canonical, target);
  dumpPlan(compilation);
  const made = { compilation, executable: cpu.prepare(compilation.compiled) };
  cache.set(key, made);
  return made;
}
