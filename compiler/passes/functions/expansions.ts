/** Functions on the CPU, where js and wasm compute the same bits: each made of arithmetic, for float32 and for float64. */
import type { DType } from "../../ir/dtype.ts";
import type { Expr, ScalarOp } from "../../ir/expr.ts";
import { expansions } from "../legalize-float32.ts";

/** What stands for a function of operands `arg 0` and `arg 1` of a float dtype; undefined where the target's own is taken. */
export const functionExpansion = (op: ScalarOp, dtype: DType): Expr | undefined => (dtype === "float32" ? expansions.get(op) : undefined);
