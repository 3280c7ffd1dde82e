/**
 * How many sums a contraction's tile keeps in registers, found by trying: engines differ, and versions of one do. No result depends
 * on it, for every sum keeps its order.
 */
import { at } from "../compiler/ir/errors.ts";
import { parseGraph } from "../compiler/ir/parse.ts";
import type { Node } from "../compiler/ir/node.ts";
import { sizeOf } from "../compiler/ir/shape.ts";
import { opTable } from "../compiler/ops/table.ts";
import { compileGraph } from "../compiler/pipeline.ts";
import type { Target } from "../compiler/target.ts";
import type { CpuDevice } from "../runtime/cpu/device.ts";
import { counters } from "../runtime/counters.ts";

/** Four and six rows of two vectors each. */
const choices = [8, 12] as const;
/** So little work that one thread does it alone. */
const [rows, depth, columns] = [48, 128, 64];
/** Milliseconds that a choice has in a round; in the first, code is not optimised yet. */
const patience = 2;
const rounds = 3;
/** A choice that is so many times as fast is taken. */
const worthChanging = 1.03;
/** From so many products on, about ten milliseconds of work, a contraction is worth the trial. */
const worthTrying = 2 ** 28;

const product = `graph @probe(%a: f32[${rows},${depth}], %b: f32[${depth},${columns}]) -> f32[${rows},${columns}] {
  %0 = dot %a, %b {contract=[[1],[0]], batch=[[],[]]} : f32[${rows},${columns}]
  return %0
}
`;

/** By what else decides about the code. */
const found = new Map<string, number>();

/** The target with the tile that is fastest here, where the nodes hold a contraction that is worth the trial. */
export function tiledFor(target: Target, nodes: readonly Node[], cpu: CpuDevice): Target {
  if (target.name !== "wasm" || !nodes.some((n) => productsOf(n) >= worthTrying)) return target;
  const key = `${String(target.sharedMemory)} ${String(target.relaxed)}`;
  const known = found.get(key) ?? fastest(target, cpu);
  found.set(key, known);
  return { ...target, sumVectors: known };
}

function productsOf({ op, args, attrs, results }: Node): number {
  if (op.kind !== "contraction") return 0;
  const types = args.map((a) => a.type);
  return sizeOf(at(results, 0).shape) * sizeOf(op.depth(types, attrs));
}

/** The number of sums with which a small product runs most often in a short time: clocks of browsers are coarse. */
function fastest(target: Target, cpu: CpuDevice): number {
  const counted = { ...counters };
  const operands = [[rows, depth] as const, [depth, columns] as const].map((shape) =>
    cpu.upload(new Float32Array(sizeOf(shape)).fill(1), { dtype: "float32", shape }),
  );
  const graph = parseGraph(product, opTable);
  const candidates = choices.map((sumVectors) => ({ sumVectors, executable: cpu.prepare(compileGraph(graph, { ...target, sumVectors }).compiled), most: 0 }));
  for (let round = 0; round < rounds; round++)
    for (const c of candidates) {
      let runs = 0;
      for (const end = performance.now() + patience; performance.now() < end; runs++)
        for (const output of cpu.run(c.executable, operands, [])) output.release();
      c.most = Math.max(c.most, runs);
    }
  for (const operand of operands) operand.release();
  Object.assign(counters, counted);
  const usual = at(candidates, 0);
  return candidates.reduce((best, c) => (c.most > best.most * worthChanging ? c : best), usual).sumVectors;
}
