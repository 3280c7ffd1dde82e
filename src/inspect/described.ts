/** Handles without data, made from a description: for inspecting a function on shapes alone. */
import { UnsupportedError } from "../../compiler/ir/errors.ts";
import { dtypeFromShort, isDType } from "../../compiler/ir/dtype.ts";
import { Node, result } from "../../compiler/ir/node.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { NDArray } from "../array.ts";
import { Tensor } from "../tensor.ts";

const description = /^(?:(?<face>tensor|array)\s+)?(?<dtype>[a-z]+\d*)\[(?<shape>[\d\s,]*)\]$/;

/** Whether a text looks like the description of a handle, as `f32[2,3]`. */
export const isDescription = (text: string): boolean => description.test(text);

/** A handle of the type that `f32[2,3]`, `tensor f32[2,3]` or `array float64[2,3]` describes; it has no elements. */
export function described(text: string): Tensor | NDArray {
  const { face, dtype = "", shape = "" } = description.exec(text)?.groups ?? {};
  const known = isDType(dtype) ? dtype : dtypeFromShort(dtype);
  if (known === undefined) throw new UnsupportedError(`inspect: there is no dtype ${dtype} in ${JSON.stringify(text)}. Describe an argument as "f32[2,3]".`);
  const value = describedValue(tensorType(known, shape.trim() === "" ? [] : shape.split(",").map(Number)));
  return face === "array" ? new NDArray(value) : new Tensor(value);
}

/** A value that counts as evaluated, so that plans take it as an input. */
function describedValue(type: TensorType): Value {
  const value = result(new Node(null, [type], { tracked: false, provenance: "user" }), 0);
  value.slot = { type, device: null };
  return value;
}
