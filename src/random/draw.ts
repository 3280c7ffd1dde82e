/**
 * Random values: element i takes the words of Threefry at counter i. The key's words are constants of the user, so that another key
 * is no other plan.
 */
import type { DType } from "../../compiler/ir/dtype.ts";
import { dtypeInfo, integerRange, isFloat, isInteger } from "../../compiler/ir/dtype.ts";
import { DTypeError, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf, tensorType } from "../../compiler/ir/shape.ts";
import { add, bitcast, cast, less, multiply } from "../../compiler/ops/arithmetic.ts";
import { bitwiseAnd, bitwiseXor, shiftRight } from "../../compiler/ops/bits.ts";
import { log, sqrt } from "../../compiler/ops/exponential.ts";
import { threefry } from "../../compiler/ops/random.ts";
import { sort } from "../../compiler/ops/sort.ts";
import { constantValue, iotaValue } from "../../compiler/ops/source.ts";
import { cos } from "../../compiler/ops/trigonometric.ts";
import { broadcastTo, fill, reshape } from "../../compiler/ops/views.ts";
import type { Key } from "./key.ts";

/** Two words of random bits for each element; only the counters are counted flat, so that words are drawn where elements are used. */
function words(key: Key, shape: Shape): readonly [Value, Value] {
  const [k0, k1] = key.words;
  const word = (w: number): Value => broadcastTo(constantValue(w, "uint32", "user"), shape);
  const counters = reshape(iotaValue([sizeOf(shape)], 0, "uint32"), shape);
  return threefry(word(k0), word(k1), fill(0, tensorType("uint32", shape)), counters);
}

/** 32 random bits for each element, as uint32. */
export function bitsValue(key: Key, shape: Shape): Value {
  const [x, y] = words(key, shape);
  return bitwiseXor(x, y);
}

/** 0 ≤ u < 1 in steps of 2^-24 (float32) or 2^-53 (float64): every step is exact. */
function unit(op: string, [x, y]: readonly [Value, Value], dtype: DType): Value {
  if (dtype === "float32") return multiply(cast(shiftRight(bitwiseXor(x, y), 8), dtype), 2 ** -24);
  if (dtype !== "float64") throw new DTypeError(`${op}: draws float32 or float64, not ${dtype}. Draw one of them and convert with astype.`);
  const high = multiply(cast(shiftRight(x, 5), dtype), 2 ** 26);
  return multiply(add(high, cast(shiftRight(y, 6), dtype)), 2 ** -53);
}

/** Evenly distributed from `low` on and below `high`, which are rank 0. */
export function uniformValue(key: Key, shape: Shape, dtype: DType, low: number, high: number): Value {
  if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high))
    throw new UnsupportedError(`random.uniform: low ${low} and high ${high} must be finite, and low at most high.`);
  const u = unit("random.uniform", words(key, shape), dtype);
  if (low === 0 && high === 1) return u;
  const [span, from] = [high - low, low].map((x) => broadcastTo(constantValue(x, dtype, "user"), shape));
  return span === undefined || from === undefined ? u : add(multiply(u, span), from);
}

/**
 * Normally distributed with mean 0 and variance 1: Box and Muller's cosine, one value an element. 32 bits choose the radius, so
 * that the tails reach 6.6 (float64 follows the same steps with its own rounding).
 */
export function normalValue(key: Key, shape: Shape, dtype: DType): Value {
  if (!isFloat(dtype)) throw new DTypeError(`random.normal: draws floats, not ${dtype}. Draw float32 and convert with astype.`);
  const [x, y] = words(key, shape);
  // From 2^-33 to 1, never 0: half a step is added before scaling. Float32 rounds the top of the range to 1, whose logarithm is 0.
  const u = multiply(add(cast(x, dtype), 0.5), 2 ** -32);
  const angle = multiply(cast(shiftRight(y, 8), dtype), (2 * Math.PI) / 2 ** 24);
  return multiply(sqrt(multiply(log(u), -2)), cos(angle));
}

/** The high 32 bits of the product of two words, by halves. */
function highProduct(x: Value, y: Value): Value {
  const [xl, xh] = [bitwiseAnd(x, 0xffff), shiftRight(x, 16)];
  const [yl, yh] = [bitwiseAnd(y, 0xffff), shiftRight(y, 16)];
  const middle = add(multiply(xh, yl), shiftRight(multiply(xl, yl), 16));
  const other = add(multiply(xl, yh), bitwiseAnd(middle, 0xffff));
  return add(multiply(xh, yh), add(shiftRight(middle, 16), shiftRight(other, 16)));
}

/**
 * Whole numbers from `low` on and below `high`: the high word of the number of them times 64 random bits, so that no number is
 * likelier than another by more than one part in 2^32.
 */
export function integersValue(op: string, key: Key, shape: Shape, dtype: DType, low: number, high: number): Value {
  if (!isInteger(dtype) || dtypeInfo(dtype).bits > 32) throw new DTypeError(`${op}: draws integers of up to 32 bits, not ${dtype}. Convert with astype.`);
  const { lo, hi } = integerRange(dtype);
  const fits = Number.isSafeInteger(low) && Number.isSafeInteger(high) && low < high && low >= lo && high <= hi + 1;
  if (!fits) throw new UnsupportedError(`${op}: low ${low} and high ${high} must be whole, low below high, and both in the range of ${dtype}.`);
  const number = (n: number): Value => broadcastTo(constantValue(n >>> 0, "uint32", "user"), shape);
  const [x, y] = words(key, shape);
  if (high - low === 2 ** 32) return ofWord(add(x, number(low)), dtype);
  const span = number(high - low);
  const products = multiply(x, span);
  const sum = add(products, highProduct(y, span));
  const carry = cast(less(sum, products), "uint32");
  return ofWord(add(add(highProduct(x, span), carry), number(low)), dtype);
}

/** The number whose low bits a word has. */
const ofWord = (word: Value, dtype: DType): Value => (dtype === "uint32" ? word : cast(bitcast(word, "int32"), dtype));

/** true with probability p, for each element on its own. */
export function bernoulliValue(op: string, key: Key, shape: Shape, p: number): Value {
  if (!(p >= 0 && p <= 1)) throw new UnsupportedError(`${op}: p ${p} is no probability: from 0 to 1.`);
  return less(uniformValue(key, shape, "float32", 0, 1), broadcastTo(constantValue(p, "float32", "user"), shape));
}

/** The numbers 0 to n - 1 in random order, int32: the order that sorts random words. */
export const permutationValue = (key: Key, n: number): Value => sort(bitsValue(key, [n]), 0)[1];
