/** Order: steps come so that less lives at the same time; what is computed stays, and nothing gets worse. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { Value } from "../../compiler/ir/node.ts";
import { memoryText, separateBytes } from "../../compiler/ir/print-memory.ts";
import { peakBytes } from "../../compiler/ir/print-plan.ts";
import type { Shape } from "../../compiler/ir/shape.ts";
import { tensorType } from "../../compiler/ir/shape.ts";
import { add } from "../../compiler/ops/arithmetic.ts";
import { opaque } from "../../compiler/ops/barrier.ts";
import { dot } from "../../compiler/ops/contraction.ts";
import { sin } from "../../compiler/ops/trigonometric.ts";
import { paramValue } from "../../compiler/ops/source.ts";
import { permute } from "../../compiler/ops/views.ts";
import { backwards, forwards, widely } from "../../compiler/passes/order/lists.ts";
import { orderFor } from "../../compiler/passes/order/order.ts";
import { liveBytes } from "../../compiler/passes/order/progress.ts";
import type { Item, Task } from "../../compiler/passes/order/tasks.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { js } from "../../compiler/target.ts";
import { CpuDevice } from "../../runtime/cpu/device.ts";
import { expectClose } from "../filetests/close.ts";
import { numbers } from "../ops/samples.ts";

const graphOf = (shapes: readonly Shape[], build: (...xs: Value[]) => readonly Value[]): Graph => {
  const params = shapes.map((shape, i) => paramValue(`x${i}`, tensorType("float32", shape), "buffer"));
  return { name: "main", params, outputs: build(...params) };
};

/** A product that no neighbour fuses into, so that it takes a kernel. */
const product = (x: Value, w: Value): Value => dot(x, w, [[1], [0]]);

/** The left operand is small and is made first, the right one by way of something large. */
const unbalanced = (): Graph =>
  graphOf(
    [
      [32, 32],
      [32, 512],
      [512, 32],
    ],
    (x, wide, back) => {
      const left = product(product(x, x), x);
      const also = product(x, product(left, x));
      const right = product(product(product(x, wide), back), x);
      return [product(product(add(left, also), right), also)];
    },
  );

function expectSame(graph: Graph, options: { readonly budget: number | null; readonly donated?: readonly number[] }): void {
  const device = new CpuDevice();
  const { compiled } = compileGraph(graph, js, { verify: true, fusion: false, ...options });
  const inputs = graph.params.map((p, i) => numbers(p.type, i + 1, -1, 1));
  const buffers = inputs.map((d) => device.upload(d.data, d.type));
  const outputs = device.run(device.prepare(compiled), buffers, []);
  const found = outputs.map((o, i) => ({ type: at(graph.outputs, i).type, data: device.readSync(o) }));
  expectClose(found, interpretGraph(graph, inputs), "reordered");
}

/** Random tasks: each makes an item, and reads some of those before it. */
const program = fc
  .array(fc.record({ bytes: fc.integer({ min: 1, max: 100 }), reads: fc.array(fc.nat({ max: 30 }), { maxLength: 3 }) }), { minLength: 1, maxLength: 24 })
  .map((list): readonly Task[] => {
    const items = list.map(({ bytes }): Item => ({ bytes, readers: new Set() }));
    const tasks = list.map(({ reads }, index): Task => {
      const before = new Set(reads.filter((r) => r < index));
      for (const r of before) at(items, r).readers.add(index);
      return {
        index,
        own: 0,
        makes: [at(items, index)],
        reads: [...before].map((r) => at(items, r)),
        over: [],
        visits: [],
        takes: [],
        before,
        after: new Set(),
      };
    });
    for (const t of tasks) for (const b of t.before) at(tasks, b).after.add(t.index);
    return tasks;
  });

const isComplete = (order: readonly number[], tasks: readonly Task[]): boolean =>
  order.length === tasks.length && tasks.every((t) => [...t.before].every((b) => order.indexOf(b) < order.indexOf(t.index)) && order.includes(t.index));

