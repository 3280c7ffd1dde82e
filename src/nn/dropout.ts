/** Dropout, from a key: the same key drops the same elements, so a gradient sees what the forward pass saw. */
import { UnsupportedError } from "../../compiler/ir/errors.ts";
import { divide, less, where } from "../../compiler/ops/arithmetic.ts";
import { constantValue } from "../../compiler/ops/source.ts";
import { broadcastTo } from "../../compiler/ops/views.ts";
import type { Lazy } from "../handle.ts";
import { floating } from "../operands.ts";
import { uniformValue } from "../random/draw.ts";
import type { Key } from "../random/key.ts";

export interface DropoutOptions {
  /** The share of elements that become 0; 0.5 by default. */
  readonly p?: number;
  /** Whether anything is dropped; true by default. */
  readonly training?: boolean;
}

/**
 * x with a random share of its elements 0 and the others divided by 1 - p. Same shape.
 * Throws an UnsupportedError unless p is from 0 to below 1.
 *
 * @example
 * dropout(ones([1000]), random.key(1), { p: 0.5 }).max(); // → array(2)
 */
export function dropout<T extends Lazy>(x: T, key: Key, { p = 0.5, training = true }: DropoutOptions = {}): T {
  const value = floating("dropout", x);
  if (!(p >= 0 && p < 1)) throw new UnsupportedError(`dropout: p ${p} is no share: from 0 to below 1.`);
  if (!training || p === 0) return x.wrap(value);
  const number = (n: number): typeof value => broadcastTo(constantValue(n, value.dtype, "user"), value.shape);
  const dropped = less(uniformValue(key, value.shape, value.dtype, 0, 1), number(p));
  return x.wrap(where(dropped, 0, divide(value, number(1 - p))));
}
