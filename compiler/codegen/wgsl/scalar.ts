/** How WGSL spells scalar operations and constants. */
import type { DType } from "../../ir/dtype.ts";
import { at, CompilerBug, UnsupportedError } from "../../ir/errors.ts";
import type { Expr, ScalarOp } from "../../ir/expr.ts";
import { isScalarOp } from "../../ir/expr.ts";

/** Takes what a text depends on: functions of the prelude, and the uniforms that hold NaN and infinity. */
export interface Needs {
  helper(name: string): string;
  special(name: "nan" | "inf"): string;
}

const types: Readonly<Partial<Record<DType, string>>> = { bool: "bool", int32: "i32", uint32: "u32", float32: "f32" };

/** The WGSL type of a dtype; throws an UnsupportedError where there is none. */
export function wgslType(dtype: DType): string {
  const type = types[dtype];
  if (type === undefined) throw new UnsupportedError(`wgsl: ${dtype} does not exist on webgpu. Convert with astype("float32"), or evaluate on the cpu.`);
  return type;
}

/** A constant. NaN and infinities cannot be written and come from the uniforms. */
export function constantText(value: number, dtype: DType, needs: Needs): string {
  switch (dtype) {
    case "bool":
      return value === 0 ? "false" : "true";
    case "int32":
      if (value === -2147483648) return "i32(-2147483648)";
      return value < 0 ? `(${value}i)` : `${value}i`;
    case "uint32":
      return `${value}u`;
    case "float32":
      return floatText(value, needs);
    default:
      return wgslType(dtype);
  }
}

function floatText(value: number, needs: Needs): string {
  if (Number.isNaN(value)) return needs.special("nan");
  if (!Number.isFinite(value)) return value > 0 ? needs.special("inf") : `(-${needs.special("inf")})`;
  // a literal -0.0 loses its sign on its way through Tint
  if (Object.is(value, -0)) return "bitcast<f32>(0x80000000u)";
  const digits = String(value);
  const text = /[.e]/.test(digits) ? `${digits}f` : `${digits}.0f`;
  return digits.startsWith("-") ? `(${text})` : text;
}

/** Spells an operation with operands `a` (texts) of the expressions `e.args`, or answers undefined. */
type Speller = (a: readonly string[], e: Expr, needs: Needs) => string;

const infix =
  (sign: string): Speller =>
  ([x = "", y = ""]) =>
    `(${x} ${sign} ${y})`;
const prefix =
  (sign: string): Speller =>
  ([x = ""]) =>
    `(${sign}${x})`;
const call =
  (name: string): Speller =>
  (a) =>
    `${name}(${a.join(", ")})`;
const helper =
  (name: string): Speller =>
  (a, _, needs) =>
    `${needs.helper(name)}(${a.join(", ")})`;

/** Whether an expression is a constant other than 0, by which division has no edge left (but -1). */
const isPlainDivisor = (e: Expr | undefined): boolean => e !== undefined && e.op === "const" && e.value !== 0 && e.value !== -1;
const divide =
  (sign: string, name: string): Speller =>
  (a, e, needs) =>
    (isPlainDivisor(e.args[1]) ? infix(sign) : helper(name))(a, e, needs);

/** Shifts count in u32, where a negative count is a large one. */
function shift(sign: string, name: string): Speller {
  return ([x = "", y = ""], e, needs) => {
    const count = at(e.args, 1);
    if (count.op === "const" && count.value >= 0 && count.value < 32) return `(${x} ${sign} ${count.value}u)`;
    return `${needs.helper(name)}(${x}, u32(${y}))`;
  };
}

const mayBeNaN = (e: Expr | undefined): boolean => e === undefined || e.op !== "const" || Number.isNaN(e.value);

/** A float comparison; NaN is found by its bits, since shader compilers may assume that there is none. */
function compareFloats(sign: string): Speller {
  return ([x = "", y = ""], e, needs) => {
    const suspects = [x, y].filter((_, i) => mayBeNaN(e.args[i]));
    if (suspects.length === 0) return `(${x} ${sign} ${y})`;
    const test = `${needs.helper(suspects.length === 2 ? "unordered" : "is_nan")}(${suspects.join(", ")})`;
    return sign === "!=" ? `((${x} != ${y}) | ${test})` : `((${x} ${sign} ${y}) & !${test})`;
  };
}

