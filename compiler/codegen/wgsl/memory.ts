/**
 * Where elements live and how they are read and written there.
 *
 * A bool in a storage buffer is one u32 word of 0 or 1. (Packing would want one invocation to own a whole word, hence loops of
 * another shape; a word each needs none, and so fusion stays free.) In workgroup memory too; in function memory a bool is a `bool`.
 * Buffers that lie in one GPU buffer (the plan's arena) are bound together as u32 words, which serve all dtypes.
 *
 * Memory that is stored to by vectors of four elements only is an array of such vectors ("wide"): a component of a vector must not
 * be stored to alone, since that may write the whole vector.
 */
import type { DType } from "../../ir/dtype.ts";
import { vectorType, wgslType } from "./scalar.ts";

export interface Memory {
  /** The variable. */
  readonly ident: string;
  readonly dtype: DType;
  readonly space: "storage" | "workgroup" | "function";
  /** The uniform that holds the position of element 0, in elements; absent in workgroup and function memory. */
  readonly base: string | null;
  /** The type that a plain load of one element gives. */
  readonly cell: string;
  /** Whether it is an array of vectors of four elements. */
  readonly wide: boolean;
  readonly atomic: boolean;
  /** Whether nothing writes it while the shader runs, as its declaration says. */
  readonly isConstant: boolean;
}

/** The type of one item of a variable: f32, u32, atomic<u32>, vec4<f32>… */
export function cellType(m: Pick<Memory, "atomic" | "wide" | "cell">): string {
  if (m.wide) return `vec4<${m.cell}>`;
  return m.atomic ? `atomic<${m.cell}>` : m.cell;
}

/** What a plain load of an element gives: atomics exist for u32 and i32 only. */
export function cellOf({ dtype, space, atomic }: Pick<Memory, "dtype" | "space" | "atomic">): string {
  if (atomic) return dtype === "int32" ? "i32" : "u32";
  return dtype === "bool" && space !== "function" ? "u32" : wgslType(dtype);
}

/** The position of an element in the variable, in elements: `u.x_base + u32(i)`. */
export function offsetText(m: Memory, indexText: string): string {
  if (m.base === null && !m.wide) return indexText;
  const position = /^\d+i$/.test(indexText) ? `${indexText.slice(0, -1)}u` : `u32(${indexText})`;
  return m.base === null ? position : `${m.base} + ${position}`;
}

/** The place of one element; `bind` gives a text a name, where it is needed twice. */
export function placeText(m: Memory, offset: string, bind: (text: string) => string): string {
  if (!m.wide) return `${m.ident}[${offset}]`;
  const word = bind(offset);
  return `${m.ident}[${word} / 4u][${word} % 4u]`;
}

/** The place of the vector whose first element is at this position. */
export const vectorPlaceText = (m: Memory, offset: string): string =>
  offset === "0u" ? `${m.ident}[0u]` : `${m.ident}[${offset.includes(" + ") ? `(${offset})` : offset} / 4u]`;

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

/** Four values in a vector of what loads give. */
export function fromCells(m: Memory, text: string): string {
  if (wgslType(m.dtype) === m.cell) return text;
  return m.dtype === "bool" ? `(${text} != vec4u(0u))` : `bitcast<${vectorType(m.dtype)}>(${text})`;
}

/** What a store takes for four values. */
export function toCells(m: Memory, text: string): string {
  if (wgslType(m.dtype) === m.cell) return text;
  return m.dtype === "bool" ? `select(vec4u(0u), vec4u(1u), ${text})` : `bitcast<${cellVector(m)}>(${text})`;
}

const cellVector = (m: Memory): string => (m.cell === "bool" ? "vec4<bool>" : `vec4${m.cell.slice(0, 1)}`);

/** A vector made of four elements as loads give them. */
export const cellsText = (m: Memory, places: readonly string[]): string => fromCells(m, `${cellVector(m)}(${places.map((p) => readText(m, p)).join(", ")})`);

const readText = (m: Memory, place: string): string => (m.atomic ? `atomicLoad(&${place})` : place);

export const loadText = (m: Memory, place: string): string => fromCell(m, readText(m, place));

export const storeText = (m: Memory, place: string, value: string): string =>
  m.atomic ? `atomicStore(&${place}, ${toCell(m, value)});` : `${place} = ${toCell(m, value)};`;
