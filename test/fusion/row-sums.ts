/** Fusion cases of sums, and of matrices times vectors, with what is made of their rows. */
import type { Tensor } from "../../src/index.ts";
import { argmin, crossEntropy, gradients, layerNorm, logsumexp, matmul, mean, softmax, softplus } from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data, drawn, placed } from "./row.ts";

const rows = { axis: 1 } as const;
const kept = { axis: 1, keepdims: true } as const;
const last = { axis: 2 } as const;
/** The sums of x(batch,20,16) over its last axis. */
const sums = (batch: number): Tensor => data(batch, 20, 16).sum(last);
/** The squares of the distances between x(64,8) and c(20,8). */
const distances = (): Tensor =>
  data(64, 1, 8)
    .sub(data(1, 20, 8))
    .square()
    .sum(last);
/** What additive attention thinks of 20 keys of each of 32 queries. */
const additive = (keys: Tensor): Tensor => softmax(data(32, 1, 16).add(keys).tanh().mul(data(16)).sum(last), rows);
const pooled = (x: Tensor, weights: Tensor): Tensor => x.mul(weights.reshape(...weights.shape, 1)).sum(rows);

function ranged(): Tensor {
  const d = distances();
  return d.sub(d.min(kept)).div(d.max(kept).sub(d.min(kept)));
}

/** x(64,20,16) weighed by the softmax of what a vector makes of it. */
function pooledBy(): Tensor {
  const x = data(64, 20, 16);
  return pooled(x, softmax(x.mul(data(16)).sum(last), rows));
}

function sumsAndSoftmax(): readonly Tensor[] {
  const s = sums(64);
  return [s, softmax(s)];
}

function gradientOfSums(): readonly Tensor[] {
  const x = data(64, 20, 16).requireGrad();
  return gradients(softmax(x.sum(last)).mul(data(64, 20)).sum(), [x]);
}

/** Rows divided by their sums, then columns. */
function balanced(): Tensor {
  const x = data(32, 32).exp();
  const r = x.div(x.sum(kept));
  return r.div(r.sum({ axis: 0, keepdims: true }));
}

const cube = (): Tensor => data(32, 32, 32).sum(last);

function twoStages(): readonly Tensor[] {
  const y = cube().relu();
  return [y, y.sum(rows)];
}

/** One less the share of two masks that they have in common. */
function overlap(): Tensor {
  const [p, t] = [data(8, 16, 16).sigmoid(), data(8, 16, 16).sigmoid()];
  const all = (x: Tensor): Tensor => x.sum({ axis: [1, 2] });
  return all(p.mul(t))
    .mul(-2)
    .div(all(p).add(all(t)))
    .add(1)
    .mean();
}

/** How much nearer a row is to its like than to another. */
function triplet(): Tensor {
  const [a, p, n] = [data(32, 16), data(32, 16), data(32, 16)];
  const far = (x: Tensor): Tensor => a.sub(x).square().sum(rows);
  return far(p).sub(far(n)).add(1).relu().mean();
}

function lossAndGradient(): readonly Tensor[] {
  const x = data(64, 10).requireGrad();
  const loss = crossEntropy(x, labels(64, 10));
  return [loss, ...gradients(loss, [x])];
}

function singleQuery(): Tensor {
  const weights = softmax(matmul(data(64, 32), data(32)), { axis: 0 });
  return matmul(weights, data(64, 16));
}

function iterated(): Tensor {
  const y = matmul(data(64, 64), data(64));
  return y.div(y.square().sum().sqrt());
}

function logistic(): readonly Tensor[] {
  const w = data(32).requireGrad();
  const loss = softplus(matmul(data(64, 32), w).neg().mul(data(64))).mean();
  return [loss, ...gradients(loss, [w])];
}

const overPicture = (): Tensor => softmax(mean(data(16, 12, 6, 5), rows).reshape(16, 30));
const regrouped = (): Tensor => data(50, 4, 6, 17).sum({ axis: 3 }).reshape(50, 24).max(rows);
const flat = (): Tensor => softmax(data(8, 6, 10).sum(last).reshape(48), { axis: 0 }).reshape(8, 6);

const labels = (count: number, kinds: number): Tensor =>
  placed(
    drawn([count])
      .abs()
      .mul(kinds / 4)
      .astype("int32"),
  );

