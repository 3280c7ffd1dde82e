/** Runs generated kernels over arrays of their own. */
import type { Numeric } from "../../../compiler/ir/dtype.ts";
import { dtypeInfo } from "../../../compiler/ir/dtype.ts";
import { at, lookup } from "../../../compiler/ir/errors.ts";
import { halfBits, halfNumber } from "../../../compiler/ir/half.ts";
import type { HostArray } from "../../../compiler/ir/host.ts";
import { setElement } from "../../../compiler/ir/host.ts";
import type { Kernel } from "../../../compiler/ir/loop.ts";
import { emitJs } from "../../../compiler/codegen/js/emit.ts";
import { viewOf } from "../../../runtime/cpu/buffer.ts";
import { viewsOf } from "../../../runtime/cpu/heap.ts";

/** The buffers after one call of the kernel; those not given start as zeros. */
export function runKernel(kernel: Kernel, data: Readonly<Record<string, readonly Numeric[]>>, scalars: readonly Numeric[] = []): Record<string, Numeric[]> {
  const starts = new Map<string, number>();
  let end = 64;
  for (const b of kernel.buffers) {
    starts.set(b.name, end);
    end += Math.ceil((b.size * dtypeInfo(b.dtype).bytes) / 64) * 64;
  }
  const views = viewsOf(new ArrayBuffer(end));
  const element = (name: string, bytes: number): number => lookup(starts, name, "a buffer") / bytes;
  const region = (name: string): HostArray => {
    const b = at(
      kernel.buffers.filter((k) => k.name === name),
      0,
    );
    const start = element(name, dtypeInfo(b.dtype).bytes);
    return viewOf(views, b.dtype).subarray(start, start + b.size);
  };
  const isHalf = (name: string): boolean => kernel.buffers.some((b) => b.name === name && b.dtype === "float16");
  for (const [name, elements] of Object.entries(data)) elements.forEach((x, i) => setElement(region(name), i, isHalf(name) ? halfBits(Number(x)) : x));
  const [run]: readonly unknown[] = new Function(emitJs([kernel]))();
  if (typeof run !== "function") throw new Error("no kernel came back");
  Reflect.apply(run, null, [views, ...kernel.buffers.map((b) => element(b.name, dtypeInfo(b.dtype).bytes)), ...scalars]);
  return Object.fromEntries(
    kernel.buffers.map((b) => [b.name, Array.from<Numeric, Numeric>(region(b.name), (x) => (b.dtype === "float16" ? halfNumber(Number(x)) : x))]),
  );
}
