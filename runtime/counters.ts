/** Counts of what happened since the start or the last reset. */

/** Each count rises by one an event, the bytes by bytes. */
export interface Counters {
  /** Plans that were compiled. */
  plansCompiled: number;
  /** Evaluations whose plan was in the cache. */
  planHits: number;
  /** Plans that ran. */
  plansRun: number;
  /** Kernels that ran. */
  kernelsLaunched: number;
  /** Those of which other threads of the CPU took a share. */
  launchesShared: number;
  /** Threads of the CPU that died. */
  threadsLost: number;
  /** Buffers made for uploads and outputs, and their bytes; an output in the memory of a donated input is none. */
  buffersAllocated: number;
  bytesAllocated: number;
  /** Outputs that took over the memory of an input. */
  donations: number;
  /** Bytes that the kernels, copies and fills of evaluated plans stored, temporaries included. */
  bytesWritten: number;
  bytesUploaded: number;
  bytesRead: number;
  /** Times that collection was provoked because dead buffers held too much. */
  collections: number;
}

const zero: Readonly<Counters> = {
  plansCompiled: 0,
  planHits: 0,
  plansRun: 0,
  kernelsLaunched: 0,
  launchesShared: 0,
  threadsLost: 0,
  buffersAllocated: 0,
  bytesAllocated: 0,
  donations: 0,
  bytesWritten: 0,
  bytesUploaded: 0,
  bytesRead: 0,
  collections: 0,
};

/** The counts of this process; whoever does the work adds to them. */
export const counters: Counters = { ...zero };

export function resetCounters(): void {
  Object.assign(counters, zero);
}