type Table = Readonly<Partial<Record<ScalarOp, Speller>>>;
const same = (names: readonly ScalarOp[]): Table => Object.fromEntries(names.map((name) => [name, call(name)]));
const comparisons: readonly (readonly [ScalarOp, string])[] = [
  ["eq", "=="],
  ["ne", "!="],
  ["lt", "<"],
  ["le", "<="],
  ["gt", ">"],
  ["ge", ">="],
];
const compare = (spell: (sign: string) => Speller): Table => Object.fromEntries(comparisons.map(([name, sign]) => [name, spell(sign)]));

const floats: Table = {
  ...same(["abs", "floor", "ceil", "trunc", "round", "sqrt", "exp", "log", "log2", "sin", "cos", "tan", "asin", "acos", "atan", "atan2"]),
  ...same(["sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "pow"]),
  ...compare(compareFloats),
  add: infix("+"),
  sub: infix("-"),
  mul: infix("*"),
  div: infix("/"),
  neg: prefix("-"),
  min: helper("min_f32"),
  max: helper("max_f32"),
  isnan: helper("is_nan"),
};

const integers: Table = {
  ...same(["min", "max", "abs"]),
  ...compare(infix),
  add: infix("+"),
  sub: infix("-"),
  mul: infix("*"),
  and: infix("&"),
  or: infix("|"),
  xor: infix("^"),
  not: prefix("~"),
  isnan: () => "false",
};

const signed: Table = {
  ...integers,
  neg: prefix("-"),
  idiv: divide("/", "div_i32"),
  irem: divide("%", "rem_i32"),
  shl: shift("<<", "shl_i32"),
  shr: shift(">>", "shr_i32"),
};

const unsigned: Table = {
  ...integers,
  neg: prefix("0u - "),
  idiv: divide("/", "div_u32"),
  irem: divide("%", "rem_u32"),
  shl: shift("<<", "shl_u32"),
  shr: shift(">>", "shr_u32"),
};

const logic: Table = {
  and: infix("&"),
  or: infix("|"),
  xor: infix("!="),
  not: prefix("!"),
  min: infix("&"),
  max: infix("|"),
  eq: infix("=="),
  ne: infix("!="),
  isnan: () => "false",
  lt: ([x = "", y = ""]) => `(!${x} & ${y})`,
  le: ([x = "", y = ""]) => `(!${x} | ${y})`,
  gt: ([x = "", y = ""]) => `(${x} & !${y})`,
  ge: ([x = "", y = ""]) => `(${x} | !${y})`,
};

const tables: Readonly<Partial<Record<DType, Table>>> = { float32: floats, int32: signed, uint32: unsigned, bool: logic };

/** `cast` by the dtype of the operand and that of the result. */
function castText(x: string, from: DType, to: DType, needs: Needs): string {
  if (from === to) return x;
  if (from === "bool") return `select(${constantText(0, to, needs)}, ${constantText(1, to, needs)}, ${x})`;
  if (to === "bool") return from === "float32" ? `((bitcast<u32>(${x}) & 0x7fffffffu) != 0u)` : `(${x} != ${constantText(0, from, needs)})`;
  if (from === "float32") return `${needs.helper(`f32_to_${wgslType(to)}`)}(${x})`;
  return to === "float32" ? `f32(${x})` : `bitcast<${wgslType(to)}>(${x})`;
}

/** The text of an operation whose operands have the texts `a`; a CompilerBug where `legalize` should have expanded it. */
export function operationText(e: Expr, a: readonly string[], needs: Needs): string {
  const [x = "", y = "", z = ""] = a;
  if (e.op === "select") return `select(${z}, ${y}, ${x})`;
  const from = at(e.args, 0).dtype;
  if (e.op === "cast") return castText(x, from, e.dtype, needs);
  if (e.op === "bitcast") return from === e.dtype ? x : `bitcast<${wgslType(e.dtype)}>(${x})`;
  const spell = isScalarOp(e.op) ? tables[from]?.[e.op] : undefined;
  if (spell === undefined) throw new CompilerBug(`wgsl has no ${e.op} of ${from}: ${wgslType(from)} operands should have been legalised`);
  return spell(a, e, needs);
}
