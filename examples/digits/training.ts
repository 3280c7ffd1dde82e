/**
 * The training loop, written out by hand over lazuli's public interface: the same on the CPU and on a GPU, in Node and in a page.
 * Every call in it only records; `evalAll` compiles what was recorded (forward pass, gradients, update) into a few kernels, once,
 * and runs them. Reads are asynchronous, because a GPU answers later.
 */
import { argmax, at, equal, evalAll, optim, random, slice, take, tensor } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import type { DigitSet } from "./digits.ts";
import { pixels } from "./digits.ts";
import { lossOf, makeModel, parameters, scores } from "./model.ts";
import type { Model } from "./model.ts";

export const batch = 50;
const rate = 0.1;

export interface Examples {
  readonly images: Tensor;
  readonly labels: Tensor;
}

/** On the device that `configure` set. */
export const examplesOf = (set: DigitSet): Examples => ({ images: tensor(set.images, { shape: [set.count, pixels] }), labels: tensor(set.labels) });

export interface Learner {
  readonly model: Model;
  readonly optimizer: optim.Optimizer;
}

/** A model that has learnt nothing yet: the same seed makes the same one on every device. */
export function makeLearner(seed: number): Learner {
  const model = makeModel(random.key(seed));
  return { model, optimizer: optim.sgd(parameters(model), { lr: rate, momentum: 0.9 }) };
}

/** Records one step: loss, gradients, update. */
export function recordStep({ model, optimizer }: Learner, { images, labels }: Examples): Tensor {
  const loss = lossOf(model, images, labels);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
}

/** The examples in the order of this key. */
async function shuffled(all: Examples, key: random.Key): Promise<Examples> {
  const order = random.permutation(key, all.labels.size);
  const mixed = { images: take(all.images, order, { axis: 0 }), labels: take(all.labels, order, { axis: 0 }) };
  await evalAll(mixed);
  return mixed;
}

/** The examples from a position on. The offset is a parameter of the plan: moving it compiles nothing. */
export function batchAt(all: Examples, start: number): Examples {
  return { images: at(all.images, slice(start, start + batch)), labels: at(all.labels, slice(start, start + batch)) };
}

export interface Schedule {
  readonly epochs: number;
  readonly seed: number;
}

/** A step that was done. */
export interface Step {
  readonly epoch: number;
  /** Counted from 1 through all epochs, and how many there will be. */
  readonly step: number;
  readonly steps: number;
  readonly lastOfEpoch: boolean;
  /** Evaluated; reading it is up to who asks, because it waits for a GPU. */
  readonly loss: Tensor;
}

/** Trains step by step, as fast as steps are asked for. The rate falls to 0 over all epochs. */
export async function* training(learner: Learner, data: Examples, { epochs, seed }: Schedule): AsyncGenerator<Step, void> {
  const { optimizer } = learner;
  const perEpoch = Math.floor(data.labels.size / batch);
  const steps = perEpoch * epochs;
  let step = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const mixed = await shuffled(data, random.fold(random.key(seed), epoch));
    for (let i = 0; i < perEpoch; i++) {
      optimizer.lr = rate * (1 - step / steps);
      const loss = recordStep(learner, batchAt(mixed, i * batch));
      await evalAll(loss, optimizer.state);
      step++;
      yield { epoch, step, steps, lastOfEpoch: i === perEpoch - 1, loss };
    }
  }
}

/** A step like any but the first, of a model of its own, recorded and not evaluated: something to inspect. */
export async function pendingStep(data: Examples, seed: number): Promise<Tensor[]> {
  const learner = makeLearner(seed);
  await evalAll(recordStep(learner, batchAt(data, 0)), learner.optimizer.state);
  return [recordStep(learner, batchAt(data, batch)), ...learner.optimizer.state];
}

/** The digit with the highest score, for each image. */
export const predicted = (model: Model, images: Tensor): Tensor => argmax(scores(model, images), { axis: 1 });

/** The share of examples that get the highest score at their own digit. */
export function accuracy(model: Model, { images, labels }: Examples): Promise<number> {
  return readNumber(equal(predicted(model, images), labels).astype("float32").mean());
}

/** The only element, from whichever device. */
export async function readNumber(x: Tensor): Promise<number> {
  const [only] = await x.data();
  return only ?? Number.NaN;
}
