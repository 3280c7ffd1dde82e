/** A plan's JavaScript as functions. */
import type { Numeric } from "../../compiler/ir/dtype.ts";
import { CompilerBug, DeviceError } from "../../compiler/ir/errors.ts";
import type { CompiledPlan } from "../../compiler/ir/plan.ts";
import type { HeapViews } from "./heap.ts";

/** `(views, b0, …, bn, s0, …)`: positions in elements. */
export type ScriptFunction = (views: HeapViews, ...positionsAndScalars: readonly Numeric[]) => void;

function areKernels(made: unknown, count: number): made is readonly ScriptFunction[] {
  return Array.isArray(made) && made.length === count && made.every((f) => typeof f === "function");
}

/** One a kernel; a DeviceError where the page forbids generated code. */
export function loadScript({ plan, sources }: CompiledPlan): readonly ScriptFunction[] {
  const source = sources.join("\n");
  let made: unknown;
  try {
    made = new Function(source)();
  } catch (error) {
    if (error instanceof EvalError)
      throw new DeviceError(`cpu: this page's content security policy forbids generated code (${error.message}). configure({ target: "interpreter" }).`);
    throw new CompilerBug(`plan ${plan.name}: its JavaScript does not load: ${String(error)}\n${source}`);
  }
  if (!areKernels(made, plan.kernels.length)) throw new CompilerBug(`plan ${plan.name}: its JavaScript does not give ${plan.kernels.length} kernels`);
  return made;
}
