/** The shaders of a plan, each bound as the step that launches it binds its buffers. */
import { at } from "../../ir/errors.ts";
import type { Kernel } from "../../ir/loop.ts";
import type { Plan, PlanBuffer } from "../../ir/plan.ts";
import type { WgslKernel } from "../../ir/shader.ts";
import type { Target } from "../../target.ts";
import { emitWgsl, renamed } from "./emit.ts";
import type { Groups } from "./shader.ts";

/** Buffers with one home lie in one GPU buffer: the arena, or an input whose memory an output takes over. */
export const homeOf = (b: PlanBuffer): string => (b.role === "temp" ? "arena" : `b${b.donates ?? b.id}`);

/** What was written for a kernel. Others with its body differ in their names alone, if they are bound alike too. */
interface Written {
  readonly kernel: Kernel;
  readonly together: Groups;
  readonly shader: WgslKernel;
}

/** One shader a kernel of the plan, in their order. */
export function emitWgslPlan(plan: Plan, target: Target): WgslKernel[] {
  const bound = new Map(plan.steps.flatMap((s) => (s.kind === "kernel" ? [[s.kernel, s.buffers] as const] : [])));
  const written = new Map<Kernel["body"], Written[]>();
  return plan.kernels.map((kernel, i) => {
    const together = boundTogether(kernel, bound.get(i) ?? [], plan);
    const alike = written.get(kernel.body) ?? [];
    written.set(kernel.body, alike);
    const known = alike.find((w) => isAlike(w, kernel, together));
    if (known !== undefined) return renamed(known.shader, kernel.name);
    const shader = emitWgsl(kernel, target, { together });
    alike.push({ kernel, together, shader });
    return shader;
  });
}

/** Names of the buffers that have a home in common. */
function boundTogether(kernel: Kernel, ids: readonly number[], plan: Plan): Groups {
  const byHome = new Map<string, string[]>();
  kernel.buffers.forEach((b, k) => {
    const home = homeOf(at(plan.buffers, at(ids, k)));
    const names = byHome.get(home) ?? [];
    byHome.set(home, names);
    names.push(b.name);
  });
  return [...byHome.values()].filter((names) => names.length > 1);
}

function isAlike(a: Written, kernel: Kernel, together: Groups): boolean {
  const { buffers, scalars } = a.kernel;
  return (
    sameList(a.together, together, (x, y) => sameList(x, y, Object.is)) &&
    sameList(buffers, kernel.buffers, (x, y) => x === y || (x.name === y.name && x.dtype === y.dtype && x.size === y.size && x.access === y.access)) &&
    sameList(scalars, kernel.scalars, (x, y) => x === y || (x.name === y.name && x.dtype === y.dtype))
  );
}

const sameList = <T>(a: readonly T[], b: readonly T[], isSame: (x: T, y: T) => boolean): boolean =>
  a.length === b.length && a.every((x, i) => isSame(x, at(b, i)));
