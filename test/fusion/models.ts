/** Models as users write them: how many kernels a whole forward pass or a whole training step may take. */
import type { Tensor } from "../../src/index.ts";
import { batchNorm, conv2d, maxPool2d, mean, relu } from "../../src/index.ts";
import type { Sizes, Source } from "../../bench/transformer.ts";
import { block, blockShapes, training } from "../../bench/transformer.ts";
import { batch, makeLearner, recordStep } from "../../examples/digits/training.ts";
import { data, drawn, placed } from "./row.ts";

export interface ModelCase {
  readonly name: string;
  readonly outputs: () => readonly Tensor[];
  /** The same of fewer elements, for the interpreter. */
  readonly smaller: () => readonly Tensor[];
  /** The largest count that is right. */
  readonly aim: number;
  /** Exact counts where they are not `aim`, so that a change in either direction is noticed; js counts as wasm does. */
  readonly today: { readonly js?: number; readonly wasm?: number; readonly wgsl?: number };
  /** Values may be so many times farther from the interpreter's than those of one kernel. */
  readonly slack: number;
}

const weight = (...shape: readonly number[]): Tensor => placed(drawn(shape).mul(0.05)).requireGrad();

const source: Source = { weight, example: data };

function blockForward({ batch: b, sequence, width, heads }: Sizes): readonly Tensor[] {
  const parameters = blockShapes(width).map(([, shape]) => weight(...shape));
  return [block(data(b, sequence, width), parameters, heads)];
}

/** Loss and new state of one AdamW step with state from a step before, as all steps but the first have. */
function blockStep(sizes: Sizes): readonly Tensor[] {
  const { optimizer, step } = training(sizes, source);
  step();
  for (const t of optimizer.state) t.assign(placed(drawn(t.shape).square()));
  return [step(), ...optimizer.state];
}

/** With running statistics, as in inference. */
function normalized(x: Tensor, channels: number): Tensor {
  return batchNorm(x, data(channels), placed(drawn([channels]).square()), data(channels), data(channels), { training: false });
}

/** Two convolutions and a way around them. */
function residual(x: Tensor, [from, to]: readonly [number, number], stride: number): Tensor {
  const first = relu(normalized(conv2d(x, data(to, from, 3, 3), null, { stride, padding: 1 }), to));
  const second = normalized(conv2d(first, data(to, to, 3, 3), null, { padding: 1 }), to);
  const around = stride === 1 && from === to ? x : normalized(conv2d(x, data(to, from, 1, 1), null, { stride }), to);
  return relu(second.add(around));
}

/** ResNet-18 (He et al., 2015); `width` is 64 there. */
function resnet18(size: number, width: number): readonly Tensor[] {
  const stem = relu(normalized(conv2d(data(1, 3, size, size), data(width, 3, 7, 7), null, { stride: 2, padding: 3 }), width));
  let x = maxPool2d(stem, 3, { stride: 2, padding: 1 });
  let from = width;
  for (const [i, stride] of [1, 1, 2, 1, 2, 1, 2, 1].entries()) {
    const to = width * 2 ** Math.floor(i / 2);
    x = residual(x, [from, to], stride);
    from = to;
  }
  return [
    mean(x, { axis: [2, 3] })
      .matmul(data(from, 1000))
      .add(data(1000)),
  ];
}

/** A training step of examples/digits with `units` hidden units, momentum from a step before. */
function digitStep(): readonly Tensor[] {
  const learner = makeLearner(1);
  const examples = { images: placed(drawn([batch, 784])), labels: placed(drawn([batch]).abs().mul(3).astype("int32")) };
  recordStep(learner, examples);
  for (const t of learner.optimizer.state) t.assign(placed(drawn(t.shape).mul(0.05)));
  return [recordStep(learner, examples), ...learner.optimizer.state];
}

const small: Sizes = { batch: 2, sequence: 6, width: 8, heads: 2, blocks: 1 };
const usual: Sizes = { batch: 2, sequence: 32, width: 64, heads: 4, blocks: 1 };

export const models: readonly ModelCase[] = [
  {
    name: "transformer block, forward",
    aim: 7,
    today: {},
    outputs: () => blockForward(usual),
    smaller: () => blockForward(small),
    slack: 4,
  },
  {
    name: "transformer block, forward, backward and AdamW",
    aim: 36,
    today: { js: 17, wasm: 19, wgsl: 20 },
    outputs: () => blockStep(usual),
    smaller: () => blockStep(small),
    slack: 10,
  },
  {
    name: "ResNet-18 inference",
    aim: 23,
    today: { js: 21, wasm: 21 },
    outputs: () => resnet18(224, 64),
    smaller: () => resnet18(33, 4),
    slack: 10,
  },
  { name: "digit step", aim: 8, today: { js: 5, wasm: 6, wgsl: 6 }, outputs: digitStep, smaller: digitStep, slack: 10 },
];
