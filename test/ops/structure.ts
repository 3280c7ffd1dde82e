/** Values from literals and back, for tests of rows that move and combine elements. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { asNumbers, hostArrayOf } from "../../compiler/ir/host.ts";
import { interpretValues } from "../../compiler/interpret.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { Node } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { tensorType } from "../../compiler/ir/shape.ts";

const known = new WeakMap<Value, HostData>();

/** A leaf with these elements. */
export function leaf(shape: Shape, elements: readonly number[], dtype: DType = "float64"): Value {
  const type = tensorType(dtype, shape);
  const value = at(new Node(null, [type], { tracked: false, provenance: "user" }).results, 0);
  known.set(value, { type, data: hostArrayOf(dtype, elements) });
  return value;
}

/** 0, 1, 2 … in a shape. */
export const counting = (shape: Shape, dtype: DType = "float64"): Value =>
  leaf(
    shape,
    Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => i),
    dtype,
  );
export const ints32 = (shape: Shape, elements: readonly number[]): Value => leaf(shape, elements, "int32");

/** The elements of a value, flat. */
export const elementsOf = (value: Value): number[] => [
  ...asNumbers(
    at(
      interpretValues([value], (v) => known.get(v) ?? null),
      0,
    ).data,
  ),
];
