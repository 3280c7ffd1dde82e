/** Fusion cases of results that are put together of costly pieces: each is stored straight into its place. */
import type { Tensor } from "../../src/index.ts";
import { concat, conv2d, matmul, pad, relu, softmax, stack } from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data } from "./row.ts";

const rows = { axis: 1 } as const;
/** Two contractions of one operand, by matrices of so many columns. */
const projected = (...columns: readonly number[]): Tensor[] => {
  const a = data(32, 48);
  return columns.map((n) => matmul(a, data(48, n)));
};
export const storedInParts: readonly FusionRow[] = [
  {
    row: 220,
    section: "B",
    expression: "concat([x @ v, x @ w], 1), of 64 and 32 columns",
    aim: 1,
    reductions: 2,
    outputs: () => [concat(projected(64, 32), rows)],
  },
  {
    row: 221,
    section: "B",
    expression: "relu(concat([x @ v, x @ w, x @ u], 1) + b)",
    aim: 1,
    today: { wgsl: 2, webgpu: 1 },
    reductions: 3,
    outputs: () => [relu(concat(projected(64, 64, 64), rows).add(data(192)))],
  },
  { row: 222, section: "B", expression: "stack([x @ v, tanh(x @ w)], 2)", aim: 1, reductions: 2, outputs: () => stackedPair() },
  { row: 223, section: "B", expression: "pad(x(32,48) @ w(48,64), [[1, 1], [2, 3]])", aim: 1, outputs: () => padded() },
  { row: 224, section: "C", expression: "concat([sum(a(32,64), 1), max(b(16,64), 1)])", aim: 1, reductions: 2, outputs: () => [ends()] },
  {
    row: 225,
    section: "D",
    expression: "concat([softmax(a(32,64)), softmax(b(32,32))], 1)",
    aim: 1,
    outputs: () => [concat([softmax(data(32, 64)), softmax(data(32, 32))], rows)],
  },
  {
    row: 226,
    section: "B",
    expression: "concat([a, x @ w, 2b, c], 1)",
    aim: 1,
    outputs: () => [concat([data(32, 7), ...projected(32), data(32, 16).mul(2), data(32, 4)], rows)],
  },
  { row: 227, section: "B", expression: "y = x @ v -> y, concat([y, y * 2, x @ w], 1)", aim: 1, outputs: () => alsoAlone() },
  {
    row: 228,
    section: "F",
    expression: "concat([relu(conv2d(x(2,3,16,16), w(4,3,3,3))), conv2d(x, v(5,3,3,3))], 1)",
    aim: 1,
    outputs: () => {
      const x = data(2, 3, 16, 16);
      return [concat([relu(conv2d(x, data(4, 3, 3, 3))), conv2d(x, data(5, 3, 3, 3))], rows)];
    },
  },
  {
    row: 229,
    section: "A",
    expression: "concat([exp(a(32,64)), 2b(32,16)], 1): what is not asked for is not computed",
    aim: 1,
    operationsBelow: 1_100_000,
    outputs: () => [concat([data(32, 64).exp(), data(32, 16).mul(2)], rows)],
  },
  {
    row: 231,
    section: "D",
    expression: "softmax(concat([exp(a(32,64)), 2b(32,16)], 1)): the row is kept, each exponential computed once",
    aim: 1,
    reductions: 2,
    outputs: () => [softmax(concat([data(32, 64).exp(), data(32, 16).mul(2)], rows))],
    smaller: () => [softmax(concat([data(8, 17).exp(), data(8, 6).mul(2)], rows))],
  },
  {
    row: 230,
    section: "B",
    expression: "y = concat([x @ v, x @ w], 1) -> y, sum(y, 1), y @ u",
    aim: 2,
    outputs: () => {
      const y = concat(projected(64, 32), rows);
      return [y, y.sum(rows), matmul(y, data(96, 8))];
    },
  },
];
const stackedPair = (): readonly Tensor[] => {
  const [a, b] = projected(64, 64);
  return a === undefined || b === undefined ? [] : [stack([a, b.tanh()], { axis: 2 })];
};
const padded = (): readonly Tensor[] => [
  pad(matmul(data(32, 48), data(48, 64)), [
    [1, 1],
    [2, 3],
  ]),
];
const ends = (): Tensor => concat([data(32, 64).sum(rows), data(16, 64).max(rows)], { axis: 0 });
const alsoAlone = (): readonly Tensor[] => {
  const [y, z] = projected(64, 32);
  return y === undefined || z === undefined ? [] : [y, concat([y, y.mul(2), z], rows)];
};
