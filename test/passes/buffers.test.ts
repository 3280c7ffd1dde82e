/** Buffers: nothing that lives is overwritten, dead memory is used again, and what may be done in place is. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { add, maximum, multiply } from "../../compiler/ops/arithmetic.ts";
import { copy } from "../../compiler/ops/barrier.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import { sin } from "../../compiler/ops/trigonometric.ts";
import { scatter } from "../../compiler/ops/gather.ts";
import { constantValue, paramValue } from "../../compiler/ops/source.ts";
import { dynamicUpdate, permute, reshape, slice } from "../../compiler/ops/views.ts";
import { packArena } from "../../compiler/passes/arena.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js } from "../../compiler/target.ts";
import { CpuDevice } from "../../runtime/cpu/device.ts";
import { expectClose } from "../filetests/close.ts";
import { numbers } from "../ops/samples.ts";

const graphOf = (shapes: readonly Shape[], build: (...xs: Value[]) => readonly Value[]): Graph => {
  const params = shapes.map((shape, i) => paramValue(`x${i}`, tensorType("float32", shape), "buffer"));
  return { name: "main", params, outputs: build(...params) };
};

const planOf = (graph: Graph, donated: readonly number[] = [], fusion: boolean = true): Plan => compileGraph(graph, js, { verify: true, donated, fusion }).plan;
const inputsOf = (graph: Graph): HostData[] => graph.params.map((p, i) => numbers(p.type, i + 1, -2, 2));
const stepsOf = (plan: Plan, kind: Plan["steps"][number]["kind"]): number => plan.steps.filter((s) => s.kind === kind).length;
const donations = (plan: Plan): number[] => plan.buffers.flatMap((b) => b.donates ?? []);

/** Runs with inputs given away: the results, and how many of the inputs are used up. */
function runDonating(graph: Graph, donated: readonly number[]): { readonly found: HostData[]; readonly freed: number } {
  const device = new CpuDevice();
  const { compiled } = compileGraph(graph, js, { verify: true, donated });
  const buffers = inputsOf(graph).map((d) => device.upload(d.data, d.type));
  const outputs = device.run(device.prepare(compiled), buffers, []);
  return { found: outputs.map((o, i) => ({ type: at(graph.outputs, i).type, data: device.readSync(o) })), freed: buffers.filter((b) => b.freed).length };
}

/** Row 1 of a matrix of four, with a row of it added. */
const bumped = (x: Value): Value => scatter(x, reshape(constantValue(1, "int32"), [1]), slice(x, [0, 0], [1, 4]), 0, "add");

/** A product that no neighbour fuses into, so that it takes a kernel. */
const square = (x: Value, w: Value): Value => dot(x, w, [[1], [0]]);

describe("the arena", () => {
  const life = fc.record({ first: fc.nat({ max: 60 }), length: fc.nat({ max: 20 }), bytes: fc.integer({ min: 1, max: 5000 }) });
  const lives = (list: readonly { first: number; length: number; bytes: number }[]) =>
    list.map((l) => ({ first: l.first, last: l.first + l.length, bytes: l.bytes }));

  const checkPacking = (list: readonly { first: number; last: number; bytes: number }[]): number => {
    const { offsets, bytes } = packArena(list, (item) => item.bytes);
    const placed = list.map((item) => ({ ...item, from: offsets.get(item) ?? Number.NaN }));
    for (const [i, a] of placed.entries()) {
      expect(a.from % 256).toBe(0);
      expect(a.from + a.bytes).toBeLessThanOrEqual(bytes);
      for (const b of placed.slice(i + 1)) {
        const apart = a.last < b.first || b.last < a.first || a.from + a.bytes <= b.from || b.from + b.bytes <= a.from;
        if (!apart) throw new Error(`${JSON.stringify(a)} and ${JSON.stringify(b)} overlap`);
      }
    }
    return bytes;
  };

  it("keeps what lives at one time apart", () => {
    fc.assert(
      fc.property(fc.array(life, { maxLength: 60, size: "max" }), (list) => void checkPacking(lives(list))),
      { numRuns: 200, seed: 1 },
    );
  });

  it("keeps it apart where there is much of it", () => {
    fc.assert(
      fc.property(fc.array(life, { minLength: 1100, maxLength: 1300, size: "max" }), (list) => void checkPacking(lives(list))),
      { numRuns: 5, seed: 1 },
    );
  });

  it("uses memory again: a chain takes two buffers, however long", () => {
    for (const n of [10, 1000, 5000]) {
      const chain = Array.from({ length: n }, (_, i) => ({ first: i, last: i + 1, bytes: 1000 }));
      expect(packArena(chain, (item) => item.bytes).bytes).toBe(2048);
    }
  });

  it("packs many nearly as tight as what lives at the worst time", () => {
    const many = Array.from({ length: 3000 }, (_, i) => ({ first: i, last: i + 1 + ((i * 7919) % 50), bytes: 256 * (1 + ((i * 104729) % 8)) }));
    const worst = Math.max(...Array.from({ length: 3060 }, (_, t) => many.reduce((n, m) => n + (m.first <= t && t <= m.last ? m.bytes : 0), 0)));
    expect(checkPacking(many)).toBeLessThan(1.4 * worst);
  });
});

