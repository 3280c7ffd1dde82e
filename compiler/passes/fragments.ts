/** Regions become fragments: kernels of loops with the buffers and scalars they are launched on. */
import { at } from "../ir/errors.ts";
import type { Kernel } from "../ir/loop.ts";
import { buffersTouched } from "../ir/loop-walk.ts";
import type { Node, Value } from "../ir/node.ts";
import type { Fragment, Launch } from "../routines/fragment.ts";
import { ofValue } from "../routines/fragment.ts";
import { routineFragment } from "../routines/routines.ts";
import type { Target } from "../target.ts";
import { readWhereWritten } from "./in-place.ts";
import { structureOf } from "./lower/alike.ts";
import type { Mark } from "./lower/element.ts";
import type { Lowered } from "./lower/lower.ts";
import { lower, lowerScatter } from "./lower/lower.ts";
import { lowerHeld } from "./online/held.ts";
import type { Region } from "./region.ts";
import { destinationsOf } from "./region.ts";
import { constantOf, storageOf } from "./storage.ts";

/** A kernel, as it is launched: on which of the region's values, and on which of its scalars. */
interface Launchable {
  readonly kernel: Kernel;
  readonly bound: readonly number[];
  readonly scalars: readonly number[];
}

/** What was lowered of a graph, by the structure of its region. */
export type LoweredRegions = Map<string, Launchable>;

/** Of regions that are alike the kernels have one body: passes do their work once. */
export function fragmentOf(region: Region, target: Target, known: LoweredRegions): Fragment {
  const stored = at(region.outputs, 0).value.node;
  if (stored.op.kind === "routine") return routineFragment(stored, region.name);
  if (stored.op.kind === "scatter") return scatterFragment(region, stored);
  if (stored.op.kind === "barrier" && region.outputs.every((o) => o.into === undefined)) {
    const [operand, to] = [at(stored.args, 0), at(region.outputs, 0).value];
    const value = constantOf(operand);
    if (value !== null) return { temps: [], before: [{ kind: "fill", to, value }], launches: [] };
    const source = storageOf(operand);
    if (region.inputs.length === 1 && at(region.inputs, 0) === source && region.nodes.size === 1) {
      return { temps: [], before: [{ kind: "copy", from: source, to }], launches: [] };
    }
  }
  return { temps: [], before: [], launches: launchesOnce(region, target, known) };
}

function launchesOnce(region: Region, target: Target, known: LoweredRegions): Launch[] {
  const { key, scalars } = structureOf(region);
  const made = known.get(key) ?? launchable(region, target, scalars);
  known.set(key, made);
  if (made.bound.length === 0) return [];
  const values = [...region.inputs, ...destinationsOf(region.outputs)];
  return [
    { kernel: { ...made.kernel, name: region.name }, buffers: made.bound.map((i) => ofValue(at(values, i))), scalars: made.scalars.map((i) => at(scalars, i)) },
  ];
}

/** The loops of a region, before anything is done to them; null where it is a routine. */
export function markedLoops(region: Region, target: Target, mark: Mark): Kernel | null {
  const stored = at(region.outputs, 0).value.node;
  if (stored.op.kind === "routine") return null;
  return stored.op.kind === "scatter" ? lowerScatter(region, stored, mark).kernel : lowerRegion(region, target, mark).kernel;
}

const lowerRegion = (region: Region, target: Target, mark?: Mark): Lowered =>
  (region.held.length > 0 ? lowerHeld(region, target, mark) : null) ?? lower(region, target, mark);

function launchable(region: Region, target: Target, order: readonly Node[]): Launchable {
  const { kernel, scalars } = lowerRegion(region, target);
  const touched = buffersTouched(kernel);
  const bound = kernel.buffers.flatMap((b, i) => (touched.has(b.name) ? [i] : []));
  return { kernel: { ...kernel, buffers: bound.map((i) => at(kernel.buffers, i)) }, bound, scalars: scalars.map((n) => order.indexOf(n)) };
}

function scatterFragment(region: Region, node: Node): Fragment {
  const operand = at(node.args, 0);
  const to = at(region.outputs, 0).value;
  const value = constantOf(operand);
  const { kernel, scalars } = lowerScatter(region, node);
  const launched = node.op.kind === "scatter" && node.op.distinct ? onItself(region, kernel, storageOf(operand)) : { kernel, inputs: region.inputs };
  return {
    temps: [],
    before: [value === null ? { kind: "copy", from: storageOf(operand), to } : { kind: "fill", to, value }],
    launches: launches(launched.kernel, [...launched.inputs, to], scalars),
  };
}

/** What the kernel reads of the operand it may read from the copy, where that still is what it was: then nobody needs the operand. */
function onItself(region: Region, kernel: Kernel, operand: Value): { readonly kernel: Kernel; readonly inputs: readonly Value[] } {
  const own = region.inputs.flatMap((v, i) => (storageOf(v) === operand ? [i] : []));
  let found = kernel;
  for (const i of own) {
    const next = readWhereWritten(found, at(kernel.buffers, i).name, at(kernel.buffers, kernel.buffers.length - 1).name);
    if (next === null) return { kernel, inputs: region.inputs };
    found = next;
  }
  return { kernel: found, inputs: region.inputs.filter((_, i) => !own.includes(i)) };
}

/** A launch that binds only the buffers that the kernel touches; none where it touches none, as nothing has no elements. */
function launches(kernel: Kernel, values: readonly Value[], scalars: readonly Node[]): Launch[] {
  const touched = buffersTouched(kernel);
  if (touched.size === 0) return [];
  const buffers = kernel.buffers.filter((b) => touched.has(b.name));
  const bound = values.filter((_, i) => touched.has(at(kernel.buffers, i).name));
  return [{ kernel: { ...kernel, buffers }, buffers: bound.map(ofValue), scalars }];
}
