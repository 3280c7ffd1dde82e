/**
 * How scalar operations are spelled in JavaScript. float32 operations end in `Math.fround`, int32 in `| 0`, uint32 in `>>> 0`;
 * operations that cannot leave their dtype go without, as does index arithmetic of known bounds. bool expressions are JavaScript
 * booleans.
 */
import type { DType } from "../../ir/dtype.ts";
import { isWide } from "../../ir/dtype.ts";
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Expr, ScalarOp } from "../../ir/expr.ts";
import { exactValue } from "../../ir/expr.ts";
import type { Spelling, SpellingContext } from "./spelling.ts";
import { asInt, asUint, bits, call, conditional, infix, level, logical, prefix, primary } from "./spelling.ts";
import { bigSpelling, spellWide, spellWideBitcast, spellWideCast } from "./wide.ts";

/** A number, by its bits. */
export function numberSpelling(x: number): Spelling {
  const text = Object.is(x, -0) ? "-0" : String(x);
  return { text, level: text.startsWith("-") ? level.unary : level.primary };
}

/** `base + index`, without the zero. */
export const positionText = (base: string, index: Spelling): string => (index.text === "0" ? base : infix(primary(base), "+", index, level.sum).text);

/** What is stored for a value: bool as 1 or 0. */
export const storedSpelling = (value: Spelling, dtype: DType): Spelling => (dtype === "bool" ? conditional(value, primary("1"), primary("0")) : value);

/** An expression, given the spellings of its operands. */
export function spell(e: Expr, context: SpellingContext): Spelling {
  switch (e.op) {
    case "const":
      return spellConstant(e);
    case "var":
    case "axis":
      return primary(context.name(e));
    case "arg":
      throw new CompilerBug(`a kernel holds operand ${e.value} of a template`);
    case "load":
      return spellLoad(e, context);
    case "select":
    case "rare": {
      const [c, yes, no] = operandsOf(e, context);
      return conditional(c, yes, no);
    }
    case "cast":
      return spellCast(context.of(at(e.args, 0)), at(e.args, 0), e.dtype, context);
    case "bitcast":
      return spellBitcast(context.of(at(e.args, 0)), at(e.args, 0).dtype, e.dtype, context);
    default:
      return spellOperation(e, e.op, context);
  }
}

function spellConstant(e: Expr): Spelling {
  if (e.dtype === "bool") return primary(String(e.value !== 0));
  const x = exactValue(e);
  return typeof x === "bigint" ? bigSpelling(x) : numberSpelling(x);
}

const unused = primary("");
function operandsOf(e: Expr, context: SpellingContext): readonly [Spelling, Spelling, Spelling] {
  const [a, b, c] = e.args.map(context.of);
  return [a ?? unused, b ?? unused, c ?? unused];
}

function spellLoad(e: Expr, context: SpellingContext): Spelling {
  const element = context.element(e.name, context.of(at(e.args, 0)));
  const value = e.dtype === "bool" ? infix(element, "!==", primary("0"), level.equality) : element;
  const [, guard] = e.args;
  if (guard === undefined) return value;
  return e.dtype === "bool" ? logical(context.of(guard), "&&", value, level.and) : conditional(context.of(guard), value, primary(isWide(e.dtype) ? "0n" : "0"));
}

function spellOperation(e: Expr, op: ScalarOp, context: SpellingContext): Spelling {
  const from = at(e.args, 0).dtype;
  const operands = operandsOf(e, context);
  const spelled = spellTest(op, from, operands) ?? spellByDType(e, op, from, operands, context);
  if (spelled === undefined) throw new CompilerBug(`JavaScript has no spelling of ${op} on ${from}`);
  return spelled;
}

function spellByDType(e: Expr, op: ScalarOp, from: DType, operands: readonly [Spelling, Spelling, Spelling], context: SpellingContext): Spelling | undefined {
  switch (from) {
    case "float32":
    case "float64":
      return spellFloat(e, op, operands, context);
    case "int32":
      return spellInt(e, op, operands, context);
    case "uint32":
      return spellUint(e, op, operands, context);
    case "int64":
    case "uint64":
      return spellWide(op, from, operands, context);
    case "bool":
      return spellBool(op, operands);
    default:
      return undefined;
  }
}

const tests: Readonly<Partial<Record<ScalarOp, readonly [operator: string, strength: number]>>> = {
  eq: ["===", level.equality],
  ne: ["!==", level.equality],
  lt: ["<", level.relation],
  le: ["<=", level.relation],
  gt: [">", level.relation],
  ge: [">=", level.relation],
};

function spellTest(op: ScalarOp, from: DType, [a, b]: readonly [Spelling, Spelling, Spelling]): Spelling | undefined {
  if (op === "isnan") return infix(a, "!==", a, level.equality);
  const row = tests[op];
  if (row === undefined || (from === "bool" && row[1] === level.relation)) return undefined;
  return infix(a, row[0], b, row[1]);
}