describe("lists of tasks", () => {
  it("have each once, after what it waits for", () => {
    fc.assert(
      fc.property(program, (tasks) => {
        for (const order of [forwards(tasks, (g) => g), forwards(tasks, (g) => Math.min(g, 0)), backwards(tasks), widely(tasks)])
          expect(isComplete(order, tasks)).toBe(true);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it("are taken where less lives, and only there; a budget that is passed makes the search wider", () => {
    const saved = { usual: 0, pressed: 0 };
    fc.assert(
      fc.property(program, (tasks) => {
        const own = liveBytes(
          tasks,
          tasks.map((t) => t.index),
        );
        const [usual, pressed] = [orderFor(tasks, null, 0), orderFor(tasks, 1, 0)];
        const [first, second] = [usual, pressed].map((order) => (order === null ? own : liveBytes(tasks, order)));
        if (usual !== null) expect(first).toBeLessThan(own);
        if (pressed !== null) expect(second).toBeLessThan(own);
        expect(second).toBeLessThanOrEqual(first ?? 0);
        saved.usual += own - (first ?? 0);
        saved.pressed += own - (second ?? 0);
      }),
      { numRuns: 200, seed: 2 },
    );
    expect(saved.usual).toBeGreaterThan(0);
    expect(saved.pressed).toBeGreaterThan(saved.usual);
  });
});

describe("plans", () => {
  it("make what is large before what is small and waits", () => {
    const plan = compileGraph(unbalanced(), js, { verify: true, fusion: false }).plan;
    const names = plan.steps.flatMap((s) => (s.kind === "kernel" ? [at(plan.kernels, s.kernel).name] : []));
    // two results of [32,32] would live beside the [32,512] in the graph's order
    expect(plan.arenaBytes).toBe(32 * 512 * 4 + 32 * 32 * 4);
    expect(names).not.toEqual(names.toSorted((a, b) => Number.parseInt(a.slice(1), 10) - Number.parseInt(b.slice(1), 10)));
    expectSame(unbalanced(), { budget: null });
    expectSame(unbalanced(), { budget: 1 });
  });

  it("keep the graph's order where none is better", () => {
    const graph = graphOf([[8, 8]], (x) => [Array.from({ length: 6 }).reduce<Value>((y) => product(y, x), x)]);
    const { plan } = compileGraph(graph, js, { verify: true });
    expect(plan.kernels.map((k) => k.name)).toEqual([0, 1, 2, 3, 4, 5].map((i) => `k${i}_dot`));
  });

  it("let the last reader of a donated input write over it", () => {
    const graph = graphOf(
      [
        [16, 16],
        [16, 16],
      ],
      (w, x) => {
        const y = product(x, w);
        return [add(w, product(x, x)), product(y, permute(w, [1, 0]))];
      },
    );
    const { plan } = compileGraph(graph, js, { verify: true, donated: [0], budget: 5000 });
    expect(plan.buffers.map((b) => b.donates).filter((d) => d !== null)).toEqual([0]);
    expectSame(graph, { budget: 5000, donated: [0] });
  });

  it("wait where a barrier says so", () => {
    const graph = graphOf(
      [
        [32, 32],
        [32, 512],
        [512, 32],
      ],
      (x, wide, back) => {
        const first = product(product(x, x), x);
        const later = product(product(opaque(x, first), wide), back);
        return [product(later, product(first, x))];
      },
    );
    const { plan } = compileGraph(graph, js, { verify: true, fusion: false, budget: 1 });
    const order = plan.steps.flatMap((s) =>
      s.kind === "kernel" ? [s.buffers.map((b) => plan.buffers.find((p) => p.id === b)?.type.shape.join("x")).join(" ")] : [],
    );
    const large = order.findIndex((o) => o.endsWith("32x512"));
    expect(large).toBeGreaterThanOrEqual(2);
    expectSame(graph, { budget: 1 });
  });

  it("keep a budget that sharing launches would pass", () => {
    const [usual, pressed] = [null, 1].map((budget) => compileGraph(unbalanced(), js, { verify: true, budget }));
    if (usual === undefined || pressed === undefined) throw new Error("two plans");
    expect(usual.packed.size).toBeGreaterThan(0);
    expect(pressed.packed.size).toBe(0);
    expect(peakBytes(pressed.plan)).toBeLessThan(peakBytes(usual.plan));
  });

  it("of random graphs compute the same in every order", () => {
    const node = fc.record({ op: fc.nat({ max: 3 }), a: fc.nat({ max: 40 }), b: fc.nat({ max: 40 }) });
    const random = fc.record({ nodes: fc.array(node, { minLength: 4, maxLength: 16 }), outputs: fc.integer({ min: 1, max: 3 }), donated: fc.boolean() });
    fc.assert(
      fc.property(random, ({ nodes, outputs, donated }) => {
        const graph = graphOf(
          [
            [4, 4],
            [4, 4],
          ],
          (...xs) => {
            const values = [...xs];
            for (const { op, a, b } of nodes) {
              const [x, y] = [at(values, a % values.length), at(values, b % values.length)];
              values.push([add(x, y), product(sin(x), y), sin(x), permute(x, [1, 0])][op] ?? x);
            }
            return values.slice(-outputs);
          },
        );
        const given = donated ? { donated: [0, 1] } : {};
        expectSame(graph, { budget: 1, ...given });
        const [usual, pressed] = [null, 1].map((budget) => peakBytes(compileGraph(graph, js, { verify: true, fusion: false, budget, ...given }).plan));
        expect(pressed).toBeLessThanOrEqual(usual ?? 0);
      }),
      { numRuns: 60, seed: 3 },
    );
  });
});

describe("the text of memory", () => {
  it("has every temporary with its place and life, what is needed, and whether the budget is kept", () => {
    const budgets = [90_000, 500_000].map((budget) => compileGraph(unbalanced(), js, { verify: true, fusion: false, budget }).plan);
    const [over, kept] = budgets.map(memoryText);
    const plan = at(budgets, 0);
    const temps = plan.buffers.filter((b) => b.role === "temp");
    expect(over).toContain(`; memory: ${peakBytes(plan)} bytes, of ${separateBytes(plan)} for every buffer by itself: inputs 135168, outputs 4096, arena`);
    expect(over).toContain(`; budget: 90000 bytes, passed by ${peakBytes(plan) - 90_000}: no order of the steps that was tried needs less`);
    expect(kept).toContain("; budget: 500000 bytes, kept");
    expect(over).toMatch(/; the arena is fullest at step \d+, run @k\d+_dot: 69632 bytes live/);
    const rows = [...(over ?? "").matchAll(/^; %(?<id>\d+) +(?<offset>\d+) +(?<bytes>\d+) {2}(?<first>\d+)\.\.(?<last>\d+) +f32\[/gm)].map((m) => m.groups);
    expect(rows.map((r) => [Number(r?.["id"]), Number(r?.["offset"]), Number(r?.["bytes"])]).sort()).toEqual(
      temps.map((b) => [b.id, b.offset, b.bytes]).sort(),
    );
    expect(rows.every((r) => Number(r?.["first"]) < Number(r?.["last"]))).toBe(true);
  });
});
