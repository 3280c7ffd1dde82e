/** Derivatives by central differences, to compare rules with. */
import { asNumbers } from "../../compiler/ir/host.ts";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { add, multiply } from "../../compiler/ops/arithmetic.ts";
import { fill, reduceSum } from "../../compiler/ops/layout.ts";
import { paramValue } from "../../compiler/ops/source.ts";

export const paramsFor = (operands: readonly HostData[]): Value[] => operands.map((o, i) => paramValue(`x${i}`, o.type, "buffer"));
export const graphOf = (params: readonly Value[], outputs: readonly Value[]): Graph => ({ name: "walk", params, outputs });
export const run = (params: readonly Value[], outputs: readonly Value[], operands: readonly HostData[]): HostData[] =>
  interpretGraph(graphOf(params, outputs), operands);

/** The sum of all products of elements, as one number. */
export const inner = (a: Value, b: Value): Value =>
  reduceSum(
    multiply(a, b),
    a.shape.map((_, i) => i),
  );

/** The sum of the inner products of pairs. */
export const innerAll = (pairs: readonly (readonly [Value, Value])[]): Value =>
  pairs.map(([a, b]) => inner(a, b)).reduce(add, fill(0, tensorType("float64", [])));

const numberOf = (data: HostData): number => at(asNumbers(data.data), 0);

/** d(scalar)/d(element) of operand k for every element of it. */
export function differences(params: readonly Value[], scalar: Value, operands: readonly HostData[], k: number): number[] {
  const x = at(operands, k);
  return Array.from(asNumbers(x.data), (value, i) => {
    const h = 1e-5 * Math.max(1, Math.abs(value));
    const moved = (to: number): number => numberOf(at(run(params, [scalar], operands.with(k, { type: x.type, data: asNumbers(x.data).with(i, to) })), 0));
    return (moved(value + h) - moved(value - h)) / (2 * h);
  });
}
