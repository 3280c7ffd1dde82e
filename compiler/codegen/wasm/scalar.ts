/**
 * Scalar operations: most are one instruction; integer divisions and shifts have edges that WebAssembly traps on or wraps. bool is
 * an i32 of 0 or 1. Functions that WebAssembly has not are calls of the host.
 */
import type { DType } from "../../ir/dtype.ts";
import { isFloat } from "../../ir/dtype.ts";
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Expr, ScalarOp } from "../../ir/expr.ts";
import { scalarArity } from "../../ir/expr.ts";
import type { Body } from "./body.ts";
import { spellExtremeOfOne } from "./extremes.ts";
import { spellNextAfter } from "./next-after.ts";
import { typeRow } from "./types.ts";

export interface ScalarContext {
  readonly body: Body;
  /** Leaves an operand on the stack. */
  readonly push: (e: Expr) => void;
  /** The index of a function of the host. */
  readonly host: (name: string, arity: number) => number;
}

const floatNames: Readonly<Partial<Record<ScalarOp, string>>> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  neg: "neg",
  abs: "abs",
  floor: "floor",
  ceil: "ceil",
  trunc: "trunc",
  round: "nearest",
  sqrt: "sqrt",
};
const integerNames: Readonly<Partial<Record<ScalarOp, string>>> = { add: "add", sub: "sub", mul: "mul", and: "and", or: "or", xor: "xor" };
const boolNames: Readonly<Partial<Record<ScalarOp, string>>> = {
  and: "and",
  min: "and",
  or: "or",
  max: "or",
  xor: "xor",
  eq: "eq",
  ne: "ne",
  lt: "lt_u",
  le: "le_u",
  gt: "gt_u",
  ge: "ge_u",
};
/** Those with a sign differ between signed and unsigned integers. */
const orders: ReadonlySet<ScalarOp> = new Set<ScalarOp>(["lt", "le", "gt", "ge"]);
export const isTest = (op: ScalarOp): boolean => orders.has(op) || op === "eq" || op === "ne";

/** The instruction of an operation on one dtype, where there is one. */
function plainName(op: ScalarOp, dtype: DType): string | undefined {
  const { local, signed } = typeRow(dtype);
  if (dtype === "bool") {
    const name = boolNames[op];
    return name === undefined ? undefined : `i32.${name}`;
  }
  if (isFloat(dtype)) {
    const name = isTest(op) ? op : floatNames[op];
    return name === undefined ? undefined : `${local}.${name}`;
  }
  if (orders.has(op)) return `${local}.${op}_${signed ? "s" : "u"}`;
  const name = isTest(op) ? op : integerNames[op];
  return name === undefined ? undefined : `${local}.${name}`;
}

/** An operation, its result on the stack. */
export function spellScalar(e: Expr, op: ScalarOp, context: ScalarContext): void {
  const { body, push } = context;
  const from = at(e.args, 0).dtype;
  if (op === "select") return spellSelect(at(e.args, 0), [at(e.args, 1), at(e.args, 2)], context);
  if (op === "cast") return spellCast(at(e.args, 0), e.dtype, context);
  if (op === "bitcast") return spellBitcast(at(e.args, 0), e.dtype, context);
  // nothing but a float is NaN
  if (op === "isnan" && !isFloat(from)) return body.int(0);
  if (isFloat(from) && (op === "min" || op === "max")) return spellExtremeOfOne(e, op, context);
  const name = plainName(op, from);
  if (name !== undefined) {
    for (const a of e.args) push(a);
    return body.named(name);
  }
  if (from === "bool") return spellBool(e, op, context);
  if (isFloat(from)) return spellFloat(e, op, context);
  spellInteger(e, op, context);
}

function spellSelect(condition: Expr, [yes, no]: readonly [Expr, Expr], context: ScalarContext): void {
  if (isFloat(yes.dtype) && condition.args.some((a) => isFloat(a.dtype))) return spellChoice(condition, [yes, no], context);
  const { body, push } = context;
  for (const a of [yes, no, condition]) push(a);
  body.emit("select");
}

