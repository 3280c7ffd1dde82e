/**
 * The scalar language. A row of the op table spells its meaning in it, the Loop IR computes with it, every target prints it and
 * the interpreter evaluates it: there is one meaning of `exp` and one place where rounding is decided.
 *
 * Expressions are immutable, typed and may be shared (a DAG). Every operation rounds to its dtype: float32 at each op, integers wrap
 * modulo 2 to their width. float16 is how memory holds floats: its operations round as float32's do, its casts and stores to float16.
 * Integer edges: x / 0 and x % 0 give 0, INT_MIN / -1 wraps, a shift by the width or more gives 0 or the sign, float to integer
 * saturates with NaN to 0.
 */
import type { DType, Numeric } from "./dtype.ts";
import { convert, dtypeInfo, isWide, roundTo, roundWide } from "./dtype.ts";
import { at, CompilerBug } from "./errors.ts";

/** How the dtype of an operation follows from its operands. */
type TypeRule = "same" | "bool" | "given";

interface ScalarOpRow {
  readonly arity: number;
  readonly type: TypeRule;
}

const same = (arity: number): ScalarOpRow => ({ arity, type: "same" });
const test = (arity: number): ScalarOpRow => ({ arity, type: "bool" });

/** The name of an operation. */
// oxfmt-ignore
export type ScalarOp =
  | "add" | "sub" | "mul" | "div" | "idiv" | "irem" | "neg" | "abs" | "min" | "max" | "floor" | "ceil" | "trunc" | "round" | "sqrt" | "exp"
  | "expm1" | "log" | "log1p" | "log2" | "log10" | "sin" | "cos" | "tan" | "asin" | "acos" | "atan" | "atan2" | "sinh" | "cosh" | "tanh"
  | "asinh" | "acosh" | "atanh" | "cbrt" | "pow" | "fmod" | "copysign" | "nextafter" | "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "isnan"
  | "and" | "or" | "xor" | "not" | "shl" | "shr" | "select" | "rare" | "cast" | "bitcast" | "exp2" | "pow2" | "exponent" | "significand"
  | "head" | "parity";

/** Operations that every target spells (a target that lacks one expands it in `passes/legalize`). */
// oxfmt-ignore
const operations: Readonly<Record<ScalarOp, ScalarOpRow>> = {
  // arithmetic, all numeric dtypes; div is a float division, idiv truncates, irem takes the dividend's sign
  add: same(2), sub: same(2), mul: same(2), div: same(2), idiv: same(2), irem: same(2), neg: same(1), abs: same(1),
  // NaN if either is NaN; min(-0, 0) is -0
  min: same(2), max: same(2),
  // floats; round is half to even
  floor: same(1), ceil: same(1), trunc: same(1), round: same(1), sqrt: same(1),
  exp: same(1), expm1: same(1), log: same(1), log1p: same(1), log2: same(1), log10: same(1),
  sin: same(1), cos: same(1), tan: same(1), asin: same(1), acos: same(1), atan: same(1), atan2: same(2),
  sinh: same(1), cosh: same(1), tanh: same(1), asinh: same(1), acosh: same(1), atanh: same(1), cbrt: same(1), pow: same(2),
  // the float remainder with the dividend's sign, exact (C's fmod)
  fmod: same(2),
  // magnitude of the first, sign of the second; the next float from the first towards the second
  copysign: same(2), nextafter: same(2),
  // tests; ne is true and the others false where a NaN takes part
  eq: test(2), ne: test(2), lt: test(2), le: test(2), gt: test(2), ge: test(2), isnan: test(1),
  // bool: logic; integers: bits
  and: same(2), or: same(2), xor: same(2), not: same(1), shl: same(2), shr: same(2),
  // select(condition, whenTrue, whenFalse): the branch not taken has no effect, but may be evaluated
  select: { arity: 3, type: "given" },
  // select, whose second operand is seldom wanted and costly: targets may branch around it
  rare: { arity: 3, type: "given" },
  cast: { arity: 1, type: "given" },
  bitcast: { arity: 1, type: "given" },
  exp2: same(1),
  // float64 by its bits, which expansions are made of, with no promise beyond what is said:
  // pow2: 2^n of 1.5 * 2^52 + 1023 + n, n in -1022 … 1023: its bits << 52
  // exponent: of normal positive x the k for which x is 2^k times a number from √½ to √2: ((bits + (0x95f62 << 32)) >>> 52) - 1023
  // significand: that number: (bits + (0x95f62 << 32)) % 2^52 + (0x3fe6a09e << 32)
  // parity: -1 where the last bit is set, else 1
  // head: the low 27 bits cleared, so that products of two such are exact
  pow2: same(1), exponent: same(1), significand: same(1), parity: same(1), head: same(1),
};

