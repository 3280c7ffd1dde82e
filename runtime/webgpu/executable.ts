/** A plan made ready for a GPU: pipelines, one uniform buffer for all launches, and what each launch binds. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { at, CompilerBug, DeviceError, lookup } from "../../compiler/ir/errors.ts";
import type { CompiledPlan, PlanBuffer, Step } from "../../compiler/ir/plan.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import type { AsyncExecutable } from "../device.ts";
import { wordOf } from "./elements.ts";
import { kernelLabel } from "./errors.ts";
import { fillGroups, fillShader } from "./fill.ts";
import { requireLimits } from "./limits.ts";
import type { Loss } from "./loss.ts";
import type { Memory } from "./memory.ts";
import { usage } from "./memory.ts";
import type { Pipelines, Shader } from "./pipelines.ts";

/** Where uniforms of a launch may start in a uniform buffer. */
const uniformStep = 256;
/** Bind groups that a launch keeps: memory comes back from the pool, so runs in a row bind the same few. */
const keptGroups = 8;

/** A storage binding: its number, and a plan buffer that lives in the memory to bind. */
interface Bound {
  readonly binding: number;
  readonly buffer: number;
}

/** A dispatch: a kernel of the plan, or a fill. */
export interface Launch {
  readonly kind: "launch";
  readonly label: string;
  /** Which kernel step of the plan it is, counted from 0; null for a fill. */
  readonly step: number | null;
  readonly shader: Shader;
  readonly layout: GPUBindGroupLayout;
  readonly storage: readonly Bound[];
  readonly uniformOffset: number;
  readonly uniformBytes: number;
  readonly dispatch: readonly [number, number, 1];
  readonly groups: Map<string, GPUBindGroup>;
  pipeline: GPUComputePipeline | null;
}

export type Action =
  | Launch
  | { readonly kind: "copy"; readonly from: number; readonly to: number; readonly bytes: number }
  | { readonly kind: "clear"; readonly buffer: number; readonly bytes: number };

/** A word of the uniforms that a scalar of the plan is written to. */
interface Patch {
  readonly position: number;
  readonly dtype: DType;
  readonly scalar: number;
}

/** What executables of one device share. */
export interface Workshop {
  readonly device: GPUDevice;
  readonly pipelines: Pipelines;
  readonly loss: Loss;
}

export class WebGpuExecutable implements AsyncExecutable {
  readonly compiled: CompiledPlan;
  readonly workshop: Workshop;
  readonly buffers: ReadonlyMap<number, PlanBuffer>;
  readonly actions: readonly Action[];
  /** Kernel steps of the plan. */
  kernelSteps = 0;
  /** Bytes of the largest copy within the arena. */
  readonly scratchBytes: number;
  readonly ready: Promise<void>;
  /** Resolves when `ready` settles. */
  readonly settled: Promise<void>;
  isSettled = false;
  failure: DeviceError | null = null;
  readonly #words: DataView<ArrayBuffer>;
  readonly #patches: Patch[] = [];
  #uniforms: GPUBuffer | null = null;
  #uniformBytes = 0;

  /** Throws a DeviceError where the plan asks for more than the device's limits. */
  constructor(compiled: CompiledPlan, workshop: Workshop) {
    const { plan, language, shaders } = compiled;
    if (language !== "wgsl") throw new DeviceError(`webgpu: runs wgsl plans, not ${language}`);
    requireLimits(workshop.device.limits, plan, shaders);
    this.compiled = compiled;
    this.workshop = workshop;
    this.buffers = new Map(plan.buffers.map((b) => [b.id, b]));
    this.#words = new DataView(new ArrayBuffer(uniformStep * Math.max(1, plan.steps.length) + uniformRoom(shaders)));
    this.actions = plan.steps.flatMap((step) => this.#action(step) ?? []);
    const inArena = (id: number): boolean => this.buffer(id).role === "temp";
    this.scratchBytes = this.actions.reduce((most, a) => (a.kind === "copy" && inArena(a.from) && inArena(a.to) ? Math.max(most, a.bytes) : most), 0);
    this.ready = this.#build();
    this.settled = this.ready.then(
      () => this.#settle(null),
      (error: unknown) => this.#settle(error),
    );
  }

  buffer(id: number): PlanBuffer {
    return lookup(this.buffers, id, `a buffer of plan ${this.compiled.plan.name}`);
  }

  /** The uniforms for these scalars, as all work submitted from now on sees them. */
  uniformsFor(scalars: readonly number[]): GPUBuffer {
    const { device } = this.workshop;
    const isNew = this.#uniforms === null;
    this.#uniforms ??= device.createBuffer({ size: Math.max(16, this.#uniformBytes), usage: usage.uniform | usage.copyTarget });
    for (const { position, dtype, scalar } of this.#patches) this.#words.setUint32(position, wordOf(dtype, at(scalars, scalar)), true);
    if (this.#uniformBytes > 0 && (isNew || this.#patches.length > 0)) device.queue.writeBuffer(this.#uniforms, 0, this.#words.buffer, 0, this.#uniformBytes);
    return this.#uniforms;
  }

  bindGroup(launch: Launch, uniforms: GPUBuffer, memoryOf: (buffer: number) => Memory): GPUBindGroup {
    const memories = launch.storage.map((s) => memoryOf(s.buffer));
    const key = memories.map((m) => m.id).join(" ");
    const known = launch.groups.get(key);
    if (known !== undefined) return known;
    const uniform = { buffer: uniforms, offset: launch.uniformOffset, size: launch.uniformBytes };
    const most = this.workshop.device.limits.maxStorageBufferBindingSize;
    const entries = launch.shader.bindings.map(({ binding, access }) => {
      if (access === "uniform") return { binding, resource: uniform };
      const { gpu, bytes } = at(
        memories,
        launch.storage.findIndex((s) => s.binding === binding),
      );
      return { binding, resource: { buffer: gpu, size: Math.min(bytes, most) } };
    });
    const group = this.workshop.device.createBindGroup({ label: launch.label, layout: launch.layout, entries });
    if (launch.groups.size >= keptGroups) launch.groups.clear();
    launch.groups.set(key, group);
    return group;
  }

  #settle(error: unknown): void {
    this.isSettled = true;
    if (error === null) return;
    this.failure = error instanceof DeviceError ? error : new DeviceError(`webgpu: plan ${this.compiled.plan.name}: ${String(error)}`);
  }

  async #build(): Promise<void> {
    const made = this.actions.map(async (action) => {
      if (action.kind === "launch") action.pipeline = await this.workshop.pipelines.pipelineOf(action.shader, action.label);
    });
    try {
      await Promise.all(made);
    } catch (error) {
      throw (await this.workshop.loss.news(`plan ${this.compiled.plan.name}`)) ?? error;
    }
  }

  #action(step: Step): Action | null {
    switch (step.kind) {
      case "alloc":
      case "free":
        return null;
      case "kernel":
        return this.#kernel(step, at(this.compiled.shaders, step.kernel));
      case "copy": {
        const bytes = 4 * sizeOf(this.buffer(step.from).type.shape);
        return bytes === 0 ? null : { kind: "copy", from: step.from, to: step.to, bytes };
      }
      case "fill":
        return this.#fill(step.buffer, Number(step.value));
    }
  }

