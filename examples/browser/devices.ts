/** On which device the page trains, in words. */
import type { DeviceName, GpuInfo } from "lazuli";
import { openDevice, recover } from "lazuli";

/** What is known of this browser's GPU. */
export interface Found {
  /** Null where there is none that may be used. */
  readonly gpu: GpuInfo | null;
  /** The adapter, or why there is none. */
  readonly words: string;
}

/** Asks for the GPU; where there is none, says so in words for the reader of the page. */
export async function findGpu(): Promise<Found> {
  try {
    const gpu = await openDevice("webgpu");
    const software = gpu.isSoftware ? ". This is a software GPU: it computes on the CPU, and its speed says nothing about a real one" : "";
    return { gpu, words: `GPU: ${gpu.adapter}${software}.` };
  } catch (error) {
    console.info("lazuli:", error instanceof Error ? error.message : error);
    return { gpu: null, words: `${whyNot()}, so this page trains on the CPU.` };
  }
}

function whyNot(): string {
  if (!isSecureContext) return "Browsers offer WebGPU only to pages from https or localhost, which this is not";
  return "gpu" in navigator ? "This browser has WebGPU, but it found no GPU to use" : "This browser has no WebGPU";
}

/** What a page needs to know to begin anew after a failure: a GPU that was lost is opened again. */
export async function readyAgain(device: DeviceName): Promise<void> {
  if (device === "webgpu") await recover();
}

export const deviceWords = (device: DeviceName): string => (device === "webgpu" ? "the GPU" : "the CPU");
