/** What lives after some tasks. */
import { at } from "../../ir/errors.ts";
import type { Item, Task } from "./tasks.ts";

/** Bytes that live after a task, and the most that did until then; with outputs that could have been in the memory of inputs. */
export interface Use {
  readonly live: number;
  readonly peak: number;
}

export class Progress {
  /** Readers that are still to come. */
  readonly #left: Map<Item, number>;
  /** How many each task waits for. */
  readonly #waits: number[];
  /** Tasks that wait for nothing. */
  readonly ready: Set<number>;
  use: Use = { live: 0, peak: 0 };

  constructor(tasks: readonly Task[], like: Progress | null = null) {
    this.#waits = like === null ? tasks.map((t) => t.before.size) : [...like.#waits];
    this.ready = new Set(like === null ? tasks.flatMap((t) => (t.before.size === 0 ? [t.index] : [])) : like.ready);
    this.#left = new Map(like === null ? [] : like.#left);
    if (like === null) for (const t of tasks) for (const item of [...t.makes, ...t.visits]) this.#left.set(item, item.readers.size);
    if (like !== null) this.use = like.use;
  }

  #isLast(item: Item): boolean {
    return this.#left.get(item) === 1;
  }

  /** Bytes by which what lives grows with a task. */
  growth(t: Task): number {
    let bytes = 0;
    for (const item of t.makes) if (item.readers.size > 0) bytes += item.bytes;
    for (const item of t.reads) if (this.#isLast(item)) bytes -= item.bytes;
    return bytes;
  }

  after(t: Task): Use {
    let most = this.use.live + t.own;
    for (const item of t.makes) most += item.bytes;
    for (const { old, bytes } of t.over) if (this.#isLast(old)) most -= bytes;
    // an output that finds its place still read has memory of its own, from the first step to the last
    const apart = t.takes.reduce((n, item) => (this.#isLast(item) ? n : n + item.bytes), 0);
    return { live: this.use.live + this.growth(t) + apart, peak: Math.max(this.use.peak, most) + apart };
  }

  run(t: Task): void {
    this.use = this.after(t);
    for (const item of t.reads) this.#left.set(item, (this.#left.get(item) ?? 0) - 1);
    for (const item of t.visits) this.#left.set(item, (this.#left.get(item) ?? 0) - 1);
    this.ready.delete(t.index);
    for (const i of t.after) {
      const waits = at(this.#waits, i) - 1;
      this.#waits[i] = waits;
      if (waits === 0) this.ready.add(i);
    }
  }
}

/** Bytes of shared temporaries that live at the worst time of an order. */
export function liveBytes(tasks: readonly Task[], order: readonly number[]): number {
  const state = new Progress(tasks);
  for (const i of order) state.run(at(tasks, i));
  return state.use.peak;
}
