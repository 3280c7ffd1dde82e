/** The devices of this process: the CPU, and a GPU that is opened when it is first needed. */
import { DeviceError } from "../compiler/ir/errors.ts";
import type { DeviceMemory, GpuDevice, GpuInfo } from "../runtime/device.ts";
import { CpuDevice } from "../runtime/cpu/device.ts";
import { usualThreads } from "../runtime/cpu/threads.ts";
import { WebGpuDevice } from "../runtime/webgpu/device.ts";

/** Where values can live. */
export type DeviceName = "cpu" | "webgpu";

const deviceNames: readonly DeviceName[] = ["cpu", "webgpu"];

/** The name, checked; a DeviceError that lists the devices where there is none of that name. */
export function requireDevice(op: string, name: string): DeviceName {
  const known = deviceNames.find((d) => d === name);
  if (known === undefined) throw new DeviceError(`${op}: there is no device ${JSON.stringify(name)}. There are ${deviceNames.join(", ")}.`);
  return known;
}

/** The calling thread's CPU. */
export const cpu: CpuDevice = new CpuDevice({ threads: usualThreads() });

let gpu: WebGpuDevice | null = null;
let opening: Promise<WebGpuDevice> | null = null;
/** How the GPU was last asked for: `recover` asks alike. */
let wanted: OpenOptions = {};

/** The GPU, lost or not; null before it was opened. */
export const openedGpu = (): GpuDevice | null => gpu;

/** The GPU, opened if it is not yet; a DeviceError that says what to do where there is none. */
export async function requireGpu(): Promise<GpuDevice> {
  return gpu ?? (await open(wanted));
}

/** One opening at a time; who asks meanwhile gets the same device, in the order of asking. */
function open(options: OpenOptions): Promise<WebGpuDevice> {
  opening ??= WebGpuDevice.open(options)
    .then((device) => (gpu = device))
    .finally(() => (opening = null));
  return opening;
}

export interface OpenOptions {
  readonly powerPreference?: "low-power" | "high-performance";
  /** Options of Dawn in Node, as `backend=vulkan`; browsers have none. */
  readonly dawn?: readonly string[];
  /** Bytes that values may take on the device; as many as it has unless told. */
  readonly memoryLimit?: number;
}

/**
 * Opens the GPU now rather than at the first evaluation, and describes it. Rejects with a DeviceError that says why where there is
 * none: what a page asks before it chooses between GPU and CPU. The options count for the first opening.
 *
 * @example
 * const gpu = await openDevice("webgpu").catch(() => null);
 * configure({ device: gpu === null ? "cpu" : "webgpu" });
 */
export async function openDevice(name: "webgpu", options: OpenOptions = {}): Promise<GpuInfo> {
  if (requireDevice("openDevice", name) === "cpu") throw new DeviceError("openDevice: the cpu is always open.");
  if (gpu === null) wanted = options;
  const device = gpu ?? (await open(options));
  return device.info;
}

/**
 * A new GPU device in place of one that was lost. What only the lost one held is gone: its values throw a DeviceError where they are
 * used. Data that the user gave is uploaded again when it is needed, and what was recorded but not evaluated evaluates as before.
 * Where the device is not lost nothing happens; where none was opened, one is.
 *
 * @example
 * const adapter = await recover().then((gpu) => gpu.adapter).catch(() => "no GPU here");
 */
export async function recover(): Promise<GpuInfo> {
  if (gpu !== null && !gpu.isLost) return gpu.info;
  const device = await open(wanted);
  return device.info;
}

/**
 * Gives the GPU back: values on it are gone, and a later use opens it anew.
 *
 * @example
 * closeDevice("webgpu");
 * memory().devices.webgpu; // → undefined
 */
export function closeDevice(name: "webgpu"): void {
  if (requireDevice("closeDevice", name) === "cpu") throw new DeviceError("closeDevice: the cpu stays open.");
  gpu?.destroy();
  gpu = null;
}

/**
 * Resolves when the GPU has done all it was given: `eval()` resolves once it took the work without an error. For clocks; reading
 * values waits by itself.
 *
 * @example
 * await synchronize();
 */
export async function synchronize(): Promise<void> {
  await gpu?.idle();
}

export interface Memory {
  /** Bytes that values hold now, on all devices. */
  readonly current: number;
  /** The most bytes that values have held at one time, each device for itself. */
  readonly peak: number;
  /** Bytes reserved from the system for the CPU. */
  readonly heap: number;
  /** The same for each device by name; a GPU once it was opened. */
  readonly devices: Readonly<Partial<Record<DeviceName, DeviceMemory>>>;
}

/**
 * Memory that values take, in bytes.
 *
 * @example
 * const before = memory().current;
 * const x = ones([1000]).evalSync();
 * memory().current - before >= 8000; // → true
 */
export function memory(): Memory {
  const held = cpu.memory();
  const devices = gpu === null ? { cpu: held } : { cpu: held, webgpu: gpu.memory() };
  const all = Object.values(devices);
  const sum = (f: (m: DeviceMemory) => number): number => all.reduce((n, m) => n + f(m), 0);
  return { current: sum((m) => m.current), peak: sum((m) => m.peak), heap: held.reserved, devices };
}
