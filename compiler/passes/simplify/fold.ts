/** Constant folding: an elementwise op on constants is a constant, by the interpreter's arithmetic. */
import type { Numeric } from "../../ir/dtype.ts";
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import { constant, exactValue, isScalarOp } from "../../ir/expr.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Definition } from "../../ir/node.ts";
import { numericFunction } from "../../interpret-wide.ts";
import * as a from "../../ops/arithmetic.ts";
import { fill } from "../../ops/layout.ts";
import { constantOf } from "../storage.ts";
import type { Rule } from "./rule.ts";
import { rule } from "./rule.ts";

/** The number that an expression of constants is, or null where it holds anything else. */
function evaluate(root: Expr): Numeric | null {
  const done = new Map<Expr, Numeric>();
  for (const e of exprOrder([root])) {
    if (e.op === "const") done.set(e, exactValue(e));
    else if (!isScalarOp(e.op)) return null;
    else {
      const args = e.args.map((x) => done.get(x) ?? 0);
      done.set(e, numericFunction(e.op, e.dtype, at(e.args, 0).dtype)(args[0] ?? 0, args[1] ?? 0, args[2] ?? 0));
    }
  }
  return done.get(root) ?? null;
}

/** What an elementwise node of constants is, null for any other. */
export function folded(node: Definition): Numeric | null {
  if (node.op.kind !== "elementwise" || node.args.length === 0) return null;
  const args: Expr[] = [];
  for (const v of node.args) {
    const value = constantOf(v);
    if (value === null) return null;
    args.push(constant(value, v.dtype));
  }
  return evaluate(
    at(
      node.op.scalar(
        args,
        node.attrs,
        node.args.map((v) => v.type),
      ),
      0,
    ),
  );
}

export const folding: readonly Rule[] = [
  rule({
    name: "f(constants) -> constant",
    of: ["elementwise"],
    dtypes: ["float32", "int32"],
    examples: (x) => [a.add(fill(2, x.type), fill(3, x.type)), a.cast(fill(2, x.type), "float64")],
    rewrite: (node, x) => {
      const value = folded(node);
      return value === null ? null : fill(value, x.type);
    },
  }),
];
