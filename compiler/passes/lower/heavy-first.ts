/**
 * What a loop over a row needs that is the same for all of the row, and takes loops of its own: sums of the row, say. It is computed
 * first, so that rows that those loops keep are complete when this one is built.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { ix, namesIn } from "../../ir/indexing.ts";
import type { Value } from "../../ir/node.ts";
import { worthKeeping } from "./row-cache.ts";
import { isLight } from "../region.ts";

/** A value, and where it is asked for. */
export interface Asked {
  readonly value: Value;
  readonly index: readonly Expr[];
}

/** With so many values behind it a row is not followed further. */
const patience = 64;

/** Reductions and the like that an element is made of, at places that none of the loops decides, those that others need first. `isThere`: what is loaded. */
export function heavyFirst(element: Asked, loops: ReadonlySet<string>, isThere: (a: Asked) => boolean): readonly Asked[] {
  const heavy: Asked[] = [];
  const open = [element];
  const seen = new Set<Value>();
  for (let asked = open.pop(); asked !== undefined && seen.size < patience; asked = open.pop()) {
    const { value } = asked;
    if (seen.has(value) || isThere(asked)) continue;
    seen.add(value);
    if (isLight(value.node)) open.push(...operandsOf(asked));
    else if (!asked.index.some((e) => namesIn(e).some((name) => loops.has(name)))) heavy.push(asked);
  }
  return heavy.toSorted((a, b) => a.value.node.id - b.value.node.id);
}

/** Operands of what is computed element by element, or is the same elsewhere. */
function operandsOf({ value: { node }, index }: Asked): Asked[] {
  if (node.op.kind === "elementwise") return node.args.map((value) => ({ value, index }));
  if (node.op.kind !== "view" || node.args.length > 1) return [];
  const pieces = node.op.pieces(index, { attrs: node.attrs, operands: 1, shape: (k) => at(node.args, k).shape, read: () => ix(0) });
  const only = pieces.length === 1 ? pieces[0] : undefined;
  return only === undefined || only.guard !== undefined ? [] : [{ value: at(node.args, only.operand), index: only.index }];
}

/**
 * Costly elements that some of the loops decide, and not all, as the logarithms of rows in a sum over all elements: a loop over those
 * computes them first, or each would be computed with every element. `isThere`: what is loaded.
 */
export function rowsFirst(element: Asked, loops: ReadonlySet<string>, isThere: (a: Asked) => boolean): readonly Asked[] {
  const rows: Asked[] = [];
  const open = [element];
  const seen = new Set<Value>();
  for (let asked = open.pop(); asked !== undefined && seen.size < patience; asked = open.pop()) {
    const { value, index } = asked;
    if (seen.has(value) || isThere(asked) || !isLight(value.node)) continue;
    seen.add(value);
    const own = loopsIn(asked, loops);
    if (value.node.op.kind !== "elementwise" || value.node.op.cost < worthKeeping || own === null || own === 0 || own === loops.size)
      open.push(...operandsOf(asked));
    else rows.push({ value, index });
  }
  return rows;
}

/** How many of the loops walk an axis of a value each; null where one does something else there. */
function loopsIn({ value, index }: Asked, loops: ReadonlySet<string>): number | null {
  let own = 0;
  for (const [i, e] of index.entries()) {
    if (!namesIn(e).some((name) => loops.has(name))) continue;
    if (e.op !== "axis" || e.hi + 1 !== value.shape[i]) return null;
    own++;
  }
  return own;
}
