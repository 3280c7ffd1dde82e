/** What a grid point computes before its outputs, in the order of the graph, so that rows are complete where they are read. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { keyOf } from "../../ir/indexing.ts";
import { sizeOf } from "../../ir/shape.ts";
import type { Region, RegionOutput } from "../region.ts";

/** An element at the grid's index, or rows that one walk fills. */
export type Stage = { readonly kind: "element"; readonly output: RegionOutput } | ({ readonly kind: "rows" } & Walk);

/** Loops around the filling of some rows, each of which may have others inside. */
export interface Walk {
  readonly around: readonly Expr[];
  readonly rows: readonly FilledRow[];
}

export interface FilledRow {
  readonly output: RegionOutput;
  readonly inside: readonly Expr[];
  /** Where its elements are stored for others as well. */
  readonly stores: readonly RegionOutput[];
}

export function stagesOf(region: Region): Stage[] {
  const { anchors, nodes } = region;
  const list: Stage[] = [...anchors.map((output): Stage => ({ kind: "element", output })), ...walksOf(region).map((w): Stage => ({ kind: "rows", ...w }))];
  if (list.length < 2) return list;
  const position = new Map([...nodes].map((n, i) => [n, i]));
  const placeOf = ({ value }: RegionOutput): number => position.get(value.node) ?? 0;
  const firstOf = (s: Stage): number => (s.kind === "element" ? placeOf(s.output) : Math.min(...s.rows.map((r) => placeOf(r.output))));
  return list.toSorted((a, b) => firstOf(a) - firstOf(b));
}

/** Rows by the loops that fill them: what one kernel gave before it was held has one walk. Contractions have tiles, each of its own. */
function walksOf({ held, grid, nodes, outputs }: Region): Walk[] {
  const names = new Set(grid.map((g) => g.name));
  const loopsOf = ({ form }: RegionOutput): Expr[] => form.filter((e) => e.op === "axis" && !names.has(e.name));
  const isAlone = [...nodes].some((n) => n.op.kind === "contraction");
  const groups: { loops: readonly Expr[]; readonly rows: RegionOutput[] }[] = [];
  for (const row of held) {
    const loops = loopsOf(row);
    const known = isAlone ? undefined : groups.find((g) => g.loops.some((a) => isIn(a, loops)));
    if (known === undefined) groups.push({ loops, rows: [row] });
    else {
      known.rows.push(row);
      known.loops = known.loops.filter((a) => isIn(a, loops));
    }
  }
  return groups.map(({ loops, rows }) => ({
    around: loops,
    rows: rows.map((output) => ({
      output,
      inside: loopsOf(output).filter((a) => !isIn(a, loops)),
      stores: isAlone ? [] : outputs.filter((o) => o.value === output.value && o.form.every((e, i) => isSame(e, at(output.form, i)))),
    })),
  }));
}

const isSame = (a: Expr, b: Expr): boolean => keyOf(a) === keyOf(b);
const isIn = (a: Expr, list: readonly Expr[]): boolean => list.some((b) => isSame(a, b));

/** How many elements of a value a grid point holds. */
export function heldElements({ grid }: Region, { form }: RegionOutput): number {
  const names = new Set(grid.map((g) => g.name));
  return sizeOf(form.flatMap((e) => (e.op === "axis" && !names.has(e.name) ? [e.hi + 1] : [])));
}
