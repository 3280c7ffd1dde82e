/** Matmul and its family on values: operands of one dtype in, one value out. The functions of linalg.ts lift them to handles. */
import { at, CompilerBug, ShapeError } from "../../compiler/ir/errors.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { broadcastShapes, normalizeAxis, shapeText, sizeOf, typeText } from "../../compiler/ir/shape.ts";
import { cast, equal, subtract } from "../../compiler/ops/arithmetic.ts";
import { diagonal } from "../../compiler/ops/gather.ts";
import { iotaValue } from "../../compiler/ops/source.ts";
import { broadcastTo, concat, permute, reshape, slice } from "../../compiler/ops/views.ts";
import type { Label, Labelled } from "./contract.ts";
import { contractPair, dropBroadcastAxes, labelSizes, ordered, sumOut } from "./contract.ts";
import { parseEquation } from "./einsum-equation.ts";

const seq = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const product = (a: Value, b: Value): string => `${typeText(a.type)} · ${typeText(b.type)}`;

/** The labels of a stack of matrices: batch axes from the right, so that they broadcast, then `last`. */
const stackLabels = (rank: number, last: readonly Label[]): Label[] => [...seq(rank - last.length).map((i) => `b${rank - last.length - 1 - i}`), ...last];

/** The product of labelled operands, with lengths 1 broadcast, as the axes `output`. */
function contracted(operands: readonly Labelled[], output: readonly Label[]): Value {
  const sizes = labelSizes(operands);
  const keep = new Set(output);
  let list: readonly Labelled[] = operands.map((operand) => dropBroadcastAxes(operand, sizes));
  list = list.map((operand, k) => sumOut(operand, new Set([...keep, ...list.filter((_, other) => other !== k).flatMap((o) => o.labels)])));
  while (list.length > 1) list = contractCheapest(list, keep, sizes);
  return ordered(at(list, 0), output);
}

/** Contracts the pair that takes the fewest multiplications, the first of equals. */
function contractCheapest(list: readonly Labelled[], output: ReadonlySet<Label>, sizes: ReadonlyMap<Label, number>): readonly Labelled[] {
  let best = { cost: Number.POSITIVE_INFINITY, i: 0, j: 1 };
  list.forEach((a, i) => {
    for (let j = i + 1; j < list.length; j++) {
      const labels = new Set([...a.labels, ...at(list, j).labels]);
      const cost = sizeOf([...labels].map((label) => sizes.get(label) ?? 1));
      if (cost < best.cost) best = { cost, i, j };
    }
  });
  const rest = list.filter((_, k) => k !== best.i && k !== best.j);
  const keep = new Set([...output, ...rest.flatMap((operand) => operand.labels)]);
  const joined = contractPair(at(list, best.i), at(list, best.j), keep);
  return [...list.slice(0, best.i), joined, ...list.slice(best.i + 1).filter((operand) => rest.includes(operand))];
}

/** Repeated labels of one operand become its diagonal. */
function withDiagonals(value: Value, labels: readonly Label[]): Labelled {
  for (let axis2 = 1; axis2 < labels.length; axis2++) {
    const axis1 = labels.indexOf(at(labels, axis2));
    if (axis1 === axis2) continue;
    const others = labels.filter((_, i) => i !== axis1 && i !== axis2);
    return withDiagonals(diagonal(value, axis1, axis2, 0), [...others, at(labels, axis2)]);
  }
  return { value, labels };
}

/** The sum of products that `equation` says, of operands of one dtype. */
export function einsumValue(equation: string, operands: readonly Value[]): Value {
  const { operands: labels, output } = parseEquation(
    equation,
    operands.map((o) => o.shape),
  );
  return contracted(
    operands.map((value, k) => withDiagonals(value, at(labels, k))),
    output,
  );
}

function checkBatch(op: string, a: Value, b: Value, batchA: Shape, batchB: Shape): void {
  if (broadcastShapes(batchA, batchB) !== undefined) return;
  throw new ShapeError(`${op}: batch axes do not broadcast: ${product(a, b)} (${shapeText(batchA)} and ${shapeText(batchB)}). Make them equal, or 1.`);
}

/** (…,m,k) · (…,k,n) → (…,m,n) by NumPy's rules: batch axes broadcast, a rank-1 operand is a row or a column that is dropped. */
export function matmulValue(a: Value, b: Value): Value {
  if (a.shape.length === 0 || b.shape.length === 0) throw new ShapeError(`matmul: a scalar has no axes to multiply over: ${product(a, b)}. Use multiply.`);
  const inner = [at(a.shape, a.shape.length - 1), at(b.shape, Math.max(0, b.shape.length - 2))] as const;
  if (inner[0] !== inner[1]) {
    const fits = b.shape.length > 1 && at(b.shape, b.shape.length - 1) === inner[0];
    const fix = fits ? "Transpose the second operand?" : "The last axis of the first must be as long as the second's second-last.";
    throw new ShapeError(`matmul: inner axes differ: ${product(a, b)} (${inner[0]} ≠ ${inner[1]}). ${fix}`);
  }
  checkBatch("matmul", a, b, a.shape.slice(0, -2), b.shape.slice(0, -2));
  const left = stackLabels(a.shape.length, a.shape.length === 1 ? ["k"] : ["m", "k"]);
  const right = stackLabels(b.shape.length, b.shape.length === 1 ? ["k"] : ["k", "n"]);
  const batch = stackLabels(Math.max(a.shape.length, b.shape.length, 2), ["m", "k"]).slice(0, -2);
  const output = [...batch, ...left.filter((l) => l === "m"), ...right.filter((l) => l === "n")];
  return contracted(
    [
      { value: a, labels: left },
      { value: b, labels: right },
    ],
    output,
  );
}

