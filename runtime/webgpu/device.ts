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
import type { Job, Need } from "./dispatch.ts";
import { jobOf, needsOf, obstacle, release, submit } from "./dispatch.ts";
import { fromWords, toWords } from "./elements.ts";
import type { Caught } from "./errors.ts";
import { runError, scoped } from "./errors.ts";
import type { Workshop } from "./executable.ts";
import { WebGpuExecutable } from "./executable.ts";
import { requireRoom } from "./limits.ts";
import { Loss } from "./loss.ts";
import type { Memory } from "./memory.ts";
import { MemoryPool, usage } from "./memory.ts";
import { CallOrder } from "./order.ts";
import { Pipelines } from "./pipelines.ts";
import { Readback } from "./readback.ts";
import { isSure, Supply } from "./supply.ts";
import type { RunTimes } from "./timing.ts";
import { RunWatch } from "./timing.ts";
import { fill } from "./upload.ts";

/** A run with handles of this device. */
export interface WebGpuRun extends Run {
  readonly outputs: readonly WebGpuBuffer[];
}

export interface WebGpuOptions extends AcquireOptions {
  /** Bytes by which dead buffers may grow what is held before a collection is provoked; 64 MiB unless told. */
  readonly budgetBytes?: number;
  /** Bytes that values, temporaries and memory that lies ready may take together; as many as the GPU has unless told. */
  readonly memoryLimit?: number;
}

/** A run that was measured. */
export interface MeasuredRun extends RunTimes {
  readonly outputs: readonly WebGpuBuffer[];
}

interface StartOptions {
  readonly scalars: readonly number[];
  readonly watch: RunWatch | null;
}

/** What a run found in its turn: memory for its needs, or a reason not to run. */
type Provided = ReadonlyMap<Need["of"], Memory> | Error;

const ignore = (): void => {};
/** Every so many submits, the run that made the last waits for the GPU: who awaits each run does not run away from it. */
const submitsAhead = 32;

export class WebGpuDevice implements GpuDevice {
  readonly name = "webgpu";
  readonly synchronous = false;
  readonly info: GpuInfo;
  /** Dead buffers that are not collected yet; see ../pressure.ts. */
  readonly pressure: Pressure;
  /** What the GPU complained of outside of any call of this device; empty, unless lazuli has a bug. */
  readonly complaints: string[] = [];
  /** Held, because Dawn's promises resolve only as long as it lives. */
  readonly instance: GPU;
  readonly #gpu: GPUDevice;
  readonly #loss: Loss;
  readonly #room: StorageRoom;
  readonly #workshop: Workshop;
  readonly #readback: Readback;
  readonly #supply: Supply;
  readonly #order = new CallOrder();
  #submits = 0;

