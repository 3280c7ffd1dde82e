/** One run of a plan: one encoder, one submit. */
import { at, CompilerBug, lookup } from "../../compiler/ir/errors.ts";
import type { PlanBuffer } from "../../compiler/ir/plan.ts";
import { counters } from "../counters.ts";
import type { Storage, StorageRoom } from "./buffer.ts";
import { wordBytes } from "./buffer.ts";
import type { Action, WebGpuExecutable } from "./executable.ts";
import { baseOf } from "./executable.ts";
import type { Memory } from "./memory.ts";

/** A run that waits for its turn. The storages are retained until it had it. */
export interface Job {
  readonly executable: WebGpuExecutable;
  readonly scalars: readonly number[];
  readonly inputs: ReadonlyMap<number, Storage>;
  /** New storages, without memory yet. */
  readonly outputs: ReadonlyMap<number, Storage>;
}

/** Takes one compute pass for dispatches in a row: each sees what those before it wrote. */
class Recording {
  readonly encoder: GPUCommandEncoder;
  #pass: GPUComputePassEncoder | null = null;
  #pipeline: GPUComputePipeline | null = null;

  constructor(device: GPUDevice, label: string) {
    this.encoder = device.createCommandEncoder({ label });
  }
  dispatch(pipeline: GPUComputePipeline, group: GPUBindGroup, groups: readonly [number, number, 1]): void {
    this.#pass ??= this.encoder.beginComputePass();
    if (this.#pipeline !== pipeline) this.#pass.setPipeline(pipeline);
    this.#pipeline = pipeline;
    this.#pass.setBindGroup(0, group);
    this.#pass.dispatchWorkgroups(...groups);
  }
  /** The encoder, outside of a pass. */
  get outside(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = null;
    this.#pipeline = null;
    return this.encoder;
  }
}

/** Encodes and submits a job whose pipelines are there. Outputs get their memory; `fresh` hears of memory that is new. */
export function submit(job: Job, room: StorageRoom, fresh: (memory: Memory) => void): void {
  const { executable } = job;
  const { plan } = executable.compiled;
  const { device } = executable.workshop;
  const arena = plan.arenaBytes > 0 ? room.pool.take(plan.arenaBytes, fresh) : null;
  try {
    const recording = new Recording(device, plan.name);
    const memories = bindMemories(job, room, { fresh, recording });
    const memoryOf = (id: number): Memory => (executable.buffer(id).role === "temp" ? (arena ?? missing()) : lookup(memories, id, "the memory of a buffer"));
    const uniforms = executable.uniformsFor(job.scalars);
    for (const action of executable.actions) record(action, executable, { recording, uniforms, memoryOf });
    device.queue.submit([recording.outside.finish()]);
    counters.plansRun++;
    counters.kernelsLaunched += executable.kernelSteps;
  } finally {
    if (arena !== null) room.pool.give(arena);
  }
}

function missing(): never {
  throw new CompilerBug("a plan with temporaries has no arena");
}

interface Setting {
  readonly recording: Recording;
  readonly uniforms: GPUBuffer;
  readonly memoryOf: (buffer: number) => Memory;
}

function record(action: Action, executable: WebGpuExecutable, { recording, uniforms, memoryOf }: Setting): void {
  const start = (id: number): number => 4 * baseOf(executable.buffer(id));
  switch (action.kind) {
    case "launch": {
      if (action.pipeline === null) throw new CompilerBug(`${action.label} has no pipeline yet`);
      recording.dispatch(action.pipeline, executable.bindGroup(action, uniforms, memoryOf), action.dispatch);
      return;
    }
    case "copy":
      copy(recording, { from: memoryOf(action.from), to: memoryOf(action.to), start: start(action.from), target: start(action.to), bytes: action.bytes });
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

const copy = (recording: Recording, { from, to, start, target, bytes }: Copy): void =>
  recording.outside.copyBufferToBuffer(from.gpu, start, to.gpu, target, bytes);

/** The memory of each input and output. A donated input that nobody else owns gives its memory away; else the output starts as a copy. */
function bindMemories(job: Job, room: StorageRoom, { fresh, recording }: { fresh: (m: Memory) => void; recording: Recording }): Map<number, Memory> {
  const memories = new Map<number, Memory>();
  for (const [id, { memory }] of job.inputs) if (memory !== null) memories.set(id, memory);
  for (const [id, storage] of job.outputs) {
    const declared = job.executable.buffer(id);
    const given = declared.donates === null ? null : lookup(job.inputs, declared.donates, "a donated input");
    const taken = given !== null && given.owners === 1 ? room.withdraw(given) : null;
    const memory = taken ?? room.pool.take(declared.bytes, fresh);
    room.assign(storage, memory);
    memories.set(id, memory);
    if (taken !== null) counters.donations++;
    else countNew(declared);
    if (declared.donates === null) continue;
    const old = lookup(memories, declared.donates, "the memory of a donated input");
    if (taken === null && declared.bytes > 0) copy(recording, { from: old, to: memory, start: 0, target: 0, bytes: wordBytes(declared.type) });
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

/** Lets go of what a job retained. */
export function release({ inputs, outputs }: Job): void {
  for (const storage of [...inputs.values(), ...outputs.values()]) storage.release();
}

/** The storages that a run needs, retained: those of its inputs, and new ones for its outputs. */
export function jobOf(executable: WebGpuExecutable, inputs: readonly Storage[], { scalars, make }: { scalars: readonly number[]; make: () => Storage }): Job {
  const { plan } = executable.compiled;
  const given = new Map(plan.inputs.map((id, i) => [id, at(inputs, i)]));
  const outputs = new Map(plan.buffers.filter((b) => b.role === "output").map((b) => [b.id, make()]));
  for (const storage of [...given.values(), ...outputs.values()]) storage.retain();
  return { executable, scalars, inputs: given, outputs };
}
