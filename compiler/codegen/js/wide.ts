/** How operations on 64-bit integers are spelled in JavaScript: in bigints, wrapped by `BigInt.asIntN` and `BigInt.asUintN`. */
import type { DType } from "../../ir/dtype.ts";
import { isFloat, isWide } from "../../ir/dtype.ts";
import { CompilerBug } from "../../ir/errors.ts";
import type { ScalarOp } from "../../ir/expr.ts";
import type { Spelling, SpellingContext } from "./spelling.ts";
import { call, conditional, infix, level, prefix, primary } from "./spelling.ts";

/** A bigint constant. */
export const bigSpelling = (x: bigint): Spelling => ({ text: `${x}n`, level: x < 0n ? level.unary : level.primary });

const wrapped = (a: Spelling, dtype: DType): Spelling => call(dtype === "int64" ? "BigInt.asIntN" : "BigInt.asUintN", primary("64"), a);

const infixes: Readonly<Partial<Record<ScalarOp, readonly [operator: string, strength: number]>>> = {
  add: ["+", level.sum],
  sub: ["-", level.sum],
  mul: ["*", level.product],
  and: ["&", level.bitAnd],
  or: ["|", level.bitOr],
  xor: ["^", level.bitXor],
};
/** Operations that functions of the prelude spell; those that may leave their dtype are wrapped. */
const functions: Readonly<Partial<Record<ScalarOp, readonly [name: string, wraps: boolean]>>> = {
  min: ["minBig", false],
  max: ["maxBig", false],
  idiv: ["divideBig", true],
  irem: ["remainderBig", false],
  shl: ["shiftLeftBig", true],
  shr: ["shiftRightBig", false],
};

/** An operation on two 64-bit integers, or on one; undefined where there is none. */
export function spellWide(op: ScalarOp, dtype: DType, [a, b]: readonly [Spelling, Spelling, Spelling], context: SpellingContext): Spelling | undefined {
  const row = infixes[op];
  if (row !== undefined) {
    const bare = infix(a, row[0], b, row[1]);
    return row[1] >= level.sum ? wrapped(bare, dtype) : bare;
  }
  const named = functions[op];
  if (named !== undefined) {
    const bare = call(context.use(named[0]), a, b);
    return named[1] ? wrapped(bare, dtype) : bare;
  }
  if (op === "neg") return wrapped(prefix("-", a), dtype);
  if (op === "not") return dtype === "int64" ? prefix("~", a) : wrapped(prefix("~", a), dtype);
  if (op === "abs") return dtype === "int64" ? wrapped(call(context.use("absoluteBig"), a), dtype) : a;
  return undefined;
}

/** A cast to or from a 64-bit integer. */
export function spellWideCast(a: Spelling, from: DType, to: DType, context: SpellingContext): Spelling {
  if (isWide(from)) return fromWide(a, from, to, context);
  if (from === "bool") return conditional(a, primary("1n"), primary("0n"));
  if (isFloat(from)) return call(context.use(to === "int64" ? "toInt64" : "toUint64"), a);
  const big = call("BigInt", a);
  // negative integers wrap
  return to === "uint64" && from !== "uint32" ? wrapped(big, to) : big;
}

function fromWide(a: Spelling, from: DType, to: DType, context: SpellingContext): Spelling {
  switch (to) {
    case "int64":
    case "uint64":
      return from === to ? a : wrapped(a, to);
    case "bool":
      return infix(a, "!==", primary("0n"), level.equality);
    case "int32":
      return call("Number", call("BigInt.asIntN", primary("32"), a));
    case "uint32":
      return call("Number", call("BigInt.asUintN", primary("32"), a));
    case "float64":
      return call("Number", a);
    case "float32":
      return call(context.use("bigToFloat32"), a);
    default:
      throw new CompilerBug(`JavaScript has no cast from ${from} to ${to}`);
  }
}

/** The bits of 64-bit numbers. */
export function spellWideBitcast(a: Spelling, from: DType, to: DType, context: SpellingContext): Spelling | undefined {
  if (!isWide(from) && !isWide(to)) return undefined;
  if (from === "float64") return call(context.use(to === "int64" ? "doubleToInt64" : "doubleToUint64"), a);
  if (to === "float64") return call(context.use("bitsToDouble"), a);
  return wrapped(a, to);
}
