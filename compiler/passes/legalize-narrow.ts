/**
 * Narrow dtypes in the registers that targets have: int8 … uint16 are computed in int32, float16 in float32.
 *
 *   store %y[%i] = load %x[%i] + 1i8            store %y[%i] = ((load i32 %x[%i] + 1) << 24) >> 24
 *
 * Loads widen, stores keep the low bits or round, and in between integers are wrapped after each operation that can leave their range.
 * float16 is rounded by casts and stores only. Scratch is as wide as registers are.
 */
import type { DType } from "../ir/dtype.ts";
import { dtypeInfo, integerRange, isFloat, isInteger, registerDType } from "../ir/dtype.ts";
import { at } from "../ir/errors.ts";
import type { Expr, ScalarOp } from "../ir/expr.ts";
import { apply, constant, isScalarOp, load, s, wideningLoad, withOperands, withRange } from "../ir/expr.ts";
import { exprOrder } from "../ir/expr-order.ts";
import type { Kernel, Stmt } from "../ir/loop.ts";
import { expressionsIn, statements } from "../ir/loop.ts";
import { mapStatement } from "../ir/loop-walk.ts";
import { rangeOf } from "../ir/ranges.ts";
import { halfBits, halfNumber, nextHalf, oddFloat32, roundedToHalf } from "./legalize-half.ts";

const isNarrow = (d: DType): boolean => registerDType(d) !== d;
const isNarrowInteger = (d: DType): boolean => isInteger(d) && isNarrow(d);

/** The kernel with register dtypes only, besides buffers. `held`: the dtypes of every expression in its body. */
export function widen(kernel: Kernel, held: ReadonlySet<DType> = dtypesOf(exprOrder(expressionsIn(kernel.body)))): Kernel {
  if (!holdsNarrow(kernel, held)) return kernel;
  const widening = new Widening(kernel);
  return {
    ...kernel,
    scalars: kernel.scalars.map((p) => ({ ...p, dtype: registerDType(p.dtype) })),
    body: widening.statements(kernel.body),
  };
}

/** The dtypes that expressions have. */
export function dtypesOf(order: readonly Expr[]): Set<DType> {
  const held = new Set<DType>();
  for (let i = 0; i < order.length; i++) held.add(at(order, i).dtype);
  return held;
}

function holdsNarrow({ buffers, scalars, body }: Kernel, held: ReadonlySet<DType>): boolean {
  if (buffers.some((b) => isNarrow(b.dtype)) || scalars.some((p) => isNarrow(p.dtype))) return true;
  return statements(body).some((s) => s.kind === "local" && isNarrow(s.dtype)) || [...held].some(isNarrow);
}

class Widening {
  readonly #locals: ReadonlySet<string>;
  readonly #done = new Map<Expr, Expr>();

  constructor(kernel: Kernel) {
    this.#locals = new Set([...statements(kernel.body)].flatMap((s) => (s.kind === "local" ? [s.name] : [])));
  }

  statements(list: readonly Stmt[]): Stmt[] {
    const map = (e: Expr): Expr => this.#expression(e);
    return list.map((s) => {
      if (s.kind === "local") return { ...s, dtype: registerDType(s.dtype) };
      const mapped = mapStatement(s, map, (inner) => this.statements(inner));
      return mapped.kind === "reduce" ? { ...mapped, combine: mapped.combine.map(map) } : mapped;
    });
  }

  #expression(e: Expr): Expr {
    const known = this.#done.get(e);
    if (known !== undefined) return known;
    const made = this.#widened(
      e,
      e.args.map((a) => this.#expression(a)),
    );
    this.#done.set(e, made);
    return made;
  }

  #widened(e: Expr, args: readonly Expr[]): Expr {
    if (e.op === "load" && isNarrow(e.dtype)) return this.#load(e, args);
    if (isScalarOp(e.op) && [e, ...e.args].some((x) => isNarrow(x.dtype))) return operation(e, e.op, args);
    if (isNarrow(e.dtype)) return e.op === "const" ? constant(e.value, registerDType(e.dtype)) : inRange({ ...e, dtype: registerDType(e.dtype) }, e.dtype);
    return args.every((a, i) => a === e.args[i]) ? e : withOperands(e, args);
  }

  #load(e: Expr, [index = at(e.args, 0), guard]: readonly Expr[]): Expr {
    const of = this.#locals.has(e.name) ? load : wideningLoad;
    return inRange(of(e.name, registerDType(e.dtype), index, guard), e.dtype);
  }
}

/** A register that holds an integer of this dtype. */
function inRange(e: Expr, dtype: DType): Expr {
  if (!isNarrowInteger(dtype)) return e;
  const { lo, hi } = integerRange(dtype);
  return withRange(e, Math.max(lo, e.lo), Math.min(hi, e.hi));
}

/** An int32 operation with the bounds that follow from its operands', where they do. */
function bounded(op: ScalarOp, args: readonly Expr[]): Expr {
  const e = apply(op, args);
  if (e.dtype !== "int32") return e;
  const { lo, hi } = rangeOf(op, args, e.dtype, at(args, 0).dtype);
  return withRange(e, lo, hi);
}

/** The low bits of an int32 as an integer of this dtype. */
function wrapped(e: Expr, dtype: DType): Expr {
  const { lo, hi } = integerRange(dtype);
  if (e.lo >= lo && e.hi <= hi) return e;
  const { kind, bits } = dtypeInfo(dtype);
  if (kind === "uint") return withRange(s.and(e, hi), lo, hi);
  return withRange(s.shr(s.shl(e, 32 - bits), 32 - bits), lo, hi);
}

/** Integer operations on operands in range that give a result in range: of both kinds, of signed and of unsigned integers. */
const closed: Readonly<Record<"both" | "int" | "uint", ReadonlySet<ScalarOp>>> = {
  both: new Set<ScalarOp>(["min", "max", "and", "or", "xor", "irem", "shr"]),
  int: new Set<ScalarOp>(["not"]),
  uint: new Set<ScalarOp>(["idiv", "abs"]),
};

function operation(e: Expr, op: ScalarOp, args: readonly Expr[]): Expr {
  const x = at(args, 0);
  const from = at(e.args, 0).dtype;
  if (op === "cast") return converted(x, from, e.dtype);
  if (op === "bitcast") return reread(x, from, e.dtype);
  if (op === "select" || op === "rare") return inRange(apply(op, args), e.dtype);
  if (op === "nextafter") return nextHalf(x, at(args, 1));
  if (!isNarrowInteger(e.dtype)) return apply(op, args);
  const { kind } = dtypeInfo(e.dtype);
  const stays = closed.both.has(op) || closed[kind === "int" ? "int" : "uint"].has(op);
  return stays ? inRange(apply(op, args), e.dtype) : wrapped(bounded(op, args), e.dtype);
}

function converted(x: Expr, from: DType, to: DType): Expr {
  if (to === "float16") return from === "float16" ? x : roundedToHalf(from === "float64" ? oddFloat32(x) : s.cast(x, "float32"));
  if (!isNarrowInteger(to)) return s.cast(x, to);
  if (!isFloat(from)) return wrapped(s.cast(x, "int32"), to);
  const { lo, hi } = integerRange(to);
  return withRange(s.min(s.max(s.cast(x, "int32"), lo), hi), lo, hi);
}

function reread(x: Expr, from: DType, to: DType): Expr {
  if (from === to) return x;
  if (to === "float16") return halfNumber(x);
  return wrapped(from === "float16" ? halfBits(x) : x, to);
}
