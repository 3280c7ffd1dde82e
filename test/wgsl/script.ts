/** What a GPU is asked to do in one go, as plain data: memories, launches, copies. */
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { layoutOf } from "./tint.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Where a kernel's buffer is: a memory, and its element 0 counted in words. */
export interface Location {
  readonly memory: string;
  readonly base: number;
}

export type ScriptStep =
  | {
      readonly kind: "launch";
      readonly shader: WgslKernel;
      readonly buffers: Readonly<Record<string, Location>>;
      readonly scalars: Readonly<Record<string, number>>;
    }
  | { readonly kind: "copy"; readonly from: Location; readonly to: Location; readonly words: number }
  | { readonly kind: "write"; readonly to: Location; readonly data: Bytes };

export interface Script {
  /** What each memory holds at first. */
  readonly memory: Readonly<Record<string, Bytes>>;
  readonly steps: readonly ScriptStep[];
}

/** Bits of GPUBufferUsage. */
const usage = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const;

/** The bytes of the uniform struct: bases, scalars, NaN and infinity. */
export function uniformBytes(shader: WgslKernel, scalars: Readonly<Record<string, number>>, base: (buffer: string) => number): Bytes {
  const bytes = new ArrayBuffer(Math.ceil(shader.uniformBytes / 16) * 16);
  const view = new DataView(bytes);
  for (const m of shader.uniforms) {
    const value = { base: m.role === "base" ? base(m.of) : 0, scalar: scalars[m.of] ?? 0, nan: NaN, inf: Infinity }[m.role];
    if (m.dtype === "float32") view.setFloat32(m.offset, value, true);
    else view.setInt32(m.offset, value | 0, true);
  }
  return new Uint8Array(bytes);
}

function bufferWith(device: GPUDevice, bytes: Bytes, use: number): GPUBuffer {
  // whole vectors of 16 bytes, as the runtime makes them
  const size = 16 * Math.max(1, Math.ceil(bytes.byteLength / 16));
  const buffer = device.createBuffer({ size, usage: use | usage.copySource | usage.copyTarget });
  device.queue.writeBuffer(buffer, 0, bytes);
  return buffer;
}

async function readBack(device: GPUDevice, buffer: GPUBuffer): Promise<Bytes> {
  const target = device.createBuffer({ size: buffer.size, usage: usage.mapRead | usage.copyTarget });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, target, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await target.mapAsync(1);
  const copy = target.getMappedRange().slice(0);
  target.destroy();
  return new Uint8Array(copy);
}

function found<T>(map: ReadonlyMap<string, T>, key: string): T {
  const item = map.get(key);
  if (item === undefined) throw new Error(`there is no ${key}`);
  return item;
}

function launch(device: GPUDevice, step: Extract<ScriptStep, { kind: "launch" }>, memory: ReadonlyMap<string, GPUBuffer>): void {
  const { shader } = step;
  const locations = new Map(Object.entries(step.buffers));
  const bytes = uniformBytes(shader, step.scalars, (name) => found(locations, name).base);
  const uniforms = bufferWith(device, bytes, usage.uniform);
  const layout = layoutOf(device, shader);
  const module = device.createShaderModule({ code: shader.source });
  const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
  const pipeline = device.createComputePipeline({ layout: pipelineLayout, compute: { module, entryPoint: shader.entryPoint } });
  const entries = shader.bindings.map((b) => {
    const buffer = b.access === "uniform" ? uniforms : found(memory, found(locations, b.buffers[0] ?? "").memory);
    return { binding: b.binding, resource: { buffer } };
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
  pass.dispatchWorkgroups(...shader.dispatch);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

/** WebGPU copies between two buffers only: within one the bytes go through a third. */
function copy(device: GPUDevice, { from, to, words }: Extract<ScriptStep, { kind: "copy" }>, memory: ReadonlyMap<string, GPUBuffer>): void {
  const encoder = device.createCommandEncoder();
  const [source, target] = [found(memory, from.memory), found(memory, to.memory)];
  const between = source === target ? bufferWith(device, new Uint8Array(4 * words), usage.storage) : null;
  if (between !== null) encoder.copyBufferToBuffer(source, 4 * from.base, between, 0, 4 * words);
  encoder.copyBufferToBuffer(between ?? source, between === null ? 4 * from.base : 0, target, 4 * to.base, 4 * words);
  device.queue.submit([encoder.finish()]);
}

/** Does all steps in order; what each memory then holds. */
export async function play(device: GPUDevice, script: Script): Promise<Readonly<Record<string, Bytes>>> {
  const memory = new Map(Object.entries(script.memory).map(([name, bytes]) => [name, bufferWith(device, bytes, usage.storage)]));
  for (const step of script.steps) {
    if (step.kind === "launch") launch(device, step, memory);
    else if (step.kind === "write") device.queue.writeBuffer(found(memory, step.to.memory), 4 * step.to.base, step.data);
    else copy(device, step, memory);
  }
  const after: [string, Bytes][] = [];
  for (const [name, buffer] of memory) after.push([name, await readBack(device, buffer)]);
  for (const buffer of memory.values()) buffer.destroy();
  return Object.fromEntries(after);
}
