/** A plan whose code is loaded: its steps as actions, ready to be called. */
import type { DType, Numeric } from "../../compiler/ir/dtype.ts";
import { dtypeInfo, isWide, rounded } from "../../compiler/ir/dtype.ts";
import { halfBits } from "../../compiler/ir/half.ts";
import type { HostArray } from "../../compiler/ir/host.ts";
import { isBig } from "../../compiler/ir/host.ts";
import { at, CompilerBug, DeviceError } from "../../compiler/ir/errors.ts";
import type { CompiledPlan, PlanBuffer, Step, WasmModule } from "../../compiler/ir/plan.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import type { Executable } from "../device.ts";
import { viewOf } from "./buffer.ts";
import type { ConstantPool } from "./constants.ts";
import type { CpuHeap, HeapViews } from "./heap.ts";
import type { Frame } from "./launch.ts";
import { callerOf, inPieces, wideCallerOf } from "./launch.ts";
import { LoadedModule } from "./modules.ts";
import { layout } from "./pool-layout.ts";
import type { SharedKernel, WorkerPool } from "./pool.ts";
import type { ScriptFunction } from "./scripts.ts";
import { loadScript } from "./scripts.ts";

export type Action = (views: HeapViews, frame: Frame) => void;
type KernelStep = Step & { readonly kind: "kernel" };

/** Reads a clock around each launch of a kernel, in the order of the plan. */
export interface Watch {
  readonly now: () => number;
  /** Gets the difference of the clock. */
  readonly launched: (took: number) => void;
}

function watched(action: Action, watch: Watch): Action {
  return (views, frame) => {
    const start = watch.now();
    action(views, frame);
    watch.launched(watch.now() - start);
  };
}

/** What the code of plans runs on. */
export interface Host {
  readonly heap: CpuHeap;
  readonly constants: ConstantPool;
  /** Kernels of less nanoseconds are never shared. */
  readonly leastSharedNs: number;
  /** The threads of now; null where there are none. */
  readonly pool: () => WorkerPool | null;
}

/** An element as memory holds it: float16 by its bits, 64-bit integers as bigints. */
function inMemory(dtype: DType, x: Numeric): Numeric {
  return dtype === "float16" ? halfBits(Number(x)) : rounded(dtype, x);
}

function fillMemory(memory: HostArray, x: Numeric, start: number, end: number): void {
  if (isBig(memory)) memory.fill(BigInt(x), start, end);
  else memory.fill(Number(x), start, end);
}

export class CpuExecutable implements Executable {
  readonly compiled: CompiledPlan;
  readonly buffers: ReadonlyMap<number, PlanBuffer>;
  readonly inputs: readonly PlanBuffer[];
  readonly outputs: readonly PlanBuffer[];
  readonly temps: readonly PlanBuffer[];
  /** Whether each output buffer is one result, in order, of its own memory: then there is little to do beside the kernels. */
  readonly isPlain: boolean;
  /** Kept between runs: a run ends before the next begins. Positions by buffer id, the scalars, the position of the scratch. */
  readonly frame: Frame;
  readonly firstScalar: number;
  readonly actions: readonly Action[];
  readonly kernelSteps: number;
  /** Bytes of scratch that one thread needs, and from where on in the block of the arena they lie. */
  readonly scratchBytes: number;
  readonly #host: Host;

  constructor(compiled: CompiledPlan, host: Host, watch: Watch | null) {
    const { plan } = compiled;
    this.compiled = compiled;
    this.#host = host;
    this.buffers = new Map(plan.buffers.map((b) => [b.id, b]));
    this.inputs = plan.inputs.map((id) => this.buffer(id));
    this.outputs = plan.buffers.filter((b) => b.role === "output");
    this.temps = plan.buffers.filter((b) => b.role === "temp");
    this.isPlain = plan.outputs.length === this.outputs.length && this.outputs.every((b, i) => b.donates === null && at(plan.outputs, i).buffer === b.id);
    this.firstScalar = 1 + Math.max(-1, ...this.buffers.keys());
    this.frame = new Float64Array(this.firstScalar + plan.scalars.length + 1);
    this.scratchBytes = Math.max(0, ...(compiled.wasm?.kernels ?? []).map((k) => Math.ceil(k.scratchBytes / 64) * 64));
    const launch = this.#launcher(watch);
    this.actions = plan.steps.flatMap((step) => this.#action(step, launch) ?? []);
    this.kernelSteps = plan.steps.filter((step) => step.kind === "kernel").length;
  }

  /** Bytes of the block that a run needs beside its buffers: temporaries, then the scratch of each thread. */
  get runBytes(): number {
    const { arenaBytes } = this.compiled.plan;
    return this.scratchBytes === 0 ? arenaBytes : this.#scratchStart + this.scratchBytes * (this.#host.pool()?.width ?? 1);
  }

  get #scratchStart(): number {
    return Math.ceil(this.compiled.plan.arenaBytes / 64) * 64;
  }

