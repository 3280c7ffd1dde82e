/** Laws of numbers. */
import type { DType } from "../../ir/dtype.ts";
import { isFloat } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import { make } from "../../ir/node.ts";
import type { Value } from "../../ir/node.ts";
import * as a from "../../ops/arithmetic.ts";
import { powOp } from "../../ops/exponential.ts";
import { fill } from "../../ops/layout.ts";
import { constantOf } from "../storage.ts";
import type { Rule } from "./rule.ts";
import { definedBy, holdsAll, isAll, isNeutralZero, rule } from "./rule.ts";

const numbers: readonly DType[] = ["int32", "uint32", "float32", "float64"];
const floats: readonly DType[] = ["float32", "float64"];
const whole: readonly DType[] = ["int32", "uint32"];
const like = (n: number, x: Value): Value => fill(n, x.type);
const zeroOf = (x: Value): Value => like(isFloat(x.dtype) ? -0 : 0, x);

// x + 0 = x + (-0) = x · 1 = x / 1 = x - 0 = x: neutral elements
const neutral: readonly Rule[] = [
  rule({
    name: "x + 0 -> x",
    dtypes: numbers,
    examples: (x) => [a.add(x, zeroOf(x)), a.add(zeroOf(x), x)],
    rewrite: ({ op, args }) => {
      if (op !== a.addOp) return null;
      const [x, y] = [at(args, 0), at(args, 1)];
      if (isNeutralZero(y)) return x;
      return isNeutralZero(x) ? y : null;
    },
  }),
  rule({
    name: "x - 0 -> x",
    dtypes: numbers,
    examples: (x) => [a.subtract(x, like(0, x))],
    rewrite: ({ op, args }) => (op === a.subtractOp && isAll(at(args, 1), 0) ? at(args, 0) : null),
  }),
  rule({
    name: "x * 1 -> x",
    dtypes: numbers,
    examples: (x) => [a.multiply(x, like(1, x)), a.multiply(like(1, x), x)],
    rewrite: ({ op, args }) => {
      if (op !== a.multiplyOp) return null;
      if (isAll(at(args, 1), 1)) return at(args, 0);
      return isAll(at(args, 0), 1) ? at(args, 1) : null;
    },
  }),
  rule({
    name: "x / 1 -> x",
    dtypes: floats,
    examples: (x) => [a.divide(x, like(1, x))],
    rewrite: ({ op, args }) => (op === a.divideOp && isAll(at(args, 1), 1) ? at(args, 0) : null),
  }),
  rule({
    name: "pow(x, 1) -> x",
    dtypes: floats,
    examples: (x) => [powNode(x, 1)],
    rewrite: ({ op, args }) => (op === powOp && isAll(at(args, 1), 1) ? at(args, 0) : null),
  }),
];

// 0 · x = 0 holds for integers; for floats NaN, infinities and signs of zeros are lost
const absorbing: readonly Rule[] = [
  rule({
    name: "x * 0 -> 0 (integers)",
    dtypes: whole,
    examples: (x) => [a.multiply(x, like(0, x))],
    rewrite: ({ op, args }, x) => (op === a.multiplyOp && !isFloat(x.dtype) && args.some((v) => isAll(v, 0)) ? like(0, x) : null),
  }),
  rule({
    name: "x * 0 -> 0 (floats)",
    unsafe: true,
    dtypes: floats,
    examples: (x) => [a.multiply(x, like(0, x))],
    rewrite: ({ op, args }, x) => (op === a.multiplyOp && isFloat(x.dtype) && args.some((v) => isAll(v, 0)) ? like(0, x) : null),
  }),
  rule({
    name: "x + 0 -> x (floats)",
    unsafe: true,
    dtypes: floats,
    examples: (x) => [a.add(x, like(0, x))],
    rewrite: ({ op, args }) => (op === a.addOp && isAll(at(args, 1), 0) ? at(args, 0) : null),
  }),
  rule({
    name: "x - x -> 0 (integers)",
    dtypes: whole,
    examples: (x) => [a.subtract(x, x)],
    rewrite: ({ op, args }, x) => (op === a.subtractOp && !isFloat(x.dtype) && args[0] === args[1] ? like(0, x) : null),
  }),
];

const involutions: readonly Rule[] = [
  rule({
    name: "-(-x) -> x",
    dtypes: ["int32", "float32", "float64"],
    examples: (x) => [a.negative(a.negative(x))],
    rewrite: ({ op, args }) => (op === a.negativeOp ? (definedBy(at(args, 0), a.negativeOp)?.args[0] ?? null) : null),
  }),
  rule({
    name: "not not x -> x",
    dtypes: ["bool"],
    examples: (x) => [a.logicalNot(a.logicalNot(x))],
    rewrite: ({ op, args }) => (op === a.logicalNotOp ? (definedBy(at(args, 0), a.logicalNotOp)?.args[0] ?? null) : null),
  }),
  rule({
    name: "||x|| -> |x|",
    dtypes: ["int32", "float32", "float64"],
    examples: (x) => [a.absolute(a.absolute(x))],
    rewrite: ({ op, args }) => (op === a.absoluteOp && definedBy(at(args, 0), a.absoluteOp) ? at(args, 0) : null),
  }),
];

