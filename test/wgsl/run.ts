/**
 * Runs shaders on a software Vulkan, where the machine has one: in a process of its own, because Vulkan's loader reads the real
 * environment, which a test's worker thread cannot set.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { WgslKernel } from "../../compiler/ir/shader.ts";
import { skip, swiftshaderEnvironment } from "./dawn.ts";
import type { Memory } from "./fixtures.ts";
import type { Script } from "./script.ts";

/** Word positions at which the buffers of a single kernel start, so that bases other than 0 are used: multiples of a vector's four. */
const testBase = 4;

type Memories = Script["memory"];
/** What the process answers. */
export type Answer = { readonly memory: Memories } | { readonly error: string };

export interface Runner {
  /** Does a script; what its memories then hold. */
  readonly play: (script: Script) => Promise<Memories>;
  /** Runs one kernel once; the buffers' contents afterwards. */
  readonly run: (shader: WgslKernel, memory: Memory, scalars?: Readonly<Record<string, number>>) => Promise<Memory>;
  readonly close: () => void;
}

function withBase(data: Float32Array | Int32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 * (data.length + testBase));
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 4 * testBase);
  return bytes;
}

async function runKernel(play: Runner["play"], shader: WgslKernel, memory: Memory, scalars: Readonly<Record<string, number>>): Promise<Memory> {
  const names = Object.keys(memory);
  const buffers = Object.fromEntries(names.map((name) => [name, { memory: name, base: testBase }]));
  const contents = Object.fromEntries(Object.entries(memory).map(([name, data]) => [name, withBase(data)]));
  const after = await play({ memory: contents, steps: [{ kind: "launch", shader, buffers, scalars }] });
  return Object.fromEntries(
    Object.entries(memory).map(([name, data]) => {
      const bytes = (after[name] ?? new Uint8Array()).slice(4 * testBase).buffer;
      return [name, data instanceof Int32Array ? new Int32Array(bytes, 0, data.length) : new Float32Array(bytes, 0, data.length)];
    }),
  );
}

/** The process that plays scripts one after the other; null where this machine has no GPU for it. */
export async function openRunner(): Promise<Runner | null> {
  const environment = swiftshaderEnvironment();
  if (environment === null) return skip("wgsl: shaders are not run: no SwiftShader (Debian's chromium) on this machine");
  const child = fork(fileURLToPath(new URL("run-process.ts", import.meta.url)), {
    execArgv: ["--import", "tsx"],
    env: { ...process.env, ...environment },
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const next = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the process that runs shaders ended with ${code}`));
      child.once("exit", ended);
      child.once("message", (message: T) => {
        child.off("exit", ended);
        resolve(message);
      });
    });
  if (!(await next<boolean>())) {
    child.disconnect();
    return skip("wgsl: shaders are not run: SwiftShader does not start on this machine");
  }
  const play: Runner["play"] = async (script) => {
    const answer = next<Answer>();
    child.send(script);
    const result = await answer;
    if ("error" in result) throw new Error(result.error);
    return result.memory;
  };
  return { play, run: (shader, memory, scalars = {}) => runKernel(play, shader, memory, scalars), close: () => child.disconnect() };
}
