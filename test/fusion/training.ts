/** Fusion cases of section F: convolution, networks, training steps. */
import type { Tensor } from "../../src/index.ts";
import { batchNorm, conv2d, matmul, maximum, mean, optim, relu, valueAndGrad } from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data, drawn, placed } from "./row.ts";

/** One step with state from the step before, as all steps but the first are. */
function adamStep(): readonly Tensor[] {
  const w = data(32, 128).requireGrad();
  const b = data(128).requireGrad();
  const x = data(4, 64, 32);
  const optimizer = optim.adam([w, b]);
  const step = (): void => {
    [w.grad, b.grad] = [null, null];
    maximum(matmul(x, w).add(b), 0).sum().backward();
    optimizer.step();
  };
  step();
  for (const t of optimizer.state) t.assign(placed(drawn(t.shape).square()));
  step();
  return optimizer.state;
}

/** The mean of a convolution of a square image, and its gradients. */
function lossAndGradients(size: number): readonly Tensor[] {
  const [image, w] = [data(2, 3, size, size), data(16, 3, 3, 3)];
  const [loss, [dImage, dW]] = valueAndGrad((x: Tensor, k: Tensor) => mean(relu(conv2d(x, k))), { argnums: [0, 1] })(image, w);
  return dImage === undefined || dW === undefined ? [] : [loss, dImage, dW];
}

/** The step of several convolutions with a window of 3 on a square image, one after the other: the new weights. */
function convStep(size: number, ...channels: readonly number[]): readonly Tensor[] {
  const weights = channels.slice(1).map((n, i) => data(n, channels[i] ?? 1, 3, 3).requireGrad());
  const optimizer = optim.sgd(weights, { lr: 0.1 });
  weights
    .reduce((x, w) => relu(conv2d(x, w)), data(2, channels[0] ?? 1, size, size))
    .sum()
    .backward();
  optimizer.step();
  return weights;
}

export const training: readonly FusionRow[] = [
  {
    row: 72,
    section: "F",
    expression: "conv-relu-conv-relu, (1,4,8,8), 4 channels, k3",
    aim: 2,
    outputs: () => [relu(conv2d(relu(conv2d(data(1, 4, 8, 8), data(4, 4, 3, 3), data(4))), data(4, 4, 3, 3), data(4)))],
  },
  {
    row: 74,
    section: "F",
    expression: "relu(batchnorm_train(conv2d(img(1,3,8,8))))",
    aim: 3,
    today: { js: 1, wgsl: 1 },
    outputs: () => {
      const y = conv2d(data(1, 3, 8, 8), data(4, 3, 3, 3));
      return [relu(batchNorm(y, data(4), data(4), data(4), data(4), { training: true })[0])];
    },
  },
  {
    row: 76,
    slack: 4,
    section: "F",
    expression: "loss = mean(relu(conv2d(img(2,3,64,64), w(16,3,3,3)))), dimg, dw",
    aim: 3,
    outputs: () => lossAndGradients(64),
    smaller: () => lossAndGradients(5),
  },
  {
    row: 78,
    section: "F",
    expression: "Adam step, Linear 32->128 on x(4,64,32), loss sum(relu)",
    aim: 6,
    outputs: adamStep,
  },
  {
    row: 80,
    section: "F",
    expression: "SGD step, two convs 3-16-32 on (2,3,16,16)",
    aim: 5,
    outputs: () => convStep(16, 3, 16, 32),
    smaller: () => convStep(6, 3, 16, 32),
  },
  {
    row: 80,
    section: "F",
    expression: "SGD step, four convs 3-4-8-16-32 on (2,3,16,16)",
    aim: 11,
    outputs: () => convStep(16, 3, 4, 8, 16, 32),
    smaller: () => convStep(9, 3, 4, 8, 16, 32),
  },
];
