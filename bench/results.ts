/** Where results go, and on what they were measured. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { configure } from "../src/index.ts";
import type { GpuInfo } from "../src/index.ts";

export interface Machine {
  readonly date: string;
  readonly lazuli: string;
  readonly node: string;
  readonly v8: string;
  readonly cpu: string;
  readonly cores: number;
  /** What code was generated for: `js`, or the GPU's adapter, which says so where it computes on the CPU. */
  readonly target: string;
}

function version(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "unknown";
}

const adapterText = ({ adapter, isSoftware }: GpuInfo): string => `wgsl on ${adapter}${isSoftware ? ", a software adapter: it computes on the CPU" : ""}`;

/** What the numbers hold for. */
export function machine(adapter: GpuInfo | null = null): Machine {
  const all = cpus();
  return {
    date: new Date().toISOString(),
    lazuli: version(),
    node: process.versions.node,
    v8: process.versions.v8,
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    target: adapter === null ? configure().target : adapterText(adapter),
  };
}

/** Writes a file of the results folder and says so. */
export function writeResult(folder: string, name: string, content: string): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `${content}\n`);
  console.log(`wrote ${path}`);
}
