/** Starting a thread that runs the text of worker-source.ts, in Node and in cross-origin isolated pages. */
import type { LinearMemory } from "./heap.ts";
import { workerSource } from "./worker-source.ts";

/** What a thread is given when it starts. */
export interface ThreadData {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly numbers: Float64Array<SharedArrayBuffer>;
  readonly memory: LinearMemory;
  /** Its number among the threads of the pool, from 0. */
  readonly index: number;
  /** Milliseconds of looking for the next job before it sleeps. */
  readonly spinMs: number;
  /** Modules of which it keeps an instance. */
  readonly mostInstances: number;
}

export interface Thread {
  /** Ends it, wherever it is. */
  readonly terminate: () => void;
}

/** Starts a thread; `died` is called, at some later turn of the event loop, when it ends by itself, with the reason. */
export type StartThread = (data: ThreadData, died: (reason: string) => void) => Thread;

const inNode = (): boolean => typeof process !== "undefined" && typeof process.getBuiltinModule === "function";

/** More threads than this gain little where memory is shared by all. */
const mostUsual = 8;

/** As many threads as there are cores, up to eight; 1 where threads cannot share memory. */
export function usualThreads(): number {
  if (threadStarter() === null) return 1;
  const cores = inNode() ? process.getBuiltinModule("node:os").availableParallelism() : navigator.hardwareConcurrency;
  return Math.max(1, Math.min(mostUsual, cores));
}

/** How threads are started here; null where there are none, as in a page that is not isolated. */
export function threadStarter(): StartThread | null {
  if (typeof SharedArrayBuffer === "undefined") return null;
  if (inNode()) return startInNode;
  return typeof Worker === "undefined" || typeof Blob === "undefined" ? null : startInPage;
}

const startInNode: StartThread = (data, died) => {
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  // options of this process, as loaders, are none of its business
  const worker = new Worker(workerSource, { eval: true, workerData: data, execArgv: [], name: "lazuli" });
  let reason = "";
  worker.on("error", (error) => void (reason = String(error)));
  worker.on("exit", (code) => died(reason === "" ? `it ended with code ${code}` : reason));
  // a program ends when its own work is done
  worker.unref();
  return { terminate: () => void worker.terminate() };
};

const startInPage: StartThread = (data, died) => {
  const url = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "lazuli" });
  worker.addEventListener("error", (event) => {
    worker.terminate();
    // what could not be loaded has no message
    const { message = "" }: { readonly message?: string } = event;
    died(message === "" ? "it could not be started: does the page's policy allow worker-src blob: ?" : message);
  });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's, not a worker's
  worker.postMessage(data);
  URL.revokeObjectURL(url);
  return { terminate: () => worker.terminate() };
};

/** Whether this thread may sleep until another wakes it: the main thread of a page may not. */
export function maySleep(words: Int32Array<SharedArrayBuffer>): boolean {
  try {
    Atomics.wait(words, 0, Atomics.load(words, 0) + 1, 0);
    return true;
  } catch {
    return false;
  }
}

/** Tells the user once what is worth knowing though the work goes on. */
export function warn(message: string): void {
  if (inNode()) process.emitWarning(message, "LazuliWarning");
  // oxlint-disable-next-line no-console -- a page has nothing else
  else console.warn(message);
}
