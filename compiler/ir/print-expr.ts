/**
 * Scalar expressions as text: `exp(load %x[%i * 64 + %j] - %m) / 2f32`.
 *
 * An int32 constant is a plain integer, another number carries its dtype (`1f32`, `-Infinity_f32`), a bool is `true` or `false`. `/` is
 * a division that truncates for integers. A guard stands beside the index: `load %x[%i - 1 if %i >= 1]`. A cast reads `f32(%i)`, and
 * `load i32 %x[%i]` widens what the memory of a narrow dtype holds.
 */
import { dtypeInfo, isFloat, isInteger } from "./dtype.ts";
import { at } from "./errors.ts";
import type { Expr, ExprOp } from "./expr.ts";
import { nameText } from "./parse-core.ts";

export interface Infix {
  readonly mark: string;
  readonly level: number;
}

/** Operations that are written between their operands; a higher level binds closer. */
export const infixes: ReadonlyMap<ExprOp, Infix> = new Map<ExprOp, Infix>([
  ["or", { mark: "or", level: 1 }],
  ["xor", { mark: "xor", level: 2 }],
  ["and", { mark: "and", level: 3 }],
  ["eq", { mark: "==", level: 4 }],
  ["ne", { mark: "!=", level: 4 }],
  ["lt", { mark: "<", level: 4 }],
  ["le", { mark: "<=", level: 4 }],
  ["gt", { mark: ">", level: 4 }],
  ["ge", { mark: ">=", level: 4 }],
  ["shl", { mark: "<<", level: 5 }],
  ["shr", { mark: ">>", level: 5 }],
  ["add", { mark: "+", level: 6 }],
  ["sub", { mark: "-", level: 6 }],
  ["mul", { mark: "*", level: 7 }],
  ["div", { mark: "/", level: 7 }],
  ["idiv", { mark: "/", level: 7 }],
  ["irem", { mark: "rem", level: 7 }],
]);
/** The level of what needs no brackets anywhere. */
export const unaryLevel = 8;

/** Texts that stand for sub-expressions which were written before: `#0`. */
export type Abbreviations = ReadonlyMap<Expr, string>;
const none: Abbreviations = new Map();

/** The text of an expression. */
export const exprText = (e: Expr, known: Abbreviations = none): string => known.get(e) ?? textOf(e, 0, known);

/** `level` is what the place binds with: an expression that binds looser stands in brackets. */
function operand(e: Expr, level: number, known: Abbreviations): string {
  return known.get(e) ?? textOf(e, level, known);
}

function textOf(e: Expr, level: number, known: Abbreviations): string {
  const sub = (i: number, inner = 0): string => operand(at(e.args, i), inner, known);
  switch (e.op) {
    case "const":
      return constantText(e);
    case "var":
    case "axis":
      return `%${nameText(e.name)}`;
    case "arg":
      return `$${e.value}`;
    case "load":
      return `load ${e.value === 1 ? `${dtypeInfo(e.dtype).short} ` : ""}%${nameText(e.name)}[${sub(0)}${e.args.length > 1 ? ` if ${sub(1)}` : ""}]`;
    case "cast":
      return `${dtypeInfo(e.dtype).short}(${sub(0)})`;
    case "bitcast":
      return `bitcast ${dtypeInfo(e.dtype).short}(${sub(0)})`;
    case "neg":
      return at(e.args, 0).op === "const" ? `neg(${sub(0)})` : bracketed(`-${sub(0, unaryLevel)}`, level > unaryLevel);
    default:
      return operationText(e, level, known);
  }
}

function operationText(e: Expr, level: number, known: Abbreviations): string {
  const infix = infixes.get(e.op);
  if (infix === undefined || !isUsual(e)) return `${e.op}(${e.args.map((a) => operand(a, 0, known)).join(", ")})`;
  // comparisons do not chain, the others group from the left
  const left = operand(at(e.args, 0), infix.level === 4 ? 5 : infix.level, known);
  const right = operand(at(e.args, 1), infix.level + 1, known);
  return bracketed(`${left} ${infix.mark} ${right}`, level > infix.level);
}

/** `/` is `div` for floats and `idiv` for integers; the other way round they are written as calls. */
function isUsual(e: Expr): boolean {
  if (e.op === "div") return isFloat(e.dtype);
  return e.op !== "idiv" || isInteger(e.dtype);
}

const bracketed = (text: string, needed: boolean): string => (needed ? `(${text})` : text);

function constantText(e: Expr): string {
  if (e.dtype === "bool") return e.value === 0 ? "false" : "true";
  const sign = e.value < 0 || Object.is(e.value, -0) ? "-" : "";
  const digits = e.wide === undefined ? digitsOf(Math.abs(e.value), e.dtype === "float32") : String(e.wide).replace("-", "");
  const unit = e.dtype === "int32" ? "" : dtypeInfo(e.dtype).short;
  return `${sign}${digits}${unit === "" || Number.isFinite(e.value) ? "" : "_"}${unit}`;
}

/** The fewest digits that read back as this number. */
function digitsOf(x: number, single: boolean): string {
  if (single && Number.isFinite(x)) {
    for (let digits = 1; digits < 10; digits++) {
      const short = Number(x.toPrecision(digits));
      if (Math.fround(short) === x) return String(short);
    }
  }
  return String(x);
}
