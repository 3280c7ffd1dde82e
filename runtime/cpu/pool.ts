/**
 * Threads that take a share of large kernels. The caller lays a job out in shared memory, takes chunks itself, and waits only for
 * chunks that others have claimed: it can finish any job alone. Turns of a kernel are independent, so results do not depend on who ran
 * them. Threads look for work for some microseconds and then sleep; to wake them takes about 10 µs, so jobs below 100 µs are not worth
 * it, and below 20 µs not even threads that are awake.
 *
 * A thread that died with a chunk is noticed by time. The pool is ended then, so that nothing is written later, and the caller runs the
 * kernel again; only one that reads what it writes cannot be run again. The next large kernel starts new threads.
 */
import { CompilerBug, DeviceError } from "../../compiler/ir/errors.ts";
import { counters } from "../counters.ts";
import type { LinearMemory } from "./heap.ts";
import type { Caller, Frame } from "./launch.ts";
import type { LoadedModule } from "./modules.ts";
import { layout as W } from "./pool-layout.ts";
import type { StartThread, Thread } from "./threads.ts";
import { maySleep, warn } from "./threads.ts";

/** A kernel that can be shared. */
export interface SharedKernel {
  readonly plan: string;
  readonly module: LoadedModule;
  /** Its position in the module. */
  readonly kernel: number;
  /** Slots of the frame with its arguments. */
  readonly slots: readonly number[];
  /** Whether it may run again after it ran in part, its buffers being where this frame says. */
  readonly isRepeatable: (frame: Frame) => boolean;
  readonly turns: number;
  readonly turnNs: number;
  readonly scratchBytes: number;
  readonly call: Caller;
}

export interface PoolOptions {
  /** Milliseconds without any progress after which a thread that holds a chunk counts as dead. */
  readonly patienceMs?: number;
  readonly start: StartThread;
  /** Nanoseconds of work that are worth waking threads for; 100,000 unless told, a fifth of it where they are awake. */
  readonly leastNs?: number;
}

const usualLeastNs = 100_000;
const awakeShare = 0.2;
/** Below this a chunk costs more to claim and to fetch into a cache than it evens out. */
const chunkNs = 15_000;
const chunksEach = 8;
const spinMs = 0.05;
/** So many threads may die before the pool stays closed. */
const mostDeaths = 8;

function blocks(): [Int32Array<SharedArrayBuffer>, Float64Array<SharedArrayBuffer>] {
  const shared = new SharedArrayBuffer(W.bytes);
  return [new Int32Array(shared), new Float64Array(shared)];
}

export class WorkerPool {
  readonly #memory: LinearMemory;
  readonly #start: StartThread;
  readonly #patienceMs: number;
  readonly #asleepNs: number;
  readonly #awakeNs: number;
  #threads: (Thread | null)[] = [];
  #words: Int32Array<SharedArrayBuffer>;
  #numbers: Float64Array<SharedArrayBuffer>;
  #deaths = 0;
  readonly #maySleep: boolean;
  /** How many threads work together, the caller among them. */
  readonly width: number;

