/** Fusion told in words: which kernels there are and why each ends where it ends, what is computed again, which merges were refused. */
import { countPlan } from "../../compiler/ir/count.ts";
import type { Node, Value } from "../../compiler/ir/node.ts";
import { peakBytes } from "../../compiler/ir/print-plan.ts";
import type { NamedGraph } from "../../compiler/ir/print.ts";
import { nameGraph } from "../../compiler/ir/print.ts";
import type { Region } from "../../compiler/passes/region.ts";
import { storageOf } from "../../compiler/passes/storage.ts";
import type { Compilation } from "../../compiler/pipeline.ts";
import { finalGraph, recomputed } from "../../compiler/pipeline.ts";
import type { KernelReport } from "./kernels.ts";
import { kernelReports } from "./kernels.ts";
import type { Measurement } from "./measure.ts";
import { digits, duration, table, wrapped } from "./render/table.ts";

/** The text of `explain`, which ends with a line break; measured times stand in it where the plan was measured. */
export function explanation(c: Compilation, measured: Measurement | null = null): string {
  const kernels = kernelReports(c);
  const cost = countPlan(c.plan);
  const moved = `${digits(cost.bytesRead)} bytes read, ${digits(cost.bytesWritten)} written`;
  const count = `${kernels.length} ${kernels.length === 1 ? "kernel" : "kernels"} for ${c.target.name}`;
  const head = `${count}: ${digits(kernels.reduce((n, k) => n + k.operations, 0))} operations, ${moved}, peak ${digits(peakBytes(c.plan))} bytes`;
  if (kernels.length === 0) return `${head}\n`;
  const reasons = new Reasons(c);
  const rows = kernelTable(kernels, reasons.ends(), measured);
  return [
    `${head}${timesText(kernels, measured)}`,
    "",
    rows,
    ...section("computed again", reasons.repeats()),
    ...section("merges refused", reasons.refusals()),
  ].join("\n");
}

const section = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : [title, ...lines, ""]);

function timesText(kernels: readonly KernelReport[], measured: Measurement | null): string {
  const predicted = `, ${duration(kernels.reduce((n, k) => n + k.predictedNs, 0))} predicted`;
  return measured === null ? predicted : `${predicted}, ${duration(measured.ns)} measured`;
}

/** Wider texts stand below one another. */
const widestOps = 44;
const widestEnd = 88;

function kernelTable(kernels: readonly KernelReport[], ends: ReadonlyMap<string, readonly string[]>, measured: Measurement | null): string {
  const timed = measured !== null && measured.kernels.length === kernels.length;
  const head = ["kernel", "stages", "operations", "bytes", "predicted", ...(timed ? ["measured"] : []), "writes", "computes", "ends because"];
  const rows = kernels.flatMap((k, i) => {
    const time = timed ? [duration(measured.kernels[i]?.ns ?? Number.NaN)] : [];
    const first = [k.name, String(k.stages), digits(k.operations), digits(k.bytes), duration(k.predictedNs), ...time];
    const writes = counted(k.outputs.map((o) => o.type));
    const columns = [writes, wrapped(opsText(k), widestOps), (ends.get(k.name) ?? []).flatMap((e) => wrapped(e, widestEnd))];
    const lines = Math.max(1, ...columns.map((list) => list.length));
    return Array.from({ length: lines }, (_, line) => [...first.map((cell) => (line === 0 ? cell : "")), ...columns.map((list) => list[line] ?? "")]);
  });
  return table(head, rows, new Set([1, 2, 3, 4, ...(timed ? [5] : [])]));
}

/** `reduce max, subtract ×2, exp; 3 views`: in the order of the graph. Views and constants cost nothing in loops. */
function opsText(k: KernelReport): string {
  const free = new Set(["view", "source", "barrier"]);
  const ops = counted(k.nodes.filter((n) => !free.has(n.kind)).map((n) => n.op)).join(", ");
  const rest = [
    ["view", k.nodes.filter((n) => n.kind === "view").length],
    ["constant", k.nodes.filter((n) => n.kind === "source").length],
  ] as const;
  return [ops, ...rest.filter(([, n]) => n > 0).map(([word, n]) => `${n} ${word}${n > 1 ? "s" : ""}`)].filter((t) => t !== "").join("; ");
}

/** Equal texts once, with how many there were. */
function counted(list: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of list) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, n]) => (n > 1 ? `${text} ×${n}` : text));
}

