/** `npm run bench -- overhead`: what the library costs beside the loops: recording, evaluating what is cached, compiling. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tensor } from "../src/index.ts";
import type { Tensor } from "../src/index.ts";
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

/** Milliseconds: by the clock, of processors on all threads, of the main thread's alone (NaN, as null, where the system does not tell). */
interface Clocks {
  readonly wall: number;
  readonly process: number;
  readonly thread: number | null;
}

/** What `bench/cold.js` prints. */
interface Cold {
  readonly imported: Clocks;
  readonly first: Clocks;
  readonly later: Clocks;
  readonly compile: Clocks;
  readonly warm: Clocks | null;
}

/** Runs `bench/cold.js` in a process of its own, without the loader that this one was started with. */
function coldProcess(...flags: readonly string[]): Cold {
  const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  if (!existsSync(file("../dist/src/index.js"))) throw new Error("overhead measures the built package too: npm run build");
  return JSON.parse(execFileSync(process.execPath, [file("cold.js"), ...flags], { encoding: "utf8" }));
}

/** The median of each clock. */
function clocksText(list: readonly Clocks[]): string {
  const of = (clock: keyof Clocks): string => median(list.map((c) => c[clock] ?? Number.NaN)).toFixed(1);
  return `${of("wall")} ms (processors ${of("process")}, main thread ${of("thread")})`;
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
  const cold = Array.from({ length: processes }, () => coldProcess());
  const { warm } = coldProcess("--warm");
  const rows = [
    ["record a node", `${nodeNs.toFixed(0)} ns`],
    ...graphs.flatMap((g) => [
      [`record and evaluate a cached graph of ${g.count}`, `${g.us.toFixed(1)} us`],
      [`  of which evaluation`, `${g.evaluateUs.toFixed(1)} us`],
    ]),
    [`import the package (median of ${cold.length} processes)`, clocksText(cold.map((c) => c.imported))],
    ["the mlp step, cold, from recording to results", clocksText(cold.map((c) => c.first))],
    ["  of which it takes when its plan is there", clocksText(cold.map((c) => c.later))],
    ["  so compiling and starting", clocksText(cold.map((c) => c.compile))],
    ["compile the mlp step, warm", clocksText(warm === null ? [] : [warm])],
  ];
  console.log(`\n${table(rows)}\n`);
  writeResult(folder, "overhead.json", JSON.stringify({ ...machine(), nodeNs, graphs, cold, warm, timings }, null, 1));
}
