/**
 * What the first step of a fresh process costs, on the built package (`npm run build` first): importing it, then the mlp step from
 * recording to its results, then the same step with its plan found. Prints JSON. Plain JavaScript, so that no loader has a share in it;
 * `--warm` compiles the steps of other widths after it.
 */
import { threadMs } from "./thread-clock.js";

/** Milliseconds since the start, of the process on all threads, and of this thread alone where the system tells. */
function clocks() {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now(), process: (user + system) / 1000, thread: threadMs() ?? NaN };
}

const names = ["wall", "process", "thread"];
const combined = (make) => Object.fromEntries(names.map((name) => [name, make(name)]));
const since = (start, end = clocks()) => combined((name) => end[name] - start[name]);
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const medians = (list) => combined((name) => median(list.map((l) => l[name])));

const start = clocks();
const { configure, crossEntropy, evalAllSync, gradients, relu, tensor } = await import("../dist/src/index.js");
const imported = since(start);

const [batch, widths] = [128, [784, 512, 512, 10]];

function numbers(count, reach, seed) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * reach;
  });
}

/** Nothing is computed to make the model, so that the step is the first that is compiled. */
function makeStep(narrower) {
  const wide = widths.map((w, i) => (i === 0 || i === widths.length - 1 ? w : w - narrower));
  const images = tensor(numbers(batch * wide[0], 1, 1), { shape: [batch, wide[0]] });
  const labels = tensor(Int32Array.from({ length: batch }, (_, i) => i % 10));
  const layers = wide.slice(1).map((width, i) => ({
    weight: tensor(numbers(wide[i] * width, Math.sqrt(6 / wide[i]), i + 2), { shape: [wide[i], width], requiresGrad: true }),
    bias: tensor(numbers(width, 0.1, i + 9), { requiresGrad: true }),
  }));
  const all = layers.flatMap(({ weight, bias }) => [weight, bias]);
  return () => {
    const forward = layers.reduce((h, { weight, bias }, i) => (i === 0 ? h : relu(h)).matmul(weight).add(bias), images);
    const loss = crossEntropy(forward, labels);
    const stepped = gradients(loss, all).map((g, i) => all[i].detach().sub(g.mul(0.1)));
    evalAllSync(loss, ...stepped);
  };
}

/** The first step, one whose plan is there, and the difference: what recording and compiling take beyond that. */
function measure(narrower) {
  const step = makeStep(narrower);
  const timed = () => {
    const before = clocks();
    step();
    return since(before);
  };
  const first = timed();
  const later = medians(Array.from({ length: 7 }, timed));
  return { first, later, compile: since(later, first) };
}

configure({ threads: 1 });
const cold = measure(0);
const warm = process.argv.includes("--warm") ? medians(Array.from({ length: 24 }, (_, i) => measure(16 * (i + 1)).compile).slice(12)) : null;
console.log(JSON.stringify({ imported, ...cold, warm }));
