/** `npm run bench -- overhead`: what the library costs beside the loops: recording, evaluating what is cached, compiling. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { tensor } from "../src/index.ts";
import type { Tensor } from "../src/index.ts";
import { hidden } from "../examples/digits/model.ts";
import { compileTime } from "./digit-step.ts";
import type { Effort, Timing } from "./harness.ts";
import { measure, timingOf } from "./harness.ts";
import { median } from "./median.ts";
import { machine, writeResult } from "./results.ts";
import { table } from "./table.ts";

const elements = 16;
const lengths = [1, 100, 500] as const;
const processes = 10;

/** `count` ops in a row, none of which simplifies away. */
function record(x: Tensor, y: Tensor, count: number): Tensor {
  let result = x;
  for (let i = 0; i < count; i++) result = i % 2 === 0 ? result.mul(y) : result.add(y);
  return result;
}

function evaluateAndDrop(x: Tensor): void {
  x.evalSync();
  x.dispose();
}

/** Runs `bench/cold.ts` in a process of its own, with the loader that this one was started with. */
function coldCompile(): number {
  const script = fileURLToPath(new URL("cold.ts", import.meta.url));
  return Number(execFileSync(process.execPath, [...process.execArgv, script], { encoding: "utf8" }).trim());
}

const us = (seconds: number): number => seconds * 1e6;

/** Measures, prints and writes overhead.json. */
export async function overhead(effort: Effort, folder: string): Promise<void> {
  const [x, y] = [tensor(new Float32Array(elements).fill(0.5)), tensor(new Float32Array(elements).fill(0.999))];
  const variants = lengths.flatMap((count) => [
    { name: `record ${count}`, run: () => void record(x, y, count) },
    { name: `record and evaluate ${count}`, run: () => evaluateAndDrop(record(x, y, count)) },
  ]);
  const timings: readonly Timing[] = await measure("overhead", variants, effort);
  const time = (name: string): number => timingOf(timings, name).median;
  const nodeNs = (time("record 500") / 500) * 1e9;
  const graphs = lengths.map((count) => ({
    count,
    us: us(time(`record and evaluate ${count}`)),
    evaluateUs: us(time(`record and evaluate ${count}`) - time(`record ${count}`)),
  }));
  const cold = Array.from({ length: processes }, coldCompile);
  // Compiled once before, so that the compiler's own code is warm; other widths, so that no plan is found.
  const warm = Array.from({ length: 2 * processes }, (_, i) => compileTime(hidden - 1 - i)).slice(processes);
  const rows = [
    ["record a node", `${nodeNs.toFixed(0)} ns`],
    ...graphs.flatMap((g) => [
      [`record and evaluate a cached graph of ${g.count}`, `${g.us.toFixed(1)} us`],
      [`  of which evaluation`, `${g.evaluateUs.toFixed(1)} us`],
    ]),
    [`compile the digit step, cold (median of ${cold.length} processes)`, `${median(cold).toFixed(1)} ms`],
    ["compile the digit step, warm", `${median(warm).toFixed(1)} ms`],
  ];
  console.log(`\n${table(rows)}\n`);
  writeResult(folder, "overhead.json", JSON.stringify({ ...machine(), nodeNs, graphs, coldMs: cold, warmMs: warm, timings }, null, 1));
}
