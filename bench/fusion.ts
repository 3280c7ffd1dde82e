/**
 * `npm run bench -- fusion`: each case fused, unfused (the same generator, one primitive a kernel) and by hand, in turns in one
 * process; results are read back and compared first. Writes fusion.json and fusion.svg. With `--device webgpu` the same on a GPU
 * (fusion-webgpu.*): dispatches, and times until the GPU is done. With `--target js` on generated JavaScript (fusion-js.*).
 */
import { configure, counters, DeviceError, evalAll, evalAllSync, inspect, memory, synchronize } from "../src/index.ts";
import type { GpuInfo, Tensor } from "../src/index.ts";
import type { Case, MakeCase } from "./cases.ts";
import { cases } from "./cases.ts";
import { chart } from "./chart.ts";
import type { Effort, Timing, Variant } from "./harness.ts";
import { measure, once, ratioOf, timingOf } from "./harness.ts";
import { machine, writeResult } from "./results.ts";
import { table } from "./table.ts";

export interface FusionResult {
  readonly name: string;
  readonly formula: string;
  readonly bytes: number;
  /** Kernels that one evaluation launches. */
  readonly kernels: { readonly fused: number; readonly unfused: number };
  /** Bytes that kernels load and store, counted in their loops. */
  readonly moved: { readonly fused: number; readonly unfused: number };
  /** Milliseconds of the first evaluation: recording, compiling, running. */
  readonly firstCall: { readonly fused: number; readonly unfused: number };
  /** The largest |got - want| / (atol + rtol · |want|): at most 1. */
  readonly error: number;
  readonly timings: readonly Timing[];
}

/** Where a suite runs, how long, and where its results go. */
export interface Suite {
  readonly shrink: number;
  readonly effort: Effort;
  readonly folder: string;
  /** The GPU that computes; null: the CPU. */
  readonly gpu: GpuInfo | null;
}

/** Records and evaluates; on the CPU it is done when the call returns. */
function evaluated(record: () => readonly Tensor[], fusion: boolean): readonly Tensor[] {
  configure({ fusion });
  const results = record();
  evalAllSync(...results);
  return results;
}

const discard = (results: readonly Tensor[]): void => results.forEach((x) => x.dispose());

/** One evaluation: on a GPU until it is done there, with nothing read back. */
function variant(c: Case, fusion: boolean, gpu: GpuInfo | null): Variant {
  const name = fusion ? "fused" : "unfused";
  if (gpu === null) return { name, run: () => discard(evaluated(c.record, fusion)) };
  const run = async (): Promise<void> => {
    configure({ fusion });
    const results = c.record();
    await evalAll(...results);
    await synchronize();
    discard(results);
  };
  return { name, run };
}

/** How far results are from those by hand, in units of what is allowed. */
async function errorOf(results: readonly Tensor[], { out, atol, rtol }: Case): Promise<number> {
  let worst = 0;
  for (const [k, x] of results.entries()) {
    const [got, want] = [await x.data(), out[k]];
    if (want === undefined || got.length !== want.length) throw new Error(`result ${k} has ${got.length} elements, by hand ${want?.length}`);
    for (let i = 0; i < want.length; i++) {
      const [a, b] = [got[i] ?? Number.NaN, want[i] ?? Number.NaN];
      const error = a === b ? 0 : Math.abs(a - b) / (atol + rtol * Math.abs(b));
      if (!(error <= worst)) worst = error;
    }
  }
  return worst;
}

export interface Checked {
  /** Milliseconds of the first evaluation. */
  readonly first: number;
  readonly error: number;
  readonly kernels: number;
  /** Bytes that its kernels load and store, counted in their loops. */
  readonly moved: number;
}

/** Evaluates a case once and compares with what was computed by hand; throws where they differ. */
export async function check(c: Case, fusion: boolean): Promise<Checked> {
  configure({ fusion });
  let results: readonly Tensor[] = [];
  const before = counters().kernelsLaunched;
  const first = await once(async () => {
    results = c.record();
    await evalAll(...results);
    await synchronize();
  });
  const kernels = counters().kernelsLaunched - before;
  const error = await errorOf(results, c);
  const { bytes } = inspect([...c.record()]);
  discard(results);
  configure({ fusion: true });
  if (!(error <= 1)) throw new Error(`${c.name}: ${fusion ? "fused" : "unfused"} results are off by ${error} times what is allowed`);
  return { first, error, kernels, moved: bytes };
}

