/** One run of a plan: one encoder, one submit. */
import { at, CompilerBug, lookup } from "../../compiler/ir/errors.ts";
import type { Plan, PlanBuffer } from "../../compiler/ir/plan.ts";
import { typeText } from "../../compiler/ir/shape.ts";
import { counters } from "../counters.ts";
import type { Storage, StorageRoom } from "./buffer.ts";
import { wordBytes } from "./buffer.ts";
import { kernelNames } from "./errors.ts";
import type { Action, Launch, WebGpuExecutable } from "./executable.ts";
import { baseOf } from "./executable.ts";
import type { Memory } from "./memory.ts";
import type { Ask } from "./supply.ts";
import type { RunWatch } from "./timing.ts";

/** A run that waits for its turn. The storages are pinned until it had it. */
export interface Job {
  readonly executable: WebGpuExecutable;
  readonly scalars: readonly number[];
  readonly inputs: ReadonlyMap<number, Storage>;
  /** New storages, without memory yet. */
  readonly outputs: ReadonlyMap<number, Storage>;
  /** Give donated inputs back to their handles. */
  readonly undo: (() => void)[];
  /** Null where nobody measures. */
  readonly watch: RunWatch | null;
}

/** Takes one compute pass for dispatches in a row: each sees what those before it wrote. A measured launch has a pass of its own. */
class Recording {
  readonly encoder: GPUCommandEncoder;
  readonly #watch: RunWatch | null;
  #pass: GPUComputePassEncoder | null = null;
  #pipeline: GPUComputePipeline | null = null;

