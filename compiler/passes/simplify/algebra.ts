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
    of: [a.addOp],
    dtypes: numbers,
    examples: (x) => [a.add(x, zeroOf(x)), a.add(zeroOf(x), x)],
    rewrite: ({ args }) => {
      const [x, y] = [at(args, 0), at(args, 1)];
      if (isNeutralZero(y)) return x;
      return isNeutralZero(x) ? y : null;
    },
  }),
  rule({
    name: "x + 0 + 0 -> x + 0 (floats)",
    of: [a.addOp],
    dtypes: floats,
    examples: (x) => [a.add(a.add(x, like(0, x)), like(0, x)), a.add(like(0, x), a.add(like(0, x), x))],
    rewrite: ({ args }) => {
      // once is enough to make a 0 of a -0
      const [x, y] = isAll(at(args, 0), 0) ? [at(args, 1), at(args, 0)] : [at(args, 0), at(args, 1)];
      return isAll(y, 0) && definedBy(x, a.addOp)?.args.some((v) => isAll(v, 0)) === true ? x : null;
    },
  }),
  rule({
    name: "x - 0 -> x",
    of: [a.subtractOp],
    dtypes: numbers,
    examples: (x) => [a.subtract(x, like(0, x))],
    rewrite: ({ args }) => (isAll(at(args, 1), 0) ? at(args, 0) : null),
  }),
  rule({
    name: "x * 1 -> x",
    of: [a.multiplyOp],
    dtypes: numbers,
    examples: (x) => [a.multiply(x, like(1, x)), a.multiply(like(1, x), x)],
    rewrite: ({ args }) => {
      if (isAll(at(args, 1), 1)) return at(args, 0);
      return isAll(at(args, 0), 1) ? at(args, 1) : null;
    },
  }),
  rule({
    name: "x / 1 -> x",
    of: [a.divideOp],
    dtypes: floats,
    examples: (x) => [a.divide(x, like(1, x))],
    rewrite: ({ args }) => (isAll(at(args, 1), 1) ? at(args, 0) : null),
  }),
  rule({
    name: "pow(x, 1) -> x",
    of: [powOp],
    dtypes: floats,
    examples: (x) => [powNode(x, 1)],
    rewrite: ({ args }) => (isAll(at(args, 1), 1) ? at(args, 0) : null),
  }),
];

// 0 · x = 0 holds for integers; for floats NaN, infinities and signs of zeros are lost
const absorbing: readonly Rule[] = [
  rule({
    name: "x * 0 -> 0 (integers)",
    of: [a.multiplyOp],
    dtypes: whole,
    examples: (x) => [a.multiply(x, like(0, x))],
    rewrite: ({ args }, x) => (!isFloat(x.dtype) && args.some((v) => isAll(v, 0)) ? like(0, x) : null),
  }),
  rule({
    name: "x * 0 -> 0 (floats)",
    unsafe: true,
    of: [a.multiplyOp],
    dtypes: floats,
    examples: (x) => [a.multiply(x, like(0, x))],
    rewrite: ({ args }, x) => (isFloat(x.dtype) && args.some((v) => isAll(v, 0)) ? like(0, x) : null),
  }),
  rule({
    name: "x + 0 -> x (floats)",
    unsafe: true,
    of: [a.addOp],
    dtypes: floats,
    examples: (x) => [a.add(x, like(0, x))],
    rewrite: ({ args }) => (isAll(at(args, 1), 0) ? at(args, 0) : null),
  }),
  rule({
    name: "x - x -> 0 (integers)",
    of: [a.subtractOp],
    dtypes: whole,
    examples: (x) => [a.subtract(x, x)],
    rewrite: ({ args }, x) => (!isFloat(x.dtype) && args[0] === args[1] ? like(0, x) : null),
  }),
];

