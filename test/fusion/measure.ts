/** What a plan launches, moves and computes. */
import { dtypeInfo } from "../../compiler/ir/dtype.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Expr } from "../../compiler/ir/expr.ts";
import { isScalarOp } from "../../compiler/ir/expr.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { Axis, Kernel, KernelBuffer, Stmt } from "../../compiler/ir/loop.ts";
import { bodiesOf, expressionsOf, statements } from "../../compiler/ir/loop.ts";
import { bytesOf } from "../../compiler/ir/shape.ts";

const bytesOfBuffer = (b: KernelBuffer): number => b.size * dtypeInfo(b.dtype).bytes;

/** Bytes of the buffers that a kernel binds; an updated one is read and written. */
export const bytesMoved = (kernel: Kernel): number => kernel.buffers.reduce((n, b) => n + bytesOfBuffer(b) * (b.access === "update" ? 2 : 1), 0);

/** Bytes of a graph's distinct inputs and outputs. */
export const bytesNeeded = (graph: Graph): number => [...new Set([...graph.params, ...graph.outputs])].reduce((n, v) => n + bytesOf(v.type), 0);

/** Bytes of scratch that one grid point uses, and of scratch buffers. */
export function scratchBytes(kernel: Kernel): number {
  let n = kernel.buffers.reduce((sum, b) => sum + (b.access === "scratch" ? bytesOfBuffer(b) : 0), 0);
  for (const s of statements(kernel.body)) if (s.kind === "local") n += s.size * dtypeInfo(s.dtype).bytes;
  return n;
}

/** Scalar operations that a run of the kernel executes, index arithmetic included, as its text spells them; loaded bounds count as 1. */
export const operationsRun = (kernel: Kernel): number => cost(kernel.body);

const cost = (list: readonly Stmt[]): number => list.reduce((n, s) => n + costOf(s), 0);

function costOf(s: Stmt): number {
  const own = expressionsOf(s).reduce((n, e) => n + operationsOf(e), 0);
  if (s.kind === "for") return own + trips([s.axis]) * cost(s.body);
  if (s.kind === "reduce") return trips(s.axes) * (own + s.combine.reduce((n, e) => n + operationsOf(e), 0) + cost(s.body));
  return own + Math.max(0, ...bodiesOf(s).map(cost));
}

function operationsOf(e: Expr): number {
  return (isScalarOp(e.op) ? 1 : 0) + e.args.reduce((n, a) => n + operationsOf(a), 0);
}

const trips = (axes: readonly Axis[]): number =>
  axes.reduce((n, a) => n * (a.lo.op === "const" && a.hi.op === "const" ? Math.ceil((a.hi.value - a.lo.value) / a.step) : 1), 1);

/** Loops that combine. */
export const reductionsIn = (kernels: readonly Kernel[]): number => kernels.flatMap((k) => [...statements(k.body)]).filter((s) => s.kind === "reduce").length;

/** The only kernel of a plan. */
export const onlyKernel = (kernels: readonly Kernel[]): Kernel => at(kernels, 0);
