/** Strips of a row: what is computed for some neighbours is kept in scratch before more is done with it. */
import type { Expr } from "../../ir/expr.ts";
import { axisIndex } from "../../ir/expr.ts";
import { addIndex, ix, namesIn } from "../../ir/indexing.ts";
import type { Axis, For, Kernel, Let, Stmt } from "../../ir/loop.ts";
import { tidy } from "../lower/tidy.ts";
import { copied, loop } from "./copy.ts";

/** Elements of a strip, at the least and at the most: it stays in the nearest cache. */
const [shortest, longest] = [16, 256];

/** The longest strip that divides a row; 0 where none does. */
export function stripOf(length: number): number {
  for (let n = Math.min(longest, length); n >= shortest; n--) if (length % n === 0) return n;
  return 0;
}

/** What of the lets some values are made of. */
export function letsFor(values: readonly Expr[], lets: readonly Let[]): Let[] {
  const needed = new Set(values.flatMap((e) => [...namesIn(e)]));
  const found: Let[] = [];
  for (const l of lets.toReversed()) {
    if (!needed.has(l.name)) continue;
    found.push(l);
    for (const name of namesIn(l.value)) needed.add(name);
  }
  return found.toReversed();
}

/** A loop over a strip of an axis: `make` gives what is done for an element from its place in the strip. */
export function overStrip(axis: Axis, size: number, suffix: string, make: (index: Expr) => readonly Stmt[]): For {
  const first = axisIndex(axis.name, 0, axis.hi.op === "const" ? axis.hi.value - size : 0);
  const index = axisIndex(`${axis.name}${suffix}`, 0, size - 1);
  const { body } = copied({ body: make(index), values: [] }, { suffix: `_${suffix}`, axes: new Map([[axis.name, addIndex(first, index)]]) });
  return loop("serial", { name: index.name, lo: ix(0), hi: ix(size) }, 1, body);
}

/** The kernel with another body for so many neighbours along the innermost of its loops. */
export function withStrips(kernel: Kernel, nest: readonly For[], size: number, body: readonly Stmt[]): Kernel {
  const loops = nest.map((f, i) => (i === nest.length - 1 ? { ...f, axis: { ...f.axis, step: size } } : f));
  return { ...kernel, body: tidy(loops.reduceRight<readonly Stmt[]>((below, f) => [{ ...f, body: below }], body)) };
}
