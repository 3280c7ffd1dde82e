/** Fusion cases about indices: what moves elements, what is computed from positions, what reads at indices. */
import type { PadMode, Tensor } from "../../src/index.ts";
import {
  arange,
  argmax,
  argmin,
  concat,
  conv2d,
  cumprod,
  cumsum,
  diagonal,
  diff,
  dropout,
  embedding,
  equal,
  eye,
  flip,
  grad,
  indexAdd,
  layerNorm,
  lessEqual,
  matmul,
  oneHot,
  pad,
  random,
  repeat,
  roll,
  softmax,
  split,
  stack,
  tensor,
  tile,
  tril,
  where,
} from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data, drawn, placed } from "./row.ts";

type Map = (x: Tensor) => Tensor;
/** The gradient of what a map makes of a matrix, weighted. */
const moved = (map: Map, shape: readonly number[]): readonly Tensor[] => {
  const weights = data(...shape);
  return [grad((x: Tensor) => map(x).mul(weights).sum())(data(6, 7))];
};

const modes: readonly PadMode[] = ["wrap", "reflect", "symmetric", "edge"];
const around = [
  [2, 3],
  [1, 2],
] as const;
const moves: readonly { readonly name: string; readonly map: Map; readonly shape: readonly number[]; readonly reductions?: number }[] = [
  ...modes.map((mode) => ({ name: `pad by 2, 3 and 1, 2, ${mode}`, map: (x: Tensor) => pad(x, around, { mode }), shape: [11, 10] })),
  { name: "tile by 2 and 3", map: (x) => tile(x, [2, 3]), shape: [12, 21], reductions: 1 },
  { name: "repeat of rows", map: (x) => repeat(x, 2, { axis: 0 }), shape: [12, 7], reductions: 1 },
  { name: "roll of columns", map: (x) => roll(x, 2, { axis: 1 }), shape: [6, 7] },
  { name: "flip of rows", map: (x) => flip(x, { axis: 0 }), shape: [6, 7] },
  { name: "concat([x, 2x])", map: (x) => concat([x, x.mul(2)], { axis: 1 }), shape: [6, 14] },
  { name: "stack([x, -x])", map: (x) => stack([x, x.neg()]), shape: [2, 6, 7] },
  { name: "diff of columns", map: (x) => diff(x, { axis: 1 }), shape: [6, 6] },
  { name: "slices that overlap", map: (x) => x.get(":", "0:5").mul(x.get(":", "2:7")), shape: [6, 5] },
  { name: "every other row", map: (x) => x.get("::2").mul(x.get("1::2")), shape: [3, 7] },
  { name: "diagonal", map: (x) => diagonal(x), shape: [6] },
];

const gradientsOfMoves: readonly FusionRow[] = moves.map(({ name, map, shape, reductions = 0 }, i) => ({
  row: 130 + i,
  section: "E",
  expression: `d/dx sum(w * ${name}), x(6,7)`,
  aim: 1,
  reductions,
  outputs: () => moved(map, shape),
}));

/** The gradients of two matrices by what is made of both, weighted. */
const ofBoth = (join: (x: Tensor, y: Tensor) => Tensor, shape: readonly number[]): readonly Tensor[] => {
  const weights = data(...shape);
  return grad((x: Tensor, y: Tensor) => join(x, y).mul(weights).square().sum(), { argnums: [0, 1] })(data(6, 7), data(6, 7));
};

const partsOfOne: readonly FusionRow[] = [
  {
    row: 146,
    section: "E",
    expression: "d/dx, d/dy sum((w * concat([x, y], 1))^2), (6,7)",
    aim: 1,
    reductions: 0,
    outputs: () => ofBoth((x, y) => concat([x, y], { axis: 1 }), [6, 14]),
  },
  {
    row: 147,
    section: "E",
    expression: "d/dx, d/dy sum((w * stack([x, y]))^2), (6,7)",
    aim: 1,
    reductions: 0,
    outputs: () => ofBoth((x, y) => stack([x, y]), [2, 6, 7]),
  },
  {
    row: 145,
    section: "E",
    expression: "[a, b, c] = split(x(6,9)); d/dx sum(a * b + exp(c))",
    aim: 1,
    reductions: 0,
    outputs: () => [
      grad((x: Tensor) => {
        const [a, b, c] = split(x, 3, { axis: 1 });
        return a === undefined || b === undefined || c === undefined ? x.sum() : a.mul(b).add(c.exp()).sum();
      })(data(6, 9)),
    ],
  },
];

/** Positions in an axis, of which one lies outside. */
const chosen = (count: number, length: number): Tensor => placed(tensor(Int32Array.from({ length: count }, (_, i) => (i * 7 + 3) % (length + 1))));
const range = (n: number): Tensor => arange(n, { face: "tensor", dtype: "int32" });
const square = (n: number): Tensor => eye(n, { face: "tensor" });
const isChosen = (): Tensor => equal(chosen(64, 500).reshape(64, 1), range(500));

