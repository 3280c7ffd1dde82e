/** Fusion cases of losses over rows, written out by hand: the loss and its gradients in one plan; and gradients of running values. */
import type { Tensor } from "../../src/index.ts";
import { cumprod, exp, gradients, logcumsumexp, logSoftmax, softmax, takeAlongAxis } from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data, drawn, placed } from "./row.ts";

const rows = { axis: 1 } as const;

const withGradients = (loss: Tensor, parameters: readonly Tensor[]): readonly Tensor[] => [loss, ...gradients(loss, parameters)];
const logits = (...shape: readonly number[]): Tensor => data(...shape).requireGrad();

/** A class for each row, as indices along it. */
const classes = (count: number, most: number): Tensor =>
  placed(
    drawn([count, 1])
      .abs()
      .mul(most / 8)
      .astype("int32"),
  );

function softLabels(count: number, width: number): readonly Tensor[] {
  const x = logits(count, width);
  return withGradients(logSoftmax(x, rows).mul(data(count, width)).sum().neg(), [x]);
}

function divergence(): readonly Tensor[] {
  const [x, y] = [logits(16, 64), logits(16, 64)];
  const [p, q] = [logSoftmax(x, rows), logSoftmax(y, rows)];
  return withGradients(exp(p).mul(p.sub(q)).sum(), [x, y]);
}

function distilled(): readonly Tensor[] {
  const x = logits(16, 64);
  const taught = softmax(data(16, 64).div(2), rows);
  return withGradients(
    taught
      .mul(logSoftmax(x.div(2), rows))
      .sum()
      .neg(),
    [x],
  );
}

/** The logarithm of each row's probability of its class, read by index. */
function likelihood(x: Tensor, count: number, most: number): Tensor {
  return takeAlongAxis(logSoftmax(x, rows), classes(count, most), rows);
}

function policy(): readonly Tensor[] {
  const x = logits(32, 6);
  const p = logSoftmax(x, rows);
  const entropy = exp(p).mul(p).sum(rows).mean();
  return withGradients(takeAlongAxis(p, classes(32, 6), rows).mul(data(32, 1)).mean().neg().add(entropy.mul(0.01)), [x]);
}

function read(count: number, width: number): readonly Tensor[] {
  const x = logits(count, width);
  return withGradients(likelihood(x, count, width).mean().neg(), [x]);
}

export const losses: readonly FusionRow[] = [
  { row: 290, section: "D", expression: "l = -sum(p logSoftmax(x(16,64))) -> l, dx", aim: 2, outputs: () => softLabels(16, 64) },
  {
    row: 291,
    section: "D",
    expression: "l = -sum(p logSoftmax(x(8,10000))) -> l, dx",
    aim: 3,
    slack: 100,
    keepsRows: true,
    outputs: () => softLabels(8, 10000),
    smaller: () => softLabels(4, 200),
  },
  { row: 292, section: "D", expression: "p, q = logSoftmax(x), logSoftmax(y); l = sum(e^p (p - q)) -> l, dx, dy, (16,64)", aim: 2, outputs: divergence },
  { row: 293, section: "D", expression: "l = -sum(softmax(y/2) logSoftmax(x/2)) -> l, dx, (16,64)", aim: 2, outputs: distilled },
  { row: 294, section: "D", expression: "l = -mean(logSoftmax(x(16,64)) at k(16,1)) -> l, dx", aim: 2, outputs: () => read(16, 64) },
  { row: 295, section: "D", expression: "l = -mean(a p at k) + mean(sum(e^p p, 1)), p = logSoftmax(x(32,6)) -> l, dx", aim: 2, outputs: policy },
  {
    row: 296,
    section: "C",
    expression: "d sum(g logcumsumexp(x(16,64))) -> dx",
    aim: 2,
    outputs: () => {
      const x = logits(16, 64);
      return gradients(logcumsumexp(x, rows).mul(data(16, 64)).sum(), [x]);
    },
  },
  {
    row: 297,
    section: "C",
    expression: "d sum(g cumprod(x(16,64))) -> dx",
    aim: 2,
    outputs: () => {
      const x = logits(16, 64);
      return gradients(cumprod(x, rows).mul(data(16, 64)).sum(), [x]);
    },
  },
];
