/** The tile that contractions get: tried once, where they are large, and of no consequence for results. */
import { afterEach, describe, expect, test } from "vitest";
import { compileGraph } from "../compiler/pipeline.ts";
import { wasm } from "../compiler/target.ts";
import type { Tensor } from "../src/index.ts";
import { configure, counters, inspect, memory, tensor } from "../src/index.ts";
import { cpu } from "../src/devices.ts";
import { targetFor } from "../src/targets.ts";
import { tiledFor } from "../src/tile-probe.ts";
import { recorded } from "./recorded.ts";

const square = (n: number): Tensor =>
  tensor(
    Float32Array.from({ length: n * n }, (_, i) => Math.sin(i)),
    { shape: [n, n] },
  );
afterEach(() => configure({ target: "wasm" }));

describe("the tile", () => {
  test("of small contractions, and on js, is the usual one", () => {
    const [small, large] = [64, 1024].map((n) => square(n).matmul(square(n)));
    expect([small, large].map((x) => x?.value.node.op.name)).toEqual(["dot", "dot"]);
    const target = targetFor("cpu");
    expect(small && tiledFor(target, [small.value.node], cpu)).toBe(target);
    configure({ target: "js" });
    const js = targetFor("cpu");
    expect(large && tiledFor(js, [large.value.node], cpu)).toBe(js);
  });

  test("of large ones is tried, which leaves no trace", () => {
    const { node } = square(1024).matmul(square(1024)).value;
    // nodes that passes make count too
    const now = (): unknown => ({ ...counters(), nodesRecorded: 0, held: memory().devices.cpu?.current });
    const before = now();
    const { sumVectors } = tiledFor(targetFor("cpu"), [node], cpu);
    expect([8, 12]).toContain(sumVectors);
    expect(tiledFor(targetFor("cpu"), [node], cpu).sumVectors).toBe(sumVectors);
    expect(now()).toEqual(before);
    expect(inspect(square(1024).matmul(square(1024))).kernels.length).toBe(1);
  });

  test.each([
    [8, 8, 8],
    [37, 53, 29],
    [6, 300, 70],
    [130, 40, 33],
  ])("changes no bit of %d × %d × %d", async (m, k, n) => {
    const operand = (rows: number, columns: number): Tensor =>
      tensor(
        Float32Array.from({ length: rows * columns }, (_, i) => Math.cos(i)),
        { shape: [rows, columns] },
      );
    const { graph, inputs } = recorded(operand(m, k).matmul(operand(k, n)));
    const results: (readonly number[])[] = [];
    for (const sumVectors of [4, 8, 12]) {
      const { compiled } = compileGraph(graph, { ...wasm, sharedMemory: cpu.heap.kind === "shared", sumVectors });
      const buffers = inputs.map(({ data, type }) => cpu.upload(data, type));
      for (const output of cpu.run(cpu.prepare(compiled), buffers, [])) results.push(Array.from(await cpu.read(output), Number));
    }
    expect(results[0]?.length).toBe(m * n);
    expect(results[0]).toEqual(results[1]);
    expect(results[2]).toEqual(results[1]);
  });
});
