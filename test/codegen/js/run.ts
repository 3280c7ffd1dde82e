/** Runs generated kernels over arrays of their own. */
import { dtypeInfo } from "../../../compiler/ir/dtype.ts";
import { at, lookup } from "../../../compiler/ir/errors.ts";
import type { HostArray } from "../../../compiler/ir/host.ts";
import type { Kernel } from "../../../compiler/ir/loop.ts";
import { emitJs } from "../../../compiler/codegen/js/emit.ts";
import { viewOf } from "../../../runtime/cpu/buffer.ts";
import type { HeapViews } from "../../../runtime/cpu/heap.ts";

function heapOf(bytes: number): HeapViews {
  const b = new ArrayBuffer(bytes);
  return { f32: new Float32Array(b), f64: new Float64Array(b), i32: new Int32Array(b), u32: new Uint32Array(b), u8: new Uint8Array(b) };
}

/** The buffers after one call of the kernel; those not given start as zeros. */
export function runKernel(kernel: Kernel, data: Readonly<Record<string, readonly number[]>>, scalars: readonly number[] = []): Record<string, number[]> {
  const starts = new Map<string, number>();
  let end = 64;
  for (const b of kernel.buffers) {
    starts.set(b.name, end);
    end += Math.ceil((b.size * dtypeInfo(b.dtype).bytes) / 64) * 64;
  }
  const views = heapOf(end);
  const element = (name: string, bytes: number): number => lookup(starts, name, "a buffer") / bytes;
  const region = (name: string): HostArray => {
    const b = at(
      kernel.buffers.filter((k) => k.name === name),
      0,
    );
    const start = element(name, dtypeInfo(b.dtype).bytes);
    return viewOf(views, b.dtype).subarray(start, start + b.size);
  };
  for (const [name, numbers] of Object.entries(data)) region(name).set(numbers);
  const [run]: readonly unknown[] = new Function(emitJs([kernel]))();
  if (typeof run !== "function") throw new Error("no kernel came back");
  Reflect.apply(run, null, [views, ...kernel.buffers.map((b) => element(b.name, dtypeInfo(b.dtype).bytes)), ...scalars]);
  return Object.fromEntries(kernel.buffers.map((b) => [b.name, Array.from(region(b.name))]));
}
