/** What lazuli and its peers compute: inputs, formula and tolerance of each case. */
import { numbers } from "../numbers.ts";
import type { Input, Task } from "./peer.ts";
import type { Expected } from "./references.js";
import { references } from "./references.js";

export interface Problem extends Task {
  readonly name: string;
  readonly formula: string;
  /** |got - want| ≤ atol + rtol · |want| */
  readonly rtol: number;
  readonly atol: number;
  readonly expected: () => readonly Expected[];
}

export interface ProblemMaker {
  readonly name: string;
  /** Makes the inputs; lengths are over `shrink`: tests run them small. */
  readonly make: (shrink: number) => Problem;
}

const volume = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** An operand of numbers drawn from `low` to `high`. */
function drawn(name: string, shape: readonly number[], [low, high]: readonly [number, number], seed: number = 1): Input {
  return { name, shape, data: numbers(volume(shape), low, high, seed) };
}

interface Outline {
  readonly name: string;
  /** `name` where it is left out. */
  readonly program?: string;
  readonly formula: string;
  readonly inputs: (shrink: number) => readonly Input[];
  readonly rtol: number;
  readonly atol: number;
}

function maker(outline: Outline): ProblemMaker {
  const { name, program = name, formula, rtol, atol } = outline;
  const reference = references[program];
  if (reference === undefined) throw new Error(`${program} has no reference`);
  const make = (shrink: number): Problem => {
    const inputs = outline.inputs(shrink);
    return { name, program, formula, inputs, rtol, atol, expected: () => reference(inputs) };
  };
  return { name, make };
}

const rows = (shrink: number): Input => drawn("x", [4096 / shrink, 1024], [-5, 5]);

const slopes = (shrink: number): Input => drawn("g", [4096 / shrink, 1024], [-1, 1], 2);

const heads = (shrink: number): readonly Input[] => [1, 2, 3].map((seed) => drawn("qkv".charAt(seed - 1), [1, 8, 512 / shrink, 64], [-1, 1], seed));

function logits(shrink: number): readonly Input[] {
  const [height, width] = [4096 / shrink, 32_000 / shrink];
  const labels = { name: "labels", shape: [height], data: Int32Array.from({ length: height }, (_, i) => (i * 7919) % width) };
  return [drawn("x", [height, width], [-5, 5]), labels];
}

const matmul = (n: number): ProblemMaker =>
  maker({
    name: `matmul${n}`,
    program: "matmul",
    formula: `[${n},${n}]·[${n},${n}]`,
    inputs: (shrink) => [drawn("a", [n / shrink, n / shrink], [-1, 1]), drawn("b", [n / shrink, n / shrink], [-1, 1], 2)],
    rtol: 1e-4,
    atol: 1e-3,
  });

function digitsStep(shrink: number): readonly Input[] {
  const batch = 128 / Math.min(shrink, 16);
  const widths = [784, 512 / shrink, 512 / shrink, 10];
  const layers = widths.slice(1).flatMap((width, i) => {
    const inputs = widths[i] ?? 0;
    const reach = Math.sqrt(6 / inputs);
    return [drawn(`w${i}`, [inputs, width], [-reach, reach], i + 2), drawn(`b${i}`, [width], [-0.1, 0.1], i + 9)];
  });
  const labels = { name: "labels", shape: [batch], data: Int32Array.from({ length: batch }, (_, i) => i % 10) };
  return [drawn("x", [batch, 784], [0, 1]), labels, ...layers];
}

const tiny = (name: string, program: string, formula: string): ProblemMaker =>
  maker({ name, program, formula, inputs: () => [drawn("x", [16], [0.4, 0.6]), drawn("y", [16], [0.4, 0.6], 2)], rtol: 1e-5, atol: 1e-6 });

