/**
 * The cases written by hand, each as one fused loop: what a careful person would write without a library. Plain JavaScript, so that
 * the type checker's caution about indices costs nothing; by-hand.d.ts has the types.
 */
const erf = (x) => {
  // Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7.
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const y = 1 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x);
  return x < 0 ? -y : y;
};
const cdf = (x) => 0.5 * (1 + erf(x * Math.SQRT1_2));
const geluOf = (x) => 0.5 * x * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));

export function chain(x, a, b, c, out) {
  for (let i = 0; i < out.length; i++) {
    const v = x[i];
    out[i] = Math.tanh(v * a + b) * c + Math.sqrt(Math.abs(v));
  }
}

export function gelu(x, out) {
  for (let i = 0; i < out.length; i++) out[i] = geluOf(x[i]);
}

export function cheap(x, y, out) {
  for (let i = 0; i < out.length; i++) out[i] = x[i] * 2 + 1 - y[i] * 3;
}

/** The price of a European call: spot, strike and years an option, one rate and volatility. */
export function blackScholes(spot, strike, years, rate, sigma, out) {
  for (let i = 0; i < out.length; i++) {
    const s = spot[i];
    const k = strike[i];
    const t = years[i];
    const spread = sigma * Math.sqrt(t);
    const d1 = (Math.log(s / k) + (rate + 0.5 * sigma * sigma) * t) / spread;
    out[i] = s * cdf(d1) - k * Math.exp(-rate * t) * cdf(d1 - spread);
  }
}

export function sum(x, out) {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i];
  out[0] = total;
}

export function softmax(x, width, out) {
  for (let start = 0; start < x.length; start += width) {
    let largest = -Infinity;
    for (let j = 0; j < width; j++) largest = Math.max(largest, x[start + j]);
    let total = 0;
    for (let j = 0; j < width; j++) {
      const e = Math.exp(x[start + j] - largest);
      out[start + j] = e;
      total += e;
    }
    const scale = 1 / total;
    for (let j = 0; j < width; j++) out[start + j] *= scale;
  }
}

function meanAndVariance(x, start, width) {
  let total = 0;
  for (let j = 0; j < width; j++) total += x[start + j];
  const mean = total / width;
  let squares = 0;
  for (let j = 0; j < width; j++) {
    const d = x[start + j] - mean;
    squares += d * d;
  }
  return [mean, squares / width];
}

export function layerNorm(x, weight, bias, out) {
  const width = weight.length;
  for (let start = 0; start < x.length; start += width) {
    const [mean, spread] = meanAndVariance(x, start, width);
    const scale = 1 / Math.sqrt(spread + 1e-5);
    for (let j = 0; j < width; j++) out[start + j] = (x[start + j] - mean) * scale * weight[j] + bias[j];
  }
}

export function variance(x, width, out) {
  for (let row = 0; row < out.length; row++) out[row] = meanAndVariance(x, row * width, width)[1];
}

export function argmax(x, width, out) {
  for (let row = 0; row < out.length; row++) {
    let best = 0;
    let largest = x[row * width];
    for (let j = 1; j < width; j++) {
      const v = x[row * width + j];
      if (v > largest) {
        largest = v;
        best = j;
      }
    }
    out[row] = best;
  }
}

/** out (m,n) += a (m,k) · b (k,n), from element offsets on. Rows of b are read in order, which is what makes it fast in JavaScript. */
function accumulate(a, b, out, [m, k, n], at = [0, 0, 0]) {
  const [a0, b0, c0] = at;
  for (let i = 0; i < m; i++) {
    const row = c0 + i * n;
    for (let p = 0; p < k; p++) {
      const f = a[a0 + i * k + p];
      const from = b0 + p * n;
      for (let j = 0; j < n; j++) out[row + j] += f * b[from + j];
    }
  }
}

export function matmul(a, b, size, out) {
  out.fill(0);
  accumulate(a, b, out, size);
}

export function batchMatmul(a, b, batch, size, out) {
  const [m, k, n] = size;
  out.fill(0);
  for (let i = 0; i < batch; i++) accumulate(a, b, out, size, [i * m * k, i * k * n, i * m * n]);
}

export function dense(a, b, bias, size, out) {
  matmul(a, b, size, out);
  for (let i = 0; i < out.length; i++) out[i] = geluOf(out[i] + bias[i % bias.length]);
}

/** Zeros as wide as the elements of `x`: float64 throughout where inputs are. */
const like = (x, length) => new x.constructor(length);

/** out (k,n) = aᵀ · g: a (m,k), g (m,n). */
function transposeLeft(a, g, [m, k, n]) {
  const out = like(g, k * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const f = a[i * k + p];
      if (f === 0) continue;
      for (let j = 0; j < n; j++) out[p * n + j] += f * g[i * n + j];
    }
  }
  return out;
}

/** out (m,k) = g · bᵀ where the activation `h` (m,k) is positive, else 0: g (m,n), b (k,n). */
function transposeRight(g, b, h, [m, k, n]) {
  const out = like(g, m * k);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      if (h[i * k + p] <= 0) continue;
      let total = 0;
      for (let j = 0; j < n; j++) total += g[i * n + j] * b[p * n + j];
      out[i * k + p] = total;
    }
  }
  return out;
}

function forward(x, w, bias, size, bend) {
  const out = like(x, size[0] * size[2]);
  accumulate(x, w, out, size);
  for (let i = 0; i < out.length; i++) {
    const v = out[i] + bias[i % bias.length];
    out[i] = bend ? Math.max(v, 0) : v;
  }
  return out;
}