/** Floats by their bits, no ^ ((yes ^ no) & -condition): engines branch for a select of floats, and nobody knows which way computed ones go. */
function spellChoice(condition: Expr, [yes, no]: readonly [Expr, Expr], { body, push }: ScalarContext): void {
  const { local: t } = typeRow(yes.dtype);
  const bits = t === "f32" ? "i32" : "i64";
  const pushBits = (e: Expr): void => {
    push(e);
    body.named(`${bits}.reinterpret_${t}`);
  };
  const pushMask = (): void => {
    body.named(`${bits}.const`, 0);
    push(condition);
    if (bits === "i64") body.emit("i64.extend_i32_u");
    body.named(`${bits}.sub`);
    body.named(`${bits}.and`);
  };
  pushBits(yes);
  if (!isPlainZero(no)) {
    pushBits(no);
    const other = body.local("no", bits);
    body.emit("local.tee", other);
    body.named(`${bits}.xor`);
    pushMask();
    body.get(other);
    body.named(`${bits}.xor`);
  } else pushMask();
  body.named(`${t}.reinterpret_${bits}`);
}

const isPlainZero = (e: Expr): boolean => e.op === "const" && Object.is(e.value, 0);

function spellBool(e: Expr, op: ScalarOp, { body, push }: ScalarContext): void {
  if (op !== "not") throw new CompilerBug(`WebAssembly has no spelling of ${op} on bool`);
  push(at(e.args, 0));
  body.emit("i32.eqz");
}

function spellFloat(e: Expr, op: ScalarOp, context: ScalarContext): void {
  const { body, push } = context;
  const { local } = typeRow(at(e.args, 0).dtype);
  if (op === "isnan") {
    push(at(e.args, 0));
    const x = body.local("x", local);
    body.emit("local.tee", x);
    body.get(x);
    return body.named(`${local}.ne`);
  }
  if (op === "nextafter") return spellNextAfter(e, context);
  if (op === "copysign") return spellCopySign(e, context);
  const steps = byBits.get(op);
  if (steps !== undefined) {
    push(at(e.args, 0));
    return steps.forEach(([name, value]) => spellStep(body, name, value));
  }
  if (op === "and" || op === "or" || op === "xor" || op === "not") throw new CompilerBug(`${op} on ${e.dtype}`);
  for (const a of e.args) {
    push(a);
    if (local === "f32") body.emit("f64.promote_f32");
  }
  body.emit("call", context.host(op, scalarArity(op)));
  if (local === "f32") body.emit("f32.demote_f64");
}

/** The sign of a NaN is nothing: engines may give it any, so it counts as positive. */
function spellCopySign(e: Expr, { body, push }: ScalarContext): void {
  const { local } = typeRow(e.dtype);
  push(at(e.args, 0));
  push(at(e.args, 1));
  const y = body.local("sign", local);
  body.emit("local.tee", y);
  body.named(`${local}.const`, 0);
  body.get(y);
  body.get(y);
  body.named(`${local}.eq`);
  body.emit("select");
  body.named(`${local}.copysign`);
}

/** A step of an operation on the bits of a float64: an instruction on the value on the stack, with a constant operand or none. */
export type BitStep = readonly [name: "shl" | "shr_u" | "add" | "and" | "or" | "sub" | "bits" | "float", value: bigint | number];

