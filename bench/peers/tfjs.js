/** TensorFlow.js, done when a call returns. It has one thread in Node. */
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { timed } from "./timed.ts";

function gelu(x) {
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

const normalDistribution = (x) => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);

function blackScholes(s, k, t) {
  const [rate, sigma] = [0.02, 0.3];
  const spread = tf.mul(tf.sqrt(t), sigma);
  const d1 = tf.div(tf.add(tf.log(tf.div(s, k)), tf.mul(t, rate + 0.5 * sigma * sigma)), spread);
  const discounted = tf.mul(k, tf.exp(tf.mul(t, -rate)));
  return tf.sub(tf.mul(s, normalDistribution(d1)), tf.mul(discounted, normalDistribution(tf.sub(d1, spread))));
}

function layerNorm(x, w, b) {
  const { mean, variance } = tf.moments(x, 1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), w), b);
}

function loss(parameters, x, y) {
  const [w0, b0, w1, b1, w2, b2] = parameters;
  const h0 = tf.relu(tf.add(tf.matMul(x, w0), b0));
  const h1 = tf.relu(tf.add(tf.matMul(h0, w1), b1));
  const logits = tf.add(tf.matMul(h1, w2), b2);
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), y), 1)));
}

function mlp(x, y, ...parameters) {
  const { value, grads } = tf.valueAndGrads((...list) => loss(list, x, y))(parameters);
  return [value, ...parameters.map((p, i) => tf.sub(p, tf.mul(grads[i], 0.1)))];
}

function chained(x, y) {
  let result = x;
  for (let i = 0; i < 100; i++) result = i % 2 === 0 ? tf.mul(result, y) : tf.add(result, y);
  return result;
}

const programs = {
  chain: (x) => tf.add(tf.mul(tf.tanh(tf.add(tf.mul(x, 1.5), 0.25)), 2), tf.sqrt(tf.abs(x))),
  gelu,
  cheap: (x, y) => tf.sub(tf.add(tf.mul(x, 2), 1), tf.mul(y, 3)),
  bs: blackScholes,
  sum: (x) => tf.sum(x),
  softmax: (x) => tf.softmax(x),
  layernorm: layerNorm,
  argmax: (x) => tf.argMax(x, 1),
  var: (x) => tf.moments(x, 1).variance,
  matmul: (a, b) => tf.matMul(a, b),
  dense: (a, b, bias) => gelu(tf.fused.matMul({ a, b, bias })),
  attention: (q, k, v) => tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / 8)), v),
  // Its convolution wants channels last: the inputs are placed so.
  conv: (x, w) => tf.conv2d(x, w, 1, "same"),
  mlp,
  tiny: (x, y) => tf.mul(x, y),
  chained,
};

function placed({ name, data, shape }, program) {
  const x = tf.tensor(data, [...shape], data instanceof Int32Array ? "int32" : "float32");
  if (program === "conv") return tf.transpose(x, name === "x" ? [0, 2, 3, 1] : [2, 3, 1, 0]);
  if (program === "mlp" && name === "labels") return tf.cast(tf.oneHot(x, 10), "float32");
  return x;
}

const listed = (result) => (Array.isArray(result) ? result : [result]);

/** The rules of its gradients are no part of the core's bundle; in Node they are found by require only. Returns where its modules are. */
async function inNode() {
  const { createRequire } = await import("node:module");
  const require = createRequire(import.meta.url);
  require("@tensorflow/tfjs-core/dist/register_all_gradients.js");
  return require.resolve("@tensorflow/tfjs-backend-wasm/package.json").replace(/package\.json$/, "dist/");
}

async function inPage(base) {
  await import("@tensorflow/tfjs-core/dist/register_all_gradients.js");
  return `${base}@tensorflow/tfjs-backend-wasm/dist/`;
}

export async function open({ threads, base }) {
  wasm.setWasmPaths(await (base === null ? inNode() : inPage(base)));
  wasm.setThreadsCount(threads);
  if (threads === 1) tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  if (!(await tf.setBackend("wasm"))) throw new Error("tfjs has no wasm backend here");
  const prepare = ({ program, inputs }) => {
    const call = programs[program];
    if (call === undefined) return [];
    const tensors = inputs.map((input) => tf.tidy(() => placed(input, program)));
    const results = () => {
      const made = tf.tidy(() => listed(call(...tensors)).map((x) => (program === "conv" ? tf.transpose(x, [0, 3, 1, 2]) : x)));
      const read = made.map((x) => x.dataSync().slice());
      tf.dispose(made);
      return read;
    };
    const sample = timed(() => tf.dispose(tf.tidy(() => call(...tensors))));
    return [{ name: "eager", sample, results, release: () => tf.dispose(tensors) }];
  };
  return { version: "tfjs-wasm", threads: base === null ? 1 : wasm.getThreadsCount(), prepare, close: () => {} };
}