/** So many cases of one reason are named. */
const mostCases = 3;

/** Sorts out which decision explains which boundary between kernels. */
class Reasons {
  readonly #c: Compilation;
  readonly #named: NamedGraph;
  readonly #said = new Set<string>();

  constructor(c: Compilation) {
    this.#c = c;
    this.#named = nameGraph(finalGraph(c));
  }

  /** For each kernel, what it stores, for whom, and why that one is not part of it; what goes for several is said once. */
  ends(): Map<string, readonly string[]> {
    const returned = new Set(finalGraph(this.#c).outputs.map(storageOf));
    const byRegion = new Map(
      this.#c.regions.map((r) => {
        const ends = new Map<string, string[]>();
        for (const { value, into } of r.outputs)
          for (const why of into === undefined ? this.#ends(value, r, returned) : ["part of a result"])
            ends.set(why, [...(ends.get(why) ?? []), this.#nodeName(value.node)]);
        return [r.name, [...ends].map(([why, names]) => `${shortList(names)} → ${why}`)] as const;
      }),
    );
    const packs = [...this.#c.packed].map(([name, parts]) => [name, parts.flatMap((part) => byRegion.get(part) ?? [])] as const);
    return new Map([...byRegion, ...packs]);
  }

  #ends(value: Value, writer: Region, returned: ReadonlySet<Value>): string[] {
    const readers = new Map<string, string[]>();
    for (const r of this.#c.regions) {
      if (r === writer || !r.inputs.includes(value)) continue;
      const why = this.#reason(value, writer, r);
      readers.set(why, [...(readers.get(why) ?? []), r.name]);
    }
    const told = [...readers].map(([why, names]) => `${shortList(names)}: ${why}`);
    return returned.has(value) ? ["result", ...told] : told;
  }

  /** Why a kernel that reads a value does not compute it: what was said of the value, else the last that was said of the two kernels. */
  #reason(value: Value, writer: Region, reader: Region): string {
    const between = this.#c.decisions.filter((d) => !d.fused && writer.nodes.has(d.producer) && d.consumer !== null && reader.nodes.has(d.consumer));
    const own = between.filter((d) => d.producer === value.node);
    const refused = own.length > 0 ? own : between.slice(-1);
    for (const d of refused) this.#said.add(this.#edge(d.producer, d.consumer, d.reason));
    const reasons = [...new Set(refused.map((d) => d.reason))];
    return reasons.join("; ") || "it is stored for another reader anyway";
  }

  /** What is computed more often than once an element, and the bytes that are not moved for it. */
  repeats(): string[] {
    return recomputed(this.#c).map((r) => {
      const where = r.kernels > 1 ? ` in ${r.kernels} kernels` : "";
      const price = `${digits(r.operations)} more operations, ${digits(r.savedBytes)} bytes not moved`;
      return `  ${this.#nodeName(r.value.node)}: ${digits(r.times)} times an element${where}, ${price}`;
    });
  }

  /** Refusals that mark no boundary, by reason: the two came together another way, or one of them is computed twice. */
  refusals(): string[] {
    const groups = new Map<string, { readonly reason: string; readonly cases: Set<string> }>();
    for (const { fused, producer, consumer, reason } of this.#c.decisions) {
      if (fused || this.#said.has(this.#edge(producer, consumer, reason))) continue;
      const key = reason.replaceAll(/\d[\d.]*/g, "#");
      const group = groups.get(key) ?? { reason, cases: new Set() };
      groups.set(key, group);
      group.cases.add(this.#pair(producer, consumer));
    }
    return [...groups.values()].map(({ reason, cases }) => `  ${cases.size > 1 ? `${cases.size} × ` : ""}${reason}: ${shortList([...cases])}`);
  }

  #edge(producer: Node, consumer: Node | null, reason: string): string {
    return `${this.#pair(producer, consumer)}: ${reason}`;
  }

  #pair(producer: Node, consumer: Node | null): string {
    return `${this.#nodeName(producer)}${consumer === null ? "" : ` → ${this.#nodeName(consumer)}`}`;
  }

  #nodeName(n: Node): string {
    return n.op.kind === "param" ? this.#named.ofNode(n) : `${this.#named.ofNode(n)} ${n.op.name}`;
  }
}

const shortList = (list: readonly string[]): string =>
  list.length > mostCases + 1 ? `${list.slice(0, mostCases).join(", ")} and ${list.length - mostCases} more` : list.join(", ");
