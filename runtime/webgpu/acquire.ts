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
const unrounded = "disable-dawn-features=timestamp_quantization";
const withDefaults = (dawn: readonly string[]): string[] => (dawn.some((o) => o.startsWith("disable-dawn-features")) ? [...dawn] : [unrounded, ...dawn]);

const wantedFeatures: ReadonlySet<string> = new Set(["timestamp-query", "subgroups", "shader-f16"]);

export interface Acquired {
  readonly device: GPUDevice;
  /** To be held as long as the device is used. */
  readonly instance: GPU;
  readonly info: GpuInfo;
}

/** A GPU device with the limits and features of its adapter; a DeviceError that says what to install where there is none. */
export async function acquire(options: AcquireOptions = {}): Promise<Acquired> {
  const gpu = await findGpu(options.dawn ?? []);
  const { powerPreference } = options;
  const adapter = await gpu.requestAdapter(powerPreference === undefined ? {} : { powerPreference });
  if (adapter === null) throw new DeviceError('webgpu: this machine has no GPU that WebGPU can use. configure({ device: "cpu" }).');
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

async function findGpu(dawn: readonly string[]): Promise<GPU> {
  const inPage: { readonly gpu?: GPU } | undefined = typeof navigator === "undefined" ? undefined : navigator;
  if (inPage?.gpu !== undefined) return inPage.gpu;
  try {
    const { create } = await import("webgpu");
    return create(withDefaults(dawn));
  } catch (error) {
    throw new DeviceError(`webgpu: there is no WebGPU here (${firstLine(messageOf(error))}). In Node: npm install webgpu. In a browser: one that has WebGPU.`, {
      cause: error,
    });
  }
}

const firstLine = (text: string): string => text.split("\n")[0] ?? "";
