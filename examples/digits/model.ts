/** The classifier: 784 pixels, 128 rectified units, 10 scores. */
import { crossEntropy, linear, random, relu, tensor } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { classes, pixels } from "./digits.ts";

export const hidden = 128;

export interface Model {
  readonly w1: Tensor;
  readonly b1: Tensor;
  readonly w2: Tensor;
  readonly b2: Tensor;
}

type Key = ReturnType<typeof random.key>;

/** Weights (out, in), normally distributed with variance 2 / in (He et al., 2015). */
function weights(key: Key, outputs: number, inputs: number): Tensor {
  return random
    .normal(key, [outputs, inputs])
    .mul(Math.sqrt(2 / inputs))
    .requireGrad();
}

const bias = (outputs: number): Tensor => tensor(new Float32Array(outputs), { requiresGrad: true });

export function makeModel(key: Key, units: number = hidden): Model {
  return { w1: weights(random.fold(key, 1), units, pixels), b1: bias(units), w2: weights(random.fold(key, 2), classes, units), b2: bias(classes) };
}

export const parameters = (model: Model): Tensor[] => [model.w1, model.b1, model.w2, model.b2];

/** Scores of the ten digits: (n, 784) → (n, 10). */
export function scores(model: Model, images: Tensor): Tensor {
  return linear(relu(linear(images, model.w1, model.b1)), model.w2, model.b2);
}

/** The mean cross entropy of a batch. */
export const lossOf = (model: Model, images: Tensor, labels: Tensor): Tensor => crossEntropy(scores(model, images), labels);
