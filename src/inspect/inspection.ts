/** What is known of a plan before it runs: every stage as data and as text. */
import { countPlan } from "../../compiler/ir/count.ts";
import { at, UnsupportedError } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import { peakBytes } from "../../compiler/ir/print-plan.ts";
import { nameGraph } from "../../compiler/ir/print.ts";
import type { Compilation } from "../../compiler/pipeline.ts";
import { finalGraph } from "../../compiler/pipeline.ts";
import { wgsl } from "../../compiler/target.ts";
import type { PlanRequest } from "../requests.ts";
import { compile } from "../plans.ts";
import { explanation } from "./explain.ts";
import type { KernelReport } from "./kernels.ts";
import { kernelReports } from "./kernels.ts";
import type { Measurement, MeasureOptions } from "./measure.ts";
import { measurePlan } from "./measure.ts";
import { graphDifference } from "./render/difference.ts";
import type { GraphJson } from "./render/graph.ts";
import { graphDot, graphJson, graphMermaid } from "./render/graph.ts";
import { htmlPage } from "./render/page.ts";
import type { Stage } from "./render/stages.ts";
import { describedStage, graphText, isStage, stages, stageText } from "./render/stages.ts";

/** The recorded graph in several languages. */
export interface GraphView {
  readonly text: () => string;
  /** For Graphviz. */
  readonly dot: () => string;
  readonly mermaid: () => string;
  /** Plain data that survives `JSON.stringify`. */
  readonly json: () => GraphJson;
  /** A page that stands alone, with the text of every stage. */
  readonly html: () => string;
}

/** The graph after a pass. */
export interface PassView {
  readonly name: string;
  readonly text: () => string;
  /** The nodes that differ from the graph before it; empty where the pass changed nothing. */
  readonly diff: () => string;
}

/** Why two nodes share a kernel, or do not. */
export interface FusionDecision {
  /** The node that is computed, as `%3 exp`. */
  readonly producer: string;
  /** The node whose kernel asks for it. */
  readonly consumer: string | null;
  readonly fused: boolean;
  readonly reason: string;
}

/** What evaluating would do. Made by `inspect`; nothing was run for it. */
export class Inspection {
  readonly #compilation: Compilation;
  readonly #request: PlanRequest;
  /** Why other code runs than was asked for; null where it does not. */
  readonly #instead: string | null;
  #measured: Measurement | null = null;
  /** What would be launched, in order. */
  readonly kernels: readonly KernelReport[];
  /** Operations and bytes of the whole plan. */
  readonly operations: number;
  readonly bytes: number;
  /** Bytes of inputs, outputs and temporaries while it runs. */
  readonly peakBytes: number;

  constructor(compilation: Compilation, request: PlanRequest, instead: string | null = null) {
    this.#compilation = compilation;
    this.#request = request;
    this.#instead = instead;
    this.kernels = kernelReports(compilation);
    const cost = countPlan(compilation.plan);
    this.operations = this.kernels.reduce((n, k) => n + k.operations, 0);
    this.bytes = cost.bytesRead + cost.bytesWritten;
    this.peakBytes = peakBytes(compilation.plan);
  }

  /** Steps over numbered buffers: data of the compiler, which may change between versions. */
  get plan(): Plan {
    return this.#compilation.plan;
  }

  /** Every decision of fusion, merges and refusals, in the order in which they were made. */
  get decisions(): readonly FusionDecision[] {
    const named = nameGraph(finalGraph(this.#compilation));
    return this.#compilation.decisions.map((d) => ({
      producer: `${named.ofNode(d.producer)} ${d.producer.op.name}`,
      consumer: d.consumer === null ? null : `${named.ofNode(d.consumer)} ${d.consumer.op.name}`,
      fused: d.fused,
      reason: d.reason,
    }));
  }

  /** The graph as it was recorded: evaluated values are params, numbers of the user scalar params. */
  get graph(): GraphView {
    const { graph } = at(this.#compilation.graphs, 0);
    return {
      text: () => graphText(graph),
      dot: () => graphDot(graph),
      mermaid: () => graphMermaid(graph),
      json: () => graphJson(graph),
      html: () =>
        htmlPage(`lazuli: ${graph.name}`, [
          ...stages.map((s) => ({ title: s, text: this.text(s), open: s === "graph" })),
          { title: "why", text: this.explain(), open: false },
        ]),
    };
  }

  /** The graph after each pass. The first is `canonicalize`, which makes the recorded graph. */
  get passes(): readonly PassView[] {
    const { graphs } = this.#compilation;
    return graphs.map(({ pass, graph }, i) => {
      const before: Graph = graphs[i - 1]?.graph ?? graph;
      return { name: pass, text: () => graphText(graph), diff: () => graphDifference(before, graph) };
    });
  }

  /** A stage as text, which ends with a line break: "graph", "passes", "fuse", "plan", "loops" or "source". */
  text(stage: Stage): string {
    if (!isStage(stage)) throw new UnsupportedError(`text: there is no stage ${JSON.stringify(stage)}. There are ${stages.join(", ")}.`);
    return describedStage(this.#compilation, stage);
  }

  /**
   * The kernels as a table with why each stops where it stops, what is computed again, and the refused merges with their reasons. Times
   * are predicted; after `await measure()` those of its launches stand beside them.
   */
  explain(): string {
    const why = this.#instead === null ? "" : `${this.#instead}\n`;
    return `${why}${explanation(this.#compilation, this.#measured)}`;
  }

  /** The shaders of the same graph, one a kernel. Throws an UnsupportedError or a DTypeError where WebGPU cannot compute it. */
  wgsl(): string {
    const shaders = this.#compilation.target.name === "wgsl" ? this.#compilation : compile(this.#request, wgsl);
    return stageText(shaders, "source");
  }

  /**
   * Runs the plan, on the CPU or the GPU that it was made for, with a clock at each launch, and throws the results away: no handle is
   * filled. Rejects with a DeviceError where there is no GPU.
   */
  async measure(options: MeasureOptions = {}): Promise<Measurement> {
    return (this.#measured = await measurePlan(this.#compilation, this.#request, options));
  }
}
