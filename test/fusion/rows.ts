/**
 * Fusion cases: how many kernels an expression should take.
 *
 * Counts are the compute kernels that make all outputs asked for, the inputs being evaluated buffers. Rows are numbered as in the
 * project's list of fusion cases. `aim` is what is right; `today` is what the compiler does where it does not reach that yet: a
 * change in either direction should be noticed. kd: keepdims.
 */
import { bitcast } from "../../compiler/ops/arithmetic.ts";
import { copy } from "../../compiler/ops/barrier.ts";
import type { Tensor } from "../../src/index.ts";
import { attention } from "./attention.ts";
import { rowEpilogues } from "./row-epilogues.ts";
import { rowSums } from "./row-sums.ts";
import type { FusionRow } from "./row.ts";
import { data, drawn, placed } from "./row.ts";
import { storedInParts } from "./joins.ts";
import { kinds } from "./kinds.ts";
import { longRows } from "./long-rows.ts";
import { gates } from "./gates.ts";
import { losses } from "./losses.ts";
import { pieces } from "./pieces.ts";
import { programs } from "./programs.ts";
import { training } from "./training.ts";
import {
  arange,
  exp2,
  grad,
  layerNorm,
  logsumexp,
  mean,
  ones,
  pad,
  random,
  scaledDotProductAttention,
  slice,
  softmax,
  sqrt,
  tensor,
  where,
} from "../../src/index.ts";

const whole = (...shape: readonly number[]): Tensor => placed(drawn(shape).mul(100).astype("int32"));
const copied = (x: Tensor): Tensor => x.wrap(copy(x.value));
const last = { axis: -1, keepdims: true } as const;

/** Padded at the end of its axes with zeros. */
const padded = (x: Tensor, ...ends: readonly number[]): Tensor =>
  pad(
    x,
    ends.map((n) => [0, n]),
  );

const elementwise: readonly FusionRow[] = [
  {
    row: 2,
    section: "A",
    expression: "t = a + b; (t + c) + (t + d)",
    aim: 1,
    outputs: () => {
      const [a, b, c, d] = [data(10), data(10), data(10), data(10)];
      const t = a.add(b);
      return [t.add(c).add(t.add(d))];
    },
  },
  { row: 4, section: "A", expression: "(a + b)(2,5).T + c(5,2)", aim: 1, outputs: () => [data(2, 5).add(data(2, 5)).T.add(data(5, 2))] },
  { row: 6, section: "A", expression: "c = a * b (1,16); c * d(8192,16)", aim: 1, outputs: () => [data(1, 16).mul(data(1, 16)).mul(data(8192, 16))] },
  {
    row: 8,
    section: "A",
    expression: "(a + b)(16,16).reshape(4,4,4,4).transpose(2,3,0,1), contiguous",
    aim: 1,
    outputs: () => [copied(data(16, 16).add(data(16, 16)).reshape(4, 4, 4, 4).permuteDims(2, 3, 0, 1))],
  },
  {
    row: 10,
    section: "A",
    expression: "exp2(x).view(i32) + x.view(i32)",
    aim: 1,
    outputs: () => {
      const x = data(1);
      const bits = (y: Tensor): Tensor => y.wrap(bitcast(y.value, "int32"));
      return [bits(exp2(x)).add(bits(x))];
    },
  },
  { row: 12, section: "A", expression: "copy(x + y) + z", aim: 2, outputs: () => [copied(data(32).add(data(32))).add(data(32))] },
  {
    row: 14,
    section: "A",
    expression: "contiguous(x(1,64,32,32).transpose(0,2,3,1))",
    aim: 1,
    outputs: () => [copied(data(1, 64, 32, 32).permuteDims(0, 2, 3, 1))],
  },
  {
    row: 16,
    section: "A",
    expression: "exp2(a(3,3))[:-1,:-1] zero-padded back, times 2",
    aim: 1,
    outputs: () => [padded(exp2(data(3, 3)).at(":-1", ":-1"), 1, 1).mul(2)],
  },
  {
    row: 18,
    section: "A",
    expression: "ones((4,4)) cast to int32, contiguous",
    aim: 0,
    outputs: () => [copied(ones([4, 4], { face: "tensor" }).astype("int32"))],
  },
  { row: 22, section: "A", expression: "a(8192,16) + b(1,16)", aim: 1, outputs: () => [data(8192, 16).add(data(1, 16))] },
  { row: 22, section: "A", expression: "a(16,8192) + b(16,1), transposed", aim: 1, outputs: () => [data(16, 8192).add(data(16, 1)).T] },
];