  constructor(memory: LinearMemory, width: number, { start, patienceMs = 2000, leastNs = usualLeastNs }: PoolOptions) {
    this.#memory = memory;
    this.#asleepNs = leastNs;
    this.#awakeNs = leastNs * awakeShare;
    this.#start = start;
    this.#patienceMs = patienceMs;
    this.width = Math.min(width, W.mostThreads);
    [this.#words, this.#numbers] = blocks();
    this.#maySleep = maySleep(this.#words);
  }

  /** How many threads beside the caller have started and look for work. */
  get ready(): number {
    return Atomics.load(this.#words, W.ready);
  }

  /** Whether these nanoseconds of work are better shared. Starts the threads where they would have been of use; nobody waits for them. */
  pays(ns: number): boolean {
    if (ns < this.#awakeNs) return false;
    const words = this.#words;
    if (ns < this.#asleepNs && Atomics.load(words, W.sleeping) > 0) return false;
    if (this.#threads.length < this.width - 1 || this.#threads.includes(null)) this.#startMissing();
    return Atomics.load(words, W.ready) > 0;
  }

  /** Starts what is missing now, so that the first large kernel finds it. */
  #startMissing(): void {
    if (this.#deaths >= mostDeaths) return;
    for (let index = 0; index < this.width - 1; index++) {
      if ((this.#threads[index] ?? null) !== null) continue;
      const data = { words: this.#words, numbers: this.#numbers, memory: this.#memory, index, spinMs, mostInstances: 256 };
      const thread: Thread = this.#start(data, (reason) => this.#died(index, thread, reason));
      this.#threads[index] = thread;
    }
  }

  /** One that ended by itself, while it had nothing to do: another takes its place when there is work again. */
  #died(index: number, thread: Thread, reason: string): void {
    if (this.#threads[index] !== thread) return;
    this.#threads[index] = null;
    if (this.ready > 0) Atomics.sub(this.#words, W.ready, 1);
    this.#report(reason);
  }

  #report(reason: string): void {
    counters.threadsLost++;
    this.#deaths++;
    const next = this.#deaths < mostDeaths ? "others will be started" : "no others will be started";
    if (this.#deaths === 1 || this.#deaths === mostDeaths) warn(`lazuli: a thread of the CPU was lost: ${reason}. The work goes on; ${next}.`);
  }

  /** Ends all threads, wherever they are. */
  close(): void {
    const threads = this.#threads;
    this.#threads = [];
    Atomics.store(this.#words, W.stop, 1);
    Atomics.add(this.#words, W.job, 1);
    Atomics.notify(this.#words, W.job);
    for (const thread of threads) thread?.terminate();
    // what still stirs finds nothing of the next job in these
    [this.#words, this.#numbers] = blocks();
  }

  /** Waits until `count` threads look for work, or the time is over; whether they do. For tests and clocks: nothing else waits for them. */
  async warm(count: number = this.width - 1, patienceMs: number = 10_000): Promise<boolean> {
    this.#startMissing();
    for (const until = performance.now() + patienceMs; this.ready < count && performance.now() < until;) await new Promise((done) => setTimeout(done, 2));
    return this.ready >= count;
  }

  /** All turns of a kernel: `frame` has its arguments, and from `scratch` on each thread has its scratch. */
  run(kernel: SharedKernel, frame: Frame, scratch: number): void {
    const { turns, call } = kernel;
    const chunks = this.#publish(kernel, frame, scratch);
    const start = performance.now();
    let taken = 0;
    try {
      for (let left = chunks; left > 0; left = this.#claim()) {
        const chunk = chunks - left;
        taken++;
        call(Math.floor((turns * chunk) / chunks), Math.floor((turns * (chunk + 1)) / chunks), scratch, frame);
      }
    } finally {
      // after an error too: nobody may still be at work when this ends
      while (this.#claim() > 0) taken++;
      const done = Atomics.add(this.#words, W.done, taken) + taken;
      if (done < chunks && !this.#join(chunks, (performance.now() - start) / taken)) this.#recover(kernel, frame, scratch);
    }
    counters.launchesShared++;
    if (Atomics.load(this.#words, W.failed) !== 0) throw new CompilerBug(`plan ${kernel.plan}: a kernel failed: ${this.#message()}`);
  }

  /** The number of chunks; the caller has claimed the first. */
  #publish({ module, kernel, slots, turns, turnNs, scratchBytes }: SharedKernel, frame: Frame, scratch: number): number {
    const [words, numbers] = [this.#words, this.#numbers];
    const { id, at: start, headBytes, binaryBytes } = module.publication;
    const fitting = Math.min(this.width * chunksEach, Math.floor((turns * turnNs) / chunkNs));
    const chunks = Math.min(turns, W.mostChunks, Math.max(this.width, fitting));
    words[W.module] = id;
    words[W.kernel] = kernel;
    words[W.turns] = turns;
    words[W.chunks] = chunks;
    words[W.argCount] = slots.length;
    words[W.done] = 0;
    words[W.failed] = 0;
    numbers[W.moduleAt] = start;
    numbers[W.headBytes] = headBytes;
    numbers[W.binaryBytes] = binaryBytes;
    numbers[W.constants] = module.constants;
    numbers[W.scratch] = scratch;
    numbers[W.scratchBytes] = scratchBytes;
    for (let i = 0; i < slots.length; i++) numbers[W.args + i] = frame[slots[i] ?? 0] ?? 0;
    const job = Atomics.load(words, W.job) + 1;
    Atomics.store(words, W.ticket, ((job & W.mostJobs) << W.chunkBits) | (chunks - 1));
    Atomics.store(words, W.job, job);
    if (Atomics.load(words, W.sleeping) > 0) Atomics.notify(words, W.job, chunks - 1);
    return chunks;
  }

  /** How many chunks were left before one of them was claimed; 0 where there were none. */
  #claim(): number {
    for (;;) {
      const ticket = Atomics.load(this.#words, W.ticket);
      const left = ticket & W.mostChunks;
      if (left === 0 || Atomics.compareExchange(this.#words, W.ticket, ticket, ticket - 1) === ticket) return left;
    }
  }

  /** Waits until all chunks are done: first awake, for as long as a sleep would cost. False where nothing happens any more. */
  #join(chunks: number, chunkMs: number): boolean {
    const words = this.#words;
    const patience = Math.max(this.#patienceMs, 50 * chunkMs);
    const start = performance.now();
    let [done, before, quiet] = [Atomics.load(words, W.done), start, 0];
    while (done < chunks) {
      for (let i = 0; i < 200 && Atomics.load(words, W.done) < chunks; i++);
      const now = performance.now();
      if (this.#maySleep && now - start > spinMs) Atomics.wait(words, W.done, done, Math.min(50, patience));
      const seen = Atomics.load(words, W.done);
      // a computer that was asleep did not wait for long
      quiet = seen === done ? quiet + Math.min(now - before, 100) : 0;
      if (quiet > patience) return false;
      [done, before] = [seen, now];
    }
    return true;
  }

  /** A thread died with a chunk. */
  #recover({ plan, call, turns, isRepeatable }: SharedKernel, frame: Frame, scratch: number): void {
    this.close();
    this.#report("it did not finish its share of a kernel");
    if (!isRepeatable(frame)) throw new DeviceError(`cpu: plan ${plan}: a thread died in a kernel that writes over what it reads. Its results are lost.`);
    call(0, turns, scratch, frame);
  }

  #message(): string {
    const length = Atomics.load(this.#words, W.messageLength);
    return String.fromCharCode(...this.#words.subarray(W.message, W.message + length));
  }
}
