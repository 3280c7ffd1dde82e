/** Data of inputs: what users have, and what breaks compilers. */
import type { DType, Numeric } from "../../compiler/ir/dtype.ts";
import { dtypeInfo, isFloat, rounded, wrapTo } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { hostArrayOf } from "../../compiler/ir/host.ts";
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

/** The ends of a dtype's range, its width, and what is near them. */
function integersNear(dtype: DType): readonly Numeric[] {
  const { kind, bits } = dtypeInfo(dtype);
  const [lo, hi] = kind === "int" ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n] : [0n, 2n ** BigInt(bits) - 1n];
  return [0n, 1n, -1n, lo, lo + 1n, hi, hi - 1n, BigInt(bits - 1), BigInt(bits), BigInt(bits + 1), 2n ** BigInt(bits / 2), 2n ** 53n + 1n];
}

function edgesOf(dtype: DType, kind: DataKind): readonly Numeric[] {
  if (kind === "boundless" && isFloat(dtype)) return floatEdges.filter((x) => x === 0 || !(Math.abs(x) < 1e-30));
  if (dtype === "float64") return [...floatEdges, 5e-324, 1e308, -1e308];
  if (isFloat(dtype)) return floatEdges;
  if (dtype === "int32" || dtype === "bool") return integerEdges;
  return dtype === "uint32" ? unsignedEdges : integersNear(dtype);
}

function ordinary(dtype: DType, next: () => number): number {
  if (isFloat(dtype)) return next() * 6 - 3;
  if (dtype === "bool") return next() < 0.5 ? 0 : 1;
  return Math.floor(next() * 40) - (dtypeInfo(dtype).kind === "uint" ? 0 : 20);
}

export function numbersOf(type: TensorType, kind: DataKind, seed: number): HostData {
  const next = sequence(seed + 1);
  const edges = edgesOf(type.dtype, kind);
  const elements = Array.from({ length: sizeOf(type.shape) }, (): Numeric => {
    const x = ordinary(type.dtype, next);
    const edge = at(edges, Math.floor(next() * edges.length));
    const special = (kind === "special" || kind === "boundless") && type.dtype !== "bool" && next() < 0.5;
    const usual = kind === "whole" ? Math.round(x) : x;
    return special && typeof edge === "bigint" ? wrapTo(type.dtype, edge) : rounded(type.dtype, special ? edge : usual);
  });
  return { type, data: hostArrayOf(type.dtype, elements) };
}
