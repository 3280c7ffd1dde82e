/** Rows without operands: params, constants, index generators. */
import type { DType, Numeric } from "../ir/dtype.ts";
import { isDType, rounded } from "../ir/dtype.ts";
import { at, CompilerBug } from "../ir/errors.ts";
import { constant, s } from "../ir/expr.ts";
import type { Attrs, Provenance, Value } from "../ir/node.ts";
import { int, ints, make, numeric, text } from "../ir/node.ts";
import type { ParamPrimitive, SourcePrimitive } from "../ir/primitive.ts";
import type { Shape, TensorType } from "../ir/shape.ts";
import { tensorType } from "../ir/shape.ts";

/** The dtype named by an attribute. */
export function dtypeOf(attrs: Attrs, key: string = "dtype"): DType {
  const name = text(attrs, key);
  if (!isDType(name)) throw new CompilerBug(`attribute ${key} is no dtype: ${name}`);
  return name;
}

/** An input of the graph. `space: "scalar"` passes a rank-0 value in the call instead of in a buffer. */
export const param: ParamPrimitive = {
  kind: "param",
  name: "param",
  doc: "An input of the graph.",
  arity: 0,
  attrs: { name: "text", dtype: "dtype", shape: "ints", space: "text" },
  infer: (_, attrs) => [tensorType(dtypeOf(attrs), ints(attrs, "shape"))],
  derivative: { by: "zero" },
};

/** One number, as a scalar. Larger constants are broadcasts of it. */
export const constantOp: SourcePrimitive = {
  kind: "source",
  name: "const",
  doc: "One number, rank 0.",
  arity: 0,
  attrs: { value: "number", dtype: "dtype" },
  infer: (_, attrs) => [tensorType(dtypeOf(attrs), [])],
  element: (_, type, attrs) => constant(numeric(attrs, "value"), type.dtype),
  derivative: { by: "zero" },
};

/** The position along one axis, counted from 0. */
export const iota: SourcePrimitive = {
  kind: "source",
  name: "iota",
  doc: "Each element is its position along `axis`.",
  arity: 0,
  attrs: { shape: "ints", axis: "int", dtype: "dtype" },
  infer: (_, attrs) => [tensorType(dtypeOf(attrs), ints(attrs, "shape"))],
  element: (index, type, attrs) => s.cast(at(index, int(attrs, "axis")), type.dtype),
  derivative: { by: "zero" },
};

/** A rank-0 constant, rounded to `dtype`; `user` marks a number that the user passed at a call. */
export function constantValue(value: Numeric, dtype: DType, provenance: Provenance = "compiler"): Value {
  const exact = rounded(dtype, value);
  const near = Number(exact);
  return make(constantOp, [], { value: typeof exact === "bigint" && !Number.isSafeInteger(near) ? exact : near, dtype }, provenance);
}

/** The position along `axis` at every element. */
export const iotaValue = (shape: Shape, axis: number, dtype: DType): Value => make(iota, [], { shape, axis, dtype });

/** An input of a graph; a `scalar` one has rank 0 and is passed in the call. */
export function paramValue(name: string, type: TensorType, space: "buffer" | "scalar"): Value {
  if (space === "scalar" && type.shape.length > 0) throw new CompilerBug(`the scalar param ${name} has shape [${type.shape.join(",")}]`);
  return make(param, [], { name, dtype: type.dtype, shape: type.shape, space });
}
