/** Regions that are alike are lowered, scheduled and spelled once. */
import { describe, expect, test } from "vitest";
import { at } from "../../compiler/ir/errors.ts";
import { parseGraph } from "../../compiler/ir/parse.ts";
import type { Compilation } from "../../compiler/pipeline.ts";
import { compileGraph } from "../../compiler/pipeline.ts";
import { opTable } from "../../compiler/ops/table.ts";
import { wasm } from "../../compiler/target.ts";
import { configure, evalAllSync, tensor } from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";
import { recorded } from "../recorded.ts";

/** Two contractions whose results are scaled, the second of `width` rows. */
const layers = (width: number): Compilation =>
  compileGraph(
    parseGraph(
      `graph @main(%x: f32[32,32], %v: f32[32,32], %y: f32[${width},32], %s0: scalar f32, %s1: scalar f32) -> (f32[${width},32]) {
  %0 = broadcast %s0 {shape=[32,32], axes=[]} : f32[32,32]
  %1 = dot %x, %v {batch=[[],[]], contract=[[1],[0]]} : f32[32,32]
  %2 = multiply %1, %0 : f32[32,32]
  %3 = broadcast %s1 {shape=[${width},32], axes=[]} : f32[${width},32]
  %4 = dot %y, %2 {batch=[[],[]], contract=[[1],[0]]} : f32[${width},32]
  %5 = multiply %4, %3 : f32[${width},32]
  return %5
}`,
      opTable,
    ),
    wasm,
    { verify: true },
  );

describe("kernels of regions that are alike", () => {
  test("have one body and one function, and the scalars of their own", () => {
    const { plan, compiled } = layers(32);
    expect(plan.kernels).toHaveLength(2);
    expect(at(plan.kernels, 0).name).not.toBe(at(plan.kernels, 1).name);
    expect(at(plan.kernels, 1).body).toBe(at(plan.kernels, 0).body);
    expect(plan.steps.flatMap((s) => (s.kind === "kernel" ? [s.scalars] : []))).toEqual([[0], [1]]);
    expect(compiled.wasm?.kernels.map((k) => k.name)).toEqual(plan.kernels.map((k) => k.name));
    expect(at(compiled.sources, 0).match(/\(func \(export/g)).toHaveLength(1);
  });

  test("differ where lengths do", () => {
    const { plan, compiled } = layers(33);
    expect(at(plan.kernels, 1).body).not.toBe(at(plan.kernels, 0).body);
    expect(at(compiled.sources, 0).match(/\(func \(export/g)).toHaveLength(2);
  });

  test("share the bodies of their parts too", () => {
    configure({ target: "wasm" });
    const column = (seed: number): Tensor => tensor(Float32Array.from({ length: 1 << 19 }, (_, i) => ((i * seed) % 7) / 8)).reshape([1 << 18, 2]);
    const [x, y] = [column(3), column(5)];
    const sums = (): Tensor[] => [x, y].map((t, i) => t.sum({ axis: 0 }).mul(i + 2));
    const { plan } = compileGraph(recorded(...sums()).graph, wasm, { verify: true });
    expect(plan.kernels.map((k) => k.name.endsWith("_parts"))).toEqual([true, false, true, false]);
    expect([2, 3].map((i) => at(plan.kernels, i).body)).toEqual([0, 1].map((i) => at(plan.kernels, i).body));
    expect(new Set(plan.kernels.map((k) => k.body)).size).toBe(2);
    const together = sums();
    evalAllSync(...together);
    const alone = sums();
    for (const one of alone) one.evalSync();
    expect(together.map((r) => r.dataSync())).toEqual(alone.map((r) => r.dataSync()));
  });

  test.each(["wasm", "js"] as const)("compute what each alone computes on %s", (target) => {
    configure({ target });
    const numbers = (seed: number): Tensor => tensor(Float32Array.from({ length: 32 * 32 }, (_, i) => Math.sin(i * seed))).reshape([32, 32]);
    const layer = (x: Tensor, w: Tensor, scale: number): Tensor => x.matmul(w).mul(scale);
    const [x, v, w] = [numbers(1), numbers(2), numbers(3)];
    const together = [layer(x, v, 2), layer(x, w, -3)];
    evalAllSync(...together);
    const alone = [layer(x, v, 2), layer(x, w, -3)];
    for (const one of alone) one.evalSync();
    expect(together.map((r) => r.dataSync())).toEqual(alone.map((r) => r.dataSync()));
    configure({ target: "wasm" });
  });
});
