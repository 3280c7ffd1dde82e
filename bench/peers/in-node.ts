/** Runs sessions in processes of their own, under this Node or another. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { patience, silence } from "./patience.ts";
import type { Message, Spec } from "./session.ts";

/** Where a session runs: calls `hear` for what it says, resolves when it is over. */
export type RunSession = (spec: Spec, hear: (message: Message) => void) => Promise<void>;

/** With the loader that this process was started with. */
export function inNode(execPath: string): RunSession {
  return (spec, hear) =>
    new Promise((resolve) => {
      const child = fork(fileURLToPath(new URL("child.ts", import.meta.url)), [JSON.stringify(spec)], { execPath, execArgv: process.execArgv });
      const { heard, over, end } = patience(silence);
      over.catch((error: Error) => {
        hear({ kind: "failed", reason: error.message });
        child.kill("SIGKILL");
      });
      child.on("message", (message: Message) => {
        heard();
        hear(message);
      });
      child.on("error", (error) => hear({ kind: "failed", reason: error.message }));
      child.on("exit", (code, signal) => {
        end();
        if (code !== 0) hear({ kind: "failed", reason: `its process ended with ${signal ?? code}` });
        resolve();
      });
    });
}
