/** The cases of kernel fusion: each as an expression of the library and by hand, over the same inputs. */
import { argmax, crossEntropy, divide, erf, exp, gelu, gradients, layerNorm, log, matmul, relu, softmax, sqrt, sum, tanh, tensor } from "../src/index.ts";
import type { Tensor } from "../src/index.ts";
import * as byHand from "./by-hand.js";
import { numbers } from "./numbers.ts";
import { trainingCases } from "./training-cases.ts";

export interface Case {
  readonly name: string;
  /** What is computed, for the reader of the table. */
  readonly formula: string;
  /** Bytes of distinct inputs and outputs: what one fused kernel must move. */
  readonly bytes: number;
  /** Records the expression; several results are computed in one plan. */
  readonly record: () => readonly Tensor[];
  /** Computes the same into `out`. */
  readonly byHand: () => void;
  /** Where `byHand` writes, one list a result. */
  readonly out: readonly (Float32Array | Int32Array)[];
  /** |got - want| ≤ atol + rtol · |want| */
  readonly rtol: number;
  readonly atol: number;
}

const bytesOf = (...lists: readonly { readonly byteLength: number }[]): number => lists.reduce((total, list) => total + list.byteLength, 0);

/** Sizes of the published cases over `shrink`: tests run them small. */
export type MakeCase = (shrink: number) => Case;

const chain: MakeCase = (shrink) => {
  const x = numbers(2 ** 22 / shrink, -3, 3);
  const out = new Float32Array(x.length);
  const t = tensor(x);
  return {
    name: "chain",
    formula: "tanh(x·a + b)·c + √|x|, 4M",
    bytes: bytesOf(x, out),
    record: () => [tanh(t.mul(1.5).add(0.25)).mul(2).add(sqrt(t.abs()))],
    byHand: () => byHand.chain(x, 1.5, 0.25, 2, out),
    out: [out],
    rtol: 1e-5,
    atol: 1e-5,
  };
};

const geluCase: MakeCase = (shrink) => {
  const x = numbers(2 ** 22 / shrink, -4, 4);
  const out = new Float32Array(x.length);
  const t = tensor(x);
  return {
    name: "gelu",
    formula: "gelu(x), tanh form, 4M",
    bytes: bytesOf(x, out),
    record: () => [gelu(t, { approximate: "tanh" })],
    byHand: () => byHand.gelu(x, out),
    out: [out],
    rtol: 1e-5,
    atol: 1e-5,
  };
};

const cheap: MakeCase = (shrink) => {
  const [x, y] = [numbers(2 ** 24 / shrink, -1, 1), numbers(2 ** 24 / shrink, -1, 1, 2)];
  const out = new Float32Array(x.length);
  const [a, b] = [tensor(x), tensor(y)];
  return {
    name: "cheap",
    formula: "x·2 + 1 - y·3, 16M",
    bytes: bytesOf(x, y, out),
    record: () => [a.mul(2).add(1).sub(b.mul(3))],
    byHand: () => byHand.cheap(x, y, out),
    out: [out],
    rtol: 1e-5,
    atol: 1e-6,
  };
};

function normalDistribution(x: Tensor): Tensor {
  return erf(x.mul(Math.SQRT1_2)).add(1).mul(0.5);
}

const blackScholes: MakeCase = (shrink) => {
  const n = 2 ** 20 / shrink;
  const [spot, strike, years] = [numbers(n, 5, 30), numbers(n, 1, 100, 2), numbers(n, 0.25, 10, 3)];
  const [rate, sigma] = [0.02, 0.3];
  const out = new Float32Array(n);
  const [s, k, t] = [tensor(spot), tensor(strike), tensor(years)];
  return {
    name: "bs",
    formula: "Black-Scholes price of a call, 1M",
    bytes: bytesOf(spot, strike, years, out),
    record: () => {
      const spread = sqrt(t).mul(sigma);
      const d1 = divide(log(divide(s, k)).add(t.mul(rate + 0.5 * sigma * sigma)), spread);
      const discounted = k.mul(exp(t.mul(-rate)));
      return [s.mul(normalDistribution(d1)).sub(discounted.mul(normalDistribution(d1.sub(spread))))];
    },
    byHand: () => byHand.blackScholes(spot, strike, years, rate, sigma, out),
    out: [out],
    rtol: 1e-4,
    atol: 1e-4,
  };
};