  constructor({ device, instance, info }: Acquired, options: WebGpuOptions = {}) {
    this.info = info;
    this.instance = instance;
    this.#gpu = device;
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    const all = usage.storage | usage.copySource | usage.copyTarget;
    const pool = new MemoryPool(device, { usage: all, largest: Math.min(maxBufferSize, maxStorageBufferBindingSize), limit: options.memoryLimit });
    this.#loss = new Loss(device.lost);
    this.#room = new StorageRoom(pool, this.#loss);
    this.#supply = new Supply({ device, pool, makeRoom: () => this.#makeRoom() });
    this.#workshop = { device, pipelines: new Pipelines(device), loss: this.#loss };
    this.#readback = new Readback(device);
    this.pressure = new Pressure(() => pool.held, this.#room.collected, { budgetBytes: options.budgetBytes, settle: () => this.idle() });
    device.addEventListener("uncapturederror", ({ error }) => {
      if (this.complaints.length < 16) this.complaints.push(error.message);
    });
  }

  /** A device on this machine's GPU; a DeviceError that says what to do where there is none. */
  static async open(options: WebGpuOptions = {}): Promise<WebGpuDevice> {
    return new WebGpuDevice(await acquire(options), options);
  }

  async idle(): Promise<void> {
    await this.#gpu.queue.onSubmittedWorkDone().catch(ignore);
  }

  get isLost(): boolean {
    return this.#loss.why !== null;
  }
  get lost(): Promise<string> {
    return this.#loss.told;
  }
  get limits(): GPUSupportedLimits {
    return this.#gpu.limits;
  }
  get features(): ReadonlySet<string> {
    return new Set(this.#gpu.features);
  }

  upload(data: HostArray, type: TensorType): WebGpuBuffer {
    this.#loss.requireAlive(`uploading ${typeText(type)}`);
    const words = toWords(data, type);
    const bytes = wordBytes(type);
    requireRoom(this.#gpu.limits, `a value of ${typeText(type)}`, bytes);
    const storage = new Storage(this.#room);
    const buffer = new WebGpuBuffer(type, storage);
    storage.pin();
    const upload = { storage, words, bytes, what: `uploading ${typeText(type)}` };
    this.#order.add(null, () => fill(upload, { queue: this.#gpu.queue, supply: this.#supply }));
    counters.buffersAllocated++;
    counters.bytesAllocated += bytes;
    counters.bytesUploaded += bytes;
    return buffer;
  }

  prepare(compiled: CompiledPlan): WebGpuExecutable {
    this.#loss.requireAlive(`plan ${compiled.plan.name}`);
    return new WebGpuExecutable(compiled, this.#workshop);
  }

  /** A donated input is consumed: its handle is freed at once. Where the run fails before it is submitted, it comes back. */
  run(executable: Executable, inputs: readonly DeviceBuffer[], scalars: readonly number[]): WebGpuRun {
    return this.#start(this.#prepared(executable), inputs, { scalars, watch: null });
  }

  /** `run`, alone on the GPU, and how long it took. Rejects with a DeviceError where the run fails. */
  async measure(executable: Executable, inputs: readonly DeviceBuffer[], scalars: readonly number[]): Promise<MeasuredRun> {
    const own = this.#prepared(executable);
    const watch = new RunWatch(this.#gpu, own.kernelSteps);
    try {
      const { outputs, finished } = this.#start(own, inputs, { scalars, watch });
      await finished;
      return { outputs, ...(await watch.times()) };
    } finally {
      watch.destroy();
    }
  }

  #start(executable: WebGpuExecutable, inputs: readonly DeviceBuffer[], { scalars, watch }: StartOptions): WebGpuRun {
    const { plan } = executable.compiled;
    this.#loss.requireAlive(`plan ${plan.name}`);
    if (inputs.length !== plan.inputs.length || scalars.length !== plan.scalars.length) {
      const given = `${inputs.length} and ${scalars.length}`;
      throw new CompilerBug(`plan ${plan.name} takes ${plan.inputs.length} buffers and ${plan.scalars.length} scalars, not ${given}`);
    }
    const handles = inputs.map((b, i) => this.#checked(executable.buffer(at(plan.inputs, i)), b));
    const storages = handles.map((h) => h.storage);
    const job = jobOf(executable, storages, { scalars, watch, make: () => new Storage(this.#room) });
    const outputs = plan.outputs.map(({ buffer, type }) => new WebGpuBuffer(type, job.outputs.get(buffer) ?? job.inputs.get(buffer) ?? unknownBuffer(buffer)));
    for (const b of plan.buffers) if (b.role === "output" && b.donates !== null) job.undo.push(at(handles, plan.inputs.indexOf(b.donates)).consume());
    const finished = new Promise<void>((resolve) => {
      this.#order.add(executable.isSettled ? null : executable.settled, () =>
        following(this.#provide(job), (provided) => resolve(this.#perform(job, provided))),
      );
    });
    finished.catch(ignore);
    for (const storage of job.outputs.values()) storage.made = finished;
    return { outputs, finished };
  }

  read(buffer: DeviceBuffer): Promise<HostArray> {
    return new Promise((resolve, reject) => {
      try {
        const { storage, type } = this.#owned(buffer);
        this.#loss.requireAlive(`reading ${typeText(type)}`);
        storage.pin();
        this.#order.add(null, () => following(storage.unsure, () => resolve(this.#read(storage, type))));
      } catch (error) {
        reject(error);
      }
    });
  }

  readSync(buffer: DeviceBuffer): never {
    throw new DeviceError(`webgpu: ${typeText(buffer.type)} lives on the GPU, which answers later. Use await x.data() in place of a synchronous read.`);
  }

  hasFailed(buffer: DeviceBuffer): boolean {
    return this.#owned(buffer).storage.failure !== null;
  }

  owns(slot: Slot): slot is WebGpuBuffer {
    return slot instanceof WebGpuBuffer && slot.room === this.#room;
  }

  memory(): DeviceMemory {
    const { held, peak, reserved } = this.#room.pool;
    return { current: held, peak, reserved };
  }

  destroy(): void {
    this.#loss.declare("it was destroyed");
    this.#room.pool.close();
    this.#readback.close();
    this.#gpu.destroy();
  }

  /** In its turn. */
  #provide(job: Job): Provided | Promise<Provided> {
    const waits: Promise<unknown>[] = [...job.inputs.values()].flatMap((s) => s.unsure ?? []);
    if (job.watch !== null) waits.push(this.idle());
    return waits.length === 0 ? this.#find(job) : Promise.all(waits).then(() => this.#find(job));
  }

  #find(job: Job): Provided | Promise<Provided> {
    const stop = obstacle(job);
    if (stop !== null) return stop;
    const needs = needsOf(job);
    const paired = (memories: readonly Memory[]): Provided => new Map(needs.map(({ of }, i) => [of, at(memories, i)]));
    const first = this.#supply.attempt(needs);
    return isSure(first)
      ? paired(first.memories)
      : this.#supply.insist(needs, first).then(paired, (error: unknown) => this.#loss.blame(`plan ${job.executable.compiled.plan.name}`, error));
  }

  async #makeRoom(): Promise<void> {
    this.#readback.clear();
    await this.pressure.relieve("urgent");
    this.#room.pool.clear();
  }

  /** Its first part, up to the submit, is done before it returns. */
  async #perform(job: Job, provided: Provided): Promise<void> {
    const { plan } = job.executable.compiled;
    const what = `plan ${plan.name}`;
    let caught: Promise<Caught | null>;
    try {
      if (provided instanceof Error) throw this.#loss.errorOf(what) ?? provided;
      // an input may have failed while memory was waited for
      const stop = obstacle(job);
      if (stop !== null) {
        for (const memory of provided.values()) this.#room.pool.give(memory);
        throw stop;
      }
      caught = scoped(this.#gpu, () => submit(job, this.#room, provided)).caught;
    } catch (error) {
      for (const undo of job.undo) undo();
      throw failOutputs(job, error);
    } finally {
      release(job);
    }
    this.#submits++;
    if (this.#submits % submitsAhead === 0) await this.idle();
    const error = await caught;
    for (const input of job.inputs.values()) await input.made?.catch(ignore);
    if (error?.kind === "out-of-memory") this.#room.pool.clear();
    const failure = this.#loss.errorOf(what) ?? obstacle(job) ?? (error === null ? null : ((await this.#loss.news(what)) ?? runError(plan, error)));
    if (failure !== null) throw failOutputs(job, failure);
  }

  async #read(storage: Storage, type: TensorType): Promise<HostArray> {
    const bytes = wordBytes(type);
    let arrived: Promise<ArrayBuffer>;
    try {
      this.#loss.requireAlive(`reading ${typeText(type)}`);
      if (storage.failure !== null) throw storage.failure;
      if (storage.memory === null) throw new CompilerBug(`a buffer of ${typeText(type)} has no memory in its turn`);
      arrived = bytes === 0 ? Promise.resolve(new ArrayBuffer(0)) : this.#readback.read(storage.memory, bytes);
    } finally {
      storage.unpin();
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
    const loss = await this.#loss.news(`reading ${typeText(type)}`);
    if (loss !== null) return loss;
    if (error instanceof DeviceError || error instanceof CompilerBug) return error;
    return new DeviceError(`webgpu: reading ${typeText(type)}: ${messageOf(error)}`, { cause: error });
  }

  /** Resolves when the GPU has done what was submitted, or is lost. */
  #prepared(executable: Executable): WebGpuExecutable {
    if (executable instanceof WebGpuExecutable && executable.workshop === this.#workshop) return executable;
    throw new DeviceError("webgpu: this plan was prepared by another device");
  }

  #owned(buffer: DeviceBuffer): WebGpuBuffer {
    if (this.owns(buffer)) return buffer;
    if (buffer instanceof WebGpuBuffer && buffer.room.loss.why !== null)
      throw new DeviceError(`webgpu: a buffer of ${typeText(buffer.type)} was on a GPU device that is lost (${buffer.room.loss.why}): its data is gone.`);
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

/** `then` with what is there, or will be. */
const following = <T>(value: T | Promise<T>, then: (value: T) => void): Promise<void> | void => (value instanceof Promise ? value.then(then) : then(value));

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
