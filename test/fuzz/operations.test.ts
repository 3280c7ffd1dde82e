/**
 * Fusion repeats no work in earnest: operations are counted in the loops of random graphs, fused and not fused, before they are
 * scheduled. What fused loops compute beyond 1.25 times the others must be recomputation that `recomputations` names, and must pay.
 */
import { afterAll, expect, test } from "vitest";
import { countKernel } from "../../compiler/ir/count.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { nodesOf } from "../../compiler/ir/graph.ts";
import type { Kernel } from "../../compiler/ir/loop.ts";
import type { Recomputed } from "../../compiler/passes/repeats.ts";
import { compileGraph, recomputed } from "../../compiler/pipeline.ts";
import type { Target } from "../../compiler/target.ts";
import { js, wgsl } from "../../compiler/target.ts";
import { graphFromText } from "../../compiler/text.ts";
import { checkPrograms } from "./check.ts";
import type { World } from "./program.ts";
import { inRows, lengthy, narrow, wide } from "./worlds.ts";

const bound = 1.25;
const operations = (kernels: readonly Kernel[]): number => kernels.reduce((n, k) => n + countKernel(k).operations, 0);

/** Trips of loops over rows are known on average only, and conditions on computed starts count as operations wherever they stand. */
const isCounted = (graph: Graph): boolean =>
  nodesOf(graph).every(({ op, args }) => {
    if (op.kind === "segment" || op.name.startsWith("segment")) return at(at(args, 0).shape, 0) % (at(at(args, 1).shape, 0) - 1) === 0;
    return !op.name.startsWith("dynamic");
  });

const textOf = (r: Recomputed): string =>
  `${r.value.node.op.name} ${r.times.toFixed(1)} times in ${r.kernels}, ${r.operations} operations for ${r.savedBytes} bytes`;

const printed: string[] = [];
/** As many as a reader looks at; all of them where more programs are tried than usual. */
const shown = process.env["FUZZ_RUNS"] === undefined ? 8 : undefined;
afterAll(() => console.info(printed.slice(0, shown).join("\n")));

/** Throws where fused loops compute more than they may, what is named aside. */
function expectWork(graph: Graph, target: Target, naming: typeof recomputed = recomputed): void {
  const fused = compileGraph(graph, target);
  const apart = compileGraph(graph, target, { fusion: false });
  const [found, usual] = [operations(fused.lowered), operations(apart.lowered)];
  if (found <= bound * usual) return;
  const named = naming(fused);
  const repeated = named.reduce((n, r) => n + r.operations, 0);
  const text = `${target.name}: ${found} operations, ${usual} without fusion; recomputed: ${named.map(textOf).join("; ")}`;
  if (found - repeated > bound * usual) throw new Error(text);
  // choices between the pieces of a view hide behind its loads
  const costly = named.reduce((n, r) => n + (r.value.node.op.kind === "view" ? 0 : r.operations), 0);
  const saved = named.reduce((n, r) => n + r.savedBytes, 0) / target.bandwidth + target.launchNs * (apart.plan.kernels.length - fused.plan.kernels.length);
  if (costly / target.throughput > 4 * saved) throw new Error(`it does not pay (saves ${Math.round(saved)} ns). ${text}`);
  printed.push(text);
}

test.each<{ target: Target; sizes: string; world: World; runs: number }>([
  { target: js, sizes: "odd", world: wide, runs: 200 },
  { target: js, sizes: "long", world: lengthy(wide), runs: 100 },
  { target: js, sizes: "ragged", world: inRows(lengthy(wide)), runs: 60 },
  { target: wgsl, sizes: "odd", world: narrow, runs: 100 },
  { target: wgsl, sizes: "long", world: lengthy(narrow), runs: 60 },
])("on $target.name, $sizes sizes, fused loops compute at most 1.25 times what others do, or say what they compute again", ({ target, world, runs }) => {
  checkPrograms(world, runs, ({ graph }) => {
    if (isCounted(graph)) expectWork(graph, target);
  });
});

