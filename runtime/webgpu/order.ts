/** Call order: what was asked first is done first, also where it has to wait until it is ready. */

export class CallOrder {
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** Does `task` in its turn, and not before `ready` (which must not reject); at once where nothing waits. The task must not throw. */
  add(ready: Promise<void> | null, task: () => void): void {
    if (this.#waiting === 0 && ready === null) {
      task();
      return;
    }
    this.#waiting++;
    this.#tail = this.#turn(this.#tail, ready, task);
  }

  async #turn(before: Promise<void>, ready: Promise<void> | null, task: () => void): Promise<void> {
    await before;
    await ready;
    this.#waiting--;
    task();
  }
}
