/** What training is made of, over operands by name: for the cases of fusion and for the race with peers. */
import { crossEntropy, gradients, layerNorm, scaledDotProductAttention, softmax, sqrt } from "../src/index.ts";
import type { Tensor } from "../src/index.ts";

export type Program = (get: (name: string) => Tensor) => readonly Tensor[];

/** The tenth step of AdamW by torch's numbers, from parameters, gradients and running means that are all given. */
const adamw: Program = (get) => {
  const [p, g] = [get("p"), get("g")];
  const mean = get("m").mul(0.9).add(g.mul(0.1));
  const square = get("v").mul(0.999).add(g.square().mul(0.001));
  const root = sqrt(square)
    .mul(1 / Math.sqrt(1 - 0.999 ** 10))
    .add(1e-8);
  const step = mean.div(root).mul(1e-3 / (1 - 0.9 ** 10));
  return [p.mul(1 - 1e-5).sub(step), mean, square];
};

const lossAndSlopes: Program = (get) => {
  const x = get("x");
  const loss = crossEntropy(x, get("labels"));
  return [loss, ...gradients(loss, [x])];
};

/** Operands that gradients are taken of, by program. */
export const differentiated: Readonly<Record<string, readonly string[]>> = {
  "softmax-gradient": ["x"],
  "layernorm-gradient": ["x", "w", "b"],
  "cross-entropy-gradient": ["x"],
};

export const trainingPrograms: Readonly<Record<string, Program>> = {
  attention: (get) => [scaledDotProductAttention(get("q"), get("k"), get("v"))],
  "causal-attention": (get) => [scaledDotProductAttention(get("q"), get("k"), get("v"), { isCausal: true })],
  "softmax-gradient": (get) => gradients(softmax(get("x")).mul(get("g")).sum(), [get("x")]),
  "layernorm-gradient": (get) => {
    const [x, w, b] = [get("x"), get("w"), get("b")];
    return gradients(layerNorm(x, w.shape, w, b).mul(get("g")).sum(), [x, w, b]);
  },
  adamw,
  "cross-entropy": (get) => [crossEntropy(get("x"), get("labels"))],
  "cross-entropy-gradient": lossAndSlopes,
};
