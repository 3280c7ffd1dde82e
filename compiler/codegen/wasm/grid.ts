/** Turns: the outermost grid axes of a kernel as one range, any part of which may run on any thread. */
import type { Axis, For, Kernel, Stmt } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";

/** With so many turns there are pieces for all threads; where the outermost axis has fewer, the next ones go in. */
const enoughTurns = 64;

export interface Grid {
  /** What is there before and between the axes. */
  readonly lets: readonly Stmt[];
  readonly axes: readonly Axis[];
  readonly turns: number;
  readonly body: readonly Stmt[];
}

const isFixed = (a: Axis): boolean => a.lo.op === "const" && a.hi.op === "const";
/** How often an axis with constant bounds runs. */
export const lengthOf = (a: Axis): number => Math.max(0, Math.ceil((a.hi.value - a.lo.value) / a.step));

/** The grid loop that ends a list of lets. */
function nextGrid(list: readonly Stmt[]): For | null {
  const last = list.at(-1);
  const isGrid = last?.kind === "for" && last.axis.kind === "grid" && isFixed(last.axis);
  return isGrid && list.slice(0, -1).every((s) => s.kind === "let") ? last : null;
}

/** The turns of a kernel, of one grid or of several side by side; none where it runs in one piece: without a grid, or where stores of different turns meet. */
export function gridsOf(kernel: Kernel): readonly Grid[] {
  for (const s of statements(kernel.body)) if (s.kind === "store" && s.atomic !== undefined) return [];
  const nests = kernel.body.length > 1 && kernel.body.every((s) => nextGrid([s]) !== null) ? kernel.body.map((s) => [s]) : [kernel.body];
  const grids = nests.map(gridOf);
  return grids.every((g) => g !== null) ? grids : [];
}

function gridOf(nest: readonly Stmt[]): Grid | null {
  let found = nextGrid(nest);
  if (found === null) return null;
  const lets = nest.slice(0, -1);
  const axes = [found.axis];
  let turns = lengthOf(found.axis);
  for (let next = nextGrid(found.body); next !== null && turns < enoughTurns; next = nextGrid(found.body)) {
    lets.push(...found.body.slice(0, -1));
    axes.push(next.axis);
    turns *= lengthOf(next.axis);
    found = next;
  }
  return turns > 0 ? { lets, axes, turns, body: found.body } : null;
}
