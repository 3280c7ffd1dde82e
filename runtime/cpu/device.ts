/** The CPU as a device: plans whose kernels are generated JavaScript over the heap. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { dtypeInfo } from "../../compiler/ir/dtype.ts";
import { at, CompilerBug, DeviceError } from "../../compiler/ir/errors.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import type { CompiledPlan, PlanBuffer, Step } from "../../compiler/ir/plan.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { bytesOf, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { counters } from "../counters.ts";
import type { Device, DeviceBuffer, DeviceMemory, Executable } from "../device.ts";
import { Pressure } from "../pressure.ts";
import { BufferPool, CpuBuffer, viewOf } from "./buffer.ts";
import type { Block, HeapOptions, HeapViews } from "./heap.ts";
import { CpuHeap } from "./heap.ts";

type KernelFunction = (views: HeapViews, ...positionsAndScalars: readonly number[]) => void;

function areKernels(made: unknown, count: number): made is readonly KernelFunction[] {
  return Array.isArray(made) && made.length === count && made.every((f) => typeof f === "function");
}

/** The functions of a plan; a DeviceError where the page forbids generated code. */
function instantiate(compiled: CompiledPlan): readonly KernelFunction[] {
  const source = compiled.sources.join("\n");
  let made: unknown;
  try {
    made = new Function(source)();
  } catch (error) {
    if (error instanceof EvalError)
      throw new DeviceError(`cpu: this page's content security policy forbids generated code (${error.message}). configure({ target: "interpreter" }).`);
    throw new CompilerBug(`plan ${compiled.plan.name}: its JavaScript does not load: ${String(error)}\n${source}`);
  }
  if (!areKernels(made, compiled.plan.kernels.length))
    throw new CompilerBug(`plan ${compiled.plan.name}: its JavaScript does not give ${compiled.plan.kernels.length} kernels`);
  return made;
}

/** Byte positions of a plan's buffers during one run, by buffer id. */
type Positions = Float64Array<ArrayBuffer>;
type Action = (views: HeapViews, positions: Positions, scalars: readonly number[]) => void;

/** Reads a clock around each launch of a kernel, in the order of the plan. */
export interface Watch {
  readonly now: () => number;
  /** Gets the difference of the clock. */
  readonly launched: (took: number) => void;
}

function watched(action: Action, watch: Watch): Action {
  return (views, positions, scalars) => {
    const start = watch.now();
    action(views, positions, scalars);
    watch.launched(watch.now() - start);
  };
}

/** A plan whose code is loaded, its steps ready to be called. */
class CpuExecutable implements Executable {
  readonly compiled: CompiledPlan;
  readonly buffers: ReadonlyMap<number, PlanBuffer>;
  readonly actions: readonly Action[];
  readonly kernelSteps: number;
  /** Kept between runs: a run ends before the next begins. */
  readonly positions: Positions;

  constructor(compiled: CompiledPlan, watch: Watch | null) {
    if (compiled.language !== "js") throw new DeviceError(`cpu: runs js plans, not ${compiled.language}`);
    this.compiled = compiled;
    this.buffers = new Map(compiled.plan.buffers.map((b) => [b.id, b]));
    this.positions = new Float64Array(1 + Math.max(-1, ...this.buffers.keys()));
    const kernels = instantiate(compiled);
    this.actions = compiled.plan.steps.flatMap((step) => this.#action(step, kernels, watch) ?? []);
    this.kernelSteps = compiled.plan.steps.filter((step) => step.kind === "kernel").length;
  }

  /** `alloc` and `free` were decided when the plan laid out its arena: nothing is left to do for them here. */
  #action(step: Step, kernels: readonly KernelFunction[], watch: Watch | null): Action | null {
    switch (step.kind) {
      case "alloc":
      case "free":
        return null;
      case "kernel": {
        const launch = this.#launch(step, at(kernels, step.kernel));
        return watch === null ? launch : watched(launch, watch);
      }
      case "copy": {
        const { from, to } = step;
        const { bytes } = this.buffer(from);
        return ({ u8 }, positions) => void u8.copyWithin(at(positions, to), at(positions, from), at(positions, from) + bytes);
      }
      case "fill": {
        const { dtype, shape } = this.buffer(step.buffer).type;
        const [size, width] = [sizeOf(shape), dtypeInfo(dtype).bytes];
        return (views, positions) => {
          const start = at(positions, step.buffer) / width;
          viewOf(views, dtype).fill(step.value, start, start + size);
        };
      }
    }
  }