  constructor(device: GPUDevice, label: string, watch: RunWatch | null) {
    this.encoder = device.createCommandEncoder({ label });
    this.#watch = watch;
  }
  launch({ label, step, dispatch }: Launch, pipeline: GPUComputePipeline, group: GPUBindGroup): void {
    const clock = step === null ? null : (this.#watch?.clock ?? null);
    if (step !== null && clock !== null) this.#pass = this.outside.beginComputePass({ label, timestampWrites: clock.writes(step) });
    this.#pass ??= this.encoder.beginComputePass();
    if (this.#pipeline !== pipeline) this.#pass.setPipeline(pipeline);
    this.#pipeline = pipeline;
    this.#pass.setBindGroup(0, group);
    this.#pass.dispatchWorkgroups(...dispatch);
    if (clock !== null) void this.outside;
  }
  /** The encoder, outside of a pass. */
  get outside(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = null;
    this.#pipeline = null;
    return this.encoder;
  }
}

/** Memory that a job asks for: an output by its buffer, or what is only there during the run. */
export interface Need extends Ask {
  readonly of: number | "arena" | "scratch";
}

/** Its temporaries, room for copies among them, and the outputs that take over no input's memory. */
export function needsOf(job: Job): Need[] {
  const { executable } = job;
  const { plan } = executable.compiled;
  const needs: Need[] = [];
  const ask = (of: Need["of"], bytes: number, what: () => string): void => void needs.push({ of, bytes, what: () => `plan ${plan.name}: ${what()}` });
  if (plan.arenaBytes > 0) ask("arena", plan.arenaBytes, () => `the arena of its intermediate values (kernels ${kernelNames(plan)})`);
  if (executable.scratchBytes > 0) ask("scratch", executable.scratchBytes, () => "a copy of an intermediate value");
  for (const id of job.outputs.keys()) {
    const declared = executable.buffer(id);
    if (!takesOver(job, declared)) ask(id, declared.bytes, () => `the value ${typeText(declared.type)}${storedBy(plan, id)}`);
  }
  return needs;
}

/** Whether an output is given the memory of an input that nothing else needs. */
const takesOver = ({ inputs }: Job, { donates }: PlanBuffer): boolean => donates !== null && lookup(inputs, donates, "a donated input").isLastUse;

function storedBy(plan: Plan, id: number): string {
  for (const step of plan.steps) {
    if (step.kind !== "kernel" || !step.buffers.includes(id)) continue;
    const kernel = at(plan.kernels, step.kernel);
    if (at(kernel.buffers, step.buffers.indexOf(id)).access !== "read") return ` that kernel ${kernel.name} stores`;
  }
  return "";
}

/** Encodes and submits a job whose pipelines are there, in memory that was found for its needs. */
export function submit(job: Job, room: StorageRoom, found: ReadonlyMap<Need["of"], Memory>): void {
  const { executable } = job;
  const { plan } = executable.compiled;
  const { device } = executable.workshop;
  const [arena, scratch] = [found.get("arena"), found.get("scratch")];
  try {
    const recording = new Recording(device, plan.name, job.watch);
    const memories = bindMemories(job, room, { found, recording });
    const memoryOf = (id: number): Memory => (executable.buffer(id).role === "temp" ? (arena ?? missing()) : lookup(memories, id, "the memory of a buffer"));
    const uniforms = executable.uniformsFor(job.scalars);
    for (const action of executable.actions) record(action, executable, { recording, uniforms, memoryOf, scratch });
    job.watch?.clock?.collect(recording.outside);
    const work = recording.outside.finish();
    if (job.watch === null) device.queue.submit([work]);
    else job.watch.submit(work);
    counters.plansRun++;
    counters.kernelsLaunched += executable.kernelSteps;
  } finally {
    if (arena !== undefined) room.pool.give(arena);
    if (scratch !== undefined) room.pool.give(scratch);
  }
}

function missing(): never {
  throw new CompilerBug("a run was given no memory for its arena or an output");
}

interface Setting {
  readonly recording: Recording;
  readonly uniforms: GPUBuffer;
  readonly memoryOf: (buffer: number) => Memory;
  readonly scratch: Memory | undefined;
}

function record(action: Action, executable: WebGpuExecutable, { recording, uniforms, memoryOf, scratch }: Setting): void {
  const start = (id: number): number => 4 * baseOf(executable.buffer(id));
  switch (action.kind) {
    case "launch": {
      if (action.pipeline === null) throw new CompilerBug(`${action.label} has no pipeline yet`);
      recording.launch(action, action.pipeline, executable.bindGroup(action, uniforms, memoryOf));
      return;
    }
    case "copy":
      copy(
        recording,
        { from: memoryOf(action.from), to: memoryOf(action.to), start: start(action.from), target: start(action.to), bytes: action.bytes },
        scratch,
      );
      return;
    case "clear":
      recording.outside.clearBuffer(memoryOf(action.buffer).gpu, start(action.buffer), action.bytes);
  }
}

interface Copy {
  readonly from: Memory;
  readonly to: Memory;
  readonly start: number;
  readonly target: number;
  readonly bytes: number;
}

/** Within one memory by way of a scratch: WebGPU copies between two buffers only. */
function copy({ outside }: Recording, { from, to, start, target, bytes }: Copy, scratch?: Memory): void {
  if (from !== to) {
    outside.copyBufferToBuffer(from.gpu, start, to.gpu, target, bytes);
    return;
  }
  if (start === target) return;
  if (scratch === undefined) throw new CompilerBug("a plan copies within one memory and has no scratch");
  outside.copyBufferToBuffer(from.gpu, start, scratch.gpu, 0, bytes);
  outside.copyBufferToBuffer(scratch.gpu, 0, to.gpu, target, bytes);
}

interface Sources {
  readonly found: ReadonlyMap<Need["of"], Memory>;
  readonly recording: Recording;
}

/** The memory of each input and output. Where a donated input's memory is not taken over, the output starts as a copy. */
function bindMemories(job: Job, room: StorageRoom, { found, recording }: Sources): Map<number, Memory> {
  const memories = new Map<number, Memory>();
  for (const [id, { memory }] of job.inputs) if (memory !== null) memories.set(id, memory);
  for (const [id, storage] of job.outputs) {
    const declared = job.executable.buffer(id);
    const given = declared.donates === null ? null : lookup(job.inputs, declared.donates, "a donated input");
    const own = found.get(id);
    const memory = own ?? (given === null ? null : room.withdraw(given)) ?? missing();
    room.assign(storage, memory);
    memories.set(id, memory);
    if (own === undefined) counters.donations++;
    else countNew(declared);
    if (declared.donates === null) continue;
    const old = lookup(memories, declared.donates, "the memory of a donated input");
    if (declared.bytes > 0) copy(recording, { from: old, to: memory, start: 0, target: 0, bytes: wordBytes(declared.type) });
    memories.set(declared.donates, memory);
  }
  return memories;
}

function countNew({ bytes }: PlanBuffer): void {
  counters.buffersAllocated++;
  counters.bytesAllocated += bytes;
}

/** Why a job cannot be done: its plan could not be made ready, or one of its inputs could not be made. */
export function obstacle({ executable, inputs }: Job): Error | null {
  if (executable.failure !== null) return executable.failure;
  for (const { failure } of inputs.values()) if (failure !== null) return failure;
  return null;
}

/** Lets go of what a job pinned. */
export function release({ inputs, outputs }: Job): void {
  for (const storage of [...inputs.values(), ...outputs.values()]) storage.unpin();
}

interface JobOptions {
  readonly scalars: readonly number[];
  readonly watch: RunWatch | null;
  readonly make: () => Storage;
}

/** The storages that a run needs, pinned: those of its inputs, and new ones for its outputs. */
export function jobOf(executable: WebGpuExecutable, inputs: readonly Storage[], { scalars, watch, make }: JobOptions): Job {
  const { plan } = executable.compiled;
  const given = new Map(plan.inputs.map((id, i) => [id, at(inputs, i)]));
  const outputs = new Map(plan.buffers.filter((b) => b.role === "output").map((b) => [b.id, make()]));
  for (const storage of [...given.values(), ...outputs.values()]) storage.pin();
  return { executable, scalars, inputs: given, outputs, undo: [], watch };
}
