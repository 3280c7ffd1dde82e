/** The devices of this process, and how much memory they hold. */
import type { DeviceMemory } from "../runtime/device.ts";
import { CpuDevice } from "../runtime/cpu/device.ts";

/** The calling thread's CPU. */
export const cpu: CpuDevice = new CpuDevice();

export interface Memory {
  /** Bytes that values hold now. */
  readonly current: number;
  /** The most bytes that values have held at one time. */
  readonly peak: number;
  /** Bytes reserved from the system for the CPU. */
  readonly heap: number;
  /** The same for each device by name. */
  readonly devices: Readonly<Record<string, DeviceMemory>>;
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
  return { current: held.current, peak: held.peak, heap: held.reserved, devices: { cpu: held } };
}
