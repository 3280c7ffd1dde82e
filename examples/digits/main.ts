/**
 * Trains a classifier of handwritten digits: a training loop written out by hand over lazuli's public interface. Every call in it
 * only records; `evalAll` compiles what was recorded (forward pass, gradients, update) into a few loops, once, and runs them.
 */
import { argmax, at, configure, counters, equal, evalAll, inspect, memory, optim, random, slice, take, tensor } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { loadDigits, pixels } from "./data.ts";
import type { DigitSet } from "./data.ts";
import { lossOf, makeModel, parameters, scores } from "./model.ts";
import type { Model } from "./model.ts";
import type { Options, Stage } from "./options.ts";
import { parseOptions, usage, UsageError } from "./options.ts";

const batch = 50;
const rate = 0.1;

interface Examples {
  readonly images: Tensor;
  readonly labels: Tensor;
}

const tensors = (set: DigitSet): Examples => ({ images: tensor(set.images, { shape: [set.count, pixels] }), labels: tensor(set.labels) });

/** The examples in the order of this key. */
async function shuffled(all: Examples, key: ReturnType<typeof random.key>): Promise<Examples> {
  const order = random.permutation(key, all.labels.size);
  const mixed = { images: take(all.images, order, { axis: 0 }), labels: take(all.labels, order, { axis: 0 }) };
  await evalAll(mixed);
  return mixed;
}

/** The examples from a position on. The offset is a parameter of the plan: moving it compiles nothing. */
function batchAt(all: Examples, start: number): Examples {
  return { images: at(all.images, slice(start, start + batch)), labels: at(all.labels, slice(start, start + batch)) };
}

/** Records one step: loss, gradients, update. */
function recordStep(model: Model, optimizer: optim.Optimizer, examples: Examples): Tensor {
  const loss = lossOf(model, examples.images, examples.labels);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
}

interface Progress {
  readonly epoch: number;
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly perSecond: number;
}

const line = ({ epoch, step, steps, loss, perSecond }: Progress): string =>
  `epoch ${epoch}  step ${step}/${steps}  loss ${loss.toFixed(4)}  ${perSecond.toFixed(0)} steps/s`;

/** On a terminal the line is rewritten; in a log each epoch leaves one. */
function report(progress: Progress, last: boolean): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${line(progress)}   ${last ? "\n" : ""}`);
  else if (last) console.log(line(progress));
}

async function train(model: Model, data: Examples, options: Options): Promise<optim.Optimizer> {
  const optimizer = optim.sgd(parameters(model), { lr: rate, momentum: 0.9 });
  const perEpoch = Math.floor(data.labels.size / batch);
  const steps = perEpoch * options.epochs;
  const start = performance.now();
  let step = 0;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    const mixed = await shuffled(data, random.fold(random.key(options.seed), epoch));
    for (let i = 0; i < perEpoch; i++) {
      optimizer.lr = rate * (1 - step / steps);
      const loss = recordStep(model, optimizer, batchAt(mixed, i * batch));
      await evalAll(loss, optimizer.state);
      step++;
      const last = i === perEpoch - 1;
      if (last || step % 20 === 0) report({ epoch, step, steps, loss: Number(loss.item()), perSecond: (step / (performance.now() - start)) * 1000 }, last);
    }
  }
  return optimizer;
}

/** The share of examples that get the highest score at their own digit. */
function accuracy(model: Model, examples: Examples): number {
  const right = equal(argmax(scores(model, examples.images), { axis: 1 }), examples.labels);
  return Number(right.astype("float32").mean().item());
}

/** Kernels that one training step launches, with and without fusion. */
async function kernelsPerStep(model: Model, optimizer: optim.Optimizer, examples: Examples, fusion: boolean): Promise<number> {
  configure({ fusion });
  const loss = recordStep(model, optimizer, examples);
  const before = counters().kernelsLaunched;
  await evalAll(loss, optimizer.state);
  configure({ fusion: true });
  return counters().kernelsLaunched - before;
}

async function summary(model: Model, optimizer: optim.Optimizer, data: Examples): Promise<string> {
  const { planHits, plansCompiled } = counters();
  const { peak } = memory();
  const examples = batchAt(data, batch);
  const fused = await kernelsPerStep(model, optimizer, examples, true);
  const unfused = await kernelsPerStep(model, optimizer, examples, false);
  return [
    `kernels per step: ${fused} fused, ${unfused} unfused`,
    `plans: ${plansCompiled} compiled, ${planHits} cache hits`,
    `memory: ${(peak / 2 ** 20).toFixed(1)} MiB at the most`,
    "to see what was generated: npm start -- --epochs 1 --dump graph,fuse,plan,loops,source",
  ].join("\n");
}

/** Prints the stages of a step like any but the first, of a model of its own. */
async function dump(data: Examples, seed: number, stages: readonly Stage[]): Promise<void> {
  const model = makeModel(random.key(seed));
  const optimizer = optim.sgd(parameters(model), { lr: rate, momentum: 0.9 });
  await evalAll(recordStep(model, optimizer, batchAt(data, 0)), optimizer.state);
  const step = inspect([recordStep(model, optimizer, batchAt(data, batch)), ...optimizer.state]);
  for (const stage of stages) console.log(`; ${stage}\n${step.text(stage)}`);
}

async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  configure({ device: "cpu", target: options.target });
  const digits = loadDigits();
  const [data, test] = [tensors(digits.train), tensors(digits.test)];
  console.log(`${digits.train.count} images to train with, ${digits.test.count} to test with; seed ${options.seed}`);
  const model = makeModel(random.key(options.seed));
  if (options.dump !== null) await dump(data, options.seed, options.dump);
  const optimizer = await train(model, data, options);
  console.log(`test accuracy: ${accuracy(model, test).toFixed(3)}`);
  console.log(await summary(model, optimizer, data));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n${usage}`);
  process.exitCode = 2;
}
