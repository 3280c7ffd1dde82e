/**
 * Plan text.
 *
 *     plan @loss(%0, %1) scalars f32 {
 *       input %0: f32[128,784], 401408 bytes
 *       input %1: f32[784,10], 31360 bytes
 *       temp %2: f32[128,10], 5120 bytes at 0
 *       output %3: f32[], 4 bytes
 *       arena 5120 bytes, peak 437892 bytes
 *
 *       alloc %2
 *       run @dense(%0, %1, %2)
 *       run @mean(%2, %3) scalars 0
 *       free %2
 *       return %3: f32[]
 *     }
 *
 * The header has the buffers of the params in the graph's order, then the dtypes of its scalar params, which steps use by position.
 */
import { dtypeInfo } from "./dtype.ts";
import { at } from "./errors.ts";
import type { Plan, PlanBuffer, Step } from "./plan.ts";
import { nameText, numberText } from "./parse-core.ts";
import { printKernel } from "./print-loop.ts";
import { typeText } from "./shape.ts";

/** The bytes that a plan needs while it runs: inputs, outputs that take over no input, and the arena. */
export function peakBytes(plan: Pick<Plan, "buffers" | "arenaBytes">): number {
  return plan.buffers.reduce((n, b) => n + (b.role === "temp" || b.donates !== null ? 0 : b.bytes), plan.arenaBytes);
}

/** The text of a plan, kernels by name only, without a final line break. */
export function printPlan(plan: Plan): string {
  const scalars = plan.scalars.length > 0 ? ` scalars ${plan.scalars.map((d) => dtypeInfo(d).short).join(", ")}` : "";
  const outputs = plan.outputs.map((o) => ` %${o.buffer}: ${typeText(o.type)}`).join(",");
  const lines = [
    ...plan.buffers.map(bufferText),
    `arena ${plan.arenaBytes} bytes, peak ${peakBytes(plan)} bytes`,
    "",
    ...plan.steps.map((s) => stepText(s, plan)),
    `return${outputs}`,
  ];
  return `plan @${nameText(plan.name)}(${ids(plan.inputs)})${scalars} {\n${lines.map((l) => (l === "" ? "\n" : `  ${l}\n`)).join("")}}`;
}

/** The text of a plan and of all its kernels: what parses back. */
export const printProgram = (plan: Plan): string => [printPlan(plan), ...plan.kernels.map(printKernel)].map((t) => `${t}\n`).join("\n");

const ids = (list: readonly number[]): string => list.map((id) => `%${id}`).join(", ");

function bufferText(b: PlanBuffer): string {
  const place = b.role === "temp" ? ` at ${b.offset}` : "";
  return `${b.role} %${b.id}: ${typeText(b.type)}, ${b.bytes} bytes${place}${b.donates === null ? "" : ` donates %${b.donates}`}`;
}

/** One step as a line of text. */
export function stepText(s: Step, plan: Plan): string {
  switch (s.kind) {
    case "alloc":
    case "free":
      return `${s.kind} %${s.buffer}`;
    case "kernel":
      return `run @${nameText(at(plan.kernels, s.kernel).name)}(${ids(s.buffers)})${s.scalars.length > 0 ? ` scalars ${s.scalars.join(", ")}` : ""}`;
    case "copy":
      return `copy %${s.from} to %${s.to}`;
    case "fill":
      return `fill %${s.buffer} with ${numberText(s.value)}`;
  }
}
