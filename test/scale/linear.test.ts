/** Work of passes grows as graphs do: counted in steps, not in seconds. */
import { describe, expect, test } from "vitest";
import type { Graph } from "../../compiler/ir/graph.ts";
import { nodesOf } from "../../compiler/ir/graph.ts";
import { canonicalize } from "../../compiler/passes/canonicalize.ts";
import { fuse } from "../../compiler/passes/fuse/fuse.ts";
import { simplify } from "../../compiler/passes/simplify/simplify.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js, wgsl } from "../../compiler/target.ts";
import type { Tensor } from "../../src/index.ts";
import { random } from "../../src/index.ts";

const last = { axis: -1, keepdims: true } as const;
let seed = 0;
const data = (...shape: readonly number[]): Tensor => random.normal(random.key(seed++), shape).evalSync();
const cell = (...shape: readonly number[]): Tensor => data(...shape).requireGrad();
const repeat = (times: number, y: Tensor, step: (y: Tensor, i: number) => Tensor): Tensor =>
  Array.from({ length: Math.round(times) }, (_, i) => i).reduce(step, y);

function trained(layers: number): readonly Tensor[] {
  const cells: Tensor[] = [];
  const layer = (y: Tensor): Tensor => {
    const [w, b] = [cell(4, 4), cell(4)];
    cells.push(w, b);
    return y.add(y.matmul(w).add(b).relu());
  };
  repeat(layers, data(2, 4), layer).square().mean().backward();
  return cells.map((c) => (c.grad === null ? c : c.sub(c.grad.mul(0.1))));
}

/** Graphs of about n nodes. */
const shapes: Readonly<Record<string, (n: number) => readonly Tensor[]>> = {
  "a chain of elementwise ops": (n) => {
    const x = data(3, 4);
    return [repeat(n / 2, x, (y) => y.sin().add(x))];
  },
  "a chain with a number at each step": (n) => [repeat(n / 4, data(3, 4), (y, i) => y.mul(0.5).add(1 / (i + 1)))],
  "rows reduced and spread again": (n) => [repeat(n / 5, data(3, 4), (y) => y.sub(y.mean(last)))],
  "rows and columns in turn": (n) => [repeat(n / 5, data(4, 4), (y, i) => y.sub(y.max({ axis: i % 2, keepdims: true })).sin())],
  "one value that all ask for": (n) => {
    const x = data(3, 4).exp();
    return [repeat(n / 3, x, (y, i) => y.add(x.mul(1 / (i + 1))))];
  },
  "a few values shared widely": (n) => {
    const list = Array.from({ length: 20 }, (_, i) => data(3, 4).mul(1 / (i + 1)));
    return [repeat(n, data(3, 4), (y, i) => y.add(list[i % 20] ?? y))];
  },
  "a ladder of softmaxes": (n) => [repeat(n / 7, data(3, 4), (y) => y.softmax({ axis: 1 }))],
  "many outputs": (n) => {
    const outputs: Tensor[] = [];
    repeat(n, data(3, 4), (y, i) => {
      if (i % 10 === 0) outputs.push(y);
      return y.sin();
    });
    return outputs;
  },
  products: (n) => {
    const w = data(4, 4);
    return [repeat(n / 2, data(3, 4), (y) => y.matmul(w).tanh())];
  },
  "views of views": (n) => [repeat(n / 4, data(4, 4), (y) => y.T.flip().roll(1, { axis: 0 }).reshape(2, 8).reshape(4, 4).sin())],
  "there and back through layers": (n) => trained(n / 17),
  "there and back through a chain": (n) => {
    const x = cell(3, 4);
    repeat(n / 5, x, (y) => y.sin().add(x))
      .sum()
      .backward();
    return x.grad === null ? [] : [x.grad];
  },
  "what simplifies away": (n) => [repeat(n / 7, data(3, 4), (y) => y.exp().negative().negative().T.T.abs().abs())],
};

interface Counts {
  readonly nodes: number;
  readonly simplifyVisits: number;
  readonly fired: number;
  readonly fuseVisits: number;
  readonly wgslVisits: number;
}

const graphOf = (outputs: readonly Tensor[]): Graph => canonicalize(outputs.map((o) => o.value)).build();

function countsOf(outputs: readonly Tensor[]): Counts {
  const graph = graphOf(outputs);
  const { graph: simpler, visits, fired } = simplify(graph);
  return {
    nodes: nodesOf(graph).length,
    simplifyVisits: visits,
    fired: fired.length,
    fuseVisits: fuse(simpler, js, { fusion: true }).visits,
    wgslVisits: fuse(simpler, wgsl, { fusion: true }).visits,
  };
}

describe.each(Object.entries(shapes))("%s", (_, build) => {
  test("2,500, 5,000 and 10,000 nodes take steps in proportion", { timeout: 60_000 }, () => {
    const [small, middle, large] = [2500, 5000, 10_000].map((n) => countsOf(build(n)));
    if (small === undefined || middle === undefined || large === undefined) throw new Error("three sizes");
    expect(large.nodes).toBeGreaterThan(2000);
    for (const key of ["simplifyVisits", "fired", "fuseVisits", "wgslVisits"] as const) {
      for (const [less, more] of [
        [small, middle],
        [middle, large],
      ] as const) {
        const growth = more.nodes / less.nodes;
        expect(more[key], `${key} of ${more.nodes} nodes against ${less[key]} of ${less.nodes}`).toBeLessThanOrEqual(1.15 * growth * less[key] + 50);
      }
    }
    expect(large.fuseVisits).toBeLessThan(12 * large.nodes);
  });

  test("1,000 nodes compile to a plan that holds", () => {
    const { plan } = compileGraph(graphOf(build(1000)), js, { verify: true });
    expect(plan.kernels.length).toBeGreaterThan(0);
  });
});
