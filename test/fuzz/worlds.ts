/** The kinds of programs that properties are tried on. */
import { at } from "../../compiler/ir/errors.ts";
import type { Expr } from "../../compiler/ir/expr.ts";
import { argument, isScalarOp } from "../../compiler/ir/expr.ts";
import type { Primitive } from "../../compiler/ir/primitive.ts";
import type { Target } from "../../compiler/target.ts";
import { js, wgsl } from "../../compiler/target.ts";
import { samplesOf } from "../ops/samples.ts";
import type { World } from "./program.ts";

const odd = { first: [3, 2, 1, 5, 7, 17, 33, 0, 4], others: [3, 2, 1, 5, 4, 7, 9, 0] };
/** Where loops are blocked, jammed, split and dealt out to lanes. */
const long = { first: [40, 64, 65, 130, 513, 1030], others: [3, 1, 4, 9, 17, 33] };

/** Everything, at odd sizes. */
export const wide: World = {
  dtypes: ["float32", "float64", "int32", "uint32", "bool", "int8", "uint8", "int16", "uint16", "int64", "uint64"],
  kinds: ["whole", "ordinary", "special"],
  takes: () => true,
  sorts: true,
  ragged: false,
  lengths: odd,
  maxElements: 700,
};

/** The same and float16, which is rounded where it is stored: with other kernels come other bits. */
export const halves: World = { ...wide, dtypes: ["float16", ...wide.dtypes, "float16"] };

/** What shaders have. */
export const narrow: World = { ...wide, dtypes: ["float32", "int32", "uint32", "bool"] };

/** Rows of differing lengths, mostly. */
export const inRows = (world: World): World => ({ ...world, ragged: true });

export const lengthy = (world: World): World => ({ ...world, lengths: long, maxElements: 20_000 });

const isSpelled = (e: Expr): boolean => !isScalarOp(e.op) || !(wgsl.lacks.has(e.op) || e.op === "sqrt" || (e.op === "div" && e.dtype === "float32"));
const has =
  ({ lacks }: Target) =>
  (e: Expr): boolean =>
    !isScalarOp(e.op) || !lacks.has(e.op);

function parts(e: Expr, into: Set<Expr> = new Set()): Set<Expr> {
  if (!into.has(e)) {
    into.add(e);
    for (const a of e.args) parts(a, into);
  }
  return into;
}

function consistsOf(op: Primitive, allowed: (e: Expr) => boolean): boolean {
  if (op.kind !== "elementwise") return true;
  const sample = at(samplesOf(op), 0);
  const types = sample.operands.map((o) => (o.type.dtype === "float64" ? { ...o.type, dtype: "float32" as const } : o.type));
  const attrs = "dtype" in sample.attrs ? { ...sample.attrs, dtype: "int32" } : sample.attrs;
  const results = op.scalar(
    types.map((t, i) => argument(i, t.dtype)),
    attrs,
    types,
  );
  return results.every((e) => [...parts(e)].every(allowed));
}

/** Whether a row computes with operations that every target rounds alike. */
export const isExact = (op: Primitive): boolean => consistsOf(op, isSpelled);
/** Whether the CPU computes a row as the interpreter does, not with functions of its own. */
export const isInterpreted = (op: Primitive): boolean => consistsOf(op, has(js));

/** The same without what shaders approximate. */
export const exact: World = { ...narrow, takes: isExact };

/** Values of which every target thinks alike: devices flush subnormals and take NaN as they like. */
export const tame = (world: World): World => ({ ...world, kinds: ["whole", "ordinary"] });
