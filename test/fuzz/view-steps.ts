/** Steps that move elements. */
import { at } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { cast } from "../../compiler/ops/arithmetic.ts";
import { constantValue } from "../../compiler/ops/source.ts";
import * as views from "../../compiler/ops/views.ts";
import { diagonal, window } from "../../compiler/ops/windows.ts";
import type { Genes } from "./genes.ts";
import type { Builder, Item } from "./program.ts";

type View = (b: Builder, genes: Genes, x: Item) => Value | null;

const reshaped: View = (_, genes, { value }) => {
  const n = sizeOf(value.shape);
  const [a, c] = [genes.from(divisors(n)), genes.from([1, 2, 3])];
  const rest = n === 0 ? 0 : n / a;
  const split = genes.from(divisors(rest));
  const shapes: readonly Shape[] = [[n], [a, rest], [1, n], [a, split, split === 0 ? 0 : rest / split], [n, 1, 1]];
  const shape = at(shapes, c === 1 ? genes.below(shapes.length) : c);
  return sizeOf(shape) === n ? views.reshape(value, shape) : null;
};

const divisors = (n: number): number[] => (n === 0 ? [0] : Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0));
const axesOf = (x: Value): number[] => x.shape.map((_, i) => i);

const permuted: View = (_, genes, { value }) => views.permute(value, genes.shuffled(axesOf(value)));

const spread: View = (_, genes, { value }) => {
  if (value.shape.length > 3) return null;
  const place = genes.below(value.shape.length + 1);
  const shape = value.shape.toSpliced(place, 0, genes.from([2, 1, 3, 5]));
  return views.broadcast(
    value,
    shape,
    axesOf(value).map((i) => (i < place ? i : i + 1)),
  );
};

const padded: View = (b, genes, { value }) => {
  const amounts = (n: number): number[] => value.shape.map(() => genes.below(n));
  return views.pad(
    value,
    b.fitting(genes, { dtype: value.dtype, shape: [] }),
    amounts(3),
    amounts(4),
    value.shape.map(() => (genes.oneIn(4) ? 1 + genes.below(2) : 0)),
  );
};

const sliced: View = (_, genes, { value }) => {
  const step = value.shape.map(() => (genes.oneIn(3) ? 2 : 1));
  const start = value.shape.map((n) => genes.below(n + 1));
  const most = value.shape.map((n, i) => Math.ceil((n - at(start, i)) / at(step, i)));
  return views.slice(
    value,
    start,
    most.map((n) => (genes.oneIn(3) ? genes.below(n + 1) : n)),
    step,
  );
};

const flipped: View = (_, genes, { value }) => views.flip(value, genes.some(axesOf(value)));

const joined: View = (b, genes, { value, error }) => {
  if (value.shape.length === 0 || error > 0) return null;
  const axis = genes.below(value.shape.length);
  const same = (other: Item): boolean =>
    other.value.dtype === value.dtype &&
    other.value.shape.length === value.shape.length &&
    other.value.shape.every((n, i) => i === axis || n === value.shape[i]);
  const others = Array.from({ length: 1 + genes.below(2) }, () => b.pick(genes, same)?.value ?? value);
  return views.concat([value, ...others], axis);
};

/** A rank-0 int32: one of the program's own, or a number; often outside. */
const startOf = (b: Builder, genes: Genes): Value => {
  const scalar = b.pick(genes, ({ value }) => value.shape.length === 0);
  return scalar === null || genes.oneIn(3) ? constantValue(genes.below(9) - 2, "int32") : cast(scalar.value, "int32");
};

const movingSlice: View = (b, genes, { value }) => {
  const axes = genes.some(axesOf(value));
  const sizes = axes.map((a) => genes.below(at(value.shape, a) + 1));
  const steps = axes.map((a, i) => (genes.oneIn(3) && at(sizes, i) * 2 <= at(value.shape, a) ? 2 : 1));
  return views.dynamicSlice(
    value,
    axes,
    axes.map(() => startOf(b, genes)),
    sizes,
    steps,
  );
};

const movingUpdate: View = (b, genes, { value, error }) => {
  const axes = genes.some(axesOf(value));
  if (axes.length === 0 || error > 0) return null;
  const shape = value.shape.map((n, i) => (axes.includes(i) ? genes.below(n + 1) : n));
  const steps = axes.map((a) => (genes.oneIn(3) && at(shape, a) * 2 <= at(value.shape, a) ? 2 : 1));
  return views.dynamicUpdate(
    value,
    b.fitting(genes, { dtype: value.dtype, shape }),
    axes,
    axes.map(() => startOf(b, genes)),
    steps,
  );
};

const windows: View = (_, genes, { value }) => {
  const axes = genes.some(axesOf(value)).filter((a) => at(value.shape, a) > 0);
  if (axes.length === 0 || value.shape.length + axes.length > 5) return null;
  return window(
    value,
    axes,
    axes.map((a) => 1 + genes.below(Math.min(3, at(value.shape, a)))),
    axes.map(() => 1 + genes.below(2)),
  );
};

const diagonals: View = (_, genes, { value }) => {
  if (value.shape.length < 2) return null;
  const [a, c] = genes.shuffled(axesOf(value));
  return a === undefined || c === undefined ? null : diagonal(value, a, c, genes.below(5) - 2);
};

const kinds: readonly View[] = [reshaped, permuted, spread, padded, sliced, flipped, joined, movingSlice, movingUpdate, windows, diagonals];

/** Moves what has an error as well as what has none. */
export function viewStep(b: Builder, genes: Genes): void {
  const x = b.pickAny(genes);
  const made = x === null ? null : genes.from(kinds)(b, genes, x);
  if (x !== null && made !== null) b.add(made, x.error);
}
