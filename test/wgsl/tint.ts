/** Compiles shaders with Tint, through Dawn's null backend: no GPU and no driver is needed. */
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { openDawn } from "./dawn.ts";

export interface Tint {
  /** What Tint says about the source, and about a pipeline made of it with the layout that the kernel reports; empty where all is well. */
  readonly check: (shader: WgslKernel) => Promise<string[]>;
  readonly checkSource: (source: string) => Promise<string[]>;
  readonly close: () => void;
}

export const shaderStage = 4;

/** The bind group layout that a kernel's bindings ask for. */
export function layoutOf(device: GPUDevice, shader: WgslKernel): GPUBindGroupLayout {
  const types = { uniform: "uniform", read: "read-only-storage", read_write: "storage" } as const;
  return device.createBindGroupLayout({
    entries: shader.bindings.map((b) => ({ binding: b.binding, visibility: shaderStage, buffer: { type: types[b.access] } })),
  });
}

async function pipelineErrors(device: GPUDevice, module: GPUShaderModule, shader: WgslKernel): Promise<string[]> {
  device.pushErrorScope("validation");
  const layout = device.createPipelineLayout({ bindGroupLayouts: [layoutOf(device, shader)] });
  device.createComputePipeline({ layout, compute: { module, entryPoint: shader.entryPoint } });
  const error = await device.popErrorScope();
  return error === null ? [] : [error.message];
}

/** Tint, or null where the webgpu package does not load. */
export async function openTint(): Promise<Tint | null> {
  const session = await openDawn("null");
  if (session === null) return null;
  const { device, close } = session;
  const messages = async (module: GPUShaderModule, source: string): Promise<string[]> => {
    const info = await module.getCompilationInfo();
    const lines = source.split("\n");
    return info.messages.map((m) => `${m.lineNum}:${m.linePos} ${m.type}: ${m.message}: ${lines[m.lineNum - 1] ?? ""}`);
  };
  const compile = async (source: string): Promise<{ module: GPUShaderModule; found: string[] }> => {
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ code: source });
    const found = await messages(module, source);
    const error = await device.popErrorScope();
    return { module, found: error !== null && found.length === 0 ? [error.message] : found };
  };
  return {
    checkSource: async (source) => (await compile(source)).found,
    check: async (shader) => {
      const { module, found } = await compile(shader.source);
      return found.length > 0 ? found : pipelineErrors(device, module, shader);
    },
    close,
  };
}
