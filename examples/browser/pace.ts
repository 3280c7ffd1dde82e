/** How fast steps come, and how the page stays awake between them. */

const channel = new MessageChannel();
const waiting: (() => void)[] = [];
channel.port1.addEventListener("message", () => waiting.shift()?.());
channel.port1.start();

/** Lets the page do what it has to (paint, input) and goes on in the next task; timers would wait for 4 ms. */
export function taskAfterwards(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel.port2.postMessage(null);
  });
}

/** Over so many milliseconds speed is measured. */
const span = 2000;

/** Steps a second, over the last two seconds. */
export class Speed {
  #times: number[] = [];

  count(): void {
    const now = performance.now();
    this.#times = [...this.#times.filter((t) => now - t < span), now];
  }

  /** What was done meanwhile was no step: measuring begins anew. */
  skip(): void {
    this.#times = [];
  }

  /** Null before there are enough to tell. */
  get perSecond(): number | null {
    const [first, last] = [this.#times[0], this.#times.at(-1)];
    if (first === undefined || last === undefined || this.#times.length < 3) return null;
    return ((this.#times.length - 1) / (last - first)) * 1000;
  }
}
