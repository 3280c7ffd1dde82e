/** What a fusion case is, and the operands that cases are written with. */
import type { DeviceName, Tensor } from "../../src/index.ts";
import { random, tensor } from "../../src/index.ts";

export interface FusionRow {
  readonly row: number;
  readonly section: "A" | "B" | "C" | "D" | "E" | "F";
  readonly expression: string;
  readonly outputs: () => readonly Tensor[];
  /** The same of fewer elements, where playing every lane would take minutes. */
  readonly smaller?: () => readonly Tensor[];
  /** The largest count that is right. */
  readonly aim: number;
  /**
   * Exact counts where they are not `aim`, `js` on both CPU targets; `webgpu`: where an adapter binds more buffers than every one must, and
   * that fuses more; `played`: on a software adapter, where that has its price.
   */
  readonly today?: { readonly js?: number; readonly wgsl?: number; readonly webgpu?: number; readonly played?: number };
  /** The only kernel executes fewer scalar operations than this. */
  readonly operationsBelow?: number;
  /** Copies and fills of memory that a scatter needs beside its kernel; none unless told. */
  readonly moves?: number;
  /** Loops that combine, in all kernels before they are scheduled. */
  readonly reductions?: number;
  /** Rows of its costly elements pass 32 KB: on CPUs they are kept near a core, and count once more by the rule of the list. */
  readonly keepsRows?: boolean;
  /** Values may be so many times farther from the interpreter's than usual: sums of both signs, which it adds up one by one. */
  readonly slack?: number;
}

let home: DeviceName = "cpu";
/** The outputs of a row from operands that live on a device. */
export function outputsOn(device: DeviceName, { outputs }: FusionRow): readonly Tensor[] {
  home = device;
  try {
    return outputs();
  } finally {
    home = "cpu";
  }
}

/** The same numbers, evaluated, where operands live. */
export const placed = (x: Tensor): Tensor => tensor(x.dataSync(), { shape: x.shape, dtype: x.dtype, device: home });

let seed = 0;
export const drawn = (shape: readonly number[]): Tensor => random.normal(random.key(seed++), shape);
/** Normally distributed numbers, evaluated. */
export const data = (...shape: readonly number[]): Tensor => placed(drawn(shape));
