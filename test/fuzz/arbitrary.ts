/** Programs for fast-check. */
import fc from "fast-check";
import type { DType } from "../../compiler/ir/dtype.ts";
import { isWide } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import { Genes } from "./genes.ts";
import { stepsOf } from "./steps.ts";
import type { Program, World } from "./program.ts";
import { Builder } from "./program.ts";

export interface ProgramGenes {
  readonly inputs: readonly (readonly number[])[];
  readonly steps: readonly (readonly number[])[];
  readonly outputs: readonly number[];
}

const gene = fc.nat({ max: 9999 });

export const programGenes: fc.Arbitrary<ProgramGenes> = fc.record({
  inputs: fc.array(fc.array(gene, { maxLength: 8, size: "max" }), { minLength: 1, maxLength: 4 }),
  steps: fc.array(fc.array(gene, { minLength: 2, maxLength: 16, size: "max" }), { minLength: 1, maxLength: 18, size: "max" }),
  outputs: fc.array(gene, { maxLength: 24, size: "max" }),
});

function addInput(b: Builder, genes: Genes, world: World): void {
  const dtype: DType = genes.from(world.dtypes);
  const rank = genes.from([2, 1, 2, 3, 0]);
  const { first, others } = world.lengths;
  const lengths = Array.from({ length: rank }, (_, i) => genes.from(i === 0 ? first : others));
  const shape = genes.oneIn(2) ? lengths.toReversed() : lengths;
  const kind = genes.from(world.kinds);
  const seed = genes.below(1000);
  const space = rank === 0 && genes.oneIn(2) ? "scalar" : "buffer";
  // scalars are passed as JavaScript numbers
  b.input({ dtype, shape }, space === "scalar" && isWide(dtype) ? "whole" : kind, seed, space);
}

export function programOf({ inputs, steps: list, outputs }: ProgramGenes, world: World): Program {
  const b = new Builder(world);
  for (const input of inputs) addInput(b, new Genes(input), world);
  const steps = stepsOf(world);
  for (const step of list) {
    const [first = 0, ...rest] = step;
    at(steps, first % steps.length)(b, new Genes(rest));
  }
  return b.finish(new Genes(outputs));
}
