/** Fusion cases of what is put together of pieces, cheap ones too: on CPUs no element is chosen. */
import type { Tensor } from "../../src/index.ts";
import { concat, conv2d, matmul, pad, roll, scaledDotProductAttention, stack } from "../../src/index.ts";
import type { PadMode } from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data } from "./row.ts";

const rows = { axis: 1 } as const;
const around = [
  [0, 0],
  [0, 0],
  [1, 1],
  [1, 1],
] as const;
const bordered = (mode: PadMode): Tensor => pad(data(2, 3, 16, 16), around, { mode });

/** Neighbours on a ring. */
const diffused = (): Tensor => {
  const u = data(300);
  return roll(u, 1).add(roll(u, -1)).sub(u.mul(2));
};

/** A recurrent cell that multiplies what comes in and what it remembers by one matrix. */
const cell = (): Tensor =>
  concat([data(8, 40), data(8, 24)], rows)
    .matmul(data(64, 48))
    .add(data(48))
    .tanh();

/** Two pictures over one another, as a decoder has them. */
const skipped = (): Tensor => conv2d(concat([data(2, 4, 12, 12), data(2, 6, 12, 12)], rows), data(5, 10, 3, 3)).relu();

const remembered = (): readonly Tensor[] => {
  const [k, v] = [concat([data(2, 40, 8), data(2, 24, 8)], rows), concat([data(2, 40, 8), data(2, 24, 8)], rows)];
  return [scaledDotProductAttention(data(2, 16, 8), k, v)];
};

export const pieces: readonly FusionRow[] = [
  { row: 347, section: "A", expression: "concat([a(32,64), b(32,16)], 1)", aim: 1, outputs: () => [concat([data(32, 64), data(32, 16)], rows)] },
  {
    row: 348,
    section: "A",
    expression: "stack([a, b, c], 2), (32,24)",
    aim: 1,
    outputs: () => [stack([data(32, 24), data(32, 24), data(32, 24)], { axis: 2 })],
  },
  { row: 349, section: "A", expression: "pad(x(2,3,16,16), wrap): nine boxes", aim: 1, outputs: () => [bordered("wrap")] },
  { row: 350, section: "A", expression: "exp(pad(x(2,3,16,16), reflect)) + c", aim: 1, outputs: () => [bordered("reflect").exp().add(data(18))] },
  { row: 351, section: "A", expression: "roll(u(300), 1) + roll(u, -1) - 2u", aim: 1, outputs: () => [diffused()] },
  { row: 352, section: "F", expression: "tanh(concat([x, h], 1) @ w(64,48) + b): on CPUs two products", aim: 1, outputs: () => [cell()] },
  { row: 353, section: "F", expression: "relu(conv2d(concat([a, b], 1), w(5,10,3,3)))", aim: 1, outputs: () => [skipped()] },
  {
    row: 354,
    section: "F",
    expression: "concat([a(64,32), b(64,32)]) @ w(32,48): its rows are stored once",
    aim: 2,
    outputs: () => [matmul(concat([data(64, 32), data(64, 32)]), data(32, 48))],
  },
  { row: 355, section: "F", expression: "attention(2,16,8) over 40 keys and 24 more", aim: 2, outputs: remembered },
  { row: 356, section: "F", expression: "conv2d(pad(x(2,3,16,16), edge), w(4,3,3,3))", aim: 2, outputs: () => [conv2d(bordered("edge"), data(4, 3, 3, 3))] },
];