/** Every operation. */
export const scalarOps: readonly ScalarOp[] = Object.keys(operations).filter(isScalarOp);
export function isScalarOp(name: string): name is ScalarOp {
  return Object.hasOwn(operations, name);
}
/** How many operands an operation takes. */
export const scalarArity = (op: ScalarOp): number => operations[op].arity;

/**
 * What an expression is:
 * `const` a number · `var` a named scalar of the kernel (a let, an accumulator, a scalar parameter) · `axis` a loop index (int32)
 * · `arg` the n-th operand in a template · `load` one element of a buffer · else an operation.
 */
export type ExprOp = ScalarOp | "const" | "var" | "axis" | "arg" | "load";

/** One node of a scalar expression. All nodes have the same fields, so that engines see one shape. */
export interface Expr {
  readonly op: ExprOp;
  readonly dtype: DType;
  /** Operands. A load has its flat index, and where guarded a condition: false reads as 0. */
  readonly args: readonly Expr[];
  /** The number of a `const`, the position of an `arg`; 1 for a `load` that widens what a narrow dtype's memory holds. */
  readonly value: number;
  /** The exact number of a `const` of 64 bits, where `value` is only near it; see `exactValue`. */
  readonly wide?: bigint;
  /** The name of a `var` or an `axis`, the buffer of a `load`; of an operation whose it is, where somebody asked: no part of what it is. */
  readonly name: string;
  /** Known bounds, inclusive; meaningful for int32 index expressions, else ±Infinity. */
  readonly lo: number;
  readonly hi: number;
  /** What was found out about an operation or a load; no part of what it is, so that copies start without. */
  found: Findings | null;
}

/** Kept where it is asked for, as `indexing` does all the time: engines are slow with weak keys. */
export interface Findings {
  /** Of the axes and scalars that it depends on. */
  names: readonly string[] | null;
  /** A text that is equal for equal expressions. */
  key: string | null;
  /** The same as a sum, if it is an index. */
  sum: Sum | null;
}

/** An index as `coefficient · atom + … + offset`. */
export interface Sum {
  readonly terms: readonly Term[];
  readonly offset: number;
}
export interface Term {
  readonly atom: Expr;
  readonly key: string;
  readonly coefficient: number;
}

/** What is known of an expression, to be added to. */
export const findings = (e: Expr): Findings => (e.found ??= { names: null, key: null, sum: null });

const none: readonly Expr[] = [];

/** A number rounded or saturated to `dtype`; float16 is rounded where it is stored, so that coefficients keep float32's digits. */
export function constant(value: Numeric, dtype: DType): Expr {
  if (!isWide(dtype)) {
    const v = roundTo(dtype === "float16" ? "float32" : dtype, Number(value));
    return { op: "const", dtype, args: none, value: v, name: "", lo: v, hi: v, found: null };
  }
  const wide = roundWide(dtype, value);
  const v = Number(wide);
  if (Number.isSafeInteger(v)) return { op: "const", dtype, args: none, value: v, name: "", lo: v, hi: v, found: null };
  return { op: "const", dtype, args: none, value: v, name: "", lo: v, hi: v, wide, found: null };
}

