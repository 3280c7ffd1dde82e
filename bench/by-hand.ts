/** The cases written by hand in plain JavaScript, each as one fused loop: what a careful person would write without a library. */
const erf = (x: number): number => {
  // Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7.
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const y = 1 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x);
  return x < 0 ? -y : y;
};
const cdf = (x: number): number => 0.5 * (1 + erf(x * Math.SQRT1_2));
const geluOf = (x: number): number => 0.5 * x * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));

// Loops index within the lengths of their arrays; `num` states that where the type checker cannot see it.
const num = (x: number | undefined): number => x ?? Number.NaN;

export function chain(x: Float32Array, a: number, b: number, c: number, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) {
    const v = num(x[i]);
    out[i] = Math.tanh(v * a + b) * c + Math.sqrt(Math.abs(v));
  }
}

export function gelu(x: Float32Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = geluOf(num(x[i]));
}

export function cheap(x: Float32Array, y: Float32Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = num(x[i]) * 2 + 1 - num(y[i]) * 3;
}

/** The price of a European call: spot, strike and years an option, one rate and volatility. */
export function blackScholes(spot: Float32Array, strike: Float32Array, years: Float32Array, rate: number, sigma: number, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) {
    const [s, k, t] = [num(spot[i]), num(strike[i]), num(years[i])];
    const spread = sigma * Math.sqrt(t);
    const d1 = (Math.log(s / k) + (rate + 0.5 * sigma * sigma) * t) / spread;
    out[i] = s * cdf(d1) - k * Math.exp(-rate * t) * cdf(d1 - spread);
  }
}

export function sum(x: Float32Array, out: Float32Array): void {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += num(x[i]);
  out[0] = total;
}

export function softmax(x: Float32Array, width: number, out: Float32Array): void {
  for (let start = 0; start < x.length; start += width) {
    let largest = -Infinity;
    for (let j = 0; j < width; j++) largest = Math.max(largest, num(x[start + j]));
    let total = 0;
    for (let j = 0; j < width; j++) {
      const e = Math.exp(num(x[start + j]) - largest);
      out[start + j] = e;
      total += e;
    }
    const scale = 1 / total;
    for (let j = 0; j < width; j++) out[start + j] = num(out[start + j]) * scale;
  }
}

function meanAndVariance(x: Float32Array, start: number, width: number): readonly [number, number] {
  let total = 0;
  for (let j = 0; j < width; j++) total += num(x[start + j]);
  const mean = total / width;
  let squares = 0;
  for (let j = 0; j < width; j++) {
    const d = num(x[start + j]) - mean;
    squares += d * d;
  }
  return [mean, squares / width];
}

export function layerNorm(x: Float32Array, weight: Float32Array, bias: Float32Array, out: Float32Array): void {
  const width = weight.length;
  for (let start = 0; start < x.length; start += width) {
    const [mean, variance] = meanAndVariance(x, start, width);
    const scale = 1 / Math.sqrt(variance + 1e-5);
    for (let j = 0; j < width; j++) out[start + j] = (num(x[start + j]) - mean) * scale * num(weight[j]) + num(bias[j]);
  }
}

export function variance(x: Float32Array, width: number, out: Float32Array): void {
  for (let row = 0; row < out.length; row++) out[row] = meanAndVariance(x, row * width, width)[1];
}

export function argmax(x: Float32Array, width: number, out: Int32Array): void {
  for (let row = 0; row < out.length; row++) {
    let best = 0;
    let largest = num(x[row * width]);
    for (let j = 1; j < width; j++) {
      const v = num(x[row * width + j]);
      if (v > largest) {
        largest = v;
        best = j;
      }
    }
    out[row] = best;
  }
}

/** out (m,n) += a (m,k) · b (k,n), from element offsets on. Rows of b are read in order, which is what makes it fast in JavaScript. */
function accumulate(
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  [m, k, n]: readonly [number, number, number],
  at: readonly [number, number, number] = [0, 0, 0],
): void {
  const [a0, b0, c0] = at;
  for (let i = 0; i < m; i++) {
    const row = c0 + i * n;
    for (let p = 0; p < k; p++) {
      const f = num(a[a0 + i * k + p]);
      const from = b0 + p * n;
      for (let j = 0; j < n; j++) out[row + j] = num(out[row + j]) + f * num(b[from + j]);
    }
  }
}

export function matmul(a: Float32Array, b: Float32Array, size: readonly [number, number, number], out: Float32Array): void {
  out.fill(0);
  accumulate(a, b, out, size);
}

