/** How WGSL spells scalar operations and constants. */
import type { DType } from "../../ir/dtype.ts";
import { at, CompilerBug, UnsupportedError } from "../../ir/errors.ts";
import type { Expr, ScalarOp } from "../../ir/expr.ts";
import { isScalarOp } from "../../ir/expr.ts";
import { wideName } from "./prelude.ts";

/** Takes what a text depends on: functions of the prelude, and the uniforms that hold NaN and infinity. */
export interface Needs {
  helper(name: string): string;
  special(name: "nan" | "inf"): string;
}

const types: Readonly<Partial<Record<DType, string>>> = { bool: "bool", int32: "i32", uint32: "u32", float32: "f32" };

/** The WGSL type of one element of a dtype; throws an UnsupportedError where there is none. */
export function wgslType(dtype: DType): string {
  const type = types[dtype];
  if (type === undefined) throw new UnsupportedError(`wgsl: ${dtype} does not exist on webgpu. Convert with astype("float32"), or evaluate on the cpu.`);
  return type;
}

const vectorTypes: Readonly<Partial<Record<DType, string>>> = { bool: "vec4<bool>", int32: "vec4i", uint32: "vec4u", float32: "vec4f" };

/** The WGSL type of four elements. */
export const vectorType = (dtype: DType): string => vectorTypes[dtype] ?? wgslType(dtype);

/** One element, or four at once: the types, constants and functions that operations are spelled with. */
export interface Words {
  readonly type: (dtype: DType) => string;
  readonly constant: (value: number, dtype: DType) => string;
  readonly helper: (name: string) => string;
}

export const oneWord = (needs: Needs): Words => ({
  type: wgslType,
  constant: (value, dtype) => constantText(value, dtype, needs),
  helper: (name) => needs.helper(name),
});

export const fourWords = (needs: Needs): Words => ({
  type: vectorType,
  constant: (value, dtype) => splat(constantText(value, dtype, needs), dtype),
  helper: (name) => needs.helper(wideName(name)),
});

/** Four times the same. */
export const splat = (text: string, dtype: DType): string => `${vectorType(dtype)}(${text})`;

/** Operations that take a vector and a single number, as WGSL spells them. */
export const mixes: ReadonlySet<string> = new Set<ScalarOp>(["add", "sub", "mul", "div"]);

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
type Speller = (a: readonly string[], e: Expr, words: Words) => string;

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
  (a, _, words) =>
    `${words.helper(name)}(${a.join(", ")})`;

/** Whether an expression is a constant other than 0, by which division has no edge left (but -1). */
const isPlainDivisor = (e: Expr | undefined): boolean => e !== undefined && e.op === "const" && e.value !== 0 && e.value !== -1;
const divide =
  (sign: string, name: string): Speller =>
  (a, e, words) =>
    (isPlainDivisor(e.args[1]) ? infix(sign) : helper(name))(a, e, words);

/** Shifts count in u32, where a negative count is a large one. */
function shift(sign: string, name: string): Speller {
  return ([x = "", y = ""], e, words) => {
    const count = at(e.args, 1);
    if (count.op === "const" && count.value >= 0 && count.value < 32) return `(${x} ${sign} ${words.constant(count.value, "uint32")})`;
    return `${words.helper(name)}(${x}, ${words.type("uint32")}(${y}))`;
  };
}

/**
 * An operation whose result shader compilers take for zero where one of these operands is a zero that they see, also of NaN and
 * infinity: it gets a zero that they do not see, one by infinity.
 */
const hidingZeros =
  (sign: string, operands: readonly number[]): Speller =>
  (a, e, words) => {
    const zero = (i: number): string => `(${words.constant(Object.is(at(e.args, i).value, -0) ? -1 : 1, "float32")} / ${words.constant(Infinity, "float32")})`;
    const isZero = (i: number): boolean => operands.includes(i) && e.args[i]?.op === "const" && e.args[i]?.value === 0;
    return infix(sign)(
      a.map((text, i) => (isZero(i) ? zero(i) : text)),
      e,
      words,
    );
  };

