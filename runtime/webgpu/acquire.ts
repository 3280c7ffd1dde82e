/**
 * Where a GPU comes from: the browser's `navigator.gpu`, or the optional peer `webgpu` (Dawn) in Node. Dawn's answers arrive
 * through the object that `create()` returns: once that is collected, no promise of its devices resolves, and the process may
 * crash. So the device that is acquired holds it, and nothing else does.
 */
import { DeviceError } from "../../compiler/ir/errors.ts";
import type { GpuInfo } from "../device.ts";
import { isSoftware, limitsOf, wordsOf } from "./info.ts";

export interface AcquireOptions {
  readonly powerPreference?: "low-power" | "high-performance";
  /** Dawn's own options in Node, as `backend=vulkan`; browsers have none. */
  readonly dawn?: readonly string[];
}

/** Nobody is to be kept from telling machines apart here, so timestamps need not be rounded. */
const always = ["timestamp_quantization"];
/** Where a CPU computes, SwiftShader lets every lane set all of a workgroup's memory to zero, 137 ns a word; Tint's own loop shares that out. */
const onSoftware = [...always, "use_vulkan_zero_initialize_workgroup_memory_extension"];

/** Dawn's options: what is switched off in it, unless it was said what is. */
const without = (features: readonly string[], dawn: readonly string[]): string[] =>
  dawn.some((o) => o.startsWith("disable-dawn-features")) ? [...dawn] : [`disable-dawn-features=${features.join(",")}`, ...dawn];

const wantedFeatures: ReadonlySet<string> = new Set(["timestamp-query", "subgroups", "shader-f16"]);

export interface Acquired {
  readonly device: GPUDevice;
  /** To be held as long as the device is used. */
  readonly instance: GPU;
  readonly info: GpuInfo;
}

/** A GPU device with the limits and features of its adapter; a DeviceError that says what to install where there is none. */
export async function acquire(options: AcquireOptions = {}): Promise<Acquired> {
  const first = await findAdapter(options, always);
  const { gpu, adapter } = gpuOfPage() === undefined && isSoftware(first.adapter.info) ? await findAdapter(options, onSoftware) : first;
  // as much as the adapter has
  const limits = limitsOf(adapter.limits);
  const features = [...adapter.features].filter((name) => wantedFeatures.has(name)).toSorted();
  try {
    const device = await adapter.requestDevice({ requiredLimits: limits, requiredFeatures: features.filter(isFeature) });
    return { device, instance: gpu, info: { adapter: wordsOf(adapter.info), isSoftware: isSoftware(adapter.info), features, limits } };
  } catch (error) {
    throw new DeviceError(`webgpu: the adapter gives no device: ${messageOf(error)}. configure({ device: "cpu" }).`, { cause: error });
  }
}

const isFeature = (name: string): name is GPUFeatureName => wantedFeatures.has(name);

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

interface Found {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
}

async function findAdapter({ dawn = [], powerPreference }: AcquireOptions, switchedOff: readonly string[]): Promise<Found> {
  const gpu = await findGpu(without(switchedOff, dawn));
  const adapter = await gpu.requestAdapter(powerPreference === undefined ? {} : { powerPreference });
  if (adapter === null) throw new DeviceError('webgpu: this machine has no GPU that WebGPU can use. configure({ device: "cpu" }).');
  return { gpu, adapter };
}

/** The browser's. */
function gpuOfPage(): GPU | undefined {
  const page: { readonly gpu?: GPU } | undefined = typeof navigator === "undefined" ? undefined : navigator;
  return page?.gpu;
}

async function findGpu(dawn: readonly string[]): Promise<GPU> {
  const own = gpuOfPage();
  if (own !== undefined) return own;
  try {
    const { create } = await import("webgpu");
    return create([...dawn]);
  } catch (error) {
    throw new DeviceError(`webgpu: there is no WebGPU here (${firstLine(messageOf(error))}). In Node: npm install webgpu. In a browser: one that has WebGPU.`, {
      cause: error,
    });
  }
}

const firstLine = (text: string): string => text.split("\n")[0] ?? "";
