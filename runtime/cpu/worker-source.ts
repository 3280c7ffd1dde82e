/**
 * What a thread of the pool runs, as text: programs are bundled into one file, and then there is none beside it that a thread could be
 * started from. It is plain JavaScript without imports, for Node (`eval: true`) and for a Blob in a page.
 *
 * A thread waits for a job, makes an instance of the job's module if it has none, and claims chunks until there are none. What it reads
 * of a job before it has a claim may belong to the next one: a claim succeeds only while the ticket still carries the number of the job
 * that was read, and as long as a chunk is left the job stands.
 */
import { layout } from "./pool-layout.ts";

/** Scalar functions for code that has none of its own: those of `Math`, and what it lacks. The text below has them too. */
export const hostFunctions: Readonly<Record<string, (a: number, b: number) => number>> = {
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atan2: Math.atan2,
  atanh: Math.atanh,
  cbrt: Math.cbrt,
  cos: Math.cos,
  cosh: Math.cosh,
  exp: Math.exp,
  exp2: (a) => 2 ** a,
  expm1: Math.expm1,
  fmod: (a, b) => a % b,
  log: Math.log,
  log10: Math.log10,
  log1p: Math.log1p,
  log2: Math.log2,
  pow: Math.pow,
  sin: Math.sin,
  sinh: Math.sinh,
  tan: Math.tan,
  tanh: Math.tanh,
};

export const workerSource: string = `"use strict";
const W = ${JSON.stringify(layout)};
const more = { exp2: (a) => 2 ** a, fmod: (a, b) => a % b };

function serve({ words, numbers, memory, index, spinMs, mostInstances }) {
  const own = W.threads + index * W.threadWords;
  const instances = new Map();
  Atomics.add(words, W.ready, 1);
  Atomics.notify(words, W.ready);
  for (let job = 0; ; ) {
    job = nextJob(job);
    if (Atomics.load(words, W.stop) !== 0) return;
    const kernel = kernelOf(job);
    if (kernel !== undefined) work(job, kernel);
  }

  function nextJob(job) {
    const until = performance.now() + spinMs;
    do {
      for (let i = 0; i < 64; i++) {
        const now = Atomics.load(words, W.job);
        if (now !== job) return now;
      }
    } while (performance.now() < until);
    Atomics.add(words, W.sleeping, 1);
    Atomics.wait(words, W.job, job);
    Atomics.sub(words, W.sleeping, 1);
    return Atomics.load(words, W.job);
  }

  function left(job) {
    const ticket = Atomics.load(words, W.ticket);
    return ticket >>> W.chunkBits === (job & W.mostJobs) ? ticket & W.mostChunks : 0;
  }

  function kernelOf(job) {
    const id = words[W.module];
    const kernel = words[W.kernel];
    const known = instances.get(id) ?? instanceOf(job, id);
    return known[kernel];
  }

  function instanceOf(job, id) {
    const [start, headBytes, constants] = [numbers[W.moduleAt], numbers[W.headBytes], numbers[W.constants]];
    const length = headBytes + numbers[W.binaryBytes];
    // another thread may have grown the memory: this one's view of it is made anew then
    if (memory.buffer.byteLength < start + length) memory.grow(0);
    if (memory.buffer.byteLength < start + length) return [];
    const bytes = new Uint8Array(memory.buffer, start, length).slice();
    if (left(job) === 0) return [];
    const names = JSON.parse(new TextDecoder().decode(bytes.subarray(0, headBytes)));
    const module = new WebAssembly.Module(bytes.subarray(headBytes));
    const env = { memory, constants };
    for (const { name, kind } of WebAssembly.Module.imports(module)) {
      if (kind === "function") env[name] = more[name] ?? Math[name];
    }
    const { exports } = new WebAssembly.Instance(module, { env });
    const kernels = names.map((name) => exports[name]);
    if (instances.size >= mostInstances) instances.delete(instances.keys().next().value);
    instances.set(id, kernels);
    return kernels;
  }

  function work(job, kernel) {
    const [turns, chunks] = [words[W.turns], words[W.chunks]];
    const scratch = numbers[W.scratch] + (index + 1) * numbers[W.scratchBytes];
    const args = Array.from(numbers.subarray(W.args, W.args + words[W.argCount]));
    for (let taken = claim(job); taken > 0; taken = claim(job)) {
      const chunk = chunks - taken;
      Atomics.store(words, own, chunk + 1);
      try {
        kernel(Math.floor((turns * chunk) / chunks), Math.floor((turns * (chunk + 1)) / chunks), scratch, ...args);
      } catch (error) {
        report(error);
      }
      Atomics.store(words, own, 0);
      if (Atomics.add(words, W.done, 1) + 1 === chunks) Atomics.notify(words, W.done);
    }
  }

  function claim(job) {
    for (;;) {
      const many = left(job);
      if (many === 0) return 0;
      const ticket = ((job & W.mostJobs) << W.chunkBits) | many;
      if (Atomics.compareExchange(words, W.ticket, ticket, ticket - 1) === ticket) return many;
    }
  }

  function report(error) {
    const text = String(error).slice(0, W.messageWords);
    for (let i = 0; i < text.length; i++) words[W.message + i] = text.charCodeAt(i);
    Atomics.store(words, W.messageLength, text.length);
    Atomics.store(words, W.failed, 1);
  }
}

if (typeof require === "function") serve(require("node:worker_threads").workerData);
else self.onmessage = ({ data }) => serve(data);
`;
