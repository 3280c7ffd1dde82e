/** What a grid point stores: outputs by the loops that store them. */
import { lookup } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { flatten, ix, subIndex } from "../../ir/indexing.ts";
import type { KernelBuffer, Stmt } from "../../ir/loop.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Value } from "../../ir/node.ts";
import type { Region, RegionOutput, RegionSegment } from "../region.ts";

/** A loop of a form: its index, and the row whose elements it walks, where it does. */
export interface FormLoop {
  readonly index: Expr;
  readonly segment: RegionSegment | undefined;
}

export interface OutputGroup {
  readonly loops: readonly FormLoop[];
  readonly outputs: readonly RegionOutput[];
}

/** The same loops, each index counted from the other end. */
export function backwards(group: OutputGroup): OutputGroup {
  const names = new Set(group.loops.map((l) => l.index.name));
  const turn = exprMapper((e) => (e.op === "axis" && names.has(e.name) ? subIndex(ix(e.hi), e) : e));
  return { loops: group.loops, outputs: group.outputs.map((o) => mapOutput(o, turn)) };
}

/** An output at other names of its axes. */
export function mapOutput(o: RegionOutput, f: (e: Expr) => Expr): RegionOutput {
  const moved = { ...o, form: o.form.map(f) };
  return o.into === undefined ? moved : { ...moved, into: { value: o.into.value, index: o.into.index.map(f) } };
}

/** The loops of a form inside a grid point. */
export function loopsOf(form: readonly Expr[], { grid, segments }: Pick<Region, "grid" | "segments">): FormLoop[] {
  const inGrid = new Set(grid.map((g) => g.name));
  return form.filter((e) => e.op === "axis" && !inGrid.has(e.name)).map((index) => ({ index, segment: segments.get(index.name) }));
}

/** Outputs that the same loops inside a grid point store, in their first order; not those that are stored before. */
export function groupByLoops(region: Region, stored: ReadonlySet<RegionOutput>): OutputGroup[] {
  const groups = new Map<string, { loops: FormLoop[]; outputs: RegionOutput[] }>();
  for (const o of region.outputs) {
    if (stored.has(o)) continue;
    const loops = loopsOf(o.form, region);
    const key = loops.map((l) => l.index.name).join(",");
    const group = groups.get(key) ?? { loops, outputs: [] };
    group.outputs.push(o);
    groups.set(key, group);
  }
  return namedApart([...groups.values()]);
}

/** Loops of different groups have names of their own: `tidy` may put one group's loop into another's. */
function namedApart(groups: readonly OutputGroup[]): OutputGroup[] {
  const taken = new Set<string>();
  return groups.map(({ loops, outputs }, k) => {
    const names = new Map(loops.map(({ index: l }) => [l.name, taken.has(l.name) ? { ...l, name: `${l.name}n${k}` } : l]));
    for (const l of loops) taken.add(l.index.name);
    const f = exprMapper((e) => (e.op === "axis" ? (names.get(e.name) ?? e) : e));
    return { loops: loops.map((l) => ({ ...l, index: f(l.index) })), outputs: outputs.map((o) => mapOutput(o, f)) };
  });
}

/** Where outputs are stored. */
export type Buffers = ReadonlyMap<Value, KernelBuffer>;

/** The store of one element. */
export function storeOf({ value, form, into }: RegionOutput, buffers: Buffers, element: Expr): Stmt {
  const home = into ?? { value, index: form };
  return { kind: "store", buffer: lookup(buffers, home.value, "an output's buffer").name, index: flatten(home.index, home.value.shape), value: element };
}