const arithmetic: Readonly<Partial<Record<ScalarOp, readonly [operator: string, strength: number]>>> = {
  add: ["+", level.sum],
  sub: ["-", level.sum],
  mul: ["*", level.product],
  div: ["/", level.product],
};
/** On float32 these give float32 without rounding. */
const exact: ReadonlySet<ScalarOp> = new Set<ScalarOp>(["abs", "min", "max", "floor", "ceil", "trunc"]);
const maths: ReadonlySet<ScalarOp> = new Set<ScalarOp>([
  "sqrt",
  "exp",
  "expm1",
  "log",
  "log1p",
  "log2",
  "log10",
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "atan2",
  "sinh",
  "cosh",
  "tanh",
  "asinh",
  "acosh",
  "atanh",
  "cbrt",
]);

const byBits: ReadonlySet<ScalarOp> = new Set<ScalarOp>(["pow2", "exponent", "significand", "parity", "head"]);

function spellFloat(e: Expr, op: ScalarOp, [a, b]: readonly [Spelling, Spelling, Spelling], context: SpellingContext): Spelling | undefined {
  const args = e.args.length === 2 ? [a, b] : [a];
  const rounded = (s: Spelling): Spelling => (e.dtype === "float32" ? call("Math.fround", s) : s);
  const infixRow = arithmetic[op];
  if (infixRow !== undefined) return rounded(infix(a, infixRow[0], b, infixRow[1]));
  if (op === "neg") return prefix("-", a);
  if (op === "fmod") return infix(a, "%", b, level.product);
  if (exact.has(op)) return call(`Math.${op}`, ...args);
  if (maths.has(op)) return rounded(call(`Math.${op}`, ...args));
  if (byBits.has(op)) return call(context.use(op), a);
  if (op === "exp2") return rounded(call("Math.pow", primary("2"), a));
  if (op === "round") return call(context.use("roundEven"), a);
  if (op === "copysign") return call(context.use("copysign"), a, b);
  if (op === "nextafter") return call(context.use(e.dtype === "float32" ? "nextafter32" : "nextafter64"), a, b);
  if (op === "pow") return rounded(call(isPlainExponent(e) ? "Math.pow" : context.use("pow"), a, b));
  return undefined;
}

/** Powers where JavaScript's and C's functions agree for every base. */
function isPlainExponent(e: Expr): boolean {
  const exponent = at(e.args, 1);
  return exponent.op === "const" && Number.isFinite(exponent.value);
}

const isBounded = (e: Expr): boolean => e.lo >= -2147483648 && e.hi <= 2147483647;
const isCount = (e: Expr): boolean => isBounded(e) && e.lo >= 0;
/** The constant that an expression is, or NaN. */
const constantOf = (e: Expr): number => (e.op === "const" ? e.value : NaN);

const bitwise: Readonly<Partial<Record<ScalarOp, readonly [operator: string, strength: number]>>> = {
  and: ["&", level.bitAnd],
  or: ["|", level.bitOr],
  xor: ["^", level.bitXor],
};

function spellInt(e: Expr, op: ScalarOp, operands: readonly [Spelling, Spelling, Spelling], context: SpellingContext): Spelling | undefined {
  const [a, b] = operands;
  const [x, y] = [at(e.args, 0), e.args[1] ?? at(e.args, 0)];
  const wrapped = (s: Spelling): Spelling => (isBounded(e) ? s : asInt(s));
  switch (op) {
    case "add":
      return wrapped(spellSum(x, y, context));
    case "sub":
      return wrapped(infix(a, "-", b, level.sum));
    case "mul":
      // a plain product could be -0 or, unbounded, too large to be exact
      return isBounded(e) && ((isCount(x) && isCount(y)) || constantOf(y) > 0) ? infix(a, "*", b, level.product) : call("Math.imul", a, b);
    case "neg":
      return asInt(prefix("-", a));
    case "abs":
      return asInt(call("Math.abs", a));
    case "idiv":
      return constantOf(y) > 0 || constantOf(y) < 0 ? asInt(infix(a, "/", b, level.product)) : call(context.use("divideInt"), a, b);
    case "irem":
      if (!(constantOf(y) > 0)) return call(context.use("remainderInt"), a, b);
      return isCount(x) ? infix(a, "%", b, level.product) : asInt(infix(a, "%", b, level.product));
    case "shl":
      return constantOf(y) >= 0 && constantOf(y) < 32 ? bits(a, "<<", b, level.shift) : call(context.use("shiftLeftInt"), a, b);
    case "shr":
      return constantOf(y) >= 0 && constantOf(y) < 32 ? bits(a, ">>", b, level.shift) : call(context.use("shiftRightInt"), a, b);
    default:
      return spellBits(op, operands);
  }
}

/** `a + b`, where adding a negative multiple of something is a subtraction: `9 - i`. */
function spellSum(x: Expr, y: Expr, context: SpellingContext): Spelling {
  const [first, second] = negated(x, context) !== undefined && negated(y, context) === undefined ? [y, x] : [x, y];
  const minus = negated(second, context);
  return minus === undefined ? infix(context.of(first), "+", context.of(second), level.sum) : infix(context.of(first), "-", minus, level.sum);
}