const fromHalfRoot = 0x95f62n << 32n;
/** What the operations on bits do, step by step; the scalar language says what they mean. */
export const byBits: ReadonlyMap<ScalarOp, readonly BitStep[]> = new Map<ScalarOp, readonly BitStep[]>([
  [
    "pow2",
    [
      ["bits", 0],
      ["shl", 52],
      ["float", 0],
    ],
  ],
  // a small number k in the last bits of 2^52 is the float 2^52 + k
  [
    "exponent",
    [
      ["bits", 0],
      ["add", fromHalfRoot],
      ["shr_u", 52],
      ["or", 0x4330000000000000n],
      ["float", 0],
      ["sub", 2 ** 52 + 1023],
    ],
  ],
  [
    "parity",
    [
      ["bits", 0],
      ["shl", 63],
      ["or", 0x3ff0000000000000n],
      ["float", 0],
    ],
  ],
  [
    "significand",
    [
      ["bits", 0],
      ["add", fromHalfRoot],
      ["and", 0xfffffffffffffn],
      ["add", 0x3fe6a09en << 32n],
      ["float", 0],
    ],
  ],
  [
    "head",
    [
      ["bits", 0],
      ["and", 0xfffffffff8000000n],
      ["float", 0],
    ],
  ],
]);

function spellStep(body: Body, name: BitStep[0], value: bigint | number): void {
  if (name === "bits") return body.emit("i64.reinterpret_f64");
  if (name === "float") return body.emit("f64.reinterpret_i64");
  if (name === "sub") body.emit("f64.const", Number(value));
  else body.emit("i64.const", 0, 0, BigInt(value));
  body.named(name === "sub" ? "f64.sub" : `i64.${name}`);
}

/** The constant that an operand is, or NaN. */
const constantOf = (e: Expr): number => (e.op === "const" ? e.value : NaN);

function spellInteger(e: Expr, op: ScalarOp, context: ScalarContext): void {
  const { body, push } = context;
  const { local: t, signed } = typeRow(e.dtype);
  const x = at(e.args, 0);
  const number = (value: number): void => body.named(`${t}.const`, value);
  switch (op) {
    case "neg":
      number(0);
      push(x);
      return body.named(`${t}.sub`);
    case "not":
      push(x);
      number(-1);
      return body.named(`${t}.xor`);
    case "abs":
      return signed ? spellAbs(x, context) : push(x);
    case "min":
    case "max":
      return spellIntegerExtreme(e, op, context);
    case "idiv":
    case "irem":
      return spellDivision(e, op, context);
    case "shl":
    case "shr":
      return spellShift(e, op, context);
    default:
      throw new CompilerBug(`WebAssembly has no spelling of ${op} on ${e.dtype}`);
  }
}

function spellAbs(x: Expr, { body, push }: ScalarContext): void {
  const { local: t, width } = typeRow(x.dtype);
  push(x);
  const value = body.local("x", t);
  body.emit("local.tee", value);
  body.get(value);
  body.named(`${t}.const`, width - 1);
  body.named(`${t}.shr_s`);
  const sign = body.local("sign", t);
  body.emit("local.tee", sign);
  body.named(`${t}.xor`);
  body.get(sign);
  body.named(`${t}.sub`);
}

function spellIntegerExtreme(e: Expr, op: "min" | "max", { body, push }: ScalarContext): void {
  const { local: t, signed } = typeRow(e.dtype);
  push(at(e.args, 0));
  const a = body.local("a", t);
  body.emit("local.tee", a);
  push(at(e.args, 1));
  const b = body.local("b", t);
  body.emit("local.tee", b);
  body.get(a);
  body.get(b);
  body.named(`${t}.${op === "min" ? "lt" : "gt"}_${signed ? "s" : "u"}`);
  body.emit("select");
}

