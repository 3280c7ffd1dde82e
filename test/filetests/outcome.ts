/** What a filetest gives: the text of a pass or a stage, a count of kernels, the values of a run. */
import { interpretGraph } from "../../compiler/interpret.ts";
import { at } from "../../compiler/ir/errors.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { HostData } from "../../compiler/ir/host.ts";
import { parseKernels } from "../../compiler/ir/parse-loop.ts";
import { parsePlan } from "../../compiler/ir/parse-plan.ts";
import { printKernels } from "../../compiler/ir/print-loop.ts";
import { printProgram } from "../../compiler/ir/print-plan.ts";
import { printGraphs } from "../../compiler/ir/print.ts";
import { sizeOf } from "../../compiler/ir/shape.ts";
import { verifyKernel } from "../../compiler/ir/verify-loop.ts";
import { verifyPlan } from "../../compiler/ir/verify-plan.ts";
import { verifyGraph } from "../../compiler/ir/verify.ts";
import type { GraphPass } from "../../compiler/pipeline.ts";
import { compileGraph, graphPasses, kernelCount, kernelPasses } from "../../compiler/pipeline.ts";
import { js, wgsl } from "../../compiler/target.ts";
import { graphsFromText } from "../../compiler/text.ts";
import { graphInputs } from "../../src/cli/inputs.ts";
import { runCompiled } from "../../src/cli/run.ts";
import { isStage, stageText } from "../../src/inspect/render/stages.ts";
import { expectClose } from "./close.ts";
import type { FileTest, Outcome } from "./file.ts";

/** Reads, verifies and transforms; throws where a run or a count differs from what the file says. */
export function outcomeOf(file: FileTest): Outcome {
  if (file.error !== undefined) return { error: errorOf(() => readVerified(file)) };
  if (file.read !== "graph") return { text: transformedProgram(file) };
  const graphs = readVerifiedGraphs(file.input);
  for (const graph of graphs) checkKernels(graph, file);
  if (file.run) checkRun(file.input, graphs);
  if (file.stage !== undefined) return { text: graphs.map((g) => stageOf(g, file.stage ?? "", file)).join("\n") };
  return file.passes.length === 0 ? {} : { text: printGraphs(afterPasses(file, graphs)) };
}

function errorOf(read: () => void): string {
  try {
    read();
  } catch (e) {
    return e instanceof Error ? e.message : String(e);
  }
  return "none: the text reads and verifies";
}

function readVerified(file: FileTest): void {
  if (file.read === "graph") readVerifiedGraphs(file.input);
  else transformedProgram(file);
}

function readVerifiedGraphs(text: string): Graph[] {
  const graphs = graphsFromText(text);
  graphs.forEach(verifyGraph);
  return graphs;
}

/** Kernels after the file's kernel passes, or a plan as it is. */
function transformedProgram(file: FileTest): string {
  if (file.read === "plan") {
    const plan = parsePlan(file.input);
    plan.kernels.forEach(verifyKernel);
    verifyPlan(plan, js);
    return printProgram(plan);
  }
  if (file.read !== "kernel") throw new Error(`a file reads graph, kernel or plan, not ${file.read}`);
  const passes = file.passes.filter((p) => p !== "print").map((name) => named(kernelPasses, name));
  const kernels = parseKernels(file.input).map((kernel) => {
    verifyKernel(kernel);
    return passes.reduce((k, pass) => pass.run(k, file.target), kernel);
  });
  kernels.forEach(verifyKernel);
  return printKernels(kernels);
}

function named<T extends { readonly name: string }>(passes: readonly T[], name: string): T {
  const pass = passes.find((p) => p.name === name);
  if (pass === undefined) throw new Error(`there is no pass ${name}: print, ${passes.map((p) => p.name).join(", ")}`);
  return pass;
}

function stageOf(graph: Graph, stage: string, { target, donated }: FileTest): string {
  const compilation = compileGraph(graph, target, { verify: true, donated });
  if (stage === "program") return printProgram(compilation.plan);
  if (!isStage(stage)) throw new Error(`there is no stage ${stage}`);
  return stageText(compilation, stage);
}

/** The graphs after the passes of the file; the interpreter must not see a difference, so that a wrong result names its pass. */
function afterPasses(file: FileTest, graphs: readonly Graph[]): Graph[] {
  const inputs = graphInputs(file.input, graphs);
  const passes = file.passes.filter((p) => p !== "print").map((name) => named<GraphPass>(graphPasses, name));
  return graphs.map((graph, i) =>
    passes.reduce((before, pass) => {
      const after = pass.run(before, file.target, { donated: file.donated });
      verifyGraph(after);
      if (isSmall(graph)) expectClose(interpretGraph(after, at(inputs, i)), interpretGraph(before, at(inputs, i)), `@${graph.name} after ${pass.name}`);
      return after;
    }, graph),
  );
}

const isSmall = (graph: Graph): boolean => graph.params.every((p) => sizeOf(p.shape) <= 100_000);

function checkKernels(graph: Graph, { kernels }: FileTest): void {
  if (kernels === undefined) return;
  const count = kernelCount(compileGraph(graph, js, { verify: true }).plan);
  if (count !== kernels) throw new Error(`@${graph.name} takes ${count} kernels, the file says ${kernels}`);
}

function checkRun(text: string, graphs: readonly Graph[]): void {
  const inputs = graphInputs(text, graphs);
  graphs.forEach((graph, i) => {
    const given: readonly HostData[] = at(inputs, i);
    const wanted = interpretGraph(graph, given);
    for (const fusion of [true, false])
      expectClose(runCompiled(graph, given, { verify: true, fusion }), wanted, `@${graph.name} on js, ${fusion ? "fused" : "unfused"}`);
    // no GPU here: the shaders must at least come to be
    compileGraph(graph, wgsl, { verify: true });
  });
}
