/** jax-js. Each function owns its arguments and uses each of them up, by jax-js' own rule; `ref` keeps one. */
import * as jax from "@jax-js/jax";
import { timedAsync } from "./timed.ts";

const { numpy: np, nn, lax } = jax;

const normalDistribution = (x) => lax.erf(x.mul(Math.SQRT1_2)).add(1).mul(0.5);

function blackScholes(s, k, t) {
  const [rate, sigma] = [0.02, 0.3];
  const spread = np.sqrt(t.ref).mul(sigma);
  const d1 = np
    .log(s.ref.div(k.ref))
    .add(t.ref.mul(rate + 0.5 * sigma * sigma))
    .div(spread.ref);
  const d2 = d1.ref.sub(spread);
  return s.mul(normalDistribution(d1)).sub(k.mul(np.exp(t.mul(-rate))).mul(normalDistribution(d2)));
}

const gelu = (x) => nn.gelu(x, { approximate: true });

function attention(q, k, v) {
  const scores = np.matmul(q, np.swapaxes(k, -1, -2)).mul(1 / 8);
  return np.matmul(nn.softmax(scores, -1), v);
}

/** Scores of positions after a row's own are far below all others. */
function causalAttention(q, k, v) {
  const length = q.shape[2];
  const later = np.triu(np.full([length, length], -1e30), 1);
  const scores = np
    .matmul(q, np.swapaxes(k, -1, -2))
    .mul(1 / 8)
    .add(later);
  return np.matmul(nn.softmax(scores, -1), v);
}

function adamw(p, g, m, v) {
  const mean = m.mul(0.9).add(g.ref.mul(0.1));
  const square = v.mul(0.999).add(np.square(g).mul(0.001));
  const root = np
    .sqrt(square.ref)
    .mul(1 / Math.sqrt(1 - 0.999 ** 10))
    .add(1e-8);
  const step = mean.ref.div(root).mul(1e-3 / (1 - 0.9 ** 10));
  return [p.mul(1 - 1e-5).sub(step), mean, square];
}

/** Labels are compared with positions: one-hot rows would be as large as the logits. */
function crossEntropy(x, labels) {
  const [height, width] = x.shape;
  const chosen = np
    .arange(width)
    .reshape([1, width])
    .equal(labels.reshape([height, 1]));
  const scores = np.sum(np.where(chosen, x.ref, 0), -1);
  return np.mean(nn.logsumexp(x, -1).sub(scores));
}

const normalized = ([x, w, b], g) => np.sum(nn.standardize(x, -1, { epsilon: 1e-5 }).mul(w).add(b).mul(g));

/** The loss of the parameters: images and one-hot labels come last, and have no gradient. */
function loss([w0, b0, w1, b1, w2, b2], x, y) {
  const h0 = nn.relu(np.matmul(x, w0).add(b0));
  const h1 = nn.relu(np.matmul(h0, w1).add(b1));
  const logits = np.matmul(h1, w2).add(b2);
  return np.mean(np.sum(nn.logSoftmax(logits, -1).mul(y), -1)).mul(-1);
}

function mlp(x, y, ...parameters) {
  const [value, slopes] = jax.valueAndGrad(loss)(
    parameters.map((p) => p.ref),
    x,
    y,
  );
  return [value, ...parameters.map((p, i) => p.sub(slopes[i].mul(0.1)))];
}

function chained(x, y) {
  let result = x;
  for (let i = 0; i < 100; i++) result = i % 2 === 0 ? result.mul(y.ref) : result.add(y.ref);
  y.dispose();
  return result;
}

const programs = {
  chain: (x) =>
    np
      .tanh(x.ref.mul(1.5).add(0.25))
      .mul(2)
      .add(np.sqrt(np.abs(x))),
  gelu,
  cheap: (x, y) => x.mul(2).add(1).sub(y.mul(3)),
  bs: blackScholes,
  sum: (x) => np.sum(x),
  softmax: (x) => nn.softmax(x, -1),
  layernorm: (x, w, b) => nn.standardize(x, -1, { epsilon: 1e-5 }).mul(w).add(b),
  argmax: (x) => np.argmax(x, 1),
  var: (x) => np.var_(x, 1),
  matmul: (a, b) => np.matmul(a, b),
  dense: (a, b, bias) => gelu(np.matmul(a, b).add(bias)),
  attention,
  "causal-attention": causalAttention,
  "softmax-gradient": (x, g) => jax.grad((rows) => np.sum(nn.softmax(rows, -1).mul(g)))(x),
  "layernorm-gradient": (x, g, w, b) => jax.grad(normalized)([x, w, b], g),
  adamw,
  "cross-entropy": crossEntropy,
  "cross-entropy-gradient": (x, labels) => jax.valueAndGrad(crossEntropy)(x, labels),
  conv: (x, w) => lax.conv(x, w, [1, 1], "SAME"),
  mlp,
  tiny: (x, y) => x.mul(y),
  chained,
};

function placed({ name, data, shape }, program) {
  if (program === "mlp" && name === "labels") return nn.oneHot(np.array(data, { dtype: np.int32 }), 10);
  return np.array(data, { dtype: data instanceof Int32Array ? np.int32 : np.float32 }).reshape(shape);
}

const listed = (result) => (Array.isArray(result) ? result : [result]);

function contestant(name, call, inputs) {
  const evaluated = async () => {
    const results = listed(call(...inputs.map((x) => x.ref)));
    if (results.length === 1) await results[0].blockUntilReady();
    else await jax.blockUntilReady(results);
    return results;
  };
  return {
    name,
    sample: timedAsync(async () => (await evaluated()).forEach((x) => x.dispose())),
    results: async () => Promise.all((await evaluated()).map((x) => x.data())),
    release: () => {},
  };
}

export async function open({ threads, base }) {
  // In an isolated page it starts as many workers as there are cores, and asks nobody.
  if (base !== null) Object.defineProperty(navigator, "hardwareConcurrency", { value: threads, configurable: true });
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  const prepare = async ({ program, inputs }) => {
    const call = programs[program];
    if (call === undefined) return [];
    const arrays = inputs.map((input) => placed(input, program));
    await jax.blockUntilReady(arrays);
    const compiled = jax.jit(call);
    const release = () => {
      compiled.dispose?.();
      for (const x of arrays) x.dispose();
    };
    return [{ ...contestant("jit", compiled, arrays), release }, contestant("eager", call, arrays)];
  };
  return { version: "jax-js", threads: base === null ? 1 : threads, prepare, close: () => {} };
}
