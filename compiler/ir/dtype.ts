/** Element types: what they are called, how many bytes they take, how they promote, how numbers are rounded to them. */
import { DTypeError } from "./errors.ts";

/** What a dtype's numbers are. `bool < int | uint < float < complex` is the order of promotion. */
export type DTypeKind = "bool" | "int" | "uint" | "float" | "complex";

interface DTypeRow {
  readonly kind: DTypeKind;
  /** Bits of precision class: 8 for int8, 64 for float64. */
  readonly bits: number;
  /** Bytes of one element in memory. */
  readonly bytes: number;
  /** The name in IR text: `f32`. */
  readonly short: string;
  /** Whether kernels compute with it today; others are known to the table, the printer and promotion only. */
  readonly computes: boolean;
}

const row = (kind: DTypeKind, bits: number, short: string, computes: boolean): DTypeRow => ({ kind, bits, bytes: bits / 8, short, computes });

/** The name of an element type, as NumPy spells it. */
export type DType =
  | "bool"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float16"
  | "float32"
  | "float64"
  | "complex64"
  | "complex128";

const table: Readonly<Record<DType, DTypeRow>> = {
  bool: { kind: "bool", bits: 1, bytes: 1, short: "bool", computes: true },
  int8: row("int", 8, "i8", false),
  uint8: row("uint", 8, "u8", false),
  int16: row("int", 16, "i16", false),
  uint16: row("uint", 16, "u16", false),
  int32: row("int", 32, "i32", true),
  uint32: row("uint", 32, "u32", true),
  int64: row("int", 64, "i64", false),
  uint64: row("uint", 64, "u64", false),
  float16: row("float", 16, "f16", false),
  float32: row("float", 32, "f32", true),
  float64: row("float", 64, "f64", true),
  complex64: row("complex", 64, "c64", false),
  complex128: row("complex", 128, "c128", false),
};

/** Every dtype, narrow ones first within a kind. */
export const dtypes: readonly DType[] = Object.keys(table).filter(isDType);

/** Whether `name` is a dtype's name. */
export function isDType(name: unknown): name is DType {
  return typeof name === "string" && Object.hasOwn(table, name);
}

/** The row of a dtype. */
export function dtypeInfo(dtype: DType): DTypeRow {
  return table[dtype];
}

const byShort: ReadonlyMap<string, DType> = new Map(dtypes.map((d) => [table[d].short, d]));

/** The dtype whose short name this is (`f32` → `float32`), or undefined. */
export function dtypeFromShort(short: string): DType | undefined {
  return byShort.get(short);
}

export const isFloat = (d: DType): boolean => table[d].kind === "float";
export const isInteger = (d: DType): boolean => table[d].kind === "int" || table[d].kind === "uint";
export const isBool = (d: DType): boolean => d === "bool";

/** Throws a DTypeError that names the dtypes that compute, unless `dtype` is one of them. */
export function requireComputes(op: string, dtype: DType): void {
  if (table[dtype].computes) return;
  const have = dtypes.filter((d) => table[d].computes).join(", ");
  throw new DTypeError(`${op}: dtype ${dtype} is known but does not compute yet. Use one of ${have}.`);
}

const signedOf = (bits: number): DType | undefined => dtypes.find((d) => table[d].kind === "int" && table[d].bits === bits);

/**
 * The dtype that holds both, or undefined where there is none (uint64 with a signed integer).
 * Within and between integers: the array API standard's table. bool gives way to everything, integers give way to floats
 * and floats to complex numbers (the standard leaves mixed kinds open; this is PyTorch's rule, so float32 stays float32).
 */
export function promote(a: DType, b: DType): DType | undefined {
  if (a === b) return a;
  const [x, y] = [table[a], table[b]];
  if (x.kind === y.kind) return x.bits >= y.bits ? a : b;
  if (x.kind === "bool") return b;
  if (y.kind === "bool") return a;
  if (x.kind === "complex" || y.kind === "complex") {
    const [c, o] = x.kind === "complex" ? [a, y] : [b, x];
    return o.kind === "float" && o.bits === 64 ? "complex128" : c;
  }
  if (x.kind === "float") return a;
  if (y.kind === "float") return b;
  const [signed, unsigned, s] = x.kind === "int" ? [x, y, a] : [y, x, b];
  return signed.bits > unsigned.bits ? s : signedOf(unsigned.bits * 2);
}

/** The value that a dtype stores when it is given `x`: rounded, wrapped or saturated as `cast` does. */
export function roundTo(dtype: DType, x: number): number {
  switch (dtype) {
    case "float64":
      return x;
    case "float32":
      return Math.fround(x);
    case "bool":
      return x !== 0 ? 1 : 0;
    case "int32":
      return saturate(x, -2147483648, 2147483647);
    case "uint32":
      return saturate(x, 0, 4294967295);
    default:
      throw new DTypeError(`a number cannot be rounded to ${dtype} yet`);
  }
}

/** Float to integer: truncated, saturated, NaN gives 0 (as `cast` promises on every target). */
function saturate(x: number, lo: number, hi: number): number {
  if (Number.isNaN(x)) return 0;
  return Math.min(hi, Math.max(lo, Math.trunc(x))) + 0;
}
