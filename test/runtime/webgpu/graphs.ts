/** Graphs to run on a GPU, each with inputs: all dtypes, several kernels, fills, copies, scalars, shared and donated memory. */
import type { DType } from "../../../compiler/ir/dtype.ts";
import { at } from "../../../compiler/ir/errors.ts";
import type { HostData } from "../../../compiler/ir/host.ts";
import type { Value } from "../../../compiler/ir/node.ts";
import type { Shape } from "../../../compiler/ir/shape.ts";
import { tensorType } from "../../../compiler/ir/shape.ts";
import { add, cast, divide, greater, isNaN, logicalNot, maximum, multiply, negative, subtract, where } from "../../../compiler/ops/arithmetic.ts";
import { dot } from "../../../compiler/ops/contraction.ts";
import { exp, log } from "../../../compiler/ops/exponential.ts";
import { gather, scatter } from "../../../compiler/ops/gather.ts";
import { broadcast, fill, permute, reduceSum, reshape } from "../../../compiler/ops/layout.ts";
import { prefixSum } from "../../../compiler/ops/prefix.ts";
import { argmax, reduceAny, reduceMax } from "../../../compiler/ops/reductions.ts";
import { sort } from "../../../compiler/ops/sort.ts";
import { numbers } from "../../ops/samples.ts";

export interface Sample {
  readonly inputs: readonly HostData[];
  /** Scalar params, after the inputs. */
  readonly scalars?: readonly { readonly dtype: DType; readonly value: number }[];
  readonly donated?: readonly number[];
  readonly build: (...values: readonly Value[]) => readonly Value[];
}

const floats = (...shape: Shape): HostData => numbers(tensorType("float32", shape), shape.length + 3, -2, 2);
const ints = (hi: number, ...shape: Shape): HostData => numbers(tensorType("int32", shape), 5, 0, hi);
const bools = (...shape: Shape): HostData => numbers(tensorType("bool", shape), 7, 0, 1);
const one =
  (f: (x: Value) => readonly Value[]) =>
  (...values: readonly Value[]): readonly Value[] =>
    f(at(values, 0));
const two =
  (f: (x: Value, y: Value) => readonly Value[]) =>
  (...values: readonly Value[]): readonly Value[] =>
    f(at(values, 0), at(values, 1));
const three =
  (f: (x: Value, y: Value, z: Value) => readonly Value[]) =>
  (...values: readonly Value[]): readonly Value[] =>
    f(at(values, 0), at(values, 1), at(values, 2));

function softmax(x: Value): Value {
  const e = exp(subtract(x, broadcast(reduceMax(x, [1]), x.shape, [0])));
  return divide(e, broadcast(reduceSum(e, [1]), x.shape, [0]));
}

const product = (a: Value, b: Value): Value => dot(a, b, [[1], [0]]);
/** Two products and a softmax: kernels with temporaries between them. */
const network = three((x, a, b) => [softmax(product(maximum(product(x, a), 0), b))]);
const lookUp = two((x, i) => [gather(x, i, 0)]);

export const samples: Readonly<Record<string, Sample>> = {
  elementwise: { inputs: [floats(7, 33), floats(7, 33)], build: two((x, y) => [multiply(exp(x), add(y, 0.5)), subtract(x, y)]) },
  "softmax of rows": { inputs: [floats(5, 300)], build: one((x) => [softmax(x)]) },
  "a matrix product": { inputs: [floats(33, 17), floats(17, 29)], build: two((a, b) => [product(a, b)]) },
  "a network with temporaries": { inputs: [floats(9, 20), floats(20, 31), floats(31, 10)], build: network },
  "scatter adds": { inputs: [floats(10, 3), ints(9, 8), floats(8, 3)], build: three((x, i, u) => [scatter(x, i, u, 0, "add")]) },
  "scatter into a filled buffer": {
    inputs: [ints(9, 8), floats(8, 3)],
    build: two((i, u) => [
      scatter(fill(2.5, tensorType("float32", [10, 3])), i, u, 0, "add"),
      scatter(fill(0, tensorType("float32", [10, 3])), i, u, 0, "add"),
    ]),
  },
  "a copy between temporaries": {
    inputs: [floats(10, 10), ints(9, 8), floats(8, 10)],
    build: three((x, i, u) => {
      const square = product(x, x);
      return [product(scatter(square, i, u, 0, "add"), square)];
    }),
  },
  gather: { inputs: [floats(10, 3), ints(9, 4)], build: lookUp },
  sort: { inputs: [floats(6, 40)], build: one((x) => sort(x, 1)) },
  "running sums": { inputs: [floats(12, 65)], build: one((x) => [prefixSum(x, 1), prefixSum(x, 0)]) },
  "bools in, out and between": {
    inputs: [bools(4, 9), floats(4, 9)],
    build: two((b, x) => [logicalNot(b), where(b, x, negative(x)), reduceAny(greater(x, 1.5), [1]), isNaN(log(x)), cast(b, "int32")]),
  },
  integers: {
    inputs: [numbers(tensorType("uint32", [50]), 3, 0, 4e9), ints(100, 50)],
    build: two((u, i) => [multiply(u, u), negative(i), argmax(i, [0]), cast(i, "float32")]),
  },
  scalars: {
    inputs: [floats(4, 5)],
    scalars: [
      { dtype: "float32", value: 0.1 },
      { dtype: "int32", value: -3 },
      { dtype: "bool", value: 1 },
    ],
    build: (...v) => [
      where(broadcast(at(v, 3), [4, 5], []), multiply(at(v, 0), broadcast(at(v, 1), [4, 5], [])), fill(0, at(v, 0).type)),
      cast(at(v, 2), "float32"),
    ],
  },
  "a donated input": { inputs: [floats(300), floats(300)], donated: [0], build: two((x, g) => [subtract(x, multiply(g, 0.1))]) },
  "two donated inputs": { inputs: [floats(64), floats(64)], donated: [0, 1], build: two((x, m) => [add(x, m), add(multiply(m, 0.9), x)]) },
  "an output that is an input": { inputs: [floats(6, 4)], build: one((x) => [x, reshape(x, [24]), add(x, 1)]) },
  "one buffer seen with two shapes": { inputs: [floats(6, 4)], build: one((x) => [exp(x), reshape(exp(x), [24]), permute(exp(x), [1, 0])]) },
  "constants alone": {
    inputs: [],
    build: () => [fill(3.5, tensorType("float32", [2, 3])), fill(1, tensorType("bool", [5])), fill(-2, tensorType("int32", []))],
  },
  "no elements": { inputs: [floats(0, 4)], build: one((x) => [exp(x), reduceSum(x, [0])]) },
};
