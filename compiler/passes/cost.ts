/**
 * How long a kernel should take on a target, by what it computes and moves: a roofline.
 *
 *   ns = launch + max(bytes / bandwidth, (operations + loads + stores) / throughput)
 *
 * What fits into the cache is moved at the cache's rate: in a plan it has just been written or read. Nothing is decided by it; beside
 * measured times it says which kernels are slower than they should be.
 */
import type { Cost } from "../ir/count.ts";
import type { Target } from "../target.ts";

/** Nanoseconds of one launch of a kernel with this cost, counted on its final loops. */
export function predictedNs({ operations, loads, stores, bytesRead, bytesWritten }: Cost, target: Target): number {
  const bytes = bytesRead + bytesWritten;
  const moving = bytes / (bytes <= target.cacheBytes ? target.cacheBandwidth : target.bandwidth);
  const computing = ((operations + loads + stores) * target.slowdown) / target.throughput;
  return target.launchNs + Math.max(moving, computing);
}