const involutions: readonly Rule[] = [
  rule({
    name: "-(-x) -> x",
    of: [a.negativeOp],
    dtypes: ["int32", "float32", "float64"],
    examples: (x) => [a.negative(a.negative(x))],
    rewrite: ({ args }) => definedBy(at(args, 0), a.negativeOp)?.args[0] ?? null,
  }),
  rule({
    name: "not not x -> x",
    of: [a.logicalNotOp],
    dtypes: ["bool"],
    examples: (x) => [a.logicalNot(a.logicalNot(x))],
    rewrite: ({ args }) => definedBy(at(args, 0), a.logicalNotOp)?.args[0] ?? null,
  }),
  rule({
    name: "||x|| -> |x|",
    of: [a.absoluteOp],
    dtypes: ["int32", "float32", "float64"],
    examples: (x) => [a.absolute(a.absolute(x))],
    rewrite: ({ args }) => (definedBy(at(args, 0), a.absoluteOp) ? at(args, 0) : null),
  }),
];

const products: readonly Rule[] = [
  rule({
    name: "x * -1 -> -x",
    of: [a.multiplyOp],
    dtypes: floats,
    examples: (x) => [a.multiply(x, like(-1, x)), a.multiply(like(-1, x), x)],
    rewrite: ({ args }) => {
      if (isAll(at(args, 1), -1)) return a.negative(at(args, 0));
      return isAll(at(args, 0), -1) ? a.negative(at(args, 1)) : null;
    },
  }),
  rule({
    name: "x + (-y) -> x - y",
    of: [a.addOp],
    dtypes: floats,
    examples: (x, y) => [a.add(x, a.negative(y))],
    rewrite: ({ args }) => {
      const y = definedBy(at(args, 1), a.negativeOp)?.args[0];
      return y === undefined ? null : a.subtract(at(args, 0), y);
    },
  }),
  rule({
    name: "pow(x, 2) -> x * x",
    of: [powOp],
    dtypes: floats,
    examples: (x) => [powNode(x, 2)],
    rewrite: ({ args }) => (isAll(at(args, 1), 2) ? a.multiply(at(args, 0), at(args, 0)) : null),
  }),
  rule({
    name: "x / 2^k -> x * 2^-k",
    of: [a.divideOp],
    dtypes: floats,
    examples: (x) => [a.divide(x, like(8, x))],
    rewrite: ({ args }) => {
      const divisor = constantOf(at(args, 1));
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
    of: [a.whereOp],
    dtypes: numbers,
    examples: (x, y) => [a.where(a.less(x, y), x, x)],
    rewrite: ({ args }) => (args[1] === args[2] ? at(args, 1) : null),
  }),
  rule({
    name: "where(constant, x, y) -> one of them",
    of: [a.whereOp],
    dtypes: numbers,
    examples: (x, y) => [a.where(fill(1, { dtype: "bool", shape: x.shape }), x, y), a.where(fill(0, { dtype: "bool", shape: x.shape }), x, y)],
    rewrite: ({ args }) => {
      const c = constantOf(at(args, 0));
      if (c === null) return null;
      return c !== 0 ? at(args, 1) : at(args, 2);
    },
  }),
  rule({
    name: "maximum(x, x) -> x",
    of: [a.maximumOp, a.minimumOp],
    dtypes: numbers,
    examples: (x) => [a.maximum(x, x), a.minimum(x, x)],
    rewrite: ({ args }) => (args[0] === args[1] ? at(args, 0) : null),
  }),
];

const casts: readonly Rule[] = [
  rule({
    name: "cast(cast(x)) -> x where nothing is lost",
    of: [a.castOp],
    dtypes: ["bool", "int32", "uint32", "float32"],
    examples: (x) => [a.cast(a.cast(x, wider(x.dtype)), x.dtype)],
    rewrite: ({ args }, x) => {
      const inner = definedBy(at(args, 0), a.castOp);
      const from = inner?.args[0];
      return from !== undefined && from.dtype === x.dtype && holdsAll(at(args, 0).dtype, from.dtype) ? from : null;
    },
  }),
  rule({
    name: "bitcast(bitcast(x)) -> x",
    of: [a.bitcastOp],
    dtypes: ["int32", "float32"],
    examples: (x) => [a.bitcast(a.bitcast(x, "uint32"), x.dtype)],
    rewrite: ({ args }, x) => {
      const from = definedBy(at(args, 0), a.bitcastOp)?.args[0];
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