export const rowSums: readonly FusionRow[] = [
  { row: 313, section: "D", expression: "softmax(sum(x(64,20,16), 2))", aim: 1, outputs: () => [softmax(sums(64))] },
  { row: 314, section: "D", expression: "max(sum(x(64,20,16), 2), 1)", aim: 1, outputs: () => [sums(64).max(rows)] },
  { row: 315, section: "D", expression: "var(mean(x(64,20,16), 2), 1)", aim: 1, outputs: () => [data(64, 20, 16).mean(last).var(rows)] },
  { row: 316, section: "D", expression: "s = sum(x(64,20,16), 2) -> s, softmax(s)", aim: 1, outputs: sumsAndSoftmax },
  { row: 317, section: "D", expression: "max(mean(x(64,20,16), 1), 1): down columns", aim: 1, outputs: () => [data(64, 20, 16).mean(rows).max(rows)] },
  { row: 318, section: "D", expression: "softmax(mean(x(16,32,7,7), (2,3)))", aim: 1, outputs: () => [softmax(data(16, 32, 7, 7).mean({ axis: [2, 3] }))] },
  { row: 319, section: "D", expression: "softmax(sum(x(64,40), 1)): one row", aim: 1, outputs: () => [softmax(data(64, 40).sum(rows), { axis: 0 })] },
  { row: 320, section: "D", expression: "mean(logsumexp(x(64,40), 1))", aim: 1, outputs: () => [logsumexp(data(64, 40), rows).mean()] },
  { row: 321, section: "D", expression: "max(sum(abs(x(64,40)), 1)): a norm", aim: 1, outputs: () => [data(64, 40).abs().sum(rows).max()] },
  { row: 322, section: "D", expression: "argmin of distances, x(64,8) to c(20,8)", aim: 1, outputs: () => [argmin(distances(), rows)] },
  { row: 323, section: "D", expression: "logsumexp(-distances, 1)", aim: 1, outputs: () => [logsumexp(distances().neg(), rows)] },
  { row: 324, section: "D", expression: "distances between their least and greatest of a row", aim: 1, outputs: () => [ranged()] },
  { row: 325, section: "D", expression: "softmax(sum(v * tanh(q(32,1,16) + k(32,20,16)), 2))", aim: 1, outputs: () => [additive(data(32, 20, 16))] },
  {
    row: 326,
    section: "D",
    expression: "additive attention: sum of k(32,20,16) by those weights",
    aim: 1,
    outputs: () => {
      const keys = data(32, 20, 16);
      return [pooled(keys, additive(keys))];
    },
  },
  { row: 327, section: "D", expression: "sum(x(64,20,16) * softmax(sum(x * q, 2)), 1)", aim: 1, outputs: () => [pooledBy()] },
  { row: 328, section: "D", expression: "d/dx sum(y * softmax(sum(x(64,20,16), 2)))", aim: 1, outputs: gradientOfSums },
  { row: 329, section: "D", expression: "r = x(32,32) / sum(x, 1, kd); r / sum(r, 0, kd)", aim: 2, outputs: () => [balanced()] },
  {
    row: 330,
    section: "D",
    expression: "softmax(mean(x(64,8,512), 2)): lanes share each sum",
    aim: 1,
    today: { played: 2 },
    outputs: () => [softmax(data(64, 8, 512).mean(last))],
    smaller: () => [softmax(data(8, 4, 64).mean(last))],
  },
  {
    row: 331,
    section: "D",
    expression: "softmax(mean(x(64,64,512), 2)): on lanes rows of their own are read side by side",
    aim: 2,
    today: { js: 1, wgsl: 2 },
    outputs: () => [softmax(data(64, 64, 512).mean(last))],
    smaller: () => [softmax(data(8, 4, 64).mean(last))],
  },
  { row: 332, section: "D", expression: "relu(sum(relu(sum(x(32,32,32), 2)), 1)): two stages", aim: 1, outputs: () => [cube().relu().sum(rows).relu()] },
  { row: 333, section: "D", expression: "y = relu(sum(x(32,32,32), 2)) -> y, sum(y, 1)", aim: 1, outputs: twoStages },
  { row: 334, section: "D", expression: "mean(1 - 2 sum(p * t, (1,2)) / (sum(p, (1,2)) + sum(t, (1,2)))), (8,16,16)", aim: 1, outputs: () => [overlap()] },
  { row: 335, section: "D", expression: "mean(relu(|a - p|^2 - |a - n|^2 + 1)), rows of (32,16)", aim: 1, outputs: () => [triplet()] },
  {
    row: 336,
    section: "D",
    expression: "crossEntropy(x(64,10), labels(64)), a mean of rows",
    aim: 1,
    outputs: () => [crossEntropy(data(64, 10), labels(64, 10))],
  },
  { row: 337, section: "D", expression: "x(64,10), labels(64): -> crossEntropy, its gradient: all of it in one", aim: 1, outputs: lossAndGradient },
  { row: 338, section: "D", expression: "mean(layerNorm(x(8,20,16)), 1)", aim: 1, outputs: () => [mean(layerNorm(data(8, 20, 16), [16]), rows)] },
  { row: 339, section: "D", expression: "mean(softmax(x(64,10)), 0): rows, then columns", aim: 1, outputs: () => [mean(softmax(data(64, 10)), { axis: 0 })] },
  { row: 340, section: "D", expression: "softmax(q(32) K(64,32).T) V(64,16): a single query", aim: 1, outputs: () => [singleQuery()] },
  { row: 341, section: "D", expression: "y = A(64,64) x; y / |y|", aim: 1, outputs: () => [iterated()] },
  {
    row: 342,
    section: "D",
    expression: "x A(32,16) y: two products of matrix and vector",
    aim: 1,
    outputs: () => [matmul(matmul(data(32), data(32, 16)), data(16))],
  },
  { row: 343, section: "F", expression: "logistic regression, x(64,32): -> loss, dw", aim: 1, outputs: logistic },
  { row: 344, section: "D", expression: "softmax(mean(x(16,12,6,5), 1).reshape(16,30)): over a picture", aim: 1, outputs: () => [overPicture()] },
  { row: 345, section: "D", expression: "max(sum(x(50,4,6,17), 3).reshape(50,24), 1)", aim: 1, outputs: () => [regrouped()] },
  { row: 346, section: "D", expression: "softmax(sum(x(8,6,10), 2).reshape(48)).reshape(8,6)", aim: 1, outputs: () => [flat()] },
];
