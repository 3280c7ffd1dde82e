import { describe, expect, it } from "vitest";
import {
  array,
  batchNorm,
  bceLoss,
  bceWithLogits,
  cosineSimilarity,
  crossEntropy,
  dropout,
  embedding,
  grad,
  groupNorm,
  hessian,
  huberLoss,
  klDiv,
  layerNorm,
  linear,
  logSoftmax,
  mseLoss,
  nllLoss,
  nn,
  random,
  normalize,
  rmsNorm,
  scaledDotProductAttention,
  smoothL1Loss,
  softmax,
  sum,
  tensor,
} from "../../src/index.ts";
import type { Lazy, NDArray, Tensor } from "../../src/index.ts";

const int = (data: number | readonly number[]): NDArray => array(data, { dtype: "int32" });
/** The elements in order, without the signs of zeros. */
const flat = (x: NDArray): number[] => Array.from(x.dataSync(), (v) => v + 0);
const gradient = (f: (x: NDArray) => NDArray, x: NDArray): number[] => flat(grad<NDArray>(f)(x));
const inf = Number.POSITIVE_INFINITY;

describe("softmax and its logarithm", () => {
  it("-Infinity counts as absent, in value and gradient", () => {
    expect(softmax(array([0, -inf, 0])).tolist()).toEqual([0.5, 0, 0.5]);
    expect(gradient((x) => softmax(x).at(0), array([0, -inf, 0]))).toEqual([0.25, 0, -0.25]);
    expect(gradient((x) => logSoftmax(x).at(0), array([0, -inf, 0]))).toEqual([0.5, 0, -0.5]);
  });
  it("large elements do not overflow", () => {
    expect(softmax(tensor([1e30, 1e30])).tolist()).toEqual([0.5, 0.5]);
    expect(logSoftmax(array([1000, 0])).tolist()).toEqual([0, -1000]);
  });
  it("takes the axis as a number, an option, or PyTorch's dim", () => {
    const x = tensor([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    const quarter = Array.from({ length: 4 }, () => [0.25, 0.25]);
    expect([softmax(x, 0), softmax(x, { axis: 0 }), softmax(x, { dim: -2 })].map((y) => y.tolist())).toEqual([quarter, quarter, quarter]);
    expect(() => softmax(x, 2)).toThrow("softmax: axis 2 is out of range");
  });
  it("integers become the face's float", () => {
    expect([softmax(tensor([1, 1], { dtype: "int32" })).dtype, softmax(int([1, 1])).dtype]).toEqual(["float32", "float64"]);
  });
});

describe("cross entropy", () => {
  const logits = array([
    [1, 2, 3],
    [0, 0, 0],
  ]);
  it("a class that is ruled out does no harm where it is not the target", () => {
    const f = (x: NDArray): NDArray => crossEntropy(x, int([0]));
    expect(f(array([[0, -inf, 0]])).item()).toBeCloseTo(Math.log(2), 12);
    expect(gradient(f, array([[0, -inf, 0]]))).toEqual([-0.5, 0, 0.5]);
  });
  it("probabilities of one class are that class", () => {
    const byIndex = flat(crossEntropy(logits, int([2, 0]), { reduction: "none", labelSmoothing: 0.1 }));
    const byProbability = crossEntropy(
      logits,
      array([
        [0, 0, 1],
        [1, 0, 0],
      ]),
      { reduction: "none", labelSmoothing: 0.1 },
    );
    flat(byProbability).forEach((x, i) => expect(x).toBeCloseTo(byIndex[i] ?? Number.NaN, 13));
  });
  it("weights go by position or by name", () => {
    const w = array([1, 2, 4]);
    const byName = crossEntropy(logits, int([2, 0]), { weight: w }).item();
    expect(crossEntropy(logits, int([2, 0]), w).item()).toBe(byName);
    expect(nllLoss(logSoftmax(logits), int([2, 0]), w).item()).toBeCloseTo(Number(byName), 12);
  });
  it("ignored targets leave the sum and the mean; where all are, the mean is NaN", () => {
    const one = crossEntropy(array([[1, 2, 3]]), int([2])).item();
    expect(crossEntropy(logits, int([2, -100])).item()).toBe(one);
    expect(crossEntropy(logits, int([-100, -100]), { reduction: "sum" }).item()).toBe(0);
    expect(crossEntropy(logits, int([-100, -100])).item()).toBeNaN();
  });
  it.each([
    [() => crossEntropy(logits, int([1, 2, 0])), "crossEntropy: the target of f64[2,3] is i32[3]; class indices have the shape [2]"],
    [() => crossEntropy(logits, int([1, 3])), "crossEntropy: class 3 is out of range: they are 0 to 2, or -100 to be ignored"],
    [() => crossEntropy(logits, array([true, false])), "crossEntropy: targets are class indices (integers) or probabilities (floats), not bool"],
    [() => crossEntropy(logits, array([[1, 0, 0]])), "crossEntropy: probabilities as targets need the logits' shape [2,3], not f64[1,3]"],
    [() => crossEntropy(logits, int([0, 1]), array([1, 2])), "crossEntropy: weight is f64[2]; it has one factor for each of the 3 classes"],
    [() => crossEntropy(array(1), int(0)), "crossEntropy: a scalar has no class axis"],
    // @ts-expect-error a reduction that is none
    [() => crossEntropy(logits, int([0, 1]), { reduction: "all" }), 'crossEntropy: reduction "all" is unknown. Use one of "mean", "sum", "none"'],
    [() => nllLoss(logits, array([0, 1])), "nllLoss: indices are integers, not f64[2]"],
  ])("bad input %#", (call, message) => {
    expect(call).toThrow(message);
  });
});

describe("losses at the edges", () => {
  it("bceLoss bounds its logarithms, and its gradient stays finite", () => {
    expect(flat(bceLoss(array([0, 1, 0, 1]), array([0, 1, 1, 0]), { reduction: "none" }))).toEqual([0, 0, 100, 100]);
    expect(gradient((p) => bceLoss(p, array([0, 1]), { reduction: "sum" }), array([0, 1]))).toEqual([1, -1]);
    expect(bceLoss(array([Number.NaN]), array([1])).item()).toBeNaN();
  });
  it("bceWithLogits neither overflows nor loses small losses", () => {
    expect(bceWithLogits(array([800, -800, 800]), array([1, 0, 0]), { reduction: "none" }).tolist()).toEqual([0, 0, 800]);
    expect(bceWithLogits(array([40]), array([1])).item()).toBeCloseTo(Math.exp(-40), 30);
  });
  it("bceWithLogits is smooth at 0 to the second order", () => {
    expect(hessian<NDArray>((x) => bceWithLogits(x, array([1]), { reduction: "sum" }))(array([0])).tolist()).toEqual([[0.25]]);
  });
  it("far differences do not poison the gradient of near branches", () => {
    expect(gradient((x) => huberLoss(x, 0, { reduction: "sum" }), array([1e200, 0.5, -inf]))).toEqual([1, 0.5, -1]);
    expect(gradient((x) => smoothL1Loss(x, 0, { reduction: "sum", beta: 2 }), array([1e200, 0.5, inf]))).toEqual([1, 0.25, 1]);
  });
  it("klDiv is 0 where the target is, and knows batches", () => {
    expect(klDiv(array([-1, -1]), array([0, 1]), { reduction: "none" }).tolist()).toEqual([0, 1]);
    expect(
      klDiv(
        array([
          [-1, -1],
          [-1, -1],
        ]),
        array([
          [0, 1],
          [0, 1],
        ]),
        { reduction: "batchmean" },
      ).item(),
    ).toBe(1);
    expect(() => klDiv(array(0), array(1), { reduction: "batchmean" })).toThrow("klDiv: f64[] has no batch axis");
  });
  it("shapes broadcast, or the error names them", () => {
    expect(mseLoss(array([1, 3]), 1).item()).toBe(2);
    expect(() => mseLoss(array([1, 2]), array([1, 2, 3]))).toThrow("mseLoss: f64[2] and f64[3] do not broadcast");
  });
});

describe("lengths", () => {
  it("zero vectors have gradient 0", () => {
    expect(gradient((x) => sum(normalize(x, { axis: 0 })), array([0, 0]))).toEqual([1e12, 1e12]);
    expect(gradient((x) => sum(cosineSimilarity(x, array([[0, 0]]))), array([[0, 0]]))).toEqual([0, 0]);
    expect(gradient((x) => sum(normalize(x, { axis: 0, ord: 3 })), array([0, 8])).every(Number.isFinite)).toBe(true);
  });
  it("normalize knows other orders", () => {
    expect(normalize(array([[3, -4]]), { ord: inf }).tolist()).toEqual([[0.75, -1]]);
    expect(normalize(array([[3, -4]]), { ord: 1 }).tolist()).toEqual([[3 / 7, -4 / 7]]);
  });
});

describe("normalisations", () => {
  it("a constant row becomes the bias", () => {
    expect(layerNorm(array([[5, 5]]), [2], array([3, 3]), array([1, 2])).tolist()).toEqual([[1, 2]]);
  });
  it("weight and bias go by position or by name", () => {
    const [x, w, b] = [array([[1, 2, 4]]), array([1, 2, 3]), array([0, 1, 2])];
    expect(layerNorm(x, [3], { weight: w, bias: b, eps: 0.1 }).tolist()).toEqual(layerNorm(x, 3, w, b, { eps: 0.1 }).tolist());
    expect(layerNorm(x, [3], null, b).tolist()).toEqual(layerNorm(x, [3], { bias: b }).tolist());
  });
  it("training gives new running values, with the unbiased variance", () => {
    const x = array([[1], [3]]);
    const [y, mean, variance] = batchNorm(x, array([0]), array([1]), { training: true, momentum: 0.5, eps: 0 });
    expect([y.tolist(), mean.tolist(), variance.tolist()]).toEqual([[[-1], [1]], [1], [1.5]]);
  });
  it.each([
    [() => layerNorm(array([[1, 2]]), [3]), "layerNorm: normalizedShape [3] must be the last axes of f64[1,2]"],
    [() => layerNorm(array([[1, 2]]), [2], array([1])), "layerNorm: weight is f64[1], it must have the shape [2]"],
    [() => rmsNorm(array([1, 2]), []), "rmsNorm: normalizedShape [] must be the last axes of f64[2]"],
    [
      () => rmsNorm(array([[1, 2]]), JSON.parse('{"a weight": "in its place"}')),
      "rmsNorm: normalizedShape is no list. Give the lengths of the last axes: rmsNorm(x, [2], weight).",
    ],
    [() => batchNorm(array([1]), array([0]), array([1])), "batchNorm: f64[1] has no channel axis"],
    [() => batchNorm(array([[1, 2]]), array([0]), array([1])), "batchNorm: runningMean is f64[1], it must have the shape [2]"],
    [() => groupNorm(array([[[1], [2], [3]]]), 2), "groupNorm: 3 channels do not divide into 2 groups"],
  ])("bad input %#", (call, message) => {
    expect(call).toThrow(message);
  });
});

describe("layers", () => {
  it("linear keeps leading axes, also none", () => {
    const w = array([
      [1, 0, 2],
      [0, 1, 0],
    ]);
    expect(linear(array([1, 2, 3]), w, array([10, 20])).tolist()).toEqual([17, 22]);
    expect(linear(array([[[1, 2, 3]]]), w).shape).toEqual([1, 1, 2]);
  });
  it.each([
    [() => linear(array([[1, 2]]), array([[1, 2, 3]])), "linear: inner axes differ: f64[1,2] and the weight f64[1,3] (2 ≠ 3)"],
    [() => linear(array([[1, 2]]), array([[1, 2]]), array([1, 2])), "linear: the bias is f64[2]; it has one number for each of the 1 results"],
    [() => embedding(int([3]), array([[1], [2]])), "embedding: row 3 is out of range: they are 0 to 1"],
    [() => embedding(int([0]), array([1])), "embedding: the table is f64[1]; it is (rows, width)"],
    [() => embedding(array([0.5]), array([[1]])), "embedding: indices are integers, not f64[1]"],
    [() => linear<Lazy>(tensor([[1]]), array([[1]])), "linear: mixes an array and a tensor"],
  ])("bad input %#", (call, message) => {
    expect(call).toThrow(message);
  });
});

describe("dropout", () => {
  const x = tensor(new Float32Array(4000).fill(3));
  it("drops the share asked for, scales the rest, and lets gradients through where it kept", () => {
    const y = dropout(x, random.key(1), { p: 0.25 }).dataSync();
    expect([...new Set(y)].toSorted((a, b) => a - b)).toEqual([0, 4]);
    expect(Math.abs(y.filter((v) => v === 0).length / 4000 - 0.25)).toBeLessThan(0.03);
    const g = grad((v: Tensor) => sum(dropout(v, random.key(1), { p: 0.25 })))(x).dataSync();
    expect(g).toEqual(y.map((v) => v && Math.fround(1 / 0.75)));
  });
  it("does nothing where it is not training", () => {
    expect(dropout(x, random.key(1), { training: false }).dataSync()).toEqual(x.dataSync());
    expect(() => dropout(x, random.key(1), { p: 1 })).toThrow("dropout: p 1 is no share");
  });
});

describe("attention", () => {
  const q = array([
    [1, 0],
    [0, 1],
  ]);
  it("causal is the mask of the lower triangle", () => {
    const mask = array([
      [true, false],
      [true, true],
    ]);
    expect(scaledDotProductAttention(q, q, q, { isCausal: true }).tolist()).toEqual(scaledDotProductAttention(q, q, q, mask).tolist());
    expect(scaledDotProductAttention(q, q, q, { isCausal: true }).at(0).tolist()).toEqual([1, 0]);
  });
  it.each([
    [() => scaledDotProductAttention(q, array([[1, 2, 3]]), q), "queries and keys differ in width"],
    [() => scaledDotProductAttention(q, q, array([[1, 2]])), "keys and values differ in number"],
    [() => scaledDotProductAttention(q, q, q, array([[true, false, true]])), "the mask bool[1,3] does not broadcast to the scores [2,2]"],
    [() => scaledDotProductAttention(q, q, q, int([1, 0])), "the mask is bool or float, not i32[2]"],
  ])("bad input %#", (call, message) => {
    expect(call).toThrow(message);
  });
});

it("the namespace holds the same functions", () => {
  expect(nn.softmax).toBe(softmax);
  expect(nn.crossEntropy).toBe(crossEntropy);
});
