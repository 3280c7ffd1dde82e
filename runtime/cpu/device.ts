/** The CPU as a device: plans whose kernels are generated WebAssembly or JavaScript over the heap. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { at, CompilerBug, DeviceError } from "../../compiler/ir/errors.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import type { CompiledPlan, PlanBuffer } from "../../compiler/ir/plan.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { bytesOf, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { counters } from "../counters.ts";
import type { Device, DeviceBuffer, DeviceMemory, Executable } from "../device.ts";
import { Pressure } from "../pressure.ts";
import { BufferPool, CpuBuffer } from "./buffer.ts";
import { ConstantPool } from "./constants.ts";
import type { Host, Watch } from "./executable.ts";
import { CpuExecutable } from "./executable.ts";
import type { HeapOptions } from "./heap.ts";
import { CpuHeap } from "./heap.ts";
import type { PoolOptions } from "./pool.ts";
import { WorkerPool } from "./pool.ts";
import { threadStarter } from "./threads.ts";

const arrayNames: Readonly<Partial<Record<DType, string>>> = {
  int8: "Int8Array",
  uint8: "Uint8Array",
  int16: "Int16Array",
  uint16: "Uint16Array",
  int64: "BigInt64Array",
  uint64: "BigUint64Array",
  float16: "Float32Array",
  float32: "Float32Array",
  float64: "Float64Array",
  int32: "Int32Array",
  uint32: "Uint32Array",
  bool: "Uint8Array",
};

/** Small kernels do not even ask whether threads are awake. */
const usualLeastSharedNs = 20_000;

export interface CpuOptions extends HeapOptions {
  /** Bytes by which dead buffers may grow what is held before a collection is provoked; 64 MiB unless told. */
  readonly budgetBytes?: number;
  /** Threads that work together on a large kernel, the caller among them; 1, and no others, unless told. */
  readonly threads?: number;
  /** How threads are started and given up. */
  readonly pool?: Partial<PoolOptions>;
}

/** The calling thread's CPU. Everything it does is done when a call returns. */
export class CpuDevice implements Device {
  readonly name = "cpu";
  readonly synchronous = true;
  readonly heap: CpuHeap;
  /** Dead buffers that are not collected yet; see ../pressure.ts. */
  readonly pressure: Pressure;
  readonly #buffers: BufferPool;
  readonly #host: Host;
  readonly #poolOptions: PoolOptions | null;
  #threads: number;
  #pool: WorkerPool | null = null;

  constructor(options: CpuOptions = {}) {
    this.heap = new CpuHeap(options);
    this.#buffers = new BufferPool(this.heap);
    this.pressure = new Pressure(() => this.heap.held, this.#buffers.collected, { budgetBytes: options.budgetBytes });
    const start = options.pool?.start ?? threadStarter();
    this.#poolOptions = start === null || this.heap.kind !== "shared" ? null : { ...options.pool, start };
    this.#threads = options.threads ?? 1;
    this.#host = {
      heap: this.heap,
      constants: new ConstantPool(this.heap),
      leastSharedNs: options.pool?.leastNs ?? usualLeastSharedNs,
      pool: () => (this.#threads === 1 ? null : this.pool),
    };
  }

  /** How many threads work together on a large kernel; 1 where there can be no others. */
  get threads(): number {
    return this.#poolOptions === null ? 1 : this.#threads;
  }
  set threads(threads: number) {
    this.#threads = threads;
    // threads that are not wanted now sleep: starting them takes long
    if (threads === 1 || this.#pool?.width === threads) return;
    this.#pool?.close();
    this.#pool = null;
  }

  /** The threads that share work, which start when there is some; null where there are none. */
  get pool(): WorkerPool | null {
    const { memory } = this.heap;
    if (this.threads === 1 || this.#poolOptions === null || memory === null) return null;
    this.#pool ??= new WorkerPool(memory, this.#threads, this.#poolOptions);
    return this.#pool;
  }

  upload(data: HostArray, type: TensorType): CpuBuffer {
    if (data.length !== sizeOf(type.shape) || data.constructor.name !== arrayNames[type.dtype]) {
      throw new DeviceError(`cpu: ${data.constructor.name} of ${data.length} elements is no ${typeText(type)}`);
    }
    const buffer = this.#create(type);
    buffer.fill(data);
    counters.bytesUploaded += buffer.bytes;
    return buffer;
  }

  /** With a watch, every run of it tells what its launches took. */
  prepare(compiled: CompiledPlan, watch: Watch | null = null): Executable {
    return new CpuExecutable(compiled, this.#host, watch);
  }

  /**
   * A donated input is consumed: its handle is freed, and its memory goes to the output (where others own it too, to them stays
   * the old memory and the output starts as a copy).
   */
  run(executable: Executable, inputs: readonly DeviceBuffer[], scalars: readonly number[]): CpuBuffer[] {
    if (!(executable instanceof CpuExecutable)) throw new DeviceError("cpu: this plan was prepared by another device");
    const { plan } = executable.compiled;
    if (inputs.length !== plan.inputs.length || scalars.length !== plan.scalars.length) {
      throw new CompilerBug(
        `plan ${plan.name} takes ${plan.inputs.length} buffers and ${plan.scalars.length} scalars, not ${inputs.length} and ${scalars.length}`,
      );
    }
    const { frame, firstScalar, runBytes } = executable;
    const given = executable.inputs.map((declared, i) => checkedInput(declared, at(inputs, i)));
    for (let i = 0; i < scalars.length; i++) frame[firstScalar + i] = scalars[i] ?? 0;
    const block = runBytes > 0 ? this.#making(() => this.heap.allocate(runBytes)) : null;
    try {
      if (block !== null) executable.place(block.at);
      const outputs = executable.isPlain ? this.#fresh(executable, given) : this.#bound(executable, given);
      this.#launch(executable, outputs);
      return outputs;
    } finally {
      if (block !== null) this.heap.free(block);
    }
  }

  #launch({ actions, frame, kernelSteps }: CpuExecutable, outputs: readonly CpuBuffer[]): void {
    const { views } = this.heap;
    try {
      for (const action of actions) action(views, frame);
    } catch (error) {
      for (const output of outputs) output.release();
      throw error;
    }
    counters.plansRun++;
    counters.kernelsLaunched += kernelSteps;
  }

  async read(buffer: DeviceBuffer): Promise<HostArray> {
    return this.readSync(buffer);
  }

  readSync(buffer: DeviceBuffer): HostArray {
    const from = owned(buffer);
    counters.bytesRead += from.bytes;
    return from.copy();
  }

  memory(): DeviceMemory {
    return { current: this.heap.held, peak: this.heap.peak, reserved: this.heap.reserved };
  }

  /** Room is made, if it can be, before giving up. */
  #making<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      const flushed = this.#buffers.flush();
      if (!this.pressure.relieveSync("urgent") && !flushed) throw error;
      return make();
    }
  }

  #create(type: TensorType): CpuBuffer {
    const bytes = bytesOf(type);
    const buffer = this.#making(() => this.#buffers.create(type, bytes));
    counters.buffersAllocated++;
    counters.bytesAllocated += bytes;
    return buffer;
  }

