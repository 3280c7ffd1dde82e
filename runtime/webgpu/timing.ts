/**
 * How long a run and each of its launches took. The GPU's own clock is read at both ends of a compute pass, so a measured run has one
 * pass a launch. Browsers round that clock (often to 0.1 ms) against fingerprinting; Dawn in Node is asked not to.
 */
import { at } from "../../compiler/ir/errors.ts";
import { usage } from "./memory.ts";

/** What one query set may hold, by WebGPU's rule. */
const queriesOfSet = 4096;
const launchesOfSet = queriesOfSet / 2;
/** A timestamp is a 64-bit number of nanoseconds. */
const stampBytes = 8;
/** A bit of GPUMapMode. */
const mapRead = 1;

/** The GPU's clock around the launches of one run. Made and destroyed by a RunWatch. */
class LaunchClock {
  readonly #sets: readonly GPUQuerySet[];
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;
  readonly #stamped = new Set<number>();

  constructor(device: GPUDevice, launches: number) {
    const sets = Math.max(1, Math.ceil(launches / launchesOfSet));
    const size = sets * queriesOfSet * stampBytes;
    this.#sets = Array.from({ length: sets }, () => device.createQuerySet({ type: "timestamp", count: queriesOfSet }));
    this.#resolved = device.createBuffer({ size, usage: usage.queryResolve | usage.copySource });
    this.#staging = device.createBuffer({ size, usage: usage.mapRead | usage.copyTarget });
  }

  /** What the pass of a launch writes. */
  writes(launch: number): GPUComputePassTimestampWrites {
    this.#stamped.add(launch);
    const first = 2 * (launch % launchesOfSet);
    return { querySet: at(this.#sets, Math.floor(launch / launchesOfSet)), beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
  }

  /** Encodes what brings the stamps to the host. */
  collect(encoder: GPUCommandEncoder): void {
    this.#sets.forEach((set, i) => encoder.resolveQuerySet(set, 0, queriesOfSet, this.#resolved, i * queriesOfSet * stampBytes));
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, this.#resolved.size);
  }

  /** Nanoseconds a launch; 0 for what was not launched, having no elements. */
  async read(launches: number): Promise<number[]> {
    await this.#staging.mapAsync(mapRead);
    const stamps = new BigUint64Array(this.#staging.getMappedRange());
    // clocks of some GPUs step back when they change speed
    const took = (i: number): number => Math.max(0, Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n)));
    return Array.from({ length: launches }, (_, i) => (this.#stamped.has(i) ? took(i) : 0));
  }

  destroy(): void {
    for (const set of this.#sets) set.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }
}

export interface RunTimes {
  /** Nanoseconds of each kernel step of the plan in its order, by the GPU's clock; null where the GPU has none (`timestamp-query`). */
  readonly launchNs: readonly number[] | null;
  /** Nanoseconds from the submit until the host heard that all is done. */
  readonly totalNs: number;
}

/** Watches one run. */
export class RunWatch {
  readonly clock: LaunchClock | null;
  readonly #device: GPUDevice;
  readonly #launches: number;
  #took: Promise<number> = Promise.resolve(0);

  constructor(device: GPUDevice, launches: number) {
    this.#device = device;
    this.#launches = launches;
    this.clock = device.features.has("timestamp-query") ? new LaunchClock(device, launches) : null;
  }

  /** Submits the work of the run. */
  submit(work: GPUCommandBuffer): void {
    const start = performance.now();
    this.#device.queue.submit([work]);
    this.#took = this.#device.queue.onSubmittedWorkDone().then(() => performance.now() - start);
    // the run fails by itself
    this.#took.catch(() => 0);
  }

  /** After the run. */
  async times(): Promise<RunTimes> {
    const totalNs = 1e6 * (await this.#took);
    return { launchNs: this.clock === null ? null : await this.clock.read(this.#launches), totalNs };
  }

  destroy(): void {
    this.clock?.destroy();
  }
}
