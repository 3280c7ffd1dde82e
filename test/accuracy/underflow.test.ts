/** Exponentials far below: processors take several times as long where a product rounds to 0, and masked scores are e^-Infinity. */
import { expect, test } from "vitest";
import { scalarFunction } from "../../compiler/interpret-scalar.ts";
import { exprOrder } from "../../compiler/ir/expr-order.ts";
import type { Expr } from "../../compiler/ir/expr.ts";
import { exactValue, isScalarOp } from "../../compiler/ir/expr.ts";
import { functionExpansion } from "../../compiler/passes/functions/expansions.ts";

/** Every step of a function of one number. */
function steps(formula: Expr, x: number): ReadonlyMap<Expr, number> {
  const values = new Map<Expr, number>();
  for (const e of exprOrder([formula])) {
    const args = e.args.map((a) => values.get(a) ?? NaN);
    if (e.op === "const") values.set(e, Number(exactValue(e)));
    else if (e.op === "arg") values.set(e, x);
    else if (isScalarOp(e.op)) values.set(e, scalarFunction(e.op, e.dtype, e.args[0]?.dtype)(args[0] ?? NaN, args[1] ?? NaN, args[2] ?? NaN));
    else throw new Error(`${e.op} in a formula`);
  }
  return values;
}

const least = { float32: 2 ** -126, float64: 2 ** -1022 } as const;

test.each([
  ["exp", "float32"],
  ["exp", "float64"],
  ["exp2", "float32"],
  ["exp2", "float64"],
] as const)("%s of %s rounds nothing to 0, nor to a subnormal number, where it is 0 by far", (op, dtype) => {
  const formula = functionExpansion(op, dtype);
  if (formula === undefined) throw new Error(`${op} has no formula`);
  for (const x of [-Infinity, -Number.MAX_VALUE, dtype === "float32" ? -1e30 : -1e300, -1e9, -5000]) {
    const values = steps(formula, x);
    expect(values.get(formula)).toBe(0);
    for (const [e, value] of values) {
      if (e.op !== "mul" || e.dtype !== dtype) continue;
      const isExact = e.args.some((a) => values.get(a) === 0) || Math.abs(value) >= least[dtype];
      expect(isExact ? "" : `${e.args.map((a) => values.get(a)).join(" * ")} = ${value}`).toBe("");
    }
  }
});
