/**
 * The table of contents of the compiler: from a canonical graph to a plan with code.
 *
 *   graph ─ simplify ─ regroup ─ distribute ─ split ─ border ─ write ─ join ─ fuse ─ lower ─ parts ─ online ─ tile ─ legalize ─ pack ─ order ─ buffers ─ emit ─ plan
 */
import { at } from "./ir/errors.ts";
import type { Graph } from "./ir/graph.ts";
import { nodesOf } from "./ir/graph.ts";
import type { Kernel } from "./ir/loop.ts";
import type { CompiledPlan, Plan } from "./ir/plan.ts";
import { peakBytes } from "./ir/print-plan.ts";
import { verifyKernel } from "./ir/verify-loop.ts";
import { verifyPlan } from "./ir/verify-plan.ts";
import { verifyGraph } from "./ir/verify.ts";
import { emitJs } from "./codegen/js/emit.ts";
import { emitWasm } from "./codegen/wasm/emit.ts";
import { emitWgslPlan } from "./codegen/wgsl/plan.ts";
import { border } from "./passes/border.ts";
import { distribute } from "./passes/distribute.ts";
import type { LoweredRegions } from "./passes/fragments.ts";
import { fragmentOf } from "./passes/fragments.ts";
import type { Decision } from "./passes/fuse/state.ts";
import { fuse } from "./passes/fuse/fuse.ts";
import { storedInParts } from "./passes/join.ts";
import { legalize, requireDType } from "./passes/legalize.ts";
import type { Region } from "./passes/region.ts";
import { isPassThrough } from "./passes/region.ts";
import { simplify } from "./passes/simplify/simplify.ts";
import { orderedPlan } from "./passes/order/order.ts";
import type { Piece } from "./passes/order/pieces.ts";
import { waitsFor } from "./passes/order/pieces.ts";
import type { DividedKernels } from "./passes/parts.ts";
import { inParts } from "./passes/parts.ts";
import type { Packed } from "./passes/pack.ts";
import { pack } from "./passes/pack.ts";
import { online } from "./passes/online/online.ts";
import { regroup } from "./passes/regroup.ts";
import type { Recomputed } from "./passes/repeats.ts";
import { recomputations } from "./passes/repeats.ts";
import { split } from "./passes/split.ts";
import { tile } from "./passes/tile/tile.ts";
import { writeInPlace } from "./passes/write.ts";
import type { Fragment } from "./routines/fragment.ts";
import type { Target } from "./target.ts";

export interface CompileOptions {
  /** False: one primitive a kernel (reshapes and constants excepted). */
  readonly fusion?: boolean;
  /** True: check the invariants after every pass. */
  readonly verify?: boolean;
  /** Buffer params, by position, whose memory outputs may take over. */
  readonly donated?: readonly number[];
  /** Bytes that inputs, outputs and temporaries may take together: steps are ordered to stay below, where they can be. */
  readonly budget?: number | null;
}

/** A pass over graphs. */
export interface GraphPass {
  readonly name: string;
  readonly run: (graph: Graph, target: Target, options: CompileOptions) => Graph;
}

/** A pass over kernels. */
export interface KernelPass {
  readonly name: string;
  readonly run: (kernel: Kernel, target: Target) => Kernel;
}

export const graphPasses: readonly GraphPass[] = [
  { name: "simplify", run: (graph) => simplify(graph).graph },
  { name: "regroup", run: (graph, _, { fusion }) => (fusion === false ? graph : regroup(graph)) },
  { name: "distribute", run: (graph, target, { fusion }) => (fusion === false ? graph : distribute(graph, target)) },
  { name: "split", run: split },
  { name: "border", run: border },
  { name: "write", run: (graph, _, { donated }) => writeInPlace(graph, donated ?? []) },
  { name: "join", run: (graph, target, { fusion, donated }) => (fusion === false ? graph : storedInParts(graph, target, donated)) },
];

export const kernelPasses: readonly KernelPass[] = [
  { name: "online", run: online },
  { name: "tile", run: tile },
  { name: "legalize", run: legalize },
];

/** Everything that came of a graph on its way, for those who want to read it. */
export interface Compilation {
  readonly target: Target;
  /** The graph that came in, then after each graph pass. */
  readonly graphs: readonly { readonly pass: string; readonly graph: Graph }[];
  readonly regions: readonly Region[];
  readonly decisions: readonly Decision[];
  /** Kernels of the plan that run several regions side by side. */
  readonly packed: Packed;
  /** Kernels as `lower` made them. */
  readonly lowered: readonly Kernel[];
  readonly plan: Plan;
  readonly compiled: CompiledPlan;
}

