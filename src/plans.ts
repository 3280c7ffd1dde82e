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
import type { Settings } from "./settings.ts";
import { settings } from "./settings.ts";
import { cpuCode, targetFor } from "./targets.ts";
import { tiledFor } from "./tile-probe.ts";
import { Runs } from "./written.ts";

/** A plan with the stages that it came from, ready to run. */
export interface Prepared {
  readonly compilation: Compilation;
  readonly executable: Executable;
  readonly runs: Runs;
  /** Numbers that it was compiled for: positions among the scalars, and what they are. */
  readonly fixed: readonly Fixed[];
}

type Fixed = readonly [position: number, value: number | undefined];

type AnyDevice = CpuDevice | GpuDevice;

/** The plans of a device under some settings. */
interface Kept {
  readonly settings: Settings;
  readonly target: Target;
  readonly plans: PlanCache<Prepared>;
}

/** Plans by device, for those of a lost device go with it, and by what else decides what a graph becomes. */
const caches = new WeakMap<AnyDevice, { last: Kept | null; readonly byOptions: Map<string, PlanCache<Prepared>> }>();

/** So many sets of plans are kept a device: settings are changed now and then, not back and forth. */
const mostOptions = 16;

function keptFor(device: AnyDevice): Kept {
  const now = settings();
  let cache = caches.get(device);
  if (cache === undefined) caches.set(device, (cache = { last: null, byOptions: new Map() }));
  if (cache.last?.settings === now) return cache.last;
  const target = targetFor(device === cpu ? "cpu" : "webgpu");
  const options = `${targetKey(target)} ${String(now.fusion)} ${String(now.budget)} ${String(now.debug)}`;
  const plans = cache.byOptions.get(options) ?? new PlanCache<Prepared>();
  if (cache.byOptions.size >= mostOptions) cache.byOptions.clear();
  cache.byOptions.set(options, plans);
  return (cache.last = { settings: now, target, plans });
}

/** Compiles without the cache: what `inspect` looks at. `fixed` are scalars, by position, that are taken for constants. */
export function compile({ build, donated, nodes }: PlanRequest, target: Target, fixed?: readonly number[]): Compilation {
  const { fusion, budget, debug } = settings();
  const tiled = cpuCode().runs === "wasm" ? tiledFor(target, nodes, cpu) : target;
  return compileGraph(build(fixed), tiled, { fusion, verify: debug, donated, budget });
}

/** Ends the structure in a key; what follows are positions of donated buffers. */
const donated = -5;

/**
 * The plan for this structure on this device, under the settings of now. Where a gradient goes into zeros, as those of slices do, is a
 * constant at first, so that what lies side by side is put together without a choice; a number that is another one next time is a
 * parameter from then on.
 */
export function prepare(request: PlanRequest, device: AnyDevice): Prepared {
  const { target, plans } = keptFor(device);
  const key = request.donated.length === 0 ? request.key : [...request.key, donated, ...request.donated];
  const known = plans.get(key);
  const { scalars } = request;
  if (known !== undefined && known.fixed.every(([i, n]) => scalars[i] === n)) {
    counters.planHits++;
    return known;
  }
  counters.plansCompiled++;
  const fixed = known === undefined ? request.placing() : known.fixed.flatMap(([i, n]) => (scalars[i] === n ? [i] : []));
  const compilation = compile(request, target, fixed);
  dumpPlan(compilation);
  const made: Prepared = {
    compilation,
    runs: new Runs(compilation.plan),
    executable: device.prepare(compilation.compiled),
    fixed: fixed.map((i): Fixed => [i, scalars[i]]),
  };
  plans.set(key, made);
  return made;
}
