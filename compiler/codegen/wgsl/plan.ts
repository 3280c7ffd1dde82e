/** The shaders of a plan, each bound as the step that launches it binds its buffers. */
import { at } from "../../ir/errors.ts";
import type { Plan, PlanBuffer } from "../../ir/plan.ts";
import type { WgslKernel } from "../../ir/shader.ts";
import type { Target } from "../../target.ts";
import { emitWgsl } from "./emit.ts";

/** Buffers with one home lie in one GPU buffer: the arena, or an input whose memory an output takes over. */
export const homeOf = (b: PlanBuffer): string => (b.role === "temp" ? "arena" : `b${b.donates ?? b.id}`);

/** One shader a kernel of the plan, in their order. */
export function emitWgslPlan(plan: Plan, target: Target): WgslKernel[] {
  const bound = new Map(plan.steps.flatMap((s) => (s.kind === "kernel" ? [[s.kernel, s.buffers] as const] : [])));
  return plan.kernels.map((kernel, i) => {
    const ids = bound.get(i) ?? [];
    const homes = kernel.buffers.map((b, k) => ({ name: b.name, home: homeOf(at(plan.buffers, at(ids, k))) }));
    const lists = [...new Set(homes.map((h) => h.home))].map((home) => homes.filter((h) => h.home === home).map((h) => h.name));
    return emitWgsl(kernel, target, { together: lists.filter((list) => list.length > 1) });
  });
}