export function compileGraph(graph: Graph, target: Target, options: CompileOptions = {}): Compilation {
  const graphs = [{ pass: "canonicalize", graph }];
  let current = graph;
  const check = options.verify === true;
  if (check) verifyGraph(current);
  for (const pass of graphPasses) {
    current = pass.run(current, target, options);
    if (check) verifyGraph(current);
    graphs.push({ pass: pass.name, graph: current });
  }
  const { regions, decisions } = fuse(current, target, { fusion: options.fusion !== false, donated: options.donated ?? [] });
  // what needs no kernel, as a fill, is not looked at by legalize
  for (const v of [...graph.params, ...graph.outputs]) requireDType(v.dtype, target, `graph ${graph.name}: a value`);
  const alike: LoweredRegions = new Map();
  const divided: DividedKernels = new Map();
  const fragments = regions.map((r) => inParts(fragmentOf(r, target, alike), target, divided));
  const lowered = fragments.flatMap((f) => f.launches.map((l) => l.kernel));
  const done = new Map<Kernel["body"], Kernel>();
  const finished = fragments.map((f) => mapKernels(f, (k) => finishedOnce(k, done, (kernel) => runKernelPasses(kernel, target, check))));
  const isOrdered = nodesOf(current).some(isPassThrough);
  const given = finished.map((fragment, i) => ({ fragment, waits: isOrdered ? waitsFor(at(regions, i)) : [] }));
  const { plan, packed } = planned(current, given, target, options);
  if (check) verifyPlan(plan, target);
  return { target, graphs, regions, decisions, packed, lowered, plan, compiled: emit(plan, target) };
}

/** The plan whose kernels share launches; where that passes the budget, and apart they need less, the one whose kernels do not. */
function planned(graph: Graph, given: readonly Piece[], target: Target, options: CompileOptions): Pick<Compilation, "plan" | "packed"> {
  const { fusion, donated = [], budget = null } = options;
  const made = (pieces: readonly Piece[]): Plan => orderedPlan(graph, pieces, { target, donated, budget });
  if (fusion === false) return { plan: made(given), packed: new Map() };
  const { pieces, packed } = pack(given, graph, target, donated);
  const plan = made(pieces);
  if (budget === null || packed.size === 0 || peakBytes(plan) <= budget) return { plan, packed };
  const apart = made(given);
  return peakBytes(apart) < peakBytes(plan) ? { plan: apart, packed: new Map() } : { plan, packed };
}

/** Kernels with one body stay so. */
function finishedOnce(kernel: Kernel, done: Map<Kernel["body"], Kernel>, finish: (kernel: Kernel) => Kernel): Kernel {
  const known = done.get(kernel.body);
  if (known !== undefined) return { ...known, name: kernel.name };
  const finished = finish(kernel);
  done.set(kernel.body, finished);
  return finished;
}

function runKernelPasses(kernel: Kernel, target: Target, check: boolean): Kernel {
  let current = kernel;
  if (check) verifyKernel(current);
  for (const pass of kernelPasses) {
    current = pass.run(current, target);
    if (check) verifyKernel(current);
  }
  return current;
}

function mapKernels(f: Fragment, run: (k: Kernel) => Kernel): Fragment {
  return { ...f, launches: f.launches.map((l) => ({ ...l, kernel: run(l.kernel) })) };
}

function emit(plan: Plan, target: Target): CompiledPlan {
  if (target.name === "js") return { plan, language: "js", sources: [emitJs(plan.kernels)], shaders: [], wasm: null };
  if (target.name === "wasm") return wasmPlan(plan, target);
  const shaders = emitWgslPlan(plan, target);
  return { plan, language: "wgsl", sources: shaders.map((s) => s.source), shaders, wasm: null };
}

/** The text of a module costs as much as its bytes, so it is made where somebody reads it. */
function wasmPlan(plan: Plan, target: Target): CompiledPlan {
  const { module, text } = emitWasm(plan.kernels, target);
  let sources: readonly string[] | null = null;
  return {
    plan,
    language: "wasm",
    get sources(): readonly string[] {
      return (sources ??= [text()]);
    },
    shaders: [],
    wasm: module,
  };
}

/** Compute kernels that a plan launches. */
export const kernelCount = (plan: Plan): number => plan.steps.filter((s) => s.kind === "kernel").length;

/** The graph as the kernels are made from it. */
export const finalGraph = (c: Compilation): Graph => at(c.graphs, c.graphs.length - 1).graph;

/** What its kernels compute more often than kernels of one op each would. */
export const recomputed = (c: Compilation): Recomputed[] => recomputations(finalGraph(c), c.regions, c.target);