/** Sums over the named pairs of axes; the result has the rest of `a`, then the rest of `b`. */
export function tensordotValue(op: string, a: Value, b: Value, axesA: readonly number[], axesB: readonly number[]): Value {
  if (axesA.length !== axesB.length)
    throw new ShapeError(`${op}: ${axesA.length} axes of the first operand, ${axesB.length} of the second. Name as many of each.`);
  const [left, right] = [axesA.map((x) => normalizeAxis(op, x, a.shape.length)), axesB.map((x) => normalizeAxis(op, x, b.shape.length))];
  if (new Set(left).size !== left.length || new Set(right).size !== right.length)
    throw new ShapeError(`${op}: an axis is named twice: [${String(axesA)}] and [${String(axesB)}].`);
  left.forEach((x, i) => {
    const [n, m] = [at(a.shape, x), at(b.shape, at(right, i))];
    if (n !== m) throw new ShapeError(`${op}: axes ${x} and ${at(right, i)} differ in length: ${product(a, b)} (${n} ≠ ${m}).`);
  });
  const labelsA = seq(a.shape.length).map((x) => (left.includes(x) ? `k${left.indexOf(x)}` : `a${x}`));
  const labelsB = seq(b.shape.length).map((x) => (right.includes(x) ? `k${right.indexOf(x)}` : `b${x}`));
  const output = [...labelsA, ...labelsB].filter((label) => !label.startsWith("k"));
  return ordered(contractPair({ value: a, labels: labelsA }, { value: b, labels: labelsB }, new Set(output)), output);
}

/** NumPy's dot: scalars multiply, else the last axis of `a` meets the second-last (or only) axis of `b`. */
export function dotValue(a: Value, b: Value): Value {
  const [rankA, rankB] = [a.shape.length, b.shape.length];
  if (rankA === 0 || rankB === 0) return tensordotValue("dot", a, b, [], []);
  return tensordotValue("dot", a, b, [rankA - 1], [Math.max(0, rankB - 2)]);
}

/** The last axes meet; scalars multiply. */
export function innerValue(a: Value, b: Value): Value {
  if (a.shape.length === 0 || b.shape.length === 0) return tensordotValue("inner", a, b, [], []);
  return tensordotValue("inner", a, b, [a.shape.length - 1], [b.shape.length - 1]);
}

export const outerValue = (a: Value, b: Value): Value => tensordotValue("outer", reshape(a, [sizeOf(a.shape)]), reshape(b, [sizeOf(b.shape)]), [], []);

/** Sum of products along one axis; the other axes broadcast. */
export function vecdotValue(a: Value, b: Value, axis: number): Value {
  const [x, y] = [normalizeAxis("vecdot", axis, a.shape.length), normalizeAxis("vecdot", axis, b.shape.length)];
  const [n, m] = [at(a.shape, x), at(b.shape, y)];
  if (n !== m) throw new ShapeError(`vecdot: axis ${axis} differs in length: ${product(a, b)} (${n} ≠ ${m}).`);
  const [restA, restB] = [a.shape.filter((_, i) => i !== x), b.shape.filter((_, i) => i !== y)];
  checkBatch("vecdot", a, b, restA, restB);
  const label = (rank: number, k: number): Label[] => {
    const rest = stackLabels(rank - 1, []);
    return [...rest.slice(0, k), "k", ...rest.slice(k)];
  };
  const output = stackLabels(Math.max(a.shape.length, b.shape.length) - 1, []);
  return contracted(
    [
      { value: a, labels: label(a.shape.length, x) },
      { value: b, labels: label(b.shape.length, y) },
    ],
    output,
  );
}

/** What a trace sums, along the last axis: a diagonal of the last two axes. */
export function tracedValue(x: Value, offset: number): Value {
  const rank = x.shape.length;
  if (rank < 2) throw new ShapeError(`trace: ${typeText(x.type)} has no matrix axes. It needs rank 2 or more.`);
  return diagonal(x, rank - 2, rank - 1, offset);
}

/** The last two axes exchanged. */
export function swapLastAxes(x: Value): Value {
  const rank = x.shape.length;
  if (rank < 2) throw new ShapeError(`matrixTranspose: ${typeText(x.type)} has no matrix axes. It needs rank 2 or more.`);
  return permute(x, [...seq(rank - 2), rank - 1, rank - 2]);
}