/** Checks a case, then times its variants. */
export async function runCase(make: MakeCase, { shrink, effort, gpu }: Suite): Promise<FusionResult> {
  const c = make(shrink);
  c.byHand();
  const [fused, unfused] = [await check(c, true), await check(c, false)];
  const byHand = gpu === null ? [{ name: "by hand", run: c.byHand, rounds: 3 }] : [];
  const timings = await measure(c.name, [variant(c, true, gpu), variant(c, false, gpu), ...byHand], effort);
  configure({ fusion: true });
  return {
    name: c.name,
    formula: c.formula,
    bytes: c.bytes,
    kernels: { fused: fused.kernels, unfused: unfused.kernels },
    moved: { fused: fused.moved, unfused: unfused.moved },
    firstCall: { fused: fused.first, unfused: unfused.first },
    error: Math.max(fused.error, unfused.error),
    timings,
  };
}

const ms = (seconds: number): string => (seconds * 1000 >= 100 ? (seconds * 1000).toFixed(0) : (seconds * 1000).toPrecision(3));

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

function row(r: FusionResult): string[] {
  const timing = (name: string): Timing => timingOf(r.timings, name);
  const median = (name: string): number => timing(name).median;
  const [fused, unfused] = [median("fused"), median("unfused")];
  const ratio = (x: number): string => `${x.toFixed(2)}x`;
  const hand = r.timings.some((t) => t.name === "by hand") ? median("by hand") : null;
  return [
    r.name,
    ms(fused),
    ms(unfused),
    ...(hand === null ? [] : [ms(hand)]),
    ratio(ratioOf(timing("fused"), timing("unfused"))),
    ...(hand === null ? [] : [ratio(ratioOf(timing("fused"), timing("by hand")))]),
    `${r.kernels.fused} / ${r.kernels.unfused}`,
    megabytes(r.bytes),
    `${megabytes(r.moved.fused)} / ${megabytes(r.moved.unfused)}`,
    (r.bytes / fused / 1e9).toFixed(1),
    r.firstCall.fused.toFixed(0),
  ];
}

const headingOf = (gpu: GpuInfo | null): string[] => [
  "case",
  "fused ms",
  "unfused ms",
  ...(gpu === null ? ["by hand ms"] : []),
  "fused/unfused",
  ...(gpu === null ? ["fused/by hand"] : []),
  gpu === null ? "kernels" : "dispatches",
  "MB in and out",
  "MB moved, fused / unfused",
  "GB/s",
  "first call ms",
];

/** Runs the cases of these names (all where there are none) and writes what was found; a case that the device cannot hold is named, and the rest goes on. */
export async function fusion(names: readonly string[], suite: Suite): Promise<void> {
  const results: FusionResult[] = [];
  const tooLarge: string[] = [];
  for (const make of cases) {
    if (names.length > 0 && !names.includes(make(16).name)) continue;
    const result = await runCase(make, suite).catch((error: unknown): string => {
      if (error instanceof DeviceError) return `${make(16).name} does not fit: ${error.message}`;
      throw error;
    });
    if (typeof result === "string") tooLarge.push(result);
    else results.push(result);
    console.log(
      typeof result === "string" ? result : `fused / unfused ${ratioOf(timingOf(result.timings, "fused"), timingOf(result.timings, "unfused")).toFixed(2)}`,
    );
  }
  if (results.length + tooLarge.length === 0)
    throw new Error(`no case is called ${names.join(" or ")}: there are ${cases.map((make) => make(16).name).join(", ")}`);
  const on = machine(suite.gpu);
  console.log(`\n${on.target}\n${table([headingOf(suite.gpu), ...results.map(row)])}\n${tooLarge.map((line) => `${line}\n`).join("")}`);
  const rows = results.map((r) => ({ name: r.name, bars: r.timings.map((t) => ({ variant: t.name, milliseconds: t.median * 1000 })) }));
  const name = ["fusion", ...(suite.gpu === null ? [] : ["webgpu"]), ...(configure().target === "js" ? ["js"] : [])].join("-");
  writeResult(suite.folder, `${name}.json`, JSON.stringify({ ...on, shrink: suite.shrink, peakBytes: memory().peak, cases: results, tooLarge }, null, 1));
  writeResult(suite.folder, `${name}.svg`, chart(`lazuli, ${on.target}: median milliseconds of one evaluation (shorter is better)`, rows));
}
