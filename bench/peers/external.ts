/**
 * Peers that are programs of their own: they read requests from a pipe, a line each, and time themselves.
 *
 * ```
 * prepare PROGRAM NAME:DTYPE:LENGTHxLENGTH:FILE …   answer: ready, or none where it cannot
 * sample RUNS                                       answer: seconds SECONDS
 * results PREFIX                                    answer: done COUNT, after PREFIX0 … are written as float64
 * ```
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Contestant, Input, Peer, Task } from "./peer.ts";

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface Pipe {
  /** Sends a line and waits for the answer, which must be `word` and more; gives the rest of it, null where the answer is "none". */
  readonly ask: (line: string, word: string) => Promise<string | null>;
  readonly close: () => void;
}

function start({ command, args, env }: Program): Pipe {
  const child = spawn(command, [...args], { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${command} ended with ${code}`)));
  });
  ended.catch(() => {});
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (line: string, word: string): Promise<string | null> => {
    child.stdin.write(`${line}\n`);
    const next = await Promise.race([answers.next(), ended]);
    if (next.done === true) return ended;
    if (next.value === "none") return null;
    if (!next.value.startsWith(word)) throw new Error(next.value);
    return next.value.slice(word.length).trim();
  };
  return { ask, close: () => void child.stdin.end() };
}

function written(folder: string, { name, shape, data }: Input): string {
  const path = join(folder, name);
  writeFileSync(path, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return `${name}:${data instanceof Int32Array ? "int32" : "float32"}:${shape.join("x")}:${path}`;
}

function readBack(path: string): Float64Array {
  const content = readFileSync(path);
  return new Float64Array(content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength));
}

/** Starts a program; what it answers to `version` names it. */
export async function openProgram(program: Program, threads: number): Promise<Peer> {
  const pipe = start(program);
  const folder = mkdtempSync(join(tmpdir(), "lazuli-peers-"));
  const close = (): void => {
    pipe.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const contestant: Contestant = {
    name: "alone",
    sample: async (runs) => Number(await pipe.ask(`sample ${runs}`, "seconds")),
    results: async () => {
      const prefix = join(folder, "result");
      const count = Number(await pipe.ask(`results ${prefix}`, "done"));
      return Array.from({ length: count }, (_, i) => readBack(`${prefix}${i}`));
    },
    release: () => {},
  };
  const prepare = async ({ program, inputs }: Task): Promise<readonly Contestant[]> => {
    const operands = inputs.map((input) => written(folder, input));
    const answer = await pipe.ask(["prepare", program, ...operands].join(" "), "ready");
    return answer === null ? [] : [contestant];
  };
  try {
    return { version: (await pipe.ask("version", "version")) ?? program.command, threads, prepare, close };
  } catch (error) {
    close();
    throw error;
  }
}
