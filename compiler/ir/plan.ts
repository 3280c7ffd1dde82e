/** The Plan: where and in which order. Steps over numbered buffers; what a device executes. */
import type { DType, Numeric } from "./dtype.ts";
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
  | { readonly kind: "fill"; readonly buffer: number; readonly value: Numeric }
  /** A temp is dead: its bytes may be given to a later one. */
  | { readonly kind: "free"; readonly buffer: number };

/** The buffers that a step names. */
export function touchedBy(s: Step): readonly number[] {
  if (s.kind === "kernel") return s.buffers;
  return s.kind === "copy" ? [s.from, s.to] : [s.buffer];
}

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
  /** Bytes that it should need at the most; whether it does, its text says. */
  readonly budget?: number;
}

/** One kernel in a WebAssembly module. */
export interface WasmKernel {
  /** The export. */
  readonly name: string;
  /** The outermost grid loops run over turns lo..hi of these; 1: one piece. Turns may run in any order, on any threads. */
  readonly turns: number;
  /** Estimated nanoseconds of one turn: whether threads pay. */
  readonly turnNs: number;
  /** Bytes of scratch that each thread must give, at a multiple of 16. */
  readonly scratchBytes: number;
}

/**
 * The kernels of a plan as one module. It imports `env.memory`, `env.constants` (an immutable i32: where `constants` lies in that
 * memory, at a multiple of 16) and the scalar functions named by `imports` as `env.<name>` (f64 → f64, or two f64 → f64).
 */
export interface WasmModule {
  readonly binary: Uint8Array<ArrayBuffer>;
  /** 16-byte vectors that the code loads. */
  readonly constants: Uint8Array<ArrayBuffer>;
  /** One a kernel of the plan, in order. */
  readonly kernels: readonly WasmKernel[];
  /** Scalar operations that the host gives: `exp`, `pow`. */
  readonly imports: readonly string[];
}

/**
 * A plan with the code of its kernels. For `js` the source is the body of a function without parameters that returns
 * `[kernel0, kernel1, …]`; each kernel is called as `(h, b0, …, bn, s0, …)`: `h` the heap's views { f32, f64, i32, u32, u8 },
 * `b` the position of each buffer in elements of its dtype, `s` the scalars. For `wgsl` there is one shader a kernel. For `wasm`
 * there is one module, whose exports are called as `(lo, hi, scratch, b0, …, bn, s0, …)`: turns lo … hi - 1, the byte address of this
 * thread's scratch, the byte address of each buffer, the scalars (i32 for bool, int32 and uint32; i64, f32 or f64 for the others);
 * its source is WebAssembly text, made when it is asked for.
 */
export interface CompiledPlan {
  readonly plan: Plan;
  readonly language: "js" | "wasm" | "wgsl";
  readonly sources: readonly string[];
  /** One a kernel, for `wgsl`; else none. */
  readonly shaders: readonly WgslKernel[];
  /** For `wasm`. */
  readonly wasm: WasmModule | null;
}