const products: readonly Rule[] = [
  rule({
    name: "x * -1 -> -x",
    dtypes: floats,
    examples: (x) => [a.multiply(x, like(-1, x)), a.multiply(like(-1, x), x)],
    rewrite: ({ op, args }) => {
      if (op !== a.multiplyOp) return null;
      if (isAll(at(args, 1), -1)) return a.negative(at(args, 0));
      return isAll(at(args, 0), -1) ? a.negative(at(args, 1)) : null;
    },
  }),
  rule({
    name: "x + (-y) -> x - y",
    dtypes: floats,
    examples: (x, y) => [a.add(x, a.negative(y))],
    rewrite: ({ op, args }) => {
      const y = op === a.addOp ? definedBy(at(args, 1), a.negativeOp)?.args[0] : undefined;
      return y === undefined ? null : a.subtract(at(args, 0), y);
    },
  }),
  rule({
    name: "pow(x, 2) -> x * x",
    dtypes: floats,
    examples: (x) => [powNode(x, 2)],
    rewrite: ({ op, args }) => (op === powOp && isAll(at(args, 1), 2) ? a.multiply(at(args, 0), at(args, 0)) : null),
  }),
  rule({
    name: "x / 2^k -> x * 2^-k",
    dtypes: floats,
    examples: (x) => [a.divide(x, like(8, x))],
    rewrite: ({ op, args }) => {
      const divisor = op === a.divideOp ? constantOf(at(args, 1)) : null;
      if (typeof divisor !== "number" || divisor === 1 || !isPowerOfTwo(divisor)) return null;
      return a.multiply(at(args, 0), like(1 / divisor, at(args, 0)));
    },
  }),
];

/** Whether multiplying by the inverse rounds as dividing does: exact inverses, well inside the float32 range. */
function isPowerOfTwo(x: number): boolean {
  const exponent = Math.log2(Math.abs(x));
  return Number.isInteger(exponent) && Math.abs(exponent) <= 64;
}

const choices: readonly Rule[] = [
  rule({
    name: "where(c, x, x) -> x",
    dtypes: numbers,
    examples: (x, y) => [a.where(a.less(x, y), x, x)],
    rewrite: ({ op, args }) => (op === a.whereOp && args[1] === args[2] ? at(args, 1) : null),
  }),
  rule({
    name: "where(constant, x, y) -> one of them",
    dtypes: numbers,
    examples: (x, y) => [a.where(fill(1, { dtype: "bool", shape: x.shape }), x, y), a.where(fill(0, { dtype: "bool", shape: x.shape }), x, y)],
    rewrite: ({ op, args }) => {
      const c = op === a.whereOp ? constantOf(at(args, 0)) : null;
      if (c === null) return null;
      return c !== 0 ? at(args, 1) : at(args, 2);
    },
  }),
  rule({
    name: "maximum(x, x) -> x",
    dtypes: numbers,
    examples: (x) => [a.maximum(x, x), a.minimum(x, x)],
    rewrite: ({ op, args }) => ((op === a.maximumOp || op === a.minimumOp) && args[0] === args[1] ? at(args, 0) : null),
  }),
];

const casts: readonly Rule[] = [
  rule({
    name: "cast(cast(x)) -> x where nothing is lost",
    dtypes: ["bool", "int32", "uint32", "float32"],
    examples: (x) => [a.cast(a.cast(x, wider(x.dtype)), x.dtype)],
    rewrite: ({ op, args }, x) => {
      const inner = op === a.castOp ? definedBy(at(args, 0), a.castOp) : null;
      const from = inner?.args[0];
      return from !== undefined && from.dtype === x.dtype && holdsAll(at(args, 0).dtype, from.dtype) ? from : null;
    },
  }),
  rule({
    name: "bitcast(bitcast(x)) -> x",
    dtypes: ["int32", "float32"],
    examples: (x) => [a.bitcast(a.bitcast(x, "uint32"), x.dtype)],
    rewrite: ({ op, args }, x) => {
      const from = op === a.bitcastOp ? definedBy(at(args, 0), a.bitcastOp)?.args[0] : undefined;
      return from !== undefined && from.dtype === x.dtype ? from : null;
    },
  }),
];

const wider = (d: DType): DType => (d === "bool" ? "int32" : "float64");

/** A power with a constant exponent as the row itself, past the builder's own shortcuts. */
function powNode(x: Value, exponent: number): Value {
  return make(powOp, [x, like(exponent, x)]);
}

export const algebra: readonly Rule[] = [...neutral, ...absorbing, ...involutions, ...products, ...choices, ...casts];
