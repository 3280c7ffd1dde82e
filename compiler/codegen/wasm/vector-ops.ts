/** Operations on all lanes of a vector at once. bool is a mask of ones or zeros in lanes as wide as those of what it came from. */
import type { DType, Numeric } from "../../ir/dtype.ts";
import { isFloat } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Expr, ScalarOp } from "../../ir/expr.ts";
import type { Body } from "./body.ts";
import type { BitStep } from "./scalar.ts";
import { spellExtreme } from "./extremes.ts";
import { byBits, isTest } from "./scalar.ts";
import { typeRow } from "./types.ts";

export interface VectorContext {
  readonly body: Body;
  /** Leaves the register of an operand on the stack that has the lanes of the result. */
  readonly push: (e: Expr) => void;
  /** Leaves a vector of equal lanes on the stack. */
  readonly constant: (dtype: DType, value: Numeric) => void;
}

/** Instructions that do just what the operation says, with the vector type in front. */
const floats: ReadonlyMap<ScalarOp, string> = new Map<ScalarOp, string>([
  ["add", "add"],
  ["sub", "sub"],
  ["mul", "mul"],
  ["div", "div"],
  ["floor", "floor"],
  ["ceil", "ceil"],
  ["trunc", "trunc"],
  ["round", "nearest"],
  ["sqrt", "sqrt"],
]);
const integers: ReadonlyMap<ScalarOp, string> = new Map<ScalarOp, string>([
  ["add", "add"],
  ["sub", "sub"],
  ["mul", "mul"],
  ["neg", "neg"],
]);
const bits: ReadonlyMap<ScalarOp, string> = new Map<ScalarOp, string>([
  ["and", "v128.and"],
  ["or", "v128.or"],
  ["xor", "v128.xor"],
  ["not", "v128.not"],
]);
/** On masks; andnot(a, b) is a and not b. */
const masks: ReadonlyMap<ScalarOp, { readonly op: string; readonly isSwapped?: true; readonly isNegated?: true }> = new Map<
  ScalarOp,
  { readonly op: string; readonly isSwapped?: true; readonly isNegated?: true }
>([
  ["and", { op: "v128.and" }],
  ["min", { op: "v128.and" }],
  ["or", { op: "v128.or" }],
  ["max", { op: "v128.or" }],
  ["xor", { op: "v128.xor" }],
  ["ne", { op: "v128.xor" }],
  ["eq", { op: "v128.xor", isNegated: true }],
  ["gt", { op: "v128.andnot" }],
  ["lt", { op: "v128.andnot", isSwapped: true }],
  ["le", { op: "v128.andnot", isNegated: true }],
  ["ge", { op: "v128.andnot", isSwapped: true, isNegated: true }],
]);

/** The result on the stack; false where lanes must be computed one by one. */
export function spellVector(e: Expr, op: ScalarOp, context: VectorContext): boolean {
  const from = at(e.args, 0).dtype;
  if (op === "isnan" && !isFloat(from)) return context.constant("bool", 0) === undefined;
  if (from === "bool") return spellMask(e, op, context);
  return isFloat(from) ? spellFloat(e, op, context) : spellInteger(e, op, context);
}

function spellMask(e: Expr, op: ScalarOp, { body, push }: VectorContext): boolean {
  if (op === "not") {
    push(at(e.args, 0));
    body.emit("v128.not");
    return true;
  }
  const row = masks.get(op);
  if (row === undefined) return false;
  for (const a of row.isSwapped ? e.args.toReversed() : e.args) push(a);
  body.named(row.op);
  if (row.isNegated) body.emit("v128.not");
  return true;
}

function all(name: string, e: Expr, { body, push }: VectorContext): true {
  for (let i = 0; i < e.args.length; i++) push(at(e.args, i));
  body.named(name);
  return true;
}

function spellFloat(e: Expr, op: ScalarOp, context: VectorContext): boolean {
  const { body, push } = context;
  const from = at(e.args, 0).dtype;
  const { vector } = typeRow(from);
  const name = isTest(op) ? op : floats.get(op);
  if (name !== undefined) return all(`${vector}.${name}`, e, context);
  if (op === "neg" || op === "abs") return spellSign(e, op, context);
  if (op === "min" || op === "max") {
    spellExtreme(e, op, context);
    return true;
  }
  if (op === "isnan") {
    push(at(e.args, 0));
    const x = body.local("x", "v128");
    body.emit("local.tee", x);
    body.get(x);
    body.named(`${vector}.ne`);
    return true;
  }
  if (op === "copysign") return spellCopysign(e, context);
  const steps = byBits.get(op);
  if (steps === undefined) return false;
  push(at(e.args, 0));
  for (const [step, value] of steps) spellStep(step, value, context);
  return true;
}

