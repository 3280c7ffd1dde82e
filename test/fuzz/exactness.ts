/** How far a float sum or product may be off when its order changes: not at all where every partial result is a whole number. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import type { HostData } from "../../compiler/ir/host.ts";

/** Digits of the significand. float16 is summed in float32, but then stored. */
const digits: Readonly<Partial<Record<DType, number>>> = { float16: 11, float32: 24 };
const exactBelow = (dtype: DType): number => 2 ** (digits[dtype] ?? 53);
const epsilon = (dtype: DType): number => 2 ** (1 - (digits[dtype] ?? 53));
/** What is larger may overflow in one order and not in another. */
const overflow = (dtype: DType): number => (dtype === "float16" ? 6e4 : 1e30);

/** The largest magnitude of a number that is one. */
export function largest({ data }: HostData): number {
  let n = 0;
  for (const x of data) if (Number.isFinite(Number(x))) n = Math.max(n, Math.abs(Number(x)));
  return n;
}

/** NaN and infinities come out the same in any order. */
const isWhole = ({ data }: HostData): boolean => data.every((x) => Number.isInteger(x) || !Number.isFinite(x));
const isFinite = ({ data }: HostData): boolean => data.every(Number.isFinite);

/** The error of sums of `count` numbers, themselves off by `error`; null: not to be had (overflow may come and go). */
export function sumError(x: HostData, count: number, error: number): number | null {
  return termsError(x.type.dtype, [x], largest(x) * count, count, error);
}

/** The error of sums of `count` products. */
export function dotError(a: HostData, b: HostData, count: number, errors: readonly [number, number]): number | null {
  const terms = largest(a) * largest(b) * count;
  return termsError(a.type.dtype, [a, b], terms, count, errors[0] * largest(b) + errors[1] * largest(a));
}

function termsError(dtype: DType, operands: readonly HostData[], total: number, count: number, error: number): number | null {
  if (!isFloat(dtype)) return 0;
  if (error === 0 && operands.every(isWhole) && total < exactBelow(dtype)) return 0;
  if (!operands.every(isFinite) || total > overflow(dtype)) return null;
  return count * error + 4 * (count + 2) * epsilon(dtype) * (total + 1e-30);
}

/** The same for products. */
export function productError(x: HostData, count: number): number | null {
  const { dtype } = x.type;
  if (!isFloat(dtype)) return 0;
  const bound = Math.max(1, largest(x)) ** count;
  if (isWhole(x) && bound < exactBelow(dtype)) return 0;
  if (!isFinite(x) || bound > overflow(dtype)) return null;
  return 4 * (count + 2) * epsilon(dtype) * bound;
}

/** What a function, computed by another method, may differ by; one of several functions too. */
export const approximated = (x: HostData): number => 64 * epsilon(x.type.dtype) * largest(x);

/** One more rounding. */
export const rounded = (x: HostData): number => 4 * epsilon(x.type.dtype) * largest(x);

export { isFinite as isFiniteData };
