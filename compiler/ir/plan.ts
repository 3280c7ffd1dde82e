/** The Plan: where and in which order. Steps over numbered buffers; what a device executes. */
import type { DType } from "./dtype.ts";
import type { Kernel } from "./loop.ts";
import type { WgslKernel } from "./shader.ts";
import type { TensorType } from "./shape.ts";

/**
 * input: given by the caller · output: allocated for the caller · temp: lives in the plan's arena.
 * An output with `donates` takes over the memory of that input buffer (by buffer id).
 */
export interface PlanBuffer {
  readonly id: number;
  readonly role: "input" | "output" | "temp";
  readonly type: TensorType;
  readonly bytes: number;
  /** Byte offset in the arena (temps), else 0. */
  readonly offset: number;
  readonly donates: number | null;
}

export type Step =
  /** A buffer starts to live. */
  | { readonly kind: "alloc"; readonly buffer: number }
  /** `kernels[kernel]` with its buffers and scalars in the order of the kernel's declaration; scalars index `Plan.scalars`. */
  | { readonly kind: "kernel"; readonly kernel: number; readonly buffers: readonly number[]; readonly scalars: readonly number[] }
  /** All bytes of `from` into `to` (same size). */
  | { readonly kind: "copy"; readonly from: number; readonly to: number }
  /** Every element of `buffer` becomes `value`. */
  | { readonly kind: "fill"; readonly buffer: number; readonly value: number }
  /** A temp is dead: its bytes may be given to a later one. */
  | { readonly kind: "free"; readonly buffer: number };

/** An output: a buffer seen with a type of the same number of elements (reshaped outputs share one buffer). */
export interface PlanOutput {
  readonly buffer: number;
  readonly type: TensorType;
}

export interface Plan {
  readonly name: string;
  readonly buffers: readonly PlanBuffer[];
  readonly kernels: readonly Kernel[];
  readonly steps: readonly Step[];
  /** Buffer ids of the buffer params, in the graph's order. */
  readonly inputs: readonly number[];
  /** dtypes of the scalar params, in the graph's order. */
  readonly scalars: readonly DType[];
  readonly outputs: readonly PlanOutput[];
  /** Size of the arena that holds all temps. */
  readonly arenaBytes: number;
}

/**
 * A plan with the code of its kernels. For `js` the source is the body of a function without parameters that returns
 * `[kernel0, kernel1, …]`; each kernel is called as `(h, b0, …, bn, s0, …)`: `h` the heap's views { f32, f64, i32, u32, u8 },
 * `b` the position of each buffer in elements of its dtype, `s` the scalars. For `wgsl` there is one shader a kernel.
 */
export interface CompiledPlan {
  readonly plan: Plan;
  readonly language: "js" | "wgsl";
  readonly sources: readonly string[];
  /** One a kernel, for `wgsl`; else none. */
  readonly shaders: readonly WgslKernel[];
}
