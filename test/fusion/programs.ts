/** Fusion cases of whole programs: losses over softmaxes, forces between bodies, rows that are stored down a column, features, gates. */
import type { Tensor } from "../../src/index.ts";
import { concat, gelu, gradients, layerNorm, logSoftmax, matmul, softmax } from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data } from "./row.ts";

const last = { axis: -1 } as const;
const rows = { axis: 1 } as const;
const kept = { axis: 1, keepdims: true } as const;

/** How far apart two distributions are, seen from their middle. */
function divergence(): Tensor {
  const [p, q] = [softmax(data(24, 20)), softmax(data(24, 20))];
  const m = p.add(q).mul(0.5);
  const from = (d: Tensor): Tensor => d.mul(d.log().sub(m.log())).sum(rows);
  return from(p).add(from(q)).mean();
}

/** Accelerations of bodies that attract one another. */
function attraction(): Tensor {
  const p = data(40, 3);
  const apart = p.reshape(1, 40, 3).sub(p.reshape(40, 1, 3));
  const squares = apart.square().sum({ axis: 2, keepdims: true }).add(0.01);
  return apart.mul(squares.pow(-1.5)).sum(rows);
}

const entropy = (): Tensor => {
  const p = softmax(data(32, 20));
  return p.mul(p.log()).sum(rows).neg().mean();
};

const divergenceOf = (): Tensor => {
  const p = softmax(data(32, 20));
  return p
    .mul(p.log().sub(logSoftmax(data(32, 20), last)))
    .sum(rows)
    .mean();
};

const directions = (): Tensor => {
  const x = data(48, 40);
  return x.div(x.square().sum(kept).sqrt()).T;
};

export const programs: readonly FusionRow[] = [
  { row: 357, section: "B", expression: "-mean(sum(p log p, 1)) of p = softmax(x(32,20))", aim: 1, outputs: () => [entropy()] },
  { row: 358, section: "B", expression: "mean(sum(p (log p - logSoftmax(y)), 1)) of p = softmax(x(32,20))", aim: 1, outputs: () => [divergenceOf()] },
  { row: 359, section: "B", expression: "Jensen-Shannon divergence of softmaxes, (24,20)", aim: 1, today: { wgsl: 2 }, outputs: () => [divergence()] },
  { row: 360, section: "C", expression: "sum(d / |d|^3, 1) of d = p(1,40,3) - p(40,1,3)", aim: 1, outputs: () => [attraction()] },
  { row: 361, section: "B", expression: "(x(48,40) / |x|).T", aim: 1, outputs: () => [directions()] },
  { row: 362, section: "B", expression: "layerNorm(x(40,48)).T", aim: 1, outputs: () => [layerNorm(data(40, 48), [48]).T] },
  { row: 363, section: "B", expression: "layerNorm(x(48,40).T)", aim: 1, outputs: () => [layerNorm(data(48, 40).T, [48])] },
  { row: 364, section: "B", expression: "softmax(x(40,48).T, 0)", aim: 1, outputs: () => [softmax(data(40, 48).T, { axis: 0 })] },
  { row: 365, section: "B", expression: "sum(gelu(x(32,96)) exp(x), 1)", aim: 1, outputs: () => [geluSum()] },
  { row: 366, section: "F", expression: "y = x(300,4) @ w(4,64); concat([sin y, cos y], 1) @ v(128,16)", aim: 2, outputs: () => [features()] },
  { row: 367, section: "F", expression: "d/dw of a memory cell's gates, slices of z = x(32,64) @ w(64,256)", aim: 2, outputs: () => gates() },
  {
    row: 368,
    section: "B",
    expression: "(x(32,64) y + u v) @ w(64,256): where each product would compute it again it is stored",
    aim: 2,
    today: { js: 2, wgsl: 1, played: 2 },
    outputs: () => [mixed()],
  },
  {
    row: 369,
    section: "B",
    expression: "sum(x(32,96) tanh(y(32,1))): a function a row",
    aim: 1,
    outputs: () => [data(32, 96).mul(data(32, 1).tanh()).sum()],
  },
  {
    row: 370,
    section: "B",
    expression: "max(x(12,16,20) tanh(y(12,16,1)) exp(z(12,1,1)))",
    aim: 1,
    outputs: () => [
      data(12, 16, 20)
        .mul(data(12, 16, 1).tanh())
        .mul(data(12, 1, 1).exp())
        .max(),
    ],
  },
];

/** Waves of what a product gives, and a product of those. */
function features(): Tensor {
  const y = matmul(data(300, 4), data(4, 64));
  return matmul(concat([y.sin(), y.cos()], { axis: 1 }), data(128, 16));
}

const mixed = (): Tensor => {
  const row = (): Tensor => data(32, 64);
  return matmul(row().mul(row()).add(row().mul(row())), data(64, 256));
};

function gates(): readonly Tensor[] {
  const w = data(64, 256).requireGrad();
  const z = matmul(data(32, 64), w);
  const [i, f, o] = [z.get(":", ":64").sigmoid(), z.get(":", "64:128").sigmoid(), z.get(":", "128:192").sigmoid()];
  const c = f.mul(data(32, 64)).add(i.mul(z.get(":", "192:").tanh()));
  return gradients(o.mul(c.tanh()).sum(), [w]);
}

function geluSum(): Tensor {
  const x = data(32, 96);
  return gelu(x).mul(x.exp()).sum(rows);
}
