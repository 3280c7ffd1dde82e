/** Element types: what they are called, how many bytes they take, how they promote, how numbers are rounded to them. */
import { at, DTypeError } from "./errors.ts";

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
  /** Whether kernels compute with it today; complex numbers are known to the table, the printer and promotion only. */
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
  int8: row("int", 8, "i8", true),
  uint8: row("uint", 8, "u8", true),
  int16: row("int", 16, "i16", true),
  uint16: row("uint", 16, "u16", true),
  int32: row("int", 32, "i32", true),
  uint32: row("uint", 32, "u32", true),
  int64: row("int", 64, "i64", true),
  uint64: row("uint", 64, "u64", true),
  float16: row("float", 16, "f16", true),
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

/** The dtypes that kernels compute with, narrow ones first within a kind. */
export const computingDTypes = (): DType[] => dtypes.filter((d) => table[d].computes);

/** Throws a DTypeError that names the dtypes that compute, unless `dtype` is one of them. */
export function requireComputes(op: string, dtype: DType): void {
  if (table[dtype].computes) return;
  throw new DTypeError(`${op}: dtype ${dtype} is known but does not compute yet. Use one of ${computingDTypes().join(", ")}.`);
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

/** A number of any dtype: 64-bit integers are bigints wherever a float64 might not hold them. */
export type Numeric = number | bigint;

/** Whether elements are 64-bit integers, which are bigints on the host. */
export const isWide = (d: DType): d is "int64" | "uint64" => d === "int64" || d === "uint64";

/** The unsigned integer of as many bits as an integer. */
export const unsignedOf = (d: DType): DType => dtypes.find((u) => table[u].kind === "uint" && table[u].bits === table[d].bits) ?? d;

/**
 * What a kernel computes with where its memory holds `d`: int32 for narrow integers, float32 for float16, else `d` itself. Loads
 * widen, stores narrow: the low bits, or rounded half to even.
 */
export function registerDType(d: DType): DType {
  if (d === "float16") return "float32";
  return isInteger(d) && table[d].bits < 32 ? "int32" : d;
}

/** The least and the greatest number of a bool or an integer of at most 32 bits. */
export function integerRange(d: DType): { readonly lo: number; readonly hi: number } {
  const { kind, bits } = table[d];
  return kind === "int" ? { lo: -(2 ** (bits - 1)), hi: 2 ** (bits - 1) - 1 } : { lo: 0, hi: 2 ** bits - 1 };
}

/** The value that a dtype of numbers stores when it is given `x`: rounded or saturated as `cast` does with floats. */
export function roundTo(dtype: DType, x: number): number {
  switch (dtype) {
    case "float64":
      return x;
    case "float32":
      return Math.fround(x);
    case "float16":
      return roundHalf(x);
    case "bool":
      return x !== 0 ? 1 : 0;
    default: {
      if (!isInteger(dtype) || isWide(dtype)) throw new DTypeError(`a JavaScript number cannot be rounded to ${dtype}`);
      const { lo, hi } = integerRange(dtype);
      return saturate(x, lo, hi);
    }
  }
}

/** The 64-bit integer that is given `x`: truncated and saturated; NaN gives 0. */
export function roundWide(dtype: "int64" | "uint64", x: Numeric): bigint {
  if (typeof x === "number" && Number.isNaN(x)) return 0n;
  const [lo, hi] = dtype === "int64" ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
  if (typeof x === "number" && !Number.isFinite(x)) return x < 0 ? lo : hi;
  const whole = typeof x === "number" ? BigInt(Math.trunc(x)) : x;
  if (whole < lo) return lo;
  return whole > hi ? hi : whole;
}

/** `roundTo` of any dtype: a bigint for 64-bit integers, else a number. */
export const rounded = (dtype: DType, x: Numeric): Numeric => (isWide(dtype) ? roundWide(dtype, x) : roundTo(dtype, Number(x)));

/** The low bits of an integer, as an integer of this dtype. */
export function wrapTo(dtype: DType, x: Numeric): Numeric {
  const { kind, bits } = table[dtype];
  if (isWide(dtype) || typeof x === "bigint") {
    const low = kind === "int" ? BigInt.asIntN(bits, BigInt(x)) : BigInt.asUintN(bits, BigInt(x));
    return isWide(dtype) ? low : Number(low);
  }
  if (bits === 32) return kind === "int" ? x | 0 : x >>> 0;
  return kind === "int" ? (x << (32 - bits)) >> (32 - bits) : x & (2 ** bits - 1);
}

/** `x` of one dtype in another, as `cast` promises on every target: integers wrap into integers, floats saturate, all else rounds once. */
export function convert(to: DType, from: DType, x: Numeric): Numeric {
  if (isInteger(from) && isInteger(to)) return wrapTo(to, x);
  if (to === "bool") return Number(x) === 0 ? 0 : 1;
  return typeof x === "bigint" && isFloat(to) ? roundTo(to, nearOdd(to, x)) : rounded(to, x);
}

/**
 * A float64 that rounds to a narrower float as the 64-bit integer itself does: beyond 2^53 what is cut off sticks to the last bit kept,
 * so that rounding twice is rounding once.
 */
function nearOdd(to: DType, x: bigint): number {
  if (to === "float64" || BigInt.asIntN(54, x) === x) return Number(x);
  const kept = (x >> 11n) << 11n;
  return Number(kept === x ? kept : kept | (1n << 11n));
}

/** Float to integer: truncated, saturated, NaN gives 0 (as `cast` promises on every target). */
function saturate(x: number, lo: number, hi: number): number {
  if (Number.isNaN(x)) return 0;
  return Math.min(hi, Math.max(lo, Math.trunc(x))) + 0;
}

const words = new Float64Array(1);
const high = new Uint32Array(words.buffer);

/** The nearest float16, half to even: adding a power of two leaves as many bits behind the point as float16 has there. */
function roundHalf(x: number): number {
  const size = Math.abs(x);
  if (!(size < 65520)) return Number.isNaN(x) ? NaN : Math.sign(x) * Infinity;
  words[0] = size;
  const exponent = Math.max((at(high, 1) >>> 20) - 1023, -14);
  const shift = 2 ** (exponent - 10 + 52);
  const near = size + shift - shift;
  return x < 0 || Object.is(x, -0) ? -near : near;
}
