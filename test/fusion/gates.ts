/** Fusion cases of several contractions in one kernel, of the parts of one that gates multiply, and of sums over axes grouped anew. */
import type { Tensor } from "../../src/index.ts";
import { arange, crossEntropy, gelu, gradients, groupNorm, normalize, silu, slice, softmax, tensor } from "../../src/index.ts";
import type { FusionRow } from "./row.ts";
import { data, placed } from "./row.ts";

/** The k-th of equal parts of the columns. */
function part(x: Tensor, k: number, width: number): Tensor {
  return x.get(":", slice(k * width, (k + 1) * width));
}

/** The four gates of a long short-term memory of 20, and its cell. */
function memoryCell(): readonly Tensor[] {
  const gates = data(16, 24)
    .matmul(data(24, 80))
    .add(data(16, 20).matmul(data(20, 80)))
    .add(data(80));
  const gate = (k: number): Tensor => part(gates, k, 20);
  const cell = gate(1)
    .sigmoid()
    .mul(data(16, 20))
    .add(gate(0).sigmoid().mul(gate(2).tanh()));
  return [gate(3).sigmoid().mul(cell.tanh()), cell];
}

/** A gated recurrent unit, which multiplies one part of a product before it adds another. */
function recurrentUnit(): readonly Tensor[] {
  const h = data(16, 20);
  const [own, before] = [data(16, 24).matmul(data(24, 60)), h.matmul(data(20, 60))];
  const gate = (k: number): Tensor =>
    part(own, k, 20)
      .add(part(before, k, 20))
      .sigmoid();
  const kept = gate(1);
  const next = part(own, 2, 20)
    .add(gate(0).mul(part(before, 2, 20)))
    .tanh();
  return [kept.mul(h).add(kept.neg().add(1).mul(next))];
}

function halves(): readonly Tensor[] {
  const y = data(32, 16).matmul(data(16, 64));
  return [gelu(part(y, 0, 32)).mul(part(y, 1, 32))];
}

function halvesOfSums(): readonly Tensor[] {
  const s = data(64, 40).sum({ axis: 1 });
  return [s.get(":32").mul(s.get("32:"))];
}

function everyOther(): readonly Tensor[] {
  const s = data(64, 40).sum({ axis: 1 });
  return [s.get("::2").sub(s.get("1::2"))];
}

function bothProducts(): readonly Tensor[] {
  const x = data(32, 64);
  return [silu(x.matmul(data(64, 48))).mul(x.matmul(data(64, 48)))];
}

function gatedPerceptron(): readonly Tensor[] {
  const x = data(32, 64);
  const h = silu(x.matmul(data(64, 96))).mul(x.matmul(data(64, 96)));
  return [h.matmul(data(96, 64)).add(x)];
}

function batched(): readonly Tensor[] {
  const y = data(6, 10, 32).reshape(60, 32).matmul(data(32, 16));
  return [gelu(y.reshape(6, 10, 16).add(data(16)))];
}

/** Pairs told apart by the cosine of their directions. */
function contrast(): readonly Tensor[] {
  const [a, b] = [data(32, 16).requireGrad(), data(32, 16).requireGrad()];
  const scores = normalize(a, { axis: 1 })
    .matmul(normalize(b, { axis: 1 }).T)
    .div(0.1);
  const loss = crossEntropy(scores, placed(tensor(arange(32, { dtype: "int32" }))));
  return [loss, ...gradients(loss, [a, b])];
}

const image = (): Tensor => data(4, 8, 6, 6);

function addedToItself(): readonly Tensor[] {
  const x = image();
  return [groupNorm(x, 2, { weight: data(8), bias: data(8) }).add(x)];
}

function recurrent(): readonly Tensor[] {
  return [
    data(16, 24)
      .matmul(data(24, 20))
      .add(data(16, 20).matmul(data(20, 20)))
      .add(data(20))
      .tanh(),
  ];
}

const normed = (): Tensor => silu(groupNorm(image(), 4, { weight: data(8), bias: data(8) }));
const byBlocks = (): Tensor =>
  softmax(data(8, 64).reshape(8, 4, 16), { axis: 2 })
    .reshape(8, 64)
    .mul(data(64));

export const gates: readonly FusionRow[] = [
  { row: 300, section: "B", expression: "tanh(x(16,24) @ w(24,20) + h(16,20) @ u(20,20) + b)", aim: 1, reductions: 2, outputs: recurrent },
  { row: 301, section: "B", expression: "silu(x(32,64) @ v(64,48)) * (x @ w(64,48))", aim: 1, outputs: bothProducts },
  { row: 302, section: "B", expression: "y = x(32,16) @ w(16,64); gelu(y[:, :32]) * y[:, 32:]", aim: 1, outputs: halves },
  { row: 303, section: "B", expression: "s = sum(x(64,40), 1); s[:32] * s[32:]", aim: 1, outputs: halvesOfSums },
  { row: 304, section: "B", expression: "s = sum(x(64,40), 1); s[::2] - s[1::2]", aim: 1, outputs: everyOther },
  { row: 305, section: "B", expression: "z = x(16,24) @ w(24,80) + h(16,20) @ u(20,80) + b; i, f, g, o = z -> h, c", aim: 1, outputs: memoryCell },
  { row: 306, section: "B", expression: "r, u, n of x(16,24) @ w(24,60) and h(16,20) @ u(20,60) -> h", aim: 1, outputs: recurrentUnit },
  { row: 307, section: "D", expression: "silu(groupNorm(x(4,8,6,6), 4) * w(8) + b(8))", aim: 1, outputs: () => [normed()] },
  { row: 308, section: "D", expression: "groupNorm(x(4,8,6,6), 2) * w(8) + b(8) + x", aim: 1, outputs: addedToItself },
  { row: 309, section: "D", expression: "softmax(x(8,64).reshape(8,4,16)).reshape(8,64) * w(64)", aim: 1, outputs: () => [byBlocks()] },
  { row: 310, section: "D", expression: "crossEntropy(cosines of a(32,16), b(32,16) / 0.1, arange) -> loss, da, db", aim: 3, outputs: contrast },
  { row: 311, section: "B", expression: "(silu(x(32,64) @ v(64,96)) * (x @ w(64,96))) @ u(96,64) + x", aim: 2, outputs: gatedPerceptron },
  { row: 312, section: "B", expression: "gelu((x(6,10,32).reshape(60,32) @ w(32,16)).reshape(6,10,16) + b(16))", aim: 1, outputs: batched },
];