/** The number of a `const`: a bigint where it is a 64-bit integer. */
export const exactValue = (e: Expr): Numeric => (isWide(e.dtype) ? (e.wide ?? BigInt(e.value)) : e.value);

/** A named scalar; `lo` and `hi` bound it where it is an integer of known range. */
export function variable(name: string, dtype: DType, lo: number = -Infinity, hi: number = Infinity): Expr {
  return { op: "var", dtype, args: none, value: 0, name, lo, hi, found: null };
}
/** A loop index running over lo … hi (inclusive). */
export const axisIndex = (name: string, lo: number, hi: number): Expr => ({ op: "axis", dtype: "int32", args: none, value: 0, name, lo, hi, found: null });
/** The n-th operand of a template; see `substitute`. */
export const argument = (n: number, dtype: DType): Expr => ({ op: "arg", dtype, args: none, value: n, name: "", lo: -Infinity, hi: Infinity, found: null });
/** `load` of what a narrow dtype's memory holds, widened to what kernels compute with: int32 or float32. */
export const wideningLoad = (buffer: string, dtype: DType, index: Expr, guard?: Expr): Expr => ({
  op: "load",
  dtype,
  args: guard ? [index, guard] : [index],
  value: 1,
  name: buffer,
  lo: -Infinity,
  hi: Infinity,
  found: null,
});
/** One element of a buffer at a flat index; with a guard, 0 where the guard is false. */
export const load = (buffer: string, dtype: DType, index: Expr, guard?: Expr): Expr => ({
  op: "load",
  dtype,
  args: guard ? [index, guard] : [index],
  value: 0,
  name: buffer,
  lo: -Infinity,
  hi: Infinity,
  found: null,
});

function operation(op: ScalarOp, dtype: DType, args: readonly Expr[], lo = -Infinity, hi = Infinity): Expr {
  return { op, dtype, args, value: 0, name: "", lo, hi, found: null };
}

/** Any operation by name, its dtype following the rule of its row; for templates and parsers. */
export function apply(op: ScalarOp, args: readonly Expr[], given?: DType): Expr {
  const row = operations[op];
  if (args.length !== row.arity) throw new CompilerBug(`scalar ${op} takes ${row.arity} operands, not ${args.length}`);
  if (row.type === "given") {
    if (op === "select" || op === "rare") return operation(op, at(args, 1).dtype, args);
    if (given === undefined) throw new CompilerBug(`scalar ${op} needs its dtype`);
    return operation(op, given, args);
  }
  const first = at(args, 0).dtype;
  for (let i = 1; i < args.length; i++) {
    if (at(args, i).dtype !== first) throw new CompilerBug(`scalar ${op} mixes ${args.map((a) => a.dtype).join(" and ")}`);
  }
  return operation(op, row.type === "bool" ? "bool" : first, args);
}

/** An int32 operation on int32 operands, of known bounds. */
export const indexOperation = (op: ScalarOp, a: Expr, b: Expr, lo: number, hi: number): Expr => operation(op, "int32", [a, b], lo, hi);

/** The expression with its operands mapped; itself where they stay what they were. */
export function mapOperands(e: Expr, f: (a: Expr) => Expr): Expr {
  const { args } = e;
  let changed: Expr[] | null = null;
  // by position: until engines have optimised a function, each step of an iterator is garbage, and each call of `at` is one
  for (let i = 0; i < args.length; i++) {
    const a = args[i];
    if (a === undefined) break;
    const mapped = f(a);
    if (mapped === a) continue;
    // set, not pushed: what grows has room for sixteen more
    changed ??= args.slice();
    changed[i] = mapped;
  }
  return changed === null ? e : withOperands(e, changed);
}

// Copies name every field: engines give what each spread makes a shape of its own, and then no access of an expression is quick.

/** The same operation on other operands. */
export const withOperands = ({ op, dtype, value, name, lo, hi }: Expr, args: readonly Expr[]): Expr => ({ op, dtype, args, value, name, lo, hi, found: null });

