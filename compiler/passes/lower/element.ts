/** Elements of values: what stands for them in the code of a kernel. */
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { load, mapOperands, withName } from "../../ir/expr.ts";
import { within } from "../../ir/indexing.ts";
import type { KernelBuffer } from "../../ir/loop.ts";
import type { Node, Value } from "../../ir/node.ts";
import type { Piece } from "../../ir/primitive.ts";

/** An element of what is computed element by element, of those of its operands. */
export function elementOf({ node, type, index }: Value, operands: readonly Expr[]): Expr {
  if (node.op.kind !== "elementwise") throw new CompilerBug(`${node.op.name} of ${type.dtype} is not elementwise`);
  const types = node.args.map((a) => a.type);
  return at(node.op.scalar(operands, node.attrs, types), index);
}

/** What is done to what is made for a node: the expressions of its elements, and where a view finds its pieces. */
export interface Mark {
  readonly element: (e: Expr, node: Node) => Expr;
  readonly pieces: (pieces: readonly Piece[], node: Node) => readonly Piece[];
}

/** Nothing: only who asks what is computed again needs to know whose it is. */
export const unmarked: Mark = { element: (e) => e, pieces: (pieces) => pieces };

/** What the operations of a node are called. */
export const originOf = ({ id }: Node): string => `of ${id}`;

/** Operations are given the name of their node. Those of its operands have one. */
export const withOrigins: Mark = {
  element: (e, node) => marker(node)(e),
  pieces: (pieces, node) => {
    const f = marker(node);
    return pieces.map((p) => ({ ...p, index: p.index.map(f), ...(p.guard === undefined ? {} : { guard: f(p.guard) }) }));
  },
};

function marker(node: Node): (e: Expr) => Expr {
  const name = originOf(node);
  const done = new Map<Expr, Expr>();
  // where it loads from is its own too
  const named = (e: Expr): Expr => (e.op === "load" ? e : withName(e, name));
  const walk = (e: Expr): Expr => {
    if (e.args.length === 0 || (e.name !== "" && e.op !== "load")) return e;
    const known = done.get(e) ?? named(mapOperands(e, walk));
    done.set(e, known);
    return known;
  };
  return walk;
}

/** `sum` for a `reduce sum`, else the name of the op. */
export const wordOf = (node: Node): string => node.op.name.replace(/^(?:segment reduce|segment|reduce|prefix) /, "").replaceAll(" ", "_");
/** Whether an expression is as short as its name would be. */
export const isTrivial = (e: Expr): boolean => e.op === "const" || e.op === "var" || e.op === "axis";

/** How long expressions are, spelled out. */
export class Sizes {
  readonly #known = new Map<Expr, number>();

  of(e: Expr): number {
    const known = this.#known.get(e);
    if (known !== undefined) return known;
    let size = 1;
    for (const a of e.args) size += this.of(a);
    this.#known.set(e, size);
    return size;
  }
}

/** A load, whose guard is dropped where the index lies inside anyway. */
export function guardedLoad(buffer: KernelBuffer, index: Expr, guard: Expr | undefined): Expr {
  const safe = guard === undefined || (index.lo >= 0 && index.hi < buffer.size);
  return safe ? load(buffer.name, buffer.dtype, index) : load(buffer.name, buffer.dtype, index, guard);
}

/** Whether a piece's index lies inside its operand for every value of the loops. */
export const inBounds = (p: Piece, operand: Value): boolean => p.index.every((e, i) => within(e, 0, at(operand.shape, i)) === undefined);
