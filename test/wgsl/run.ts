/**
 * Runs shaders on a software Vulkan, where the machine has one: in a process of its own, because Vulkan's loader reads the real
 * environment, which a test's worker thread cannot set.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { WgslKernel } from "../../compiler/codegen/wgsl/emit.ts";
import { skip, swiftshaderEnvironment } from "./dawn.ts";
import type { Memory } from "./fixtures.ts";
import { layoutOf } from "./tint.ts";

/** Bits of GPUBufferUsage and GPUMapMode. */
const usage = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const;

/** Element positions at which every buffer starts, so that bases other than 0 are used. */
export const testBase = 3;

export interface Runner {
  /** Runs the kernel once; the buffers' contents afterwards. */
  readonly run: (shader: WgslKernel, memory: Memory, scalars?: Readonly<Record<string, number>>) => Promise<Memory>;
  readonly close: () => void;
}

/** The bytes of the uniform struct: bases, scalars, NaN and infinity. */
export function uniformBytes(shader: WgslKernel, scalars: Readonly<Record<string, number>>, base: (buffer: string) => number): ArrayBuffer {
  const bytes = new ArrayBuffer(Math.ceil(shader.uniformBytes / 16) * 16);
  const view = new DataView(bytes);
  for (const m of shader.uniforms) {
    const value = { base: base(m.of), scalar: scalars[m.of] ?? 0, nan: NaN, inf: Infinity }[m.role];
    if (m.dtype === "float32") view.setFloat32(m.offset, value, true);
    else view.setInt32(m.offset, value | 0, true);
  }
  return bytes;
}

function withBase(data: Float32Array | Int32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 * (data.length + testBase));
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 4 * testBase);
  return bytes;
}

async function readBack(device: GPUDevice, buffer: GPUBuffer): Promise<ArrayBuffer> {
  const target = device.createBuffer({ size: buffer.size, usage: usage.mapRead | usage.copyTarget });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, target, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await target.mapAsync(1);
  const copy = target.getMappedRange().slice(0);
  target.destroy();
  return copy;
}

export async function runOn(device: GPUDevice, shader: WgslKernel, memory: Memory, scalars: Readonly<Record<string, number>>): Promise<Memory> {
  const upload = (bytes: Uint8Array<ArrayBuffer>, use: number): GPUBuffer => {
    const buffer = device.createBuffer({ size: bytes.byteLength, usage: use | usage.copySource | usage.copyTarget });
    device.queue.writeBuffer(buffer, 0, bytes);
    return buffer;
  };
  const buffers = new Map(Object.entries(memory).map(([name, data]) => [name, upload(withBase(data), usage.storage)]));
  const uniforms = upload(new Uint8Array(uniformBytes(shader, scalars, () => testBase)), usage.uniform);
  const bufferOf = (names: readonly string[]): GPUBuffer => buffers.get(names[0] ?? "") ?? uniforms;
  const layout = layoutOf(device, shader);
  const module = device.createShaderModule({ code: shader.source });
  const pipeline = device.createComputePipeline({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: shader.entryPoint },
  });
  const entries = shader.bindings.map((b) => ({ binding: b.binding, resource: { buffer: bufferOf(b.buffers) } }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
  pass.dispatchWorkgroups(...shader.dispatch);
  pass.end();
  device.queue.submit([encoder.finish()]);
  const after: [string, Float32Array | Int32Array][] = [];
  for (const [name, buffer] of buffers) {
    const bytes = await readBack(device, buffer);
    after.push([name, memory[name] instanceof Int32Array ? new Int32Array(bytes, 4 * testBase) : new Float32Array(bytes, 4 * testBase)]);
    buffer.destroy();
  }
  uniforms.destroy();
  return Object.fromEntries(after);
}

/** What is sent to the process, and what it answers. */
export interface Job {
  readonly shader: WgslKernel;
  readonly memory: Memory;
  readonly scalars: Readonly<Record<string, number>>;
}
export type Answer = { readonly memory: Memory } | { readonly error: string };

/** The process that runs jobs one after the other; null where it has no GPU. */
export async function openRunner(): Promise<Runner | null> {
  const environment = swiftshaderEnvironment();
  if (environment === null) return skip("wgsl: shaders are not run: no SwiftShader (Debian's chromium) on this machine");
  const child = fork(fileURLToPath(new URL("run-process.ts", import.meta.url)), {
    execArgv: ["--import", "tsx"],
    env: { ...process.env, ...environment },
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const next = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the process that runs shaders ended with ${code}`));
      child.once("exit", ended);
      child.once("message", (message: T) => {
        child.off("exit", ended);
        resolve(message);
      });
    });
  if (!(await next<boolean>())) {
    child.disconnect();
    return skip("wgsl: shaders are not run: SwiftShader does not start on this machine");
  }
  const run: Runner["run"] = async (shader, memory, scalars = {}) => {
    const answer = next<Answer>();
    child.send({ shader, memory, scalars } satisfies Job);
    const result = await answer;
    if ("error" in result) throw new Error(result.error);
    return result.memory;
  };
  return { run, close: () => child.disconnect() };
}
