/** Scalar operations on float32 as expressions of others, by name: `arg 0` and `arg 1` are the operands. */
import type { Expr, ScalarOp } from "../ir/expr.ts";
import { isScalarOp } from "../ir/expr.ts";
import { bitExpansions } from "./legalize-bits.ts";
import { exponentialExpansions } from "./legalize-exponential.ts";
import { trigonometricExpansions } from "./legalize-trigonometric.ts";

const all: Readonly<Record<string, Expr>> = { ...bitExpansions, ...exponentialExpansions, ...trigonometricExpansions };

export const expansions: ReadonlyMap<ScalarOp, Expr> = new Map(Object.entries(all).flatMap(([name, e]) => (isScalarOp(name) ? [[name, e] as const] : [])));
