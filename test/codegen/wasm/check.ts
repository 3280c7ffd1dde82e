/** Checks of whole kernels: WebAssembly against JavaScript, bit for bit. */
import { expect } from "vitest";
import { emitWasm } from "../../../compiler/codegen/wasm/emit.ts";
import type { DType, Numeric } from "../../../compiler/ir/dtype.ts";
import { dtypeInfo, isFloat, rounded } from "../../../compiler/ir/dtype.ts";
import type { Kernel } from "../../../compiler/ir/loop.ts";
import { parseKernel } from "../../../compiler/ir/parse-loop.ts";
import { verifyKernel } from "../../../compiler/ir/verify-loop.ts";
import { runKernel } from "../js/run.ts";
import { runWasm } from "./run.ts";

/** Numbers of a dtype that sums keep most of, and now and then one that is special. */
export function numbers(dtype: DType, size: number, seed: number): Numeric[] {
  let state = seed * 2654435761 + 12345;
  return Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const x = state / 2 ** 32;
    if (dtype === "bool") return x < 0.5 ? 0 : 1;
    if (isFloat(dtype)) return Number(rounded(dtype, x * 8 - 4));
    return rounded(dtype, Math.floor((x - 0.5) * 2 ** Math.min(20, dtypeInfo(dtype).bits)));
  });
}

export function check(text: string, given: Readonly<Record<string, readonly Numeric[]>> = {}, scalars: readonly Numeric[] = []): Kernel {
  const kernel = parseKernel(text);
  verifyKernel(kernel);
  return checkKernel(kernel, given, scalars);
}

export function checkKernel(kernel: Kernel, given: Readonly<Record<string, readonly Numeric[]>> = {}, scalars: readonly Numeric[] = []): Kernel {
  const data = Object.fromEntries(
    kernel.buffers.filter((b) => b.access === "read" || b.access === "update").map((b, i) => [b.name, given[b.name] ?? numbers(b.dtype, b.size, i + 1)]),
  );
  const want = runKernel(kernel, data, scalars);
  for (const turns of ["together", "backwards"] as const) {
    const got = runWasm(kernel, data, scalars, turns);
    for (const b of kernel.buffers) if (b.access !== "scratch") expect(got[b.name]).toEqual(want[b.name]);
  }
  return kernel;
}

/** The text of the module that a kernel becomes. */
export const textOf = (kernel: Kernel): string => emitWasm([kernel], { sharedMemory: false, relaxed: false }).text();
