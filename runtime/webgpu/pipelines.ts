/** Pipelines and layouts of a device, each made once. */
import { DeviceError } from "../../compiler/ir/errors.ts";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { PlanCache } from "../plan-cache.ts";
import { messageOf } from "./acquire.ts";

type Access = WgslKernel["bindings"][number]["access"];
const bufferTypes: Readonly<Record<Access, GPUBufferBindingType>> = { uniform: "uniform", read: "read-only-storage", read_write: "storage" };
/** A bit of GPUShaderStage. */
const computeStage = 4;

/** What a pipeline is made of. */
export type Shader = Pick<WgslKernel, "source" | "entryPoint" | "bindings">;

/** A source without the comment that names its kernel: kernels that do the same share a pipeline. */
const belowTitle = (source: string): string => (source.startsWith("//") ? source.slice(source.indexOf("\n") + 1) : source);

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #pipelines = new PlanCache<Promise<GPUComputePipeline>>(2048);

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  layoutOf({ bindings }: Pick<Shader, "bindings">): GPUBindGroupLayout {
    const key = bindings.map((b) => `${b.binding}${b.access}`).join(" ");
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const layout = this.#device.createBindGroupLayout({
      entries: bindings.map((b) => ({ binding: b.binding, visibility: computeStage, buffer: { type: bufferTypes[b.access] } })),
    });
    this.#layouts.set(key, layout);
    return layout;
  }

  /** The pipeline of a source; rejects with a DeviceError that says `what` and quotes the compiler's first message. */
  pipelineOf(shader: Shader, what: string): Promise<GPUComputePipeline> {
    const text = belowTitle(shader.source);
    let made = this.#pipelines.get(text);
    if (made === undefined) this.#pipelines.set(text, (made = this.#make(shader, what)));
    return made.catch((error: unknown) => {
      throw new DeviceError(`webgpu: ${what}: the GPU takes no such kernel: ${messageOf(error)}`, { cause: error });
    });
  }

  async #make(shader: Shader, what: string): Promise<GPUComputePipeline> {
    this.#device.pushErrorScope("validation");
    const module = this.#device.createShaderModule({ label: what, code: shader.source });
    const layout = this.#device.createPipelineLayout({ bindGroupLayouts: [this.layoutOf(shader)] });
    const refused = this.#device.popErrorScope();
    try {
      const pipeline = this.#device.createComputePipelineAsync({ label: what, layout, compute: { module, entryPoint: shader.entryPoint } });
      pipeline.catch(() => null);
      const error = await refused;
      if (error !== null) throw new Error(error.message);
      return await pipeline;
    } catch (error) {
      throw new Error(await this.#complaint(module, error), { cause: error });
    }
  }

  async #complaint(module: GPUShaderModule, error: unknown): Promise<string> {
    try {
      const { messages } = await module.getCompilationInfo();
      const worst = messages.find((m) => m.type === "error");
      return worst === undefined ? messageOf(error) : `line ${worst.lineNum}: ${worst.message}`;
    } catch {
      return messageOf(error);
    }
  }
}
