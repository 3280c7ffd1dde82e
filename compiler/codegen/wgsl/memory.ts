/**
 * Where elements live and how they are read and written there.
 *
 * A bool in a storage buffer is one u32 word of 0 or 1. (Packing would want one invocation to own a whole word, hence loops of
 * another shape; a word each needs none, and so fusion stays free.) In workgroup and function memory a bool is a `bool`.
 * Buffers that lie in one GPU buffer (the plan's arena) are bound together as u32 words, which serve all dtypes.
 */
import type { DType } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import { wgslType } from "./scalar.ts";

export interface Memory {
  /** The variable. */
  readonly ident: string;
  readonly dtype: DType;
  readonly space: "storage" | "workgroup" | "function";
  /** The uniform that holds the position of element 0, in elements; absent in workgroup and function memory. */
  readonly base: string | null;
  /** The type that a plain load gives. */
  readonly cell: string;
  readonly atomic: boolean;
  /** Whether nothing writes it while the shader runs, as its declaration says. */
  readonly isConstant: boolean;
}

/** The type of one element in a variable: f32, u32, atomic<u32>… */
export const cellType = (m: Memory): string => (m.atomic ? `atomic<${m.cell}>` : m.cell);

/** What a plain load of an element gives: atomics exist for u32 and i32 only. */
export function cellOf({ dtype, space, atomic }: Pick<Memory, "dtype" | "space" | "atomic">): string {
  if (atomic) return dtype === "int32" ? "i32" : "u32";
  return dtype === "bool" && space === "storage" ? "u32" : wgslType(dtype);
}

/** The position in the variable: `u.x_base + u32(i)`. */
export function offsetText(m: Memory, index: Expr, indexText: string): string {
  if (m.base === null) return indexText;
  return `${m.base} + ${index.op === "const" && index.value >= 0 ? `${index.value}u` : `u32(${indexText})`}`;
}

/** The value in what a load gives. */
export function fromCell(m: Memory, text: string): string {
  const type = wgslType(m.dtype);
  if (type === m.cell) return text;
  return type === "bool" ? `(${text} != 0u)` : `bitcast<${type}>(${text})`;
}

/** What a store takes for a value. */
export function toCell(m: Memory, text: string): string {
  const type = wgslType(m.dtype);
  if (type === m.cell) return text;
  return type === "bool" ? `select(0u, 1u, ${text})` : `bitcast<${m.cell}>(${text})`;
}

export const loadText = (m: Memory, place: string): string => fromCell(m, m.atomic ? `atomicLoad(&${place})` : place);

export const storeText = (m: Memory, place: string, value: string): string =>
  m.atomic ? `atomicStore(&${place}, ${toCell(m, value)});` : `${place} = ${toCell(m, value)};`;
