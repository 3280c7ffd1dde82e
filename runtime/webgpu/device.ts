/** A GPU behind WebGPU as a device: work is taken in call order, done later, and read asynchronously. */
import { at, CompilerBug, DeviceError } from "../../compiler/ir/errors.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import type { Slot } from "../../compiler/ir/node.ts";
import type { CompiledPlan, PlanBuffer } from "../../compiler/ir/plan.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { typeText } from "../../compiler/ir/shape.ts";
import { counters } from "../counters.ts";
import type { DeviceBuffer, DeviceMemory, Executable, GpuDevice, GpuInfo, Run } from "../device.ts";
import { Pressure } from "../pressure.ts";
import type { AcquireOptions, Acquired } from "./acquire.ts";
import { acquire, messageOf } from "./acquire.ts";
import { Storage, StorageRoom, WebGpuBuffer, wordBytes } from "./buffer.ts";
import type { Job } from "./dispatch.ts";
import { jobOf, obstacle, release, submit } from "./dispatch.ts";
import { fromWords, toWords } from "./elements.ts";
import type { Caught } from "./errors.ts";
import { runError, scoped } from "./errors.ts";
import type { Workshop } from "./executable.ts";
import { WebGpuExecutable } from "./executable.ts";
import { requireRoom } from "./limits.ts";
import type { Memory } from "./memory.ts";
import { MemoryPool, usage } from "./memory.ts";
import { CallOrder } from "./order.ts";
import { Pipelines } from "./pipelines.ts";
import { Readback } from "./readback.ts";

/** A run with handles of this device. */
export interface WebGpuRun extends Run {
  readonly outputs: readonly WebGpuBuffer[];
}

export interface WebGpuOptions extends AcquireOptions {
  /** Bytes by which dead buffers may grow what is held before a collection is provoked; 64 MiB unless told. */
  readonly budgetBytes?: number;
}

const ignore = (): void => {};
/** Every so many submits, the run that made the last waits for the GPU: who awaits each run does not run away from it. */
const submitsAhead = 32;
/** How long a refused operation waits for the news that the device is lost. */
const lossNewsMs = 50;

export class WebGpuDevice implements GpuDevice {
  readonly name = "webgpu";
  readonly synchronous = false;
  readonly info: GpuInfo;
  /** Dead buffers that are not collected yet; see ../pressure.ts. */
  readonly pressure: Pressure;
  readonly lost: Promise<string>;
  /** What the GPU complained of outside of any call of this device; empty, unless lazuli has a bug. */
  readonly complaints: string[] = [];
  /** Held, because Dawn's promises resolve only as long as it lives. */
  readonly instance: GPU;
  readonly #gpu: GPUDevice;
  readonly #room: StorageRoom;
  readonly #workshop: Workshop;
  readonly #readback: Readback;
  readonly #order = new CallOrder();
  #loss: DeviceError | null = null;
  #submits = 0;