  #launch(step: Step & { readonly kind: "kernel" }, kernel: KernelFunction): Action {
    const declared = at(this.compiled.plan.kernels, step.kernel).buffers;
    const ids = step.buffers;
    const widths = ids.map((_, i) => dtypeInfo(at(declared, i).dtype).bytes);
    const args: number[] = Array.from({ length: ids.length + step.scalars.length }, () => 0);
    return (views, positions, scalars) => {
      for (let i = 0; i < ids.length; i++) args[i] = at(positions, at(ids, i)) / at(widths, i);
      for (let i = 0; i < step.scalars.length; i++) args[ids.length + i] = at(scalars, at(step.scalars, i));
      kernel(views, ...args);
    };
  }

  buffer(id: number): PlanBuffer {
    const buffer = this.buffers.get(id);
    if (buffer === undefined) throw new CompilerBug(`plan ${this.compiled.plan.name} has no buffer ${id}`);
    return buffer;
  }
}

const arrayNames: Readonly<Partial<Record<DType, string>>> = {
  float32: "Float32Array",
  float64: "Float64Array",
  int32: "Int32Array",
  uint32: "Uint32Array",
  bool: "Uint8Array",
};

export interface CpuOptions extends HeapOptions {
  /** Bytes by which dead buffers may grow what is held before a collection is provoked; 64 MiB unless told. */
  readonly budgetBytes?: number;
}

/** The calling thread's CPU. Everything it does is done when a call returns. */
export class CpuDevice implements Device {
  readonly name = "cpu";
  readonly synchronous = true;
  readonly heap: CpuHeap;
  /** Dead buffers that are not collected yet; see ../pressure.ts. */
  readonly pressure: Pressure;
  readonly #pool: BufferPool;

  constructor(options: CpuOptions = {}) {
    this.heap = new CpuHeap(options);
    this.#pool = new BufferPool(this.heap);
    this.pressure = new Pressure(() => this.heap.held, this.#pool.collected, { budgetBytes: options.budgetBytes });
  }

  upload(data: HostArray, type: TensorType): CpuBuffer {
    if (data.length !== sizeOf(type.shape) || data.constructor.name !== arrayNames[type.dtype]) {
      throw new DeviceError(`cpu: ${data.constructor.name} of ${data.length} elements is no ${typeText(type)}`);
    }
    const buffer = this.#create(type);
    buffer.elements.set(data);
    counters.bytesUploaded += buffer.bytes;
    return buffer;
  }

  /** With a watch, every run of it tells what its launches took. */
  prepare(compiled: CompiledPlan, watch: Watch | null = null): Executable {
    return new CpuExecutable(compiled, watch);
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
    const given = new Map(plan.inputs.map((id, i) => [id, checkedInput(executable.buffer(id), at(inputs, i))]));
    const arena = plan.arenaBytes > 0 ? this.#allocate(plan.arenaBytes) : null;
    try {
      const buffers = this.#bind(executable, given);
      const { positions } = executable;
      for (const b of plan.buffers) positions[b.id] = b.role === "temp" ? (arena?.at ?? 0) + b.offset : bound(buffers, b.id).position;
      for (const action of executable.actions) action(this.heap.views, positions, scalars);
      counters.plansRun++;
      counters.kernelsLaunched += executable.kernelSteps;
      return outputsOf(executable, buffers);
    } finally {
      if (arena !== null) this.heap.free(arena);
    }
  }

  async read(buffer: DeviceBuffer): Promise<HostArray> {
    return this.readSync(buffer);
  }

  readSync(buffer: DeviceBuffer): HostArray {
    const { elements, bytes } = owned(buffer);
    counters.bytesRead += bytes;
    return elements.slice();
  }

  memory(): DeviceMemory {
    return { current: this.heap.held, peak: this.heap.peak, reserved: this.heap.reserved };
  }

  /** Room is made, if it can be, before giving up. */
  #allocate(bytes: number): Block {
    try {
      return this.heap.allocate(bytes);
    } catch (error) {
      if (!(error instanceof DeviceError) || !this.pressure.relieveSync("urgent")) throw error;
      return this.heap.allocate(bytes);
    }
  }

  #create(type: TensorType): CpuBuffer {
    const buffer = this.#pool.adopt(type, this.#allocate(bytesOf(type)));
    counters.buffersAllocated++;
    counters.bytesAllocated += buffer.bytes;
    return buffer;
  }

  /** Inputs and outputs by buffer id. Memory is found for all before an input is consumed, so that a full heap changes nothing. */
  #bind(executable: CpuExecutable, given: ReadonlyMap<number, CpuBuffer>): Map<number, CpuBuffer> {
    const outputs = executable.compiled.plan.buffers.filter((b) => b.role === "output");
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
