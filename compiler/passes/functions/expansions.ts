/** Functions on the CPU, where js and wasm compute the same bits: each made of arithmetic, for float32 and for float64. */
import type { DType } from "../../ir/dtype.ts";
import type { Expr, ScalarOp } from "../../ir/expr.ts";
import { argument } from "../../ir/expr.ts";
import { expansions } from "../legalize-float32.ts";
import { acos, asin, atan, atan2 } from "./arcs.ts";
import { cos, sin, tan } from "./circular.ts";
import { cosh, exp, exp2, expm1, sinh, tanh } from "./exponential.ts";
import { acosh, asinh, atanh, log, log10, log1p, log2 } from "./logarithm.ts";
import { cbrt, pow } from "./powers.ts";

type Formula = (x: Expr, y: Expr) => Expr;

const formulas: ReadonlyMap<ScalarOp, Formula> = new Map<ScalarOp, Formula>([
  ["exp", exp],
  ["exp2", exp2],
  ["expm1", expm1],
  ["log", log],
  ["log2", log2],
  ["log10", log10],
  ["log1p", log1p],
  ["sin", sin],
  ["cos", cos],
  ["tan", tan],
  ["asin", asin],
  ["acos", acos],
  ["atan", atan],
  ["atan2", atan2],
  ["cbrt", cbrt],
  ["pow", pow],
  ["sinh", sinh],
  ["cosh", cosh],
  ["tanh", tanh],
  ["asinh", asinh],
  ["acosh", acosh],
  ["atanh", atanh],
]);

/** What stands for a function of operands `arg 0` and `arg 1` of a float dtype; undefined where the target's own is taken. */
export function functionExpansion(op: ScalarOp, dtype: DType): Expr | undefined {
  const formula = formulas.get(op);
  if (formula !== undefined) return formula(argument(0, dtype), argument(1, dtype));
  return dtype === "float32" ? expansions.get(op) : undefined;
}