  constructor({ device, instance, info }: Acquired, options: WebGpuOptions = {}) {
    this.info = info;
    this.instance = instance;
    this.#gpu = device;
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    const all = usage.storage | usage.copySource | usage.copyTarget;
    this.#room = new StorageRoom(new MemoryPool(device, { usage: all, largest: Math.min(maxBufferSize, maxStorageBufferBindingSize) }));
    this.#workshop = { device, pipelines: new Pipelines(device) };
    this.#readback = new Readback(device);
    this.pressure = new Pressure(() => this.#room.pool.held, this.#room.collected, { budgetBytes: options.budgetBytes, settle: () => this.#idle() });
    this.lost = device.lost.then(({ reason, message }) => this.#losing(reason === "destroyed" ? "it was destroyed" : message));
    device.addEventListener("uncapturederror", ({ error }) => {
      if (this.complaints.length < 16) this.complaints.push(error.message);
    });
  }

  /** A device on this machine's GPU; a DeviceError that says what to do where there is none. */
  static async open(options: WebGpuOptions = {}): Promise<WebGpuDevice> {
    return new WebGpuDevice(await acquire(options), options);
  }

  get isLost(): boolean {
    return this.#loss !== null;
  }
  get limits(): GPUSupportedLimits {
    return this.#gpu.limits;
  }
  get features(): ReadonlySet<string> {
    return new Set(this.#gpu.features);
  }

  upload(data: HostArray, type: TensorType): WebGpuBuffer {
    this.#requireAlive();
    const words = toWords(data, type);
    const bytes = wordBytes(type);
    requireRoom(this.#gpu.limits, `a value of ${typeText(type)}`, bytes);
    const storage = new Storage(this.#room);
    const buffer = new WebGpuBuffer(type, storage);
    const fresh: Memory[] = [];
    const { caught } = scoped(this.#gpu, () => {
      const memory = this.#room.pool.take(bytes, (m) => fresh.push(m));
      this.#room.assign(storage, memory);
      if (bytes > 0) this.#gpu.queue.writeBuffer(memory.gpu, 0, words.buffer, words.byteOffset, bytes);
    });
    storage.made = this.#uploaded(caught, { storage, fresh, type });
    storage.made.catch(ignore);
    counters.buffersAllocated++;
    counters.bytesAllocated += bytes;
    counters.bytesUploaded += bytes;
    return buffer;
  }

  prepare(compiled: CompiledPlan): WebGpuExecutable {
    this.#requireAlive();
    return new WebGpuExecutable(compiled, this.#workshop);
  }

  /** A donated input is consumed: its handle is freed at once. */
  run(executable: Executable, inputs: readonly DeviceBuffer[], scalars: readonly number[]): WebGpuRun {
    this.#requireAlive();
    if (!(executable instanceof WebGpuExecutable) || executable.workshop !== this.#workshop)
      throw new DeviceError("webgpu: this plan was prepared by another device");
    const { plan } = executable.compiled;
    if (inputs.length !== plan.inputs.length || scalars.length !== plan.scalars.length) {
      const given = `${inputs.length} and ${scalars.length}`;
      throw new CompilerBug(`plan ${plan.name} takes ${plan.inputs.length} buffers and ${plan.scalars.length} scalars, not ${given}`);
    }
    const handles = inputs.map((b, i) => this.#checked(executable.buffer(at(plan.inputs, i)), b));
    const storages = handles.map((h) => h.storage);
    const job = jobOf(executable, storages, { scalars, make: () => new Storage(this.#room) });
    const outputs = plan.outputs.map(({ buffer, type }) => new WebGpuBuffer(type, job.outputs.get(buffer) ?? job.inputs.get(buffer) ?? unknownBuffer(buffer)));
    for (const b of plan.buffers) if (b.role === "output" && b.donates !== null) at(handles, plan.inputs.indexOf(b.donates)).consume();
    const finished = new Promise<void>((resolve) => {
      this.#order.add(executable.isSettled ? null : executable.settled, () => resolve(this.#perform(job)));
    });
    finished.catch(ignore);
    for (const storage of job.outputs.values()) storage.made = finished;
    return { outputs, finished };
  }

  read(buffer: DeviceBuffer): Promise<HostArray> {
    return new Promise((resolve, reject) => {
      try {
        this.#requireAlive();
        const { storage, type } = this.#owned(buffer);
        storage.retain();
        this.#order.add(null, () => resolve(this.#read(storage, type)));
      } catch (error) {
        reject(error);
      }
    });
  }

  readSync(buffer: DeviceBuffer): never {
    throw new DeviceError(`webgpu: ${typeText(buffer.type)} lives on the GPU, which answers later. Use await x.data() in place of a synchronous read.`);
  }

  owns(slot: Slot): slot is WebGpuBuffer {
    return slot instanceof WebGpuBuffer && slot.room === this.#room;
  }

  memory(): DeviceMemory {
    const { held, peak, reserved } = this.#room.pool;
    return { current: held, peak, reserved };
  }

  destroy(): void {
    this.#losing("it was destroyed");
    this.#room.pool.clear();
    this.#readback.clear();
    this.#gpu.destroy();
  }

  /** Its first part, up to the submit, is done before it returns. */
  async #perform(job: Job): Promise<void> {
    const { plan } = job.executable.compiled;
    const fresh: Memory[] = [];
    let caught: Promise<Caught | null>;
    try {
      this.#requireAlive();
      const stop = obstacle(job);
      if (stop !== null) throw stop;
      caught = scoped(this.#gpu, () => submit(job, this.#room, (m) => fresh.push(m))).caught;
    } catch (error) {
      throw failOutputs(job, error);
    } finally {
      release(job);
    }
    this.#submits++;
    if (this.#submits % submitsAhead === 0) await this.#idle();
    const error = await caught;
    for (const input of job.inputs.values()) await input.made?.catch(ignore);
    if (error !== null) this.#distrust(fresh);
    const failure = this.#loss ?? obstacle(job) ?? (error === null ? null : ((await this.#lossNews()) ?? runError(plan, error)));
    if (failure !== null) throw failOutputs(job, failure);
  }

  async #read(storage: Storage, type: TensorType): Promise<HostArray> {
    const bytes = wordBytes(type);
    let arrived: Promise<ArrayBuffer>;
    try {
      this.#requireAlive();
      if (storage.failure !== null) throw storage.failure;
      if (storage.memory === null) throw new CompilerBug(`a buffer of ${typeText(type)} has no memory in its turn`);
      arrived = bytes === 0 ? Promise.resolve(new ArrayBuffer(0)) : this.#readback.read(storage.memory, bytes);
    } finally {
      storage.release();
    }
    try {
      const words = await arrived;
      await storage.made;
      counters.bytesRead += bytes;
      return fromWords(type, words);
    } catch (error) {
      throw await this.#readError(storage, type, error);
    }
  }

  /** The producer's failure and the device's loss say more than that a buffer could not be mapped. */
  async #readError(storage: Storage, type: TensorType, error: unknown): Promise<Error> {
    await storage.made?.catch(ignore);
    if (storage.failure !== null) return storage.failure;
    const loss = await this.#lossNews();
    if (loss !== null) return loss;
    if (error instanceof DeviceError || error instanceof CompilerBug) return error;
    return new DeviceError(`webgpu: reading ${typeText(type)}: ${messageOf(error)}`, { cause: error });
  }

  async #uploaded(caught: Promise<Caught | null>, { storage, fresh, type }: { storage: Storage; fresh: Memory[]; type: TensorType }): Promise<void> {
    const error = await caught;
    if (error === null) return;
    this.#distrust(fresh);
    const failure = (await this.#lossNews()) ?? new DeviceError(`webgpu: uploading ${typeText(type)}: ${error.kind}: ${error.message}`);
    storage.fail(failure);
    throw failure;
  }

  /** Resolves when the GPU has done what was submitted, or is lost. */
  #idle(): Promise<unknown> {
    return this.#gpu.queue.onSubmittedWorkDone().catch(ignore);
  }

  /** Something was refused: whether that is because the device is lost. */
  async #lossNews(): Promise<DeviceError | null> {
    if (this.#loss === null) await Promise.race([this.lost, new Promise((resolve) => setTimeout(resolve, lossNewsMs))]);
    return this.#loss;
  }

  /** Memory whose creation may have failed is not used again, and spare memory makes room. */
  #distrust(fresh: readonly Memory[]): void {
    for (const memory of fresh) memory.invalid = true;
    this.#room.pool.clear();
  }

  #losing(why: string): string {
    this.#loss ??= new DeviceError(`webgpu: the device is lost: ${why}. recover() makes a new one; data that only it held is gone.`);
    return why;
  }

  #requireAlive(): void {
    if (this.#loss !== null) throw this.#loss;
  }

  #owned(buffer: DeviceBuffer): WebGpuBuffer {
    if (this.owns(buffer)) return buffer;
    throw new DeviceError(
      `webgpu: a buffer of ${typeText(buffer.type)} lives on ${buffer.device === "webgpu" ? "another GPU device" : buffer.device}. Move it first.`,
    );
  }

  #checked(declared: PlanBuffer, given: DeviceBuffer): WebGpuBuffer {
    const buffer = this.#owned(given);
    if (buffer.bytes !== declared.bytes) throw new CompilerBug(`a plan's input of ${typeText(declared.type)} was given ${typeText(buffer.type)}`);
    return buffer;
  }
}

/** The outputs of a failed run fail with it. */
function failOutputs({ executable, outputs }: Job, error: unknown): Error {
  const known = error instanceof DeviceError || error instanceof CompilerBug;
  const failure = known ? error : new DeviceError(`webgpu: plan ${executable.compiled.plan.name}: ${messageOf(error)}`, { cause: error });
  for (const storage of outputs.values()) storage.fail(failure);
  return failure;
}

function unknownBuffer(id: number): never {
  throw new CompilerBug(`buffer ${id} of a plan is neither input nor output`);
}