const masks: readonly FusionRow[] = [
  {
    row: 150,
    section: "E",
    expression: "oneHot(i(64), 500) @ w(500,16), a gather unless w is not finite",
    aim: 1,
    operationsBelow: 100_000,
    outputs: () => [matmul(oneHot(chosen(64, 500), { numClasses: 500 }), data(500, 16))],
  },
  {
    row: 151,
    section: "E",
    expression: "sum over k of where(i(64) == k, w(500,16)[k], 0)",
    aim: 1,
    reductions: 0,
    operationsBelow: 16_384,
    outputs: () => [where(isChosen().reshape(64, 500, 1), data(500, 16), 0).sum({ axis: 1 })],
  },
  { row: 152, section: "E", expression: "eye(32) @ x(32,16)", aim: 1, operationsBelow: 16_384, outputs: () => [matmul(square(32), data(32, 16))] },
  { row: 153, section: "E", expression: "x(16,32) @ eye(32)", aim: 1, operationsBelow: 16_384, outputs: () => [matmul(data(16, 32), square(32))] },
  {
    row: 154,
    section: "E",
    expression: "max over k of where(i(64) == k, x(64,500), -inf)",
    aim: 1,
    reductions: 0,
    operationsBelow: 1024,
    outputs: () => [where(isChosen(), data(64, 500), -Infinity).max({ axis: 1 })],
  },
  { row: 155, section: "E", expression: "any over k of i(64) == k", aim: 1, reductions: 0, operationsBelow: 512, outputs: () => [isChosen().any({ axis: 1 })] },
  {
    row: 156,
    section: "E",
    expression: "sum over j of where(i == j, x(32,32), 0)",
    aim: 1,
    reductions: 0,
    operationsBelow: 256,
    outputs: () => [where(equal(range(32).reshape(32, 1), range(32)), data(32, 32), 0).sum({ axis: 1 })],
  },
  {
    row: 157,
    section: "E",
    expression: "how many k of 500 are at most n(64)",
    aim: 1,
    reductions: 0,
    operationsBelow: 640,
    outputs: () => [lessEqual(range(500), chosen(64, 500).reshape(64, 1)).sum({ axis: 1 })],
  },
  {
    row: 158,
    section: "E",
    expression: "x(32) + sum(arange(1000)) - max(3 * arange(1000) - 7)",
    aim: 1,
    reductions: 0,
    operationsBelow: 256,
    outputs: () => [data(32).add(range(1000).sum().sub(range(1000).mul(3).sub(7).max()))],
  },
  {
    row: 159,
    section: "E",
    expression: "softmax(where(j <= i, x(4,32,32), -1e9))",
    aim: 1,
    outputs: () => [softmax(where(lessEqual(range(32), range(32).reshape(32, 1)), data(4, 32, 32), -1e9))],
  },
  { row: 160, section: "E", expression: "tril(x(32,32)).sum(1) + eye(32) * x", aim: 1, outputs: () => [triangles(data(32, 32))] },
  {
    row: 161,
    section: "E",
    expression: "oneHot(i(64), 500) . w(500,16), int32",
    aim: 1,
    reductions: 0,
    operationsBelow: 16_384,
    outputs: () => [matmul(isChosen().astype("int32"), placed(drawn([500, 16]).mul(100).astype("int32")))],
  },
];

const triangles = (x: Tensor): Tensor => tril(x).sum({ axis: 1, keepdims: true }).add(square(32).mul(x));

const draws = random.key(17);
const dropped = (x: Tensor): Tensor => dropout(x, draws, { p: 0.3 });

const drawnWhereUsed: readonly FusionRow[] = [
  { row: 170, section: "E", expression: "x(64,32) + 0.1 * normal", aim: 1, outputs: () => [data(64, 32).add(random.normal(draws, [64, 32]).mul(0.1))] },
  {
    row: 171,
    section: "E",
    expression: "dropout(x(64,32) @ w(32,48)) + b(48)",
    aim: 1,
    outputs: () => [dropped(matmul(data(64, 32), data(32, 48))).add(data(48))],
  },
  { row: 172, section: "E", expression: "softmax(dropout(x(64,32)))", aim: 1, outputs: () => [softmax(dropped(data(64, 32)))] },
  {
    row: 173,
    section: "E",
    expression: "layerNorm(r(64,32) + dropout(x))",
    aim: 1,
    outputs: () => [layerNorm(data(64, 32).add(dropped(data(64, 32))), [32])],
  },
  {
    row: 174,
    section: "E",
    expression: "d/dx sum(dropout(x(64,32))^2): the mask is drawn again, not stored",
    aim: 1,
    reductions: 0,
    outputs: () => [grad((x: Tensor) => dropped(x).square().sum())(data(64, 32))],
  },
  {
    row: 175,
    section: "E",
    expression: "integers from -5 to before 1000, times x(64)",
    aim: 1,
    outputs: () => [random.integers(draws, [64], { low: -5, high: 1000 }).astype("float32").mul(data(64))],
  },
  {
    row: 176,
    section: "E",
    expression: "where(bernoulli(0.3), x(64,32), 0).sum(1)",
    aim: 1,
    reductions: 1,
    outputs: () => [where(random.bernoulli(draws, [64, 32], { p: 0.3 }), data(64, 32), 0).sum({ axis: 1 })],
  },
];

