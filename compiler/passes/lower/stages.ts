/** What a grid point computes before its outputs, in the order of the graph, so that rows are complete where they are read. */
import type { Region, RegionOutput } from "../region.ts";

/** An element at the grid's index, or rows that one walk fills. */
export type Stage = { readonly kind: "element"; readonly output: RegionOutput } | { readonly kind: "rows"; readonly rows: readonly RegionOutput[] };

export function stagesOf(region: Region): Stage[] {
  const { anchors, nodes } = region;
  const list: Stage[] = [...anchors.map((output): Stage => ({ kind: "element", output })), ...walksOf(region).map((rows): Stage => ({ kind: "rows", rows }))];
  if (list.length < 2) return list;
  const position = new Map([...nodes].map((n, i) => [n, i]));
  const placeOf = ({ value }: RegionOutput): number => position.get(value.node) ?? 0;
  const firstOf = (s: Stage): number => (s.kind === "element" ? placeOf(s.output) : Math.min(...s.rows.map(placeOf)));
  return list.toSorted((a, b) => firstOf(a) - firstOf(b));
}

/** Rows by the loops that fill them: what one kernel gave before it was held has one walk. Contractions have tiles, each of its own. */
function walksOf({ held, grid, nodes }: Region): RegionOutput[][] {
  if (held.length < 2 || [...nodes].some((n) => n.op.kind === "contraction")) return held.map((h) => [h]);
  const names = new Set(grid.map((g) => g.name));
  const walks = new Map<string, RegionOutput[]>();
  for (const h of held) {
    const key = h.form.flatMap((e) => (e.op === "axis" && !names.has(e.name) ? [e.name] : [])).join();
    walks.set(key, [...(walks.get(key) ?? []), h]);
  }
  return [...walks.values()];
}
