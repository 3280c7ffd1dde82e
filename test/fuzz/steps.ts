/** The steps that programs are made of: each adds a node or two of one kind, or nothing where nothing fits. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { isFloat } from "../../compiler/ir/dtype.ts";
import { at, CompilerBug } from "../../compiler/ir/errors.ts";
import type { Attrs, Node, Value } from "../../compiler/ir/node.ts";
import { int, makeNode } from "../../compiler/ir/node.ts";
import type { ElementwisePrimitive, PrefixPrimitive, ReductionPrimitive } from "../../compiler/ir/primitive.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import * as arithmetic from "../../compiler/ops/arithmetic.ts";
import { copy, opaque } from "../../compiler/ops/barrier.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import type { ScatterMode } from "../../compiler/ops/gather.ts";
import { gather, gatherAlong, scatter, scatterAlong } from "../../compiler/ops/gather.ts";
import { sort } from "../../compiler/ops/sort.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { opTable } from "../../compiler/ops/table.ts";
import { broadcast, reshape } from "../../compiler/ops/views.ts";
import { approximated, dotError, isFiniteData, largest, productError, rounded, sumError } from "./exactness.ts";
import type { Genes } from "./genes.ts";
import type { Builder, Item, World } from "./program.ts";
import { hasAxes, isFloatItem, sameTypeAs } from "./program.ts";
import { segmentBroadcastStep, segmentSoftmaxStep, segmentStep } from "./segment-steps.ts";
import { viewStep } from "./view-steps.ts";
import { isInterpreted } from "./worlds.ts";

export type BuildStep = (b: Builder, genes: Genes) => void;

const interpreted = new Map(opTable.map((op) => [op, isInterpreted(op)]));
const elementwiseRows = opTable.filter((op) => op.kind === "elementwise");
const reductionRows = opTable.filter((op) => op.kind === "reduction");
const prefixRows = opTable.filter((op) => op.kind === "prefix");

/** The node, or null where the row does not take these operands. */
function tried(op: ElementwisePrimitive | ReductionPrimitive | PrefixPrimitive, args: readonly Value[], attrs: Attrs): Node | null {
  try {
    return makeNode(op, args, attrs);
  } catch (error) {
    if (error instanceof CompilerBug) throw error;
    return null;
  }
}

const attrsFor = (op: ElementwisePrimitive, genes: Genes, dtypes: readonly DType[]): Attrs => {
  if ("dtype" in op.attrs) return { dtype: genes.from(dtypes) };
  return "n" in op.attrs ? { n: 1 + genes.below(3) } : {};
};

/** The bits of a NaN, its sign among them, are nobody's business. */
const looksAtBits = (op: ElementwisePrimitive): boolean => op.name === "bitcast" || op.name === "copysign";

function elementwiseStep(b: Builder, genes: Genes): void {
  const rows = elementwiseRows.filter((op) => b.world.takes(op));
  const op = genes.from(rows);
  const x = b.pick(genes);
  if (x === null) return;
  const attrs = attrsFor(op, genes, b.world.dtypes);
  const rest = Array.from({ length: Number(op.arity) - 1 }, () => b.fitting(genes, x.value.type));
  const first = op === arithmetic.whereOp ? arithmetic.truth(x.value) : x.value;
  const wanted: readonly DType[] = [first.dtype, ...b.world.dtypes];
  const node = wanted
    .map((d) => tried(op, [op === arithmetic.whereOp ? first : arithmetic.cast(first, d), ...rest.map((r) => arithmetic.cast(r, d))], attrs))
    .find((n) => n !== null);
  if (node === undefined || node === null || node.results.some((r) => !b.world.dtypes.includes(r.dtype))) return;
  if (looksAtBits(op) && node.args.some((a) => b.dataOf(a).data.some(Number.isNaN))) return;
  b.add(node, interpreted.get(op) === true ? 0 : approximated);
}

/** Arithmetic that keeps small errors small. */
function gentleStep(b: Builder, genes: Genes): void {
  const x = b.pickAny(genes, isFloatItem);
  if (x === null) return;
  const y = b.pickAny(genes, sameTypeAs(x.value.type)) ?? x;
  const finite = isFiniteData(x.data) && isFiniteData(y.data);
  const exact = x.error === 0 && y.error === 0;
  if (!exact && !finite) return;
  const { add, multiply, subtract, maximum, minimum, negative } = arithmetic;
  const made = genes.from([add, subtract, maximum, minimum, multiply])(x.value, y.value);
  const product = made.node.op === arithmetic.multiplyOp;
  const error = product ? x.error * (largest(y.data) + y.error) + y.error * largest(x.data) : x.error + y.error;
  b.add(made, (data) => (exact ? 0 : error + rounded(data)));
  if (genes.oneIn(4)) b.add(negative(x.value), x.error);
}

