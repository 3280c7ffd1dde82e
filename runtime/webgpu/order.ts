/** Call order: what was asked first is done first, also where it has to wait until it is ready. */

/** Must neither throw nor reject. Where it returns a promise, what comes after it waits for that. */
export type Task = () => unknown;

export class CallOrder {
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** Does `task` in its turn, and not before `ready` (which must not reject); at once where nothing waits. */
  add(ready: Promise<void> | null, task: Task): void {
    if (this.#waiting === 0 && ready === null) {
      const rest = task();
      if (rest instanceof Promise) this.#tail = this.#turn(rest, null, () => {});
      return;
    }
    this.#tail = this.#turn(this.#tail, ready, task);
  }

  async #turn(before: Promise<void>, ready: Promise<void> | null, task: Task): Promise<void> {
    this.#waiting++;
    await before;
    await ready;
    const rest = task();
    if (rest instanceof Promise) await rest;
    this.#waiting--;
  }
}
