/**
 * Random programs of what models are made of (norms, softmaxes, functions, products, views, their gradients), recorded through the public
 * API: with fusion they give what the interpreter gives, on JavaScript and on WebAssembly, in kernels that pass all checks, and shaders are made of
 * them. Longer, and with other programs: FUZZ_RUNS=20 FUZZ_SEED=7.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { compileGraph, kernelCount } from "../../compiler/pipeline.ts";
import { js, wasm, wgsl } from "../../compiler/target.ts";
import { gelu, gradients, logSoftmax, logsumexp, permuteDims, softmax, tensor } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { recorded } from "../recorded.ts";
import { fuzzing } from "./check.ts";
import { Genes } from "./genes.ts";

/** Elements that a program's values have at the most, about. */
const most = 4000;

const lengths = [3, 2, 5, 8, 16, 17, 20, 32, 33, 48];

/** Numbers from -1 to 1 that a shape and a seed decide. */
function data(genes: Genes, ...shape: readonly number[]): Tensor {
  let state = genes.below(9999) + 1;
  const next = (): number => (state = (state * 16807) % 2147483647) / 1073741823.5 - 1;
  return tensor(Float32Array.from({ length: sizeOf(shape) }, next), { shape });
}

const keep = (axis: number): { readonly axis: number; readonly keepdims: true } => ({ axis, keepdims: true });

const functions: readonly ((x: Tensor) => Tensor)[] = [
  (x) => x.tanh(),
  (x) => gelu(x),
  (x) => x.abs().neg().exp(),
  (x) => x.abs().log1p(),
  (x) => x.sin(),
  (x) => x.sigmoid().mul(x),
  (x) => x.abs().add(0.5).pow(1.3),
  (x) => x.abs().add(1).log().tanh(),
  (x) => gelu(x).mul(x.tanh()).mul(x.cos()),
];

const rowwise: readonly ((x: Tensor, axis: number) => Tensor)[] = [
  (x, axis) => softmax(x, { axis }),
  (x, axis) => logSoftmax(x, { axis }),
  (x, axis) => x.sub(x.mean(keep(axis))).div(x.var(keep(axis)).add(1e-2).sqrt()),
  (x, axis) => x.div(x.square().sum(keep(axis)).add(0.1).sqrt()),
];

const reductions: readonly ((x: Tensor, axis: number) => Tensor)[] = [
  (x, axis) => x.sum({ axis }),
  (x, axis) => x.mean({ axis }),
  (x, axis) => x.max({ axis }),
  (x, axis) => logsumexp(x, { axis }),
];

/** One axis as two, or two as one. */
function regrouped(x: Tensor, genes: Genes): Tensor {
  const { shape } = x;
  const even = shape.findIndex((n) => n > 2 && n % 2 === 0);
  const parts = genes.oneIn(2) ? [2, at(shape, Math.max(0, even)) / 2] : [at(shape, Math.max(0, even)) / 2, 2];
  if (even >= 0 && shape.length < 4 && genes.oneIn(2)) return x.reshape(...shape.slice(0, even), ...parts, ...shape.slice(even + 1));
  if (shape.length < 2) return x;
  const i = genes.below(shape.length - 1);
  return x.reshape(...shape.slice(0, i), at(shape, i) * at(shape, i + 1), ...shape.slice(i + 2));
}

/** Distances of rows to some others. */
function distances(x: Tensor, genes: Genes): Tensor {
  const [n, d] = [at(x.shape, 0), at(x.shape, 1)];
  const m = genes.from(lengths);
  if (x.shape.length !== 2 || n * m * d > 4 * most) return x;
  const other = data(genes, m, d);
  return x
    .reshape(n, 1, d)
    .sub(other.reshape(1, m, d))
    .square()
    .sum({ axis: 2 });
}

function product(x: Tensor, genes: Genes): Tensor {
  const n = genes.from(lengths);
  return x.shape.length < 2 || (x.size / at(x.shape, x.shape.length - 1)) * n > most ? x : x.matmul(data(genes, at(x.shape, x.shape.length - 1), n));
}

/** With values of other shapes, which are the same along some axes. */
function scaled(x: Tensor, genes: Genes): Tensor {
  const other = data(genes, ...x.shape.map((n) => (genes.oneIn(2) ? 1 : n)));
  return genes.oneIn(2) ? x.mul(other) : x.add(other);
}

