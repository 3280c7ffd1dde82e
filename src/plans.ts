/** Compiled plans: made once for a structure, then found by its key. */
import type { Compilation } from "../compiler/pipeline.ts";
import { compileGraph } from "../compiler/pipeline.ts";
import type { Target } from "../compiler/target.ts";
import { targetKey } from "../compiler/target.ts";
import type { CpuDevice } from "../runtime/cpu/device.ts";
import { counters } from "../runtime/counters.ts";
import type { Executable, GpuDevice } from "../runtime/device.ts";
import { PlanCache } from "../runtime/plan-cache.ts";
import { cpu } from "./devices.ts";
import { dumpPlan } from "./inspect/dump.ts";
import type { PlanRequest } from "./requests.ts";
import { settings } from "./settings.ts";
import { targetFor } from "./targets.ts";
import { Runs } from "./written.ts";

/** A plan with the stages that it came from, ready to run. */
export interface Prepared {
  readonly compilation: Compilation;
  readonly executable: Executable;
  readonly runs: Runs;
}

type AnyDevice = CpuDevice | GpuDevice;

/** Plans by device: those of a lost device go with it. */
const caches = new WeakMap<AnyDevice, PlanCache<Prepared>>();

function cacheOf(device: AnyDevice): PlanCache<Prepared> {
  const known = caches.get(device);
  if (known !== undefined) return known;
  const made = new PlanCache<Prepared>();
  caches.set(device, made);
  return made;
}

/** Compiles without the cache and without a device: what `inspect` looks at. */
export function compile({ build, donated }: PlanRequest, target: Target): Compilation {
  const { fusion, debug } = settings();
  return compileGraph(build(), target, { fusion, verify: debug, donated });
}

/** The plan for this structure on this device, under the settings of now. */
export function prepare(request: PlanRequest, device: AnyDevice): Prepared {
  const target = targetFor(device === cpu ? "cpu" : "webgpu");
  const cache = cacheOf(device);
  const { fusion, debug } = settings();
  const key = `${targetKey(target)}|${String(fusion)}|${String(debug)}|${request.donated.join()}|${request.key}`;
  const known = cache.get(key);
  if (known !== undefined) {
    counters.planHits++;
    return known;
  }
  counters.plansCompiled++;
  const compilation = compile(request, target);
  dumpPlan(compilation);
  const made = { compilation, runs: new Runs(compilation.plan), executable: device.prepare(compilation.compiled) };
  cache.set(key, made);
  return made;
}
