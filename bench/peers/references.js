/**
 * What is right, in float64 by plain loops. Contractions are too long to be done in full: some of their elements are, drawn over the
 * whole result. Plain JavaScript for the reason that by-hand.js gives; references.d.ts has the types.
 */
import * as byHand from "../by-hand.js";

/** A whole result. */
const whole = (values) => ({ length: values.length, positions: null, values });

/** Some elements of a result. */
function sampled(length, count, valueAt) {
  const some = Math.min(length, count);
  // The golden ratio's multiples are spread evenly over the result, in no rhythm with its rows.
  const positions = Int32Array.from({ length: some }, (_, i) => (some === length ? i : Math.floor(((i * 0.6180339887498949) % 1) * length)));
  return { length, positions, values: Float64Array.from(positions, valueAt) };
}

/** The series of all positive terms; 1 from where float64 says so. */
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [term, total] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

const cdf = (x) => 0.5 * (1 + erf(x * Math.SQRT1_2));

function blackScholes([spot, strike, years], rate, sigma) {
  return Float64Array.from(spot.data, (s, i) => {
    const [k, t] = [strike.data[i], years.data[i]];
    const spread = sigma * Math.sqrt(t);
    const d1 = (Math.log(s / k) + (rate + 0.5 * sigma * sigma) * t) / spread;
    return s * cdf(d1) - k * Math.exp(-rate * t) * cdf(d1 - spread);
  });
}

/** Element `at` of a (…,m,k) · b (…,k,n). */
function productAt(a, b, at) {
  const [m, k] = a.shape.slice(-2);
  const n = b.shape.at(-1);
  const [batch, row, column] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
  let total = 0;
  for (let p = 0; p < k; p++) total += a.data[(batch * m + row) * k + p] * b.data[(batch * k + p) * n + column];
  return total;
}

const outputLength = (a, b) => (a.data.length / a.shape.at(-1)) * b.shape.at(-1);
const geluOf = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

/** Row `row` of softmax(q · kᵀ / √width) · v, over all heads; with `causal`, none looks at those after it. */
function attentionRow(q, k, v, row, causal) {
  const [all, width] = q.shape.slice(-2);
  const head = Math.floor(row / all) * all;
  const length = causal ? (row % all) + 1 : all;
  const scores = new Float64Array(length);
  for (let j = 0; j < length; j++) {
    for (let p = 0; p < width; p++) scores[j] += q.data[row * width + p] * k.data[(head + j) * width + p];
    scores[j] /= Math.sqrt(width);
  }
  byHand.softmax(scores.slice(), length, scores);
  return Float64Array.from({ length: width }, (_, p) => scores.reduce((total, s, j) => total + s * v.data[(head + j) * width + p], 0));
}

function attention([q, k, v], causal) {
  const width = q.shape.at(-1);
  const rows = sampled(q.data.length / width, 32, () => 0).positions;
  const positions = Int32Array.from({ length: rows.length * width }, (_, i) => rows[Math.floor(i / width)] * width + (i % width));
  const values = new Float64Array(positions.length);
  rows.forEach((row, i) => values.set(attentionRow(q, k, v, row, causal), i * width));
  return { length: q.data.length, positions, values };
}

/** Element `at` of the convolution of x (1,c,h,w) with kernels w (o,c,3,3), padded by 1. */
function convolvedAt(x, w, at) {
  const [, channels, height, width] = x.shape;
  const [to, row, column] = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width];
  let total = 0;
  for (let c = 0; c < channels; c++) {
    for (let tap = 0; tap < 9; tap++) {
      const [i, j] = [row + Math.floor(tap / 3) - 1, column + (tap % 3) - 1];
      if (i < 0 || j < 0 || i >= height || j >= width) continue;
      total += x.data[(c * height + i) * width + j] * w.data[(to * channels + c) * 9 + tap];
    }
  }
  return total;
}

