/** Plays scenarios in a process of its own, whose environment names a software Vulkan to the loader. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { skip, swiftshaderEnvironment } from "../../wgsl/dawn.ts";

export interface Player {
  /** What went wrong in a scenario, or null. */
  readonly play: (name: string) => Promise<string | null>;
  readonly close: () => void;
}

/** The path and the options with which a program is forked; null where there is no software Vulkan. */
export function forkable(program: URL): { readonly path: string; readonly options: Parameters<typeof fork>[2] } | null {
  const environment = swiftshaderEnvironment();
  if (environment === null) return null;
  const path = fileURLToPath(program);
  return {
    path,
    options: { execArgv: ["--expose-gc", "--import", "tsx"], env: { ...process.env, ...environment }, stdio: ["ignore", "ignore", "ignore", "ipc"] },
  };
}

/** Null, said in one line, where this machine has no GPU for it. */
export async function openPlayer(): Promise<Player | null> {
  const program = forkable(new URL("scenario-process.ts", import.meta.url));
  if (program === null) return skip("webgpu: the device is not tested: no SwiftShader (Debian's chromium) on this machine");
  const child = fork(program.path, program.options);
  const next = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the process that plays scenarios ended with ${code}`));
      child.once("exit", ended);
      child.once("message", (message: T) => {
        child.off("exit", ended);
        resolve(message);
      });
    });
  if (!(await next<boolean>())) {
    child.disconnect();
    return skip("webgpu: the device is not tested: SwiftShader does not start on this machine");
  }
  const play: Player["play"] = async (name) => {
    if (!child.connected) throw new Error("the process that plays scenarios has ended");
    const answer = next<{ readonly problem: string | null }>();
    child.send(name);
    return (await answer).problem;
  };
  return { play, close: () => child.disconnect() };
}
