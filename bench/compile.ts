/**
 * `npm run bench -- compile`: what compiling the training step of a transformer takes, from the recorded graph to the module: cold, as
 * the first that a fresh process compiles, and warm, again and again in one. Writes compile.json.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Compiled, Taken } from "./compile-once.ts";
import { median } from "./median.ts";
import { machine, writeResult } from "./results.ts";
import { table } from "./table.ts";
import { fullSize } from "./transformer.ts";

const processes = 10;
/** Of them the first half lets the engine optimise. */
const again = 16;

/** The program without the loader that this one was started with, whose code is not what people run. */
async function bundled(folder: string): Promise<string> {
  const outfile = join(folder, "compile-once.mjs");
  const entry = fileURLToPath(new URL("compile-once.ts", import.meta.url));
  await build({ entryPoints: [entry], outfile, bundle: true, format: "esm", platform: "node", target: "es2022", external: ["webgpu"] });
  return outfile;
}

const run = (file: string, target: string): Compiled => JSON.parse(execFileSync(process.execPath, [file, target, `${again}`], { encoding: "utf8" }));

function timesText(list: readonly number[]): string {
  return list.some(Number.isNaN) ? "?" : `${Math.min(...list).toFixed(0)} / ${median(list).toFixed(0)}`;
}

function rowsOf(target: string, runs: readonly Compiled[]): string[][] {
  const kernels = runs[0]?.kernels ?? 0;
  const row = (what: string, list: readonly Taken[]): string[] => {
    const [thread, wall] = [list.map((t) => t.thread ?? Number.NaN), list.map((t) => t.wall)];
    return [target, what, timesText(thread), timesText(wall), (median(thread) / kernels).toFixed(2), `${kernels} (${runs[0]?.functions ?? 0} differ)`];
  };
  return [
    row(
      `cold, ${runs.length} processes`,
      runs.map((r) => r.cold),
    ),
    row(
      "warm",
      runs.flatMap((r) => r.warm.slice(again / 2)),
    ),
  ];
}

/** Measures, prints and writes compile.json. */
export async function compileBench(targets: readonly string[], folder: string): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), "lazuli-compile-"));
  try {
    const file = await bundled(place);
    const results = targets.map((target) => ({ target, runs: Array.from({ length: processes }, () => run(file, target)) }));
    const { batch, sequence, width, heads, blocks } = fullSize;
    console.log(`\na training step: batch ${batch}, sequence ${sequence}, width ${width}, ${heads} heads, ${blocks} blocks, AdamW; ms, least / median\n`);
    const head = ["target", "", "main thread's processor", "by the clock", "a kernel, median", "kernels"];
    console.log(`${table([head, ...results.flatMap(({ target, runs }) => rowsOf(target, runs))])}\n`);
    writeResult(folder, "compile.json", JSON.stringify({ machine: machine(), sizes: fullSize, results }, null, 1));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
