/** NumPy and compiled C: installed on some machines, not on others. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openProgram } from "./external.ts";
import type { Open, Peer } from "./peer.ts";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * NumPy in python3, on as many threads as lazuli. glibc is told to keep what is freed: by default it gives long arrays back to the
 * system, and the page faults of every temporary would be measured instead of NumPy.
 */
export const numpy: Open = async ({ threads }) => {
  const env = { OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads), MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: String(2 ** 40) };
  return openProgram({ command: "python3", args: [at("python.py")], env }, threads);
};

/** Loops that gcc or clang compiled for this machine. */
export const native: Open = async () => {
  const folder = mkdtempSync(join(tmpdir(), "lazuli-native-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const flags = ["-O3", "-march=native"];
  try {
    const program = join(folder, "native");
    execFileSync("cc", [...flags, "-std=c11", "-o", program, at("native.c")], { stdio: ["ignore", "ignore", "inherit"] });
    const peer: Peer = await openProgram({ command: program, args: [], env: {} }, 1);
    const close = (): void => {
      peer.close();
      remove();
    };
    return { ...peer, version: `${peer.version}, ${flags.join(" ")}`, close };
  } catch (error) {
    remove();
    throw error;
  }
};
