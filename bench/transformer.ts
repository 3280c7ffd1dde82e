/** A transformer of pre-norm blocks with causal attention and a GELU perceptron, trained with AdamW: the model that memory is measured on. */
import type { Tensor } from "../src/index.ts";
import { gelu, layerNorm, optim, random, scaledDotProductAttention, tensor } from "../src/index.ts";
import { at } from "../compiler/ir/errors.ts";

export interface Sizes {
  readonly batch: number;
  readonly sequence: number;
  readonly width: number;
  readonly heads: number;
  readonly blocks: number;
}

export const fullSize: Sizes = { batch: 8, sequence: 256, width: 256, heads: 4, blocks: 4 };

/** The parameters of a block, in order: what they are called and their shapes. */
export const blockShapes = (d: number): readonly (readonly [string, readonly number[]])[] => [
  ["norm1.weight", [d]],
  ["norm1.bias", [d]],
  ["qkv.weight", [d, 3 * d]],
  ["qkv.bias", [3 * d]],
  ["out.weight", [d, d]],
  ["out.bias", [d]],
  ["norm2.weight", [d]],
  ["norm2.bias", [d]],
  ["up.weight", [d, 4 * d]],
  ["up.bias", [4 * d]],
  ["down.weight", [4 * d, d]],
  ["down.bias", [d]],
];

/** A block with parameters of `blockShapes`: norms before causal attention and before a GELU network, each added to what it was given. */
export function block(x: Tensor, parameters: readonly Tensor[], heads: number): Tensor {
  const p = (i: number): Tensor => at(parameters, i);
  const [batch, sequence, width] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2)];
  const normal = layerNorm(x, [width], { weight: p(0), bias: p(1) });
  const qkv = normal
    .matmul(p(2))
    .add(p(3))
    .reshape(batch, sequence, 3, heads, width / heads)
    .permuteDims(2, 0, 3, 1, 4);
  const mixed = scaledDotProductAttention(qkv.at(0), qkv.at(1), qkv.at(2), { isCausal: true });
  const y = x.add(mixed.permuteDims(0, 2, 1, 3).reshape(batch, sequence, width).matmul(p(4)).add(p(5)));
  const again = layerNorm(y, [width], { weight: p(6), bias: p(7) });
  return y.add(
    gelu(again.matmul(p(8)).add(p(9)))
      .matmul(p(10))
      .add(p(11)),
  );
}

export interface Training {
  readonly optimizer: optim.Optimizer;
  /** Records a step; evaluates nothing. */
  readonly step: () => Tensor;
}

/** Where numbers come from. */
export interface Source {
  readonly weight: (...shape: readonly number[]) => Tensor;
  readonly example: (...shape: readonly number[]) => Tensor;
}

/** Other numbers with each call, the same in each run. */
function seeds(): Source {
  let seed = 0;
  const drawn = (...shape: readonly number[]): Tensor => random.normal(random.key(seed++), shape);
  return {
    weight: (...shape) =>
      drawn(...shape)
        .mul(0.05)
        .requireGrad(),
    example: (...shape) => tensor(drawn(...shape).dataSync(), { shape }),
  };
}

export function training({ batch, sequence, width, heads, blocks }: Sizes, { weight, example }: Source = seeds()): Training {
  const cells = Array.from({ length: blocks }, () => blockShapes(width).map(([, shape]) => weight(...shape)));
  const optimizer = optim.adamw(cells.flat(), { lr: 1e-3 });
  const [x, target] = [example(batch, sequence, width), example(batch, sequence, width)];
  const step = (): Tensor => {
    optimizer.zeroGrad();
    const loss = cells
      .reduce((y, p) => block(y, p, heads), x)
      .sub(target)
      .square()
      .mean();
    loss.backward();
    optimizer.step();
    return loss;
  };
  return { optimizer, step };
}
