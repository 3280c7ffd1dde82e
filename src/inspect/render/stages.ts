/** Every stage of a compilation as text. */
import { at } from "../../../compiler/ir/errors.ts";
import type { Graph } from "../../../compiler/ir/graph.ts";
import { nodesOf } from "../../../compiler/ir/graph.ts";
import { printKernels } from "../../../compiler/ir/print-loop.ts";
import { memoryText } from "../../../compiler/ir/print-memory.ts";
import { printPlan } from "../../../compiler/ir/print-plan.ts";
import type { NamedGraph } from "../../../compiler/ir/print.ts";
import { nameGraph, printGraph } from "../../../compiler/ir/print.ts";
import { exprText } from "../../../compiler/ir/print-expr.ts";
import { graphDifference } from "./difference.ts";
import type { Expr } from "../../../compiler/ir/expr.ts";
import type { Node, Value } from "../../../compiler/ir/node.ts";
import type { Region, RegionOutput } from "../../../compiler/passes/region.ts";
import type { Compilation } from "../../../compiler/pipeline.ts";
import { finalGraph } from "../../../compiler/pipeline.ts";

/** What can be read of a compilation, in its order. */
export const stages = ["graph", "passes", "fuse", "plan", "loops", "source"] as const;
export type Stage = (typeof stages)[number];

/** Whether a word names a stage. */
export const isStage = (word: string): word is Stage => stages.some((s) => s === word);

/** The text of one stage, which ends with a line break. */
export function stageText(c: Compilation, stage: Stage): string {
  switch (stage) {
    case "graph":
      return graphText(at(c.graphs, 0).graph);
    case "passes":
      return passesText(c);
    case "fuse":
      return fuseText(c);
    case "plan":
      return `${printPlan(c.plan)}\n`;
    case "loops":
      return printKernels(c.plan.kernels);
    case "source":
      return c.compiled.sources.map((s) => `${s.trimEnd()}\n`).join("\n");
  }
}

/** `stageText`, and beneath a plan what its memory is used for. */
export function describedStage(c: Compilation, stage: Stage): string {
  const text = stageText(c, stage);
  return stage === "plan" ? `${text}${memoryText(c.plan)}` : text;
}

/** The text of a graph; the user's lines that made its nodes, where they were recorded, stand in comments. */
export function graphText(graph: Graph): string {
  const lines = printGraph(graph).split("\n");
  const { nodes } = nameGraph(graph);
  const width = Math.max(0, ...lines.slice(1, 1 + nodes.length).map((l) => l.length));
  const noted = lines.map((line, i) => {
    const site = nodes[i - 1]?.site ?? null;
    return site === null ? line : `${line.padEnd(width)}  ; ${site}`;
  });
  return `${noted.join("\n")}\n`;
}

/** The graph after every pass that changed it, with what that did to the number of ops and to which nodes. */
function passesText(c: Compilation): string {
  const parts = c.graphs.map(({ pass, graph }, i) => {
    const before = c.graphs[i - 1];
    if (before === undefined) return `; ${pass}\n${graphText(graph)}`;
    const text = graphText(graph);
    if (text === graphText(before.graph)) return `; ${pass}: no change\n`;
    const changes = graphDifference(before.graph, graph).replaceAll(/^/gm, ";   ").replace(/;   $/, "");
    return `; ${pass}: ${difference(before.graph, graph)}\n${changes}${text}`;
  });
  return parts.join("\n");
}

/** `-2 multiply, +1 sqrt`: how the ops of two graphs differ in number. */
export function difference(before: Graph, after: Graph): string {
  const counts = new Map<string, number>();
  const count = (graph: Graph, step: number): void => {
    for (const n of nodesOf(graph)) counts.set(n.op.name, (counts.get(n.op.name) ?? 0) + step);
  };
  count(before, -1);
  count(after, 1);
  const changed = [...counts].filter(([, n]) => n !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  return changed.map(([name, n]) => `${n > 0 ? "+" : ""}${n} ${name}`).join(", ") || "same ops, other order or operands";
}

/** The kernels as regions of the graph, then why pairs of nodes were fused or not. Names are those of the last graph. */
function fuseText(c: Compilation): string {
  const named = nameGraph(finalGraph(c));
  const decisions = c.decisions.map((d) => {
    const consumer = d.consumer === null ? "" : ` into ${nodeName(d.consumer, named)}`;
    return `${d.fused ? "fused" : "apart"} ${nodeName(d.producer, named)}${consumer}: ${d.reason}\n`;
  });
  return `${c.regions.map((r) => regionText(r, named)).join("")}${decisions.join("")}`;
}

function regionText(r: Region, named: NamedGraph): string {
  const lines = [
    `kernel @${r.name} over ${r.grid.map((a) => `%${a.name} in 0..${a.extent}`).join(", ") || "one point"}`,
    `  reads ${r.inputs.map(named.of).join(", ") || "nothing"}`,
    `  computes ${
      named.nodes
        .filter((n) => r.nodes.has(n))
        .map((n) => nodeName(n, named))
        .join(", ") || "nothing"
    }`,
    ...(r.held.length === 0 ? [] : [`  holds ${r.held.map((h) => storeText(h, named)).join(", ")}`]),
    `  stores ${r.outputs.map((o) => storeText(o, named)).join(", ")}`,
  ];
  return `${lines.join("\n")}\n`;
}

function storeText({ value, form, into }: RegionOutput, named: NamedGraph): string {
  const place = (v: Value, index: readonly Expr[]): string => `${named.of(v)}[${index.map((e) => exprText(e)).join(", ")}]`;
  return into === undefined ? place(value, form) : `${named.of(value)} into ${place(into.value, into.index)}`;
}

/** `%3 exp`; params have their name only. */
const nodeName = (n: Node, named: NamedGraph): string => (n.op.kind === "param" ? named.ofNode(n) : `${named.ofNode(n)} ${n.op.name}`);

/** Several stages under a heading each; what is printed of a plan where there are more. */
export function stagesText(c: Compilation, wanted: readonly Stage[], heading: (stage: Stage) => string): string {
  return wanted.map((s) => `; ---- ${heading(s)}\n${describedStage(c, s)}`).join("\n");
}