export function batchMatmul(a: Float32Array, b: Float32Array, batch: number, size: readonly [number, number, number], out: Float32Array): void {
  const [m, k, n] = size;
  out.fill(0);
  for (let i = 0; i < batch; i++) accumulate(a, b, out, size, [i * m * k, i * k * n, i * m * n]);
}

export function dense(a: Float32Array, b: Float32Array, bias: Float32Array, size: readonly [number, number, number], out: Float32Array): void {
  matmul(a, b, size, out);
  for (let i = 0; i < out.length; i++) out[i] = geluOf(num(out[i]) + num(bias[i % bias.length]));
}

/** out (k,n) = aᵀ · g: a (m,k), g (m,n). */
function transposeLeft(a: Float32Array, g: Float32Array, [m, k, n]: readonly [number, number, number]): Float32Array {
  const out = new Float32Array(k * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const f = num(a[i * k + p]);
      if (f === 0) continue;
      for (let j = 0; j < n; j++) out[p * n + j] = num(out[p * n + j]) + f * num(g[i * n + j]);
    }
  }
  return out;
}

/** out (m,k) = g · bᵀ where the activation `h` (m,k) is positive, else 0: g (m,n), b (k,n). */
function transposeRight(g: Float32Array, b: Float32Array, h: Float32Array, [m, k, n]: readonly [number, number, number]): Float32Array {
  const out = new Float32Array(m * k);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      if (num(h[i * k + p]) <= 0) continue;
      let total = 0;
      for (let j = 0; j < n; j++) total += num(g[i * n + j]) * num(b[p * n + j]);
      out[i * k + p] = total;
    }
  }
  return out;
}

function forward(x: Float32Array, w: Float32Array, bias: Float32Array, size: readonly [number, number, number], bend: boolean): Float32Array {
  const out = new Float32Array(size[0] * size[2]);
  accumulate(x, w, out, size);
  for (let i = 0; i < out.length; i++) {
    const v = num(out[i]) + num(bias[i % bias.length]);
    out[i] = bend ? Math.max(v, 0) : v;
  }
  return out;
}

/** Softmax of the logits less the one-hot target, over the batch: the gradient of mean cross entropy. Returns the loss. */
function crossEntropyGradient(logits: Float32Array, labels: Int32Array, width: number): number {
  const batch = labels.length;
  const probabilities = new Float32Array(logits.length);
  softmax(logits, width, probabilities);
  let loss = 0;
  for (let i = 0; i < batch; i++) {
    const label = num(labels[i]);
    loss -= Math.log(num(probabilities[i * width + label]));
    for (let j = 0; j < width; j++) logits[i * width + j] = (num(probabilities[i * width + j]) - (j === label ? 1 : 0)) / batch;
  }
  return loss / batch;
}

/** One layer's weights (in, out) and bias (out). */
export interface Layer {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

function descend(parameters: Float32Array, gradient: Float32Array, rate: number, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = num(parameters[i]) - rate * num(gradient[i]);
}

function columnSums(g: Float32Array, width: number): Float32Array {
  const out = new Float32Array(width);
  for (let i = 0; i < g.length; i++) out[i % width] = num(out[i % width]) + num(g[i]);
  return out;
}

/** One step of gradient descent of an MLP with ReLU: writes the new layers, returns the loss. */
export function mlpStep(x: Float32Array, labels: Int32Array, layers: readonly Layer[], rate: number, out: readonly Layer[]): number {
  const batch = labels.length;
  const acts = [x];
  const size = (layer: Layer): readonly [number, number, number] => [batch, layer.weight.length / layer.bias.length, layer.bias.length];
  layers.forEach((layer, i) => acts.push(forward(acts[i] ?? x, layer.weight, layer.bias, size(layer), i < layers.length - 1)));
  let g = acts[layers.length] ?? x;
  const loss = crossEntropyGradient(g, labels, layers.at(-1)?.bias.length ?? 0);
  for (let i = layers.length - 1; i >= 0; i--) {
    const [layer, to, input] = [layers[i], out[i], acts[i]];
    if (layer === undefined || to === undefined || input === undefined) throw new Error("layers and results differ in number");
    descend(layer.weight, transposeLeft(input, g, size(layer)), rate, to.weight);
    descend(layer.bias, columnSums(g, layer.bias.length), rate, to.bias);
    if (i > 0) g = transposeRight(g, layer.weight, input, size(layer));
  }
  return loss;
}
