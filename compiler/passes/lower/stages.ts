/** What a grid point computes before its outputs, in the order of the graph, so that rows are complete where they are read. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { keyOf } from "../../ir/indexing.ts";
import { sizeOf } from "../../ir/shape.ts";
import type { Region, RegionOutput } from "../region.ts";
import type { FormLoop } from "./outputs.ts";
import { loopsOf } from "./outputs.ts";

/** An element at the grid's index, or rows that one walk fills. */
export type Stage = { readonly kind: "element"; readonly output: RegionOutput } | ({ readonly kind: "rows" } & Walk);

/** Loops around the filling of some rows, each of which may have others inside. */
export interface Walk {
  readonly around: readonly FormLoop[];
  readonly rows: readonly FilledRow[];
}

export interface FilledRow {
  readonly output: RegionOutput;
  readonly inside: readonly FormLoop[];
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
function walksOf(region: Region): Walk[] {
  const { held, nodes, outputs } = region;
  const isAlone = [...nodes].some((n) => n.op.kind === "contraction");
  const groups: { loops: readonly FormLoop[]; readonly rows: RegionOutput[] }[] = [];
  for (const row of held) {
    const loops = loopsOf(row.form, region);
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
      inside: loopsOf(output.form, region).filter((a) => !isIn(a, loops)),
      stores: isAlone ? [] : outputs.filter((o) => o.value === output.value && o.form.every((e, i) => isSame(e, at(output.form, i)))),
    })),
  }));
}

const isSame = (a: Expr, b: Expr): boolean => keyOf(a) === keyOf(b);
const isIn = (a: FormLoop, list: readonly FormLoop[]): boolean => list.some((b) => isSame(a.index, b.index));

/** How many elements of a value a grid point holds; of rows whose lengths are not known, as many as one of them could have. */
export const heldElements = (region: Region, { form }: RegionOutput): number => sizeOf(loopsOf(form, region).map(({ index }) => index.hi + 1));