const sumCase: MakeCase = (shrink) => {
  const x = numbers(2 ** 24 / shrink, 0, 1);
  const out = new Float32Array(1);
  const t = tensor(x);
  return {
    name: "sum",
    formula: "sum(x), 16M",
    bytes: bytesOf(x, out),
    record: () => [sum(t)],
    byHand: () => byHand.sum(x, out),
    out: [out],
    rtol: 1e-5,
    atol: 0,
  };
};

/** Cases on rows of [4096, 1024]. */
function rows(
  name: string,
  build: (x: Tensor) => Tensor,
  hand: (x: Float32Array, width: number, out: Float32Array | Int32Array) => void,
  out: "same" | "row" | "index",
): MakeCase {
  return (shrink) => {
    const [height, width] = [4096 / shrink, 1024];
    const x = numbers(height * width, -5, 5);
    const t = tensor(x, { shape: [height, width] });
    const result = out === "index" ? new Int32Array(height) : new Float32Array(out === "row" ? height : x.length);
    return {
      name,
      formula: `${name} of each row, [4096,1024]`,
      bytes: bytesOf(x, result),
      record: () => [build(t)],
      byHand: () => hand(x, width, result),
      out: [result],
      rtol: 1e-4,
      atol: 1e-6,
    };
  };
}

const layerNormCase: MakeCase = (shrink) => {
  const [height, width] = [4096 / shrink, 1024];
  const [x, weight, bias] = [numbers(height * width, -5, 5), numbers(width, 0.5, 1.5, 2), numbers(width, -1, 1, 3)];
  const out = new Float32Array(x.length);
  const [t, w, b] = [tensor(x, { shape: [height, width] }), tensor(weight), tensor(bias)];
  return {
    name: "layernorm",
    formula: "layer norm with scale and shift of each row, [4096,1024]",
    bytes: bytesOf(x, weight, bias, out),
    record: () => [layerNorm(t, [width], w, b)],
    byHand: () => byHand.layerNorm(x, weight, bias, out),
    out: [out],
    rtol: 1e-4,
    atol: 1e-5,
  };
};

const matmulCase: MakeCase = (shrink) => {
  const n = 512 / shrink;
  const [a, b] = [numbers(n * n, -1, 1), numbers(n * n, -1, 1, 2)];
  const out = new Float32Array(n * n);
  const [x, y] = [tensor(a, { shape: [n, n] }), tensor(b, { shape: [n, n] })];
  return {
    name: "matmul",
    formula: "[512,512]·[512,512]",
    bytes: bytesOf(a, b, out),
    record: () => [matmul(x, y)],
    byHand: () => byHand.matmul(a, b, [n, n, n], out),
    out: [out],
    rtol: 1e-4,
    atol: 1e-4,
  };
};

const batchMatmul: MakeCase = (shrink) => {
  const batch = 32 / Math.min(shrink, 16);
  const [m, k, n] = [128, 64, 128];
  const [a, b] = [numbers(batch * m * k, -1, 1), numbers(batch * k * n, -1, 1, 2)];
  const out = new Float32Array(batch * m * n);
  const [x, y] = [tensor(a, { shape: [batch, m, k] }), tensor(b, { shape: [batch, k, n] })];
  return {
    name: "bmm",
    formula: "32 × [128,64]·[64,128]",
    bytes: bytesOf(a, b, out),
    record: () => [matmul(x, y)],
    byHand: () => byHand.batchMatmul(a, b, batch, [m, k, n], out),
    out: [out],
    rtol: 1e-4,
    atol: 1e-4,
  };
};

