/** What kernels take when they run. */
import { at, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import { hostArray } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import type { Compilation } from "../../compiler/pipeline.ts";
import { CpuBuffer } from "../../runtime/cpu/buffer.ts";
import type { DeviceBuffer, GpuDevice } from "../../runtime/device.ts";
import { cpu, requireGpu } from "../devices.ts";
import type { PlanRequest } from "../requests.ts";
import { gpuInput } from "../slots.ts";

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
  /** The launches in the order of the plan; none on a GPU that has no timestamp queries. */
  readonly kernels: readonly KernelTime[];
}

/** Runs a plan where it was made for, with a clock at each launch, and throws the results away. */
export async function measurePlan(c: Compilation, request: PlanRequest, options: MeasureOptions = {}): Promise<Measurement> {
  const { runs = 10 } = options;
  if (!Number.isInteger(runs) || runs < 1) throw new UnsupportedError(`measure: runs is a count from 1 on, not ${String(runs)}.`);
  return c.target.name === "wgsl" ? measureOnGpu(c, request, runs) : measureOnCpu(c, request, runs);
}

function measureOnCpu(c: Compilation, request: PlanRequest, runs: number): Measurement {
  const times: number[][] = kernelNames(c).map(() => []);
  let launch = 0;
  const watch = { now: () => performance.now(), launched: (took: number) => void at(times, launch++).push(took) };
  const executable = cpu.prepare(c.compiled, watch);
  const inputs = request.buffers.map(cpuMemory);
  const totals: number[] = [];
  for (let run = 0; run <= runs; run++) {
    launch = 0;
    const start = performance.now();
    const outputs = cpu.run(executable, lent(c, inputs), request.scalars);
    totals.push(performance.now() - start);
    for (const o of outputs) o.release();
  }
  for (const made of inputs.filter((b, i) => b !== request.buffers[i]?.slot)) made.release();
  return { runs, ns: medianNs(totals), kernels: kernelNames(c).map((name, i) => ({ name, ns: medianNs(at(times, i)) })) };
}

async function measureOnGpu(c: Compilation, request: PlanRequest, runs: number): Promise<Measurement> {
  const gpu = await requireGpu();
  const executable = gpu.prepare(c.compiled);
  const times: number[][] = kernelNames(c).map(() => []);
  const totals: number[] = [];
  const inputs = request.buffers.map((v) => gpuMemory(v, gpu));
  let timed = true;
  for (let run = 0; run <= runs; run++) {
    const { outputs, launchNs, totalNs } = await gpu.measure(executable, lent(c, inputs), request.scalars);
    totals.push(totalNs / 1e6);
    timed &&= launchNs !== null;
    launchNs?.forEach((ns, i) => at(times, i).push(ns / 1e6));
    for (const o of outputs) o.release();
  }
  return { runs, ns: medianNs(totals), kernels: timed ? kernelNames(c).map((name, i) => ({ name, ns: medianNs(at(times, i)) })) : [] };
}

/** A run takes over the memory of some inputs: it gets handles of their own for these, so that it works on a copy. */
function lent<B extends DeviceBuffer>({ plan }: Compilation, inputs: readonly B[]): DeviceBuffer[] {
  const taken = new Set(plan.buffers.flatMap((b) => (b.donates === null ? [] : [plan.inputs.indexOf(b.donates)])));
  return inputs.map((b, i) => (taken.has(i) ? b.view(b.type) : b));
}

/** The kernel of each launch. */
const kernelNames = ({ plan }: Compilation): string[] => plan.steps.flatMap((s) => (s.kind === "kernel" ? [at(plan.kernels, s.kernel).name] : []));

const zeros = ({ dtype, shape }: Value): HostArray => hostArray(dtype, sizeOf(shape));

/** The memory of an input; one that was only described, or that is not there yet, is all zeros. */
const cpuMemory = (value: Value): CpuBuffer => (value.slot instanceof CpuBuffer ? value.slot : cpu.upload(zeros(value), value.type));

const gpuMemory = (value: Value, gpu: GpuDevice): DeviceBuffer => (hasElements(value) ? gpuInput(value, gpu) : gpu.upload(zeros(value), value.type));

const hasElements = ({ slot }: Value): boolean => slot !== null && slot.device !== null;

/** The first time is that of code that was never run. */
function medianNs(milliseconds: readonly number[]): number {
  const sorted = milliseconds.slice(1).sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  return Math.round((middle ?? 0) * 1e6);
}