/** Kronecker's product: every element of `a` times all of `b`, laid out as blocks; axes are matched from the right. */
export function kronValue(a: Value, b: Value): Value {
  const rank = Math.max(a.shape.length, b.shape.length);
  const widen = (v: Value): readonly number[] => [...seq(rank - v.shape.length).map(() => 1), ...v.shape];
  const [shapeA, shapeB] = [widen(a), widen(b)];
  const outer = tensordotValue("kron", reshape(a, shapeA), reshape(b, shapeB), [], []);
  return reshape(
    permute(
      outer,
      seq(rank).flatMap((i) => [i, rank + i]),
    ),
    shapeA.map((n, i) => n * at(shapeB, i)),
  );
}

/** The cross product of 3-vectors along `axis`; the other axes broadcast. */
export function crossValue(a: Value, b: Value, axis: number): Value {
  const shape = broadcastShapes(a.shape, b.shape);
  const length = (v: Value): number => at(v.shape, normalizeAxis("cross", axis, v.shape.length));
  if (shape === undefined || length(a) !== 3 || length(b) !== 3) {
    throw new ShapeError(`cross: takes vectors of 3 along axis ${axis} whose other axes broadcast, not ${product(a, b)}.`);
  }
  const along = normalizeAxis("cross", axis, shape.length);
  const rolled = (v: Value, by: number): Value => rollThree(broadcastTo(v, shape), along, by);
  const times = (x: Value, y: Value): Value =>
    contracted(
      [
        { value: x, labels: stackLabels(shape.length, []) },
        { value: y, labels: stackLabels(shape.length, []) },
      ],
      stackLabels(shape.length, []),
    );
  return subtract(times(rolled(a, 1), rolled(b, 2)), times(rolled(a, 2), rolled(b, 1)));
}

/** Elements 0, 1, 2 of an axis of length 3, from element `by` on and round. */
function rollThree(x: Value, axis: number, by: number): Value {
  const part = (start: number, size: number): Value =>
    slice(
      x,
      x.shape.map((_, i) => (i === axis ? start : 0)),
      x.shape.map((n, i) => (i === axis ? size : n)),
    );
  return concat([part(by, 3 - by), part(0, by)], axis);
}

/** The identity matrix of `a`'s size and dtype, in each place of its stack. */
function identityLike(a: Value): Value {
  const n = at(a.shape, a.shape.length - 1);
  const eye = cast(equal(iotaValue([n, n], 0, "int32"), iotaValue([n, n], 1, "int32")), a.dtype);
  return broadcastTo(eye, a.shape);
}

/** `a` times itself `n` times, by squaring; n is 0 or more. */
export function matrixPowerValue(a: Value, n: number): Value {
  let result: Value | null = null;
  for (let square = a, left = n; left > 0;) {
    if (left % 2 === 1) result = result === null ? square : matmulValue(result, square);
    left = Math.floor(left / 2);
    if (left > 0) square = matmulValue(square, square);
  }
  return result ?? identityLike(a);
}

/** Products of a chain of matrices in the order of fewest multiplications (Cormen et al., matrix-chain order). */
export function multiDotValue(xs: readonly Value[]): Value {
  const last = xs.length - 1;
  const rows = (v: Value, i: number): number => (v.shape.length === 1 && i === 0 ? 1 : at(v.shape, 0));
  const columns = (v: Value, i: number): number => (v.shape.length === 1 && i === last ? 1 : at(v.shape, v.shape.length - 1));
  const edges = [...xs.map(rows), columns(at(xs, last), last)];
  const splits = chainSplits(edges);
  const build = (i: number, j: number): Value => {
    if (i === j) return at(xs, i);
    const k = at(at(splits, i), j);
    return matmulValue(build(i, k), build(k + 1, j));
  };
  return build(0, last);
}

/** Where to split each chain i…j of matrices, matrix i being edges[i] × edges[i + 1]. */
function chainSplits(edges: readonly number[]): readonly (readonly number[])[] {
  const n = edges.length - 1;
  const cost = seq(n).map(() => new Array<number>(n).fill(0));
  const split = seq(n).map((i) => new Array<number>(n).fill(i));
  for (let length = 2; length <= n; length++) {
    for (let i = 0; i + length <= n; i++) {
      const j = i + length - 1;
      let best = { cost: Number.POSITIVE_INFINITY, k: i };
      for (let k = i; k < j; k++) {
        const c = at(at(cost, i), k) + at(at(cost, k + 1), j) + at(edges, i) * at(edges, k + 1) * at(edges, j + 1);
        if (c < best.cost) best = { cost: c, k };
      }
      const [costs, splits] = [cost[i], split[i]];
      if (costs === undefined || splits === undefined) throw new CompilerBug("multiDot: a chain has no row in its table");
      costs[j] = best.cost;
      splits[j] = best.k;
    }
  }
  return split;
}
