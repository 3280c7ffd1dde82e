/**
 * The meaning of the scalar operations, in JavaScript numbers. Every dtype but int64 and uint64 (interpret-wide.ts) fits a JS number
 * exactly (bool is 0 or 1), so an operation is a function of numbers that ends by rounding to its dtype. float32 maths functions are the
 * float64 function, rounded once; float16 computes as float32 and is rounded where it is stored. Generated code of every target is
 * tested against this file.
 */
import type { DType } from "./ir/dtype.ts";
import { convert, dtypeInfo, isInteger, roundTo, wrapTo } from "./ir/dtype.ts";
import { halfBits, halfNumber } from "./ir/half.ts";
import { at, CompilerBug } from "./ir/errors.ts";
import type { ScalarOp } from "./ir/expr.ts";
import type { NumberArray } from "./ir/host.ts";

/** An operation on up to three operands; unused ones are ignored. */
export type ScalarFunction = (a: number, b: number, c: number) => number;
type Table = Readonly<Partial<Record<ScalarOp, ScalarFunction>>>;

const bytes = new ArrayBuffer(8);
const f64 = new Float64Array(bytes);
const f32 = new Float32Array(bytes);
const i32 = new Int32Array(bytes);
const u32 = new Uint32Array(bytes);

const isNegative = (x: number): boolean => x < 0 || (x === 0 && 1 / x < 0);
const numberOf = (condition: boolean): number => (condition ? 1 : 0);

/** Half to even. Adding 2^52 leaves no fraction bits, and the addition itself rounds half to even. */
function roundEven(x: number): number {
  if (!(Math.abs(x) < 4503599627370496)) return x;
  const shift = x < 0 ? -4503599627370496 : 4503599627370496;
  const y = x + shift - shift;
  return y === 0 && isNegative(x) ? -0 : y;
}

/** C's pow: JavaScript's gives NaN for 1^NaN, 1^Infinity and (-1)^Infinity, which are 1. */
const pow = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y));
const copysign = (x: number, y: number): number => (isNegative(y) ? -Math.abs(x) : Math.abs(x));

function nextafter64(x: number, y: number): number {
  if (x !== x || y !== y) return NaN;
  if (x === y) return y;
  if (x === 0) return y > 0 ? 5e-324 : -5e-324;
  f64[0] = x;
  const [low, high] = [at(u32, 0), at(u32, 1)];
  const step = y > x === x > 0 ? 1 : -1;
  u32[0] = low + step;
  if (low === (step === 1 ? 0xffffffff : 0)) u32[1] = high + step;
  return f64[0];
}

/** Operations on the bits of float64 alone. */
const doubles: Table = {
  pow2: (a) => {
    f64[0] = a;
    u32[1] = at(u32, 0) << 20;
    u32[0] = 0;
    return f64[0];
  },
  exponent: (a) => {
    f64[0] = a;
    return ((at(u32, 1) + 0x95f62) >>> 20) - 1023;
  },
  significand: (a) => {
    f64[0] = a;
    u32[1] = ((at(u32, 1) + 0x95f62) & 0xfffff) + 0x3fe6a09e;
    return f64[0];
  },
  parity: (a) => {
    f64[0] = a;
    return 1 - 2 * (at(u32, 0) & 1);
  },
  head: (a) => {
    f64[0] = a;
    u32[0] = at(u32, 0) & 0xf8000000;
    return f64[0];
  },
};

function nextafter32(x: number, y: number): number {
  if (x !== x || y !== y) return NaN;
  if (x === y) return y;
  if (x === 0) return y > 0 ? 1.401298464324817e-45 : -1.401298464324817e-45;
  f32[0] = x;
  i32[0] = at(i32, 0) + (y > x === x > 0 ? 1 : -1);
  return f32[0];
}

/** By bits in the order of the floats, -0 and 0 equal. */
function nextafter16(x: number, y: number): number {
  if (x !== x || y !== y) return NaN;
  const ordered = (bits: number): number => (bits < 0x8000 ? bits : 0x8000 - bits);
  const [from, to] = [ordered(halfBits(x)), ordered(halfBits(y))];
  if (from === to) return y;
  const step = from + (to > from ? 1 : -1);
  return step === 0 ? copysign(0, x) : halfNumber(step < 0 ? 0x8000 - step : step);
}

/** Operations that give bool; false where a NaN takes part, except `ne`. */
const tests: Table = {
  eq: (a, b) => numberOf(a === b),
  ne: (a, b) => numberOf(a !== b),
  lt: (a, b) => numberOf(a < b),
  le: (a, b) => numberOf(a <= b),
  gt: (a, b) => numberOf(a > b),
  ge: (a, b) => numberOf(a >= b),
  isnan: (a) => numberOf(a !== a),
};

const { min, max } = Math;

/** Floats: exact on float64, and rounded once more for float32 (which is the correctly rounded float32 result for the first row). */
const floats: Table = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  sqrt: Math.sqrt,
  neg: (a) => -a,
  abs: Math.abs,
  min: (a, b) => min(a, b),
  max: (a, b) => max(a, b),
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  round: roundEven,
  fmod: (a, b) => a % b,
  copysign,
  exp: Math.exp,
  exp2: (a) => Math.pow(2, a),
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  log2: Math.log2,
  log10: Math.log10,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  atan2: Math.atan2,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  cbrt: Math.cbrt,
  pow,
};

