/** `npm run bench -- memory`: bytes that a training step of a transformer needs, and those of jax-js for the same model. */
import { separateBytes } from "../compiler/ir/print-memory.ts";
import { counters, evalAll, inspect, memory, resetCounters } from "../src/index.ts";
import { machine, writeResult } from "./results.ts";
import { table } from "./table.ts";
import type { Sizes } from "./transformer.ts";
import { fullSize, training } from "./transformer.ts";

/** Steps before which state and plans are not what they stay. */
const warmUp = 3;

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** What lazuli needs. */
interface Needs {
  /** Of the plan of a step: all its buffers, were none in the place of another, and what it needs. */
  readonly separate: number;
  readonly peak: number;
  readonly arena: number;
  readonly donations: number;
  /** Of the heap: the most that was ever held, and bytes that one more step allocates. */
  readonly held: number;
  readonly allocated: number;
  /** Bytes by which what is held grows in one more step. */
  readonly grown: number;
  readonly kernels: number;
}

export async function needsOf(sizes: Sizes): Promise<Needs> {
  const { optimizer, step } = training(sizes);
  for (let i = 0; i < warmUp; i++) await evalAll(step(), optimizer.state);
  resetCounters();
  const before = memory().current;
  await evalAll(step(), optimizer.state);
  const grown = memory().current - before;
  const { bytesAllocated: allocated, donations } = counters();
  const { plan, peakBytes: peak, kernels } = inspect([step(), ...optimizer.state]);
  return { separate: separateBytes(plan), peak, arena: plan.arenaBytes, donations, held: memory().peak, allocated, grown, kernels: kernels.length };
}

const ratio = (a: number, b: number): string => (a / b).toFixed(2);

export async function memoryBench(shrink: number, folder: string): Promise<void> {
  const sizes: Sizes = { ...fullSize, batch: Math.max(1, fullSize.batch / shrink) };
  const { batch, sequence, width, heads, blocks } = sizes;
  console.log(`a training step: batch ${batch}, sequence ${sequence}, width ${width}, ${heads} heads, ${blocks} blocks, AdamW`);
  const own = await needsOf(sizes);
  const rows = [
    ["", "MB", "of all buffers"],
    ["lazuli: all buffers of the plan, none in the place of another (inputs, outputs, temporaries)", megabytes(own.separate), "1.00"],
    ["lazuli: what the plan needs (inputs, outputs not in place, arena)", megabytes(own.peak), ratio(own.peak, own.separate)],
    ["lazuli: most bytes held by its heap since the start", megabytes(own.held), ratio(own.held, own.separate)],
  ];
  const { jaxNeeds } = await import("./peers/jax-memory.js");
  const jax = await jaxNeeds(sizes);
  if ("missing" in jax) console.log(`jax-js: ${jax.missing}`);
  else rows.push(["jax-js: its WebAssembly memory after two steps, which only grows", megabytes(jax.reserved), ratio(jax.reserved, own.separate)]);
  console.log(table(rows));
  console.log(`${own.kernels} kernels, ${own.donations} outputs in the memory of inputs, ${own.allocated} bytes allocated a step`);
  writeResult(folder, "memory.json", JSON.stringify({ machine: machine(), sizes, lazuli: own, jax }, null, 2));
}