/** A variable, an axis or a load under another name. */
export const withName = ({ op, dtype, args, value, lo, hi }: Expr, name: string): Expr => ({ op, dtype, args, value, name, lo, hi, found: null });

/** A range-preserving copy of an integer operation: index arithmetic knows its bounds. */
export function withRange(e: Expr, lo: number, hi: number): Expr {
  if (e.wide !== undefined) return { ...e, lo, hi, found: null };
  return { op: e.op, dtype: e.dtype, args: e.args, value: e.value, name: e.name, lo, hi, found: null };
}

type Operand = Expr | number;
/** A number beside an expression takes its dtype. */
const lift = (x: Operand, like: Expr): Expr => (typeof x === "number" ? constant(x, like.dtype) : x);

function binary(op: ScalarOp): (a: Expr, b: Operand) => Expr {
  return (a, b) => apply(op, [a, lift(b, a)]);
}
const unary =
  (op: ScalarOp) =>
  (a: Expr): Expr =>
    apply(op, [a]);

/** `x` in another dtype; nothing where it has it already. */
function cast(x: Expr, dtype: DType): Expr {
  if (x.dtype === dtype) return x;
  return x.op === "const" ? constant(convert(dtype, x.dtype, exactValue(x)), dtype) : apply("cast", [x], dtype);
}

/** Same bits, other dtype of the same width. */
function bitcast(x: Expr, dtype: DType): Expr {
  if (dtypeInfo(x.dtype).bytes !== dtypeInfo(dtype).bytes) throw new CompilerBug(`bitcast ${x.dtype} to ${dtype}: widths differ`);
  return x.dtype === dtype ? x : apply("bitcast", [x], dtype);
}

/** Coefficients highest power first, by Horner's scheme. */
function polynomial(x: Expr, coefficients: readonly number[]): Expr {
  let sum = constant(at(coefficients, 0), x.dtype);
  for (const c of coefficients.slice(1)) sum = s.add(s.mul(sum, x), c);
  return sum;
}

const squares = new WeakMap<Expr, Expr>();
/** x², one expression however often it is asked for. */
function square(x: Expr): Expr {
  const made = squares.get(x) ?? s.mul(x, x);
  squares.set(x, made);
  return made;
}

/** The same by Estrin's scheme: halves that do not wait for each other, where Horner's scheme is one long chain. */
function estrin(x: Expr, coefficients: readonly number[]): Expr {
  let terms = coefficients.toReversed().map((c) => constant(c, x.dtype));
  for (let power = x; terms.length > 1; power = square(power)) {
    const next: Expr[] = [];
    for (let i = 0; i < terms.length; i += 2) {
      const low = at(terms, i);
      const high = terms[i + 1];
      next.push(high === undefined ? low : s.add(s.mul(high, power), low));
    }
    terms = next;
  }
  return at(terms, 0);
}

/** min and max that keep NaN in x and cost one instruction. */
const atMost = (x: Expr, limit: number): Expr => s.select(s.lt(s.like(limit, x), x), s.like(limit, x), x);
const atLeast = (x: Expr, limit: number): Expr => s.select(s.lt(x, limit), s.like(limit, x), x);

type Binary = (a: Expr, b: Operand) => Expr;
type Unary = (a: Expr) => Expr;

// oxfmt-ignore
type BinaryOp =
  | "add" | "sub" | "mul" | "div" | "idiv" | "irem" | "min" | "max" | "pow" | "atan2" | "fmod" | "copysign" | "nextafter" | "eq" | "ne"
  | "lt" | "le" | "gt" | "ge" | "and" | "or" | "xor" | "shl" | "shr";
// oxfmt-ignore
type UnaryOp =
  | "neg" | "abs" | "floor" | "ceil" | "trunc" | "round" | "sqrt" | "exp" | "expm1" | "log" | "log1p" | "log2" | "log10" | "sin" | "cos"
  | "tan" | "asin" | "acos" | "atan" | "sinh" | "cosh" | "tanh" | "asinh" | "acosh" | "atanh" | "cbrt" | "isnan" | "not"
  | "exp2" | "pow2" | "exponent" | "significand" | "parity" | "head";