/** Element `at` of the gradient of the mean cross entropy by the logits. */
function slopeAt(x, labels, at) {
  const [height, width] = x.shape;
  const row = Math.floor(at / width);
  const scores = Float64Array.from(x.data.subarray(row * width, (row + 1) * width));
  byHand.softmax(scores.slice(), width, scores);
  return (scores[at % width] - (at % width === labels.data[row] ? 1 : 0)) / height;
}

function mlp([x, labels, ...parameters]) {
  const wide = (input) => Float64Array.from(input.data);
  const layers = [0, 2, 4].map((i) => ({ weight: wide(parameters[i]), bias: wide(parameters[i + 1]) }));
  const out = layers.map((l) => ({ weight: new Float64Array(l.weight.length), bias: new Float64Array(l.bias.length) }));
  const loss = byHand.mlpStep(wide(x), labels.data, layers, 0.1, out);
  return [Float64Array.of(loss), ...out.flatMap((l) => [l.weight, l.bias])].map(whole);
}

const filled = (length, fill) => {
  const out = new Float64Array(length);
  fill(out);
  return [whole(out)];
};

/** By the name of the program. */
export const references = {
  chain: ([x]) => filled(x.data.length, (out) => byHand.chain(x.data, 1.5, 0.25, 2, out)),
  gelu: ([x]) => filled(x.data.length, (out) => byHand.gelu(x.data, out)),
  cheap: ([x, y]) => filled(x.data.length, (out) => byHand.cheap(x.data, y.data, out)),
  bs: (inputs) => [whole(blackScholes(inputs, 0.02, 0.3))],
  sum: ([x]) => filled(1, (out) => byHand.sum(x.data, out)),
  softmax: ([x]) => filled(x.data.length, (out) => byHand.softmax(x.data, x.shape[1], out)),
  layernorm: ([x, w, b]) => filled(x.data.length, (out) => byHand.layerNorm(x.data, w.data, b.data, out)),
  argmax: ([x]) => filled(x.shape[0], (out) => byHand.argmax(x.data, x.shape[1], out)),
  var: ([x]) => filled(x.shape[0], (out) => byHand.variance(x.data, x.shape[1], out)),
  matmul: ([a, b]) => [sampled(outputLength(a, b), 4096, (at) => productAt(a, b, at))],
  dense: ([a, b, bias]) => [sampled(outputLength(a, b), 4096, (at) => geluOf(productAt(a, b, at) + bias.data[at % bias.data.length]))],
  attention: (inputs) => [attention(inputs, false)],
  "causal-attention": (inputs) => [attention(inputs, true)],
  "softmax-gradient": ([x, g]) => filled(x.data.length, (out) => byHand.softmaxGradient(x.data, g.data, x.shape[1], out)),
  "layernorm-gradient": ([x, g, w]) => {
    const out = [x, w, w].map(({ data }) => new Float64Array(data.length));
    byHand.layerNormGradient(x.data, w.data, g.data, out);
    return out.map(whole);
  },
  adamw: (inputs) => {
    const out = [0, 1, 2].map(() => new Float64Array(inputs[0].data.length));
    byHand.adamw(
      inputs.map(({ data }) => data),
      out,
    );
    return out.map(whole);
  },
  "cross-entropy": ([x, labels]) => [whole(Float64Array.of(byHand.crossEntropy(x.data, labels.data, x.shape[1], null)))],
  "cross-entropy-gradient": ([x, labels]) => [
    whole(Float64Array.of(byHand.crossEntropy(x.data, labels.data, x.shape[1], null))),
    sampled(x.data.length, 1024, (at) => slopeAt(x, labels, at)),
  ],
  conv: ([x, w]) => [sampled((x.data.length / x.shape[1]) * w.shape[0], 4096, (at) => convolvedAt(x, w, at))],
  mlp,
  tiny: ([x, y]) => [whole(Float64Array.from(x.data, (v, i) => v * y.data[i]))],
  chained: ([x, y]) => [
    whole(Float64Array.from(x.data, (v, i) => Array.from({ length: 100 }).reduce((r, _, k) => (k % 2 === 0 ? r * y.data[i] : r + y.data[i]), v))),
  ],
};