const dense: MakeCase = (shrink) => {
  const n = 1024 / shrink;
  const [a, b, bias] = [numbers(n * n, -0.1, 0.1), numbers(n * n, -1, 1, 2), numbers(n, -1, 1, 3)];
  const out = new Float32Array(n * n);
  const [x, y, z] = [tensor(a, { shape: [n, n] }), tensor(b, { shape: [n, n] }), tensor(bias)];
  return {
    name: "dense",
    formula: "gelu([1024,1024]·[1024,1024] + bias)",
    bytes: bytesOf(a, b, bias, out),
    record: () => [gelu(matmul(x, y).add(z), { approximate: "tanh" })],
    byHand: () => byHand.dense(a, b, bias, [n, n, n], out),
    out: [out],
    rtol: 1e-4,
    atol: 1e-4,
  };
};

const mlp: MakeCase = (shrink) => {
  const batch = 128 / Math.min(shrink, 16);
  const widths = [784, 512 / shrink, 512 / shrink, 10];
  const x = numbers(batch * 784, 0, 1);
  const labels = Int32Array.from({ length: batch }, (_, i) => i % 10);
  const layers = widths.slice(1).map((width, i) => {
    const inputs = widths[i] ?? 0;
    const reach = Math.sqrt(6 / inputs);
    return { weight: numbers(inputs * width, -reach, reach, i + 2), bias: numbers(width, -0.1, 0.1, i + 9), shape: [inputs, width] };
  });
  const results = layers.map((l) => ({ weight: new Float32Array(l.weight.length), bias: new Float32Array(l.bias.length) }));
  const lossOut = new Float32Array(1);
  const [images, targets] = [tensor(x, { shape: [batch, 784] }), tensor(labels)];
  const cells = layers.map((l) => ({ weight: tensor(l.weight, { shape: l.shape, requiresGrad: true }), bias: tensor(l.bias, { requiresGrad: true }) }));
  return {
    name: "mlp",
    formula: "one step of gradient descent, batch 128, 784-512-512-10",
    bytes: bytesOf(x, labels, lossOut) + 2 * layers.reduce((total, l) => total + bytesOf(l.weight, l.bias), 0),
    record: () => {
      const forward = cells.reduce((h, { weight, bias }, i) => (i === 0 ? h : relu(h)).matmul(weight).add(bias), images);
      const loss = crossEntropy(forward, targets);
      const all = cells.flatMap(({ weight, bias }) => [weight, bias]);
      const stepped = gradients(loss, all).map((g, i) => (all[i] ?? g).detach().sub(g.mul(0.1)));
      return [loss, ...stepped];
    },
    byHand: () => {
      lossOut[0] = byHand.mlpStep(x, labels, layers, 0.1, results);
    },
    out: [lossOut, ...results.flatMap((r) => [r.weight, r.bias])],
    rtol: 1e-3,
    atol: 1e-4,
  };
};

const asFloats = (out: Float32Array | Int32Array): Float32Array => (out instanceof Float32Array ? out : new Float32Array(out.buffer));
const asIndices = (out: Float32Array | Int32Array): Int32Array => (out instanceof Int32Array ? out : new Int32Array(out.buffer));

/** In the order of the table. */
export const cases: readonly MakeCase[] = [
  chain,
  geluCase,
  cheap,
  blackScholes,
  sumCase,
  rows(
    "softmax",
    (x) => softmax(x),
    (x, width, out) => byHand.softmax(x, width, asFloats(out)),
    "same",
  ),
  layerNormCase,
  rows(
    "argmax",
    (x) => argmax(x, { axis: 1 }),
    (x, width, out) => byHand.argmax(x, width, asIndices(out)),
    "index",
  ),
  rows(
    "var",
    (x) => x.var({ axis: 1 }),
    (x, width, out) => byHand.variance(x, width, asFloats(out)),
    "row",
  ),
  matmulCase,
  batchMatmul,
  dense,
  mlp,
  ...trainingCases,
];
