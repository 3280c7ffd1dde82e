/** The texts of elements, padded so that they align: what both faces do alike. */
import type { DType, Numeric } from "../../compiler/ir/dtype.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import { isNegative } from "./digits.ts";
import type { PrintOptions } from "./options.ts";

/** How one element prints among those that are shown, and how many columns that takes. */
export interface Words<Element = number> {
  readonly of: (x: Element) => string;
  readonly width: number;
}

/** What decides how elements print: those that are shown, their dtype, the options. */
export interface Shown {
  readonly values: readonly number[];
  readonly dtype: DType;
  readonly options: PrintOptions;
}

/** Words padded on the left to the longest of them. */
export function aligned(values: readonly number[], of: (x: number) => string): Words {
  const width = longest(values, (x) => of(x).length);
  return { of: (x) => of(x).padStart(width), width };
}

/** The largest measure of a value, 0 where there is none: values may be too many for the arguments of one call. */
export function longest(values: readonly number[], measure: (x: number) => number): number {
  return values.reduce((most, x) => Math.max(most, measure(x)), 0);
}

/**
 * The first habit of JavaScript: floats that are all whole print as integers do. NaN and infinities are not whole; beyond 2^53, where
 * every float is, it says nothing, and sizes and precision decide as usual.
 */
export const areWhole = ({ values, dtype }: Shown): boolean => isFloat(dtype) && values.every(Number.isSafeInteger);

/** Integers, and floats that are all whole, as JavaScript prints them; -0 keeps its sign, as in `console.log`. */
export function wholeWords({ values, options }: Shown): Words {
  const sign = options.sign === " " && values.some(isNegative) ? "-" : options.sign;
  return aligned(values, (x) => signed(x, String(x).replace("-", ""), sign));
}

/** 64-bit integers, digit by digit. */
export function bigWords(values: readonly bigint[], { sign }: PrintOptions): Words<Numeric> {
  const mark = sign === " " && values.some((x) => x < 0n) ? "-" : sign;
  const of = (x: Numeric): string => (x < 0 || mark === "-" ? String(x) : mark + String(x));
  const width = values.reduce((most, x) => Math.max(most, of(x).length), 0);
  return { of: (x) => of(x).padStart(width), width };
}

/** A magnitude with the sign of its number. */
export function signed(x: number, magnitude: string, sign: PrintOptions["sign"]): string {
  if (isNegative(x)) return `-${magnitude}`;
  return sign === "-" ? magnitude : sign + magnitude;
}

export function nonFiniteText(x: number, options: PrintOptions): string {
  if (Number.isNaN(x)) return (options.sign === "+" ? "+" : "") + options.nanstr;
  return signed(x, options.infstr, options.sign === "+" ? "+" : "-");
}

/** The least and the greatest magnitude that is finite and not zero; null where there is none. */
export function magnitudes(values: readonly number[]): { readonly least: number; readonly most: number } | null {
  let [least, most] = [Infinity, 0];
  for (const x of values) {
    const size = Math.abs(x);
    if (size === 0 || !Number.isFinite(size)) continue;
    least = Math.min(least, size);
    most = Math.max(most, size);
  }
  return most === 0 ? null : { least, most };
}
