/** lazuli as one of its peers: each program recorded anew every time, as a user's loop would. */
import { argmax, configure, conv2d, crossEntropy, divide, erf, evalAllSync, exp, gelu, gradients, layerNorm, log, matmul } from "../../src/index.ts";
import { relu, softmax, sqrt, sum, tanh, tensor } from "../../src/index.ts";
import type { Settings, Tensor } from "../../src/index.ts";
import type { Program } from "../training-programs.ts";
import { differentiated, trainingPrograms } from "../training-programs.ts";
import type { Contestant, Input, Peer, Task } from "./peer.ts";
import { timed } from "./timed.ts";

const normalDistribution = (x: Tensor): Tensor => erf(x.mul(Math.SQRT1_2)).add(1).mul(0.5);

const blackScholes: Program = (get) => {
  const [rate, sigma] = [0.02, 0.3];
  const [s, k, t] = [get("spot"), get("strike"), get("years")];
  const spread = sqrt(t).mul(sigma);
  const d1 = divide(log(divide(s, k)).add(t.mul(rate + 0.5 * sigma * sigma)), spread);
  const discounted = k.mul(exp(t.mul(-rate)));
  return [s.mul(normalDistribution(d1)).sub(discounted.mul(normalDistribution(d1.sub(spread))))];
};

const mlp: Program = (get) => {
  const layers = [0, 1, 2].map((i) => ({ weight: get(`w${i}`), bias: get(`b${i}`) }));
  const scores = layers.reduce((h, { weight, bias }, i) => (i === 0 ? h : relu(h)).matmul(weight).add(bias), get("x"));
  const loss = crossEntropy(scores, get("labels"));
  const all = layers.flatMap(({ weight, bias }) => [weight, bias]);
  return [loss, ...gradients(loss, all).map((g, i) => (all[i] ?? g).detach().sub(g.mul(0.1)))];
};

const chained: Program = (get) => {
  const [x, y] = [get("x"), get("y")];
  let result = x;
  for (let i = 0; i < 100; i++) result = i % 2 === 0 ? result.mul(y) : result.add(y);
  return [result];
};

const programs: Readonly<Record<string, Program>> = {
  chain: (get) => [
    tanh(get("x").mul(1.5).add(0.25))
      .mul(2)
      .add(sqrt(get("x").abs())),
  ],
  gelu: (get) => [gelu(get("x"), { approximate: "tanh" })],
  cheap: (get) => [get("x").mul(2).add(1).sub(get("y").mul(3))],
  bs: blackScholes,
  sum: (get) => [sum(get("x"))],
  softmax: (get) => [softmax(get("x"))],
  layernorm: (get) => [layerNorm(get("x"), [1024], get("w"), get("b"))],
  argmax: (get) => [argmax(get("x"), { axis: 1 })],
  var: (get) => [get("x").var({ axis: 1 })],
  matmul: (get) => [matmul(get("a"), get("b"))],
  dense: (get) => [gelu(matmul(get("a"), get("b")).add(get("bias")), { approximate: "tanh" })],
  ...trainingPrograms,
  conv: (get) => [conv2d(get("x"), get("w"), { padding: 1 })],
  mlp,
  tiny: (get) => [get("x").mul(get("y"))],
  chained,
};

function placed({ name, data, shape }: Input, program: string): Tensor {
  const isParameter = program === "mlp" ? /^[wb]\d$/.test(name) : differentiated[program]?.includes(name) === true;
  return tensor(data, { shape, requiresGrad: isParameter });
}

function evaluated(results: readonly Tensor[]): readonly Tensor[] {
  const [first] = results;
  if (results.length === 1 && first !== undefined) first.evalSync();
  else evalAllSync(...results);
  return results;
}

function contestant(name: string, task: Task, program: Program, settings: Partial<Settings>): Contestant {
  const tensors = new Map(task.inputs.map((input) => [input.name, placed(input, task.program)]));
  const get = (wanted: string): Tensor => {
    const found = tensors.get(wanted);
    if (found === undefined) throw new Error(`${task.program} has no input ${wanted}`);
    return found;
  };
  const loop = timed(() => {
    for (const x of evaluated(program(get))) x.dispose();
  });
  const under = <T>(work: () => T): T => {
    configure(settings);
    return work();
  };
  return {
    name,
    sample: (runs) => under(() => loop(runs)),
    results: () =>
      under(() => {
        const results = evaluated(program(get));
        const read = results.map((x) => x.dataSync());
        for (const x of results) x.dispose();
        return read;
      }),
    release: () => tensors.forEach((x) => x.dispose()),
  };
}

/** lazuli under settings of its own, so that it may also be compared with itself. */
export function openLazuli(name: string, settings: Partial<Settings>): Peer {
  const set = configure(settings);
  const prepare = (task: Task): readonly Contestant[] => {
    const program = programs[task.program];
    return program === undefined ? [] : [contestant(name, task, program, settings)];
  };
  return { version: `lazuli, ${set.target}`, threads: set.threads, prepare, close: () => {} };
}
