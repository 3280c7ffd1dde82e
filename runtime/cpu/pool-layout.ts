/**
 * The block that the threads of a pool share, as 32-bit words and as 64-bit numbers.
 *
 * `job` counts jobs; threads without work wait on it. `ticket` is the job's number (its low 20 bits) and how many chunks are left to
 * claim (12 bits), so that one compare-and-exchange claims a chunk of the job that was meant, or none. `done` counts finished chunks;
 * who gave the job out waits on it. In its own line of `threads` each thread says which chunk it is at, plus one.
 */
/** Where things stand: words below `threads`, numbers from `moduleAt` on. */
export const layout = {
  chunkBits: 12,
  mostChunks: 4095,
  mostJobs: 1_048_575,

  job: 0,
  ticket: 16,
  done: 32,
  sleeping: 48,
  ready: 49,
  stop: 50,
  failed: 51,
  module: 52,
  kernel: 53,
  turns: 54,
  chunks: 55,
  argCount: 56,
  messageLength: 57,

  /** One cache line a thread. */
  threads: 64,
  threadWords: 16,
  mostThreads: 64,

  message: 1088,
  messageWords: 256,

  moduleAt: 672,
  headBytes: 673,
  binaryBytes: 674,
  constants: 675,
  scratch: 676,
  scratchBytes: 677,
  args: 678,
  mostArgs: 128,

  bytes: 6448,
} as const;