const words = (): Tensor => placed(tensor(Int32Array.from({ length: 20 }, (_, i) => (i * 13) % 100)));

const readAtIndices: readonly FusionRow[] = [
  { row: 180, section: "E", expression: "softmax(embedding(i(20), w(100,16)))", aim: 1, outputs: () => [softmax(embedding(words(), data(100, 16)))] },
  {
    row: 181,
    section: "E",
    expression: "layerNorm(embedding(i(20), w(100,16)) + p(20,16))",
    aim: 1,
    outputs: () => [layerNorm(embedding(words(), data(100, 16)).add(data(20, 16)), [16])],
  },
  {
    row: 182,
    section: "E",
    expression: "embedding(i(20), w(100,16)) @ v(16,24)",
    aim: 1,
    outputs: () => [matmul(embedding(words(), data(100, 16)), data(16, 24))],
  },
  {
    row: 183,
    section: "E",
    expression: "embedding(i(20), exp(w(100,16))).mean(0): rows that are read are computed, no others",
    aim: 1,
    operationsBelow: 400_000,
    outputs: () => [embedding(words(), data(100, 16).exp()).mean({ axis: 0 })],
  },
  {
    row: 184,
    section: "E",
    expression: "x(100,16) with 2 exp(u(20,16)) added at i(20)",
    aim: 1,
    moves: 1,
    outputs: () => [indexAdd(data(100, 16), words(), data(20, 16).exp().mul(2), { axis: 0 })],
  },
  {
    row: 185,
    section: "E",
    expression: "x(100,16) with exp(t(100,16)[j(20)]) added at i(20)",
    aim: 1,
    moves: 1,
    outputs: () => [indexAdd(data(100, 16), words(), data(100, 16).take(words(), { axis: 0 }).exp(), { axis: 0 })],
  },
  {
    row: 186,
    section: "E",
    expression: "d/dw sum(embedding(i(20), w(100,16))^2)",
    aim: 1,
    moves: 1,
    reductions: 0,
    outputs: () => [grad((w: Tensor) => embedding(words(), w).square().sum())(data(100, 16))],
  },
];

const rows = { axis: 1 } as const;
const running: readonly FusionRow[] = [
  {
    row: 190,
    section: "B",
    expression: "cumsum(x * y) * 2 + z, (16,64)",
    aim: 1,
    outputs: () => [
      cumsum(data(16, 64).mul(data(16, 64)), rows)
        .mul(2)
        .add(data(16, 64)),
    ],
  },
  { row: 191, section: "B", expression: "cumsum(x(16,64)) - x: exclusive", aim: 1, outputs: () => exclusive(data(16, 64)) },
  {
    row: 192,
    section: "B",
    expression: "cumsum from the end of 2x + y, (16,64), by flips",
    aim: 1,
    outputs: () => [flip(cumsum(flip(data(16, 64).mul(2), rows), rows), rows).add(data(16, 64))],
  },
  { row: 193, section: "B", expression: "max(cumsum(x(16,64)), 1)", aim: 1, outputs: () => [cumsum(data(16, 64), rows).max(rows)] },
  { row: 194, section: "D", expression: "p = softmax(x(16,64)); where(cumsum(p) < 0.9, p, 0)", aim: 1, outputs: () => nucleus(data(16, 64)) },
  { row: 195, section: "D", expression: "softmax(cumsum(x(16,64)))", aim: 1, outputs: () => [softmax(cumsum(data(16, 64), rows), rows)] },
  { row: 196, section: "C", expression: "cumsum(x) + cumprod(x), (16,64)", aim: 1, outputs: () => bothWays(data(16, 64)) },
  { row: 197, section: "B", expression: "cumsum(cumsum(x(16,64)))", aim: 1, outputs: () => [cumsum(cumsum(data(16, 64), rows), rows)] },
];
const exclusive = (x: Tensor): readonly Tensor[] => [cumsum(x, rows).sub(x)];
const bothWays = (x: Tensor): readonly Tensor[] => [cumsum(x, rows).add(cumprod(x, rows))];
const nucleus = (x: Tensor): readonly Tensor[] => {
  const p = softmax(x, rows);
  return [where(cumsum(p, rows).less(0.9), p, 0)];
};

