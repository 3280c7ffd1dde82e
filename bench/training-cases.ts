/** The cases of kernel fusion that training is made of: attention, gradients of rows, the optimizer's step, the loss. */
import { at } from "../compiler/ir/errors.ts";
import type { Tensor } from "../src/index.ts";
import { tensor } from "../src/index.ts";
import * as byHand from "./by-hand.js";
import type { Case, MakeCase } from "./cases.ts";
import { numbers } from "./numbers.ts";
import { differentiated, trainingPrograms } from "./training-programs.ts";

interface Operand {
  readonly name: string;
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

const operand = (name: string, shape: readonly number[], [low, high]: readonly [number, number], seed: number): Operand => ({
  name,
  shape,
  data: numbers(
    shape.reduce((a, b) => a * b, 1),
    low,
    high,
    seed,
  ),
});

interface Outline extends Pick<Case, "name" | "formula" | "rtol" | "atol" | "byHand" | "out"> {
  readonly operands: readonly Operand[];
}

/** A case whose expression is the program of its name. */
function caseOf({ operands, ...rest }: Outline): Case {
  const program = trainingPrograms[rest.name];
  if (program === undefined) throw new Error(`no program is called ${rest.name}`);
  const tensors = new Map(
    operands.map(({ name, data, shape }) => [name, tensor(data, { shape, requiresGrad: differentiated[rest.name]?.includes(name) === true })]),
  );
  const get = (name: string): Tensor => {
    const found = tensors.get(name);
    if (found === undefined) throw new Error(`${rest.name} has no operand ${name}`);
    return found;
  };
  const bytes = [...operands.map((o) => o.data), ...rest.out].reduce((n, list) => n + list.byteLength, 0);
  return { ...rest, bytes, record: () => program(get) };
}

const floats = (o: Operand | undefined): Float32Array => (o?.data instanceof Float32Array ? o.data : new Float32Array(0));

const attention =
  (name: "attention" | "causal-attention"): MakeCase =>
  (shrink) => {
    const [length, width] = [512 / shrink, 64];
    const operands = [1, 2, 3].map((seed) => operand("qkv".charAt(seed - 1), [1, 8, length, width], [-1, 1], seed));
    const [q, k, v] = [floats(at(operands, 0)), floats(at(operands, 1)), floats(at(operands, 2))];
    const out = new Float32Array(q.length);
    const causal = name === "causal-attention";
    return caseOf({
      name,
      formula: `${causal ? "causal " : ""}softmax(q·kᵀ/8)·v, B1 H8 S512 D64`,
      operands,
      byHand: () => byHand.attention(q, k, v, [length, width], causal, out),
      out: [out],
      rtol: 1e-4,
      atol: 1e-5,
    });
  };

const softmaxGradient: MakeCase = (shrink) => {
  const shape = [4096 / shrink, 1024];
  const operands = [operand("x", shape, [-5, 5], 1), operand("g", shape, [-1, 1], 2)];
  const [x, g] = [floats(at(operands, 0)), floats(at(operands, 1))];
  const out = new Float32Array(x.length);
  return caseOf({
    name: "softmax-gradient",
    formula: "gradient of a softmax of each row, [4096,1024]",
    operands,
    byHand: () => byHand.softmaxGradient(x, g, 1024, out),
    out: [out],
    rtol: 1e-3,
    atol: 1e-7,
  });
};

const layerNormGradient: MakeCase = (shrink) => {
  const shape = [4096 / shrink, 1024];
  const operands = [operand("x", shape, [-5, 5], 1), operand("g", shape, [-1, 1], 2), operand("w", [1024], [0.5, 1.5], 3), operand("b", [1024], [-1, 1], 4)];
  const [x, g, w] = [floats(at(operands, 0)), floats(at(operands, 1)), floats(at(operands, 2))];
  const out = [new Float32Array(x.length), new Float32Array(1024), new Float32Array(1024)] as const;
  return caseOf({
    name: "layernorm-gradient",
    formula: "gradients of a layer norm by rows, scale and shift, [4096,1024]",
    operands,
    byHand: () => byHand.layerNormGradient(x, w, g, out),
    out,
    rtol: 1e-4,
    atol: 1e-3,
  });
};

const adamw: MakeCase = (shrink) => {
  const shape = [10_000_000 / shrink];
  const operands = ["p", "g", "m", "v"].map((name, i) => operand(name, shape, [name === "v" ? 0.01 : -1, 1], i + 1));
  const [p, g, m, v] = [floats(at(operands, 0)), floats(at(operands, 1)), floats(at(operands, 2)), floats(at(operands, 3))];
  const out = [new Float32Array(p.length), new Float32Array(p.length), new Float32Array(p.length)] as const;
  return caseOf({
    name: "adamw",
    formula: "a step of AdamW, 10M parameters",
    operands,
    byHand: () => byHand.adamw([p, g, m, v], out),
    out,
    rtol: 1e-5,
    atol: 1e-6,
  });
};

const crossEntropy =
  (name: "cross-entropy" | "cross-entropy-gradient"): MakeCase =>
  (shrink) => {
    const [height, width] = [4096 / shrink, 32_000 / shrink];
    const x = operand("x", [height, width], [-5, 5], 1);
    const labels = Int32Array.from({ length: height }, (_, i) => (i * 7919) % width);
    const loss = new Float32Array(1);
    const slopes = name === "cross-entropy" ? null : new Float32Array(height * width);
    return caseOf({
      name,
      formula: `cross entropy of logits [4096,32000]${slopes === null ? "" : " and its gradient"}`,
      operands: [x, { name: "labels", shape: [height], data: labels }],
      byHand: () => {
        loss[0] = byHand.crossEntropy(floats(x), labels, width, slopes);
      },
      out: slopes === null ? [loss] : [loss, slopes],
      rtol: 1e-3,
      atol: 1e-8,
    });
  };

/** In the order of the table. */
export const trainingCases: readonly MakeCase[] = [
  attention("attention"),
  attention("causal-attention"),
  softmaxGradient,
  layerNormGradient,
  adamw,
  crossEntropy("cross-entropy"),
  crossEntropy("cross-entropy-gradient"),
];