const mayBeNaN = (e: Expr | undefined): boolean => e === undefined || e.op !== "const" || Number.isNaN(e.value);

/** A float comparison; NaN is found by its bits, since shader compilers may assume that there is none. */
function compareFloats(sign: string): Speller {
  return ([x = "", y = ""], e, words) => {
    const suspects = [x, y].filter((_, i) => mayBeNaN(e.args[i]));
    if (suspects.length === 0) return `(${x} ${sign} ${y})`;
    const test = `${words.helper(suspects.length === 2 ? "unordered" : "is_nan")}(${suspects.join(", ")})`;
    return sign === "!=" ? `((${x} != ${y}) | ${test})` : `((${x} ${sign} ${y}) & !${test})`;
  };
}

/** A limit that is a constant other than NaN, and no zero that the sign of another zero would decide about: one comparison does. */
function extremum(name: "min" | "max"): Speller {
  const zero = name === "min" ? -0 : 0;
  const isLimit = (e: Expr | undefined): boolean => !mayBeNaN(e) && (e?.value !== 0 || Object.is(e.value, zero));
  return ([x = "", y = ""], e, words) => {
    if (isLimit(e.args[1])) return `${words.helper(`${name}_limit`)}(${x}, ${y})`;
    return isLimit(e.args[0]) ? `${words.helper(`${name}_limit`)}(${y}, ${x})` : `${words.helper(`${name}_f32`)}(${x}, ${y})`;
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
  mul: hidingZeros("*", [0, 1]),
  div: hidingZeros("/", [0]),
  neg: prefix("-"),
  min: extremum("min"),
  max: extremum("max"),
  isnan: helper("is_nan"),
};

const never: Speller = (_, __, words) => words.constant(0, "bool");

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
  isnan: never,
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
  isnan: never,
  lt: ([x = "", y = ""]) => `(!${x} & ${y})`,
  le: ([x = "", y = ""]) => `(!${x} | ${y})`,
  gt: ([x = "", y = ""]) => `(${x} & !${y})`,
  ge: ([x = "", y = ""]) => `(${x} | !${y})`,
};

const tables: Readonly<Partial<Record<DType, Table>>> = { float32: floats, int32: signed, uint32: unsigned, bool: logic };

/** `cast` by the dtype of the operand and that of the result. */
function castText(x: string, from: DType, to: DType, words: Words): string {
  if (from === to) return x;
  const { type, constant, helper } = words;
  if (from === "bool") return `select(${constant(0, to)}, ${constant(1, to)}, ${x})`;
  if (to === "bool" && from === "float32") {
    return `((bitcast<${type("uint32")}>(${x}) & ${constant(0x7fffffff, "uint32")}) != ${constant(0, "uint32")})`;
  }
  if (to === "bool") return `(${x} != ${constant(0, from)})`;
  if (from === "float32") return `${helper(`f32_to_${wgslType(to)}`)}(${x})`;
  return to === "float32" ? `${type(to)}(${x})` : `bitcast<${type(to)}>(${x})`;
}

/** The text of an operation whose operands have the texts `a`; a CompilerBug where `legalize` should have expanded it. */
export function operationText(e: Expr, a: readonly string[], words: Words): string {
  const [x = "", y = "", z = ""] = a;
  if (e.op === "select" || e.op === "rare") return `select(${z}, ${y}, ${x})`;
  const from = at(e.args, 0).dtype;
  if (e.op === "cast") return castText(x, from, e.dtype, words);
  if (e.op === "bitcast") return from === e.dtype ? x : `bitcast<${words.type(e.dtype)}>(${x})`;
  const spell = isScalarOp(e.op) ? tables[from]?.[e.op] : undefined;
  if (spell === undefined) throw new CompilerBug(`wgsl has no ${e.op} of ${from}: ${wgslType(from)} operands should have been legalised`);
  return spell(a, e, words);
}
