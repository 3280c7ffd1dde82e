/** Random graphs that write over what they are given compute what they compute without: fused and not, with sums of rows and columns. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { add, multiply } from "../../compiler/ops/arithmetic.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import { reduceSum, spread } from "../../compiler/ops/layout.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { sin } from "../../compiler/ops/trigonometric.ts";
import { flip, permute } from "../../compiler/ops/views.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js, wasm } from "../../compiler/target.ts";
import type { Target } from "../../compiler/target.ts";
import { CpuDevice } from "../../runtime/cpu/device.ts";
import { numbers } from "../ops/samples.ts";
import { fuzzing } from "./check.ts";

const size = 6;
const inputs = 3;

type Make = (x: Value, y: Value) => Value;
const makers: readonly Make[] = [
  add,
  multiply,
  (x, y) => add(x, sin(y)),
  (x) => permute(x, [1, 0]),
  (x) => flip(x, [0]),
  (x) => spread(reduceSum(x, [0]), [size, size], [0]),
  (x) => spread(reduceSum(x, [1]), [size, size], [1]),
  (x) => spread(reduceSum(x, [0, 1]), [size, size], [0, 1]),
  (x, y) => dot(x, y, [[1], [0]]),
  // what an optimizer does: the old value and something made of the new
  (x, y) => add(x, multiply(y, 0.1)),
];

const node = fc.record({ op: fc.nat({ max: makers.length - 1 }), a: fc.nat({ max: 60 }), b: fc.nat({ max: 60 }) });
const program = fc.record({ nodes: fc.array(node, { minLength: 3, maxLength: 14, size: "max" }), outputs: fc.integer({ min: 1, max: 4 }) });

function graphOf({ nodes, outputs }: { readonly nodes: readonly { op: number; a: number; b: number }[]; readonly outputs: number }): Graph {
  const params = Array.from({ length: inputs }, (_, i) => paramValue(`x${i}`, tensorType("float32", [size, size]), "buffer"));
  const values: Value[] = [...params];
  for (const { op, a, b } of nodes) values.push(at(makers, op)(at(values, a % values.length), at(values, b % values.length)));
  return { name: "main", params, outputs: values.slice(-outputs) };
}

interface Ran {
  readonly results: readonly number[][];
  readonly donations: number;
}

function run(graph: Graph, target: Target, options: { readonly fusion: boolean; readonly donated: readonly number[] }): Ran {
  const device = new CpuDevice();
  const { compiled } = compileGraph(graph, target, { verify: true, ...options });
  const given = graph.params.map((p, i) => numbers(p.type, i + 1, -1, 1)).map((d) => device.upload(d.data, d.type));
  const outputs = device.run(device.prepare(compiled), given, []);
  return { results: outputs.map((o) => Array.from(device.readSync(o), Number)), donations: compiled.plan.buffers.filter((b) => b.donates !== null).length };
}

describe("inputs that are given away", () => {
  it.each([
    ["js", js, true],
    ["js, not fused", js, false],
    ["wasm", { ...wasm, sharedMemory: new CpuDevice().heap.kind === "shared" }, true],
  ] as const)("%s", (_, target, fusion) => {
    let donations = 0;
    fc.assert(
      fc.property(program, (made) => {
        const graph = graphOf(made);
        const kept = run(graph, target, { fusion, donated: [] });
        const given = run(graph, target, { fusion, donated: [0, 1, 2] });
        expect(given.results).toEqual(kept.results);
        donations += given.donations;
      }),
      fuzzing(80),
    );
    expect(donations).toBeGreaterThan(20);
  });
});
