/** What a region becomes when it is not one kernel of loops: launches over values and temporaries of its own. */
import type { Numeric } from "../ir/dtype.ts";
import type { Kernel } from "../ir/loop.ts";
import type { Node, Value } from "../ir/node.ts";
import type { TensorType } from "../ir/shape.ts";

/** A buffer of a launch: that of a value, or the n-th temporary of the fragment. */
export type Operand = { readonly of: "value"; readonly value: Value } | { readonly of: "temp"; readonly temp: number };

export interface Launch {
  readonly kernel: Kernel;
  readonly buffers: readonly Operand[];
  /** Scalar params, in the order of the kernel's scalars. */
  readonly scalars: readonly Node[];
}

/** Brings a value's buffer into its first state before the launches. */
export type Preparation =
  | { readonly kind: "copy"; readonly from: Value; readonly to: Value }
  | { readonly kind: "fill"; readonly to: Value; readonly value: Numeric };

export interface Fragment {
  readonly temps: readonly TensorType[];
  readonly before: readonly Preparation[];
  readonly launches: readonly Launch[];
}

export const ofValue = (value: Value): Operand => ({ of: "value", value });
export const ofTemp = (temp: number): Operand => ({ of: "temp", temp });
