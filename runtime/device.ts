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

export interface Device {
  readonly name: string;
  /** Whether results can be read synchronously. */
  readonly synchronous: boolean;
  upload(data: HostArray, type: TensorType): DeviceBuffer;
  prepare(compiled: CompiledPlan): Executable;
  /** Runs all steps; `inputs` and `scalars` in the plan's order. Outputs come retained once, in the plan's order. */
  run(executable: Executable, inputs: readonly DeviceBuffer[], scalars: readonly number[]): DeviceBuffer[];
  /** A fresh copy on the host. */
  read(buffer: DeviceBuffer): Promise<HostArray>;
  readSync(buffer: DeviceBuffer): HostArray;
  memory(): DeviceMemory;
}
