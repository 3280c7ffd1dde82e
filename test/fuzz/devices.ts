/** What random programs on a GPU may differ in. */
import { interpretGraph } from "../../compiler/interpret.ts";
import { isInteger } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import { asNumbers } from "../../compiler/ir/host.ts";
import { nodesOf } from "../../compiler/ir/graph.ts";
import type { Program, World } from "./program.ts";
import { exact, tame } from "./worlds.ts";

/** The program with room for another order of float sums on the device, and for another sign of a zero, which WGSL does not keep. */
export const loosened = (program: Program): Program => ({
  ...program,
  outputs: program.outputs.map((o) => ({ ...o, error: Math.max(o.error * 4, Number.MIN_VALUE) })),
});

/** Integers that are no float32: a device may round them either way. */
export function roundsIntegers({ graph, inputs }: Program): boolean {
  const casts = nodesOf(graph).filter((n) => n.op.kind === "elementwise" && at(n.results, 0).dtype === "float32" && n.args.some((a) => isInteger(a.dtype)));
  const given = interpretGraph({ ...graph, outputs: casts.flatMap((n) => n.args) }, inputs);
  return given.some(({ type, data }) => isInteger(type.dtype) && asNumbers(data).some((x) => Math.fround(x) !== x));
}

/** What devices compute alike; the bits of a NaN are nobody's business. */
export const alikeOnDevices: World = { ...tame(exact), takes: (op) => exact.takes(op) && op.name !== "bitcast" };
