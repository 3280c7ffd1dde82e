/**
 * float16 as it lies in memory, in the scalar language: 16 bits in an int32 to a float32 and back, rounded half to even. Magnitudes are
 * compared as signed numbers, which vectors do by one instruction.
 */
import type { Expr } from "../../ir/expr.ts";
import { argument, constant, s } from "../../ir/expr.ts";

const word = (value: number): Expr => constant(value, "int32");

function widen(bits: Expr): Expr {
  const magnitude = s.and(bits, 0x7fff);
  // the exponent is 112 too small; subnormals come out right, as the product normalises them
  const scaled = s.bitcast(s.mul(s.bitcast(s.shl(magnitude, 13), "float32"), 2 ** 112), "int32");
  const special = s.select(s.gt(magnitude, 0x7bff), word(0x7f800000), 0);
  return s.bitcast(s.or(s.or(scaled, special), s.shl(s.and(bits, 0x8000), 16)), "float32");
}

function narrow(x: Expr): Expr {
  const bits = s.bitcast(x, "int32");
  const magnitude = s.and(bits, 0x7fffffff);
  // in 0.5 … 1 a float32 has steps of 2^-24, as a subnormal float16 has
  const subnormal = s.sub(s.bitcast(s.add(s.bitcast(magnitude, "float32"), 0.5), "int32"), 0x3f000000);
  // half a step less one, and one more where the last bit that stays is odd; the exponent is 112 too large
  const rounded = s.sub(s.add(magnitude, s.and(s.shr(magnitude, 13), 1)), 112 * 2 ** 23 - 0xfff);
  // what is too large has the exponent of infinity, and no more
  const normal = s.shr(s.min(rounded, 0x0f800000), 13);
  const number = s.select(s.lt(magnitude, 0x38800000), subnormal, normal);
  return s.or(s.select(s.gt(magnitude, 0x7f800000), word(0x7e00), number), s.and(s.shr(bits, 16), 0x8000));
}

/** The float32 of the 16 bits in operand 0. */
export const halfToFloat: Expr = widen(argument(0, "int32"));
/** The 16 bits of the float32 in operand 0. */
export const floatToHalf: Expr = narrow(argument(0, "float32"));
