/**
 * ONNX Runtime. A run copies its inputs into the runtime's heap and its results out of it, which cannot be asked otherwise of the wasm
 * backend; weights are constants of the model, as they are in practice.
 */
import * as ort from "onnxruntime-web";
import { Graph } from "./onnx.ts";
import { timedAsync } from "./timed.ts";

/** Ops on values and numbers of a graph. */
function opsOf(graph) {
  const value = (x) => (typeof x === "number" ? graph.number(x) : x);
  const op =
    (type) =>
    (...operands) =>
      graph.op(type, operands.map(value));
  return {
    add: op("Add"),
    sub: op("Sub"),
    mul: op("Mul"),
    div: op("Div"),
    sqrt: op("Sqrt"),
    exp: op("Exp"),
    log: op("Log"),
    erf: op("Erf"),
    matmul: op("MatMul"),
  };
}

const gelu = (graph, x) => graph.op("Gelu", [x], { approximate: "tanh" });

function blackScholes(graph) {
  const { add, sub, mul, div, sqrt, exp, log, erf } = opsOf(graph);
  const normalDistribution = (x) => mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
  const [rate, sigma] = [0.02, 0.3];
  const spread = mul(sqrt("years"), sigma);
  const d1 = div(add(log(div("spot", "strike")), mul("years", rate + 0.5 * sigma * sigma)), spread);
  const discounted = mul("strike", exp(mul("years", -rate)));
  return sub(mul("spot", normalDistribution(d1)), mul(discounted, normalDistribution(sub(d1, spread))));
}

function variance(graph) {
  const { sub, mul } = opsOf(graph);
  const centred = sub("x", graph.op("ReduceMean", ["x", graph.axes(1)]));
  return graph.op("ReduceMean", [mul(centred, centred), graph.axes(1)], { keepdims: 0 });
}

function attention(graph) {
  const { mul, matmul } = opsOf(graph);
  const scores = mul(matmul("q", graph.op("Transpose", ["k"], { perm: [0, 1, 3, 2] })), 1 / 8);
  return matmul(graph.op("Softmax", [scores], { axis: -1 }), "v");
}

function chained(graph) {
  const { add, mul } = opsOf(graph);
  return Array.from({ length: 100 }).reduce((r, _, i) => (i % 2 === 0 ? mul(r, "y") : add(r, "y")), "x");
}

function chain(graph) {
  const { add, mul, sqrt } = opsOf(graph);
  return add(mul(graph.op("Tanh", [add(mul("x", 1.5), 0.25)]), 2), sqrt(graph.op("Abs", ["x"])));
}

function cheap(graph) {
  const { add, sub, mul } = opsOf(graph);
  return sub(add(mul("x", 2), 1), mul("y", 3));
}

/** Each gives its result; what is named a weight is a constant of the model. It does not train here: no mlp step. */
const programs = {
  chain: { build: chain },
  gelu: { build: (graph) => gelu(graph, "x") },
  cheap: { build: cheap },
  bs: { build: blackScholes },
  sum: { build: (graph) => graph.op("ReduceSum", ["x"], { keepdims: 0 }) },
  softmax: { build: (graph) => graph.op("Softmax", ["x"], { axis: -1 }) },
  layernorm: { build: (graph) => graph.op("LayerNormalization", ["x", "w", "b"], { axis: -1, epsilon: { float: 1e-5 } }), weights: ["w", "b"] },
  argmax: { build: (graph) => graph.op("ArgMax", ["x"], { axis: 1, keepdims: 0 }), type: "int64" },
  var: { build: variance },
  matmul: { build: (graph) => graph.op("MatMul", ["a", "b"]) },
  dense: { build: (graph) => gelu(graph, opsOf(graph).add(opsOf(graph).matmul("a", "b"), "bias")), weights: ["b", "bias"] },
  attention: { build: attention },
  conv: { build: (graph) => graph.op("Conv", ["x", "w"], { pads: [1, 1, 1, 1] }), weights: ["w"] },
  tiny: { build: (graph) => graph.op("Mul", ["x", "y"]) },
  chained: { build: chained },
};

async function prepare({ program, inputs }) {
  const known = programs[program];
  if (known === undefined) return [];
  const { build, weights = [], type = "float32" } = known;
  const graph = new Graph();
  const output = build(graph);
  for (const input of inputs) if (weights.includes(input.name)) graph.weight(input);
  const operands = inputs.filter((input) => !weights.includes(input.name));
  const session = await ort.InferenceSession.create(graph.model(operands, output, type), { executionProviders: ["wasm"] });
  const feeds = Object.fromEntries(operands.map(({ name, data, shape }) => [name, new ort.Tensor("float32", data, shape)]));
  const sample = timedAsync(async () => void (await session.run(feeds)));
  const results = async () => [(await session.run(feeds))[output].data];
  return [{ name: "session", sample, results, release: () => void session.release() }];
}

export async function open({ threads, base }) {
  ort.env.wasm.numThreads = threads;
  if (base !== null) ort.env.wasm.wasmPaths = `${base}onnxruntime-web/dist/`;
  const close = () => {};
  return { version: "onnxruntime-web", threads, prepare, close };
}
