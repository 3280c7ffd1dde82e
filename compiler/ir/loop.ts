/**
 * The Loop IR: how one kernel runs. A structured, typed scalar program over flat, dense buffers.
 *
 * Grid axes come first (`for` statements of kind `grid`, nested, only lets between them); the statements below them are the
 * kernel's stages. Axis kinds are the schedule: `tile` writes them, the targets only spell them.
 *   grid    parallel iterations; they touch disjoint written elements unless a store is atomic
 *   group   a workgroup's position (wgsl), a chunk (cpu)
 *   lane    the lanes of a workgroup; on the cpu a plain loop
 *   vector  consecutive elements that may be done at once
 *   serial  in order
 */
import type { DType } from "./dtype.ts";
import type { Expr } from "./expr.ts";

export type AxisKind = "grid" | "group" | "lane" | "vector" | "serial";

/** `for name in lo..hi step step`; the index is an int32. */
export interface Axis {
  readonly name: string;
  readonly kind: AxisKind;
  readonly lo: Expr;
  readonly hi: Expr;
  readonly step: number;
  /** How often it runs on average, where its bounds are loaded: what a schedule goes by. */
  readonly about?: number;
}

export interface For {
  readonly kind: "for";
  readonly axis: Axis;
  readonly body: readonly Stmt[];
}
/** An immutable scalar. */
export interface Let {
  readonly kind: "let";
  readonly name: string;
  readonly value: Expr;
}
/** A mutable scalar, carried through the loops below it. */
export interface Carry {
  readonly kind: "carry";
  readonly name: string;
  readonly init: Expr;
}
/** A new value for a carry. */
export interface Assign {
  readonly kind: "assign";
  readonly name: string;
  readonly value: Expr;
}
/**
 * Combines one tuple an iteration of `axes` into `names`, which are readable after it. `body` runs in each iteration;
 * `values` is the tuple it contributes. In `combine`, args 0…n-1 are one tuple and n…2n-1 the other.
 */
export interface Reduce {
  readonly kind: "reduce";
  readonly names: readonly string[];
  readonly init: readonly Expr[];
  readonly axes: readonly Axis[];
  readonly body: readonly Stmt[];
  readonly values: readonly Expr[];
  readonly combine: readonly Expr[];
  /** Whether regrouping keeps every bit. */
  readonly exact: boolean;
}
/** Writes one element, at a flat index; nothing where the guard is false. An atomic store combines with what is there. */
export interface Store {
  readonly kind: "store";
  readonly buffer: string;
  readonly index: Expr;
  readonly value: Expr;
  readonly guard?: Expr;
  readonly atomic?: "add" | "mul" | "min" | "max";
}
export interface If {
  readonly kind: "if";
  readonly condition: Expr;
  readonly then: readonly Stmt[];
  readonly otherwise: readonly Stmt[];
}
/** Scratch of one grid point, uninitialised: registers or worker scratch, or shared by a workgroup's lanes. Loaded and stored by name. */
export interface Local {
  readonly kind: "local";
  readonly name: string;
  readonly dtype: DType;
  readonly size: number;
  readonly space: "scratch" | "group";
}
/** Every lane's stores to group locals are visible to all lanes after it. */
export interface Barrier {
  readonly kind: "barrier";
}

export type Stmt = For | Let | Carry | Assign | Reduce | Store | If | Local | Barrier;

export interface KernelBuffer {
  readonly name: string;
  readonly dtype: DType;
  /** Elements. */
  readonly size: number;
  /** `update`: read and written in place. `scratch`: written, then read; what it held before, and holds after, is nothing to anybody. */
  readonly access: "read" | "write" | "update" | "scratch";
}

export interface KernelScalar {
  readonly name: string;
  readonly dtype: DType;
}

export interface Kernel {
  readonly name: string;
  readonly buffers: readonly KernelBuffer[];
  readonly scalars: readonly KernelScalar[];
  readonly body: readonly Stmt[];
}

/** The expressions that a statement holds itself (not those of its body). */
export function expressionsOf(s: Stmt): readonly Expr[] {
  switch (s.kind) {
    case "for":
      return [s.axis.lo, s.axis.hi];
    case "let":
    case "assign":
      return [s.value];
    case "carry":
      return [s.init];
    case "reduce":
      return reduceExpressions(s);
    case "store":
      return s.guard ? [s.index, s.value, s.guard] : [s.index, s.value];
    case "if":
      return [s.condition];
    case "local":
    case "barrier":
      return [];
  }
}

/** The expressions that the statements of a list and everything below it hold, outer ones first. */
export function expressionsIn(list: readonly Stmt[]): Expr[] {
  const all: Expr[] = [];
  for (const s of statements(list)) {
    if (s.kind === "let") all.push(s.value);
    else all.push(...expressionsOf(s));
  }
  return all;
}

function reduceExpressions({ init, axes, values }: Reduce): Expr[] {
  const all = [...init];
  for (const a of axes) all.push(a.lo, a.hi);
  all.push(...values);
  return all;
}

/** The axes of a loop. */
export function axesOf(s: Stmt): readonly Axis[] {
  if (s.kind === "reduce") return s.axes;
  return s.kind === "for" ? [s.axis] : [];
}

export const hasConstantBounds = (a: Axis): boolean => a.lo.op === "const" && a.hi.op === "const";

/** The statement lists inside a statement. */
export function bodiesOf(s: Stmt): readonly (readonly Stmt[])[] {
  if (s.kind === "for" || s.kind === "reduce") return [s.body];
  return s.kind === "if" ? [s.then, s.otherwise] : [];
}

/** Every statement below a list, outer ones first. */
export function statements(list: readonly Stmt[]): Stmt[] {
  const all: Stmt[] = [];
  collect(list, all);
  return all;
}

/** No generator: passes ask so often that resuming one at each level would be a good part of what they cost. */
function collect(list: readonly Stmt[], into: Stmt[]): void {
  for (let i = 0; i < list.length; i++) {
    const s = list[i];
    if (s === undefined) break;
    into.push(s);
    if (s.kind === "for" || s.kind === "reduce") collect(s.body, into);
    else if (s.kind === "if") {
      collect(s.then, into);
      collect(s.otherwise, into);
    }
  }
}
