/** Simplifying and fusing take steps in proportion to the graph: counted, not timed. */
import { describe, expect, it } from "vitest";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { add, maximum, multiply, subtract } from "../../compiler/ops/arithmetic.ts";
import { exp } from "../../compiler/ops/exponential.ts";
import { broadcast, permute, reduceSum } from "../../compiler/ops/layout.ts";
import { reduceMax } from "../../compiler/ops/reductions.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { fuse } from "../../compiler/passes/fuse/fuse.ts";
import { simplify } from "../../compiler/passes/simplify/simplify.ts";
import { js } from "../../compiler/target.ts";

const shape = [4, 8];
const spread = (v: Value): Value => broadcast(v, shape, [0]);

/** A family of graphs by the number of rounds. */
type Grow = (x: Value, rounds: number) => Value;

const repeat = (x: Value, rounds: number, step: (y: Value, i: number) => Value): Value => {
  let y = x;
  for (let i = 0; i < rounds; i++) y = step(y, i);
  return y;
};

const families: Readonly<Record<string, Grow>> = {
  "a chain of maps": (x, rounds) => repeat(x, rounds, (y) => exp(y)),
  "maps that simplify away": (x, rounds) => repeat(x, rounds, (y) => multiply(add(y, -0), 1)),
  "values used twice": (x, rounds) => repeat(x, rounds, (y) => add(exp(y), y)),
  "reduce and broadcast in turn": (x, rounds) => repeat(x, rounds, (y) => subtract(y, spread(reduceSum(y, [1])))),
  "a ladder of softmaxes": (x, rounds) =>
    repeat(x, rounds, (y) => {
      const e = exp(subtract(y, spread(reduceMax(y, [1]))));
      return subtract(e, spread(reduceSum(e, [1])));
    }),
  "one value that all rounds use": (x, rounds) => repeat(exp(x), rounds, (y, i) => (i % 2 === 0 ? maximum(y, exp(x)) : add(y, exp(x)))),
  "there and back": (x, rounds) => repeat(x, rounds, (y) => exp(permute(exp(permute(y, [1, 0])), [1, 0]))),
};

function graphOf(grow: Grow, nodes: number): Graph {
  const x = paramValue("x", tensorType("float32", shape), "buffer");
  const once = nodesBelow(grow(x, 64)) / 64;
  return { name: "main", params: [x], outputs: [grow(x, Math.round(nodes / once))] };
}

function nodesBelow(root: Value): number {
  const seen = new Set<unknown>();
  const stack = [root];
  for (let v = stack.pop(); v !== undefined; v = stack.pop()) {
    if (seen.has(v.node)) continue;
    seen.add(v.node);
    stack.push(...v.node.args);
  }
  return seen.size;
}

/** Steps for four times as many nodes may be this many times as many. */
const allowed = 4 * 1.15;

describe.each(Object.entries(families))("%s", (_, grow) => {
  const [small, large] = [graphOf(grow, 2500), graphOf(grow, 10_000)];

  it("simplifies in linear steps", () => {
    const [a, b] = [simplify(small), simplify(large)];
    expect(b.visits).toBeLessThan(allowed * a.visits);
    expect(b.fired.length).toBeLessThanOrEqual(allowed * a.fired.length);
  });

  it("fuses in linear steps", { timeout: 30_000 }, () => {
    const run = (g: Graph): number => fuse(simplify(g).graph, js, { fusion: true }).visits;
    expect(run(large)).toBeLessThan(allowed * run(small));
  });
});