/** The spelling of -e where e is a negative constant or a bounded multiple by one, and is spelled in place. */
function negated(e: Expr, context: SpellingContext): Spelling | undefined {
  if (constantOf(e) < 0) return numberSpelling(-e.value);
  const factor = e.op === "mul" && isBounded(e) && -e.lo <= 2147483647 ? -constantOf(at(e.args, 1)) : NaN;
  const spelledInPlace = context.of(e).text.startsWith("Math.imul(");
  if (!(factor > 0) || !spelledInPlace) return undefined;
  const base = at(e.args, 0);
  return factor === 1 ? context.of(base) : infix(context.of(base), "*", numberSpelling(factor), level.product);
}

/** Operations on bits, and those that are the same on both integer dtypes. */
function spellBits(op: ScalarOp, [a, b]: readonly [Spelling, Spelling, Spelling]): Spelling | undefined {
  if (op === "min" || op === "max") return call(`Math.${op}`, a, b);
  if (op === "not") return prefix("~", a);
  const row = bitwise[op];
  return row === undefined ? undefined : bits(a, row[0], b, row[1]);
}

function spellUint(e: Expr, op: ScalarOp, operands: readonly [Spelling, Spelling, Spelling], context: SpellingContext): Spelling | undefined {
  const [a, b] = operands;
  const n = constantOf(e.args[1] ?? e);
  switch (op) {
    case "add":
      return asUint(infix(a, "+", b, level.sum));
    case "sub":
      return asUint(infix(a, "-", b, level.sum));
    case "mul":
      return asUint(call("Math.imul", a, b));
    case "neg":
      return asUint(prefix("-", a));
    case "abs":
      return a;
    case "idiv":
      return n > 0 ? asUint(infix(a, "/", b, level.product)) : call(context.use("divideUint"), a, b);
    case "irem":
      return n > 0 ? infix(a, "%", b, level.product) : call(context.use("remainderUint"), a, b);
    case "shl":
      return n < 32 ? asUint(bits(a, "<<", b, level.shift)) : call(context.use("shiftLeftUint"), a, b);
    case "shr":
      return n < 32 ? bits(a, ">>>", b, level.shift) : call(context.use("shiftRightUint"), a, b);
    case "min":
    case "max":
      return spellBits(op, operands);
    default: {
      const signed = spellBits(op, operands);
      return signed === undefined ? undefined : asUint(signed);
    }
  }
}

function spellBool(op: ScalarOp, [a, b]: readonly [Spelling, Spelling, Spelling]): Spelling | undefined {
  const not = (s: Spelling): Spelling => prefix("!", s);
  switch (op) {
    case "and":
    case "min":
      return logical(a, "&&", b, level.and);
    case "or":
    case "max":
      return logical(a, "||", b, level.or);
    case "xor":
      return infix(a, "!==", b, level.equality);
    case "not":
      return not(a);
    case "lt":
      return logical(not(a), "&&", b, level.and);
    case "le":
      return logical(not(a), "||", b, level.or);
    case "gt":
      return logical(a, "&&", not(b), level.and);
    case "ge":
      return logical(a, "||", not(b), level.or);
    default:
      return undefined;
  }
}

const isFloat = (d: DType): boolean => d === "float32" || d === "float64";

function spellCast(a: Spelling, x: Expr, to: DType, context: SpellingContext): Spelling {
  const from = x.dtype;
  if (isWide(from) || isWide(to)) return spellWideCast(a, from, to, context);
  if (from === "bool") return to === "bool" ? a : conditional(a, primary("1"), primary("0"));
  switch (to) {
    case "bool":
      return infix(a, "!==", primary("0"), level.equality);
    case "float64":
      return a;
    case "float32":
      // integers of up to 24 bits are float32 already
      return from === "float32" || (from !== "float64" && isBounded(x) && Math.max(-x.lo, x.hi) <= 16777216) ? a : call("Math.fround", a);
    case "int32":
      if (from === "int32") return a;
      return isFloat(from) ? call(context.use("toInt32"), a) : asInt(a);
    case "uint32":
      if (from === "uint32") return a;
      return isFloat(from) ? call(context.use("toUint32"), a) : asUint(a);
    default:
      throw new CompilerBug(`JavaScript has no cast from ${from} to ${to}`);
  }
}

function spellBitcast(a: Spelling, from: DType, to: DType, context: SpellingContext): Spelling {
  if (from === to) return a;
  const wide = spellWideBitcast(a, from, to, context);
  if (wide !== undefined) return wide;
  switch (`${from} ${to}`) {
    case "float32 int32":
      return call(context.use("floatToInt"), a);
    case "float32 uint32":
      return call(context.use("floatToUint"), a);
    case "int32 float32":
    case "uint32 float32":
      return call(context.use("bitsToFloat"), a);
    case "uint32 int32":
      return asInt(a);
    case "int32 uint32":
      return asUint(a);
    default:
      throw new CompilerBug(`JavaScript has no bitcast from ${from} to ${to}`);
  }
}