/** Already a float32 where the operands are: no rounding needed. */
const exactOnFloat32: ReadonlySet<ScalarOp> = new Set<ScalarOp>(["neg", "abs", "min", "max", "floor", "ceil", "trunc", "round", "fmod", "copysign"]);

const signed: Table = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: Math.imul,
  idiv: (a, b) => (b === 0 ? 0 : (a / b) | 0),
  irem: (a, b) => (b === 0 ? 0 : (a % b) | 0),
  neg: (a) => -a | 0,
  abs: (a) => Math.abs(a) | 0,
  min: (a, b) => min(a, b),
  max: (a, b) => max(a, b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => ~a,
  shl: (a, b) => (b >>> 0 > 31 ? 0 : a << b),
  shr: (a, b) => a >> (b >>> 0 > 31 ? 31 : b),
};

const unsigned: Table = {
  add: (a, b) => (a + b) >>> 0,
  sub: (a, b) => (a - b) >>> 0,
  mul: (a, b) => Math.imul(a, b) >>> 0,
  idiv: (a, b) => (b === 0 ? 0 : (a / b) >>> 0),
  irem: (a, b) => (b === 0 ? 0 : a % b),
  neg: (a) => -a >>> 0,
  abs: (a) => a,
  min: (a, b) => min(a, b),
  max: (a, b) => max(a, b),
  and: (a, b) => (a & b) >>> 0,
  or: (a, b) => (a | b) >>> 0,
  xor: (a, b) => (a ^ b) >>> 0,
  not: (a) => ~a >>> 0,
  shl: (a, b) => (b > 31 ? 0 : (a << b) >>> 0),
  shr: (a, b) => (b > 31 ? 0 : a >>> b),
};

const logic: Table = {
  min: (a, b) => a & b,
  max: (a, b) => a | b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => a ^ 1,
};

/** The operation in one dtype, without the ones whose dtype is given. */
function inDType(op: ScalarOp, dtype: DType): ScalarFunction | undefined {
  switch (dtype) {
    case "float64":
      return op === "nextafter" ? nextafter64 : (floats[op] ?? doubles[op]);
    case "float16":
      return op === "nextafter" ? nextafter16 : roundedFloat(op);
    case "float32":
      return op === "nextafter" ? nextafter32 : roundedFloat(op);
    case "int32":
      return signed[op];
    case "uint32":
      return unsigned[op];
    case "bool":
      return logic[op];
    default:
      return isInteger(dtype) ? narrowInteger(op, dtype) : undefined;
  }
}

/** Narrow integers: int32's operation, and its low bits. */
function narrowInteger(op: ScalarOp, dtype: DType): ScalarFunction | undefined {
  const f = signed[op];
  return f === undefined ? undefined : (a, b, c): number => Number(wrapTo(dtype, f(a, b, c)));
}

function roundedFloat(op: ScalarOp): ScalarFunction | undefined {
  const f = floats[op];
  if (f === undefined || exactOnFloat32.has(op)) return f;
  return (a, b, c) => Math.fround(f(a, b, c));
}

/** Integers wrap into integers; everything else rounds or saturates. */
function castFunction(to: DType, from: DType): ScalarFunction {
  if (isInteger(from) && to === "int32") return (a) => a | 0;
  if (isInteger(from) && to === "uint32") return (a) => a >>> 0;
  if (isInteger(from) && isInteger(to)) return (a) => Number(convert(to, from, a));
  return (a) => roundTo(to, a);
}

function bitcastFunction(to: DType, from: DType): ScalarFunction | undefined {
  const views = new Map<DType, NumberArray>([
    ["float32", f32],
    ["int32", i32],
    ["uint32", u32],
    ["int16", new Int16Array(bytes)],
    ["uint16", new Uint16Array(bytes)],
    ["int8", new Int8Array(bytes)],
    ["uint8", new Uint8Array(bytes)],
  ]);
  const [source, target] = [views.get(from), views.get(to)];
  if (dtypeInfo(from).bits !== dtypeInfo(to).bits) return undefined;
  if (from === "float16" && target !== undefined) return (a) => Number(wrapTo(to, halfBits(a)));
  if (to === "float16" && source !== undefined) return (a) => halfNumber(a & 0xffff);
  if (source === undefined || target === undefined) return to === from ? (a): number => a : undefined;
  return (a) => {
    source[0] = a;
    return at(target, 0);
  };
}

/** Whether `op` computes with operands of `from` and results of `dtype`. */
export const supports = (op: ScalarOp, dtype: DType, from: DType): boolean => find(op, dtype, from) !== undefined;

function find(op: ScalarOp, dtype: DType, from: DType): ScalarFunction | undefined {
  if (op === "select" || op === "rare") return (a, b, c) => (a !== 0 ? b : c);
  if (op === "cast") return castFunction(dtype, from);
  if (op === "bitcast") return bitcastFunction(dtype, from);
  return tests[op] ?? inDType(op, dtype);
}

/** The function of an operation with a result of `dtype` and a first operand of `from`; a CompilerBug where there is none. */
export function scalarFunction(op: ScalarOp, dtype: DType, from: DType = dtype): ScalarFunction {
  const f = find(op, dtype, from);
  if (f === undefined) throw new CompilerBug(`scalar ${op} does not compute with ${from} to ${dtype}`);
  return f;
}
