/** Data of inputs: what users have, and what breaks compilers. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { isFloat, roundTo } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { hostArray } from "../../compiler/ir/host.ts";
import type { TensorType } from "../../compiler/ir/shape.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { sequence } from "../ops/samples.ts";

/**
 * `ordinary`: -3 … 3. `whole`: small integers, of which sums are exact. `special`: every second one is an edge. `boundless`: the same
 * without subnormal numbers and what is near them.
 */
export type DataKind = "whole" | "ordinary" | "special" | "boundless";

const floatEdges = [Number.NaN, -0, 0, Infinity, -Infinity, 1e-40, -1e-40, 1, -1, 0.5, 1.1754944e-38, 3.4028235e38, -3.4028235e38, 2147483648, 1e-3, 16777217];
const integerEdges = [0, 1, -1, 2147483647, -2147483648, 31, 32, 33, 65536, 46341];
const unsignedEdges = [0, 1, 4294967295, 2147483648, 31, 32, 33, 65536];

function edgesOf(dtype: DType, kind: DataKind): readonly number[] {
  if (kind === "boundless" && isFloat(dtype)) return floatEdges.filter((x) => x === 0 || !(Math.abs(x) < 1e-30));
  if (dtype === "float64") return [...floatEdges, 5e-324, 1e308, -1e308];
  if (isFloat(dtype)) return floatEdges;
  return dtype === "uint32" ? unsignedEdges : integerEdges;
}

function ordinary(dtype: DType, next: () => number): number {
  if (isFloat(dtype)) return next() * 6 - 3;
  if (dtype === "bool") return next() < 0.5 ? 0 : 1;
  return Math.floor(next() * 40) - (dtype === "uint32" ? 0 : 20);
}

export function numbersOf(type: TensorType, kind: DataKind, seed: number): HostData {
  const next = sequence(seed + 1);
  const edges = edgesOf(type.dtype, kind);
  const data = hostArray(type.dtype, sizeOf(type.shape));
  for (let i = 0; i < data.length; i++) {
    const x = ordinary(type.dtype, next);
    const edge = at(edges, Math.floor(next() * edges.length));
    const special = (kind === "special" || kind === "boundless") && type.dtype !== "bool" && next() < 0.5;
    const usual = kind === "whole" ? Math.round(x) : x;
    data[i] = roundTo(type.dtype, special ? edge : usual);
  }
  return { type, data };
}