/** The instructions neg and abs make engines put the mask together each time. */
function spellSign(e: Expr, op: "neg" | "abs", context: VectorContext): true {
  context.push(at(e.args, 0));
  if (op === "neg") context.constant(e.dtype, -0);
  else everyBitButSign(e.dtype, context);
  context.body.emit(op === "neg" ? "v128.xor" : "v128.and");
  return true;
}

/** The sign of a NaN is nothing, see the scalar spelling. */
function spellCopysign(e: Expr, context: VectorContext): true {
  const { body, push } = context;
  for (const a of e.args) push(a);
  const y = body.local("sign", "v128");
  body.emit("local.tee", y);
  body.get(y);
  body.get(y);
  body.named(`${typeRow(e.dtype).vector}.eq`);
  body.emit("v128.and");
  everyBitButSign(e.dtype, context);
  body.emit("v128.bitselect");
  return true;
}

function everyBitButSign(dtype: DType, { constant }: VectorContext): void {
  if (dtype === "float32") constant("int32", 0x7fffffff);
  else constant("int64", 0x7fffffffffffffffn);
}

function spellStep(step: BitStep[0], value: bigint | number, { body, constant }: VectorContext): void {
  if (step === "bits" || step === "float") return;
  if (step === "shl" || step === "shr_u") {
    body.int(Number(value));
    return body.named(`i64x2.${step}`);
  }
  constant(step === "sub" ? "float64" : "int64", value);
  if (step === "sub") return body.emit("f64x2.sub");
  body.named(step === "add" ? "i64x2.add" : `v128.${step}`);
}

function spellInteger(e: Expr, op: ScalarOp, context: VectorContext): boolean {
  const { body, push } = context;
  const from = at(e.args, 0).dtype;
  const { vector, signed, width } = typeRow(from);
  const plain = integers.get(op);
  if (plain !== undefined) return all(`${vector}.${plain}`, e, context);
  const bitwise = bits.get(op);
  if (bitwise !== undefined) return all(bitwise, e, context);
  if (op === "abs") return signed ? all(`${vector}.abs`, e, context) : push(at(e.args, 0)) === undefined;
  if (isTest(op)) return width === 32 ? all(`${vector}.${op}${signOf(op, signed)}`, e, context) : spellWideTest(e, op, context);
  if (op === "min" || op === "max") return width === 32 ? all(`${vector}.${op}_${signed ? "s" : "u"}`, e, context) : spellWideExtreme(e, op, context);
  const count = e.args[1];
  if ((op !== "shl" && op !== "shr") || count?.op !== "const" || !(count.value >= 0 && count.value < width)) return false;
  push(at(e.args, 0));
  body.int(count.value);
  body.named(`${vector}.${op === "shl" ? "shl" : `shr_${signed ? "s" : "u"}`}`);
  return true;
}

const signOf = (op: ScalarOp, signed: boolean): string => {
  if (op === "eq" || op === "ne") return "";
  return signed ? "_s" : "_u";
};

/** Vectors compare 64-bit integers with sign only: unsigned ones are moved down by 2^63. */
function spellWideTest(e: Expr, op: ScalarOp, { body, push, constant }: VectorContext): true {
  const { signed } = typeRow(at(e.args, 0).dtype);
  const isMoved = !signed && op !== "eq" && op !== "ne";
  for (const a of e.args) {
    push(a);
    if (!isMoved) continue;
    constant("int64", 1n << 63n);
    body.emit("v128.xor");
  }
  body.named(`i64x2.${op}${signOf(op, true)}`);
  return true;
}

function spellWideExtreme(e: Expr, op: "min" | "max", context: VectorContext): true {
  const { body, push } = context;
  for (const a of e.args) push(a);
  spellWideTest(e, op === "min" ? "lt" : "gt", context);
  body.emit("v128.bitselect");
  return true;
}
