/** The one interface of devices. A device knows buffers and plans, and no op. */
import type { HostArray } from "../compiler/ir/host.ts";
import type { CompiledPlan } from "../compiler/ir/plan.ts";
import type { Slot } from "../compiler/ir/node.ts";
import type { TensorType } from "../compiler/ir/shape.ts";

export type { HostArray };

/** Memory of one evaluated value. Counted: several values may share it. Freed at zero, or when it is collected. */
export interface DeviceBuffer extends Slot {
  readonly bytes: number;
  readonly freed: boolean;
  /** How many handles own the memory. */
  readonly owners: number;
  /** The same memory seen with another type of the same size; shares the count. */
  view(type: TensorType): DeviceBuffer;
  retain(): void;
  release(): void;
}

/** A plan that a device has made ready to run. */
export interface Executable {
  readonly compiled: CompiledPlan;
}

export interface DeviceMemory {
  /** Bytes held by buffers now, the most ever held, and the bytes reserved from the system. */
  readonly current: number;
  readonly peak: number;
  readonly reserved: number;
}

/** What all devices share. */
export interface Memories {
  readonly name: string;
  /** Whether results can be read synchronously. */
  readonly synchronous: boolean;
  upload(data: HostArray, type: TensorType): DeviceBuffer;
  /** A fresh copy on the host. */
  read(buffer: DeviceBuffer): Promise<HostArray>;
  memory(): DeviceMemory;
}

export interface Device extends Memories {
  prepare(compiled: CompiledPlan): Executable;
  /** Runs all steps; `inputs` and `scalars` in the plan's order. Outputs come retained once, in the plan's order. */
  run(executable: Executable, inputs: readonly DeviceBuffer[], scalars: readonly number[]): DeviceBuffer[];
  readSync(buffer: DeviceBuffer): HostArray;
}

/** A plan that a device is making ready; it may be run at once, the run waits. */
export interface AsyncExecutable extends Executable {
  /** Rejects with a DeviceError that names the plan and the kernel where a kernel cannot be made. */
  readonly ready: Promise<void>;
}

/** A run that a device will do in its turn. */
export interface Run {
  /** Retained once, in the plan's order; they may be given to further runs at once. */
  readonly outputs: readonly DeviceBuffer[];
  /** Resolves once the device took the work without an error; rejects with a DeviceError, as does then every use of the outputs. */
  readonly finished: Promise<void>;
}

/** A device that answers later. Runs and reads are done in the order of the calls, also while plans are still being prepared. */
export interface AsyncDevice extends Memories {
  readonly synchronous: false;
  /** Resolves, with the reason, when the device is lost or destroyed. */
  readonly lost: Promise<string>;
  /** `data` may be read again until the buffer was first used: it must not be changed any more. */
  upload(data: HostArray, type: TensorType): DeviceBuffer;
  prepare(compiled: CompiledPlan): AsyncExecutable;
  /** As `Device.run`, in its turn. Whether a donated input's memory is taken over is decided when its turn comes. */
  run(executable: Executable, inputs: readonly DeviceBuffer[], scalars: readonly number[]): Run;
  /** Ends the device: everything pending and every further use is refused with a DeviceError. */
  destroy(): void;
}

/** What is known of a GPU. */
export interface GpuInfo {
  /** The adapter in words: `google swiftshader (SwiftShader driver 5.0.0)`. */
  readonly adapter: string;
  /** Whether it computes on the CPU. */
  readonly isSoftware: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** A run that was measured. */
export interface MeasuredRun {
  readonly outputs: readonly DeviceBuffer[];
  /** Nanoseconds of each launch, in the order of the plan; null where the adapter has no timestamp queries. */
  readonly launchNs: readonly number[] | null;
  /** Nanoseconds until the GPU was done, by the host's clock. */
  readonly totalNs: number;
}

/** A GPU as its users see it. */
export interface GpuDevice extends AsyncDevice {
  readonly info: GpuInfo;
  /** Whether it was lost or destroyed: it can do nothing any more. */
  readonly isLost: boolean;
  /** What the GPU complained of outside of any call, the first few: nothing, unless lazuli is wrong. */
  readonly complaints: readonly string[];
  /** Dead buffers that are not collected yet; see pressure.ts. */
  readonly pressure: { relieve(): Promise<boolean> };
  /** `run`, alone on the GPU, and how long it took. */
  measure(executable: Executable, inputs: readonly DeviceBuffer[], scalars: readonly number[]): Promise<MeasuredRun>;
  /** Resolves when all work that was taken so far is done. */
  idle(): Promise<void>;
  /** Whether it is known that a buffer of this device will never hold a value: its run or its upload failed. */
  hasFailed(buffer: DeviceBuffer): boolean;
  /** Whether this is a buffer of this very device. */
  owns(slot: Slot): slot is DeviceBuffer;
}