function reductionStep(b: Builder, genes: Genes): void {
  const op = genes.from(reductionRows);
  const sums = op.name === "reduce sum";
  const x = sums ? b.pickAny(genes, hasAxes) : b.pick(genes, hasAxes);
  if (x === null) return;
  const { shape } = x.value;
  const axes = shape.map((_, i) => i).filter((_, i) => genes.oneIn(2) || (i === shape.length - 1 && genes.oneIn(2)));
  const chosen = axes.length > 0 ? axes : [genes.below(shape.length)];
  const node = tried(op, [x.value], { axes: chosen });
  if (node === null) return;
  const count = sizeOf(chosen.map((a) => at(shape, a)));
  const error = foldError(op.name, x, count);
  if (error !== null) b.add(node, error);
  if (genes.oneIn(2) && error !== null) spreadBack(b, genes, at(node.results, 0), x, chosen, error);
}

function foldError(name: string, x: Item, count: number): number | null {
  if (name.endsWith("sum")) return sumError(x.data, count, x.error);
  return name.endsWith("prod") ? productError(x.data, count) : 0;
}

/** What rows are made of: the reduced value meets the elements again. */
function spreadBack(b: Builder, genes: Genes, reduced: Value, x: Item, axes: readonly number[], error: number): void {
  const { shape } = x.value;
  const spread = arithmetic.cast(
    broadcast(
      reduced,
      shape,
      shape.map((_, i) => i).filter((i) => !axes.includes(i)),
    ),
    x.value.dtype,
  );
  const finite = isFiniteData(x.data) && isFiniteData(b.dataOf(spread));
  const total = error + x.error;
  if (x.value.dtype === "bool" || (total > 0 && !finite)) return;
  const made = genes.from([arithmetic.subtract, arithmetic.maximum, arithmetic.add])(x.value, spread);
  b.add(made, (data) => (total === 0 ? 0 : total + rounded(data)));
}

function prefixStep(b: Builder, genes: Genes): void {
  const op = genes.from(prefixRows);
  const x = b.pick(genes, hasAxes);
  if (x === null) return;
  const axis = genes.below(x.value.shape.length);
  const attrs = { axis, reverse: genes.oneIn(2) };
  if (op.arity === 2) {
    recurrenceStep(b, op, { x, factors: b.pickAny(genes, sameTypeAs(x.value.type)) ?? x }, attrs);
    return;
  }
  const node = tried(op, [x.value], attrs);
  if (node === null) return;
  if (op.name === "prefix logsumexp") {
    if (isFiniteData(x.data) && largest(x.data) < 1e3) b.add(node, (data) => 1e-5 * (1 + largest(data)));
    return;
  }
  const error = foldError(op.name, x, at(x.value.shape, axis));
  if (error !== null) b.add(node, error);
}

/** Factors up to 1, so that what is carried on does not outgrow a sum. */
function recurrenceStep(b: Builder, op: PrefixPrimitive, { x, factors }: { readonly x: Item; readonly factors: Item }, attrs: Attrs): void {
  if (x.error > 0 || factors.error > 0 || !isFiniteData(x.data) || !isFiniteData(factors.data)) return;
  const node = tried(op, [arithmetic.minimum(arithmetic.maximum(factors.value, -1), 1), x.value], attrs);
  const count = at(x.value.shape, int(attrs, "axis"));
  const error = node === null ? null : sumError(x.data, count * count, 0);
  if (node !== null && error !== null) b.add(node, error);
}

function dotStep(b: Builder, genes: Genes): void {
  const likes = ({ value }: Item): boolean => value.dtype !== "bool";
  const x = b.pickAny(genes, likes);
  const y = x === null ? null : b.pickAny(genes, (i) => i.value.dtype === x.value.dtype);
  if (x === null || y === null) return;
  const free = x.value.shape.flatMap((n, i) => y.value.shape.flatMap((m, k) => (n === m ? [[i, k] as const] : [])));
  const pairs: (readonly [number, number])[] = [];
  for (const [i, k] of genes.shuffled(free)) if (!pairs.some(([p, q]) => p === i || q === k)) pairs.push([i, k]);
  const batches = pairs.splice(0, genes.oneIn(3) ? 1 : 0);
  if (genes.oneIn(5)) pairs.pop();
  const sides = (list: readonly (readonly [number, number])[]): number[][] => [list.map(([i]) => i), list.map(([, k]) => k)];
  const shared = sizeOf([...pairs, ...batches].map(([i]) => at(x.value.shape, i)));
  const count = sizeOf(pairs.map(([i]) => at(x.value.shape, i)));
  const elements = (sizeOf(x.value.shape) / Math.max(1, shared)) * (sizeOf(y.value.shape) / Math.max(1, shared)) * (shared / Math.max(1, count));
  const error = dotError(x.data, y.data, count, [x.error, y.error]);
  if (error !== null && elements < 600) b.add(dot(x.value, y.value, sides(pairs), sides(batches)), error);
}

/** Indices made of anything: many fall outside, and are clamped. */
const indicesOf = (x: Item): Value => arithmetic.cast(x.value, "int32");

