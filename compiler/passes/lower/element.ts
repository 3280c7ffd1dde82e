/** Elements of values: what stands for them in the code of a kernel. */
import { at, CompilerBug } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { load } from "../../ir/expr.ts";
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

/** `sum` for a `reduce sum`, else the name of the op. */
export const wordOf = (node: Node): string => node.op.name.replace(/^(?:segment reduce|segment|reduce|prefix) /, "").replaceAll(" ", "_");
/** Whether an expression is as short as its name would be. */
export const isTrivial = (e: Expr): boolean => e.op === "const" || e.op === "var" || e.op === "axis";

/** A load, whose guard is dropped where the index lies inside anyway. */
export function guardedLoad(buffer: KernelBuffer, index: Expr, guard: Expr | undefined): Expr {
  const safe = guard === undefined || (index.lo >= 0 && index.hi < buffer.size);
  return safe ? load(buffer.name, buffer.dtype, index) : load(buffer.name, buffer.dtype, index, guard);
}

/** Whether a piece's index lies inside its operand for every value of the loops. */
export const inBounds = (p: Piece, operand: Value): boolean => p.index.every((e, i) => within(e, 0, at(operand.shape, i)) === undefined);