const oneReduction: readonly FusionRow[] = [
  {
    row: 24,
    section: "B",
    expression: "(a + b)(100).reshape(10,10).sum(0,kd)",
    aim: 1,
    outputs: () => [data(100).add(data(100)).reshape(10, 10).sum({ axis: 0, keepdims: true })],
  },
  {
    row: 26,
    section: "B",
    expression: "((a + b)(100).reshape(10,10) + c(10,10)).sum(0)",
    aim: 1,
    outputs: () => [data(100).add(data(100)).reshape(10, 10).add(data(10, 10)).sum({ axis: 0 })],
  },
  { row: 28, section: "B", expression: "x(32,32).sum(1)[:16] + y(16)", aim: 1, outputs: () => [data(32, 32).sum({ axis: 1 }).get(slice(0, 16)).add(data(16))] },
  {
    row: 30,
    section: "B",
    expression: "(a + a)(32,32 int).sum(1).sum(0): one loop nest",
    aim: 1,
    reductions: 1,
    outputs: () => {
      const a = whole(32, 32);
      return [a.add(a).sum({ axis: 1 }).sum({ axis: 0 })];
    },
  },
  {
    row: 32,
    section: "B",
    expression: "((1/x) * y)(4,4) zero-padded on axis 1, sum",
    aim: 1,
    outputs: () => [padded(data(4, 4).reciprocal().mul(data(4, 4)), 0, 1).sum()],
  },
];

const apart: readonly FusionRow[] = [
  {
    row: 34,
    section: "C",
    expression: "x(4,32).sum(-1) + y(4,32).max(-1)",
    aim: 1,
    outputs: () => [
      data(4, 32)
        .sum({ axis: -1 })
        .add(data(4, 32).max({ axis: -1 })),
    ],
  },
  {
    row: 36,
    section: "C",
    expression: "a(16,16): a.sum(0) + a.max(0) + a.max(1) + a.sum(1) + 2",
    aim: 1,
    outputs: () => {
      const a = data(16, 16);
      return [
        a
          .sum({ axis: 0 })
          .add(a.max({ axis: 0 }))
          .add(a.max({ axis: 1 }))
          .add(a.sum({ axis: 1 }))
          .add(2),
      ];
    },
  },
  {
    row: 38,
    section: "C",
    expression: "r = a(16,16).sum(1) -> r.reshape(4,4), r.reshape(16,1,1)",
    aim: 1,
    outputs: () => {
      const r = data(16, 16).sum({ axis: 1 });
      return [r.reshape(4, 4), r.reshape(16, 1, 1)];
    },
  },
  {
    row: 40,
    section: "C",
    expression: "-> sum(a) + sum(b) + 2, sum(a) + sum(b) + 4",
    aim: 1,
    outputs: () => {
      const s = data(4, 4).sum().add(data(4, 4).sum());
      return [s.add(2), s.add(4)];
    },
  },
  {
    row: 42,
    slack: 4,
    section: "C",
    expression: "c = sum(a) + 2; d = sum(a) * 2; e = c * d -> c, d, e, sum(b) - e",
    aim: 1,
    outputs: () => {
      const [a, b] = [data(16, 16).sum(), data(16, 16).sum()];
      const [c, d] = [a.add(2), a.mul(2)];
      const e = c.mul(d);
      return [c, d, e, b.sub(e)];
    },
  },
];

const centred = (x: Tensor): Tensor => mean(x.sub(x.max(last)), last);

const backAndForth: readonly FusionRow[] = [
  {
    row: 44,
    section: "D",
    expression: "a(32,16) - mean(a,0,kd)",
    aim: 2,
    today: { js: 1, wgsl: 1 },
    outputs: () => {
      const a = data(32, 16);
      return [a.sub(mean(a, { axis: 0, keepdims: true }))];
    },
  },
  {
    row: 46,
    section: "D",
    expression: "a + (a + a.sum(-1,kd)).sum(-1,kd), a(4,32)",
    aim: 1,
    outputs: () => {
      const a = data(4, 32);
      return [a.add(a.add(a.sum(last)).sum(last))];
    },
  },
  {
    row: 48,
    section: "D",
    expression: "(x - max(x,-1,kd)).sum(-1), x(4,32)",
    aim: 1,
    outputs: () => {
      const x = data(4, 32);
      return [x.sub(x.max(last)).sum({ axis: -1 })];
    },
  },
  {
    row: 50,
    section: "D",
    expression: "s = a.sum(-1,kd); (c * s).sum(-1) + (b * s).sum(-1), (4,32)",
    aim: 1,
    outputs: () => {
      const s = data(4, 32).sum(last);
      return [
        data(4, 32)
          .mul(s)
          .sum({ axis: -1 })
          .add(data(4, 32).mul(s).sum({ axis: -1 })),
      ];
    },
  },
  {
    row: 54,
    section: "D",
    expression: "layerNorm over the last two axes of x(20,5,10,10) with scale and bias",
    aim: 1,
    outputs: () => [layerNorm(data(20, 5, 10, 10), [10, 10], { weight: data(10, 10), bias: data(10, 10) })],
  },
  {
    row: 56,
    section: "D",
    expression: "attention(32,8,16,16) with additive mask",
    aim: 1,
    outputs: () => [scaledDotProductAttention(data(32, 8, 16, 16), data(32, 8, 16, 16), data(32, 8, 16, 16), data(16, 16))],
  },
  {
    row: 56,
    section: "D",
    expression: "attention(32,8,16,16), causal",
    aim: 1,
    outputs: () => [scaledDotProductAttention(data(32, 8, 16, 16), data(32, 8, 16, 16), data(32, 8, 16, 16), { isCausal: true })],
  },
  {
    row: 58,
    section: "D",
    expression: "d/dx sum(logsumexp(x,-1)), x(4,12,64,64)",
    aim: 1,
    outputs: () => [grad((x: Tensor) => logsumexp(x, { axis: -1 }).sum())(data(4, 12, 64, 64))],
  },
  {
    row: 60,
    section: "D",
    expression: "mu = mean(x - max(x)) + mean(y - max(y)) -> sqrt(mean((x-mu)^2)), sqrt(mean((y-mu)^2)), rows of (4,32)",
    aim: 2,
    today: { js: 1, wgsl: 1 },
    outputs: () => {
      const [x, y] = [data(4, 32), data(4, 32)];
      const mu = centred(x).add(centred(y));
      const spread = (z: Tensor): Tensor => sqrt(mean(z.sub(mu).square(), { axis: -1 }));
      return [spread(x), spread(y)];
    },
  },
  {
    row: 62,
    section: "D",
    expression: "x(32768): max(x - max(x))",
    aim: 3,
    today: { js: 1, wgsl: 1 },
    outputs: () => {
      const x = data(32768);
      return [x.sub(x.max()).max()];
    },
  },
];

