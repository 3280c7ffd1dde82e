/** Fusion cases of rows that are long: what is kept of them from one loop to the next, and what is read of them at one place. */
import type { Tensor } from "../../src/index.ts";
import { crossEntropy, exp, gradients, layerNorm, softmax, tensor } from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data, drawn, placed } from "./row.ts";

const rows = { axis: 1 } as const;
const kept = { axis: 1, keepdims: true } as const;

/** Logits, and a class for each of their rows. */
function classified(count: number, classes: number): { readonly logits: Tensor; readonly target: Tensor } {
  const target = placed(
    drawn([count])
      .abs()
      .mul(classes / 8)
      .astype("int32"),
  );
  return { logits: tensor(data(count, classes), { requiresGrad: true }), target };
}

function softmaxGradient(x: Tensor, g: Tensor): Tensor {
  const y = softmax(x, rows);
  return y.mul(g.sub(y.mul(g).sum(kept)));
}

export const longRows: readonly FusionRow[] = [
  {
    row: 280,
    section: "D",
    expression: "softmax(x(32,10000)): its exponentials stay near a core",
    aim: 1,
    keepsRows: true,
    // the interpreter adds up one by one
    slack: 100,
    outputs: () => [softmax(data(32, 10000), rows)],
    smaller: () => [softmax(data(4, 300), rows)],
  },
  {
    row: 281,
    section: "D",
    expression: "y (g - sum(y g, 1)) of y = softmax(x(32,10000))",
    aim: 1,
    keepsRows: true,
    // the interpreter adds up one by one
    slack: 100,
    outputs: () => [softmaxGradient(data(32, 10000), data(32, 10000))],
    smaller: () => [softmaxGradient(data(4, 200), data(4, 200))],
  },
  {
    row: 282,
    section: "D",
    expression: "layerNorm(exp(x(32,10000)))",
    aim: 1,
    keepsRows: true,
    // the interpreter adds up one by one
    slack: 100,
    outputs: () => [layerNorm(exp(data(32, 10000)), [10000])],
    smaller: () => [layerNorm(exp(data(4, 200)), [200])],
  },
  {
    row: 283,
    section: "F",
    expression: "crossEntropy(x(64,1000), t(64)): the logits of the targets are read, not looked for",
    aim: 2,
    reductions: 3,
    outputs: () => {
      const { logits, target } = classified(64, 1000);
      return [crossEntropy(logits, target)];
    },
  },
  {
    row: 284,
    section: "F",
    expression: "loss = crossEntropy(x(32,10000), t(32)), dx",
    aim: 3,
    reductions: 4,
    outputs: () => {
      const { logits, target } = classified(32, 10000);
      const loss = crossEntropy(logits, target);
      return [loss, ...gradients(loss, [logits])];
    },
    smaller: () => {
      const { logits, target } = classified(4, 300);
      const loss = crossEntropy(logits, target);
      return [loss, ...gradients(loss, [logits])];
    },
  },
];
