/**
 * Run by `bench/compile.ts`, bundled, in a process of its own: compiles the training step of a transformer, of which nothing was
 * compiled before, and then again as often as it is told. Prints JSON. `compile-once TARGET TIMES`
 */
import type { Graph } from "../compiler/ir/graph.ts";
import { canonicalize } from "../compiler/passes/canonicalize.ts";
import { compileGraph, kernelCount } from "../compiler/pipeline.ts";
import { js, wasm, wgsl } from "../compiler/target.ts";
import { tensor } from "../src/index.ts";
import type { Tensor } from "../src/index.ts";
import { threadMs } from "./thread-clock.js";
import { fullSize, training } from "./transformer.ts";

/** Milliseconds that one compilation took: by the clock, and of the main thread's processor (null where the system does not tell). */
export interface Taken {
  readonly wall: number;
  readonly thread: number | null;
}

/** What a process prints. */
export interface Compiled {
  readonly kernels: number;
  /** Kernels that differ: alike ones are compiled once. */
  readonly functions: number;
  readonly cold: Taken;
  readonly warm: readonly Taken[];
}

/** Numbers that are there: what draws or computes them would be compiled first. */
function given(...shape: readonly number[]): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float32Array.from({ length: count }, (_, i) => Math.sin(i) * 0.05),
    { shape },
  );
}

/** The second step, whose optimizer has state: the one that a program goes on with. */
function recordedStep(): () => Graph {
  const { optimizer, step } = training(fullSize, { weight: (...shape) => given(...shape).requireGrad(), example: given });
  step();
  for (const cell of optimizer.state) cell.assign(given(...cell.shape));
  const results = [step(), ...optimizer.state].map((x) => x.value);
  return () => canonicalize(results).build();
}

const [, , name, times] = process.argv;
const target = [js, wasm, wgsl].find((t) => t.name === name);
if (target === undefined) throw new Error(`compile-once ${name}: give js, wasm or wgsl`);
const build = recordedStep();

function once(): { readonly taken: Taken; readonly kernels: number; readonly functions: number } {
  const [wall, thread] = [performance.now(), threadMs()];
  const { plan, compiled } = compileGraph(build(), target ?? wasm);
  const module = compiled.wasm === null ? null : new WebAssembly.Module(compiled.wasm.binary);
  const [after, threadAfter] = [performance.now(), threadMs()];
  if ((module !== null) !== (name === "wasm")) throw new Error(`${name}: compiled for another target`);
  const taken = { wall: after - wall, thread: thread === null || threadAfter === null ? null : threadAfter - thread };
  return { taken, kernels: kernelCount(plan), functions: new Set(plan.kernels.map((k) => k.body)).size };
}

const first = once();
const warm = Array.from({ length: Number(times) }, () => once().taken);
const printed: Compiled = { kernels: first.kernels, functions: first.functions, cold: first.taken, warm };
console.log(JSON.stringify(printed));
