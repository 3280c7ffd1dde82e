/**
 * Products of labelled operands: every matmul-like function names its axes and comes here, so that each lowers to one `dot`
 * (or to a plain product or sum of products where nothing would be read twice).
 */
import { isBool } from "../../compiler/ir/dtype.ts";
import { at, lookup } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { cast, multiply, truth } from "../../compiler/ops/arithmetic.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import { reduceAny } from "../../compiler/ops/reductions.ts";
import { broadcast, permute, reduceSum, reshape } from "../../compiler/ops/views.ts";

/** An axis's name; equal labels run together. */
export type Label = string;

/** A value whose axes are named, each label once. */
export interface Labelled {
  readonly value: Value;
  readonly labels: readonly Label[];
}

/** The length of each label: the one that is not 1, where operands differ. */
export function labelSizes(operands: readonly Labelled[]): Map<Label, number> {
  const sizes = new Map<Label, number>();
  for (const { value, labels } of operands) {
    labels.forEach((label, i) => {
      const length = at(value.shape, i);
      if (length !== 1 || !sizes.has(label)) sizes.set(label, length);
    });
  }
  return sizes;
}

/** Without the length-1 axes that broadcast against a longer axis of another operand. */
export function dropBroadcastAxes(operand: Labelled, sizes: ReadonlyMap<Label, number>): Labelled {
  const { value, labels } = operand;
  const kept = labels.filter((label, i) => at(value.shape, i) === lookup(sizes, label, "an axis label"));
  if (kept.length === labels.length) return operand;
  return {
    value: reshape(
      value,
      kept.map((label) => lookup(sizes, label, "an axis label")),
    ),
    labels: kept,
  };
}

/** Summed over every label that is not in `keep`: of bools, whether any is true. */
export function sumOut(operand: Labelled, keep: ReadonlySet<Label>): Labelled {
  const axes = operand.labels.flatMap((label, i) => (keep.has(label) ? [] : [i]));
  if (axes.length === 0) return operand;
  const sum = isBool(operand.value.dtype) ? reduceAny : reduceSum;
  return { value: sum(operand.value, axes), labels: operand.labels.filter((label) => keep.has(label)) };
}

/** With its axes in the order of `labels`, which are the operand's own. */
export function ordered(operand: Labelled, labels: readonly Label[]): Value {
  return permute(
    operand.value,
    labels.map((label) => operand.labels.indexOf(label)),
  );
}

/** Spread over axes named `labels`, which include the operand's. */
function spread(operand: Labelled, labels: readonly Label[], sizes: ReadonlyMap<Label, number>): Value {
  const own = labels.filter((label) => operand.labels.includes(label));
  const shape = labels.map((label) => lookup(sizes, label, "an axis label"));
  return broadcast(
    ordered(operand, own),
    shape,
    own.map((label) => labels.indexOf(label)),
  );
}

/**
 * The product of two operands, summed over the labels that are in both and not in `keep`. Result axes: shared kept labels, then
 * the rest of `a`, then the rest of `b`. Labels of one operand alone must be in `keep`. Of bools it is whether both are true anywhere.
 */
export function contractPair(a: Labelled, b: Labelled, keep: ReadonlySet<Label>): Labelled {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => keep.has(label));
  const summed = shared.filter((label) => !keep.has(label));
  const freeA = a.labels.filter((label) => !shared.includes(label));
  const freeB = b.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...freeA, ...freeB];
  // Without a sum there is nothing to contract; without a free axis no element is read twice: then a product fuses better.
  if (summed.length === 0 || (freeA.length === 0 && freeB.length === 0)) {
    const all = [...labels, ...summed];
    const sizes = labelSizes([a, b]);
    return sumOut({ value: multiply(spread(a, all, sizes), spread(b, all, sizes)), labels: all }, keep);
  }
  const positions = (operand: Labelled, of: readonly Label[]): number[] => of.map((label) => operand.labels.indexOf(label));
  const sums = (x: Value, y: Value): Value => dot(x, y, [positions(a, summed), positions(b, summed)], [positions(a, batch), positions(b, batch)]);
  const value = isBool(a.value.dtype) ? truth(sums(cast(a.value, "int32"), cast(b.value, "int32"))) : sums(a.value, b.value);
  return { value, labels };
}