function spellDivision(e: Expr, op: "idiv" | "irem", context: ScalarContext): void {
  const { body, push } = context;
  const { local: t, signed } = typeRow(e.dtype);
  const [x, y] = [at(e.args, 0), at(e.args, 1)];
  const name = `${t}.${op === "idiv" ? "div" : "rem"}_${signed ? "s" : "u"}`;
  const n = constantOf(y);
  push(x);
  if (n > 0 || n < -1) {
    push(y);
    return body.named(name);
  }
  const dividend = body.keep("x", t);
  push(y);
  const divisor = body.keep("y", t);
  if (op === "irem") return spellSafely(name, { dividend, divisor, edge: "zero" }, context);
  // x / 0 is 0 and, signed, x / -1 is -x: both are -x & y
  body.named(`${t}.const`, 0);
  body.get(dividend);
  body.named(`${t}.sub`);
  body.get(divisor);
  body.named(`${t}.and`);
  const edge = signed ? "zero or minus one" : "zero";
  spellSafely(name, { dividend, divisor, edge }, context);
  spellEdge(t, divisor, edge, body);
  body.emit("select");
}

/** Divisors that trap, or might. */
type Edge = "zero" | "zero or minus one";

/** Whether the divisor is one that might trap. */
function spellEdge(t: string, divisor: number, edge: Edge, body: Body): void {
  body.get(divisor);
  if (edge === "zero") return body.named(`${t}.eqz`);
  body.named(`${t}.const`, 1);
  body.named(`${t}.add`);
  body.named(`${t}.const`, 2);
  body.named(`${t}.lt_u`);
}

/** The division, by 1 where it might trap. */
function spellSafely(
  name: string,
  { dividend, divisor, edge }: { readonly dividend: number; readonly divisor: number; readonly edge: Edge },
  { body }: ScalarContext,
): void {
  const t = name.slice(0, 3);
  body.get(dividend);
  body.named(`${t}.const`, 1);
  body.get(divisor);
  spellEdge(t, divisor, edge, body);
  body.emit("select");
  body.named(name);
}

function spellShift(e: Expr, op: "shl" | "shr", { body, push }: ScalarContext): void {
  const { local: t, signed, width } = typeRow(e.dtype);
  const [x, y] = [at(e.args, 0), at(e.args, 1)];
  const n = constantOf(y);
  const name = `${t}.${op === "shl" ? "shl" : `shr_${signed ? "s" : "u"}`}`;
  push(x);
  push(y);
  if (n >= 0 && n < width) return body.named(name);
  const count = body.keep("n", t);
  const inRange = (): void => {
    body.get(count);
    body.named(`${t}.const`, width);
    body.named(`${t}.lt_u`);
  };
  if (op === "shr" && signed) {
    body.get(count);
    body.named(`${t}.const`, width - 1);
    inRange();
    body.emit("select");
    return body.named(name);
  }
  body.get(count);
  body.named(name);
  body.named(`${t}.const`, 0);
  inRange();
  body.emit("select");
}

function spellCast(x: Expr, to: DType, { body, push }: ScalarContext): void {
  const from = x.dtype;
  push(x);
  if (from === to) return;
  const [a, b] = [typeRow(from), typeRow(to)];
  if (to === "bool") {
    body.named(`${a.local}.const`, 0);
    return body.named(`${a.local}.ne`);
  }
  const name = conversion(from, to, a.local, b.local);
  if (name !== null) body.named(name);
}

/** The instruction between two types; null where the bits stay. */
function conversion(from: DType, to: DType, a: string, b: string): string | null {
  const sign = (d: DType): string => (typeRow(d).signed ? "s" : "u");
  if (isFloat(from) && isFloat(to)) {
    if (a === b) return null;
    return a === "f32" ? "f64.promote_f32" : "f32.demote_f64";
  }
  if (isFloat(from)) return `${b}.trunc_sat_${a}_${sign(to)}`;
  if (isFloat(to)) return `${b}.convert_${a}_${sign(from)}`;
  if (a === b) return null;
  return a === "i32" ? `i64.extend_i32_${sign(from)}` : "i32.wrap_i64";
}

function spellBitcast(x: Expr, to: DType, { body, push }: ScalarContext): void {
  const [a, b] = [typeRow(x.dtype).local, typeRow(to).local];
  push(x);
  if (a !== b) body.named(`${b}.reinterpret_${a}`);
}
