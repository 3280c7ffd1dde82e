/**
 * Dawn for Node, owned here and nowhere else: a process that can still reach what `create()` returned does not end.
 * Imported dynamically, so that a machine where the package does not load skips these tests and says so.
 */
import { existsSync } from "node:fs";

export type Backend = "null" | "swiftshader";

export interface Session {
  readonly device: GPUDevice;
  readonly close: () => void;
}

/** The software Vulkan of Debian's chromium, as the environment variables that name it to Vulkan's loader; null where it is not there. */
export function swiftshaderEnvironment(): Readonly<Record<string, string>> | null {
  const driver = "/usr/lib/chromium/vk_swiftshader_icd.json";
  return existsSync(driver) ? { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver } : null;
}

const said = new Set<string>();
/** Says once, in one line, why tests are skipped. */
export function skip(why: string): null {
  if (!said.has(why)) console.log(why);
  said.add(why);
  return null;
}

const messageOf = (e: unknown): string => (e instanceof Error ? (e.message.split("\n")[0] ?? "") : String(e));

/** A device of the backend, or null where this machine has none (said once, in one line). */
export async function openDawn(backend: Backend): Promise<Session | null> {
  try {
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    let gpu: GPU | null = create([backend === "null" ? "backend=null" : "backend=vulkan"]);
    const adapter = await gpu.requestAdapter();
    if (adapter === null) return skip(`wgsl: no ${backend} adapter on this machine`);
    const device = await adapter.requestDevice();
    const close = (): void => {
      device.destroy();
      gpu = null;
    };
    void gpu;
    return { device, close };
  } catch (e) {
    return skip(`wgsl: the webgpu package does not load here: ${messageOf(e)}`);
  }
}