const generated: readonly FusionRow[] = [
  {
    row: 64,
    section: "E",
    expression: "sum(x(5,2) + arange(10)[2])",
    aim: 1,
    outputs: () => [
      data(5, 2)
        .add(arange(10, { face: "tensor", dtype: "float32" }).at(2))
        .sum(),
    ],
  },
  {
    row: 64,
    section: "E",
    expression: "sum(x(5,2) + copy(arange(10))[2])",
    aim: 2,
    outputs: () => [
      data(5, 2)
        .add(copied(arange(10, { face: "tensor", dtype: "float32" })).at(2))
        .sum(),
    ],
  },
  {
    row: 66,
    section: "E",
    expression: "dataset(2048,32)[idx(4)]",
    aim: 1,
    operationsBelow: 8192,
    outputs: () => [data(2048, 32).take(placed(tensor([3, 2047, 0, 77], { dtype: "int32" })), { axis: 0 })],
  },
  { row: 68, section: "E", expression: "uniform random (32)", aim: 1, outputs: () => [random.uniform(random.key(7), [32])] },
  {
    row: 70,
    section: "E",
    expression: "d/dx sum(circular_pad(x(1,1,5,5,5)))",
    aim: 1,
    reductions: 0,
    outputs: () => [
      grad((x: Tensor) =>
        pad(
          x,
          [
            [0, 0],
            [0, 0],
            [1, 1],
            [1, 1],
            [1, 1],
          ],
          { mode: "wrap" },
        ).sum(),
      )(data(1, 1, 5, 5, 5)),
    ],
  },
];

/** Shapes of the same kinds that the list leaves out: the mechanism counts, not the row. */
const kindred: readonly FusionRow[] = [
  {
    row: 104,
    section: "B",
    expression: "x(32,32).sum(1)[8:24] + y(16)",
    aim: 1,
    outputs: () => [data(32, 32).sum({ axis: 1 }).get(slice(8, 24)).add(data(16))],
  },
  { row: 105, section: "B", expression: "x(32,32).max(1)[::-2] * y(16)", aim: 1, outputs: () => [data(32, 32).max({ axis: 1 }).get("::-2").mul(data(16))] },
  {
    row: 106,
    section: "B",
    expression: "(x(16,32) @ w(32,24))[:, 4:12] + b(8)",
    aim: 1,
    outputs: () => [data(16, 32).matmul(data(32, 24)).get(":", slice(4, 12)).add(data(8))],
  },
  {
    row: 107,
    section: "D",
    expression: "softmax(x(16,32))[4:12]",
    aim: 1,
    outputs: () => [softmax(data(16, 32)).at(slice(4, 12))],
  },
  { row: 101, section: "D", expression: "softmax(x(64,100))", aim: 1, outputs: () => [softmax(data(64, 100))] },
  {
    row: 102,
    section: "A",
    expression: "where(a > b, a, b) * a, and a - b",
    aim: 1,
    outputs: () => {
      const [a, b] = [data(7, 5), data(7, 5)];
      return [where(a.greater(b), a, b).mul(a), a.sub(b)];
    },
  },
  {
    row: 103,
    section: "D",
    expression: "x(8,33) / sqrt(mean(x^2,-1,kd)), variance(x,-1)",
    aim: 1,
    outputs: () => {
      const x = data(8, 33);
      return [x.div(sqrt(mean(x.square(), last))), x.var({ axis: -1 })];
    },
  },
];

export const fusionRows: readonly FusionRow[] = [
  ...elementwise,
  ...oneReduction,
  ...apart,
  ...backAndForth,
  ...generated,
  ...training,
  ...kindred,
  ...kinds,
  ...storedInParts,
  ...rowEpilogues,
  ...attention,
  ...longRows,
  ...losses,
  ...gates,
  ...rowSums,
  ...pieces,
  ...programs,
];
