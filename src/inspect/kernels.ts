/** The kernels of a compilation as data: what is in them, what they move and what they compute. */
import type { Cost } from "../../compiler/ir/count.ts";
import { countKernel, stagesOf } from "../../compiler/ir/count.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Kernel } from "../../compiler/ir/loop.ts";
import type { Plan, Step } from "../../compiler/ir/plan.ts";
import { printKernel } from "../../compiler/ir/print-loop.ts";
import { nameGraph } from "../../compiler/ir/print.ts";
import { typeText } from "../../compiler/ir/shape.ts";
import { predictedNs } from "../../compiler/passes/cost.ts";
import type { Compilation } from "../../compiler/pipeline.ts";
import { finalGraph } from "../../compiler/pipeline.ts";

/** A node of the graph that a kernel computes. */
export interface KernelNode {
  /** Its name in the text of the last graph, as `%3`. */
  readonly name: string;
  /** The name of its op, as `reduce sum`. */
  readonly op: string;
  /** What kind of op it is, as `elementwise`, `view` or `reduction`. */
  readonly kind: string;
  readonly types: readonly string[];
  /** The user's line that made it, recorded with `configure({ debug: true })`. */
  readonly site: string | null;
}

/** A buffer that a kernel binds. */
export interface KernelOperand {
  /** Its name in the text of the plan, as `%3`. */
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
}

/** A kernel that evaluation would launch. */
export interface KernelReport {
  readonly name: string;
  readonly nodes: readonly KernelNode[];
  /** Loops that follow one another inside a point of its grid: passes over its data. */
  readonly stages: number;
  readonly inputs: readonly KernelOperand[];
  readonly outputs: readonly KernelOperand[];
  /** Bytes of the distinct elements that it reads, plus those that it writes. */
  readonly bytes: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Operations on values, whatever they cost; index arithmetic is not counted. */
  readonly operations: number;
  /** Those that give a float, selections and conversions aside. */
  readonly flops: number;
  /** Nanoseconds that one launch should take, from what it computes and moves and the rates that the target is known by. */
  readonly predictedNs: number;
  /** Its Loop IR. */
  readonly loops: string;
  /** Its code in the language of the target. */
  readonly source: string;
}

/** One report a launch, in the order of the plan. */
export function kernelReports(c: Compilation): KernelReport[] {
  const named = nameGraph(finalGraph(c));
  const sources = kernelSources(c);
  const regions = new Map(c.regions.map((r) => [r.name, r]));
  return launches(c.plan).map((step) => {
    const kernel = at(c.plan.kernels, step.kernel);
    const parts = c.packed.get(kernel.name) ?? [kernel.name];
    const nodes = new Set(parts.flatMap((part) => [...(regions.get(part)?.nodes ?? [])]));
    const cost: Cost = countKernel(kernel);
    const lowered = c.lowered.filter((k) => parts.includes(k.name));
    // what functions are made of on a target is not what the user wrote
    const meant = lowered.length === 0 ? [cost] : lowered.map(countKernel);
    return {
      name: kernel.name,
      nodes: named.nodes
        .filter((n) => nodes.has(n))
        .map((n) => ({ name: named.ofNode(n), op: n.op.name, kind: n.op.kind, types: n.results.map((r) => typeText(r.type)), site: n.site })),
      stages: Math.max(...(lowered.length === 0 ? [kernel] : lowered).map(stagesOf)),
      inputs: operands(c.plan, kernel, step, ["read", "update"]),
      outputs: operands(c.plan, kernel, step, ["write", "update"]),
      bytes: cost.bytesRead + cost.bytesWritten,
      bytesRead: cost.bytesRead,
      bytesWritten: cost.bytesWritten,
      operations: meant.reduce((n, m) => n + m.operations, 0),
      flops: meant.reduce((n, m) => n + m.flops, 0),
      predictedNs: Math.round(predictedNs(cost, c.target)),
      loops: printKernel(kernel),
      source: at(sources, step.kernel),
    };
  });
}

type Launch = Extract<Step, { readonly kind: "kernel" }>;

const launches = (plan: Plan): Launch[] => plan.steps.filter((s) => s.kind === "kernel");

function operands(plan: Plan, kernel: Kernel, step: Launch, access: readonly string[]): KernelOperand[] {
  return kernel.buffers.flatMap((b, i) => {
    const buffer = plan.buffers.find((p) => p.id === step.buffers[i]);
    if (buffer === undefined || !access.includes(b.access)) return [];
    return [{ name: `%${buffer.id}`, type: typeText(buffer.type), bytes: buffer.bytes }];
  });
}

/** A module of JavaScript ends with its kernels, in their order; one of WebAssembly exports them by name; a shader is a kernel's own. */
function kernelSources({ compiled, plan }: Compilation): readonly string[] {
  if (compiled.language === "wgsl") return compiled.sources;
  const text = compiled.sources.join("\n");
  const functions = text.match(compiled.language === "js" ? /^function \w+\([\s\S]*?^\}$/gm : /^ *\(func \(export [\s\S]*?^ *\)$/gm) ?? [];
  if (compiled.wasm !== null) return compiled.wasm.kernels.map(({ name }) => functions.find((f) => f.includes(`(export "${name}")`)) ?? "");
  return functions.slice(functions.length - plan.kernels.length);
}
