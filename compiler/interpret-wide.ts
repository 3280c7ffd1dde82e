/**
 * The meaning of scalar operations where 64-bit integers take part, in bigints, and of any operation on what a dtype's elements are:
 * bigints for int64 and uint64, else numbers. The edges are those of narrower integers: x / 0 and x % 0 give 0, results wrap, a shift by
 * the width or more gives 0 or the sign, a float saturates with NaN to 0.
 */
import type { DType, Numeric } from "./ir/dtype.ts";
import { convert, dtypeInfo, isWide } from "./ir/dtype.ts";
import { at, CompilerBug } from "./ir/errors.ts";
import type { ScalarOp } from "./ir/expr.ts";
import { scalarFunction } from "./interpret-scalar.ts";

/** An operation on up to three operands; unused ones are ignored. */
export type NumericFunction = (a: Numeric, b: Numeric, c: Numeric) => Numeric;
type WideTable = Readonly<Partial<Record<ScalarOp, (a: bigint, b: bigint) => bigint>>>;

const signed = (x: bigint): bigint => BigInt.asIntN(64, x);
const unsigned = (x: bigint): bigint => BigInt.asUintN(64, x);
const isBeyond = (n: bigint): boolean => n < 0n || n > 63n;

/** Results are wrapped by whoever calls. */
const arithmetic: WideTable = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  idiv: (a, b) => (b === 0n ? 0n : a / b),
  irem: (a, b) => (b === 0n ? 0n : a % b),
  neg: (a) => -a,
  abs: (a) => (a < 0n ? -a : a),
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => ~a,
  shl: (a, b) => (isBeyond(b) ? 0n : a << b),
  shr: (a, b) => a >> (isBeyond(b) ? 64n : b),
};

const tests: Readonly<Partial<Record<ScalarOp, (a: bigint, b: bigint) => boolean>>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

const bits = new ArrayBuffer(8);
const wideViews = { int64: new BigInt64Array(bits), uint64: new BigUint64Array(bits), float64: new Float64Array(bits) };

function read64(dtype: DType): Numeric {
  if (dtype === "float64") return at(wideViews.float64, 0);
  return at(dtype === "int64" ? wideViews.int64 : wideViews.uint64, 0);
}

function bitcast64(to: DType, from: DType): NumericFunction {
  return (a) => {
    if (from === "float64") wideViews.float64[0] = Number(a);
    else wideViews.uint64[0] = unsigned(BigInt(a));
    return read64(to);
  };
}

/** The operation where its result or its first operand is a 64-bit integer; undefined where there is none. */
function wideFunction(op: ScalarOp, dtype: DType, from: DType): NumericFunction | undefined {
  if (op === "bitcast") return dtypeInfo(dtype).bits === dtypeInfo(from).bits ? bitcast64(dtype, from) : undefined;
  const test = tests[op];
  if (test !== undefined) return (a, b) => Number(test(BigInt(a), BigInt(b)));
  const f = arithmetic[op];
  if (f === undefined) return undefined;
  const wrap = dtype === "int64" ? signed : unsigned;
  return (a, b) => wrap(f(BigInt(a), BigInt(b)));
}

/** The function of an operation on elements of any dtype, with a result of `dtype` and a first operand of `from`; a CompilerBug where there is none. */
export function numericFunction(op: ScalarOp, dtype: DType, from: DType = dtype): NumericFunction {
  if (op === "select" || op === "rare") return (a, b, c) => (Number(a) === 0 ? c : b);
  if (op === "cast") return (a) => convert(dtype, from, a);
  if (isWide(dtype) || isWide(from)) {
    const f = wideFunction(op, dtype, from);
    if (f === undefined) throw new CompilerBug(`scalar ${op} does not compute with ${from} to ${dtype}`);
    return f;
  }
  const f = scalarFunction(op, dtype, from);
  return (a, b, c) => f(Number(a), Number(b), Number(c));
}

/** Whether `op` computes with operands of `from` and results of `dtype`, of which one is a 64-bit integer. */
export function supportsWide(op: ScalarOp, dtype: DType, from: DType): boolean {
  if (op === "select" || op === "rare" || op === "cast") return true;
  return wideFunction(op, dtype, from) !== undefined;
}
