/**
 * Floats as decimals: exactly, rounded half to even, and as the shortest that reads back.
 *
 * NumPy prints the result of Dragon4 (Steele and White 1990, as Ryan Juckett wrote it); PyTorch prints what Python's `format` makes. Both
 * round the exact value, ties to even, where JavaScript's `toFixed` and `toExponential` round ties away from zero. Every float is a finite
 * decimal, so the exact value is simply there, and rounding it is a matter of its digits.
 */
import type { DType } from "../../compiler/ir/dtype.ts";
import { roundTo } from "../../compiler/ir/dtype.ts";

/** `digits` × 10^-`scale`; digits have no leading zeros, zero is "0". A scale below zero means zeros before the point. */
export interface Decimal {
  readonly digits: string;
  readonly scale: number;
}

/** Whether a minus is written: -0 has one too. */
export const isNegative = (x: number): boolean => x < 0 || Object.is(x, -0);

const float64 = new DataView(new ArrayBuffer(8));

/** The magnitude of a finite number, all of it. */
export function exactDecimal(x: number): Decimal {
  float64.setFloat64(0, Math.abs(x));
  const bits = float64.getBigUint64(0);
  const field = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  // Subnormals have no hidden bit and the exponent of the smallest normal number.
  let mantissa = field === 0 ? fraction : fraction | (1n << 52n);
  let exponent = Math.max(field, 1) - 1075;
  while (mantissa !== 0n && exponent < 0 && (mantissa & 1n) === 0n) {
    mantissa >>= 1n;
    exponent++;
  }
  if (mantissa === 0n) return { digits: "0", scale: 0 };
  if (exponent >= 0) return { digits: String(mantissa << BigInt(exponent)), scale: 0 };
  return { digits: String(mantissa * 5n ** BigInt(-exponent)), scale: -exponent };
}

/** The decimal with `scale` digits after the point; ties go to the even digit. */
export function roundAt({ digits, scale: own }: Decimal, scale: number): Decimal {
  const dropped = own - scale;
  if (dropped <= 0) return { digits: digits === "0" ? digits : digits + "0".repeat(-dropped), scale };
  if (dropped > digits.length) return { digits: "0", scale };
  const kept = BigInt(digits.slice(0, digits.length - dropped) || "0");
  const rest = digits.slice(digits.length - dropped);
  const half = `5${"0".repeat(dropped - 1)}`;
  const up = rest > half || (rest === half && kept % 2n === 1n);
  return { digits: String(up ? kept + 1n : kept), scale };
}

/** The decimal with at most `count` digits in all. */
export function roundTotal(d: Decimal, count: number): Decimal {
  if (d.digits.length <= count) return d;
  const rounded = roundAt(d, d.scale - (d.digits.length - count));
  // 9.99 became 10.0: one digit more than asked for.
  return rounded.digits.length > count ? { digits: rounded.digits.slice(0, -1), scale: rounded.scale - 1 } : rounded;
}

const numberOf = (d: Decimal): number => Number(`${d.digits}e${-d.scale}`);

/** The fewest digits that read back as the same element of this dtype, and of those the nearest. */
export function shortestDecimal(x: number, dtype: DType): Decimal {
  const size = Math.abs(x);
  if (dtype === "float64") {
    const [mantissa = "", power] = size.toExponential().split("e");
    const digits = mantissa.replace(".", "");
    return { digits, scale: digits.length - 1 - Number(power) };
  }
  const exact = exactDecimal(x);
  const same = (d: Decimal): boolean => roundTo(dtype, numberOf(d)) === size;
  for (let count = 1; count < exact.digits.length; count++) {
    const near = roundTotal(exact, count);
    if (same(near)) return near;
    // Below a power of two floats lie closer than above it: the next decimal upwards may still be near enough.
    const next = { digits: String(BigInt(near.digits) + 1n), scale: near.scale };
    if (same(next)) return next;
  }
  return exact;
}

/** The decimal without the zeros that end its fraction. */
export function withoutZeros({ digits, scale }: Decimal): Decimal {
  let end = digits.length;
  let places = scale;
  while (places > 0 && (end === 0 || digits[end - 1] === "0")) {
    if (end > 0) end--;
    places--;
  }
  return { digits: digits.slice(0, end) || "0", scale: places };
}

/** `12.50`, `3.`, `0.001`: there is always a point, as NumPy has it. */
export function positionalText({ digits, scale }: Decimal): string {
  if (scale <= 0) return `${digits === "0" ? digits : digits + "0".repeat(-scale)}.`;
  const padded = digits.padStart(scale + 1, "0");
  return `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

/** The exponent of ten of the first digit. */
export const powerOf = (d: Decimal): number => (d.digits === "0" ? 0 : d.digits.length - 1 - d.scale);

/** `1.50e-10`, with this many digits after the point, and this many in the exponent at least. */
export function exponentText(d: Decimal, places: number, exponentDigits: number): string {
  const power = powerOf(d);
  const exponent = String(Math.abs(power)).padStart(exponentDigits, "0");
  return `${d.digits.slice(0, 1)}.${d.digits.slice(1).padEnd(places, "0")}e${power < 0 ? "-" : "+"}${exponent}`;
}