/** Of lengths that are no vectors: who plays lanes one by one knows no vector that is loaded from outside and not chosen, as GPUs do. */
const odd = (): Tensor => concat([data(8, 17), data(8, 6).mul(2)], rows);
const joined = (axis: number): Tensor => concat([data(32, 64).exp(), (axis === 1 ? data(32, 16) : data(16, 64)).mul(2)], { axis });
const placedSideBySide: readonly FusionRow[] = [
  { row: 200, section: "A", expression: "concat([exp(a), 2b]) of rows", aim: 1, outputs: () => [joined(0)] },
  { row: 201, section: "A", expression: "(concat([exp(a), 2b], 1) + c) * 3", aim: 1, outputs: () => [joined(1).add(data(32, 80)).mul(3)] },
  {
    row: 202,
    section: "B",
    expression: "concat([exp(a), 2b], 1).sum(1)",
    aim: 1,
    reductions: 1,
    outputs: () => [joined(1).sum(rows)],
    smaller: () => [odd().sum(rows)],
  },
  {
    row: 203,
    section: "D",
    expression: "softmax(concat([a, 2b], 1))",
    aim: 1,
    outputs: () => [softmax(concat([data(32, 64), data(32, 16).mul(2)], rows))],
    smaller: () => [softmax(odd())],
  },
  {
    row: 204,
    section: "C",
    expression: "concat([sum(a(32,64), 1), max(a, 1)], 1)",
    aim: 1,
    outputs: () => {
      const a = data(32, 64);
      return [concat([a.sum({ ...rows, keepdims: true }), a.max({ ...rows, keepdims: true })], rows)];
    },
  },
  {
    row: 205,
    section: "B",
    expression: "concat([a(32,64), b(32,16)], 1) @ w(80,24)",
    aim: 1,
    outputs: () => [matmul(concat([data(32, 64), data(32, 16)], rows), data(80, 24))],
  },
  {
    row: 206,
    section: "A",
    expression: "stack([exp(a), 2b, c]), (32,64)",
    aim: 1,
    outputs: () => [stack([data(32, 64).exp(), data(32, 64).mul(2), data(32, 64)])],
  },
  {
    row: 207,
    section: "B",
    expression: "sum(pad(exp(x(32,64))) * w(35,71), 1)",
    aim: 1,
    outputs: () => [pad(data(32, 64).exp(), sides).mul(data(35, 71)).sum(rows)],
  },
  { row: 208, section: "A", expression: "x cos + [-x2, x1] sin, heads of (4,32,64)", aim: 1, outputs: () => rotated(data(4, 32, 64)) },
  {
    row: 209,
    section: "F",
    expression: "conv2d(pad(x(2,3,16,16), wrap), w(4,3,3,3)) + b",
    aim: 1,
    // a choice of nine for every product takes longer than a launch
    today: { js: 2 },
    outputs: () => [
      conv2d(
        pad(
          data(2, 3, 16, 16),
          [
            [0, 0],
            [0, 0],
            [1, 1],
            [1, 1],
          ],
          { mode: "wrap" },
        ),
        data(4, 3, 3, 3),
        data(4),
      ),
    ],
  },
];
const sides = [
  [1, 2],
  [3, 4],
] as const;
const rotated = (x: Tensor): readonly Tensor[] => {
  const turned = concat([x.get("...", "32:").neg(), x.get("...", ":32")], { axis: 2 });
  return [x.mul(data(32, 64)).add(turned.mul(data(32, 64)))];
};

const places: readonly FusionRow[] = [
  {
    row: 215,
    section: "B",
    expression: "argmax(exp(x * y), 1), (16,64)",
    aim: 1,
    reductions: 1,
    outputs: () => [argmax(data(16, 64).mul(data(16, 64)).exp(), rows)],
  },
  { row: 216, section: "D", expression: "argmax(softmax(x(16,64)), 1)", aim: 1, outputs: () => [argmax(softmax(data(16, 64)), rows)] },
  { row: 217, section: "B", expression: "argmin(|x(16,1) - c(64)|, 1)", aim: 1, reductions: 1, outputs: () => [argmin(data(16, 1).sub(data(64)).abs(), rows)] },
  {
    row: 218,
    section: "C",
    expression: "y = 2x(16,64) -> argmax(y, 1), max(y, 1)",
    aim: 1,
    outputs: () => {
      const y = data(16, 64).mul(2);
      return [argmax(y, rows), y.max(rows)];
    },
  },
];

export const kinds: readonly FusionRow[] = [
  ...gradientsOfMoves,
  ...partsOfOne,
  ...masks,
  ...drawnWhereUsed,
  ...readAtIndices,
  ...running,
  ...placedSideBySide,
  ...places,
];