/** The operations of `s`. */
export interface ScalarBuilder extends Readonly<Record<BinaryOp, Binary>>, Readonly<Record<UnaryOp, Unary>> {
  readonly select: (condition: Expr, yes: Expr, no: Operand) => Expr;
  readonly rare: (condition: Expr, seldom: Expr, usual: Expr) => Expr;
  readonly cast: (x: Expr, dtype: DType) => Expr;
  readonly bitcast: (x: Expr, dtype: DType) => Expr;
  readonly polynomial: (x: Expr, coefficients: readonly number[]) => Expr;
  readonly estrin: (x: Expr, coefficients: readonly number[]) => Expr;
  readonly square: (x: Expr) => Expr;
  readonly atMost: (x: Expr, limit: number) => Expr;
  readonly atLeast: (x: Expr, limit: number) => Expr;
  readonly like: (value: number, like: Expr) => Expr;
}

/**
 * The builder that rows spell their meaning with. A number on the right takes the dtype of the left operand.
 *
 * `scalar: ([x]) => s.div(constant(1, x.dtype), s.add(s.exp(s.neg(x)), 1))`
 */
// oxfmt-ignore
export const s: ScalarBuilder = {
  add: binary("add"), sub: binary("sub"), mul: binary("mul"), div: binary("div"), idiv: binary("idiv"), irem: binary("irem"),
  min: binary("min"), max: binary("max"), pow: binary("pow"), atan2: binary("atan2"), fmod: binary("fmod"),
  copysign: binary("copysign"), nextafter: binary("nextafter"),
  neg: unary("neg"), abs: unary("abs"), floor: unary("floor"), ceil: unary("ceil"), trunc: unary("trunc"), round: unary("round"),
  sqrt: unary("sqrt"), exp: unary("exp"), expm1: unary("expm1"), log: unary("log"), log1p: unary("log1p"), log2: unary("log2"),
  log10: unary("log10"), sin: unary("sin"), cos: unary("cos"), tan: unary("tan"), asin: unary("asin"), acos: unary("acos"),
  atan: unary("atan"), sinh: unary("sinh"), cosh: unary("cosh"), tanh: unary("tanh"), asinh: unary("asinh"), acosh: unary("acosh"),
  atanh: unary("atanh"), cbrt: unary("cbrt"),
  eq: binary("eq"), ne: binary("ne"), lt: binary("lt"), le: binary("le"), gt: binary("gt"), ge: binary("ge"), isnan: unary("isnan"),
  and: binary("and"), or: binary("or"), xor: binary("xor"), shl: binary("shl"), shr: binary("shr"), not: unary("not"),
  exp2: unary("exp2"), pow2: unary("pow2"), exponent: unary("exponent"), significand: unary("significand"),
  parity: unary("parity"), head: unary("head"),
  select: (condition: Expr, yes: Expr, no: Operand): Expr => apply("select", [condition, yes, lift(no, yes)]),
  rare: (condition: Expr, seldom: Expr, usual: Expr): Expr => apply("rare", [condition, seldom, usual]),
  cast,
  bitcast,
  polynomial,
  estrin,
  square,
  atMost,
  atLeast,
  /** A constant of the same dtype as `like`. */
  like: (value: number, like: Expr): Expr => constant(value, like.dtype),
};

/** The template with its `arg`s replaced; shared sub-expressions stay shared. Recursion is bounded by the template's depth. */
export function substitute(template: Expr, args: readonly Expr[]): Expr {
  const done = new Map<Expr, Expr>();
  const walk = (e: Expr): Expr => {
    if (e.op === "arg") return at(args, e.value);
    if (e.args.length === 0) return e;
    const known = done.get(e);
    if (known) return known;
    const out = mapOperands(e, walk);
    done.set(e, out);
    return out;
  };
  return walk(template);
}
