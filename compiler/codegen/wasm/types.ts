/** dtypes as WebAssembly has them: how they lie in memory, in a local, in the lanes of a vector. */
import type { DType } from "../../ir/dtype.ts";
import { CompilerBug } from "../../ir/errors.ts";
import type { ValueType } from "./code.ts";

/** Bits of a lane. */
export type Width = 32 | 64;

export interface DTypeRow {
  /** A value of its own. */
  readonly local: "i32" | "i64" | "f32" | "f64";
  /** Four, or two of 64 bits; bools are masks of either width. */
  readonly vector: "i32x4" | "i64x2" | "f32x4" | "f64x2";
  readonly width: Width;
  readonly signed: boolean;
  readonly load: "i32.load" | "i64.load" | "f32.load" | "f64.load" | "i32.load8_s" | "i32.load8_u" | "i32.load16_s" | "i32.load16_u";
  readonly store: "i32.store" | "i64.store" | "f32.store" | "f64.store" | "i32.store8" | "i32.store16";
}

const int32 = { local: "i32", vector: "i32x4", width: 32 } as const;
const table: ReadonlyMap<DType, DTypeRow> = new Map<DType, DTypeRow>([
  ["bool", { ...int32, signed: false, load: "i32.load8_u", store: "i32.store8" }],
  ["int8", { ...int32, signed: true, load: "i32.load8_s", store: "i32.store8" }],
  ["uint8", { ...int32, signed: false, load: "i32.load8_u", store: "i32.store8" }],
  ["int16", { ...int32, signed: true, load: "i32.load16_s", store: "i32.store16" }],
  ["uint16", { ...int32, signed: false, load: "i32.load16_u", store: "i32.store16" }],
  ["int32", { ...int32, signed: true, load: "i32.load", store: "i32.store" }],
  ["uint32", { ...int32, signed: false, load: "i32.load", store: "i32.store" }],
  ["int64", { local: "i64", vector: "i64x2", width: 64, signed: true, load: "i64.load", store: "i64.store" }],
  ["uint64", { local: "i64", vector: "i64x2", width: 64, signed: false, load: "i64.load", store: "i64.store" }],
  // loaded as its bits, computed with as a float32
  ["float16", { local: "f32", vector: "f32x4", width: 32, signed: true, load: "i32.load16_u", store: "i32.store16" }],
  ["float32", { local: "f32", vector: "f32x4", width: 32, signed: true, load: "f32.load", store: "f32.store" }],
  ["float64", { local: "f64", vector: "f64x2", width: 64, signed: true, load: "f64.load", store: "f64.store" }],
]);

export function typeRow(dtype: DType): DTypeRow {
  const row = table.get(dtype);
  if (row === undefined) throw new CompilerBug(`WebAssembly code for ${dtype}`);
  return row;
}

export const valueType = (dtype: DType): ValueType => typeRow(dtype).local;
