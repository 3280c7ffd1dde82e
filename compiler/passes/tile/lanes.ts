/** Long loops inside a grid point are dealt out to the lanes of a workgroup. */
import type { Axis, Kernel, Stmt } from "../../ir/loop.ts";
import { statements } from "../../ir/loop.ts";
import type { Target } from "../../target.ts";

/** Shorter rows are left to one lane each. */
const shortestRow = 32;

/** The kernel with lane axes, or the kernel itself where its grid points have no work to share. */
export function dealLanes(kernel: Kernel, target: Target): Kernel {
  const points = gridPoints(kernel.body);
  const stages = stagesOf(kernel.body);
  const loops = stages.filter((s) => s.kind === "for" || s.kind === "reduce");
  const ordered = [...statements(stages)].some((s) => s.kind === "carry" || s.kind === "assign" || (s.kind === "store" && s.atomic !== undefined));
  const contracts = loops.length === 1 && loops[0]?.kind === "reduce" && points >= target.lanes * 4;
  if (loops.length === 0 || ordered || contracts) return kernel;
  const worthwhile = loops.every((s) => tripsOf(s) >= shortestRow);
  return worthwhile ? { ...kernel, body: mapStages(kernel.body) } : kernel;
}

function tripsOf(s: Stmt): number {
  if (s.kind === "reduce") return trips(s.axes);
  if (s.kind !== "for") return 1;
  const only = s.body.length === 1 ? s.body[0] : undefined;
  return trips([s.axis]) * (only?.kind === "for" ? tripsOf(only) : 1);
}

const trips = (axes: readonly Axis[]): number => axes.reduce((n, a) => n * (a.lo.op === "const" && a.hi.op === "const" ? a.hi.value - a.lo.value : 0), 1);

function gridPoints(body: readonly Stmt[]): number {
  const outer = body.find((s) => s.kind === "for" && s.axis.kind === "grid");
  return outer?.kind === "for" ? trips([outer.axis]) * gridPoints(outer.body) : 1;
}

/** The statements of one grid point. */
function stagesOf(body: readonly Stmt[]): readonly Stmt[] {
  const outer = body.find((s) => s.kind === "for" && s.axis.kind === "grid");
  return outer?.kind === "for" ? stagesOf(outer.body) : body;
}

function mapStages(body: readonly Stmt[]): Stmt[] {
  const hasGrid = body.some((s) => s.kind === "for" && s.axis.kind === "grid");
  return body.map((s): Stmt => {
    if (s.kind === "for" && s.axis.kind === "grid") return { ...s, body: mapStages(s.body) };
    return hasGrid ? s : deal(s);
  });
}

const laneAxis = (a: Axis): Axis => ({ ...a, kind: "lane" });

function deal(s: Stmt): Stmt {
  if (s.kind === "reduce") return { ...s, axes: s.axes.map(laneAxis) };
  if (s.kind !== "for") return s;
  const only = s.body.length === 1 ? s.body[0] : undefined;
  return { ...s, axis: laneAxis(s.axis), body: only?.kind === "for" ? [deal(only)] : s.body };
}
