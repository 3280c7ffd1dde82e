/** Fusion told in words: which kernels there are, why each ends where it ends, which merges were refused. */
import { countPlan } from "../../compiler/ir/count.ts";
import type { Node, Value } from "../../compiler/ir/node.ts";
import { peakBytes } from "../../compiler/ir/print-plan.ts";
import type { NamedGraph } from "../../compiler/ir/print.ts";
import { nameGraph } from "../../compiler/ir/print.ts";
import type { Region } from "../../compiler/passes/region.ts";
import { storageOf } from "../../compiler/passes/storage.ts";
import type { Compilation } from "../../compiler/pipeline.ts";
import { finalGraph } from "../../compiler/pipeline.ts";
import type { KernelReport } from "./kernels.ts";
import { kernelReports } from "./kernels.ts";
import { digits, table } from "./render/table.ts";

/** The text of `explain`, which ends with a line break. */
export function explanation(c: Compilation): string {
  const kernels = kernelReports(c);
  const cost = countPlan(c.plan);
  const moved = `${digits(cost.bytesRead)} bytes read, ${digits(cost.bytesWritten)} written`;
  const head = `${kernels.length} ${kernels.length === 1 ? "kernel" : "kernels"} for ${c.target.name}: ${digits(kernels.reduce((n, k) => n + k.operations, 0))} operations, ${moved}, peak ${digits(peakBytes(c.plan))} bytes`;
  if (kernels.length === 0) return `${head}\n`;
  const reasons = new Reasons(c);
  const lines = reasons.lines();
  const rest = reasons.otherRefusals();
  return [head, "", kernelTable(kernels), "why each stops where it stops", ...lines, ...(rest.length > 0 ? ["", "also refused", ...rest] : []), ""].join("\n");
}

function kernelTable(kernels: readonly KernelReport[]): string {
  const types = (list: KernelReport["inputs"]): string => list.map((o) => o.type).join(" ");
  const rows = kernels.map((k) => [k.name, String(k.stages), digits(k.operations), digits(k.bytes), types(k.inputs), types(k.outputs), opsText(k)]);
  return table(["kernel", "stages", "operations", "bytes", "reads", "writes", "computes"], rows, new Set([1, 2, 3]));
}

/** `reduce max, subtract ×2, exp; 3 views`: in the order of the graph. Views and constants cost nothing in loops. */
function opsText(k: KernelReport): string {
  const free = new Set(["view", "source", "barrier"]);
  const counts = new Map<string, number>();
  for (const { op, kind } of k.nodes) if (!free.has(kind)) counts.set(op, (counts.get(op) ?? 0) + 1);
  const ops = [...counts].map(([op, n]) => (n > 1 ? `${op} ×${n}` : op)).join(", ");
  const rest = [
    ["view", k.nodes.filter((n) => n.kind === "view").length],
    ["constant", k.nodes.filter((n) => n.kind === "source").length],
  ] as const;
  return [ops, ...rest.filter(([, n]) => n > 0).map(([word, n]) => `${n} ${word}${n > 1 ? "s" : ""}`)].filter((t) => t !== "").join("; ");
}

/** Sorts out which decision explains which boundary between kernels. */
class Reasons {
  readonly #c: Compilation;
  readonly #named: NamedGraph;
  readonly #said = new Set<string>();

  constructor(c: Compilation) {
    this.#c = c;
    this.#named = nameGraph(finalGraph(c));
  }

  /** For each kernel, what it stores, for whom, and why that one is not part of it. */
  lines(): string[] {
    const returned = new Set(finalGraph(this.#c).outputs.map(storageOf));
    return this.#c.regions.flatMap((r) => {
      const stored = r.outputs.map(({ value }) => {
        const name = this.#nodeName(value.node);
        const readers = this.#c.regions.filter((x) => x !== r && x.inputs.includes(value)).map((x) => `${x.name}: ${this.#reason(value, x)}`);
        return [...(returned.has(value) ? ["it is a result"] : []), ...readers].map((why) => `    ${name} → ${why}`);
      });
      return [`  ${r.name}`, ...stored.flat()];
    });
  }

  /** Why a kernel that reads a value does not compute it. */
  #reason(value: Value, reader: Region): string {
    const refused = this.#c.decisions.filter((d) => !d.fused && d.producer === value.node && d.consumer !== null && reader.nodes.has(d.consumer));
    for (const d of refused) this.#said.add(this.#text(d.producer, d.consumer, d.reason));
    const reasons = [...new Set(refused.map((d) => d.reason))];
    return reasons.join("; ") || "it is stored for another reader anyway";
  }

  /** Refusals that mark no boundary: the two came together another way, or one of them is computed twice. */
  otherRefusals(): string[] {
    const all = this.#c.decisions.filter((d) => !d.fused).map((d) => this.#text(d.producer, d.consumer, d.reason));
    return [...new Set(all)].filter((text) => !this.#said.has(text)).map((text) => `  ${text}`);
  }

  #text(producer: Node, consumer: Node | null, reason: string): string {
    return `${this.#nodeName(producer)}${consumer === null ? "" : ` → ${this.#nodeName(consumer)}`}: ${reason}`;
  }

  #nodeName(n: Node): string {
    return n.op.kind === "param" ? this.#named.ofNode(n) : `${this.#named.ofNode(n)} ${n.op.name}`;
  }
}
