/**
 * Bytes of dead buffers. A handle that was dropped without `dispose` gives its bytes back when V8 collects it, but V8 sees a
 * handle of some hundred bytes, not the megabytes behind it, and finalisers run only in macrotasks. So when the bytes held have
 * grown by a budget, a collection is provoked and a macrotask awaited.
 *
 * Tried on Node 20 (V8 11.3), plain, 20,000 dead handles a round:
 * - setImmediate, setTimeout or microtasks alone: nothing is collected, ever.
 * - Dropping ArrayBuffers of 64 MiB to 1 GiB counts as external memory and starts incremental marking, which needs some
 *   milliseconds of idle time or several more drops to finish: handles go after 1 to 10 tries. SharedArrayBuffers do not count.
 * - Dropping one ArrayBuffer larger than half of the heap limit (2.2 GB at the default limit of 4.1 GB) makes V8 collect at once:
 *   4 to 6 ms with a small heap, 25 ms with 20 MB of live objects, 90 ms with 100 MB. The memory is never touched, so the process
 *   does not grow; `process.memoryUsage().external` shows it until the next scavenge. All finalisers have run after one
 *   setImmediate or setTimeout. A MessageChannel does not do: its tasks overtake V8's.
 * - An ArrayBuffer that cannot be had (2^52 bytes) makes V8 collect three times before it throws: certain whatever the heap limit,
 *   leaves nothing behind, four times as slow. It is the second try.
 * - `WeakRef`s made in the same macrotask keep their targets, so polling them shows a synchronous loop nothing.
 * - Inside a synchronous loop only `FinalizationRegistry.prototype.cleanupSome` finalises. Node 20 has it behind a V8 flag that may
 *   be set while running; asking costs 2 ms once. It is the last resort of a synchronous program, where engines have it.
 * `register` and `unregister` cost 0.3 µs each. `relieve` below the budget costs a comparison.
 */
import { counters } from "./counters.ts";

const defaultBudget = 64 * 2 ** 20;
/** A synchronous program cannot yield, so it is left alone for longer. */
const patienceOfSync = 4;

/** The shortest wait after which finalisers have run. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

/** Asks for memory that is dropped at once; see above. */
function provoke(bytes: number): void {
  counters.collections++;
  try {
    void new ArrayBuffer(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

const largerThanHalfTheHeap = 2.25 * 2 ** 30;
const unavailable = 2 ** 52;

/** Runs the finalisers that are due, where the engine can do so without yielding. */
type Finalise = (registry: FinalizationRegistry<never>) => void;
let finaliser: Finalise | null = null;

function findFinaliser(): Finalise {
  if (typeof process === "undefined" || typeof process.getBuiltinModule !== "function") return () => undefined;
  process.getBuiltinModule("node:v8").setFlagsFromString("--harmony-weak-refs-with-cleanup-some");
  // the flag is read when a realm is made, so the method comes from a new one
  const cleanupSome: unknown = process.getBuiltinModule("node:vm").runInNewContext("FinalizationRegistry.prototype.cleanupSome");
  if (typeof cleanupSome !== "function") return () => undefined;
  return (registry) => void Reflect.apply(cleanupSome, registry, []);
}

export interface PressureOptions {
  /** Bytes by which what is held may grow before a collection is provoked; 64 MiB unless told. */
  readonly budgetBytes?: number | undefined;
  /** Waits for work under way, which holds what it reads: only then can that be collected. Must not reject. */
  readonly settle?: () => Promise<unknown>;
}

/** Watches the bytes held by buffers, live and dead, and makes the dead ones go. */
export class Pressure {
  readonly #held: () => number;
  readonly #registry: FinalizationRegistry<never>;
  readonly #budget: number;
  readonly #settle: (() => Promise<unknown>) | undefined;
  /** The least that was held since the last collection: about what is live. */
  #floor = 0;
  #running: Promise<boolean> | null = null;

  constructor(held: () => number, registry: FinalizationRegistry<never>, options: PressureOptions = {}) {
    this.#held = held;
    this.#registry = registry;
    this.#budget = options.budgetBytes ?? defaultBudget;
    this.#settle = options.settle;
  }

  /** Whether the bytes held have grown by the budget (a quarter of what is live, where that is more). */
  get over(): boolean {
    return this.#grownBy(1);
  }

  /** Provokes a collection if over the budget or `urgent` and lets finalisers run; resolves to whether bytes were given back. */
  async relieve(urgent?: "urgent"): Promise<boolean> {
    if (urgent === "urgent") return this.#collect(() => true);
    if (!this.over) return false;
    this.#running ??= this.#collect(() => this.over).finally(() => void (this.#running = null));
    return this.#running;
  }

  /** The same without yielding, at four times the budget or when `urgent`; gives bytes back only where the engine can. */
  relieveSync(urgent?: "urgent"): boolean {
    if (urgent === undefined && !this.#grownBy(patienceOfSync)) return false;
    const before = this.#held();
    finaliser ??= findFinaliser();
    provoke(largerThanHalfTheHeap);
    finaliser(this.#registry);
    this.#floor = this.#held();
    return this.#floor < before;
  }

  #grownBy(budgets: number): boolean {
    const held = this.#held();
    if (held < this.#floor) this.#floor = held;
    return held - this.#floor > budgets * Math.max(this.#budget, this.#floor / 4);
  }

  /** Tries while there is need, and ends in any case. */
  async #collect(need: () => boolean): Promise<boolean> {
    const before = this.#held();
    await this.#settle?.();
    for (const bytes of [largerThanHalfTheHeap, unavailable]) {
      provoke(bytes);
      for (let yields = 0; yields < 3 && need(); yields++) await macrotask();
      if (!need()) break;
    }
    this.#floor = this.#held();
    return this.#floor < before;
  }
}
