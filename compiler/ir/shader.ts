/** A kernel as a WebGPU shader: its text, and all that a device must know to bind and dispatch it. */
import type { DType } from "./dtype.ts";

/** A resource of group 0. `buffers` are the kernel's buffers that live in it: one, or those bound together. */
export interface Binding {
  readonly name: string;
  readonly group: 0;
  readonly binding: number;
  readonly access: "uniform" | "read" | "read_write";
  readonly buffers: readonly string[];
  /** Whether several buffers are bound as one array of u32 words. */
  readonly isShared: boolean;
}

/**
 * A member of the uniform struct, 4 bytes each. `base` is the position of element 0 of the kernel's buffer `of`, in elements: a
 * multiple of 4, and what follows the last element up to the next multiple of 4 is the buffer's own, so that vectors may be stored;
 * `scalar` the kernel's scalar `of` (bool as a u32 of 0 or 1); `nan` and `inf` are those numbers.
 */
export interface UniformMember {
  readonly name: string;
  readonly dtype: DType;
  /** Bytes. */
  readonly offset: number;
  readonly role: "base" | "scalar" | "nan" | "inf";
  readonly of: string;
}

export interface WgslKernel {
  readonly source: string;
  readonly entryPoint: "main";
  /** The uniforms (binding 0), then storage buffers. */
  readonly bindings: readonly Binding[];
  readonly uniforms: readonly UniformMember[];
  /** Bytes of the uniform struct. */
  readonly uniformBytes: number;
  readonly workgroupSize: readonly [number, 1, 1];
  /** Bytes of workgroup memory. */
  readonly workgroupBytes: number;
  /** Invocations that have work: grid points times lanes. */
  readonly invocations: number;
  readonly lanesPerPoint: number;
  /** What `dispatchWorkgroups` takes. */
  readonly dispatch: readonly [number, number, 1];
}