/** Sums over several axes of what functions of some axes are multiplied with. */
function weighed(x: Tensor, genes: Genes): Tensor {
  const weight = genes.from(functions)(data(genes, ...x.shape.map((n) => (genes.oneIn(2) ? 1 : n))));
  const axis = x.shape.map((_, i) => i).filter(() => !genes.oneIn(3));
  const reduce = genes.from<(y: Tensor) => Tensor>([(y) => y.sum({ axis }), (y) => y.max({ axis }), (y) => y.mean({ axis })]);
  return axis.length === 0 ? x.mul(weight) : reduce(x.mul(weight));
}

const steps: readonly ((x: Tensor, genes: Genes, others: readonly Tensor[]) => Tensor)[] = [
  (x, genes) => genes.from(functions)(x),
  (x, genes) => genes.from(rowwise)(x, genes.below(x.shape.length)),
  (x, genes) => permuteDims(x, genes.shuffled(x.shape.map((_, i) => i))),
  (x, genes) => genes.from(functions)(x),
  (x, genes) => genes.from(rowwise)(x, genes.below(x.shape.length)),
  (x, genes) => genes.from(reductions)(x, genes.below(x.shape.length)),
  product,
  regrouped,
  weighed,
  (x, genes) => distances(x.shape.length === 2 ? x : x.reshape(-1, at(x.shape, x.shape.length - 1)), genes),
  scaled,
  (x, genes, others) => {
    const alike = others.filter((o) => o.shape.join() === x.shape.join());
    return alike.length === 0 ? x.add(1) : x.mul(genes.from(alike));
  },
];

/** The outputs of a program that some numbers decide. */
function programOf(list: readonly number[]): readonly Tensor[] {
  const genes = new Genes(list);
  const rank = genes.from([2, 3, 2, 4]);
  const shape = Array.from({ length: rank }, () => (rank === 2 ? genes.from(lengths) : genes.from([3, 2, 6, 8])));
  const isLearnt = genes.oneIn(3);
  const given = data(genes, ...shape);
  const root = isLearnt ? given.requireGrad() : given;
  const made = [root];
  for (let i = 2 + genes.below(5); i > 0; i--) {
    const x = at(made, made.length - 1);
    if (x.shape.length > 0) made.push(genes.from(steps)(x, genes, made));
  }
  const last = at(made, made.length - 1);
  const extra = genes.oneIn(2) ? [genes.from(made)] : [];
  if (!isLearnt) return [last, ...extra];
  const loss = last.mul(data(genes, ...last.shape)).sum();
  return [loss, ...gradients(loss, [root]), ...extra];
}

const genes = fc.array(fc.nat({ max: 9999 }), { minLength: 12, maxLength: 48, size: "max" });

/** Throws where compiled code gives something else than the interpreter; how many kernels it takes, fused and apart. */
function expectAlike(outputs: readonly Tensor[]): { readonly fused: number; readonly apart: number } {
  const { graph, inputs } = recorded(...outputs);
  const wanted = interpretGraph(graph, inputs);
  let [fused, apart] = [0, 0];
  for (const target of [js, wasm]) {
    fused += kernelCount(compileGraph(graph, target, { verify: true }).plan);
    apart += kernelCount(compileGraph(graph, target, { fusion: false }).plan);
    runCompiled(graph, inputs, { target }).forEach((found, k) => {
      const { data: values } = at(wanted, k);
      values.forEach((value, i) => {
        const [x, y] = [Number(value), Number(found.data[i])];
        // differences of sums in another order, magnified where they cancel
        if (!(Math.abs(x - y) <= 2e-3 * (1 + Math.abs(x)))) throw new Error(`${target.name}: element ${i} of output ${k} is ${y}, expected ${x}`);
      });
    });
  }
  compileGraph(graph, wgsl, { verify: true });
  return { fused, apart };
}

test("programs of layers give what the interpreter gives, fused", () => {
  let [fused, apart] = [0, 0];
  fc.assert(
    fc.property(genes, (list) => {
      const counts = expectAlike(programOf(list));
      fused += counts.fused;
      apart += counts.apart;
    }),
    fuzzing(120),
  );
  expect(fused).toBeLessThan(apart / 3);
});

test("sums over several axes of functions of some of them give what the interpreter gives", () => {
  const sums = fc.property(genes, (list) => {
    const chosen = new Genes(list);
    const x = data(chosen, ...Array.from({ length: 2 + chosen.below(3) }, () => chosen.from([3, 2, 4, 5, 16, 1])));
    const y = chosen.from(functions)(scaled(x, chosen));
    expectAlike(chosen.oneIn(2) ? [weighed(x, chosen)] : [weighed(y, chosen), weighed(x, chosen), y]);
  });
  fc.assert(sums, fuzzing(80));
});
