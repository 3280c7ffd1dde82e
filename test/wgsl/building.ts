/** Short words for kernels written by hand. */
import type { DType } from "../../compiler/ir/dtype.ts";
import type { Expr } from "../../compiler/ir/expr.ts";
import { argument, axisIndex, constant, load, s, variable } from "../../compiler/ir/expr.ts";
import { addIndex, ix, mulIndex } from "../../compiler/ir/indexing.ts";
import type { AxisKind, Axis, For, Kernel, KernelBuffer, Reduce, Stmt, Store } from "../../compiler/ir/loop.ts";

export const f32 = (value: number): Expr => constant(value, "float32");
export const i32 = (value: number): Expr => constant(value, "int32");

const indexOf = (e: Expr | number): Expr => (typeof e === "number" ? ix(e) : e);

/** An axis from 0, or between bounds; its index is `.at`. */
export interface BuiltAxis extends Axis {
  readonly at: Expr;
}
export function axis(name: string, kind: AxisKind, lo: Expr | number, hi: Expr | number, step = 1): BuiltAxis {
  const [from, to] = [indexOf(lo), indexOf(hi)];
  return { name, kind, lo: from, hi: to, step, at: axisIndex(name, from.lo, to.hi - 1) };
}

const plain = ({ name, kind, lo, hi, step }: Axis): Axis => ({ name, kind, lo, hi, step });
export const loop = (a: Axis, body: readonly Stmt[]): For => ({ kind: "for", axis: plain(a), body });
/** Loops around a body, first axis outermost. */
export const loops = (axes: readonly Axis[], body: readonly Stmt[]): Stmt[] =>
  [...axes]
    .reverse()
    .reduce<readonly Stmt[]>((inner, a) => [loop(a, inner)], body)
    .slice();
export const bind = (name: string, value: Expr): Stmt => ({ kind: "let", name, value });
export const carry = (name: string, init: Expr): Stmt => ({ kind: "carry", name, init });
export const assign = (name: string, value: Expr): Stmt => ({ kind: "assign", name, value });
export const local = (name: string, dtype: DType, size: number, space: "scratch" | "group"): Stmt => ({ kind: "local", name, dtype, size, space });
export const barrier: Stmt = { kind: "barrier" };
export const store = (
  buffer: string,
  index: Expr | number,
  value: Expr,
  more: { readonly guard?: Expr; readonly atomic?: NonNullable<Store["atomic"]> } = {},
): Stmt => ({ kind: "store", buffer, index: indexOf(index), value, ...more });
export const read = (buffer: string, index: Expr | number, guard?: Expr): Expr => load(buffer, "float32", indexOf(index), guard);
export const readInt = (buffer: string, index: Expr | number, lo: number, hi: number): Expr => ({ ...load(buffer, "int32", indexOf(index)), lo, hi });
export const number = (name: string): Expr => variable(name, "float32");

/** A reduction of one float32; `op` of two of them, from its neutral element. */
export function reduce(name: string, op: "add" | "max", axes: readonly Axis[], value: Expr, body: readonly Stmt[] = []): Reduce {
  const init = f32(op === "add" ? 0 : -Infinity);
  const combine = s[op](argument(0, "float32"), argument(1, "float32"));
  return { kind: "reduce", names: [name], init: [init], axes: axes.map(plain), body, values: [value], combine: [combine], exact: op === "max" };
}

/** i * stride + j. */
export const at2 = (i: Expr | number, stride: number, j: Expr | number): Expr => addIndex(mulIndex(indexOf(i), stride), indexOf(j));

export const reads = (name: string, size: number, dtype: DType = "float32"): KernelBuffer => ({ name, dtype, size, access: "read" });
export const writes = (name: string, size: number, dtype: DType = "float32"): KernelBuffer => ({ name, dtype, size, access: "write" });
export const updates = (name: string, size: number, dtype: DType = "float32"): KernelBuffer => ({ name, dtype, size, access: "update" });

export const kernel = (name: string, buffers: readonly KernelBuffer[], body: readonly Stmt[], scalars: Kernel["scalars"] = []): Kernel => ({
  name,
  buffers,
  scalars,
  body,
});