  #kernel(step: Extract<Step, { kind: "kernel" }>, shader: WgslKernel): Launch | null {
    const nth = this.kernelSteps++;
    if (shader.dispatch.includes(0)) return null;
    const { plan } = this.compiled;
    const kernel = at(plan.kernels, step.kernel);
    const ids = new Map(kernel.buffers.map((b, k) => [b.name, at(step.buffers, k)]));
    const scalars = new Map(kernel.scalars.map((s, k) => [s.name, at(step.scalars, k)]));
    const bufferOf = (name: string): number => lookup(ids, name, `a buffer of kernel ${kernel.name}`);
    const uniformOffset = this.#reserve(shader.uniformBytes);
    for (const m of shader.uniforms) {
      const position = uniformOffset + m.offset;
      if (m.role === "scalar") this.#patches.push({ position, dtype: m.dtype, scalar: lookup(scalars, m.of, `a scalar of kernel ${kernel.name}`) });
      else if (m.role === "base") this.#words.setUint32(position, baseOf(this.buffer(bufferOf(m.of))), true);
      else this.#words.setFloat32(position, m.role === "nan" ? NaN : Infinity, true);
    }
    const storage = shader.bindings.flatMap((b): Bound[] => (b.access === "uniform" ? [] : [{ binding: b.binding, buffer: bufferOf(at(b.buffers, 0)) }]));
    const uniformBytes = roundUp(shader.uniformBytes, 16);
    const label = kernelLabel(plan, kernel.name);
    return this.#launch(shader, { label, step: nth, storage, uniformOffset, uniformBytes, dispatch: shader.dispatch });
  }

  #fill(id: number, value: number): Action | null {
    const buffer = this.buffer(id);
    const count = sizeOf(buffer.type.shape);
    const word = wordOf(buffer.type.dtype, value);
    if (count === 0) return null;
    if (word === 0) return { kind: "clear", buffer: id, bytes: 4 * count };
    const uniformOffset = this.#reserve(16);
    [baseOf(buffer), count, word].forEach((x, i) => this.#words.setUint32(uniformOffset + 4 * i, x, true));
    const groups = fillGroups(count, this.workshop.device.limits.maxComputeWorkgroupsPerDimension);
    const storage = [{ binding: 1, buffer: id }];
    const label = `${this.compiled.plan.name}/fill`;
    return this.#launch(fillShader, { label, step: null, storage, uniformOffset, uniformBytes: 16, dispatch: [groups, 1, 1] });
  }

  #launch(shader: Shader, more: Pick<Launch, "label" | "step" | "storage" | "uniformOffset" | "uniformBytes" | "dispatch">): Launch {
    return { kind: "launch", shader, layout: this.workshop.pipelines.layoutOf(shader), groups: new Map(), pipeline: null, ...more };
  }

  #reserve(bytes: number): number {
    const start = this.#uniformBytes;
    this.#uniformBytes += roundUp(Math.max(bytes, 16), uniformStep);
    if (this.#uniformBytes > this.#words.byteLength) throw new CompilerBug(`plan ${this.compiled.plan.name}: the uniforms do not fit`);
    return start;
  }
}

const roundUp = (n: number, step: number): number => Math.ceil(n / step) * step;
/** Bytes of uniforms beyond one step a launch. */
const uniformRoom = (shaders: readonly WgslKernel[]): number => shaders.reduce((sum, s) => sum + roundUp(s.uniformBytes, uniformStep), 0);

/** Element 0 of a buffer in its memory, in words. */
export const baseOf = (b: PlanBuffer): number => (b.role === "temp" ? b.offset / 4 : 0);
