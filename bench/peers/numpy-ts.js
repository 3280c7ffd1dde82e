/** numpy-ts. It has no erf (NumPy has none either): the rational one of Abramowitz and Stegun, 7.1.26, stands in. */
import * as np from "numpy-ts";
import { timed } from "./timed.ts";

/** Its arrays live in one heap and are let go by hand: those that a program makes on the way. */
let made = [];

function keep(x) {
  made.push(x);
  return x;
}

const keeping =
  (f) =>
  (...operands) =>
    keep(f(...operands));

/** The functions that are needed, each keeping what it makes. */
const { add, subtract, multiply, divide, reciprocal, negative, sign, abs, sqrt, exp, log, tanh } = np;
const { sum, max, mean, variance, argmax, matmul, swapaxes, maximum, greater } = np;
const elementwise = { add, subtract, multiply, divide, reciprocal, negative, sign, abs, sqrt, exp, log, tanh, maximum, greater };
const others = { sum, max, mean, variance, argmax, matmul, swapaxes };
const l = Object.fromEntries(Object.entries({ ...elementwise, ...others }).map(([name, f]) => [name, keeping(f)]));

/** The results of a program; the rest of what it made is let go. */
function evaluated(program, inputs) {
  made = [];
  const result = program(...inputs);
  const results = Array.isArray(result) ? result : [result];
  for (const x of made) if (!results.includes(x)) letGo(x);
  return results;
}

function letGo(x) {
  if (typeof x === "object") x.dispose();
}

const gelu = (x) => {
  const cube = l.multiply(l.multiply(x, x), x);
  const inner = l.multiply(l.add(x, l.multiply(cube, 0.044715)), Math.sqrt(2 / Math.PI));
  return l.multiply(l.multiply(x, 0.5), l.add(l.tanh(inner), 1));
};

function erf(x) {
  const size = l.abs(x);
  const t = l.reciprocal(l.add(l.multiply(size, 0.3275911), 1));
  let y = l.multiply(t, 1.061405429);
  for (const c of [-1.453152027, 1.421413741, -0.284496736, 0.254829592]) y = l.multiply(l.add(y, c), t);
  return l.multiply(l.sign(x), l.add(l.negative(l.multiply(y, l.exp(l.negative(l.multiply(x, x))))), 1));
}

const normalDistribution = (x) => l.multiply(l.add(erf(l.multiply(x, Math.SQRT1_2)), 1), 0.5);

const blackScholes = (s, k, t) => {
  const [rate, sigma] = [0.02, 0.3];
  const spread = l.multiply(l.sqrt(t), sigma);
  const d1 = l.divide(l.add(l.log(l.divide(s, k)), l.multiply(t, rate + 0.5 * sigma * sigma)), spread);
  const discounted = l.multiply(k, l.exp(l.multiply(t, -rate)));
  return l.subtract(l.multiply(s, normalDistribution(d1)), l.multiply(discounted, normalDistribution(l.subtract(d1, spread))));
};

const softmax = (x, axis) => {
  const e = l.exp(l.subtract(x, l.max(x, axis, true)));
  return l.divide(e, l.sum(e, axis, true));
};

const layerNorm = (x, w, b) => {
  const centred = l.subtract(x, l.mean(x, 1, true));
  const spread = l.sqrt(l.add(l.mean(l.multiply(centred, centred), 1, true), 1e-5));
  return l.add(l.multiply(l.divide(centred, spread), w), b);
};

const attention = (q, k, v) => l.matmul(softmax(l.multiply(l.matmul(q, l.swapaxes(k, -1, -2)), 1 / 8), 3), v);

const mlp = (x, y, w0, b0, w1, b1, w2, b2) => {
  const forward = (h, w, b) => l.add(l.matmul(h, w), b);
  const h0 = l.maximum(forward(x, w0, b0), 0);
  const h1 = l.maximum(forward(h0, w1, b1), 0);
  const p = softmax(forward(h1, w2, b2), 1);
  const loss = -l.mean(l.log(l.sum(l.multiply(p, y), 1)));
  const flip = (m) => l.swapaxes(m, 0, 1);
  const step = (m, g) => l.subtract(m, l.multiply(g, 0.1));
  const g2 = l.divide(l.subtract(p, y), x.shape[0]);
  const g1 = l.multiply(l.matmul(g2, flip(w2)), l.greater(h1, 0));
  const g0 = l.multiply(l.matmul(g1, flip(w1)), l.greater(h0, 0));
  const layer = (w, b, h, g) => [step(w, l.matmul(flip(h), g)), step(b, l.sum(g, 0))];
  return [loss, ...layer(w0, b0, x, g0), ...layer(w1, b1, h0, g1), ...layer(w2, b2, h1, g2)];
};

const programs = {
  chain: (x) => l.add(l.multiply(l.tanh(l.add(l.multiply(x, 1.5), 0.25)), 2), l.sqrt(l.abs(x))),
  gelu: (x) => gelu(x),
  cheap: (x, y) => l.subtract(l.add(l.multiply(x, 2), 1), l.multiply(y, 3)),
  bs: blackScholes,
  sum: (x) => l.sum(x),
  softmax: (x) => softmax(x, 1),
  layernorm: layerNorm,
  argmax: (x) => l.argmax(x, 1),
  var: (x) => l.variance(x, 1),
  matmul: (a, b) => l.matmul(a, b),
  dense: (a, b, bias) => gelu(l.add(l.matmul(a, b), bias)),
  attention,
  mlp,
  tiny: (x, y) => l.multiply(x, y),
  chained: (x, y) => Array.from({ length: 100 }).reduce((r, _, i) => (i % 2 === 0 ? l.multiply(r, y) : l.add(r, y)), x),
};

function placed({ name, data, shape }, program) {
  if (program === "mlp" && name === "labels") {
    const hot = new Float32Array(data.length * 10);
    data.forEach((label, i) => (hot[i * 10 + label] = 1));
    return np.frombuffer(hot.buffer, "float32").reshape(data.length, 10);
  }
  return np.frombuffer(data.buffer, data instanceof Int32Array ? "int32" : "float32").reshape(...shape);
}

export async function open() {
  np.configureWasm({ maxMemory: 2 ** 31 - 2 ** 16 });
  const prepare = ({ program, inputs }) => {
    const call = programs[program];
    if (call === undefined) return [];
    const arrays = inputs.map((input) => placed(input, program));
    const sample = timed(() => evaluated(call, arrays).forEach(letGo));
    const results = () => evaluated(call, arrays).map((x) => (typeof x === "number" ? [x] : Array.from(x.flatten().data)));
    return [{ name: "eager", sample, results, release: () => arrays.forEach((x) => x.dispose()) }];
  };
  return { version: "numpy-ts", threads: 1, prepare, close: () => {} };
}
