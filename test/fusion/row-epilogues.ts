/** Fusion cases of contractions with what is made of their rows. */
import type { Tensor } from "../../src/index.ts";
import { argmax, layerNorm, logsumexp, matmul, mean, softmax, sqrt } from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data } from "./row.ts";

const rows = { axis: 1 } as const;
const kept = { axis: 1, keepdims: true } as const;
/** x(32,48) @ w(48,columns). */
const product = (columns: number): Tensor => matmul(data(32, 48), data(48, columns));
const rmsNorm = (x: Tensor): Tensor => x.div(sqrt(mean(x.square(), kept).add(1e-5)));

export const rowEpilogues: readonly FusionRow[] = [
  { row: 240, section: "B", expression: "argmax(x(32,48) @ w(48,64), 1)", aim: 1, outputs: () => [argmax(product(64), rows)] },
  {
    row: 241,
    section: "B",
    expression: "max(relu(x(128,32) @ w(32,64) + b(64)), 1)",
    aim: 1,
    outputs: () => [matmul(data(128, 32), data(32, 64)).add(data(64)).relu().max(rows)],
  },
  { row: 242, section: "D", expression: "softmax(x(32,48) @ w(48,64))", aim: 1, outputs: () => [softmax(product(64))] },
  { row: 243, section: "D", expression: "layerNorm(x(32,48) @ w(48,16) + b(16))", aim: 1, outputs: () => [layerNorm(product(16).add(data(16)), [16])] },
  { row: 244, section: "D", expression: "rmsNorm(x(32,48) @ w(48,16))", aim: 1, outputs: () => [rmsNorm(product(16))] },
  { row: 245, section: "B", expression: "logsumexp(x(32,48) @ w(48,10), 1)", aim: 1, outputs: () => [logsumexp(product(10), rows)] },
  {
    row: 246,
    section: "B",
    expression: "argmax(x(128,256) @ w(256,32), 1): on one lane tiles save more than the launch",
    aim: 2,
    today: { js: 2, wgsl: 1 },
    outputs: () => [argmax(matmul(data(128, 256), data(256, 32)), rows)],
    smaller: () => [argmax(matmul(data(128, 12), data(12, 8)), rows)],
  },
  {
    row: 247,
    section: "D",
    expression: "y = x(32,48) @ w(48,64) -> y, softmax(y): others need the rows",
    aim: 2,
    outputs: () => {
      const y = product(64);
      return [y, softmax(y)];
    },
  },
];