  /** Notes where the run's block lies. */
  place(start: number): void {
    for (const temp of this.temps) this.frame[temp.id] = start + temp.offset;
    this.frame[this.frame.length - 1] = start + this.#scratchStart;
  }

  /** `alloc` and `free` were decided when the plan laid out its arena: nothing is left to do for them here. */
  #action(step: Step, launch: (step: KernelStep) => Action): Action | null {
    switch (step.kind) {
      case "alloc":
      case "free":
        return null;
      case "kernel":
        return launch(step);
      case "copy": {
        const { from, to } = step;
        const { bytes } = this.buffer(from);
        return ({ u8 }, frame) => void u8.copyWithin(at(frame, to), at(frame, from), at(frame, from) + bytes);
      }
      case "fill": {
        const { dtype, shape } = this.buffer(step.buffer).type;
        const [size, width] = [sizeOf(shape), dtypeInfo(dtype).bytes];
        return (views, frame) => {
          const start = at(frame, step.buffer) / width;
          fillMemory(viewOf(views, dtype), inMemory(dtype, step.value), start, start + size);
        };
      }
    }
  }

  #launcher(watch: Watch | null): (step: KernelStep) => Action {
    const launch = this.#loaded();
    return watch === null ? launch : (step) => watched(launch(step), watch);
  }

  #loaded(): (step: KernelStep) => Action {
    const { compiled } = this;
    const { plan, wasm, language } = compiled;
    if (language === "js") {
      const kernels = loadScript(compiled);
      return (step) => this.#script(step, at(kernels, step.kernel));
    }
    if (language !== "wasm" || wasm === null) throw new DeviceError(`cpu: runs wasm and js plans, not ${language}`);
    if (plan.kernels.length === 0) return () => () => undefined;
    const module = new LoadedModule(plan.name, wasm, this.#host.heap, this.#host.constants);
    return (step) => this.#wasm(step, module, wasm);
  }

  #script(step: KernelStep, kernel: ScriptFunction): Action {
    const { buffers: declared, scalars } = at(this.compiled.plan.kernels, step.kernel);
    const slots = this.#slots(step);
    const divisors = slots.map((_, i) => (i < declared.length ? dtypeInfo(at(declared, i).dtype).bytes : 1));
    const wide = scalars.flatMap(({ dtype }, i) => (isWide(dtype) ? [declared.length + i] : []));
    const args: Numeric[] = slots.map(() => 0);
    return (views, frame) => {
      for (let i = 0; i < args.length; i++) args[i] = (frame[slots[i] ?? 0] ?? 0) / (divisors[i] ?? 1);
      for (const i of wide) args[i] = BigInt(at(args, i));
      kernel(views, ...args);
    };
  }

  #wasm(step: KernelStep, module: LoadedModule, { kernels }: WasmModule): Action {
    const { turns, turnNs } = at(kernels, step.kernel);
    const f = at(module.kernels, step.kernel);
    const slots = this.#slots(step);
    const { buffers, scalars } = at(this.compiled.plan.kernels, step.kernel);
    const wide = scalars.map(({ dtype }) => dtype === "int64" || dtype === "uint64");
    const isWide = wide.includes(true);
    const call = isWide ? wideCallerOf(f, slots, (i) => wide[i - buffers.length] === true) : callerOf(f, slots);
    const scratch = this.frame.length - 1;
    const ns = turns * turnNs;
    const run = inPieces(call, turns, ns);
    const alone: Action = (_, frame) => run(0, turns, frame[scratch] ?? 0, frame);
    if (turns < 2 || ns < this.#host.leastSharedNs || isWide || slots.length > layout.mostArgs) return alone;
    const stored = slots.filter((_, i) => i < buffers.length && at(buffers, i).access !== "read");
    const read = slots.filter((_, i) => i < buffers.length && at(buffers, i).access === "read");
    const updates = buffers.some((b) => b.access === "update");
    const isRepeatable = (frame: Frame): boolean => !updates && !stored.some((s) => read.some((r) => frame[r] === frame[s]));
    const name = this.compiled.plan.name;
    const kernel: SharedKernel = { plan: name, module, kernel: step.kernel, slots, isRepeatable, turns, turnNs, scratchBytes: this.scratchBytes, call };
    const host = this.#host;
    return (views, frame) => {
      const pool = host.pool();
      if (pool === null || !pool.pays(ns)) alone(views, frame);
      else pool.run(kernel, frame, frame[scratch] ?? 0);
    };
  }

  /** Where the arguments of a launch stand in the frame. */
  #slots({ buffers, scalars }: KernelStep): readonly number[] {
    return [...buffers, ...scalars.map((s) => this.firstScalar + s)];
  }

  buffer(id: number): PlanBuffer {
    const buffer = this.buffers.get(id);
    if (buffer === undefined) throw new CompilerBug(`plan ${this.compiled.plan.name} has no buffer ${id}`);
    return buffer;
  }
}
