/** The form of a rule: a law, read from left to right. */
import type { DType } from "../../ir/dtype.ts";
import { dtypeInfo } from "../../ir/dtype.ts";
import type { Definition, Node, Value } from "../../ir/node.ts";
import type { Primitive } from "../../ir/primitive.ts";
import { constantOf } from "../storage.ts";

export interface Rule {
  /** The law: `x * 1 -> x`. It stands in traces. */
  readonly name: string;
  /** The ops that it looks at, some by their kind: nodes of others are not shown to it. */
  readonly of: readonly (Primitive | Primitive["kind"])[];
  /** Breaks some bit of some float (a rounding, the sign of a zero, a NaN): off unless asked for. */
  readonly unsafe?: boolean;
  /** Takes away a node that no other kernel can hold, for elementwise work of its own size that any can; rules without this add no work. */
  readonly opens?: boolean;
  /** The simpler value that equals the only result of a node, `x`, or null where the law does not apply. Operands are simplified already. */
  readonly rewrite: (node: Definition, x: Value) => Value | null;
  /** Left sides to test the law on, from two operands of one type; the rule must fire on each. */
  readonly examples: (x: Value, y: Value) => readonly Value[];
  /** dtypes of the operands that the examples make sense for. */
  readonly dtypes: readonly DType[];
}

export const isAbout = ({ of }: Rule, op: Primitive): boolean => of.includes(op) || of.includes(op.kind);

export const rule = (law: Rule): Rule => law;

/** Whether every element of `v` is this number, by bits (-0 is not 0). */
export const isAll = (v: Value, n: number): boolean => Object.is(constantOf(v), n);

/** Whether every element is 0 of a kind that a sum does not notice: any 0 for integers, -0 for floats (x + 0 turns -0 into 0). */
export const isNeutralZero = (v: Value): boolean => (dtypeInfo(v.dtype).kind === "float" ? isAll(v, -0) : isAll(v, 0));

/** The operand of a value's node if the node is of this row, else null. */
export const definedBy = (v: Value, op: Node["op"]): Node | null => (v.node.op === op ? v.node : null);

/** Whether every value of `narrow` is a value of `wide`. */
export function holdsAll(wide: DType, narrow: DType): boolean {
  const [w, n] = [dtypeInfo(wide), dtypeInfo(narrow)];
  if (n.kind === "bool") return true;
  if (w.kind === "float") return n.kind === "float" ? w.bits >= n.bits : w.bits > n.bits;
  return w.kind === n.kind && w.bits >= n.bits;
}