const stages = graphFromText(`graph @main(%x: f32[4,64]) -> (f32[4,64]) {
  %0 = negative %x : f32[4,64]
  %1 = reduce max %0 {axes=[1]} : f32[4]
  %2 = broadcast %1 {shape=[4,64], axes=[0]} : f32[4,64]
  %3 = subtract %0, %2 : f32[4,64]
  return %3
}`);

test("what is computed again is named, with what that saves: the elements of a row by each stage", () => {
  const named = recomputed(compileGraph(stages, js));
  expect(named.map(textOf)).toEqual(["negative 2.0 times in 1, 256 operations for 3072 bytes"]);
});

const gathered = graphFromText(`graph @main(%x: f32[6], %rows: i32[4], %y: f32[3]) -> (f32[6,3], f32[6]) {
  %0 = segment broadcast %y, %rows {size=6} : f32[6]
  %1 = multiply %x, %0 : f32[6]
  %2 = exp %1 : f32[6]
  %3 = iota {shape=[6], axis=0, dtype=f32} : f32[6]
  %4 = add %2, %3 : f32[6]
  %5 = broadcast %4 {shape=[6,3], axes=[0]} : f32[6,3]
  %6 = cast %5 {dtype=i32} : i32[6,3]
  %7 = gather %4, %6 {axis=0} : f32[6,3]
  %8 = concat %1, %2 {axis=0} : f32[12]
  %9 = cast %2 {dtype=i32} : i32[6]
  %10 = gather %8, %9 {axis=0} : f32[6]
  return %7, %10
}`);

test.each([js, wgsl])("what is named on $name is all that is computed more, places and choices among it", (target) => {
  const compiled = compileGraph(gathered, target);
  const more = operations(compiled.lowered) - operations(compileGraph(gathered, target, { fusion: false }).lowered);
  expect(more).toBeGreaterThan(0);
  const named = recomputed(compiled).reduce((n, r) => n + r.operations, 0);
  expect(named).toBeGreaterThanOrEqual(more);
});

test("a running value is not computed again for all that it is spread over", () => {
  const spread = graphFromText(`graph @main(%x: f32[8,64], %y: f32[8,100,64]) -> f32[8,100,64] {
  %0 = prefix sum %x {axis=1, reverse=false} : f32[8,64]
  %1 = broadcast %0 {shape=[8,100,64], axes=[0,2]} : f32[8,100,64]
  %2 = add %1, %y : f32[8,100,64]
  return %2
}`);
  const compiled = compileGraph(spread, js);
  expect(recomputed(compiled).map(textOf)).toEqual([]);
  expect(compiled.plan.kernels).toHaveLength(2);
});

test.each([32, 1500])("rows of %i that a kernel holds between two contractions are computed once", (keys) => {
  const held = graphFromText(`graph @main(%q: f32[256,8], %k: f32[${keys},8], %v: f32[${keys},8]) -> f32[256,8] {
  %0 = dot %q, %k {contract=[[1],[1]], batch=[[],[]]} : f32[256,${keys}]
  %1 = reduce max %0 {axes=[1]} : f32[256]
  %2 = broadcast %1 {shape=[256,${keys}], axes=[0]} : f32[256,${keys}]
  %3 = subtract %0, %2 : f32[256,${keys}]
  %4 = exp %3 : f32[256,${keys}]
  %5 = reduce sum %4 {axes=[1]} : f32[256]
  %6 = broadcast %5 {shape=[256,${keys}], axes=[0]} : f32[256,${keys}]
  %7 = divide %4, %6 : f32[256,${keys}]
  %8 = dot %7, %v {contract=[[1],[0]], batch=[[],[]]} : f32[256,8]
  return %8
}`);
  const compiled = compileGraph(held, js);
  expect(compiled.plan.kernels).toHaveLength(1);
  expect(recomputed(compiled).map(textOf)).toEqual([]);
  const apart = compileGraph(held, js, { fusion: false });
  expect(operations(compiled.lowered)).toBeLessThanOrEqual(operations(apart.lowered));
});

test("work that nobody names is found", () => {
  expect(() => expectWork(stages, js)).not.toThrow();
  expect(() => expectWork(stages, js, () => [])).toThrow("js: 1024 operations, 768 without fusion; recomputed: ");
});
