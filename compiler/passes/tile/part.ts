/** Parts of a kernel, scheduled as kernels of their own would be: the steps that take a kernel apart ask for them. */
import type { Axis, For, Kernel, Local, Stmt } from "../../ir/loop.ts";
import { mapBodies, replaceEach } from "../../ir/loop-walk.ts";
import type { Target } from "../../target.ts";
import { tidy } from "../lower/tidy.ts";
import { copied } from "./copy.ts";
import { loopsOver } from "./nest.ts";

/** For what a kernel is scheduled, and how a part of it is. */
export interface Given {
  readonly target: Target;
  readonly schedule: (part: Kernel) => Kernel;
}

/** Which part of a kernel: what is done at the points of some axes. Names of its own end in a suffix. */
export interface Part {
  readonly kernel: Kernel;
  readonly axes: readonly Axis[];
  readonly body: readonly Stmt[];
  readonly suffix: string;
}

/** A part as it would run by itself, in loops. */
export function inLoops({ kernel, axes, body, suffix }: Part, schedule: Given["schedule"]): readonly Stmt[] {
  const grid = axes.map((a): Axis => ({ ...a, kind: "grid" }));
  const list = withoutGrid(schedule({ ...kernel, body: tidy(loopsOver(grid, body)) }).body);
  return copied({ body: list, values: [] }, { suffix, axes: new Map() }).body;
}

/** Statements whose grid is loops. */
const withoutGrid = (list: readonly Stmt[]): readonly Stmt[] =>
  list.map((s) => {
    const inner = mapBodies(s, withoutGrid);
    return isGrid(inner) ? { ...inner, axis: { ...inner.axis, kind: "serial" } } : inner;
  });

const isGrid = (s: Stmt): s is For => s.kind === "for" && s.axis.kind === "grid";

/** Statements, and the scratch that they need. */
export interface WithScratch {
  readonly list: readonly Stmt[];
  readonly scratch: readonly Local[];
}

/** Statements without the scratch that was declared among them. */
export function scratchApart(list: readonly Stmt[]): WithScratch {
  const scratch: Local[] = [];
  const without = (inner: readonly Stmt[]): readonly Stmt[] =>
    replaceEach(inner, (s) => {
      if (s.kind !== "local") return mapBodies(s, without);
      scratch.push(s);
      return [];
    });
  return { list: without(list), scratch };
}
