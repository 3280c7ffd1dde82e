/** Fusion cases of a contraction, what is done to its rows, and the contraction that takes those rows up: attention of any kind. */
import type { Tensor } from "../../src/index.ts";
import { arange, exp, logsumexp, scaledDotProductAttention, softmax, tanh, where } from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data, drawn, placed } from "./row.ts";

const last = { axis: -1, keepdims: true } as const;
const turned = (x: Tensor): Tensor => x.permuteDims(...x.shape.slice(0, -2).keys(), x.shape.length - 1, x.shape.length - 2);
const scores = (q: Tensor, k: Tensor): Tensor => q.matmul(turned(k));

/** Four heads of queries for each one of keys and values. */
const grouped = (groups: number, width: number, keys: number): Tensor =>
  softmax(scores(data(1, groups, 4, 64, width), data(1, groups, 1, keys, width)).mul(0.25), -1).matmul(data(1, groups, 1, keys, width));

function capped(width: number, keys: number): Tensor {
  const s = tanh(scores(data(1, 1, 160, width), data(1, 1, keys, width)).mul(0.05)).mul(20);
  return softmax(where(placed(drawn([160, keys]).greater(0)), s, -Infinity), -1).matmul(data(1, 1, keys, width));
}

function withLogSum(width: number, keys: number): readonly Tensor[] {
  const s = scores(data(1, 1, 160, width), data(1, 1, keys, width)).mul(0.25);
  return [softmax(s, -1).matmul(data(1, 1, keys, width)), logsumexp(s, { axis: -1 })];
}

function weighted(width: number, keys: number): Tensor {
  const w = exp(
    scores(data(1, 1, 160, width), data(1, 1, keys, width))
      .abs()
      .neg(),
  );
  return w.div(w.sum(last)).matmul(data(1, 1, keys, width));
}

export const attention: readonly FusionRow[] = [
  {
    row: 110,
    section: "D",
    expression: "attention(4,2,24,16) with a bool mask",
    aim: 1,
    outputs: () => [scaledDotProductAttention(data(4, 2, 24, 16), data(4, 2, 24, 16), data(4, 2, 24, 16), placed(drawn([24, 24]).greater(-1)))],
  },
  {
    row: 111,
    section: "D",
    expression: "softmax(5 tanh(q k' / 20)) v, (4,2,24,16)",
    aim: 1,
    outputs: () => [softmax(tanh(scores(data(4, 2, 24, 16), data(4, 2, 24, 16)).mul(0.05)).mul(5), -1).matmul(data(4, 2, 24, 16))],
  },
  {
    row: 112,
    section: "D",
    expression: "attention with 4 heads of q(2,2,4,24,16) for each of k, v(2,2,1,24,16)",
    aim: 1,
    outputs: () => [softmax(scores(data(2, 2, 4, 24, 16), data(2, 2, 1, 24, 16)).mul(0.25), -1).matmul(data(2, 2, 1, 24, 16))],
  },
  {
    row: 113,
    section: "D",
    expression: "attention of q(2,3,37,13) over k(2,3,29,13), v(2,3,29,11)",
    aim: 1,
    outputs: () => [scaledDotProductAttention(data(2, 3, 37, 13), data(2, 3, 29, 13), data(2, 3, 29, 11))],
  },
  {
    row: 114,
    section: "D",
    expression: "attention(2,4,24,16), scores less the distance, causal",
    aim: 1,
    outputs: () => {
      const [i, j] = [arange(24, { face: "tensor" }).reshape(24, 1), arange(24, { face: "tensor" })];
      const s = scores(data(2, 4, 24, 16), data(2, 4, 24, 16)).sub(i.sub(j).mul(0.5));
      return [softmax(where(j.lessEqual(i), s, -Infinity), -1).matmul(data(2, 4, 24, 16))];
    },
  },
  {
    row: 115,
    section: "D",
    expression: "w = exp(-|q k'|); (w / sum(w,-1,kd)) v, (4,2,24,16)",
    aim: 1,
    outputs: () => {
      const w = exp(
        scores(data(4, 2, 24, 16), data(4, 2, 24, 16))
          .abs()
          .neg(),
      );
      return [w.div(w.sum(last)).matmul(data(4, 2, 24, 16))];
    },
  },
  {
    row: 116,
    section: "D",
    expression: "softmax(x(256,32) w(32,48)) u(48,20)",
    aim: 1,
    outputs: () => [softmax(data(256, 32).matmul(data(32, 48)), -1).matmul(data(48, 20))],
  },
  // keys beyond what scratch holds on a GPU, and beyond the nearest cache on a CPU: a block of them at a time
  {
    row: 260,
    section: "D",
    expression: "attention(1,1,160,8) over 1301 keys",
    aim: 1,
    outputs: () => [scaledDotProductAttention(data(1, 1, 160, 8), data(1, 1, 1301, 8), data(1, 1, 1301, 8))],
  },
  {
    row: 261,
    section: "D",
    expression: "attention(1,2,1100,8), causal",
    aim: 1,
    outputs: () => [scaledDotProductAttention(data(1, 2, 1100, 8), data(1, 2, 1100, 8), data(1, 2, 1100, 8), { isCausal: true })],
  },
  {
    row: 262,
    section: "D",
    expression: "attention(1,1,160,8) over 2000 keys with a bool mask, its scores capped",
    aim: 1,
    outputs: () => [capped(8, 2000)],
    smaller: () => [capped(2, 270)],
  },
  {
    row: 263,
    section: "D",
    expression: "attention of 4 heads of q(1,2,4,64,8) for each of k, v(1,2,1,1500,8)",
    aim: 1,
    outputs: () => [grouped(2, 8, 1500)],
    smaller: () => [grouped(1, 2, 260)],
  },
  {
    row: 264,
    section: "D",
    expression: "attention(1,1,160,8) over 1100 keys, with the logsumexp of its scores",
    aim: 1,
    outputs: () => withLogSum(8, 1100),
    smaller: () => withLogSum(2, 270),
  },
  {
    row: 265,
    section: "D",
    expression: "w = exp(-|q k'|); (w / sum(w,-1,kd)) v over 1300 keys",
    aim: 1,
    outputs: () => [weighted(8, 1300)],
    smaller: () => [weighted(2, 270)],
  },
];
