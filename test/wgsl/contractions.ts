/** Graphs around contractions, at any size: what a schedule of them must take, whatever it is called. */
import type { DType } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { absolute, add, cast, equal, less, maximum, multiply, subtract, where } from "../../compiler/ops/arithmetic.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import { exp } from "../../compiler/ops/exponential.ts";
import { gather } from "../../compiler/ops/gather.ts";
import { broadcast, fill, permute, reduceSum, reshape } from "../../compiler/ops/layout.ts";
import { argmin, reduceAny, reduceMax, reduceMin } from "../../compiler/ops/reductions.ts";
import { iotaValue, paramValue } from "../../compiler/ops/source.ts";
import { erf } from "../../compiler/ops/special.ts";
import { slice } from "../../compiler/ops/views.ts";
import { tanh } from "../../compiler/ops/trigonometric.ts";
import { window } from "../../compiler/ops/windows.ts";
import { numbers } from "../ops/samples.ts";

export interface Size {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export interface Input {
  readonly shape: Shape;
  readonly dtype?: DType;
  readonly lo?: number;
  readonly hi?: number;
}

/** A program at a size. */
export interface Form {
  readonly inputs: (size: Size) => readonly Input[];
  readonly build: (values: readonly Value[], size: Size) => readonly Value[];
}

export interface Case {
  readonly graph: Graph;
  readonly inputs: readonly HostData[];
}

/** Where a test's own numbers are floats: float32 on a GPU, float64 where sums shall be exact. */
export type Float = "float32" | "float64";

export function caseOf(form: Form, size: Size, float: Float): Case {
  const given = form.inputs(size).map(({ shape, dtype = float, lo = -1, hi = 1 }, i) => numbers(tensorType(dtype, shape), i + 1, lo, hi));
  const params = given.map((d, i) => paramValue(`x${i}`, d.type, "buffer"));
  return { graph: { name: "contraction", params, outputs: form.build(params, size) }, inputs: given };
}

const shapes =
  (...of: readonly ((size: Size) => Shape)[]) =>
  (size: Size): readonly Input[] =>
    of.map((f) => ({ shape: f(size) }));
const mk = ({ m, k }: Size): Shape => [m, k];
const km = ({ m, k }: Size): Shape => [k, m];
const kn = ({ n, k }: Size): Shape => [k, n];
const nk = ({ n, k }: Size): Shape => [n, k];
const mn = ({ m, n }: Size): Shape => [m, n];

const product = (a: Value, b: Value): Value => dot(a, b, [[1], [0]]);
const like = (value: number, x: Value): Value => fill(value, x.type);
const over = (x: Value, y: Value, axes: readonly number[]): Value => broadcast(x, y.shape, axes);
const gelu = (x: Value): Value => multiply(multiply(like(0.5, x), x), add(like(1, x), erf(multiply(x, like(Math.SQRT1_2, x)))));

/** Both sides of every pair: (m,k) and (n,k) as (m,n,k). */
function pairs(a: Value, b: Value): readonly [Value, Value] {
  const shape = [at(a.shape, 0), at(b.shape, 0), at(a.shape, 1)];
  return [broadcast(a, shape, [0, 2]), broadcast(b, shape, [1, 2])];
}

const two = (values: readonly Value[]): readonly [Value, Value] => [at(values, 0), at(values, 1)];

export const forms: Readonly<Record<string, Form>> = {
  plain: { inputs: shapes(mk, kn), build: (v) => [product(...two(v))] },
  "left transposed": { inputs: shapes(km, kn), build: (v) => [dot(...two(v), [[0], [0]])] },
  "right transposed": { inputs: shapes(mk, nk), build: (v) => [dot(...two(v), [[1], [1]])] },
  "both transposed, result too": { inputs: shapes(km, nk), build: (v) => [permute(dot(...two(v), [[0], [1]]), [1, 0])] },
  batch: {
    inputs: ({ m, n, k }) => [{ shape: [3, m, k] }, { shape: [3, k, n] }],
    build: (v) => [dot(...two(v), [[2], [1]], [[0], [0]])],
  },
  "batch on one side": {
    inputs: ({ m, n, k }) => [{ shape: [3, m, k] }, { shape: [k, n] }],
    build: (v) => [dot(...two(v), [[2], [0]])],
  },
  "heads between": {
    inputs: ({ m, n, k }) => [{ shape: [m, 2, k] }, { shape: [n, 2, k] }],
    build: (v) => [dot(...two(v), [[2], [2]], [[1], [1]])],
  },
  "two axes contracted": {
    inputs: ({ m, n, k }) => [{ shape: [3, m, k] }, { shape: [k, 3, n] }],
    build: (v) => [
      dot(...two(v), [
        [0, 2],
        [1, 0],
      ]),
    ],
  },
  "every other column of a part": {
    inputs: ({ m, n, k }) => [{ shape: [m + 2, 2 * k] }, { shape: [k, n] }],
    build: (v, { m, k }) => [product(slice(at(v, 0), [1, 0], [m, k], [1, 2]), at(v, 1))],
  },
  "exp of the left, less its largest": {
    inputs: shapes(mk, kn),
    build: (v) => {
      const [a, b] = two(v);
      return [product(exp(subtract(a, over(reduceMax(a, [1]), a, [0]))), b)];
    },
  },
  "scaled on both sides": {
    inputs: ({ m, n, k }) => [{ shape: [m, k] }, { shape: [k, n] }, { shape: [m] }, { shape: [k] }, { shape: [n] }],
    build: (v) => {
      const [a, b] = two(v);
      return [product(multiply(multiply(a, over(at(v, 2), a, [0])), over(at(v, 3), a, [1])), multiply(b, over(at(v, 4), b, [1])))];
    },
  },
  "integers cast": {
    inputs: ({ m, n, k }) => [{ shape: [m, k], dtype: "int32", lo: -9, hi: 9 }, { shape: [k, n] }],
    build: (v) => [product(cast(at(v, 0), at(v, 1).dtype), at(v, 1))],
  },
  "bias, gelu and a residual": {
    inputs: ({ m, n, k }) => [{ shape: [m, k] }, { shape: [k, n] }, { shape: [n] }, { shape: [m, n] }],
    build: (v) => {
      const y = product(...two(v));
      return [add(gelu(add(y, over(at(v, 2), y, [1]))), at(v, 3))];
    },
  },
  "several results": {
    inputs: shapes(mk, kn, mn),
    build: (v) => {
      const y = product(...two(v));
      const z = multiply(tanh(y), at(v, 2));
      return [y, z, less(z, like(0, z))];
    },
  },
  "three of one left": {
    inputs: shapes(mk, kn, kn, kn),
    build: (v) => [1, 2, 3].map((i) => product(at(v, 0), at(v, i))),
  },
  "of what is below the diagonal": {
    inputs: shapes(mk, kn),
    build: (v) => {
      const [a, b] = two(v);
      const below = less(iotaValue(a.shape, 1, "int32"), iotaValue(a.shape, 0, "int32"));
      return [product(where(below, a, like(0, a)), b)];
    },
  },
  "of gathered rows": {
    inputs: ({ m, n, k }) => [{ shape: [7, k] }, { shape: [k, n] }, { shape: [m], dtype: "int32", lo: 0, hi: 7 }],
    build: (v) => [product(gather(at(v, 0), at(v, 2), 0), at(v, 1))],
  },
  integers: {
    inputs: ({ m, n, k }) => [
      { shape: [m, k], dtype: "int32", lo: -1e9, hi: 1e9 },
      { shape: [k, n], dtype: "int32", lo: -1e9, hi: 1e9 },
    ],
    build: (v) => [product(...two(v))],
  },
  "any of pairs of bools": {
    inputs: ({ m, n, k }) => [
      { shape: [m, k], dtype: "bool" },
      { shape: [n, k], dtype: "bool" },
    ],
    build: (v) => {
      const [a, b] = pairs(...two(v));
      return [reduceAny(equal(a, b), [2])];
    },
  },
  "largest sums": {
    inputs: shapes(mk, nk),
    build: (v) => [reduceMax(add(...pairs(...two(v))), [2])],
  },
  "least distances and where": {
    inputs: shapes(mk, nk),
    build: (v) => {
      const d = absolute(subtract(...pairs(...two(v))));
      return [reduceMin(d, [2]), argmin(d, [2])];
    },
  },
  convolution: {
    inputs: ({ m, n, k }) => [{ shape: [2, k, m + 2] }, { shape: [n, k, 3] }],
    // (2,k,m,3) and (n,k,3) over k and the window
    build: (v) => [
      dot(window(at(v, 0), [2], [3]), at(v, 1), [
        [1, 3],
        [1, 2],
      ]),
    ],
  },
  "relu of a product, summed": {
    inputs: shapes(mk, kn),
    build: (v) => {
      const y = product(...two(v));
      // the product is needed itself: a small one would be added up by one workgroup otherwise
      return [y, reduceSum(reshape(maximum(y, like(0, y)), [at(y.shape, 0) * at(y.shape, 1)]), [0])];
    },
  },
};

/** Sizes around those of tiles, blocks and lanes. */
export const lengths: readonly number[] = [1, 3, 16, 17, 63, 64, 65, 100, 127, 130];

/** Every length along every axis: all axes of one, and beside others. */
export const sizes: readonly Size[] = lengths.flatMap((x, i): Size[] => [
  { m: x, n: x, k: x },
  { m: x, n: at(lengths, (i + 3) % lengths.length), k: at(lengths, (i + 6) % lengths.length) },
]);

/** Every length as rows of a short sum, and as the length of a sum. */
export const moreSizes: readonly Size[] = lengths.flatMap((x): Size[] => [
  { m: x, n: 65, k: 17 },
  { m: 63, n: 130, k: x },
]);
