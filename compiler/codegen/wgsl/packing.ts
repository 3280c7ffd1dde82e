/**
 * How the lanes of a workgroup are given to grid points. Where a point needs fewer lanes than a workgroup has, several points share
 * one: each has its own slot, and its own part of what lanes share. Points past the last repeat it and store nothing, so that all
 * lanes come to every barrier.
 */
import { at } from "../../ir/errors.ts";
import { exprOrder } from "../../ir/expr-order.ts";
import type { Axis, Kernel, Let, Stmt } from "../../ir/loop.ts";
import { axesOf, bodiesOf, expressionsOf, hasConstantBounds, statements } from "../../ir/loop.ts";
import { Steps } from "../../ir/steps.ts";
import type { Target } from "../../target.ts";
import { widestWorkgroup } from "../../target.ts";
import { dealsLanes } from "./lanes.ts";

/** Lanes that share a column: more of them would leave fewer columns to a workgroup, and neighbours in memory are in other columns. */
const maxColumnLanes = 32;

export interface Packing {
  /** Lanes that share a grid point. */
  readonly lanes: number;
  /** Grid points that share a workgroup. */
  readonly slots: number;
  /** Which of two invocations that are neighbours: lanes of one point, or one lane of neighbouring points. */
  readonly neighbours: "lanes" | "points";
}

export const oneLane: Packing = { lanes: 1, slots: 1, neighbours: "lanes" };

/** Vectors are as long for all points. */
const isConstant = (a: Axis): boolean => a.kind === "vector" || hasConstantBounds(a);

/** Whether all points do the same steps, so that they can be done side by side. */
function isSteady(kernel: Kernel): boolean {
  return [...statements(kernel.body)].every((s) => {
    if (s.kind === "if" || s.kind === "barrier" || (s.kind === "store" && s.atomic !== undefined)) return false;
    return axesOf(s).every(isConstant);
  });
}

/** `lanes`: those that a point can use; `points`: how many there are. */
export function packingFor(kernel: Kernel, { lanes, points }: { readonly lanes: number; readonly points: number }, target: Target): Packing {
  if (lanes === 1 || points < 2 || !isSteady(kernel)) return { ...oneLane, lanes };
  const columns = walksColumns(kernel.body, { around: [], lets: [...statements(kernel.body)].filter((s) => s.kind === "let") });
  const own = columns ? Math.min(lanes, maxColumnLanes) : lanes;
  const room = (columns ? widestWorkgroup : target.lanes) / own;
  const slots = Math.max(1, Math.min(room, 2 ** Math.ceil(Math.log2(points))));
  return { lanes: own, slots, neighbours: columns ? "points" : "lanes" };
}

/** Axes around a list, and the kernel's lets: indices are often named outside of the loop that uses them. */
interface Setting {
  readonly around: readonly Axis[];
  readonly lets: readonly Let[];
}

/** Whether the first loop that is dealt out reads elements that are neighbours of the next point's, and not of the next turn's. */
function walksColumns(list: readonly Stmt[], { around, lets }: Setting): boolean {
  for (const s of list) {
    if (dealsLanes(s)) return isColumn(s, { around, lets });
    const inner = { around: [...around, ...axesOf(s)], lets };
    if (bodiesOf(s).some((body) => body.length > 0)) return bodiesOf(s).some((body) => walksColumns(body, inner));
  }
  return false;
}

function isColumn(s: Stmt, { around, lets }: Setting): boolean {
  const point = around.findLast((a) => a.kind === "vector" || a.kind === "grid");
  const own = axesOf(s).at(-1);
  if (point === undefined || own === undefined) return false;
  const indices = exprOrder([s, ...statements([s])].flatMap(expressionsOf))
    .filter((e) => e.op === "load")
    .map((e) => at(e.args, 0));
  const along = ({ name }: Axis): Steps =>
    lets.reduce((steps, l) => steps.with(l.name, steps.of(l.value)), new Steps().with(name, { stride: 1, rest: undefined }));
  const [outside, inside] = [along(point), along(own)];
  return indices.some((index) => outside.of(index).stride === 1) && !indices.some((index) => inside.of(index).stride === 1);
}

/** Texts of positions in arrays of one item per lane. */
export interface LanePlaces {
  readonly own: string;
  /** The item of the lane `far` further on. */
  readonly other: (far: string) => string;
  /** The item of the point's first lane. */
  readonly first: string;
}

export function lanePlaces({ slots, neighbours }: Packing): LanePlaces {
  if (slots === 1) return { own: "lane", other: (far) => `lane + ${far}`, first: "0" };
  if (neighbours === "lanes") return { own: "thread", other: (far) => `thread + ${far}`, first: "thread - lane" };
  return { own: "thread", other: (far) => `thread + ${far} * ${slots}u`, first: "slot" };
}

/** Whether the last workgroup has slots without a point. */
export const leavesSlots = (packing: Packing, points: number): boolean => points % packing.slots !== 0;

const group = "group.y * groups.x + group.x";

/** The name of the built-in index of an invocation in its workgroup, and the lines that give `point` and `lane`. */
export function pointLines(packing: Packing, points: number, size: number): { readonly index: "lane" | "thread"; readonly lines: readonly string[] } {
  const { lanes, slots, neighbours } = packing;
  if (slots === 1)
    return { index: "lane", lines: [`let point = ${lanes > 1 ? group : `(${group}) * ${size}u + lane`};`, `if (point >= ${points}u) { return; }`] };
  const [lane, slot] = neighbours === "lanes" ? [`thread % ${lanes}u`, `thread / ${lanes}u`] : [`thread / ${slots}u`, `thread % ${slots}u`];
  const lines = [`let start = (${group}) * ${slots}u;`, `if (start >= ${points}u) { return; }`, `let lane = ${lane};`, `let slot = ${slot};`];
  const last = leavesSlots(packing, points)
    ? [`let isPoint = start + slot < ${points}u;`, `let point = min(start + slot, ${points - 1}u);`]
    : ["let point = start + slot;"];
  return { index: "thread", lines: [...lines, ...last] };
}