function gatherStep(b: Builder, genes: Genes): void {
  const x = b.pickAny(genes, ({ value }) => value.shape.length > 0 && sizeOf(value.shape) > 0);
  if (x === null) return;
  const axis = genes.below(x.value.shape.length);
  const along = genes.oneIn(2);
  if (along) {
    const length = genes.from([1, 2, 3, 7]);
    b.add(gatherAlong(x.value, b.fitting(genes, { dtype: "int32", shape: x.value.shape.with(axis, length) }), axis), x.error);
    return;
  }
  const indices = b.pick(genes, ({ value }) => sizeOf(value.shape) * sizeOf(x.value.shape) <= 4000);
  if (indices !== null) b.add(gather(x.value, indicesOf(indices), axis), x.error);
}

const scatterModes: readonly ScatterMode[] = ["set", "add", "mul", "min", "max"];

function scatterStep(b: Builder, genes: Genes): void {
  const x = b.pick(genes, ({ value }) => value.shape.length > 0 && sizeOf(value.shape) > 0);
  if (x === null) return;
  const { type } = x.value;
  const axis = genes.below(type.shape.length);
  const mode = type.dtype === "bool" ? "set" : genes.from(scatterModes);
  if (genes.oneIn(2)) {
    const shape = type.shape.with(axis, genes.from([1, 2, 3, 7]));
    b.add(scatterAlong(x.value, b.fitting(genes, { dtype: "int32", shape }), b.fitting(genes, { ...type, shape }), axis, mode));
    return;
  }
  const indices = b.pick(genes, ({ value }) => sizeOf(value.shape) * sizeOf(type.shape) <= 2000);
  if (indices === null) return;
  const shape = [...type.shape.slice(0, axis), ...indices.value.shape, ...type.shape.slice(axis + 1)];
  b.add(scatter(x.value, indicesOf(indices), b.fitting(genes, { ...type, shape }), axis, mode));
}

function sortStep(b: Builder, genes: Genes): void {
  const x = b.world.sorts ? b.pick(genes, hasAxes) : null;
  if (x !== null) b.add(sort(x.value, genes.below(x.value.shape.length), genes.from(["ascending", "descending"]))[0].node);
}

function barrierStep(b: Builder, genes: Genes): void {
  const x = b.pickAny(genes);
  if (x === null) return;
  const after = b.pick(genes) ?? x;
  b.add(genes.oneIn(2) ? opaque(x.value, after.value) : copy(x.value), x.error);
}

function sourceStep(b: Builder, genes: Genes): void {
  const shape = Array.from({ length: 1 + genes.below(2) }, () => genes.from([3, 1, 2, 5, 7]));
  b.add(iotaValue(shape, genes.below(shape.length), genes.from(b.world.dtypes.filter((d) => d !== "bool"))));
}

/** A matrix product as people write it: bias, activation. */
function denseStep(b: Builder, genes: Genes): void {
  const x = b.pick(genes, ({ value }) => value.shape.length === 2 && isFloat(value.dtype));
  if (x === null) return;
  const { shape, dtype } = x.value;
  const [m, k] = [at(shape, 0), at(shape, 1)];
  const n = genes.from([1, 3, 4, 5, 8, 9]);
  const w = b.fitting(genes, { dtype, shape: [k, n] });
  const error = dotError(x.data, b.dataOf(w), k, [0, 0]);
  if (error === null || m * n > 600) return;
  const y = dot(x.value, w, [[1], [0]]);
  const bias = b.fitting(genes, { dtype, shape: [1, n] });
  const finite = isFiniteData(b.dataOf(bias)) && isFiniteData(b.dataOf(y));
  const sum = arithmetic.add(y, broadcast(reshape(bias, [n]), [m, n], [1]));
  if (error === 0 || finite) b.add(arithmetic.maximum(sum, 0), (data) => (error === 0 ? 0 : error + rounded(data)));
}

/** How likely each step is. */
const weights: readonly (readonly [BuildStep, number])[] = [
  [elementwiseStep, 8],
  [viewStep, 8],
  [gentleStep, 3],
  [reductionStep, 4],
  [prefixStep, 2],
  [dotStep, 2],
  [denseStep, 1],
  [gatherStep, 2],
  [scatterStep, 2],
  [sortStep, 1],
  [barrierStep, 1],
  [sourceStep, 1],
  [segmentStep, 2],
  [segmentBroadcastStep, 1],
];

/** What rows of differing lengths meet. */
const raggedWeights: readonly (readonly [BuildStep, number])[] = [
  [segmentStep, 6],
  [segmentBroadcastStep, 2],
  [segmentSoftmaxStep, 1],
  [elementwiseStep, 4],
  [gentleStep, 4],
  [viewStep, 1],
  [reductionStep, 1],
  [prefixStep, 1],
  [gatherStep, 1],
];

const repeated = (list: readonly (readonly [BuildStep, number])[]): BuildStep[] => list.flatMap(([step, n]) => Array.from({ length: n }, () => step));
const [usual, ragged] = [repeated(weights), repeated(raggedWeights)];

/** Every step, the likelier ones several times. */
export const stepsOf = (world: World): readonly BuildStep[] => (world.ragged ? ragged : usual);