/** In the order of the table. */
export const problems: readonly ProblemMaker[] = [
  maker({ name: "chain", formula: "tanh(x·1.5 + 0.25)·2 + √|x|, 4M", inputs: (s) => [drawn("x", [2 ** 22 / s], [-3, 3])], rtol: 1e-5, atol: 1e-5 }),
  maker({ name: "gelu", formula: "gelu(x), tanh form, 4M", inputs: (s) => [drawn("x", [2 ** 22 / s], [-4, 4])], rtol: 1e-5, atol: 1e-5 }),
  maker({
    name: "cheap",
    formula: "x·2 + 1 - y·3, 16M",
    inputs: (s) => [drawn("x", [2 ** 24 / s], [-1, 1]), drawn("y", [2 ** 24 / s], [-1, 1], 2)],
    rtol: 1e-5,
    atol: 1e-5,
  }),
  maker({
    name: "bs",
    formula: "Black-Scholes price of a call, 1M",
    inputs: (s) => [drawn("spot", [2 ** 20 / s], [5, 30]), drawn("strike", [2 ** 20 / s], [1, 100], 2), drawn("years", [2 ** 20 / s], [0.25, 10], 3)],
    rtol: 1e-4,
    atol: 1e-4,
  }),
  maker({ name: "sum", formula: "sum(x), 16M", inputs: (s) => [drawn("x", [2 ** 24 / s], [0, 1])], rtol: 1e-4, atol: 0 }),
  maker({ name: "softmax", formula: "softmax of each row, [4096,1024]", inputs: (s) => [rows(s)], rtol: 1e-4, atol: 1e-6 }),
  maker({
    name: "layernorm",
    formula: "layer norm with scale and shift of each row, [4096,1024]",
    inputs: (s) => [rows(s), drawn("w", [1024], [0.5, 1.5], 2), drawn("b", [1024], [-1, 1], 3)],
    rtol: 1e-4,
    atol: 1e-4,
  }),
  maker({ name: "argmax", formula: "argmax of each row, [4096,1024]", inputs: (s) => [rows(s)], rtol: 0, atol: 0 }),
  maker({ name: "var", formula: "variance of each row, [4096,1024]", inputs: (s) => [rows(s)], rtol: 1e-4, atol: 0 }),
  matmul(512),
  matmul(1024),
  matmul(2048),
  maker({
    name: "dense",
    formula: "gelu([1024,1024]·[1024,1024] + bias)",
    inputs: (s) => [drawn("a", [1024 / s, 1024 / s], [-0.1, 0.1]), drawn("b", [1024 / s, 1024 / s], [-1, 1], 2), drawn("bias", [1024 / s], [-1, 1], 3)],
    rtol: 1e-4,
    atol: 1e-4,
  }),
  maker({
    name: "bmm",
    program: "matmul",
    formula: "32 × [128,64]·[64,128]",
    inputs: (s) => [drawn("a", [32 / Math.min(s, 16), 128, 64], [-1, 1]), drawn("b", [32 / Math.min(s, 16), 64, 128], [-1, 1], 2)],
    rtol: 1e-4,
    atol: 1e-4,
  }),
  maker({
    name: "attention",
    formula: "softmax(q·kᵀ/8)·v, B1 H8 S512 D64",
    inputs: heads,
    rtol: 1e-4,
    atol: 1e-5,
  }),
  maker({
    name: "causal-attention",
    formula: "causal softmax(q·kᵀ/8)·v, B1 H8 S512 D64",
    inputs: heads,
    rtol: 1e-4,
    atol: 1e-5,
  }),
  maker({
    name: "softmax-gradient",
    formula: "gradient of a softmax of each row, [4096,1024]",
    inputs: (s) => [rows(s), slopes(s)],
    rtol: 1e-3,
    atol: 1e-7,
  }),
  maker({
    name: "layernorm-gradient",
    formula: "gradients of a layer norm by rows, scale and shift, [4096,1024]",
    inputs: (s) => [rows(s), slopes(s), drawn("w", [1024], [0.5, 1.5], 3), drawn("b", [1024], [-1, 1], 4)],
    rtol: 1e-3,
    atol: 1e-3,
  }),
  maker({
    name: "adamw",
    formula: "a step of AdamW, 10M parameters",
    inputs: (s) => ["p", "g", "m", "v"].map((name, i) => drawn(name, [10_000_000 / s], [name === "v" ? 0.01 : -1, 1], i + 1)),
    rtol: 1e-5,
    atol: 1e-6,
  }),
  maker({ name: "cross-entropy", formula: "cross entropy of logits [4096,32000]", inputs: logits, rtol: 1e-4, atol: 0 }),
  maker({
    name: "cross-entropy-gradient",
    formula: "cross entropy of logits [4096,32000] and its gradient",
    inputs: logits,
    rtol: 1e-3,
    atol: 1e-8,
  }),
  maker({
    name: "conv",
    formula: "56×56×64 → 64 channels, 3×3, padded",
    inputs: (s) => [drawn("x", [1, 64, 56, 56], [-1, 1]), drawn("w", [64 / Math.min(s, 16), 64, 3, 3], [-0.1, 0.1], 2)],
    rtol: 1e-4,
    atol: 1e-4,
  }),
  maker({ name: "mlp", formula: "one step of gradient descent, batch 128, 784-512-512-10", inputs: digitsStep, rtol: 1e-3, atol: 1e-4 }),
  tiny("tiny", "tiny", "x·y of 16 elements"),
  tiny("tiny100", "chained", "100 products and sums in a row, of 16 elements"),
];

/** The makers of these names, all where there are none; throws where a name is unknown. */
export function problemsNamed(names: readonly string[]): readonly ProblemMaker[] {
  const unknown = names.filter((name) => !problems.some((p) => p.name === name));
  if (unknown.length > 0) throw new Error(`no case is called ${unknown.join(" or ")}: there are ${problems.map((p) => p.name).join(", ")}`);
  return names.length === 0 ? problems : problems.filter((p) => names.includes(p.name));
}
