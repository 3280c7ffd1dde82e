/**
 * What a loop over a row needs that is the same for all of the row, and takes loops of its own: sums of the row, say. It is computed
 * first, so that rows that those loops keep are complete when this one is built.
 */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { ix, namesIn } from "../../ir/indexing.ts";
import type { Value } from "../../ir/node.ts";
import { isLight } from "../region.ts";
import { takesLong } from "./row-cache.ts";

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
  follow(element, isThere, (asked) => {
    if (isLight(asked.value.node)) return operandsOf(asked);
    if (loopsIn(asked, loops) === 0) heavy.push(asked);
    return [];
  });
  return heavy.toSorted((a, b) => a.value.node.id - b.value.node.id);
}

/**
 * Costly elements that some of the loops decide, and not all, as the logarithms of rows in a sum over all elements: a loop over those
 * computes them first, or each would be computed with every element. `isThere`: what is loaded.
 */
export function rowsFirst(element: Asked, loops: ReadonlySet<string>, isThere: (a: Asked) => boolean): readonly Asked[] {
  const rows: Asked[] = [];
  follow(element, isThere, (asked) => {
    const { node } = asked.value;
    if (!isLight(node)) return [];
    const own = loopsIn(asked, loops);
    if (!takesLong(node) || own === null || own === 0 || own === loops.size) return operandsOf(asked);
    rows.push(asked);
    return [];
  });
  return rows;
}

/** Walks through what an element is made of; `visit` says with what to go on. */
function follow(element: Asked, isThere: (a: Asked) => boolean, visit: (asked: Asked) => readonly Asked[]): void {
  const open = [element];
  const seen = new Set<Value>();
  for (let asked = open.pop(); asked !== undefined && seen.size < patience; asked = open.pop()) {
    if (seen.has(asked.value) || isThere(asked)) continue;
    seen.add(asked.value);
    open.push(...visit(asked));
  }
}

/** Operands of what is computed element by element, or is the same elsewhere. */
function operandsOf({ value: { node }, index }: Asked): Asked[] {
  if (node.op.kind === "elementwise") return node.args.map((value) => ({ value, index }));
  if (node.op.kind !== "view" || node.args.length > 1) return [];
  const pieces = node.op.pieces(index, { attrs: node.attrs, operands: 1, shape: (k) => at(node.args, k).shape, read: () => ix(0) });
  const only = pieces.length === 1 ? pieces[0] : undefined;
  return only === undefined || only.guard !== undefined ? [] : [{ value: at(node.args, only.operand), index: only.index }];
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
