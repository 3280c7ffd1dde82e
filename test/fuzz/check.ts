/** What must hold of random programs, and how many are tried. */
import type { Numeric } from "../../compiler/ir/dtype.ts";
import fc from "fast-check";
import { at } from "../../compiler/ir/errors.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { printGraph } from "../../compiler/ir/print.ts";
import { sameType, typeText } from "../../compiler/ir/shape.ts";
import { programGenes, programOf } from "./arbitrary.ts";
import type { Program, World } from "./program.ts";

const setting = (name: string, usual: number): number => Number(process.env[name] ?? usual);

/** FUZZ_RUNS multiplies the programs, FUZZ_SEED chooses others; more than usual are not made smaller when they fail. */
export const fuzzing = (usual: number): { readonly numRuns: number; readonly seed: number; readonly endOnFailure: boolean } => ({
  numRuns: Math.ceil(usual * setting("FUZZ_RUNS", 1)),
  seed: 11 + setting("FUZZ_SEED", 0),
  endOnFailure: setting("FUZZ_RUNS", 1) > 1,
});

/** Tries a property on programs of a world. */
export function checkPrograms(world: World, usual: number, property: (program: Program) => void): void {
  const holds = fc.property(programGenes, (genes) => {
    const program = programOf(genes, world);
    if (program.outputs.length === 0) return;
    try {
      property(program);
    } catch (error) {
      throw named(program, error);
    }
  });
  fc.assert(holds, fuzzing(usual));
}

/** The same for a property that waits. */
export async function checkProgramsAsync(world: World, usual: number, property: (program: Program) => Promise<void>): Promise<void> {
  const holds = fc.asyncProperty(programGenes, async (genes) => {
    const program = programOf(genes, world);
    if (program.outputs.length === 0) return;
    try {
      await property(program);
    } catch (error) {
      throw named(program, error);
    }
  });
  await fc.assert(holds, fuzzing(usual));
}

const show = (x: Numeric): string => (Object.is(x, -0) ? "-0" : String(x));

/** The error with the program that it is about. */
function named({ graph, inputs }: Program, error: unknown): Error {
  const given = graph.params.map((p, i) => `${String(p.node.attrs["name"])}: ${Array.from<Numeric>(at(inputs, i).data).map(show).join(" ")}`);
  return new Error(`${error instanceof Error ? error.message : String(error)}\n${printGraph(graph)}\n${given.join("\n")}`, { cause: error });
}

/** Throws where a result is off by more than it may be; by bits where it may not be off at all (all NaN are one). */
export function expectResults({ outputs }: Program, found: readonly HostData[], what: string): void {
  outputs.forEach((wanted, k) => {
    const f = at(found, k);
    const fail = (text: string): never => {
      throw new Error(`${what}: output ${k}: ${text}`);
    };
    if (!sameType(f.type, wanted.value.type)) fail(`${typeText(f.type)}, expected ${typeText(wanted.value.type)}`);
    Array.from<Numeric>(wanted.data.data).forEach((x, i) => {
      const y = at<Numeric>(f.data, i);
      const close = wanted.error > 0 && Math.abs(Number(x) - Number(y)) <= wanted.error;
      if (!Object.is(x, y) && !close) fail(`element ${i} is ${show(y)}, expected ${show(x)}${wanted.error > 0 ? ` ± ${wanted.error}` : ""}`);
    });
  });
}

/** Throws where a result is off by a bit, sums included. */
export function expectBits(program: Program, found: readonly HostData[], what: string): void {
  expectResults({ ...program, outputs: program.outputs.map((o) => ({ ...o, error: 0 })) }, found, what);
}

/** Throws where two runs differ by a bit in an output whose sums cannot have changed. */
export function expectEqualBits(program: Program, a: readonly HostData[], b: readonly HostData[], what: string): void {
  expectResults({ ...program, outputs: program.outputs.map((o, k) => ({ ...o, data: at(a, k) })) }, b, what);
}

/** Throws where two runs of one plan differ by a bit. */
export function expectSameBits(program: Program, a: readonly HostData[], b: readonly HostData[], what: string): void {
  expectBits({ ...program, outputs: program.outputs.map((o, k) => ({ ...o, data: at(a, k) })) }, b, what);
}
