/** What kernels take when they run. */
import { at, UnsupportedError } from "../../compiler/ir/errors.ts";
import { hostArray } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import type { Canonical } from "../../compiler/passes/canonicalize.ts";
import type { Compilation } from "../../compiler/pipeline.ts";
import { CpuBuffer } from "../../runtime/cpu/buffer.ts";
import { cpu } from "../devices.ts";

export interface MeasureOptions {
  /** How often the plan runs; times are the medians of all runs but the first. 10 unless told. */
  readonly runs?: number;
}

export interface KernelTime {
  readonly name: string;
  /** Nanoseconds of one launch. */
  readonly ns: number;
}

export interface Measurement {
  readonly runs: number;
  /** Nanoseconds of the whole plan: kernels, copies, and finding memory. */
  readonly ns: number;
  /** The launches in the order of the plan. */
  readonly kernels: readonly KernelTime[];
}

/** Runs a plan on the CPU, reads the clock around each launch, and throws the results away. */
export function measurePlan(c: Compilation, canonical: Canonical, options: MeasureOptions = {}): Measurement {
  const { runs = 10 } = options;
  if (!Number.isInteger(runs) || runs < 1) throw new UnsupportedError(`measure: runs is a count from 1 on, not ${String(runs)}.`);
  if (c.target.name !== "js") throw new UnsupportedError(`measure: ${c.target.name} plans do not run yet. Measure without { target }.`);
  const times: number[][] = kernelNames(c).map(() => []);
  let launch = 0;
  const watch = { now: () => performance.now(), launched: (took: number) => void at(times, launch++).push(took) };
  const executable = cpu.prepare(c.compiled, watch);
  const inputs = canonical.buffers.map(inputOf);
  const totals: number[] = [];
  for (let run = 0; run <= runs; run++) {
    launch = 0;
    const start = performance.now();
    const outputs = cpu.run(executable, inputs, canonical.scalars);
    totals.push(performance.now() - start);
    for (const o of outputs) o.release();
  }
  for (const made of inputs.filter((b, i) => b !== canonical.buffers[i]?.slot)) made.release();
  return { runs, ns: medianNs(totals), kernels: kernelNames(c).map((name, i) => ({ name, ns: medianNs(at(times, i)) })) };
}

/** The kernel of each launch. */
const kernelNames = ({ plan }: Compilation): string[] => plan.steps.flatMap((s) => (s.kind === "kernel" ? [at(plan.kernels, s.kernel).name] : []));

/** The memory of an input; one that was only described is all zeros. */
function inputOf(value: Value): CpuBuffer {
  if (value.slot instanceof CpuBuffer) return value.slot;
  return cpu.upload(hostArray(value.dtype, sizeOf(value.shape)), value.type);
}

/** The first time is that of code that was never run. */
function medianNs(milliseconds: readonly number[]): number {
  const sorted = milliseconds.slice(1).sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  return Math.round((middle ?? 0) * 1e6);
}
