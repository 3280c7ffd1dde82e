/** `npm run bench -- accuracy`: the largest errors of elementary functions against MPFR, in units in the last place. */
import { bounds } from "../test/accuracy/bounds.ts";
import { worstOf } from "../test/accuracy/measure.ts";
import { references } from "../test/accuracy/reference.ts";
import { table } from "./table.ts";

/** Points that are held at once. */
const part = 1_000_000;

/** Measures the functions named, or all, at so many points each, other ones in every part. */
export async function accuracy(names: readonly string[], points: number): Promise<void> {
  const exact = await references();
  const rows: string[][] = [["function", "dtype", "error", "bound", "at"]];
  for (const bound of bounds.filter((b) => names.length === 0 || names.includes(b.name))) {
    for (const dtype of ["float32", "float64"] as const) {
      const parts = Math.ceil(points / part);
      const worsts = Array.from({ length: parts }, (_, i) => worstOf(bound, dtype, Math.min(part, points), exact(bound.name), i));
      const worst = worsts.reduce((a, b) => (b.ulps > a.ulps ? b : a));
      rows.push([bound.name, dtype, worst.ulps.toFixed(2), String(bound[dtype]), worst.at.join(" ")]);
    }
  }
  console.log(table(rows));
}