describe("temporaries", () => {
  it("of a chain of products share two places", () => {
    const graph = graphOf(
      [
        [8, 8],
        [8, 8],
      ],
      (x, w) => [Array.from({ length: 12 }).reduce<Value>((y) => square(y, w), x)],
    );
    const plan = planOf(graph);
    expect(stepsOf(plan, "kernel")).toBe(12);
    expect(plan.arenaBytes).toBe(512);
  });

  it("that die where another of the same size is born at the same index are written over", () => {
    const graph = graphOf([[8, 8]], (x) => [permute(sin(sin(sin(x))), [1, 0])]);
    const plan = planOf(graph, [], false);
    expect(stepsOf(plan, "alloc")).toBe(1);
    expect(new Set(plan.buffers.filter((b) => b.role === "temp").map((b) => b.offset)).size).toBe(1);
  });

  it("are not written over while they are read at other indices", () => {
    const graph = graphOf([[8, 8]], (x) => {
      const y = sin(x);
      return [sin(add(y, permute(y, [1, 0])))];
    });
    const plan = planOf(graph, [], false);
    const [found] = runDonating(graph, []).found;
    expectClose(found === undefined ? [] : [found], interpretGraph(graph, inputsOf(graph)), "transposed sum");
    expect(stepsOf(plan, "alloc")).toBeGreaterThan(1);
  });
});

describe("copies", () => {
  it("of what dies are none: a scatter into a temporary", () => {
    const graph = graphOf([[4, 4]], (x) => [permute(bumped(sin(x)), [1, 0])]);
    const plan = planOf(graph, [], false);
    expect(stepsOf(plan, "copy")).toBe(0);
  });

  it("of what is read later are made", () => {
    const graph = graphOf([[4, 4]], (x) => [bumped(x)]);
    expect(stepsOf(planOf(graph), "copy")).toBe(1);
    expectClose(runDonating(graph, []).found, interpretGraph(graph, inputsOf(graph)), "scatter");
  });

  it("that the user asked for are made", () => {
    expect(stepsOf(planOf(graphOf([[4]], (x) => [copy(x)])), "copy")).toBe(1);
  });
});

describe("donation", () => {
  it("lets an update take over its operand", () => {
    const graph = graphOf([[100], [100]], (w, g) => [add(w, multiply(g, g))]);
    const plan = planOf(graph, [0]);
    expect(donations(plan)).toEqual([0]);
    const { found, freed } = runDonating(graph, [0]);
    expect(freed).toBe(1);
    expectClose(found, interpretGraph(graph, inputsOf(graph)), "update");
  });

  it("takes one output an input", () => {
    const graph = graphOf([[100]], (w) => [sin(w), add(w, w)]);
    expect(donations(planOf(graph, [0])).length).toBeLessThanOrEqual(1);
    expectClose(runDonating(graph, [0]).found, interpretGraph(graph, inputsOf(graph)), "two results");
  });

  it("waits for the last reader", () => {
    const graph = graphOf(
      [
        [8, 8],
        [8, 8],
      ],
      (w, x) => [add(w, x), square(w, x), maximum(permute(w, [1, 0]), x)],
    );
    expectClose(runDonating(graph, [0, 1]).found, interpretGraph(graph, inputsOf(graph)), "several readers");
  });

  it("does not happen where elements move", () => {
    const graph = graphOf([[8, 8]], (x) => [permute(x, [1, 0])]);
    expect(donations(planOf(graph, [0]))).toEqual([]);
    expectClose(runDonating(graph, [0]).found, interpretGraph(graph, inputsOf(graph)), "transpose");
  });

  it("keeps an input that is an output as well", () => {
    const graph = graphOf([[8]], (x) => [x, sin(x)]);
    expectClose(runDonating(graph, [0]).found, interpretGraph(graph, inputsOf(graph)), "returned input");
  });

  it("writes a slice in place", () => {
    const graph = graphOf([[100], [10]], (x, u) => [dynamicUpdate(x, u, [0], [constantValue(20, "int32")])]);
    expect(donations(planOf(graph, [0]))).toEqual([0]);
    expectClose(runDonating(graph, [0]).found, interpretGraph(graph, inputsOf(graph)), "slice");
  });
});
