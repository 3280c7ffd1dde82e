/** Random tensors from keys: the same key, shape and dtype give the same numbers on every target. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { ShapeError } from "../../compiler/ir/errors.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { shapeText } from "../../compiler/ir/shape.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { settings } from "../settings.ts";
import { requireOn } from "../slots.ts";
import { Tensor } from "../tensor.ts";
import { bernoulliValue, bitsValue, integersValue, normalValue, permutationValue, uniformValue } from "./draw.ts";
import type { Key } from "./key.ts";

export { fold, key, split } from "./key.ts";
export type { Key } from "./key.ts";

function shapeOf(op: string, shape: number | Shape): Shape {
  const list = typeof shape === "number" ? [shape] : shape;
  if (list.every((n) => Number.isSafeInteger(n) && n >= 0)) return list;
  throw new ShapeError(`${op}: ${shapeText(list)} is no shape: lengths are whole numbers from 0 on.`);
}

/** A DTypeError where the device of new tensors has no numbers of that kind. */
function drawn(op: string, value: Value): Tensor {
  requireOn(settings().device, op, value.type);
  return new Tensor(value);
}

export interface UniformOptions {
  /** float32 by default, or float64. */
  readonly dtype?: DType;
  /** 0 by default. */
  readonly low?: number;
  /** 1 by default. */
  readonly high?: number;
}

/**
 * Evenly distributed numbers from `low` on and below `high` (which rounding may reach where the range is not 0 to 1).
 *
 * @example
 * random.uniform(random.key(1), [2], { low: 5, high: 6 }).greaterEqual(5); // → tensor([True, True])
 */
export const uniform = (key: Key, shape: number | Shape, { dtype = "float32", low = 0, high = 1 }: UniformOptions = {}): Tensor =>
  drawn("random.uniform", uniformValue(key, shapeOf("random.uniform", shape), dtype, low, high));

/**
 * Normally distributed numbers, mean 0 and variance 1; float32 by default, or float64.
 *
 * @example
 * random.normal(random.key(1), [2], { dtype: "float64" }).dtype; // → float64
 */
export const normal = (key: Key, shape: number | Shape, { dtype = "float32" }: { readonly dtype?: DType } = {}): Tensor =>
  drawn("random.normal", normalValue(key, shapeOf("random.normal", shape), dtype));

export interface IntegersOptions {
  /** 0 by default. */
  readonly low?: number;
  /** Never drawn: the numbers end below it. */
  readonly high: number;
  /** int32 by default, or another integer of up to 32 bits. */
  readonly dtype?: DType;
}

/**
 * Whole numbers from `low` on and below `high`, as evenly as 64 bits choose them: none is likelier than another by more than one part
 * in 2^32. Throws an UnsupportedError unless both are whole, low is below high, and the dtype holds all of them.
 *
 * @example
 * random.integers(random.key(1), [3], { low: 5, high: 6 }); // → tensor([5, 5, 5], dtype=int32)
 */
export const integers = (key: Key, shape: number | Shape, { low = 0, high, dtype = "int32" }: IntegersOptions): Tensor =>
  drawn("random.integers", integersValue("random.integers", key, shapeOf("random.integers", shape), dtype, low, high));

/**
 * `integers` by PyTorch's name.
 *
 * @example
 * random.randint(random.key(1), [2], { high: 1 }); // → tensor([0, 0], dtype=int32)
 */
export function randint(...given: Parameters<typeof integers>): ReturnType<typeof integers> {
  return integers(...given);
}

/**
 * true with probability `p` (0.5 by default), false otherwise; bool. Throws an UnsupportedError unless p is from 0 to 1.
 *
 * @example
 * random.bernoulli(random.key(1), [2], { p: 1 }); // → tensor([True, True])
 */
export const bernoulli = (key: Key, shape: number | Shape, { p = 0.5 }: { readonly p?: number } = {}): Tensor =>
  drawn("random.bernoulli", bernoulliValue("random.bernoulli", key, shapeOf("random.bernoulli", shape), p));

/**
 * 32 random bits an element, uint32.
 *
 * @example
 * random.bits(random.key(1), [2]).dtype; // → uint32
 */
export const bits = (key: Key, shape: number | Shape): Tensor => new Tensor(bitsValue(key, shapeOf("random.bits", shape)));

/**
 * The numbers 0 to n - 1 in random order, int32: indices that shuffle an axis of n.
 *
 * @example
 * sort(random.permutation(random.key(1), 4)); // → tensor([0, 1, 2, 3], dtype=int32)
 */
export const permutation = (key: Key, n: number): Tensor => new Tensor(permutationValue(key, shapeOf("random.permutation", n)[0] ?? 0));
