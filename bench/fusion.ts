/**
 * `npm run bench -- fusion`: each case fused, unfused (the same generator, one primitive a kernel) and by hand, in turns in one
 * process; results are read back and compared first. Writes fusion.json and fusion.svg.
 */
import { configure, counters, evalAllSync, memory } from "../src/index.ts";
import type { Tensor } from "../src/index.ts";
import type { Case, MakeCase } from "./cases.ts";
import { cases } from "./cases.ts";
import { chart } from "./chart.ts";
import type { Effort, Timing } from "./harness.ts";
import { measure, once, timingOf } from "./harness.ts";
import { machine, writeResult } from "./results.ts";
import { table } from "./table.ts";

export interface FusionResult {
  readonly name: string;
  readonly formula: string;
  readonly bytes: number;
  /** Kernels that one evaluation launches. */
  readonly kernels: { readonly fused: number; readonly unfused: number };
  /** Milliseconds of the first evaluation: recording, compiling, running. */
  readonly firstCall: { readonly fused: number; readonly unfused: number };
  /** The largest |got - want| / (atol + rtol · |want|): at most 1. */
  readonly error: number;
  readonly timings: readonly Timing[];
}

interface Evaluated {
  readonly results: readonly Tensor[];
  readonly kernels: number;
}

function evaluated(record: () => readonly Tensor[], fusion: boolean): Evaluated {
  configure({ fusion });
  const before = counters().kernelsLaunched;
  const results = record();
  evalAllSync(...results);
  return { results, kernels: counters().kernelsLaunched - before };
}

const discard = ({ results }: Evaluated): void => results.forEach((x) => x.dispose());

/** How far results are from those by hand, in units of what is allowed. */
function errorOf(results: readonly Tensor[], { out, atol, rtol }: Case): number {
  let worst = 0;
  results.forEach((x, k) => {
    const [got, want] = [x.dataSync(), out[k]];
    if (want === undefined || got.length !== want.length) throw new Error(`result ${k} has ${got.length} elements, by hand ${want?.length}`);
    for (let i = 0; i < want.length; i++) {
      const [a, b] = [got[i] ?? Number.NaN, want[i] ?? Number.NaN];
      const error = a === b ? 0 : Math.abs(a - b) / (atol + rtol * Math.abs(b));
      if (!(error <= worst)) worst = error;
    }
  });
  return worst;
}

export interface Checked {
  /** Milliseconds of the first evaluation. */
  readonly first: number;
  readonly error: number;
  readonly kernels: number;
}

/** Evaluates a case once and compares with what was computed by hand; throws where they differ. */
export function check(c: Case, fusion: boolean): Checked {
  let done: Evaluated = { results: [], kernels: 0 };
  const first = once(() => void (done = evaluated(c.record, fusion)));
  const error = errorOf(done.results, c);
  discard(done);
  configure({ fusion: true });
  if (!(error <= 1)) throw new Error(`${c.name}: ${fusion ? "fused" : "unfused"} results are off by ${error} times what is allowed`);
  return { first, error, kernels: done.kernels };
}

/** Checks a case, then times its variants. */
export async function runCase(make: MakeCase, shrink: number, effort: Effort): Promise<FusionResult> {
  const c = make(shrink);
  c.byHand();
  const [fused, unfused] = [check(c, true), check(c, false)];
  const timings = await measure(
    c.name,
    [
      { name: "fused", run: () => discard(evaluated(c.record, true)) },
      { name: "unfused", run: () => discard(evaluated(c.record, false)) },
      { name: "by hand", run: c.byHand },
    ],
    effort,
  );
  configure({ fusion: true });
  return {
    name: c.name,
    formula: c.formula,
    bytes: c.bytes,
    kernels: { fused: fused.kernels, unfused: unfused.kernels },
    firstCall: { fused: fused.first, unfused: unfused.first },
    error: Math.max(fused.error, unfused.error),
    timings,
  };
}

const ms = (seconds: number): string => (seconds * 1000 >= 100 ? (seconds * 1000).toFixed(0) : (seconds * 1000).toPrecision(3));

function row(r: FusionResult): string[] {
  const [fused, unfused, hand] = ["fused", "unfused", "by hand"].map((name) => timingOf(r.timings, name).median);
  if (fused === undefined || unfused === undefined || hand === undefined) throw new Error("three variants were measured");
  const ratio = (x: number): string => `${x.toFixed(2)}x`;
  return [
    r.name,
    ms(fused),
    ms(unfused),
    ms(hand),
    ratio(unfused / fused),
    ratio(hand / fused),
    `${r.kernels.fused} / ${r.kernels.unfused}`,
    (r.bytes / 1e6).toFixed(1),
    (r.bytes / fused / 1e9).toFixed(1),
    r.firstCall.fused.toFixed(0),
  ];
}

const heading = ["case", "fused ms", "unfused ms", "by hand ms", "unfused/fused", "by hand/fused", "kernels", "MB", "GB/s", "first call ms"];

/** Runs the cases of these names (all where there are none) and writes what was found. */
export async function fusion(names: readonly string[], shrink: number, effort: Effort, folder: string): Promise<void> {
  const results: FusionResult[] = [];
  for (const make of cases) {
    if (names.length > 0 && !names.includes(make(16).name)) continue;
    results.push(await runCase(make, shrink, effort));
  }
  if (results.length === 0) throw new Error(`no case is called ${names.join(" or ")}: there are ${cases.map((make) => make(16).name).join(", ")}`);
  console.log(`\n${table([heading, ...results.map(row)])}\n`);
  const rows = results.map((r) => ({ name: r.name, bars: r.timings.map((t) => ({ variant: t.name, milliseconds: t.median * 1000 })) }));
  writeResult(folder, "fusion.json", JSON.stringify({ ...machine(), shrink, peakBytes: memory().peak, cases: results }, null, 1));
  writeResult(folder, "fusion.svg", chart(`lazuli, ${machine().target} target: median milliseconds of one evaluation (shorter is better)`, rows));
}