/** Turns logits into the gradient of mean cross entropy: softmax less the one-hot target, over the batch. Returns the loss. */
function crossEntropyGradient(logits, labels, width) {
  const batch = labels.length;
  const probabilities = like(logits, logits.length);
  softmax(logits, width, probabilities);
  let loss = 0;
  for (let i = 0; i < batch; i++) {
    const label = labels[i];
    loss -= Math.log(probabilities[i * width + label]);
    for (let j = 0; j < width; j++) logits[i * width + j] = (probabilities[i * width + j] - (j === label ? 1 : 0)) / batch;
  }
  return loss / batch;
}

function descend(parameters, gradient, rate, out) {
  for (let i = 0; i < out.length; i++) out[i] = parameters[i] - rate * gradient[i];
}

function columnSums(g, width) {
  const out = like(g, width);
  for (let i = 0; i < g.length; i++) out[i % width] += g[i];
  return out;
}

/** One step of gradient descent of an MLP with ReLU: writes the new layers, returns the loss. */
export function mlpStep(x, labels, layers, rate, out) {
  const batch = labels.length;
  const acts = [x];
  const size = (layer) => [batch, layer.weight.length / layer.bias.length, layer.bias.length];
  layers.forEach((layer, i) => acts.push(forward(acts[i], layer.weight, layer.bias, size(layer), i < layers.length - 1)));
  let g = acts[layers.length];
  const loss = crossEntropyGradient(g, labels, layers.at(-1).bias.length);
  for (let i = layers.length - 1; i >= 0; i--) {
    const [layer, to, input] = [layers[i], out[i], acts[i]];
    descend(layer.weight, transposeLeft(input, g, size(layer)), rate, to.weight);
    descend(layer.bias, columnSums(g, layer.bias.length), rate, to.bias);
    if (i > 0) g = transposeRight(g, layer.weight, input, size(layer));
  }
  return loss;
}

/** softmax(q · kᵀ / √width) · v for each head; with `causal`, position i looks at none after it. */
export function attention(q, k, v, [length, width], causal, out) {
  const scores = new Float64Array(length);
  for (let row = 0; row < q.length / width; row++) {
    const head = Math.floor(row / length) * length;
    const count = causal ? (row % length) + 1 : length;
    let largest = -Infinity;
    for (let j = 0; j < count; j++) {
      let total = 0;
      for (let p = 0; p < width; p++) total += q[row * width + p] * k[(head + j) * width + p];
      scores[j] = total / Math.sqrt(width);
      largest = Math.max(largest, scores[j]);
    }
    let sum = 0;
    for (let j = 0; j < count; j++) sum += scores[j] = Math.exp(scores[j] - largest);
    for (let p = 0; p < width; p++) out[row * width + p] = 0;
    for (let j = 0; j < count; j++) {
      const weight = scores[j] / sum;
      for (let p = 0; p < width; p++) out[row * width + p] += weight * v[(head + j) * width + p];
    }
  }
}

/** The gradient by x of the sum of softmax(x) · g over all rows. */
export function softmaxGradient(x, g, width, out) {
  softmax(x, width, out);
  for (let start = 0; start < x.length; start += width) {
    let total = 0;
    for (let j = 0; j < width; j++) total += out[start + j] * g[start + j];
    for (let j = 0; j < width; j++) out[start + j] *= g[start + j] - total;
  }
}

/** The gradients of the sum of layerNorm(x) · g by x, by its scale and by its shift. */
export function layerNormGradient(x, weight, g, [dx, dWeight, dBias]) {
  const width = weight.length;
  dWeight.fill(0);
  dBias.fill(0);
  for (let start = 0; start < x.length; start += width) {
    const [mean, spread] = meanAndVariance(x, start, width);
    const scale = 1 / Math.sqrt(spread + 1e-5);
    let [slope, along] = [0, 0];
    for (let j = 0; j < width; j++) {
      const normal = (x[start + j] - mean) * scale;
      const d = g[start + j] * weight[j];
      slope += d;
      along += d * normal;
      dWeight[j] += g[start + j] * normal;
      dBias[j] += g[start + j];
    }
    for (let j = 0; j < width; j++) {
      const normal = (x[start + j] - mean) * scale;
      dx[start + j] = scale * (g[start + j] * weight[j] - slope / width - (normal * along) / width);
    }
  }
}

/** The tenth step of AdamW with torch's numbers: the new parameters and both running means. */
export function adamw([p, g, m, v], [newP, newM, newV]) {
  const rate = 1e-3 / (1 - 0.9 ** 10);
  const correction = 1 / Math.sqrt(1 - 0.999 ** 10);
  for (let i = 0; i < p.length; i++) {
    const mean = 0.9 * m[i] + 0.1 * g[i];
    const square = 0.999 * v[i] + 0.001 * g[i] * g[i];
    newM[i] = mean;
    newV[i] = square;
    newP[i] = p[i] * (1 - 1e-5) - (rate * mean) / (Math.sqrt(square) * correction + 1e-8);
  }
}

/** The mean over rows of logsumexp(x) - x[label]; into `slopes`, unless it is null, the gradient by x. */
export function crossEntropy(x, labels, width, slopes) {
  let loss = 0;
  for (let row = 0; row < labels.length; row++) {
    const start = row * width;
    let largest = -Infinity;
    for (let j = 0; j < width; j++) largest = Math.max(largest, x[start + j]);
    let total = 0;
    for (let j = 0; j < width; j++) total += Math.exp(x[start + j] - largest);
    loss += largest + Math.log(total) - x[start + labels[row]];
    if (slopes === null) continue;
    const scale = 1 / (total * labels.length);
    for (let j = 0; j < width; j++) slopes[start + j] = Math.exp(x[start + j] - largest) * scale;
    slopes[start + labels[row]] -= 1 / labels.length;
  }
  return loss / labels.length;
}