  /** Outputs of their own memory each, and nothing consumed: what most plans have. */
  #fresh({ inputs, outputs, frame, compiled }: CpuExecutable, given: readonly CpuBuffer[]): CpuBuffer[] {
    for (let i = 0; i < inputs.length; i++) frame[at(inputs, i).id] = at(given, i).position;
    const made: CpuBuffer[] = [];
    try {
      for (const { type } of compiled.plan.outputs) made.push(this.#create(type));
    } catch (error) {
      for (const buffer of made) buffer.release();
      throw error;
    }
    for (let i = 0; i < made.length; i++) frame[at(outputs, i).id] = at(made, i).position;
    return made;
  }

  #bound(executable: CpuExecutable, given: readonly CpuBuffer[]): CpuBuffer[] {
    const buffers = this.#bind(executable, new Map(executable.inputs.map((b, i) => [b.id, at(given, i)])));
    for (const [id, buffer] of buffers) executable.frame[id] = buffer.position;
    return outputsOf(executable, buffers);
  }

  /** Inputs and outputs by buffer id. Memory is found for all before an input is consumed, so that a full heap changes nothing. */
  #bind({ outputs }: CpuExecutable, given: ReadonlyMap<number, CpuBuffer>): Map<number, CpuBuffer> {
    const created = new Map<number, CpuBuffer>();
    try {
      for (const b of outputs) if (b.donates === null || bound(given, b.donates).owners > 1) created.set(b.id, this.#create(b.type));
    } catch (error) {
      for (const buffer of created.values()) buffer.release();
      throw error;
    }
    const buffers = new Map(given);
    for (const b of outputs) {
      const output = created.get(b.id) ?? bound(given, b.donates ?? -1).handOver(b.type);
      buffers.set(b.id, output);
      if (b.donates === null) continue;
      if (created.has(b.id)) this.#replace(bound(given, b.donates), output);
      else counters.donations++;
      buffers.set(b.donates, output);
    }
    return buffers;
  }

  /** Others own the donated memory too: it stays theirs, and the output starts as a copy. */
  #replace(input: CpuBuffer, output: CpuBuffer): void {
    this.heap.views.u8.copyWithin(output.position, input.position, input.position + input.bytes);
    input.release();
  }
}

function bound(buffers: ReadonlyMap<number, CpuBuffer>, id: number): CpuBuffer {
  const buffer = buffers.get(id);
  if (buffer === undefined) throw new CompilerBug(`buffer ${id} of a plan is neither input nor output`);
  return buffer;
}

function owned(buffer: DeviceBuffer): CpuBuffer {
  if (buffer instanceof CpuBuffer) return buffer;
  throw new DeviceError(`cpu: a buffer of ${typeText(buffer.type)} lives on ${buffer.device}. Move it to the cpu first.`);
}

function checkedInput(declared: PlanBuffer, given: DeviceBuffer): CpuBuffer {
  const buffer = owned(given);
  buffer.requireLive();
  if (buffer.bytes !== declared.bytes) throw new CompilerBug(`a plan's input of ${typeText(declared.type)} was given ${typeText(buffer.type)}`);
  return buffer;
}

/** One handle an output, each with its own count; the count that a new buffer starts with goes to its first output. */
function outputsOf(executable: CpuExecutable, buffers: Map<number, CpuBuffer>): CpuBuffer[] {
  const taken = new Set<number>();
  return executable.compiled.plan.outputs.map(({ buffer: id, type }) => {
    const buffer = bound(buffers, id);
    if (taken.has(id) || executable.buffer(id).role !== "output") return buffer.view(type);
    const output = buffer.handOver(type);
    taken.add(id);
    buffers.set(id, output);
    return output;
  });
}
