/**
 * The part of `split` for ragged values: what is reduced over all elements of rows is reduced row by row first.
 *
 *   reduce sum (x - segment broadcast m)  →  reduce sum (segment reduce sum (x - segment broadcast m))
 *
 * Walked flat, each element would search for its row; walked by rows it does not, and the first step shares a kernel with whatever
 * made the values of the rows.
 */
import { at } from "../ir/errors.ts";
import type { Expr } from "../ir/expr.ts";
import { axisIndex, variable } from "../ir/expr.ts";
import type { Interner } from "../ir/graph.ts";
import type { Node, Value } from "../ir/node.ts";
import { ints, result } from "../ir/node.ts";
import { segmentForms } from "../ops/segments.ts";
import type { Target } from "../target.ts";

/** Shorter values are searched through in no time. */
const longEnough = 256;
/** With fewer rows than this lanes have more to do when they have an element each. */
const enoughRows = 256;

export class RowSplit {
  readonly #target: Target;
  /** Nodes over the elements of rows, with the rows' offsets in the new graph. */
  readonly #offsets = new Map<Node, Value>();

  constructor(target: Target) {
    this.#target = target;
  }

  /** The two steps for a reduction, or null; nodes are seen operands first. */
  visit(node: Node, args: readonly Value[], intern: Interner): Value | null {
    const known = node.args.map((a) => this.#offsets.get(a.node)).find((o) => o !== undefined);
    const offsets = node.op.kind === "elementwise" ? known : spreadBy(node, args);
    if (offsets !== undefined) this.#offsets.set(node, offsets);
    const form = segmentForms.get(node.op);
    if (form === undefined || known === undefined || !ints(node.attrs, "axes").includes(0) || !this.#pays(at(args, 0), known)) return null;
    const rows = result(intern.node(form, [at(args, 0), known], {}), 0);
    return result(intern.node(node.op, [rows], node.attrs), 0);
  }

  #pays(x: Value, offsets: Value): boolean {
    const rows = at(offsets.shape, 0) - 1;
    return rows > 1 && at(x.shape, 0) >= longEnough && (this.#target.lanes === 1 || rows >= enoughRows);
  }
}

/** The offsets of the rows over which a node spreads one value each along its axis 0. */
function spreadBy(node: Node, args: readonly Value[]): Value | undefined {
  if (node.op.kind !== "gather") return undefined;
  const out = at(node.results, 0).shape.map((n, i) => axisIndex(`i${i}`, 0, n - 1));
  let offsets: Value | undefined;
  const row = (operand: number, position: Expr): undefined => {
    if (position === out[0]) offsets = at(args, operand);
  };
  const read = (): Expr => variable("q", "int32");
  node.op.pieces(out, { attrs: node.attrs, operands: args.length, shape: (k) => at(args, k).shape, read, row });
  return offsets;
}
