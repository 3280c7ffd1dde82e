/** Casts between vectors. Where the widths differ, one register of 32-bit lanes goes with two of 64-bit lanes. */
import type { DType } from "../../ir/dtype.ts";
import { isFloat } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import { typeRow } from "./types.ts";
import type { VectorCode } from "./vector-code.ts";

/** The upper half in both halves. */
const upper = new Uint8Array([8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
/** The lower halves of two. */
const lowerHalves = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
/** The even 32-bit lanes of two. */
const evenWords = new Uint8Array([0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]);

/** Leaves a register of the cast value on the stack; false where lanes must be cast one by one. */
export function spellCast(x: Expr, to: DType, register: number, code: VectorCode): boolean {
  const { body } = code.tools;
  const from = x.dtype;
  const [a, b] = [typeRow(from), typeRow(to)];
  if (to === "bool") {
    code.push(x, register);
    if (from === "bool") return true;
    code.constant(from, 0);
    body.named(`${a.vector}.ne`);
    return true;
  }
  if (from === "bool") {
    code.mask(x, register, b.width);
    code.constant(to, 1);
    body.emit("v128.and");
    return true;
  }
  if (a.vector === b.vector) {
    code.push(x, register);
    return true;
  }
  if (a.width === 32 && b.width === 32) return spellNarrow(x, to, register, code);
  if (a.width === 32) return spellWiden(x, to, register, code);
  return b.width === 32 && spellHalve(x, to, register, code);
}

function spellNarrow(x: Expr, to: DType, register: number, code: VectorCode): true {
  const { body } = code.tools;
  const sign = (d: DType): string => (typeRow(d).signed ? "s" : "u");
  code.push(x, register);
  if (isFloat(to)) body.named(`f32x4.convert_i32x4_${sign(x.dtype)}`);
  else body.named(`i32x4.trunc_sat_f32x4_${sign(to)}`);
  return true;
}

function spellWiden(x: Expr, to: DType, register: number, code: VectorCode): boolean {
  const { body } = code.tools;
  const sign = typeRow(x.dtype).signed ? "s" : "u";
  const isUpper = register % 2 === 1;
  if (isFloat(x.dtype) && !isFloat(to)) return false;
  code.push(x, register >> 1);
  if (!isFloat(to)) {
    body.named(`i64x2.extend_${isUpper ? "high" : "low"}_i32x4_${sign}`);
    return true;
  }
  if (isUpper) {
    const half = body.local("half", "v128");
    body.emit("local.tee", half);
    body.get(half);
    body.emit("i8x16.shuffle", 0, 0, upper);
  }
  body.named(isFloat(x.dtype) ? "f64x2.promote_low_f32x4" : `f64x2.convert_low_i32x4_${sign}`);
  return true;
}

function spellHalve(x: Expr, to: DType, register: number, code: VectorCode): boolean {
  const { body } = code.tools;
  const isFromFloat = isFloat(x.dtype);
  if (!isFromFloat && isFloat(to)) return false;
  const name = isFloat(to) ? "f32x4.demote_f64x2_zero" : `i32x4.trunc_sat_f64x2_${typeRow(to).signed ? "s" : "u"}_zero`;
  for (const r of [2 * register, 2 * register + 1]) {
    // a second half without lanes is the first once more
    code.push(x, r < code.registers(64) ? r : r - 1);
    if (isFromFloat) body.named(name);
  }
  body.emit("i8x16.shuffle", 0, 0, isFromFloat ? lowerHalves : evenWords);
  return true;
}
