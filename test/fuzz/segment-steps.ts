/** Steps over rows of differing lengths: some empty, sometimes all of them. */
import { asNumbers } from "../../compiler/ir/host.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import { at, CompilerBug } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import type { Node, Value } from "../../compiler/ir/node.ts";
import { makeNode } from "../../compiler/ir/node.ts";
import type { SegmentPrimitive } from "../../compiler/ir/primitive.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import * as arithmetic from "../../compiler/ops/arithmetic.ts";
import { exp } from "../../compiler/ops/exponential.ts";
import { segmentBroadcast, segmentReduceMax, segmentReduceSum } from "../../compiler/ops/segments.ts";
import { opTable } from "../../compiler/ops/table.ts";
import { isFiniteData, largest, productError, rounded, sumError } from "./exactness.ts";
import type { Genes } from "./genes.ts";
import type { Builder, Item } from "./program.ts";
import { hasAxes } from "./program.ts";

const segmentRows = opTable.filter((op) => op.kind === "segment");

function tried(op: SegmentPrimitive, args: readonly Value[]): Node | null {
  try {
    return makeNode(op, args);
  } catch (error) {
    if (error instanceof CompilerBug) throw error;
    return null;
  }
}

const longest = ({ data }: HostData): number => Math.max(0, ...Array.from(asNumbers(data), (end, i) => (i === 0 ? 0 : end - at(asNumbers(data), i - 1))));

function foldError(name: string, x: Item, count: number): number | null {
  if (name.endsWith("sum")) return sumError(x.data, count, x.error);
  return name.endsWith("prod") ? productError(x.data, count) : 0;
}

/** Rows reduced, and half of the time met by their elements again. */
export function segmentStep(b: Builder, genes: Genes): void {
  const op = genes.from(segmentRows);
  const x = op.name.endsWith("sum") ? b.pickAny(genes, hasAxes) : b.pick(genes, hasAxes);
  if (x === null) return;
  const offsets = b.offsets(genes, at(x.value.shape, 0));
  const node = tried(op, [x.value, offsets]);
  if (node === null) return;
  const error = foldError(op.name, x, longest(b.dataOf(offsets)));
  if (error === null) return;
  const reduced = at(node.results, 0);
  b.add(node, error);
  if (genes.oneIn(3)) return;
  const spread = arithmetic.cast(segmentBroadcast(reduced, offsets, at(x.value.shape, 0)), x.value.dtype);
  const finite = isFiniteData(x.data) && isFiniteData(b.dataOf(spread));
  const total = error + x.error;
  if (x.value.dtype === "bool" || (total > 0 && !finite)) return;
  const made = genes.from([arithmetic.subtract, arithmetic.maximum, arithmetic.add])(x.value, spread);
  b.add(made, (data) => (total === 0 ? 0 : total + rounded(data)));
}

/** One value a row, spread over the row. */
export function segmentBroadcastStep(b: Builder, genes: Genes): void {
  const x = b.pickAny(genes, hasAxes);
  if (x === null) return;
  const rows = at(x.value.shape, 0);
  const offsets = b.offsetsOf(genes, rows);
  if (offsets === null) return;
  const size = at(asNumbers(b.dataOf(offsets).data), rows);
  if (sizeOf([size, ...x.value.shape.slice(1)]) > b.world.maxElements) return;
  b.add(segmentBroadcast(x.value, offsets, size), x.error);
}

/** A softmax of each row, as it is written. */
export function segmentSoftmaxStep(b: Builder, genes: Genes): void {
  const x = b.pick(genes, ({ value, data }) => hasAxes({ value, data, error: 0 }) && isFloat(value.dtype) && isFiniteData(data) && largest(data) < 1e3);
  if (x === null || !b.world.takes(exp(x.value).node.op)) return;
  const size = at(x.value.shape, 0);
  const offsets = b.offsets(genes, size);
  const over = (rows: Value): Value => segmentBroadcast(rows, offsets, size);
  const e = exp(arithmetic.subtract(x.value, over(segmentReduceMax(x.value, offsets))));
  b.add(arithmetic.divide(e, over(segmentReduceSum(e, offsets))), 1e-5);
}
